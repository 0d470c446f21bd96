"""Requests as bytes over one kept connection: what no client library would send."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from groqnb.local.process import Engine

__all__ = ["Reply", "Sent", "Wire", "complaint"]

# "API Error Codes and Responses"; 403 and 405 are HTTP's own words for the door and the method.
DOCUMENTED = (400, 401, 403, 404, 405, 413, 422, 424, 429, 498)
_SILENCE_SECONDS = 240


@dataclass(frozen=True)
class Sent:
    """A request before it is bytes. `headers` go out as they are; `path` may hold any bytes."""

    method: str
    path: bytes
    headers: Mapping[str, bytes]
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    """The status, the content type and the whole body."""

    status: int
    kind: str
    body: bytes


class Wire:
    """A connection to the engine, made anew only where the engine closed it."""

    def __init__(self, engine: Engine) -> None:
        parts = urlsplit(engine.base_url)
        self._address = (str(parts.hostname), int(parts.port or 0))
        self._headers = {
            "Host": f"{parts.hostname}:{parts.port}".encode(),
            "Authorization": f"Bearer {engine.api_key}".encode(),
        }
        self._socket: socket.socket | None = None

    def send(self, sent: Sent) -> Reply:
        """The reply. Raises TimeoutError after four minutes of silence."""
        headers: dict[str, bytes] = {**self._headers, **sent.headers}
        headers.setdefault("Content-Length", str(len(sent.body)).encode())
        lines = [b"%s: %s" % (name.encode(), value) for name, value in headers.items()]
        head = b"%s /openai/v1%s HTTP/1.1" % (sent.method.encode(), sent.path)
        data = b"\r\n".join([head, *lines, b"", sent.body])
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=_SILENCE_SECONDS)
        reply = http.client.HTTPResponse(self._socket, method=sent.method)
        try:
            self._socket.sendall(data)
            reply.begin()
            body = reply.read()
        except BaseException:
            self.close()
            raise
        if reply.will_close:
            self.close()
        return Reply(reply.status, reply.getheader("content-type", ""), body)

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def complaint(sent: Sent, reply: Reply) -> str | None:
    """What is wrong with a reply to a request that may be malformed; None if nothing is."""
    if 200 <= reply.status < 300:
        return None
    if reply.status not in (*DOCUMENTED, 501):
        return f"status {reply.status}: {reply.body[:300]!r}"
    if sent.method == "HEAD":
        return None
    try:
        error: dict[str, Any] = json.loads(reply.body)["error"]
    except (ValueError, KeyError, TypeError):
        return f"no error object with {reply.status}: {reply.body[:300]!r}"
    if reply.kind != "application/json":
        return f"content type {reply.kind}"
    if not all(isinstance(error.get(key), str) and error[key] for key in ("message", "type")):
        return f"message and type must be text: {error}"
    # Only what another engine does may be "not implemented", never a malformed request's fault.
    if reply.status == 501 and error["type"] != "not_implemented_error":
        return f"501 as {error['type']}"
    return None
