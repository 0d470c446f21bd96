"""What was asked and answered, as text, for those who want it in their ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from groqnb.ledger.costs import reply_of

if TYPE_CHECKING:
    from groqnb.wire.events import Finished, Interrupted

__all__ = ["answer_of", "question_of"]

_MOST = 100_000  # characters


def question_of(request: Mapping[str, Any] | None) -> str | None:
    """The messages of a request as JSON, or the text to speak.

    Images are left out, and with everything else of the request whatever may be a secret.
    """
    asked = request or {}
    said = asked.get("messages") or asked.get("input") or asked.get("prompt")
    if said is None:
        return None
    if isinstance(said, str):
        return said[:_MOST]
    return json.dumps(_without_images(said), ensure_ascii=False, default=str)[:_MOST]


def _without_images(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.get("type") in ("image_url", "input_image"):
            return {"type": value["type"]}
        return {name: _without_images(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_images(part) for part in value]
    return value


def answer_of(event: Finished | Interrupted) -> str | None:
    """The text of a reply, streamed or whole; None where it is no text."""
    reply = reply_of(event)
    if event.chunks and not hasattr(reply, "output"):
        text = "".join(_delta(chunk) for chunk in event.chunks)
    elif getattr(reply, "choices", None):
        text = reply.choices[0].message.content or ""
    elif getattr(reply, "output", None):
        text = "".join(getattr(item, "text", None) or "" for item in reply.output)
    else:
        text = getattr(reply, "text", None) or ""
    return text[:_MOST] if isinstance(text, str) and text else None


def _delta(chunk: bytes) -> str:
    choices = json.loads(chunk).get("choices") or ()
    return "".join((choice.get("delta") or {}).get("content") or "" for choice in choices)
