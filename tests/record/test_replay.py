"""Replay as clients see it: the same replies, streams, errors and times, with nothing sent."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from both_worlds import KEY, MESSAGES, MODEL, World, answering, both, completion
from chat_server import ChatServer
from raw_server import RawServer, chunked, plain, sse

import groqnb
from groqnb import AsyncGroq, Groq, ReplayError
from groqnb.record.replaying import Replay, switch_off
from groqnb.wire import tap
from groqnb.wire.retry import without_waiting

NOBODY = httpx.MockTransport(lambda request: pytest.fail(f"{request.url} was asked"))
"""A network that must not be used."""


@pytest.fixture(autouse=True)
def _switched_off() -> Any:
    yield
    switch_off()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "demo.replay.json"


def exchanges(path: Path) -> list[dict[str, Any]]:
    return [each for each in json.loads(path.read_text(encoding="utf-8")) if "request" in each]


def chunk(content: str | None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {} if content is None else {"content": content}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "created": 1, "model": MODEL, "choices": [choice], **more}


USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "completion_time": 0.25}
CHUNKS = [
    chunk("Hel", x_groq={"id": "req_1"}),
    chunk("lo "),
    chunk("😀"),
    chunk(None, "stop", x_groq={"id": "req_1", "usage": USAGE}),
]
EVENTS = {"content-type": "text/event-stream", "x-request-id": "req_1"}


# --- the same again, and nothing sent ---


@both
def test_a_whole_reply_is_the_same_with_no_network(world: World, path: Path) -> None:
    headers = {"x-request-id": "req_7", "x-ratelimit-remaining-tokens": "17", "set-cookie": "a=b"}
    reply = httpx.Response(200, json=completion("Hi"), headers=headers)
    with groqnb.replay(path):
        first = world.ask(world.client(transport=answering(reply)))
    with groqnb.replay(path) as record:
        again = world.ask(world.client(transport=NOBODY))
    assert again.model_dump() == first.model_dump()
    assert again.request_id == first.request_id == "req_7"
    assert again.rate_limit == first.rate_limit
    assert (record.replayed, record.added, record.size) == (1, 0, 1)
    assert "set-cookie" not in path.read_text(encoding="utf-8")


@both
def test_a_stream_comes_again_event_by_event_with_its_times(world: World, path: Path) -> None:
    """Chunks, usage, id and the time to the first token are those of the record."""
    body = sse(*CHUNKS)
    first: list[Any] = []
    again: list[Any] = []
    with groqnb.replay(path):
        reply = httpx.Response(200, content=body, headers=EVENTS)
        live = world.stream(world.client(transport=answering(reply)), first)
    with groqnb.replay(path, "strict"):
        replayed = world.stream(world.client(transport=NOBODY), again)
    assert [c.model_dump() for c in again] == [c.model_dump() for c in first]
    assert replayed.ttft == live.ttft is not None
    assert replayed.request_id == "req_1"
    assert not replayed.interrupted
    (kept,) = exchanges(path)
    assert kept["reply"]["events"][2] == "😀"


@both
def test_the_file_tells_when_each_event_came(world: World, path: Path) -> None:
    head, tail = sse(*CHUNKS[:1], done=False), sse(*CHUNKS[1:])
    with RawServer(chunked(head, 0.05, tail)) as server, groqnb.replay(path):
        stream = world.stream(world.client(base_url=server.url), [])
    times = exchanges(path)[0]["reply"]["times"]
    assert len(times) == 5
    assert times == sorted(times)
    assert times[0] == stream.ttft


@both
def test_times_are_replayed_on_request(world: World, path: Path) -> None:
    """The file says that there were 0.3 s between two events, so the replay takes as long."""
    with groqnb.replay(path):
        reply = httpx.Response(200, content=sse(*CHUNKS), headers=EVENTS)
        world.stream(world.client(transport=answering(reply)), [])
    kept = json.loads(path.read_text(encoding="utf-8"))
    kept[1]["reply"]["times"] = [0.0, 0.1, 0.1, 0.3, 0.3]
    path.write_text(json.dumps(kept), encoding="utf-8")
    started = time.monotonic()
    with groqnb.replay(path, timing=True):
        stream = world.stream(world.client(transport=NOBODY), [])
    assert time.monotonic() - started >= 0.3
    assert stream.ttft == 0.0


REFUSALS = [
    (400, {"message": "'messages' is missing", "type": "invalid_request_error", "code": "x"}),
    (400, {"message": "limit", "type": "invalid_request_error", "code": "blocked_api_access"}),
    (404, {"message": "no such model", "type": "invalid_request_error", "code": "model_not_found"}),
    (413, {"message": "Request too large", "type": "tokens", "code": "rate_limit_exceeded"}),
    (422, {"message": "cannot be processed", "type": "invalid_request_error"}),
]
PASSING = [
    (401, {"message": "Invalid API Key", "type": "invalid_request_error", "code": "key"}),
    (403, {"message": "not allowed", "type": "permissions_error"}),
    (429, {"message": "Rate limit reached", "type": "tokens", "code": "rate_limit_exceeded"}),
    (498, {"message": "capacity", "type": "capacity_exceeded"}),
    (500, {"message": "oops", "type": "internal_server_error"}),
    (503, {"message": "overloaded", "type": "service_unavailable"}),
]


def told(error: Any) -> tuple[Any, ...]:
    return (type(error), error.status_code, error.message, error.code, error.body, error.request_id)


@both
@pytest.mark.parametrize(("status", "error"), REFUSALS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_that_would_come_again_is_replayed(
    world: World, path: Path, status: int, error: dict[str, str], stream: bool
) -> None:
    reply = httpx.Response(status, json={"error": error}, headers={"x-request-id": "req_9"})

    def refused(transport: Any) -> Any:
        client = world.client(transport=transport)
        with pytest.raises(groqnb.APIStatusError) as caught:
            world.stream(client, []) if stream else world.ask(client)
        return told(caught.value)

    with groqnb.replay(path):
        first = refused(answering(reply))
    with groqnb.replay(path, "strict"):
        assert refused(NOBODY) == first


@both
@pytest.mark.parametrize(("status", "error"), PASSING)
def test_what_passes_by_itself_is_replayed_only_where_all_is_recorded(
    world: World, path: Path, status: int, error: dict[str, str]
) -> None:
    """A wrong key or a limit must not come back for ever; a lesson on errors may want just that."""
    headers = {"retry-after": "3600", "x-request-id": "req_9"}
    reply = httpx.Response(status, json={"error": error}, headers=headers)

    def refused(transport: Any) -> Any:
        client = world.client(transport=transport, max_retries=1, max_wait=1e6)
        with pytest.raises(groqnb.APIStatusError) as caught:
            world.ask(client)
        return told(caught.value), caught.value.headers.get("retry-after"), caught.value.retries

    with groqnb.replay(path), without_waiting():
        refused(answering(reply))
    assert not path.exists()
    with groqnb.replay(path, "record"), without_waiting():
        first = refused(answering(reply))
    with groqnb.replay(path, "strict"):
        # Were a replayed refusal waited for, this would take an hour.
        assert refused(NOBODY) == first


@both
def test_a_call_that_was_sent_again_is_replayed_as_it_went(world: World, path: Path) -> None:
    refusal = httpx.Response(429, json={"error": {"message": "wait"}}, headers={"retry-after": "5"})
    replies = [refusal, httpx.Response(200, json=completion("at last"))]
    seen: list[Any] = []

    def ask(transport: Any) -> Any:
        client = world.client(transport=transport)
        client.events.subscribe(lambda event: seen.append(type(event).__name__))
        return world.ask(client)

    with groqnb.replay(path, "record"), without_waiting():
        ask(answering(*replies))
    live, seen = seen, []
    with groqnb.replay(path, "strict"):
        assert ask(NOBODY).choices[0].message.content == "at last"
    assert seen == live == ["Sent", "Retried", "Sent", "Finished"]


@both
def test_a_stream_that_broke_breaks_again_where_all_is_recorded(world: World, path: Path) -> None:
    reply = chunked(sse(*CHUNKS[:3], done=False), end=False)

    def broken(**settings: Any) -> Any:
        got: list[Any] = []
        with pytest.raises(groqnb.StreamError) as caught:
            world.stream(world.client(**settings), got)
        return len(got), len(caught.value.received)

    with RawServer(reply, close=True) as server:
        with groqnb.replay(path):
            broken(base_url=server.url)
        assert not path.exists()
        with groqnb.replay(path, "record"):
            assert broken(base_url=server.url) == (3, 3)
    with groqnb.replay(path, "strict"):
        assert broken(transport=NOBODY) == (3, 3)


@both
def test_an_error_inside_a_stream_is_replayed(world: World, path: Path) -> None:
    error = b'event: error\ndata: {"error":{"message":"boom","type":"internal_server_error"}}\n\n'
    body = sse(CHUNKS[0], done=False) + error

    def broken(transport: Any) -> str:
        with pytest.raises(groqnb.APIError) as caught:
            world.stream(world.client(transport=transport), [])
        return f"{type(caught.value).__name__} {caught.value.message}"

    reply = httpx.Response(200, content=body, headers=EVENTS)
    with groqnb.replay(path, "record"):
        first = broken(answering(reply))
    with groqnb.replay(path, "strict"):
        assert broken(NOBODY) == first


@both
def test_no_connection_is_replayed_where_all_is_recorded(world: World, path: Path) -> None:
    def failing(transport: Any) -> str:
        client = world.client(transport=transport, max_retries=0)
        with pytest.raises(groqnb.APIConnectionError) as caught:
            world.ask(client)
        return str(caught.value)

    dead = answering(httpx.ConnectError("nobody there"))
    with groqnb.replay(path):
        failing(dead)
    assert not path.exists()
    with groqnb.replay(path, "record"):
        first = failing(dead)
    with groqnb.replay(path, "strict"):
        assert failing(NOBODY) == first


# --- every endpoint ---

SPOKEN = b"RIFF\x24\x00\x00\x00WAVEfmt \xff\xfe"


@both
def test_audio_goes_both_ways(world: World, path: Path) -> None:
    """A recording is known by its bytes; speech comes back to the byte."""

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("speech"):
            return httpx.Response(200, content=SPOKEN, headers={"content-type": "audio/wav"})
        return httpx.Response(200, json={"text": f"said in {len(request.content)} bytes"})

    def talk(transport: Any, name: str, sound: bytes) -> tuple[bytes, str]:
        client = world.client(transport=transport)
        spoken = world.run(
            client, lambda c: c.audio.speech.create(model="m", voice="v", input="Hello")
        )
        client = world.client(transport=transport)
        heard = world.run(
            client, lambda c: c.audio.transcriptions.create(model="w", file=(name, sound))
        )
        return spoken.content, heard.text

    with groqnb.replay(path):
        first = talk(httpx.MockTransport(handler), "talk.wav", SPOKEN)
    with groqnb.replay(path, "strict"):
        assert talk(NOBODY, "other.wav", SPOKEN) == first == (SPOKEN, first[1])
        with pytest.raises(ReplayError, match=r"file\.sha256"):
            talk(NOBODY, "talk.wav", SPOKEN + b"\x00")


@both
def test_batches_and_their_files_are_replayed_in_the_order_they_changed(
    world: World, path: Path
) -> None:
    """Looking at a batch until it is done ends in the replay too, after as many looks."""
    states = ["validating", "in_progress", "completed"]
    lines = b'{"custom_id":"a","response":{"body":{"x":"\xc3\xa4"}}}\n' * 3

    def handler(request: httpx.Request) -> httpx.Response:
        where = request.url.path
        batch = {"id": "batch_1", "object": "batch", "endpoint": "/v1/chat/completions",
                 "completion_window": "24h", "created_at": 1, "input_file_id": "file_1",
                 "output_file_id": "file_2", "status": "validating"}  # fmt: skip
        if where.endswith("/content"):
            kind = {"content-type": "application/jsonl", "etag": '"x"'}
            return httpx.Response(200, content=lines, headers=kind)
        if where.endswith("/files"):
            file = {"id": "file_1", "object": "file", "bytes": 3, "created_at": 1,
                    "filename": "a.jsonl", "purpose": "batch"}  # fmt: skip
            return httpx.Response(200, json=file)
        if request.method == "GET":
            batch["status"] = states.pop(0)
        return httpx.Response(200, json=batch)

    def go(transport: Any) -> tuple[list[str], bytes]:
        def call(act: Callable[[Any], Any]) -> Any:
            return world.run(world.client(transport=transport), act)

        file = call(lambda c: c.files.create(file=("a.jsonl", b"{}\n"), purpose="batch"))
        batch = call(
            lambda c: c.batches.create(
                input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
            )
        )
        looks = [batch.status]
        while looks[-1] != "completed":
            looks.append(call(lambda c: c.batches.retrieve(batch.id)).status)

        async def download(client: Any) -> bytes:
            return await (await client.files.content("file_2")).read()  # type: ignore[no-any-return]

        if world.name == "async":
            return looks, call(download)
        return looks, call(lambda c: c.files.content("file_2").read())

    with groqnb.replay(path):
        first = go(httpx.MockTransport(handler))
    with groqnb.replay(path, "strict"):
        assert go(NOBODY) == first
    assert first == (["validating", "validating", "in_progress", "completed"], lines)


@both
def test_a_body_too_large_for_a_record_is_passed_on_and_said(
    world: World, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("take", "sources"):
        monkeypatch.setattr(f"groqnb.record.{module}.MOST_BYTES", 1000)
    wav = {"content-type": "audio/wav"}
    large = httpx.Response(200, content=b"\xff" * 1001, headers=wav)
    client = world.client(transport=answering(large))
    groqnb.replay(path)
    with pytest.warns(UserWarning, match="larger than a record keeps"):
        spoken = world.run(
            client, lambda c: c.audio.speech.create(model="m", voice="v", input="Hello")
        )
    assert len(spoken.content) == 1001
    assert not path.exists()


# --- identical requests ---


def contents(client: Any, count: int) -> list[str]:
    asked = [client.chat.completions.create(model=MODEL, messages=MESSAGES) for _ in range(count)]
    return [reply.choices[0].message.content for reply in asked]


def test_a_loop_over_one_question_gets_several_answers_and_the_same_again(path: Path) -> None:
    replies = [httpx.Response(200, json=completion(text)) for text in ("one", "two", "three")]
    with groqnb.replay(path):
        assert contents(Groq(api_key=KEY, transport=answering(*replies)), 3) == [
            "one",
            "two",
            "three",
        ]
    for mode in ("auto", "strict"):
        with groqnb.replay(path, mode):  # type: ignore[arg-type]
            said = contents(Groq(api_key=KEY, transport=NOBODY), 5)
            assert said == ["one", "two", "three", "three", "three"]


def test_a_loop_goes_on_asking_when_another_kernel_writes_to_the_file(path: Path) -> None:
    """Also where its answers were alike to the letter: each of them is still its own."""
    seen: list[httpx.Request] = []
    reply = httpx.Response(200, json=completion("the same"))
    client = Groq(api_key=KEY, transport=answering(reply, seen=seen))
    with groqnb.replay(path) as record:
        contents(client, 3)
        os.utime(path, ns=(1, 1))  # as if it had been written to
        contents(client, 2)
        assert (len(seen), record.added, record.unused) == (5, 5, 0)


def test_recording_anew_replaces_what_is_asked_and_keeps_the_rest(path: Path) -> None:
    def ask(text: str, reply: str, mode: str) -> Replay:
        messages: Any = [{"role": "user", "content": text}]
        transport = answering(httpx.Response(200, json=completion(reply)))
        with groqnb.replay(path, mode) as record:  # type: ignore[arg-type]
            client = Groq(api_key=KEY, transport=transport)
            client.chat.completions.create(model=MODEL, messages=messages)
        return record

    ask("a", "old a", "auto")
    ask("b", "old b", "auto")
    assert ask("a", "new a", "record").added == 1
    replies = [
        each["reply"]["json"]["choices"][0]["message"]["content"] for each in exchanges(path)
    ]
    assert sorted(replies) == ["new a", "old b"]


def test_a_stream_that_this_side_ended_is_not_kept(path: Path) -> None:
    """Half an answer that somebody stopped is no answer of the server."""
    with ChatServer() as server, groqnb.replay(path):
        client = Groq(base_url=server.url, api_key=KEY)
        question: Any = [{"role": "user", "content": "count 1000 every 0.01"}]
        stream = client.chat.completions.create(
            model="llama-3.1-8b-instant", messages=question, stream=True
        )
        next(stream)
        stream.close()
    assert not path.exists()


# --- strict ---


def test_strict_refuses_what_is_unknown_and_says_what_differs(path: Path) -> None:
    with groqnb.replay(path):
        Groq(api_key=KEY, transport=answering(httpx.Response(200, json=completion())))\
            .chat.completions.create(model=MODEL, messages=MESSAGES, temperature=0)  # fmt: skip
    client = Groq(api_key=KEY, transport=NOBODY)
    other: Any = [{"role": "user", "content": "Hello!"}]
    with groqnb.replay(path, "strict"):
        with pytest.raises(ReplayError) as caught:
            client.chat.completions.create(model=MODEL, messages=other, temperature=0)
        error = caught.value
        assert "demo.replay.json has no answer to this request" in error.message
        assert "body.messages[0].content is 'Hello!', recorded is 'Hello'" in error.message
        with pytest.raises(ReplayError, match=r"Nothing is recorded of GET /models"):
            client.models.list()
    assert len(exchanges(path)) == 1


def test_strict_with_no_file_refuses_everything_and_makes_none(path: Path) -> None:
    with groqnb.replay(path, "strict"), pytest.raises(ReplayError, match="It is empty"):
        Groq(api_key=KEY, transport=NOBODY).models.list()
    assert not path.exists()


@pytest.mark.parametrize("mode", ["stric", 1, None, ""])
def test_another_mode_is_refused_with_the_nearest(path: Path, mode: Any) -> None:
    with pytest.raises(groqnb.ParameterError, match="'auto', 'strict' or 'record'"):
        groqnb.replay(path, mode)
    assert tap.current is None


def test_without_a_notebook_the_file_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(groqnb.ParameterError, match="Name the record's file"):
        groqnb.replay()
    with pytest.raises(groqnb.ParameterError, match="is a folder"):
        groqnb.replay(tmp_path)


def test_a_broken_file_is_said_before_anything_is_asked(path: Path) -> None:
    path.write_text("<<<<<<< HEAD\n[]\n", encoding="utf-8")
    with pytest.raises(ReplayError, match="merge conflict in line 1"):
        groqnb.replay(path)
    assert tap.current is None


# --- no key, no engine, no cost ---


def test_a_record_of_the_cloud_is_replayed_without_a_key(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A colleague without a key, and CI, get the answers all the same."""
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    reply = httpx.Response(200, json=completion("Hi"))
    with groqnb.replay(path):
        World("sync").ask(Groq(api_key=KEY, where="cloud", transport=answering(reply)))
    with groqnb.replay(path):
        for settings in ({"where": "cloud"}, {"where": "local"}, {"base_url": "http://[::1]:9"}):
            again = World("sync").ask(Groq(**settings))  # type: ignore[arg-type]
            assert again.choices[0].message.content == "Hi"
    from groqnb.local import process

    assert process.current() is None


