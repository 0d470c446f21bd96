"""Bytes that are no HTTP request: refused with the error object, as everything else is."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from groqnb.local.refusal import bad_request

__all__ = ["protocol"]

Headers = Sequence[tuple[bytes, bytes]]


def protocol(marks: Callable[[], Headers]) -> type[HttpToolsProtocol]:
    """The server's protocol; `marks` makes the headers that every reply carries."""

    class Protocol(HttpToolsProtocol):
        def send_400_response(self, msg: str) -> None:
            """A length that is none, a header without a name: no application sees these."""
            refusal = bad_request(f"This is not an HTTP request: {msg}", code="invalid_http")
            body = json.dumps(refusal.body(), separators=(",", ":")).encode()
            headers = [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body)).encode()),
                (b"connection", b"close"),
                *marks(),
            ]
            lines = [b"%s: %s" % header for header in headers]
            self.transport.write(b"\r\n".join([b"HTTP/1.1 400 Bad Request", *lines, b"", body]))
            self.transport.close()

    return Protocol
