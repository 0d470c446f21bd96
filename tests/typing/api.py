"""The client's types as a user meets them; mypy reads this file, nobody runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel
from typing_extensions import assert_type

import groqnb
from groqnb import AsyncGroq, Groq, RateLimitError, StreamError
from groqnb.ledger.budget import Budget, reserve
from groqnb.ledger.report import Report
from groqnb.tools.turns import ToolRun
from groqnb.types.audio import Speech, Transcription, VerboseTranscription, Word
from groqnb.types.batches import Batch, BatchCard, BatchError, BatchOutput, read_output
from groqnb.types.chat import ChatCompletion, ChatCompletionChunk, Message, Usage
from groqnb.types.files import FileList, FileObject
from groqnb.types.fine_tunings import DeletedFineTuning, FineTuning
from groqnb.types.models import ModelList, RetrievedModel
from groqnb.types.parsed import ParsedChatCompletion
from groqnb.types.rate_limit import RateLimit
from groqnb.types.response_events import ResponseEvent, TextDelta
from groqnb.types.responses import OutputItem, Response, ResponseUsage
from groqnb.wire.download import AsyncDownload, Download
from groqnb.wire.stream import AsyncStream, Stream


class Invoice(BaseModel):
    total: float


def typed_answers(client: Groq) -> None:
    reply = client.chat.completions.parse(model="m", messages=[], response_format=Invoice)
    assert_type(reply, ParsedChatCompletion[Invoice])
    assert_type(reply.parsed, Invoice)
    assert_type(reply.parsed.total, float)
    many = client.chat.completions.parse(model="m", messages=[], response_format=list[Invoice])
    assert_type(many.parsed, list[Invoice])
    client.chat.completions.parse(  # type: ignore[call-overload]
        model="m", messages=[], response_format=Invoice, stream=True
    )


async def typed_answers_async(client: AsyncGroq) -> None:
    reply = await client.chat.completions.parse(model="m", messages=[], response_format=Invoice)
    assert_type(reply.parsed, Invoice)


def sync(client: Groq, streaming: bool) -> None:
    messages = [{"role": "user", "content": "Hello"}]
    reply = client.chat.completions.create(model="m", messages=messages, temperature=0.2)
    assert_type(reply, ChatCompletion)
    assert_type(reply.choices[0].message, Message)
    assert_type(reply.choices[0].message.content, str | None)
    assert_type(reply.usage, Usage | None)
    assert_type(reply.rate_limit, RateLimit | None)
    assert_type(reply.request_id, str | None)

    stream = client.chat.completions.create(model="m", messages=messages, stream=True)
    assert_type(stream, Stream[ChatCompletionChunk])
    for chunk in stream:
        assert_type(chunk, ChatCompletionChunk)
        assert_type(chunk.choices[0].delta.content, str | None)
    with stream as same:
        assert_type(same, Stream[ChatCompletionChunk])
    assert_type(stream.ttft, float | None)

    either = client.chat.completions.create(model="m", messages=messages, stream=streaming)
    assert_type(either, ChatCompletion | Stream[ChatCompletionChunk])

    # A message of a reply goes back as it is.
    client.chat.completions.create(
        model="m", messages=[*messages, reply.choices[0].message], stop=["a"], seed=1
    )
    assert_type(client.models.list(), ModelList)
    assert_type(client.models.retrieve("m", timeout=3), RetrievedModel)
    with Groq(where="local", timeout=3.0) as other:
        assert_type(other, Groq)


async def asynchronous(client: AsyncGroq) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Hello"}]
    reply = await client.chat.completions.create(model="m", messages=messages)
    assert_type(reply, ChatCompletion)
    stream = await client.chat.completions.create(model="m", messages=messages, stream=True)
    assert_type(stream, AsyncStream[ChatCompletionChunk])
    async for chunk in stream:
        assert_type(chunk, ChatCompletionChunk)
    assert_type(await client.models.list(), ModelList)
    assert_type(await client.models.retrieve("m"), RetrievedModel)
    async with AsyncGroq() as other:
        assert_type(other, AsyncGroq)


def errors() -> None:
    try:
        pass
    except RateLimitError as error:
        assert_type(error.retry_after, float | None)
        assert_type(error.status_code, int)
        assert_type(error.hint, str | None)
    except StreamError as error:
        print(error.received)


def mistakes(client: Groq) -> None:
    # Each line must be an error: an ignore that is not needed is one itself.
    client.chat.completions.create(model="m")  # type: ignore[call-overload]
    client.chat.completions.create(model="m", messages=[], temprature=1)  # type: ignore[call-overload]
    client.chat.completions.create(model="m", messages=[], seed="x")  # type: ignore[call-overload]
    client.chat.completions.create("m", [])  # type: ignore[call-overload]
    Groq(apikey="x")  # type: ignore[call-arg]
    client.models.list().data[0].context_window + 1  # type: ignore[operator]


def responses(client: Groq) -> None:
    reply = client.responses.create(model="m", input="Hello", instructions="Be brief.")
    assert_type(reply, Response)
    assert_type(reply.output, list[OutputItem])
    assert_type(reply.output_text, str)
    assert_type(reply.usage, ResponseUsage | None)
    stream = client.responses.create(model="m", input="Hello", stream=True)
    assert_type(stream, Stream[ResponseEvent])
    for event in stream:
        if isinstance(event, TextDelta):
            assert_type(event.delta, str)
    # Items of an output go back as they are.
    question = {"role": "user", "content": "And then?"}
    client.responses.create(model="m", input=[question, *reply.output, question])


async def responses_asynchronous(client: AsyncGroq) -> None:
    assert_type(await client.responses.create(model="m", input="Hello"), Response)
    stream = await client.responses.create(model="m", input="Hello", stream=True)
    assert_type(stream, AsyncStream[ResponseEvent])


def endpoints(client: Groq) -> None:
    file = client.files.create(file="requests.jsonl", purpose="batch", progress=print)
    assert_type(file, FileObject)
    assert_type(file.bytes, int | None)
    client.files.create(file=("a.zip", b"x", "application/zip"), purpose="fine_tuning")
    assert_type(client.files.list(), FileList)
    content = client.files.content("file_01", timeout=5)
    assert_type(content, Download)
    assert_type(content.read(), bytes)
    assert_type(content.save("results.jsonl"), Path)
    for line in read_output(content.iter_lines()):
        assert_type(line, BatchOutput)
        assert_type(line.completion, ChatCompletion | None)

    batch = client.batches.create(
        input_file_id="file_01", endpoint="/v1/chat/completions", completion_window="24h"
    )
    assert_type(batch, Batch)
    assert_type(batch.problems, list[BatchError])
    page = client.batches.list(id=["a", "b"], cursor="c")
    assert_type(page.next_cursor, str | None)
    for card in page:
        assert_type(card, BatchCard)
    assert_type(client.batches.wait(batch.id, progress=lambda one: print(one.status)), Batch)

    said = client.audio.transcriptions.create(model="m", file=Path("talk.m4a"))
    assert_type(said, Transcription)
    assert_type(said.text, str)
    timed = client.audio.transcriptions.create(
        model="m",
        file=b"fLaC",
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert_type(timed, VerboseTranscription)
    assert_type(timed.words, list[Word] | None)
    assert_type(client.audio.translations.create(model="m", url="https://a.b/c"), Transcription)
    speech = client.audio.speech.create(model="m", voice="v", input="Hello.", sample_rate=8000)
    assert_type(speech, Speech)
    assert_type(speech.content, bytes)
    tuning = client.fine_tunings.create(base_model="m", input_file_id="f", name="n", type="lora")
    assert_type(tuning, FineTuning)
    assert_type(tuning.data.fine_tuned_model, str | None)


async def endpoints_asynchronous(client: AsyncGroq) -> None:
    assert_type(await client.files.create(file=b"x", purpose="batch"), FileObject)
    content = await client.files.content("file_01")
    assert_type(content, AsyncDownload)
    assert_type(await content.read(), bytes)
    async for line in content.iter_lines():
        assert_type(line, str)
    async for card in client.batches.list():
        assert_type(card, BatchCard)
    page = await client.batches.list()
    async for card in page:
        assert_type(card, BatchCard)
    assert_type(await client.batches.wait("batch_01"), Batch)
    timed = await client.audio.transcriptions.create(
        model="m", url="https://a.b/c", response_format="verbose_json"
    )
    assert_type(timed, VerboseTranscription)
    assert_type(await client.fine_tunings.delete("ft_01"), DeletedFineTuning)


def endpoint_mistakes(client: Groq) -> None:
    client.files.create(file=5, purpose="batch")  # type: ignore[arg-type]
    client.files.create(file=b"x", purpose="assistants")  # type: ignore[arg-type]
    client.audio.speech.create(input="a", model="m")  # type: ignore[call-arg]
    client.audio.speech.create(input="a", model="m", voice="v", sample_rate=1)  # type: ignore[arg-type]
    client.batches.create(input_file_id="f", endpoint="/v1/x", completion_window="24h")  # type: ignore[arg-type]


def sound() -> None:
    talk = groqnb.transcribe("talk.mp4", task="translate", thresholds={"avg_logprob": -0.3})
    assert_type(talk, groqnb.Transcript)
    assert_type(talk.retry(prompt="names").to_srt(), str)
    assert_type(talk.save("talk.vtt"), Path)
    said = groqnb.speak("Hello.", voice="Celeste", format="mp3", sample_rate=24000)
    assert_type(said, groqnb.Spoken)
    assert_type(said.audio, bytes)
    groqnb.transcribe("talk.mp4", task="summarize")  # type: ignore[arg-type]
    groqnb.speak("Hello.", format="aac")  # type: ignore[arg-type]


def usage_and_budget() -> None:
    assert_type(groqnb.budget(0.5, strict=True), Budget)
    assert_type(groqnb.budget("off"), None)
    assert_type(groqnb.budget(), Budget | None)
    report = groqnb.report("7d", baseline="30d", model=["a", "b"])
    assert_type(report, Report)
    assert_type(report.to_html(Path("report.html")), str)
    with reserve(0.1, "a batch") as held:
        held.settle(0.05)
    groqnb.budget("on")  # type: ignore[call-overload]
    groqnb.report(last="7d")  # type: ignore[call-arg]


def records(client: Groq) -> None:
    with groqnb.replay("demo.replay.json", "strict", timing=True) as record:
        client.models.list()
    assert_type(record.path, Path)
    assert_type(record.replayed, int)
    groqnb.replay("x", "stricter")  # type: ignore[arg-type]
    assert_type(groqnb.export("chat", "x.py", chat="a", package="openai"), str)
    groqnb.export("cells")  # type: ignore[arg-type]


async def rows() -> None:
    mapped = groqnb.map("{}", ["a"], model=["a", "b"], limits={"RPM": 30}, temperature=0.2)
    assert_type(next(mapped.results()), groqnb.RowResult)
    assert_type(next(mapped.results()).error, groqnb.RowError | None)
    async for result in groqnb.amap("{}", ["a"], resume="mine").results():
        assert_type(result, groqnb.RowResult)
    groqnb.map("{}", ["a"], errors="ignore")  # type: ignore[arg-type]
    groqnb.map("{}", ["a"], concurrency="many")  # type: ignore[arg-type]
    groqnb.map("{}", ["a"], temprature=1)  # type: ignore[call-arg]


def panels() -> None:
    panel = groqnb.chat(system="Be brief.", temperature=0)
    assert_type(panel, groqnb.ChatPanel)
    assert_type(panel.ask("Hello", images=["a.png"]), groqnb.Answer)
    assert_type(panel.conversation.export("json"), str)
    assert_type(panel.conversation.cost, float | None)
    play = groqnb.Playground(prompt="Hello", temperature=0)
    assert_type(play.run(), groqnb.Answer)
    assert_type(play.as_magic(), str | None)
    panel.conversation.export("pdf")  # type: ignore[arg-type]


async def tool_runs(client: Groq, awaited: AsyncGroq) -> None:
    def weather(city: str) -> str:
        return "sunny"

    run = groqnb.run_tools(client, messages="Hello", tools=[weather])
    assert_type(run, ToolRun)
    assert_type(await groqnb.arun_tools(awaited, messages="Hello", tools=[weather]), ToolRun)
    stream = groqnb.run_tools(client, messages="Hello", tools=[weather], stream=True)
    for event in stream:
        if event.type == "text":
            assert_type(event.text, str)
        elif event.type == "result":
            assert_type(event.error, str | None)
        elif event.type == "answer":
            assert_type(event.answer, groqnb.Answer)
    assert_type(groqnb.show(stream), groqnb.Answer)
    later = groqnb.arun_tools(awaited, messages="Hello", tools=[weather], stream=True)
    async for event in later:
        assert_type(event.round, int)
    assert_type(await later, ToolRun)
    assert_type(await groqnb.show(later), groqnb.Answer)
    groqnb.run_tools(awaited, messages="Hello", tools=[weather])  # type: ignore[call-overload]
    groqnb.arun_tools(client, messages="Hello", tools=[weather])  # type: ignore[call-overload]
