"""The engine's endpoints: where a request goes, how a failure looks.

Docs: "API Error Codes and Responses".
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from groqnb.local import audio, batches, files, fine_tunings, models
from groqnb.local.batch_runner import BatchRunner
from groqnb.local.bodies import json_body, json_reply
from groqnb.local.chat import Chat
from groqnb.local.chat_request import read_request
from groqnb.local.closing import ClosingStream
from groqnb.local.disconnect import unless_gone
from groqnb.local.dispatch import Dispatch
from groqnb.local.ears import Ears
from groqnb.local.faults import Faults
from groqnb.local.fine_tunings import NOT_APPLIED, FineTunings
from groqnb.local.gate import Gate, refusal_reply, unknown_url
from groqnb.local.images import SEEN
from groqnb.local.mouth import Mouth
from groqnb.local.parts.llm import Llm
from groqnb.local.quota import Quota
from groqnb.local.refusal import Refusal
from groqnb.local.responses import Answer
from groqnb.local.responses_request import read_response_request
from groqnb.local.spending import Spending
from groqnb.local.store import Store, data_folder

__all__ = ["build"]


def build(
    llm: Llm,
    key: str,
    quota: Quota,
    store: Store | None = None,
    *,
    spending: Spending | None = None,
    faults: Faults | None = None,
) -> Gate:
    """The ASGI application of an engine that runs `llm` and opens to `key`.

    `store` is where it keeps files and batches (the user's own data folder by default);
    `spending` is what `quota` counts with; `faults` spoil replies on purpose.
    """
    store = store or Store(data_folder())
    tunings = FineTunings(store)
    ears, mouth = Ears(private=llm.eyes.private), Mouth()
    runner = BatchRunner(store, Dispatch(llm, quota.for_batches(), tunings, ears))

    async def create_chat(request: Request) -> Response:
        body = await json_body(request)
        headers = NOT_APPLIED if await tunings.require_model(body) else {}
        wanted = read_request(body, llm.name, request.headers.get("groq-model-version"))
        headers = {**headers, **SEEN} if wanted.has_images else headers
        chat = await unless_gone(request, Chat.admit(wanted, llm, quota, request.state.request_id))
        headers = {**headers, **chat.headers}
        if wanted.stream:
            return Events(chat.stream(), {**headers, **quota.headers(wanted.info)})
        reply = await unless_gone(request, chat.whole())
        return json_reply(reply, headers={**headers, **quota.headers(wanted.info)})

    async def create_response(request: Request) -> Response:
        body = await json_body(request)
        headers = NOT_APPLIED if await tunings.require_model(body) else {}
        wanted = read_response_request(body, llm.name)
        headers = {**headers, **SEEN} if wanted.chat.has_images else headers
        answer = await unless_gone(
            request, Answer.admit(wanted, llm, quota, request.state.request_id)
        )
        if wanted.chat.stream:
            return Events(answer.stream(), {**headers, **quota.headers(wanted.chat.info)})
        reply = await unless_gone(request, answer.whole())
        return json_reply(reply, headers={**headers, **quota.headers(wanted.chat.info)})

    async def list_models(_request: Request) -> Response:
        return json_reply(models.listing(llm.name, llm.context, await tunings.rows()))

    async def retrieve_model(request: Request) -> Response:
        name = request.path_params["model"]
        if name.startswith("ft:"):
            return json_reply(models.adapter(await tunings.model(name)))
        return json_reply(models.one(name, llm.name, llm.context))

    @contextlib.asynccontextmanager
    async def in_background(_app: Starlette) -> AsyncIterator[None]:
        if spending is not None:
            await spending.open()
        runner.start()
        yield
        await runner.stop()
        store.close()

    routes = [
        Route("/chat/completions", create_chat, methods=["POST"]),
        Route("/responses", create_response, methods=["POST"]),
        Route("/models", list_models, methods=["GET"]),
        Route("/models/{model:path}", retrieve_model, methods=["GET"]),
        *files.routes(store),
        *batches.routes(store, runner, quota.check_spending),
        *fine_tunings.routes(tunings),
        *audio.routes(ears, mouth, quota),
    ]
    app: ASGIApp = Starlette(routes=routes, exception_handlers=_HANDLERS, lifespan=in_background)
    return Gate(app if faults is None else faults.around(app), key, llm.name)


class Events(ClosingStream):
    """A stream of server-sent events whose source is closed when the client hangs up."""

    def __init__(self, source: AsyncGenerator[bytes, None], headers: dict[str, str]) -> None:
        super().__init__(source, {**headers, "cache-control": "no-cache"}, "text/event-stream")


async def _on_refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return refusal_reply(error)


async def _on_unknown(request: Request, _error: Exception) -> Response:
    return refusal_reply(unknown_url(request.method, request.scope["asked_path"]))


async def _on_wrong_method(request: Request, error: Exception) -> Response:
    refusal = Refusal(
        405,
        f"{request.method} is not allowed for {request.scope['asked_path']}.",
        code="method_not_allowed",
        headers=getattr(error, "headers", None),
    )
    return refusal_reply(refusal)


async def _on_gone(_request: Request, _error: Exception) -> Response:
    # Nobody reads it. 499 is what the documentation's logs call this.
    return Response(status_code=499)


async def _on_bug(_request: Request, error: Exception) -> Response:
    traceback.print_exception(error, file=sys.stderr)
    return refusal_reply(
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
