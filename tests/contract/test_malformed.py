"""Malformed requests, thousands of them: a documented 4xx each, never a 5xx, never silence."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections import Counter
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings

from groqnb.local.process import Engine
from tests.contract.malformed import KINDS, chat, post
from tests.contract.raw_wire import Sent, Wire, complaint

pytestmark = pytest.mark.engine

AT_LEAST = 5000


def test_thousands_of_malformed_requests_get_a_documented_4xx(engine: Engine) -> None:
    """Each with the error object; at least 5,000 real ones; a good request is answered after."""
    wire = Wire(engine)
    found: Counter[int] = Counter()

    def send(sent: Sent) -> None:
        reply = wire.send(sent)
        wrong = complaint(sent, reply)
        assert wrong is None, wrong
        found[reply.status] += 1

    for requests, count in KINDS.values():
        settled = settings(
            max_examples=count,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        settled(given(requests)(send))()
        assert wire.send(post("/chat/completions", chat())).status == 200
    wire.close()
    assert sum(number for status, number in found.items() if 400 <= status < 500) >= AT_LEAST


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": b"-1"},
        {"Content-Length": b"1x"},
        {"Transfer-Encoding": b"nonsense"},
        {"Bad Name": b"x"},
    ],
)
def test_what_is_no_http_gets_the_error_object_too(
    engine: Engine, headers: dict[str, bytes]
) -> None:
    """Refused below the application: with the same object, the same marks, a request's id."""
    parts = urlsplit(engine.base_url)
    lines = [b"POST /openai/v1/chat/completions HTTP/1.1", b"Host: 127.0.0.1"]
    lines += [b"%s: %s" % (name.encode(), value) for name, value in headers.items()]
    with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=240) as raw:
        raw.sendall(b"\r\n".join([*lines, b"", b"{}"]))
        reply = http.client.HTTPResponse(raw)
        reply.begin()
        error = json.loads(reply.read())["error"]
    assert reply.status == 400
    assert error["type"] == "invalid_request_error"
    assert reply.headers["x-groqnb-engine"] == "local"
    assert reply.headers["x-request-id"].startswith("req_")


def test_a_reply_on_a_kept_connection_does_not_wait_for_an_acknowledgement(
    engine: Engine,
) -> None:
    """Head and body leave at once: without that each small reply takes 40 ms."""
    wire = Wire(engine)
    taken = []
    for _ in range(20):
        start = time.perf_counter()
        assert wire.send(Sent("GET", b"/files/none", {})).status == 404
        taken.append(time.perf_counter() - start)
    wire.close()
    # All of them would be that slow; one that is not is proof, however busy the machine.
    assert min(taken) < 0.03
