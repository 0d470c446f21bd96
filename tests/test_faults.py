"""Whatever a network or a server does: nothing hangs, nothing is lost silently, errors say how far.

The recorded stream below is cut, split, damaged and slowed down. What can differ between a socket
and a mock is done on real sockets.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest
from both_worlds import KEY, MESSAGES, MODEL, World, answering, both, completion
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_server import RawServer, chunked, plain, sse

from groqnb import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    AsyncGroq,
    Groq,
    InternalServerError,
    RateLimitError,
    ResponseError,
    StreamError,
)
from groqnb.wire import reads
from groqnb.wire.retry import without_waiting


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {
        "id": "chatcmpl-f51b2cd2",
        "object": "chat.completion.chunk",
        "created": 1730241104,
        "model": "openai/gpt-oss-20b",
        "system_fingerprint": "fp_179b0f92c9",
        "choices": [choice],
        **more,
    }


USAGE = {"prompt_tokens": 18, "completion_tokens": 5, "total_tokens": 23, "queue_time": 0.037}
EVENTS = [
    chunk({"role": "assistant", "content": ""}, x_groq={"id": "req_01"}),
    chunk({"reasoning": "Überlegen …"}),
    chunk({"content": "Größe: 名前 🙂"}),
    chunk({"content": " — ok"}),
    chunk({}, "stop", x_groq={"id": "req_01", "usage": USAGE}),
]
TEXT = "Größe: 名前 🙂 — ok"
LINES = [json.dumps(event, ensure_ascii=False).encode() for event in EVENTS]
# With comments, CR LF and LF mixed, as proxies leave it.
RECORDED = b": ping\n\n" + b"".join(
    b"data: %s%s" % (line, b"\r\n\r\n" if number % 2 else b"\n\n")
    for number, line in enumerate([*LINES, b"[DONE]"])
)
LIMIT = 20.0


@contextmanager
def in_time() -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < LIMIT


def text_of(chunks: list[Any]) -> str:
    return "".join(choice.delta.content or "" for one in chunks for choice in one.choices)


def dumped(chunks: Any) -> list[Any]:
    return [one.model_dump(exclude_unset=True) for one in chunks]


def framed(kind: str, body: bytes, whole: int) -> bytes:
    """The bytes of a streamed reply that breaks off after `body`."""
    if kind == "chunked":
        # An empty chunk is the end: without this the client would use the connection again.
        parts = chunked(body, end=False, headers="connection: close\r\n")
        return b"".join(parts)  # type: ignore[arg-type]
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    if kind == "length":
        return head + b"content-length: %d\r\n\r\n" % whole + body
    return head + b"connection: close\r\n\r\n" + body


@both
@pytest.mark.parametrize("kind", ["chunked", "length", "close"])
def test_a_recorded_stream_cut_at_every_byte_on_a_socket(world: World, kind: str) -> None:
    """Every cut ends in the whole answer or in an error that holds exactly what was delivered."""
    places = range(len(RECORDED))
    replies = [[framed(kind, RECORDED[:place], len(RECORDED))] for place in places]
    wholes = 0

    def judge(place: int, chunks: list[Any], error: Exception | None) -> None:
        nonlocal wholes
        assert dumped(chunks) == EVENTS[: len(chunks)]
        if error is None:
            wholes += 1
            assert text_of(chunks) == TEXT
            assert chunks[-1].choices[0].finish_reason == "stop"
            return
        assert isinstance(error, StreamError), (place, error)
        assert dumped(error.received) == dumped(chunks)
        assert f"after {len(chunks)} chunk" in str(error)

    with RawServer(*replies, close=True) as server, in_time():
        if world.name == "sync":
            client = Groq(base_url=server.url, api_key=KEY, max_retries=0)
            for place in places:
                chunks: list[Any] = []
                failure: Exception | None = None
                try:
                    for one in client.chat.completions.create(
                        model=MODEL, messages=MESSAGES, stream=True
                    ):
                        chunks.append(one)
                except APIError as error:
                    failure = error
                judge(place, chunks, failure)
        else:

            async def main() -> None:
                client = AsyncGroq(base_url=server.url, api_key=KEY, max_retries=0)
                for place in places:
                    chunks: list[Any] = []
                    failure: Exception | None = None
                    try:
                        stream = await client.chat.completions.create(
                            model=MODEL, messages=MESSAGES, stream=True
                        )
                        async for one in stream:
                            chunks.append(one)
                    except APIError as error:
                        failure = error
                    judge(place, chunks, failure)

            asyncio.run(main())
    # Only behind the finish reason or [DONE] may a broken line be taken for the end.
    assert wholes <= len(RECORDED) - RECORDED.index(b'"usage"')


@both
def test_a_compressed_stream_cut_at_any_byte_is_whole_or_an_error(world: World) -> None:
    packed = gzip.compress(RECORDED, mtime=0)
    headers = {"content-encoding": "gzip", "content-type": "text/event-stream"}
    for place in range(1, len(packed), 3):
        chunks: list[Any] = []
        reply = httpx.Response(200, headers=headers, stream=httpx.ByteStream(packed[:place]))
        client = world.client(
            transport=httpx.MockTransport(lambda _, reply=reply: reply), max_retries=0
        )
        try:
            world.stream(client, chunks)
        except StreamError as error:
            assert dumped(error.received) == dumped(chunks) == EVENTS[: len(chunks)]  # noqa: PT017
        else:
            # The checksum alone is missing: everything was there.
            assert place > len(packed) - 20
            assert dumped(chunks) == EVENTS


@both
@pytest.mark.parametrize("hidden", [False, True], ids=["state found", "state hidden"])
@pytest.mark.parametrize("size", [1, 3, 50, 10_000])
def test_chunks_are_the_same_however_they_are_cut(
    world: World, size: int, hidden: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In HTTP chunks of any size, with and without what httpcore does not promise."""
    if hidden:
        monkeypatch.setattr(reads, "_state_of", lambda _: None)
    parts = [RECORDED[at : at + size] for at in range(0, len(RECORDED), size)]
    # Sent at once, so that the end of the body comes with the rest.
    reply = b"".join(chunked(*parts))  # type: ignore[arg-type]
    with RawServer([reply]) as server, in_time():
        client = world.client(base_url=server.url)
        chunks: list[Any] = []
        world.stream(client, chunks)
        if world.name == "sync":
            world.stream(client, chunks)
            # An unknown server may say [DONE] and hold the line: it is kept only where the end of
            # the body came with it.
            assert server.connections == (2 if hidden else 1)
    assert dumped(chunks) == EVENTS * (2 if world.name == "sync" else 1)


