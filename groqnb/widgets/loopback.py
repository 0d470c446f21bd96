"""A widget in a browser's tab of its own, for front ends that refuse microphone and camera.

VS Code gives its notebooks neither. The kernel then serves the same script on 127.0.0.1, and what
is recorded there lands in the same Python object. The address holds a secret; Host and Origin are
checked, so that no other page can reach it by a name of its own; bodies are bounded; nothing but
the widget's own files is served. It ends when its tab is closed or was never opened, when the
widget is closed, and when a newer page takes its place.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groqnb.types.errors import ParameterError
from groqnb.widgets.esm import STATIC, modules, style
from groqnb.widgets.transfer import LARGEST_PIECE

if TYPE_CHECKING:
    from groqnb.widgets.base import Widget

__all__ = ["LoopbackPage", "refuse_remote"]

_LARGEST_BODY = LARGEST_PIECE + 100_000
_POLL = 20.0  # s that a question for news waits
_UNOPENED = 600.0  # s that the page waits to be opened
_UNASKED = 75.0  # s without a question: the tab is closed
_MOST_EVENTS = 2_000
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the address is the key
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src blob: data:; media-src blob: data:; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'none'"
    ),
}
# Where one of these is set, 127.0.0.1 is not the machine that the browser runs on.
_REMOTE = {
    "SSH_CONNECTION": "over SSH",
    "CODESPACES": "in a codespace",
    "REMOTE_CONTAINERS": "in a container",
    "JUPYTERHUB_USER": "on a JupyterHub",
    "COLAB_RELEASE_TAG": "in Colab",
    "KAGGLE_KERNEL_RUN_TYPE": "on Kaggle",
    "KUBERNETES_SERVICE_HOST": "in a cluster",
}


def refuse_remote(environment: Mapping[str, str] = os.environ) -> None:
    """Raise ParameterError where the kernel is on another machine than the browser."""
    where = next((told for name, told in _REMOTE.items() if environment.get(name)), None)
    if where is None and Path("/.dockerenv").exists():
        where = "in a container"
    if where:
        raise ParameterError(
            f"The kernel runs {where}: a page that it serves is out of your browser's reach.",
            hint="Use a file, or open the notebook itself in a browser.",
        )


class LoopbackPage:
    """Serves one widget until its tab is closed; `url` is where.

    ```python
    page = LoopbackPage(widget, "recorder")
    webbrowser.open(page.url)
    ```
    """

    def __init__(self, widget: Widget, static: str) -> None:
        self.token = secrets.token_urlsafe(24)
        self._widget = widget
        self._static = static
        self._news = threading.Condition()
        self._events: list[dict[str, Any]] = []
        self._dropped = 0
        self._asked = time.monotonic() + _UNOPENED - _UNASKED
        self._closed = False
        names = [*modules(static), "loopback"]
        self.files = {f"{name}.js" for name in names}
        self._server = _Server(("127.0.0.1", 0), self)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}/{self.token}/"
        widget.observe(self._changed)
        for run in (self._server.serve_forever, self._watch):
            threading.Thread(target=run, name="groqnb-loopback", daemon=True).start()

    def close(self) -> None:
        """End it; the widget stays."""
        with self._news:
            if self._closed:
                return
            self._closed = True
            self._news.notify_all()
        self._widget.unobserve(self._changed)
        self._server.shutdown()
        self._server.server_close()

    def tell(self, content: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        """A message for the page."""
        coded = [b64encode(each).decode("ascii") for each in buffers]
        self._add({"content": dict(content), "buffers": coded})

    def state(self) -> dict[str, Any]:
        """What the page begins with: the widget's traits, without its scripts."""
        state = {name: getattr(self._widget, name) for name in self._shared()}
        return {"static": self._static, "after": self._end(), "state": state}

    def take(self, body: bytes) -> None:
        """A message of the page: the length of its JSON in four bytes, the JSON, a buffer."""
        size = int.from_bytes(body[:4], "big")
        content = json.loads(body[4 : 4 + size])
        rest = memoryview(body)[4 + size :]
        self._widget._handle_custom_msg(content, [rest] if len(rest) else [])

    def set(self, body: bytes) -> None:
        """Traits that the page has changed; only those that are settings."""
        settable = {name for name in self._shared() if not name.startswith("_")}
        for name, value in json.loads(body).items():
            if name in settable:
                self._widget._set(**{name: value})

    def events(self, after: int) -> dict[str, Any]:
        """What has come since; waits for something."""
        with self._news:
            self._asked = time.monotonic()
            self._news.wait_for(lambda: self._closed or self._end() > after, _POLL)
            self._asked = time.monotonic()
            if self._closed:
                return {"closed": True, "after": after, "events": []}
            new = self._events[max(0, after - self._dropped) :]
            return {"after": self._end(), "events": new}

    def _end(self) -> int:
        return self._dropped + len(self._events)

    def _add(self, event: dict[str, Any]) -> None:
        with self._news:
            if self._closed:
                return
            self._events.append(event)
            while len(self._events) > _MOST_EVENTS:
                del self._events[0]
                self._dropped += 1
            self._news.notify_all()

    def _shared(self) -> list[str]:
        found = self._widget.traits(sync=True)
        ours = [name for name in found if name.startswith("_gn_") or self._is_ours(name)]
        return [name for name in ours if name not in ("_esm", "_css", "_gn_key")]

    def _is_ours(self, name: str) -> bool:
        """Not one of ipywidgets' own, such as the layout."""
        return any(
            name in vars(each) and each.__module__.startswith("groqnb.")
            for each in type(self._widget).__mro__
        )

    def _changed(self, change: Any) -> None:
        if change["type"] == "change" and change["name"] in self._shared():
            self._add({"name": change["name"], "value": change["new"]})

    def _watch(self) -> None:
        while not self._closed:
            left = self._asked + _UNASKED - time.monotonic()
            if left <= 0:
                self.close()
                return
            time.sleep(min(left, 5.0))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], page: LoopbackPage) -> None:
        super().__init__(address, _Handler)
        self.page = page

    def handle_error(self, *_: object) -> None:
        """A browser that goes away is no news for the notebook."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "groqnb"
    sys_version = ""
    timeout = 60
    server: _Server

    def log_message(self, *_: object) -> None:
        """Say nothing: the address must stand in no log."""

    def _path(self, *, from_page: bool) -> str | None:
        """What is asked for, or None where this request is not the page's own and was refused."""
        page = self.server.page
        start = f"/{page.token}/"
        # A name that another page has pointed at this machine comes with another Host.
        known = self.headers.get("Host") == page.host
        if from_page and self.headers.get("Origin") != f"http://{page.host}":
            known = False
        if not known:
            self._refuse(403)
        elif not secrets.compare_digest(self.path[: len(start)].encode(), start.encode()):
            self._refuse(404)
        else:
            return self.path[len(start) :]
        return None

    def do_GET(self) -> None:
        page, path = self.server.page, self._path(from_page=False)
        if path is None:
            return
        name, _, query = path.partition("?")
        if name == "":
            self._send("text/html", (STATIC / "loopback.html").read_bytes())
        elif name == "style.css":
            sheets = (STATIC / "loopback.css").read_text(encoding="utf-8") + style(page._static)
            self._send("text/css", sheets.encode())
        elif name in page.files:
            self._send("text/javascript", (STATIC / name).read_bytes())
        elif name == "state":
            self._json(page.state())
        elif name == "events" and query.isdigit():
            self._json(page.events(int(query)))
        else:
            self._refuse(404)

    def do_POST(self) -> None:
        page, path = self.server.page, self._path(from_page=True)
        if path is None:
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            self._refuse(411)
            return
        if int(length) > _LARGEST_BODY:
            self._refuse(413)
            return
        body = self.rfile.read(int(length))
        if path not in ("send", "set", "close"):
            self._refuse(404)
            return
        try:
            if path == "send":
                page.take(body)
            elif path == "set":
                page.set(body)
        except (ValueError, TypeError, KeyError):
            self._refuse(400)
            return
        self._json({})
        if path == "close":
            threading.Thread(target=page.close, daemon=True).start()

    def _json(self, value: Any) -> None:
        self._send("application/json", json.dumps(value).encode())

    def _send(self, kind: str, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        if status >= 400:  # what it sent is not read
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: int) -> None:
        self.close_connection = True
        self._send("text/plain", b"", status)