def test_rows_from_a_record_wait_for_no_limit(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a key at hand a map would else go at the pace of the cloud's limits."""
    import pandas as pd

    from groqnb.mapping.lanes import Lane

    monkeypatch.setenv("GROQNB_DATA_DIR", str(tmp_path))
    frame = pd.DataFrame({"text": ["one", "two", "three"]})
    cloud = {"api_key": KEY, "where": "cloud"}

    def ask(**settings: Any) -> list[str]:
        client = Groq(**cloud, **settings)
        made = frame.groq.map("{text}", into="said", model=MODEL, client=client, resume=False)
        return list(made["said"])

    with groqnb.replay(path), without_waiting():
        reply = httpx.Response(200, json=completion("Hi"))
        assert ask(transport=httpx.MockTransport(lambda request: reply)) == ["Hi"] * 3
    monkeypatch.setattr(Lane, "turn", lambda *_: pytest.fail("it waits"))
    with groqnb.replay(path):
        assert ask(transport=NOBODY) == ["Hi"] * 3


def test_the_ledger_calls_it_a_replay_that_cost_nothing(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQNB_DATA_DIR", str(tmp_path / "data"))
    reply = httpx.Response(200, json=completion("Hi", usage=USAGE))
    with groqnb.replay(path):
        World("sync").ask(Groq(api_key=KEY, where="cloud", transport=answering(reply)))
    with groqnb.replay(path):
        World("sync").ask(Groq(api_key=KEY, where="cloud", transport=NOBODY))
    rows = groqnb.usage()
    assert rows["where"].tolist() == ["cloud", "replay"]
    assert rows["completion_tokens"].tolist() == [2, 2]
    assert rows["cost"].iloc[0] > 0
    assert rows["cost"].iloc[1] == 0
    assert "recorded" in rows["price"].iloc[1]


def test_a_budget_that_is_spent_does_not_stop_a_replay(path: Path) -> None:
    reply = httpx.Response(200, json=completion("Hi", usage=USAGE))
    with groqnb.replay(path):
        World("sync").ask(Groq(api_key=KEY, where="cloud", transport=answering(reply)))
    client = Groq(api_key=KEY, where="cloud", transport=NOBODY)

    def refuse(*_: object) -> None:
        raise groqnb.BudgetError("spent")

    client.events.gate = refuse
    with groqnb.replay(path):
        assert World("sync").ask(client).choices[0].message.content == "Hi"
        with pytest.raises(groqnb.BudgetError):
            client.models.list()


# --- threads, processes, files ---


def test_many_threads_record_and_replay_at_once(path: Path) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        return httpx.Response(200, json=completion(f"re: {body['messages'][0]['content']}"))

    def ask_all(transport: Any) -> dict[str, str]:
        said: dict[str, str] = {}
        client = Groq(api_key=KEY, transport=transport)

        def ask(number: int) -> None:
            for part in range(5):
                text = f"question {number}.{part}"
                question: Any = [{"role": "user", "content": text}]
                reply = client.chat.completions.create(model=MODEL, messages=question)
                said[text] = str(reply.choices[0].message.content)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return said

    with groqnb.replay(path):
        first = ask_all(httpx.MockTransport(handler))
    assert len(first) == len(exchanges(path)) == 40
    with groqnb.replay(path, "strict"):
        assert ask_all(NOBODY) == first


def test_many_tasks_replay_their_streams_at_once(path: Path) -> None:
    async def all_of(transport: Any) -> list[str]:
        async with AsyncGroq(api_key=KEY, transport=transport) as client:

            async def one(number: int) -> str:
                question: Any = [{"role": "user", "content": f"number {number}"}]
                stream = await client.chat.completions.create(
                    model=MODEL, messages=question, stream=True
                )
                return "".join([c.choices[0].delta.content or "" async for c in stream])

            return await asyncio.gather(*(one(number) for number in range(10)))

    def handler(request: httpx.Request) -> httpx.Response:
        text = json.loads(request.content)["messages"][0]["content"]
        body = sse(chunk(f"This is {text}"), chunk(None, "stop"))
        return httpx.Response(200, content=body, headers=EVENTS)

    with groqnb.replay(path):
        first = asyncio.run(all_of(httpx.MockTransport(handler)))
    with groqnb.replay(path, "strict"):
        assert asyncio.run(all_of(NOBODY)) == first
    assert first[7] == "This is number 7"


SCRIPT = """
import sys
import groqnb

with groqnb.replay(sys.argv[1], "strict"):
    client = groqnb.Groq(base_url="http://127.0.0.1:9/v1", api_key="another")
    stream = client.chat.completions.create(
        model=sys.argv[2], messages=[{"role": "user", "content": "Hello"}], stream=True
    )
    sys.stdout.buffer.write("".join(c.choices[0].delta.content or "" for c in stream).encode())
    print(f" {stream.ttft}")
"""


def test_another_process_replays_what_this_one_recorded(path: Path) -> None:
    reply = httpx.Response(200, content=sse(*CHUNKS), headers=EVENTS)
    with groqnb.replay(path):
        live = World("sync").stream(Groq(api_key=KEY, transport=answering(reply)), [])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path), MODEL], capture_output=True, timeout=60
    )
    assert done.stdout.decode().strip() == f"Hello 😀 {live.ttft}", done.stderr.decode()


