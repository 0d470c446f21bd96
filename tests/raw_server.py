"""A server made of bytes, on a real socket: it says exactly what a test tells it to."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

__all__ = ["RawServer", "chunked", "plain", "sse"]

Step = bytes | float
"""Bytes to send, or seconds to stay silent."""


def plain(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> list[Step]:
    """A whole reply with a content-length; JSON unless the body is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"content-type": "application/json", **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(content)}\r\n{lines}\r\n"
    return [head.encode() + content]


def sse(*events: Any, done: bool = True) -> bytes:
    """The body of a stream: a dict is JSON, bytes stand as they are."""
    data = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in events]
    if done:
        data.append(b"[DONE]")
    return b"".join(b"data: %s\n\n" % one for one in data)


def chunked(*parts: Step, end: bool = True, headers: str = "") -> list[Step]:
    """A chunked reply, each part a chunk of its own; without its end it is cut off."""
    head = (
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
        f"{headers}transfer-encoding: chunked\r\n\r\n"
    )
    framed: list[Step] = [
        part if isinstance(part, float) else b"%x\r\n%s\r\n" % (len(part), part) for part in parts
    ]
    return [head.encode(), *framed, *([b"0\r\n\r\n"] if end else [])]


class RawServer:
    """Answers request after request with the replies given, the last one again and again.

    A connection stays open after a reply, unless `close` is True or the reply was cut.
    """

    def __init__(self, *replies: Sequence[Step], close: bool = False) -> None:
        self.replies = list(replies)
        self.close = close
        self.requests: list[bytes] = []
        self.connections = 0
        self.gone = threading.Event()
        """Set when a client hung up while a reply was being sent."""
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []

    def __enter__(self) -> RawServer:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Without this the thread that waits in accept() would keep the port open.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in self._open:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while request := self._read(connection):
                with self._lock:
                    self.requests.append(request)
                    reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
                if not self._say(connection, reply) or self.close:
                    return

    def _read(self, connection: socket.socket) -> bytes:
        data = b""
        try:
            while b"\r\n\r\n" not in data:
                read = connection.recv(65536)
                if not read:
                    return b""
                data += read
            head, _, body = data.partition(b"\r\n\r\n")
            length = 0
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            while len(body) < length:
                body += connection.recv(65536)
        except OSError:
            return b""
        return head + b"\r\n\r\n" + body

    def _say(self, connection: socket.socket, reply: Sequence[Step]) -> bool:
        try:
            for step in reply:
                if isinstance(step, float):
                    time.sleep(step)
                else:
                    connection.sendall(step)
        except OSError:
            self.gone.set()
            return False
        whole = b"".join(step for step in reply if isinstance(step, bytes))
        return b"chunked" not in whole or whole.endswith(b"0\r\n\r\n")