@both
def test_what_came_before_a_broken_http_chunk_is_delivered(world: World) -> None:
    good = b"".join(chunked(*[b"data: %s\n\n" % line for line in LINES[:3]], end=False))  # type: ignore[arg-type]
    with RawServer([good + b"zz\r\nbroken\r\n"], close=True) as server, in_time():
        chunks: list[Any] = []
        with pytest.raises(StreamError, match="after 3 chunks"):
            world.stream(world.client(base_url=server.url), chunks)
    assert len(chunks) == 3


@both
@pytest.mark.parametrize(
    ("events", "received"),
    [
        ([*EVENTS[:2], b'{"id": "x", "choices": ['], 2),
        ([*EVENTS[:2], b'"a text"'], 2),
        ([EVENTS[0], b'{"choices": [{"index": 0, "delta": {"content": "\xff"}}], "id": "x"}'], 1),
        ([b"null"], 0),
    ],
)
def test_an_event_that_is_no_chunk_ends_the_stream_with_an_error(
    world: World, events: list[Any], received: int
) -> None:
    client = world.client(transport=answering(httpx.Response(200, content=sse(*events))))
    chunks: list[Any] = []
    with pytest.raises(StreamError) as caught:
        world.stream(client, chunks)
    assert len(chunks) == len(caught.value.received) == received


