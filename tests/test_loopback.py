"""The page on loopback serves its widget to its own tab, and nobody and nothing else."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from groqnb import AudioRecorder, ParameterError
from groqnb.widgets import loopback
from groqnb.widgets.loopback import LoopbackPage, refuse_remote


@pytest.fixture
def served() -> Iterator[tuple[AudioRecorder, LoopbackPage]]:
    rec = AudioRecorder()
    page = LoopbackPage(rec, "recorder")
    rec._page = page
    yield rec, page
    page.close()


def ask(page: LoopbackPage, method: str, path: str, body: bytes = b"", **headers: str) -> Any:
    """The status and the body of a request of the page's own, with other headers."""
    host, _, port = page.host.partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    sent = {"Host": page.host, "Origin": f"http://{page.host}"} | headers
    connection.request(method, path, body or None, {k: v for k, v in sent.items() if v})
    reply = connection.getresponse()
    content = reply.read()
    connection.close()
    return reply.status, content


def message(content: dict[str, Any], data: bytes = b"") -> bytes:
    head = json.dumps(content).encode()
    return len(head).to_bytes(4, "big") + head + data


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/{token}/", {"Host": "evil.example:{port}"}, 403),
        ("GET", "/{token}/", {"Host": "localhost:{port}"}, 403),
        ("GET", "/wrong/", {}, 404),
        ("GET", "/", {}, 404),
        ("GET", "/{token}/base.py", {}, 404),
        ("GET", "/{token}/../base.py", {}, 404),
        ("GET", "/{token}/image_picker.js", {}, 404),
        ("GET", "/{token}/events?x", {}, 404),
        ("POST", "/{token}/send", {"Origin": "http://evil.example"}, 403),
        ("POST", "/{token}/send", {"Origin": "null"}, 403),
        ("POST", "/{token}/send", {"Origin": ""}, 403),
        ("POST", "/{token}/other", {}, 404),
        ("POST", "/{token}/send", {"Content-Length": "999999999"}, 413),
        ("POST", "/{token}/send", {}, 400),
        ("PUT", "/{token}/send", {}, 501),
        ("GET", "/{token}/", {}, 200),
        ("GET", "/{token}/recorder.js", {}, 200),
        ("GET", "/{token}/shared.js", {}, 200),
        ("GET", "/{token}/style.css", {}, 200),
    ],
)
def test_only_its_own_tab_gets_anything(
    served: tuple[AudioRecorder, LoopbackPage],
    method: str, path: str, headers: dict[str, str], status: int,
) -> None:  # fmt: skip
    """Another Host, Origin, address, file or size is refused."""
    _, page = served
    port = page.host.partition(":")[2]
    given = {name: value.format(port=port) for name, value in headers.items()}
    body = b"x" if method == "POST" and "Content-Length" not in given else b""
    assert ask(page, method, path.format(token=page.token), body, **given)[0] == status


def test_the_state_has_the_settings_and_neither_script_nor_key(
    served: tuple[AudioRecorder, LoopbackPage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the page begins with is small, and holds no secret."""
    _, page = served
    state = json.loads(ask(page, "GET", f"/{page.token}/state")[1])["state"]
    assert state["max_seconds"] == 600
    assert not {"_esm", "_css", "layout", "_gn_key"} & set(state)
    assert len(json.dumps(state)) < 2_000


def test_messages_and_changes_go_both_ways(served: tuple[AudioRecorder, LoopbackPage]) -> None:
    """A piece is acknowledged, a question answered, a change of the kernel's side heard."""
    rec, page = served
    piece = message({"kind": "gn-piece", "id": "u", "offset": 0}, b"abc")
    assert ask(page, "POST", f"/{page.token}/send", piece)[0] == 200
    rec._set(error="Something is wrong.")
    news = json.loads(ask(page, "GET", f"/{page.token}/events?0")[1])
    assert {"content": {"kind": "gn-ack", "id": "u", "next": 3}, "buffers": []} in news["events"]
    assert {"name": "error", "value": "Something is wrong."} in news["events"]
    body = json.dumps({"max_seconds": 5.0, "_gn_key": "x", "_job": "x", "comm": 1}).encode()
    assert ask(page, "POST", f"/{page.token}/set", body)[0] == 200
    assert (rec.max_seconds, rec._job) == (5.0, "")
    assert rec._gn_key != "x"


def test_it_ends_with_its_tab_with_its_widget_and_when_forgotten(
    served: tuple[AudioRecorder, LoopbackPage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing listens any longer when it is not needed."""
    rec, page = served

    def ended(page: LoopbackPage) -> bool:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                ask(page, "GET", f"/{page.token}/state")
            except OSError:
                return True
            time.sleep(0.05)
        return False

    assert ask(page, "POST", f"/{page.token}/close", b"x")[0] == 200
    assert ended(page)
    second = LoopbackPage(rec, "recorder")
    rec._page = second
    rec.close()
    assert ended(second)
    monkeypatch.setattr(loopback, "_UNOPENED", 0.2)
    monkeypatch.setattr(loopback, "_UNASKED", 0.1)
    third = LoopbackPage(AudioRecorder(), "recorder")
    assert ended(third)


def test_a_kernel_on_another_machine_says_so() -> None:
    """There is no page where the browser could not reach it."""
    with pytest.raises(ParameterError, match=r"over SSH.*out of your browser's reach. Use a file"):
        refuse_remote({"SSH_CONNECTION": "10.0.0.1"})
