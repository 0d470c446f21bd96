"""When a call is sent again, how long it waits, and when it gives up."""

from __future__ import annotations

import os
import signal
import threading
import time
from email.utils import formatdate

import httpx
import pytest
from both_worlds import World, answering, both, completion
from hypothesis import given
from hypothesis import strategies as st

from groqnb import (
    APIConnectionError,
    APIError,
    APIStatusError,
    BadRequestError,
    InternalServerError,
    RateLimitError,
)
from groqnb.types.errors import error_class
from groqnb.wire.events import Interrupted, Retried, Sent
from groqnb.wire.retry import RETRIED_STATUSES, RetryPolicy, retry_after, without_waiting

OK = httpx.Response(200, json=completion())


def refused(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(
        status,
        json={"error": {"message": "no", "type": "t"}},
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


@both
@pytest.mark.parametrize("status", sorted(RETRIED_STATUSES))
def test_a_passing_failure_is_tried_again(world: World, status: int) -> None:
    seen: list[httpx.Request] = []
    client = world.client(transport=answering(refused(status), refused(status), OK, seen=seen))
    with without_waiting():
        assert world.ask(client).choices[0].message.content == "Hi"
    assert len(seen) == 3


@both
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 499, 501, 505])
def test_other_refusals_are_final(world: World, status: int) -> None:
    seen: list[httpx.Request] = []
    client = world.client(transport=answering(refused(status), OK, seen=seen))
    with pytest.raises(APIStatusError) as caught:
        world.ask(client)
    assert len(seen) == 1
    assert caught.value.retries == 0


@both
def test_a_broken_connection_is_tried_again_and_then_reported(world: World) -> None:
    seen: list[httpx.Request] = []
    client = world.client(
        transport=answering(httpx.ConnectError("refused"), seen=seen), max_retries=3
    )
    with without_waiting(), pytest.raises(APIConnectionError, match="refused"):
        world.ask(client)
    assert len(seen) == 4


@both
def test_the_error_tells_how_often_it_was_tried(world: World) -> None:
    client = world.client(transport=answering(refused(500)))
    with without_waiting(), pytest.raises(InternalServerError) as caught:
        world.ask(client)
    assert caught.value.retries == 2


@both
def test_no_retries_means_none(world: World) -> None:
    seen: list[httpx.Request] = []
    client = world.client(transport=answering(refused(500), OK, seen=seen), max_retries=0)
    with pytest.raises(InternalServerError):
        world.ask(client)
    assert len(seen) == 1


@both
def test_the_server_s_retry_after_is_obeyed(world: World) -> None:
    client = world.client(transport=answering(refused(429, retry_after="0.3"), OK))
    events: list[object] = []
    client.events.subscribe(events.append)
    start = time.monotonic()
    world.ask(client)
    assert time.monotonic() - start >= 0.3
    assert [type(event).__name__ for event in events] == ["Sent", "Retried", "Sent", "Finished"]
    retried = next(event for event in events if isinstance(event, Retried))
    assert 0.3 <= retried.delay < 0.4
    assert isinstance(retried.error, RateLimitError)
    assert [event.attempt for event in events if isinstance(event, Sent)] == [0, 1]


@both
def test_a_limit_that_resets_after_max_wait_is_reported_at_once(world: World) -> None:
    seen: list[httpx.Request] = []
    client = world.client(
        transport=answering(refused(429, retry_after="7200"), OK, seen=seen), max_wait=30.0
    )
    with pytest.raises(RateLimitError, match="resets in 2 h 0 min") as caught:
        world.ask(client)
    assert caught.value.retry_after == 7200.0
    assert len(seen) == 1


def test_waits_add_up_to_max_wait_at_most() -> None:
    policy = RetryPolicy(max_retries=100, max_wait=10.0)
    error = error_class(503)("x", status_code=503)
    waited, count = 0.0, 0
    while (wait := policy.delay(error, count, waited)) is not None:
        waited, count = waited + wait, count + 1
    assert 3 <= count < 100
    assert waited <= 10.0


@given(st.integers(0, 30))
def test_the_wait_grows_and_is_never_the_same_for_all(retries: int) -> None:
    policy = RetryPolicy(max_retries=100, max_wait=1e9)
    error = APIConnectionError("x")
    waits = [policy.delay(error, retries, 0.0) or 0.0 for _ in range(20)]
    longest = min(8.0, 0.5 * 2**retries)
    assert all(longest / 2 <= wait <= longest for wait in waits)
    assert len(set(waits)) > 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_retry_after_in_seconds(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}) == seconds


def test_retry_after_as_a_date() -> None:
    assert retry_after({"retry-after": formatdate(time.time() + 30, usegmt=True)}) == (
        pytest.approx(30, abs=2)
    )
    assert retry_after({"retry-after": formatdate(time.time() - 30, usegmt=True)}) == 0.0


@both
def test_a_stream_is_tried_again_before_it_begins(world: World) -> None:
    body = b'data: {"id":"1","choices":[]}\n\ndata: [DONE]\n\n'
    client = world.client(transport=answering(refused(503), httpx.Response(200, content=body)))
    chunks: list[object] = []
    with without_waiting():
        world.stream(client, chunks)
    assert len(chunks) == 1


@both
def test_a_stream_that_began_is_never_sent_again(world: World) -> None:
    body = b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
    seen: list[httpx.Request] = []
    client = world.client(transport=answering(httpx.Response(200, content=body), seen=seen))
    chunks: list[object] = []
    with pytest.raises(APIError):
        world.stream(client, chunks)
    assert len(chunks) == len(seen) == 1


@both
def test_bad_requests_of_a_stream_are_final(world: World) -> None:
    client = world.client(transport=answering(refused(400)))
    with pytest.raises(BadRequestError):
        world.stream(client, [])


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_ends_the_wait_at_once() -> None:
    world = World("sync")
    client = world.client(transport=answering(refused(429, retry_after="30")))
    events: list[object] = []
    client.events.subscribe(events.append)
    interrupt = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    client.events.subscribe(lambda _: interrupt.start(), ["Retried"])
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        world.ask(client)
    assert time.monotonic() - start < 25
    assert isinstance(events[-1], Interrupted)