DAMAGE = st.lists(
    st.tuples(
        st.sampled_from(["drop", "insert", "flip", "cut", "double"]),
        st.integers(0, len(RECORDED) - 1),
        st.binary(max_size=6),
    ),
    min_size=1,
    max_size=4,
)


def damaged(body: bytes, damage: list[tuple[str, int, bytes]]) -> bytes:
    for what, place, more in damage:
        if what == "drop":
            body = body[:place] + body[place + len(more) + 1 :]
        elif what == "insert":
            body = body[:place] + more + body[place:]
        elif what == "flip" and place < len(body):
            body = body[:place] + bytes([body[place] ^ 0x80]) + body[place + 1 :]
        elif what == "cut":
            body = body[:place]
        elif what == "double":
            body = body[:place] + body
    return body


@given(damage=DAMAGE)
@settings(max_examples=400, deadline=None)
def test_a_damaged_stream_ends_as_chunks_or_as_an_error_of_ours(
    damage: list[tuple[str, int, bytes]],
) -> None:
    body = damaged(RECORDED, damage)
    client = World("sync").client(transport=answering(httpx.Response(200, content=body)))
    chunks: list[Any] = []
    try:
        World("sync").stream(client, chunks)
    except APIError as error:
        assert len(error.received) == len(chunks)  # noqa: PT017
    else:
        assert any(one.choices and one.choices[0].finish_reason for one in chunks) or (
            b"[DONE]" in body
        )


REPLY = b"".join(plain(completion("Hi")))  # type: ignore[arg-type]


@given(damage=DAMAGE)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_reply_ends_as_a_reply_or_as_an_error_of_ours(
    damage: list[tuple[str, int, bytes]],
) -> None:
    damage = [(what, place % len(REPLY), more) for what, place, more in damage]
    with RawServer([damaged(REPLY, damage)], close=True) as server:
        client = Groq(base_url=server.url, api_key=KEY, max_retries=0, timeout=0.5)
        start = time.monotonic()
        with suppress(APIError):
            client.chat.completions.create(model=MODEL, messages=MESSAGES)
        assert time.monotonic() - start < LIMIT
        client.close()


@both
def test_a_storm_of_429_is_weathered_without_more_requests_than_allowed(world: World) -> None:
    lock = threading.Lock()
    count = 0

    def handler(request: httpx.Request) -> httpx.Response:
        nonlocal count
        with lock:
            count += 1
            stormy = count <= 40
        if stormy:
            return httpx.Response(
                429, headers={"retry-after": "0.05"}, json={"error": {"message": "Slow down"}}
            )
        return httpx.Response(200, json=completion())

    client = world.client(transport=httpx.MockTransport(handler), max_retries=3)

    def all_at_once(client: Any) -> Any:
        if world.name == "sync":
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(20) as pool:
                asks = [pool.submit(world.ask, client) for _ in range(20)]
                return [ask.result() for ask in asks]

        async def main() -> Any:
            calls = [
                client.chat.completions.create(model=MODEL, messages=MESSAGES) for _ in range(20)
            ]
            return await asyncio.gather(*calls)

        return main()

    with in_time():
        replies = world.run(client, all_at_once)
    assert len(replies) == 20
    assert count == 60


@both
def test_a_storm_that_does_not_end_is_reported_in_time(world: World) -> None:
    seen: list[httpx.Request] = []
    refusal = httpx.Response(429, headers={"retry-after": "0.2"}, json={})
    client = world.client(transport=answering(refusal, seen=seen), max_retries=50, max_wait=1.0)
    with in_time(), pytest.raises(RateLimitError) as caught:
        world.ask(client)
    assert caught.value.retry_after == 0.2
    assert 4 <= len(seen) <= 6


PAGE = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


@both
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_web_page_in_place_of_an_error_is_told_by_its_status(world: World, status: int) -> None:
    reply = httpx.Response(status, html=PAGE)
    with without_waiting(), pytest.raises(InternalServerError) as caught:
        world.ask(world.client(transport=answering(reply)))
    assert caught.value.status_code == status
    assert caught.value.retries == 2
    assert str(status) in str(caught.value)
    assert "<" not in str(caught.value)
    assert caught.value.body == PAGE


