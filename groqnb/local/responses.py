"""POST /openai/v1/responses.

Docs: "Create response"; "Responses API". A response is a chat in another frame: its request is
checked and answered by chat's code, its reply is built from chat's events. Nothing is stored, so
`store`, `previous_response_id` and references to items are refused, as documented.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from groqnb.local.chat import Chat
from groqnb.local.parts.llm import Llm
from groqnb.local.quota import Quota
from groqnb.local.refusal import Refusal
from groqnb.local.responses_events import Progress
from groqnb.local.responses_output import Event
from groqnb.local.responses_request import ResponseRequest, in_own_words
from groqnb.local.store import new_id

__all__ = ["Answer"]


@dataclass(frozen=True)
class Answer:
    """One admitted responses request on its way to an answer."""

    request: ResponseRequest
    chat: Chat

    @classmethod
    async def admit(
        cls, request: ResponseRequest, llm: Llm, quota: Quota, request_id: str
    ) -> Answer:
        """Make the prompt and count the request in. Raises Refusal (400, 413, 429, 503)."""
        try:
            return cls(request, await Chat.admit(request.chat, llm, quota, request_id))
        except Refusal as refusal:
            raise in_own_words(refusal, request.origins) from None

    async def whole(self) -> dict[str, Any]:
        """The reply to a request that does not stream. Raises Refusal."""
        response: dict[str, Any] = {}
        async with aclosing(self._made(self._progress())) as events:
            async for event in events:
                response = event.get("response", response)
        return response

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The reply's events, as bytes of the stream. The last one ends it: there is no [DONE]."""
        progress = self._progress()
        for event in progress.begin():
            yield _sse(event)
        try:
            async with aclosing(self._made(progress)) as events:
                async for event in events:
                    yield _sse(event)
        except Refusal as refusal:
            # The status line is gone: the stream itself has to say what happened.
            yield _sse(progress.fail(refusal))

    async def _made(self, progress: Progress) -> AsyncGenerator[Event, None]:
        """The response's events, from the first token on. Raises Refusal."""
        try:
            async with aclosing(self.chat.events()) as events:
                async for event in events:
                    for made in progress.take(event):
                        yield made
        except Refusal as refusal:
            raise in_own_words(refusal, self.request.origins) from None

    def _progress(self) -> Progress:
        response_id = new_id("resp")
        return Progress(
            {
                "id": response_id,
                "object": "response",
                "status": "in_progress",
                "created_at": int(time.time()),
                "output": [],
                **self.request.echo,
                "service_tier": "flex" if self.chat.tier == "flex" else "default",
                "log_id": response_id.replace("resp", "log", 1),
            }
        )


def _sse(event: dict[str, Any]) -> bytes:
    data = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return f"event: {event['type']}\ndata: {data}\n\n".encode("utf-8", "replace")
