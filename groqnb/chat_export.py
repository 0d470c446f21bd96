"""Conversations with branches as a table, as Markdown and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from groqnb.context import known_secrets
from groqnb.images import facts
from groqnb.record.scrub import Scrubber
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from groqnb.chat_tree import ChatTree, Turn

__all__ = ["FORMATS", "exported", "frame_of"]

FORMATS = ("markdown", "json")

_WHO = {"user": "You", "assistant": "Assistant", "tool": "Tools"}


def frame_of(chat: ChatTree) -> pd.DataFrame:
    """One row for each turn; see `ChatTree.to_frame`."""
    import pandas as pd

    seen = set(map(id, chat.path))
    rows = [_row(turn, id(turn) in seen) for turn in chat.turns]
    types = {
        "turn": "Int64",
        "after": "Int64",
        "role": "string",
        "seen": "boolean",
        "text": "string",
        "images": "Int64",
        "model": "string",
        "prompt_tokens": "Int64",
        "completion_tokens": "Int64",
        "cost": "Float64",
        "ttft": "Float64",
        "wall": "Float64",
        "stopped": "boolean",
        "failure": "string",
    }
    frame: pd.DataFrame = pd.DataFrame(rows, columns=list(types)).astype(types)
    return frame


def _row(turn: Turn, seen: bool) -> dict[str, Any]:
    answer = turn.answer
    usage = answer.usage if answer is not None else None
    return {
        "turn": turn.id,
        "after": turn.parent.id if turn.parent is not None else None,
        "role": turn.role,
        "seen": seen,
        "text": turn.text,
        "images": len(turn.images),
        "model": answer.model_answered if answer is not None else None,
        "prompt_tokens": usage.prompt_tokens if usage is not None else None,
        "completion_tokens": usage.completion_tokens if usage is not None else None,
        "cost": turn.cost,
        "ttft": answer.timing.ttft if answer is not None else None,
        "wall": answer.timing.wall if answer is not None else None,
        "stopped": answer.stopped if answer is not None else None,
        "failure": turn.failure or None,
    }


def exported(chat: ChatTree, format: str) -> str:
    """The conversation as text; see `ChatTree.export`."""
    scrub = Scrubber(known_secrets())
    if format == "markdown":
        return scrub.text(_markdown(chat))
    if format == "json":
        return _json(chat, scrub)
    raise ParameterError(f"there is no format {format!r}; there are {' and '.join(FORMATS)}.")


def _markdown(chat: ChatTree) -> str:
    parts = [] if chat.system is None else ["## System", chat.system]
    for turn in chat.path:
        answer = turn.answer
        model = answer.model_answered if answer is not None else ""
        parts.append(f"## {_WHO[turn.role]}" + (f" ({model})" if model else ""))
        parts.append(turn.text)
        parts += [f"[image: {facts(part)}]" for part in turn.images]
        for call in answer.tool_calls if answer is not None else ():
            parts.append(f"asks for `{call.function.name}({call.function.arguments})`")
        if answer is not None and answer.stopped:
            parts.append("*stopped*")
        if turn.failure:
            parts.append(f"*{turn.failure}*")
    return "\n\n".join(part for part in parts if part) + "\n"


def _json(chat: ChatTree, scrub: Scrubber) -> str:
    seen = [turn.id for turn in chat.path]
    turns = [_record(turn) for turn in chat.turns]
    written = {"system": chat.system, "seen": seen, "turns": turns}
    return json.dumps(scrub.value(written), indent=2, ensure_ascii=False) + "\n"


def _record(turn: Turn) -> dict[str, Any]:
    row = _row(turn, seen=False)
    named = {"turn", "after", "role", "seen", "text", "images"}
    record = {"id": turn.id, "after": row["after"], "role": turn.role, "messages": turn.messages}
    if turn.answer is not None and turn.answer.reasoning:
        record["reasoning"] = turn.answer.reasoning
    known = {name: value for name, value in row.items() if name not in named}
    return record | {name: value for name, value in known.items() if value is not None}
