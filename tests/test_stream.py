"""Streamed answers: whole, broken, refused half-way, interrupted."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from both_worlds import KEY, MESSAGES, MODEL, World, answering, both
from raw_server import RawServer, chunked, sse

from groqnb import (
    APIError,
    APIStatusError,
    AsyncGroq,
    BadRequestError,
    Groq,
    InternalServerError,
    LocalEngineError,
    RateLimitError,
    StreamError,
)
from groqnb.wire.events import Failed, Finished, FirstToken, Interrupted

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "queue_time": 0.1}


def chunk(text: str | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        **more,
    }


FIRST = chunk("", x_groq={"id": "req_9"})
LAST = chunk(None, "stop", x_groq={"id": "req_9", "usage": USAGE})
EVENTS = [FIRST, chunk("Héllo "), chunk("wörld 🙂"), LAST]
BODY = sse(*EVENTS)


def text_of(chunks: list[Any]) -> str:
    return "".join(c.delta.content or "" for one in chunks for c in one.choices)


def streaming(body: bytes) -> httpx.MockTransport:
    return answering(httpx.Response(200, content=body, headers={"x-request-id": "req_h"}))


@both
def test_a_stream_gives_typed_chunks_and_tells_of_itself(world: World) -> None:
    client = world.client(transport=streaming(BODY))
    events: list[object] = []
    client.events.subscribe(events.append)
    chunks: list[Any] = []
    stream = world.stream(client, chunks)
    assert text_of(chunks) == "Héllo wörld 🙂"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].x_groq.usage.total_tokens == 5
    assert stream.request_id == "req_9"
    assert stream.headers["x-request-id"] == "req_h"
    assert stream.rate_limit is None
    assert 0 < stream.ttft < 5
    assert not stream.interrupted
    assert [type(event).__name__ for event in events] == ["Sent", "FirstToken", "Finished"]
    first, last = events[1], events[2]
    assert isinstance(first, FirstToken)
    assert isinstance(last, Finished)
    assert last.usage.completion_tokens == 2
    assert last.ttft == first.ttft == stream.ttft
    assert (last.path, last.model, last.target) == ("/chat/completions", MODEL, "cloud")
    assert last.request_id == "req_9"


@both
def test_the_usage_chunk_has_no_choices_and_counts(world: World) -> None:
    body = sse(*EVENTS[:3], chunk(None, "stop"), {"id": "1", "choices": [], "usage": USAGE})
    client = world.client(transport=streaming(body))
    events: list[Any] = []
    client.events.subscribe(events.append)
    chunks: list[Any] = []
    world.stream(client, chunks)
    assert chunks[-1].usage.total_tokens == 5
    assert events[-1].usage.total_tokens == 5


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 4096])
@both
def test_reads_of_any_size_give_the_same_chunks(world: World, size: int) -> None:
    body = BODY.replace(b"\n", b"\r\n") if size % 2 else b": hi\n\n" + BODY
    pieces = [body[i : i + size] for i in range(0, len(body), size)]
    with RawServer(chunked(*pieces)) as server:
        chunks: list[Any] = []
        world.stream(world.client(base_url=server.url), chunks)
    assert text_of(chunks) == "Héllo wörld 🙂"


@both
def test_a_stream_cut_at_any_byte_is_whole_or_an_error_that_says_how_far(world: World) -> None:
    client = world.client()
    marks = [BODY.index(b"\n\n", at) for at in _starts()]
    for place in range(len(BODY)):
        client = world.client(transport=streaming(BODY[:place]))
        chunks: list[Any] = []
        whole = sum(place > mark for mark in marks)
        try:
            world.stream(client, chunks)
        except StreamError as error:
            assert len(chunks) == len(error.received) >= whole  # noqa: PT017
            assert error.received == chunks  # noqa: PT017
            assert f"after {len(chunks)} chunk" in str(error)  # noqa: PT017
            assert len(chunks) < 4
        else:
            assert text_of(chunks) == "Héllo wörld 🙂"
            assert chunks[-1].choices[0].finish_reason == "stop"


def _starts() -> list[int]:
    starts, at = [], 0
    for _ in EVENTS:
        starts.append(at)
        at = BODY.index(b"\n\n", at) + 2
    return starts


@both
def test_a_connection_cut_before_the_end_is_an_error_even_after_the_finish_reason(
    world: World,
) -> None:
    with RawServer(chunked(sse(*EVENTS, done=False), end=False), close=True) as server:
        chunks: list[Any] = []
        with pytest.raises(StreamError) as caught:
            world.stream(world.client(base_url=server.url), chunks)
    assert len(chunks) == len(caught.value.received) == 4


@both
def test_a_server_that_never_says_done_is_understood(world: World) -> None:
    with RawServer(chunked(sse(*EVENTS, done=False))) as server:
        chunks: list[Any] = []
        world.stream(world.client(base_url=server.url), chunks)
    assert len(chunks) == 4


@both
def test_a_server_that_holds_the_line_after_done_is_left(world: World) -> None:
    with RawServer(chunked(BODY, 30.0)) as server:
        start = time.monotonic()
        chunks: list[Any] = []
        world.stream(world.client(base_url=server.url), chunks)
        assert time.monotonic() - start < 25
    assert len(chunks) == 4


@both
def test_silence_in_the_middle_ends_the_stream_with_an_error(world: World) -> None:
    with RawServer(chunked(sse(FIRST, chunk("a"), done=False), 30.0)) as server:
        chunks: list[Any] = []
        with pytest.raises(StreamError, match="silent") as caught:
            world.stream(world.client(base_url=server.url, timeout=2), chunks)
    assert len(caught.value.received) == 2


@pytest.mark.parametrize(
    ("event", "kind", "said"),
    [
        (
            {"error": {"message": "Slow down", "type": "rate_limit_exceeded"}},
            RateLimitError,
            "Slow",
        ),
        ({"error": {"message": "Bad", "type": "invalid_request_error"}}, BadRequestError, "Bad"),
        ({"error": {"message": "Oh", "status_code": 503}}, InternalServerError, "Oh"),
        ({"error": {"message": "Odd", "type": "odd"}}, StreamError, "Odd"),
        ({"error": "just words"}, StreamError, "just words"),
        ({"hello": 1}, StreamError, "unknown shape"),
        (b"{not json", StreamError, "not JSON"),
    ],
)
@both
def test_an_error_inside_a_stream_is_raised_after_what_came_before(
    world: World, event: Any, kind: type[APIError], said: str
) -> None:
    client = world.client(transport=streaming(sse(FIRST, chunk("a"), event, chunk("b"))))
    events: list[object] = []
    client.events.subscribe(events.append)
    chunks: list[Any] = []
    with pytest.raises(kind, match=said) as caught:
        world.stream(client, chunks)
    assert text_of(chunks) == "a"
    assert list(caught.value.received) == chunks
    assert isinstance(events[-1], Failed)
    assert events[-1].received == 2


@both
def test_an_event_named_error_is_an_error(world: World) -> None:
    body = sse(FIRST, done=False) + (
        b'event: error\ndata: {"error": {"message": "Bad", "type": "internal_server_error"}}\n\n'
    )
    with pytest.raises(InternalServerError, match="Bad"):
        world.stream(world.client(transport=streaming(body)), [])


@both
def test_why_the_server_broke_off_is_told(world: World) -> None:
    body = sse(FIRST, chunk("a", x_groq={"id": "r", "error": "over capacity"}))
    chunks: list[Any] = []
    with pytest.raises(StreamError, match="over capacity"):
        world.stream(world.client(transport=streaming(body)), chunks)
    assert text_of(chunks) == "a"


@both
def test_a_refused_stream_is_an_error_at_once(world: World) -> None:
    reply = httpx.Response(400, json={"error": {"message": "no", "type": "t"}})
    with pytest.raises(APIStatusError, match="no"):
        world.stream(world.client(transport=answering(reply)), [])


@both
def test_keeping_quiet_about_tokens_leaves_ttft_open(world: World) -> None:
    client = world.client(transport=streaming(sse(FIRST, LAST)))
    assert world.stream(client, []).ttft is None


SLOW = chunked(sse(FIRST, chunk("a"), done=False), *[b": still here\n\n", 0.05] * 200)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_closes_the_connection_and_marks_the_stream() -> None:
    with RawServer(SLOW) as server, Groq(base_url=server.url, api_key=KEY) as client:
        events: list[object] = []
        client.events.subscribe(events.append)
        interrupt = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        client.events.subscribe(lambda _: interrupt.start(), ["FirstToken"])
        stream = client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
        with pytest.raises(KeyboardInterrupt):
            list(stream)  # reads for ten seconds if nothing stops it
        assert stream.interrupted
        assert isinstance(events[-1], Interrupted)
        assert events[-1].received == 2
        assert server.gone.wait(30)


@asynccontextmanager
async def half_read(url: str) -> AsyncIterator[tuple[Any, asyncio.Task[None]]]:
    """A stream, and the task that has read two chunks of it and waits for more; it ends early."""
    async with AsyncGroq(base_url=url, api_key=KEY) as client:
        events: list[object] = []
        client.events.subscribe(events.append)
        stream = await client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
        read: list[object] = []

        async def reads() -> None:
            async for chunk in stream:
                read.append(chunk)

        task = asyncio.create_task(reads())
        while len(read) < 2:
            await asyncio.sleep(0.01)
        yield stream, task
        assert stream.interrupted
        assert isinstance(events[-1], Interrupted)
        assert events[-1].received == 2


def test_a_cancelled_task_closes_the_connection_and_marks_the_stream() -> None:
    async def main(url: str) -> None:
        async with half_read(url) as (_, task):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with RawServer(SLOW) as server:
        asyncio.run(main(server.url))
        assert server.gone.wait(30)


def test_leaving_the_with_block_early_closes_the_connection() -> None:
    with RawServer(SLOW) as server, Groq(base_url=server.url, api_key=KEY) as client:
        with client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True) as stream:
            next(stream)
        assert stream.interrupted
        assert server.gone.wait(30)
        stream.close()
        assert list(stream) == []


def test_leaving_the_async_with_block_early_closes_the_connection() -> None:
    async def main(url: str) -> None:
        async with AsyncGroq(base_url=url, api_key=KEY) as client:
            async with await client.chat.completions.create(
                model=MODEL, messages=MESSAGES, stream=True
            ) as stream:
                await anext(stream.__aiter__())
            assert stream.interrupted
            assert await asyncio.to_thread(server.gone.wait, 30)

    with RawServer(SLOW) as server:
        asyncio.run(main(server.url))


SILENT = chunked(sse(FIRST, chunk("a"), done=False), 60.0)


def test_another_thread_may_close_a_stream_that_is_waited_for() -> None:
    """The iteration ends as if it had come to its end, and says that it did not."""
    with RawServer(SILENT) as server, Groq(base_url=server.url, api_key=KEY) as client:
        events: list[object] = []
        client.events.subscribe(events.append)
        stream = client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
        closing = threading.Timer(0.2, stream.close)
        client.events.subscribe(lambda _: closing.start(), ["FirstToken"])
        assert len(list(stream)) == 2
        assert stream.interrupted
        assert isinstance(events[-1], Interrupted)
        closing.join(30)
        stream.close()


def test_another_task_may_close_a_stream_that_is_waited_for() -> None:
    async def main(url: str) -> None:
        async with half_read(url) as (stream, task):
            await stream.close()
            await asyncio.wait_for(task, 30)

    with RawServer(SILENT) as server:
        asyncio.run(main(server.url))


@pytest.mark.parametrize("read", [0, 1])
def test_a_stream_that_is_dropped_gives_its_connection_back(read: int) -> None:
    with RawServer(SLOW) as server, Groq(base_url=server.url, api_key=KEY) as client:
        events: list[object] = []
        client.events.subscribe(events.append)
        stream = client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
        for _ in range(read):
            next(stream)
        del stream
        gc.collect()
        assert server.gone.wait(30)
        assert isinstance(events[-1], Interrupted)


@pytest.mark.parametrize("read", [0, 1])
def test_an_async_stream_that_is_dropped_gives_its_connection_back(read: int) -> None:
    events: list[object] = []

    async def main(url: str) -> None:
        async with AsyncGroq(base_url=url, api_key=KEY) as client:
            client.events.subscribe(events.append)
            stream = await client.chat.completions.create(
                model=MODEL, messages=MESSAGES, stream=True
            )
            for _ in range(read):
                await anext(stream.__aiter__())
            del stream
            gc.collect()
            assert isinstance(events[-1], Interrupted)
            assert await asyncio.to_thread(server.gone.wait, 30)

    with RawServer(SLOW) as server:
        asyncio.run(main(server.url))


def test_a_subscriber_that_fails_breaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    client = World("sync").client(transport=streaming(BODY))

    def broken(event: object) -> None:
        raise RuntimeError("listener")

    heard: list[object] = []
    client.events.subscribe(broken)
    stop = client.events.subscribe(heard.append)
    chunks: list[Any] = []
    World("sync").stream(client, chunks)
    assert len(chunks) == 4
    assert len(heard) == 3
    assert "listener" in caplog.text
    stop()
    World("sync").stream(client, chunks)
    assert len(heard) == 3


class Engine:
    """Stands for the engine's process; `groqnb.local` is not what is tested here."""

    def __init__(self, url: str) -> None:
        self.base_url = f"{url}/openai/v1"
        self.api_key = "local-" + "k" * 30


@both
def test_an_engine_that_dies_is_told_and_the_next_call_asks_for_a_new_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from groqnb.local import process

    with (
        RawServer(chunked(sse(FIRST, done=False), end=False), close=True) as dying,
        RawServer([b"HTTP/1.1 200 OK\r\n"], close=True) as dead,
        RawServer(chunked(BODY)) as fresh,
    ):
        engines = [Engine(dying.url), Engine(dead.url), Engine(fresh.url)]
        monkeypatch.setattr(process, "ensure", lambda **_: engines[0])
        monkeypatch.setattr(process, "current", lambda: None)
        client = world.client(api_key=None, where="local")
        with pytest.raises(StreamError, match="next call starts a new engine") as broken:
            world.stream(client, [])
        assert len(broken.value.received) == 1
        engines.pop(0)
        with pytest.raises(LocalEngineError, match="ended while it answered"):
            world.ask(client)
        engines.pop(0)
        chunks: list[Any] = []
        world.stream(client, chunks)
        assert len(chunks) == 4
        assert b"Bearer local-" in fresh.requests[0]
        assert KEY.encode() not in b"".join(dying.requests + fresh.requests)
