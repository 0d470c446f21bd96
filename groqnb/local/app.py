"""The engine's HTTP face: who may come in, where a request goes, how a refusal looks.

Every reply carries `x-request-id`, `x-groqnb-engine: local` and `x-groqnb-model`. Docs:
"API Error Codes and Responses".
"""

from __future__ import annotations

import hmac
import re
import secrets
import sys
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from groqnb.local import models
from groqnb.local.bodies import json_body, json_reply
from groqnb.local.chat import Chat
from groqnb.local.chat_request import read_request
from groqnb.local.disconnect import unless_gone
from groqnb.local.parts.llm import Llm
from groqnb.local.quota import Quota
from groqnb.local.refusal import Refusal, not_served
from groqnb.local.responses import Answer
from groqnb.local.responses_request import read_response_request

__all__ = ["build"]

_PREFIX = re.compile(r"^/+((openai/+)?v1/+)*")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"

Handler = Callable[[Request], Awaitable[Response]]

# Documented, and not part of this engine.
_NOT_SERVED = {
    "/audio/transcriptions": "transcriptions",
    "/audio/translations": "translations",
    "/audio/speech": "speech",
    "/files": "files",
    "/files/{rest:path}": "files",
    "/batches": "batches",
    "/batches/{rest:path}": "batches",
    "/fine_tunings": "fine tuning",
    "/fine_tunings/{rest:path}": "fine tuning",
}


def build(llm: Llm, key: str, quota: Quota) -> Gate:
    """The ASGI application of an engine that runs `llm` and opens to `key`."""

    async def create_chat(request: Request) -> Response:
        wanted = read_request(await json_body(request), llm.name)
        chat = await unless_gone(request, Chat.admit(wanted, llm, quota, request.state.request_id))
        headers = quota.headers(wanted.info)
        if wanted.stream:
            return _Events(chat.stream(), {**headers, "cache-control": "no-cache"})
        reply = await unless_gone(request, chat.whole())
        return json_reply(reply, headers=quota.headers(wanted.info))

    async def create_response(request: Request) -> Response:
        wanted = read_response_request(await json_body(request), llm.name)
        answer = await unless_gone(
            request, Answer.admit(wanted, llm, quota, request.state.request_id)
        )
        headers = quota.headers(wanted.chat.info)
        if wanted.chat.stream:
            return _Events(answer.stream(), {**headers, "cache-control": "no-cache"})
        reply = await unless_gone(request, answer.whole())
        return json_reply(reply, headers=quota.headers(wanted.chat.info))

    async def list_models(_request: Request) -> Response:
        return json_reply(models.listing(llm.name, llm.context))

    async def retrieve_model(request: Request) -> Response:
        return json_reply(models.one(request.path_params["model"], llm.name, llm.context))

    routes = [
        Route("/chat/completions", create_chat, methods=["POST"]),
        Route("/responses", create_response, methods=["POST"]),
        Route("/models", list_models, methods=["GET"]),
        Route("/models/{model:path}", retrieve_model, methods=["GET"]),
        *(
            Route(path, _refusing(feature), methods=["GET", "POST", "DELETE"])
            for path, feature in _NOT_SERVED.items()
        ),
    ]
    return Gate(Starlette(routes=routes, exception_handlers=_HANDLERS), key, llm.name)


class _Events(StreamingResponse):
    """A stream of server-sent events whose source is closed when the client hangs up."""

    def __init__(self, source: AsyncGenerator[bytes, None], headers: dict[str, str]) -> None:
        super().__init__(source, headers=headers, media_type="text/event-stream")
        self._source = source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._source.aclose()


def _refusing(feature: str) -> Handler:
    async def refuse(_request: Request) -> Response:
        raise not_served(feature)

    return refuse


class Gate:
    """Before the routes: Host, Origin and key are checked, the path made canonical.

    After them: the marks of the engine are put on every reply.
    """

    def __init__(self, app: Starlette, key: str, model: str) -> None:
        self._app = app
        self._key = key.encode()
        self._marks = [(b"x-groqnb-engine", b"local"), (b"x-groqnb-model", _header_value(model))]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request_id = "req_" + "".join(secrets.choice(_ALPHABET) for _ in range(26))
        extra = [*self._marks, (b"x-request-id", request_id.encode())]

        async def marked(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        scope["state"] = {**scope.get("state", {}), "request_id": request_id}
        asked = scope["path"]
        scope["path"] = "/" + re.sub("/+", "/", _PREFIX.sub("", asked)).rstrip("/")
        try:
            self._check(dict(scope["headers"]))
            if not re.match(r"^/+(openai/+)?v1(/|$)", asked):
                raise _unknown_url(scope["method"], asked)
        except Refusal as refusal:
            await _refusal_reply(refusal)(scope, receive, marked)
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


def _unknown_url(method: str, path: str) -> Refusal:
    return Refusal(404, f"There is no {method} {path} here.", code="unknown_url")


def _refusal_reply(refusal: Refusal) -> Response:
    return json_reply(refusal.body(), refusal.status, refusal.headers)


async def _on_refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return _refusal_reply(error)


async def _on_unknown(request: Request, _error: Exception) -> Response:
    return _refusal_reply(_unknown_url(request.method, request.scope["asked_path"]))


async def _on_wrong_method(request: Request, error: Exception) -> Response:
    refusal = Refusal(
        405,
        f"{request.method} is not allowed for {request.scope['asked_path']}.",
        code="method_not_allowed",
        headers=getattr(error, "headers", None),
    )
    return _refusal_reply(refusal)


async def _on_gone(_request: Request, _error: Exception) -> Response:
    # Nobody reads it. 499 is what the documentation's logs call this.
    return Response(status_code=499)


async def _on_bug(_request: Request, error: Exception) -> Response:
    traceback.print_exception(error, file=sys.stderr)
    return _refusal_reply(
        Refusal(
            500,
            f"The local engine failed: {type(error).__name__}. Its log has the details.",
            type="internal_server_error",
        )
    )


_HANDLERS: dict[Any, Any] = {
    Refusal: _on_refusal,
    ClientDisconnect: _on_gone,
    404: _on_unknown,
    405: _on_wrong_method,
    Exception: _on_bug,
}
