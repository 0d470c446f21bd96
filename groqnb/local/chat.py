"""POST /openai/v1/chat/completions.

Docs: "Create chat completion"; the stream's framing: data-only server-sent events that end with
`data: [DONE]`. The model asked for is echoed; which one really answered stands in the
fingerprint and in the header `x-groqnb-model`.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from groqnb.local.chat_events import ChatEvent, Done, TextDelta
from groqnb.local.chat_request import ChatRequest
from groqnb.local.parts import llm as runtime
from groqnb.local.parts.llm import Completion, Llm, Prompt
from groqnb.local.quota import Quota
from groqnb.local.refusal import Refusal

__all__ = ["Chat"]


@dataclass(frozen=True)
class Chat:
    """One admitted chat request on its way to an answer. `request_id` is the reply's req_…"""

    request: ChatRequest
    prompt: Prompt
    llm: Llm
    quota: Quota
    request_id: str
    tier: str = "on_demand"
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4()}")
    created: int = field(default_factory=lambda: int(time.time()))

    @classmethod
    async def admit(cls, request: ChatRequest, llm: Llm, quota: Quota, request_id: str) -> Chat:
        """Make the prompt and count the request in. Raises Refusal (400, 413, 429, 498, 503)."""
        prompt = await llm.prompt(request.turns, request.prefill)
        tier = quota.admit(
            request.info,
            prompt.tokens,
            request.service_tier,
            has_place=llm.has_place(prompt, request.max_tokens),
        )
        return cls(request, prompt, llm, quota, request_id, tier)

    async def events(self) -> AsyncGenerator[ChatEvent, None]:
        """The answer as it is made; the last event is Done. Closing it stops the model.

        Raises Refusal when the answer cannot be finished; what came before is then no answer.
        """
        wanted = self.request
        how = Completion(
            temperature=wanted.temperature,
            top_p=wanted.top_p,
            seed=wanted.seed,
            stop=wanted.stop,
            max_tokens=wanted.max_tokens,
            json_object=wanted.json_mode,
        )
        async with aclosing(self.llm.complete(self.prompt, how)) as pieces:
            async for piece in pieces:
                if isinstance(piece, str):
                    yield TextDelta(piece)
                else:
                    self.quota.spent(wanted.info, piece.completion_tokens, self.tier)
                    yield Done(piece.finish_reason, _usage(piece))

    async def whole(self) -> dict[str, Any]:
        """The reply to a request that does not stream. Raises Refusal."""
        texts: list[str] = []
        done: Done | None = None
        async with aclosing(self.events()) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    texts.append(event.text)
                elif isinstance(event, Done):
                    done = event
        if done is None:
            raise Refusal(
                500, "The local model stopped without an end.", type="internal_server_error"
            )
        text = "".join(texts)
        if self.request.json_mode and not self.request.prefill:
            _refuse_broken_json(text)
        return {
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.request.model,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text},
                    "logprobs": None,
                    "finish_reason": done.finish_reason,
                }
            ],
            "usage": done.usage,
            "system_fingerprint": self._fingerprint,
            "x_groq": {"id": self.request_id},
        }

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The reply's events, as bytes of the stream."""
        yield self._event({"role": "assistant", "content": ""}, x_groq={"id": self.request_id})
        try:
            async with aclosing(self.events()) as events:
                async for event in events:
                    if isinstance(event, TextDelta):
                        yield self._event({"content": event.text})
                    elif isinstance(event, Done):
                        yield self._event(
                            {},
                            event.finish_reason,
                            x_groq={"id": self.request_id, "usage": event.usage},
                        )
                        if self.request.include_usage:
                            yield _sse({**self._head(), "choices": [], "usage": event.usage})
        except Refusal as refusal:
            # The status line is gone: the stream itself has to say what happened.
            error = refusal.body()["error"]
            yield _sse({"error": error, "x_groq": {"id": self.request_id, "error": error}})
        yield b"data: [DONE]\n\n"

    @property
    def _fingerprint(self) -> str:
        # Adapters are registered, not applied: the model answers without.
        without = "_without_adapter" if self.request.model.startswith("ft:") else ""
        return f"fp_local_{self.llm.name}{without}"

    def _head(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.request.model,
            "system_fingerprint": self._fingerprint,
        }

    def _event(
        self,
        delta: dict[str, Any],
        finish_reason: str | None = None,
        x_groq: dict[str, Any] | None = None,
    ) -> bytes:
        chunk = self._head()
        chunk["choices"] = [
            {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        ]
        if self.request.include_usage:
            chunk["usage"] = None
        if x_groq is not None:
            chunk["x_groq"] = x_groq
        return _sse(chunk)


def _sse(data: dict[str, Any]) -> bytes:
    return (
        b"data: " + json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
    )


def _usage(done: runtime.Done) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "queue_time": round(done.queue_time, 9),
        "prompt_tokens": done.prompt_tokens,
        "prompt_time": round(done.prompt_time, 9),
        "completion_tokens": done.completion_tokens,
        "completion_time": round(done.completion_time, 9),
        "total_tokens": done.prompt_tokens + done.completion_tokens,
        "total_time": round(done.prompt_time + done.completion_time, 9),
    }
    if done.cached_tokens:
        usage["prompt_tokens_details"] = {"cached_tokens": done.cached_tokens}
    return usage


def _refuse_broken_json(text: str) -> None:
    """JSON mode gives an object or an error, never a piece of one (the answer was cut off)."""
    try:
        json.loads(text)
    except ValueError:
        raise Refusal(
            400,
            "The model did not finish a JSON object within the tokens it may use.",
            code="json_validate_failed",
            extra={"failed_generation": text},
        ) from None
