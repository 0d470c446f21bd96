"""POST /openai/v1/chat/completions.

Docs: "Create chat completion"; the stream's framing: data-only server-sent events that end with
`data: [DONE]`. The model asked for is echoed; which one really answered stands in the
fingerprint and in the header `x-groqnb-model`.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from groqnb.local import guards
from groqnb.local.chat_answer import Plan, answer, plan
from groqnb.local.chat_events import (
    ChatEvent,
    Done,
    ExecutedTool,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
)
from groqnb.local.chat_request import ChatRequest
from groqnb.local.parts.llm import Llm
from groqnb.local.quota import Quota
from groqnb.local.refusal import Refusal

__all__ = ["Chat"]


@dataclass(frozen=True)
class Chat:
    """One admitted chat request on its way to an answer. `request_id` is the reply's req_…"""

    request: ChatRequest
    plan: Plan
    llm: Llm
    quota: Quota
    request_id: str
    tier: str = "on_demand"
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4()}")
    created: int = field(default_factory=lambda: int(time.time()))

    @classmethod
    async def admit(cls, request: ChatRequest, llm: Llm, quota: Quota, request_id: str) -> Chat:
        """Look at its images, make the prompt and count the request in.

        Raises Refusal (400, 413, 429, 498, 501, 503).
        """
        if request.has_images:
            request = replace(request, turns=await llm.eyes.described(request.turns))
        made = await plan(request, llm)
        tier = quota.admit(
            request.info,
            made.prompt.tokens,
            request.service_tier,
            has_place=llm.has_place(made.prompt, request.max_tokens),
        )
        return cls(request, made, llm, quota, request_id, tier)

    async def events(self) -> AsyncGenerator[ChatEvent, None]:
        """The answer as it is made; the last event is Done. Closing it stops the model.

        Raises Refusal when the answer cannot be finished; what came before is then no answer.
        """
        async with aclosing(answer(self.request, self.llm, self.plan)) as events:
            async for event in events:
                if isinstance(event, Done):
                    tokens = event.usage["completion_tokens"]
                    self.quota.spent(self.request.info, tokens, self.tier)
                yield event

    async def whole(self) -> dict[str, Any]:
        """The reply to a request that does not stream. Raises Refusal."""
        message = _Message()
        async with aclosing(self.events()) as events:
            async for event in events:
                message.add(event)
        done = message.done
        if done is None:
            raise Refusal(
                500, "The local model stopped without an end.", type="internal_server_error"
            )
        reply = {
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.request.model,
            "choices": [
                {
                    "index": 0,
                    "message": message.as_dict(older=self._older),
                    "logprobs": None,
                    "finish_reason": done.finish_reason,
                }
            ],
            "usage": done.usage,
            "system_fingerprint": self._fingerprint,
            "service_tier": self.tier,
            "x_groq": {"id": self.request_id},
        }
        return {**reply, **self._breakdown(done)}

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The reply's events, as bytes of the stream."""
        yield self._event({"role": "assistant", "content": ""}, x_groq={"id": self.request_id})
        try:
            async with aclosing(self.events()) as events:
                async for event in events:
                    if isinstance(event, TextDelta):
                        yield self._event({"content": event.text})
                    elif isinstance(event, ReasoningDelta):
                        yield self._event({"reasoning": event.text})
                    elif isinstance(event, ExecutedTool):
                        yield self._event({"executed_tools": [event.as_dict()]})
                    elif isinstance(event, ToolCallDelta):
                        yield self._event(_call_delta(event, older=self._older))
                    else:
                        for chunk in self._end(event):
                            yield chunk
        except Refusal as refusal:
            # The status line is gone: the stream itself has to say what happened.
            error = refusal.body()["error"]
            yield _sse({"error": error, "x_groq": {"id": self.request_id, "error": error}})
        yield b"data: [DONE]\n\n"

    def _end(self, done: Done) -> Iterator[bytes]:
        x_groq = {"id": self.request_id, "usage": done.usage, **self._breakdown(done)}
        yield self._event({}, done.finish_reason, x_groq=x_groq)
        if self.request.include_usage:
            yield _sse({**self._head(), "choices": [], "usage": done.usage})

    @property
    def _older(self) -> bool:
        return self.request.tools is not None and self.request.tools.older

    def _breakdown(self, done: Done) -> dict[str, Any]:
        """Compound: the usage of the models that answered, which is the local one alone."""
        if self.request.info is None or self.request.info.kind != "compound":
            return {}
        return {"usage_breakdown": {"models": [{"model": self.llm.name, "usage": done.usage}]}}

    @property
    def headers(self) -> dict[str, str]:
        """What the reply's headers say beside what every reply's do."""
        return {"x-groqnb-model": guards.NAME} if guards.classifies(self.request) else {}

    @property
    def _fingerprint(self) -> str:
        if guards.classifies(self.request):
            return f"fp_local_{guards.NAME}"
        # Adapters are registered, not applied: the model answers without.
        without = "_without_adapter" if self.request.model.startswith("ft:") else ""
        looked = "_with_ocr" if self.request.has_images else ""
        return f"fp_local_{self.llm.name}{without}{looked}"

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


class _Message:
    """The message of a whole reply, put together from events."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._calls: list[dict[str, Any]] = []
        self._executed: list[dict[str, Any]] = []
        self.done: Done | None = None

    def add(self, event: ChatEvent) -> None:
        if isinstance(event, TextDelta):
            self._texts.append(event.text)
        elif isinstance(event, ReasoningDelta):
            self._thoughts.append(event.text)
        elif isinstance(event, ExecutedTool):
            self._executed.append(event.as_dict())
        elif isinstance(event, ToolCallDelta):
            if event.name is not None:
                function = {"name": event.name, "arguments": ""}
                self._calls.append({"id": event.id, "type": "function", "function": function})
            self._calls[event.index]["function"]["arguments"] += event.arguments
        else:
            self.done = event

    def as_dict(self, *, older: bool) -> dict[str, Any]:
        text = "".join(self._texts)
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if self._calls and not text else text,
        }
        if self._thoughts:
            message["reasoning"] = "".join(self._thoughts)
        if self._executed:
            message["executed_tools"] = self._executed
        if self._calls and older:
            message["function_call"] = self._calls[0]["function"]
        elif self._calls:
            message["tool_calls"] = self._calls
        return message


def _call_delta(event: ToolCallDelta, *, older: bool) -> dict[str, Any]:
    function: dict[str, Any] = {} if event.name is None else {"name": event.name}
    function["arguments"] = event.arguments
    if older:
        return {"function_call": function}
    call: dict[str, Any] = {"index": event.index}
    if event.id is not None:
        call.update(id=event.id, type="function")
    return {"tool_calls": [{**call, "function": function}]}


def _sse(data: dict[str, Any]) -> bytes:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    # As in `json_reply`: a tool may have given back half a surrogate pair.
    return b"data: " + text.encode("utf-8", "replace") + b"\n\n"
