"""Faults on demand: what a spec means, and what it does to a reply."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from groqnb.local import server
from groqnb.local.app import Events
from groqnb.local.errors import BadOption
from groqnb.local.faults import Faults

closed = threading.Event()


async def whole(_request: Request) -> Response:
    return JSONResponse({"text": "x" * 100})


async def stream(_request: Request) -> Response:
    async def events() -> AsyncGenerator[bytes, None]:
        try:
            for number in range(50):
                yield f"data: {number:04}\n\n".encode()
                await asyncio.sleep(0.001)
        finally:
            closed.set()

    return Events(events(), {})


@contextmanager
def serving(spec: str) -> Iterator[str]:
    app = Starlette(routes=[Route("/whole", whole), Route("/stream", stream)])
    config = uvicorn.Config(Faults(spec).around(app), log_config=None, lifespan="off")
    running = uvicorn.Server(config)
    listener = server.listen()
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join()


def statuses(url: str, count: int) -> list[int]:
    with httpx.Client() as client:
        return [client.get(f"{url}/whole").status_code for _ in range(count)]


def test_a_status_comes_as_the_error_object() -> None:
    """With retry-after on a 429, and a header that says it was made up."""
    with serving("429:#1, 498:#2, 500:#3, 502:#4, 503:#5") as url:
        for status in (429, 498, 500, 502, 503):
            reply = httpx.get(f"{url}/whole")
            assert reply.status_code == status
            error = reply.json()["error"]
            assert error["message"]
            assert error["type"]
            assert reply.headers["x-groqnb-fault"] == str(status)
            assert ("retry-after" in reply.headers) is (status == 429)
        assert httpx.get(f"{url}/whole").status_code == 200


def test_moments() -> None:
    """Every third, the second only, by chance that can be repeated, always."""
    with serving("500:/3, 503:#2") as url:
        assert statuses(url, 6) == [200, 503, 500, 200, 200, 500]
    with serving("seed=7, 500:50%") as url:
        first = statuses(url, 30)
    with serving("seed=7, 500:50%") as url:
        assert statuses(url, 30) == first
    assert {200, 500} == set(first)
    with serving("502") as url:
        assert statuses(url, 2) == [502, 502]


def test_a_delay_is_before_the_reply() -> None:
    """And not longer than asked."""
    with serving("delay=0.3:#2") as url, httpx.Client() as client:
        client.get(f"{url}/whole")
        began = time.monotonic()
        client.get(f"{url}/whole")
        assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("path", ["/whole", "/stream"])
@pytest.mark.parametrize("cut", [0, 1, 37])
def test_a_cut_sends_so_many_bytes_and_hangs_up(path: str, cut: int) -> None:
    """The body has no proper end: a client must not take it for whole. The source is closed."""
    closed.clear()
    with serving(f"cut={cut}") as url:
        address = urlsplit(url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
        connection.request("GET", path)
        reply = connection.getresponse()
        assert reply.status == 200
        with pytest.raises(http.client.IncompleteRead) as caught:
            reply.read()
        assert len(caught.value.partial) == cut
        connection.close()
        if path == "/stream":
            assert closed.wait(60)


def test_a_cut_behind_the_end_changes_nothing() -> None:
    """There was nothing to cut off."""
    with serving("cut=100000") as url:
        assert httpx.get(f"{url}/whole").json() == {"text": "x" * 100}


@pytest.mark.parametrize("path", ["/whole", "/stream"])
def test_broken_text_and_broken_json(path: str) -> None:
    """In the middle of an otherwise proper reply."""
    with serving("bad-utf8:#1, bad-json:#2") as url:
        with pytest.raises(UnicodeDecodeError):
            httpx.get(url + path).content.decode()
        content = httpx.get(url + path).content.decode()
        with pytest.raises(ValueError, match=r"Expecting|Extra"):
            json.loads(content.partition("\n")[0].removeprefix("data: "))
        if path == "/stream":
            assert content.endswith("data: 0049\n\n")


@pytest.mark.parametrize(
    "spec",
    [
        *("", " , ", "seed=1", "teapot", "418", "429=3", "delay", "cut", "cut=1.5", "delay=-1"),
        *("500:", "500:150%", "500:/0", "500:x", "500:#", "seed", "seed=1:/2", "500 503", "=1"),
    ],
)
def test_a_bad_spec_is_told_with_an_example(spec: str) -> None:
    """Before anything starts."""
    with pytest.raises(BadOption) as caught:
        Faults(spec)
    assert str(caught.value)
    assert caught.value.hint
