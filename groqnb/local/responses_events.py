"""From a chat's events to a response's: the output grows item by item, and a stream tells of it.

Docs: "Create response". The documentation promises a stream and leaves its events open; they are
those that OpenAI defines for the same endpoint, in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from groqnb.local.chat_events import ChatEvent, Done, ExecutedTool, ReasoningDelta, TextDelta
from groqnb.local.refusal import Refusal
from groqnb.local.responses_output import Call, Event, Item, Message, Reasoning

__all__ = ["Progress"]


class Progress:
    """One response on its way; its methods give the stream's events, numbered.

    `head` is what stays the same in all of it: the id, the time, what is repeated of the request.
    """

    def __init__(self, head: Mapping[str, Any]) -> None:
        self._head = head
        self._count = 0
        self._output: list[dict[str, Any]] = []
        self._item: Item | None = None
        self._call: int | None = None
        self._answered = False

    def begin(self) -> Iterator[Event]:
        """The events before the first token."""
        for name in ("response.created", "response.in_progress"):
            yield self._numbered({"type": name, "response": self._response("in_progress")})

    def take(self, event: ChatEvent) -> Iterator[Event]:
        """The events that an event of the chat stands for; the last of all holds the response."""
        if isinstance(event, Done):
            made = self._end(event)
        elif isinstance(event, TextDelta):
            made = self._more(Message, event.text)
        elif isinstance(event, ReasoningDelta):
            made = self._more(Reasoning, event.text)
        elif isinstance(event, ExecutedTool):
            # The documentation has no item for it; the reasoning tells what was run.
            made = iter(())
        else:
            made = self._call_more(event.index, event.id, event.name, event.arguments)
        return map(self._numbered, made)

    def fail(self, refusal: Refusal) -> Event:
        """The last event, when the answer cannot be finished."""
        if self._item is not None:
            self._output.append(self._item.fields("incomplete"))
        code = refusal.code or ("server_error" if refusal.status >= 500 else "invalid_prompt")
        response = self._response("failed", error={"code": code, "message": refusal.message})
        return self._numbered({"type": "response.failed", "response": response})

    def _more(self, kind: type[Message | Reasoning], text: str) -> Iterator[Event]:
        if not isinstance(self._item, kind):
            yield from self._close("completed")
            yield from self._open(kind(len(self._output)))
        if text and self._item is not None:
            yield self._item.add(text)

    def _call_more(
        self, index: int, call_id: str | None, name: str | None, arguments: str
    ) -> Iterator[Event]:
        if index != self._call:
            yield from self._close("completed")
            yield from self._open(Call(len(self._output), call_id or "", name or ""))
            self._call = index
        if arguments and self._item is not None:
            yield self._item.add(arguments)

    def _open(self, item: Item) -> list[Event]:
        self._item = item
        self._answered = self._answered or not isinstance(item, Reasoning)
        return item.start()

    def _close(self, status: str) -> list[Event]:
        item, self._item = self._item, None
        if item is None:
            return []
        self._output.append(item.fields(status))
        return item.end(status)

    def _end(self, done: Done) -> Iterator[Event]:
        cut = done.finish_reason == "length"
        status = "incomplete" if cut else "completed"
        if not self._answered and not cut:
            # Whoever reads a completed response looks for a message, be it an empty one.
            yield from self._more(Message, "")
        yield from self._close(status)
        response = self._response(
            status,
            incomplete_details={"reason": "max_output_tokens"} if cut else None,
            usage=_usage(done.usage),
        )
        yield {"type": f"response.{status}", "response": response}

    def _response(self, status: str, **more: Any) -> dict[str, Any]:
        changing = {"status": status, "error": None, "incomplete_details": None, "usage": None}
        return {**self._head, **changing, "output": list(self._output), **more}

    def _numbered(self, event: Event) -> Event:
        number, self._count = self._count, self._count + 1
        return {"type": event["type"], "sequence_number": number, **event}


def _usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """The tokens of a chat, under the names that they have here."""
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
    reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens", 0)
    return {
        "input_tokens": usage["prompt_tokens"],
        "input_tokens_details": {"cached_tokens": cached, "reasoning_tokens": 0},
        "output_tokens": usage["completion_tokens"],
        "output_tokens_details": {"cached_tokens": 0, "reasoning_tokens": reasoning},
        "total_tokens": usage["total_tokens"],
    }