@both
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(200, html=PAGE),
        httpx.Response(200, content=b""),
        httpx.Response(204),
        httpx.Response(200, content=b"null"),
        httpx.Response(200, content=b"[]"),
        httpx.Response(200, content=b"\xff\xfe"),
        httpx.Response(200, content=b"{" * 100_000),
    ],
    ids=["page", "empty", "204", "null", "list", "bytes", "braces"],
)
def test_a_success_that_is_none_is_an_error(
    world: World, stream: bool, reply: httpx.Response
) -> None:
    client = world.client(transport=answering(reply))
    ask = (lambda: world.stream(client, [])) if stream else (lambda: world.ask(client))
    with pytest.raises((ResponseError, StreamError)):
        ask()


@both
def test_a_content_length_that_is_too_long_is_a_cut_and_one_too_short_an_error(
    world: World,
) -> None:
    body = json.dumps(completion("Hi")).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    with RawServer([head % (len(body) + 9) + body], close=True) as server, in_time():
        client = world.client(base_url=server.url, max_retries=0)
        with pytest.raises(APIConnectionError, match="broke before the reply was complete"):
            world.ask(client)
    with RawServer([head % (len(body) - 9) + body], plain(completion("Hi"))) as server, in_time():
        client = world.client(base_url=server.url)
        with pytest.raises(ResponseError):
            world.ask(client)
        if world.name == "sync":
            # What was left on the line is not taken for the next answer.
            with without_waiting():
                assert world.ask(client).choices[0].message.content == "Hi"


@both
def test_a_server_that_never_reads_an_upload_is_left_after_the_timeout(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, in_time():
        client = world.client(
            base_url=f"http://127.0.0.1:{server.getsockname()[1]}", timeout=0.4, max_retries=0
        )
        with pytest.raises(APITimeoutError, match=r"within 0\.4 s"):
            world.run(client, lambda c: c.files.create(file=b"x" * 20_000_000, purpose="batch"))


@both
def test_headers_without_an_end_are_an_error(world: World) -> None:
    endless = b"HTTP/1.1 200 OK\r\n" + b"x-filler: " + b"a" * 300_000
    with RawServer([endless], close=True) as server, in_time(), pytest.raises(APIConnectionError):
        world.ask(world.client(base_url=server.url, max_retries=0))


@both
def test_interim_replies_are_passed_over(world: World) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    with RawServer([interim, *plain(completion("Hi"))]) as server, in_time():
        reply = world.ask(world.client(base_url=server.url))
    assert reply.choices[0].message.content == "Hi"


@both
def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(world: World) -> None:
    with RawServer(plain(completion("stolen"))) as elsewhere:
        moved = plain({}, status=307, headers={"location": f"{elsewhere.url}/openai/v1"})
        with RawServer(moved) as server, in_time(), pytest.raises(APIStatusError) as caught:
            world.ask(world.client(base_url=server.url))
        assert elsewhere.url in str(caught.value)
        assert elsewhere.requests == []


@both
def test_a_reply_that_trickles_is_waited_for_and_one_that_stops_is_not(world: World) -> None:
    (whole,) = plain(completion("Hi"))
    assert isinstance(whole, bytes)
    step = len(whole) // 8 + 1
    trickle: list[bytes | float] = []
    for at in range(0, len(whole), step):
        trickle += [whole[at : at + step], 0.3]
    with RawServer(trickle) as server, in_time():
        # Longer than the timeout altogether, never silent as long as it.
        reply = world.ask(world.client(base_url=server.url, timeout=1.5))
        assert reply.choices[0].message.content == "Hi"
    with RawServer([whole[:-5], 5.0]) as server, in_time(), pytest.raises(APITimeoutError):
        world.ask(world.client(base_url=server.url, timeout=0.3, max_retries=0))
