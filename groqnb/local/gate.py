"""The door: who may come in, what every reply carries.

Docs: "API Error Codes and Responses". Every reply has `x-request-id`, `x-groqnb-engine: local`,
`x-groqnb-model` and `x-groq-region: local`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from groqnb.local.bodies import json_reply
from groqnb.local.refusal import Refusal
from groqnb.local.store import new_id

__all__ = ["Gate", "refusal_reply", "unknown_url"]

_PREFIX = re.compile(r"^/+((openai/+)?v1/+)*")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Gate:
    """Before the routes: Host, Origin and key are checked, the path made canonical.

    After them: the marks of the engine are put on every reply.
    """

    def __init__(self, app: ASGIApp, key: str, model: str) -> None:
        self._app = app
        self._key = key.encode()
        self._marks = [
            (b"x-groqnb-engine", b"local"),
            (b"x-groqnb-model", _header_value(model)),
            # Where the cloud names its data centre.
            (b"x-groq-region", b"local"),
        ]

    def marks(self, request_id: str | None = None) -> list[tuple[bytes, bytes]]:
        """The headers of one reply; without `request_id` it gets one of its own."""
        return [*self._marks, (b"x-request-id", (request_id or new_id("req")).encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        if scope["type"] != "http":
            return
        request_id = new_id("req")
        extra = self.marks(request_id)

        async def marked(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                # Another model than the engine's may have answered: what hears, what speaks.
                own = {name for name, _ in message["headers"]}
                more = [mark for mark in extra if mark[0] not in own]
                message["headers"] = [*message["headers"], *more]
            await send(message)

        scope["state"] = {**scope.get("state", {}), "request_id": request_id}
        asked = scope["path"]
        scope["path"] = "/" + re.sub("/+", "/", _PREFIX.sub("", asked)).rstrip("/")
        try:
            self._check(dict(scope["headers"]))
            if not re.match(r"^/+(openai/+)?v1(/|$)", asked):
                raise unknown_url(scope["method"], asked)
        except Refusal as refusal:
            await refusal_reply(refusal)(scope, receive, marked)
            return
        scope["asked_path"] = asked
        scope["raw_path"] = scope["path"].encode()
        await self._app(scope, receive, marked)

    def _check(self, headers: dict[bytes, bytes]) -> None:
        # A page from elsewhere must not reach the engine through the user's browser: neither
        # under a name that it made point here (Host), nor by a request of its own (Origin).
        host = headers.get(b"host", b"").decode("latin-1")
        if not _is_loopback(f"//{host}"):
            raise Refusal(403, "The local engine answers to 127.0.0.1 only.", code="bad_host")
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and not _is_loopback(origin):
            raise Refusal(
                403, "Pages from elsewhere may not use the local engine.", code="bad_origin"
            )
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not given.strip():
            raise Refusal(
                401,
                "No API key was given. Send it as `Authorization: Bearer KEY`.",
                code="invalid_api_key",
            )
        if not hmac.compare_digest(given.strip(), self._key):
            raise Refusal(401, "Invalid API key for this local engine.", code="invalid_api_key")


def _is_loopback(url: str) -> bool:
    try:
        return urlsplit(url).hostname in _LOOPBACK
    except ValueError:
        return False


def _header_value(text: str) -> bytes:
    """A name as a header can carry it; a file may be called anything."""
    return re.sub(r"[^\x21-\x7e]", "_", text).encode()


def unknown_url(method: str, path: str) -> Refusal:
    """404: no such endpoint."""
    return Refusal(404, f"There is no {method} {path} here.", code="unknown_url")


def refusal_reply(refusal: Refusal) -> Response:
    """A refusal as the reply that it is."""
    return json_reply(refusal.body(), refusal.status, refusal.headers)