def test_what_another_kernel_records_meanwhile_is_known_here(path: Path) -> None:
    reply = httpx.Response(200, json=completion("Hi"))
    with groqnb.replay(path) as mine:
        other = Replay(type(mine.tape)(path, "auto"))
        World("sync").ask(Groq(api_key=KEY, transport=answering(reply)))
        other.close()
        assert mine.added == 0
        assert World("sync").ask(Groq(api_key=KEY, transport=NOBODY)).model == MODEL


def test_a_file_edited_by_hand_answers_what_it_says_now(path: Path) -> None:
    reply = httpx.Response(200, content=sse(*CHUNKS), headers=EVENTS)
    with groqnb.replay(path):
        World("sync").stream(Groq(api_key=KEY, transport=answering(reply)), [])
    text = path.read_text(encoding="utf-8")
    edited = (
        text.replace('   "😀"', '   "p",\n   " me"')
        .replace('"lo "', '"l"')
        .replace('"Hello"', '"Say help me"')
    )
    path.write_text(edited, encoding="utf-8")
    got: list[Any] = []
    with groqnb.replay(path, "strict"):
        question = [{"role": "user", "content": "Say help me"}]
        World("sync").stream(Groq(api_key=KEY, transport=NOBODY), got, messages=question)
    assert "".join(c.choices[0].delta.content or "" for c in got) == "Hellp me"


