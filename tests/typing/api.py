"""The client's types as a user meets them; mypy reads this file, nobody runs it."""

from __future__ import annotations

from typing import Any

from typing_extensions import assert_type

from groqnb import AsyncGroq, Groq, RateLimitError, StreamError
from groqnb.types.chat import ChatCompletion, ChatCompletionChunk, Message, Usage
from groqnb.types.models import ModelList, RetrievedModel
from groqnb.types.rate_limit import RateLimit
from groqnb.types.response_events import ResponseEvent, TextDelta
from groqnb.types.responses import OutputItem, Response, ResponseUsage
from groqnb.wire.stream import AsyncStream, Stream


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