def test_a_reply_that_cannot_be_read_is_said_with_the_file(path: Path) -> None:
    with groqnb.replay(path):
        World("sync").ask(
            Groq(api_key=KEY, transport=answering(httpx.Response(200, json=completion())))
        )
    broken = path.read_text(encoding="utf-8").replace('"status": 200', '"status": "fine"')
    path.write_text(broken, encoding="utf-8")
    with groqnb.replay(path), pytest.raises(ReplayError, match="cannot be read"):
        World("sync").ask(Groq(api_key=KEY, transport=NOBODY))


def test_a_place_that_cannot_be_written_costs_a_warning_and_no_answer(tmp_path: Path) -> None:
    """What this kernel recorded it replays all the same."""
    client = Groq(api_key=KEY, transport=answering(httpx.Response(200, json=completion("Hi"))))
    record = groqnb.replay(tmp_path / "folder" / "x.replay.json")
    (tmp_path / "folder").write_text("a file in its place", encoding="utf-8")
    with pytest.warns(UserWarning, match="cannot be written") as warned:
        assert contents(client, 3) == ["Hi"] * 3
    assert len(warned) == 1
    assert record.added == record.size == 3


def test_with_blocks_nest_and_off_means_off(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.replay.json"
    client = Groq(api_key=KEY, transport=answering(httpx.Response(200, json=completion("Hi"))))
    with groqnb.replay(path) as outer:
        with groqnb.replay(other):
            contents(client, 1)
        assert tap.current is outer.tape
    assert tap.current is None
    first, second = groqnb.replay(path), groqnb.replay(other)
    first.close()
    second.close()
    assert tap.current is None
    contents(client, 1)
    assert not path.exists()
    assert len(exchanges(other)) == 1


# --- secrets ---

PLANTED = {
    "the client's key": "gsk_" + "Zq9Xv2" * 6,
    "an MCP header": "mcp-plain-header-words-1",
    "an MCP authorization": "mcp-plain-authorization-2",
    "Wolfram's key": "wolfram-plain-words-3",
    "a key of the environment": "environment-plain-words-4",
    "a key in the prompt": "sk-proj-1a2B3c4D5e6F7g8H9i0J",
    "a header of the user's": "header-plain-words-5",
    "a cookie": "cookie-plain-words-6",
    "a server's key in a header": "gsk_" + "Hd7Kw3" * 5,
    "a key that the model repeats": "ghp_" + "aB3dE5gH7j" * 3,
    "a key in an address": "address-plain-words-7",
}  # fmt: skip


@both
@pytest.mark.parametrize("stream", [False, True])
def test_no_secret_of_any_kind_is_in_the_file(
    world: World, path: Path, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every kind is planted where it can occur, and the file is searched for each."""
    secret = PLANTED
    own, own_header = secret["the client's key"], secret["a server's key in a header"]
    monkeypatch.setenv("WEATHER_TOKEN", secret["a key of the environment"])
    repeated = secret["a key that the model repeats"]
    headers = {
        "set-cookie": f"session={secret['a cookie']}",
        "x-request-id": f"req {own_header}",
        "www-authenticate": own_header,
    }
    if stream:
        pieces = [repeated[at : at + 7] for at in range(0, len(repeated), 7)]
        body = sse(*map(chunk, ["The key is ", *pieces, "."]), chunk(None, "stop"))
        reply = httpx.Response(200, content=body, headers={**EVENTS, **headers})
    else:
        answer = completion(f"You said {own}, and {repeated}")
        reply = httpx.Response(200, json=answer, headers=headers)
    mcp = {
        "type": "mcp",
        "server_label": "x",
        "server_url": f"https://x.org/mcp?token={secret['a key in an address']}",
        "headers": {"X-Plain": secret["an MCP header"]},
        "authorization": secret["an MCP authorization"],
    }
    prompt = (
        f"Use {secret['a key in the prompt']} and {secret['a key of the environment']} "
        f"and Bearer {own}"
    )
    params: dict[str, Any] = {
        "messages": [{"role": "user", "content": prompt}],
        "extra_body": {
            "tools": [mcp],
            "compound_custom": {"wolfram_settings": {"authorization": secret["Wolfram's key"]}},
        },
        "extra_headers": {
            "X-Api-Key": secret["a header of the user's"],
            "Cookie": secret["a cookie"],
            "Groq-Model-Version": "latest",
        },
    }
    act = (lambda c, **p: world.stream(c, [], **p)) if stream else world.ask
    with groqnb.replay(path):
        act(world.client(api_key=own, transport=answering(reply)), **params)
    text = path.read_text(encoding="utf-8")
    assert len(exchanges(path)) == 1
    assert "latest" in text, "headers that are no secret are kept"
    found = [kind for kind, value in secret.items() if value in text]
    assert not found
    # The answer's pieces, put together, hold none either.
    reply_kept = exchanges(path)[0]["reply"]
    said = "".join(e for e in reply_kept.get("events", []) if isinstance(e, str))
    assert repeated[:20] not in said
    # Another key, other secrets: the same request.
    with groqnb.replay(path, "strict"):
        params["extra_body"]["tools"][0]["headers"]["X-Plain"] = "another"
        act(world.client(api_key=KEY, transport=NOBODY), **params)


@both
def test_the_client_s_own_key_of_any_form_is_hidden_in_what_is_asked(
    world: World, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is known by its value alone; the same client finds the answer again."""
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    own = "plain words of a key".replace(" ", ".")
    prompt = [{"role": "user", "content": f"Why is {own} refused?"}]
    said = httpx.Response(200, json=completion(f"{own} is no key."))
    with groqnb.replay(path):
        world.ask(world.client(api_key=own, transport=answering(said)), messages=prompt)
    assert own not in path.read_text(encoding="utf-8")
    (kept,) = exchanges(path)
    assert kept["request"]["body"]["messages"][0]["content"] == "Why is (secret) refused?"
    with groqnb.replay(path, "strict") as record:
        world.ask(world.client(api_key=own, transport=NOBODY), messages=prompt)
        assert record.replayed == 1
        prompt[0]["content"] += " Tell."
        with pytest.raises(ReplayError) as caught:
            world.ask(world.client(api_key=own, transport=NOBODY), messages=prompt)
    assert own not in str(caught.value)


def test_each_attempt_is_an_exchange_of_its_own(path: Path) -> None:
    """The record sits below the retries."""
    with RawServer(plain({"error": {"message": "no"}}, 500), plain(completion("ok"))) as server:
        client = Groq(base_url=server.url, api_key=KEY)
        with groqnb.replay(path, "record"), without_waiting():
            contents(client, 1)
    assert [each["reply"]["status"] for each in exchanges(path)] == [500, 200]
