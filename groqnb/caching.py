"""Which part of a prompt keeps it out of the cache. Docs: "Prompt Caching".

Only the beginning that two prompts share, to the letter, can come from the cache. So what stays the
same goes first (system message, tools, examples), and what changes goes last.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groqnb import catalog
from groqnb.conversation import estimate
from groqnb.types.errors import ParameterError
from groqnb.types.records import Records

__all__ = ["Break", "Breaks", "check_prefix"]

_SHOWN = 40
# What changes from call to call, and is often put first.
_SUSPECTS = {
    "a date or time": re.compile(
        r"\d{4}-\d\d-\d\d|\d{1,2}:\d\d|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b"
    ),
    "an id": re.compile(
        r"\b[0-9a-f]{8}-[0-9a-f]{4}-|\b(?:req|user|sess|id)[-_]\w+|\b[0-9a-f]{16,}\b", re.I
    ),
    "a number": re.compile(r"\d+"),
}


@dataclass(frozen=True)
class Break:
    """Where a prompt stops being the same as the one before it.

    Attributes:
        call: the number of the call, from 1; the first call has nothing before it.
        place: the part that differs, as in "messages[0]" or "tools"; "" where the whole prompt
            before is its beginning.
        at: the character of that part at which they part.
        before, now: what stands there in the two prompts.
        shared: about how many tokens of the prompt can come from the cache.
        share: the same as a part of the whole prompt, 0 to 1.
        advice: what to move, or "".
    """

    call: int
    place: str
    at: int
    before: str
    now: str
    shared: int
    share: float
    advice: str


class Breaks(Records[Break]):
    """One entry for each call after the first; a list with `.to_frame()`."""

    _columns = (
        ("call", "Int64"),
        ("place", "object"),
        ("at", "Int64"),
        ("before", "object"),
        ("now", "object"),
        ("shared", "Int64"),
        ("share", "Float64"),
        ("advice", "object"),
    )

    @property
    def share(self) -> float:
        """The mean share that can come from the cache, over the calls after the first."""
        return sum(each.share for each in self) / len(self) if self else 0.0


def check_prefix(calls: Iterable[Any]) -> Breaks:
    """Compares each prompt with the one before, and says where they part.

    `calls` are lists of messages, or dicts with `messages` and perhaps `tools` and `model`. A
    model that does not cache prompts, by the catalogue, is named in the advice. Raises
    ParameterError for fewer than two.

    ```python
    from groqnb.caching import check_prefix

    check_prefix([messages_of(row) for row in rows]).to_frame()
    ```

    Docs: Prompt Caching, Structuring Prompts for Optimal Caching.
    """
    given = [call if isinstance(call, Mapping) else {"messages": call} for call in calls]
    if len(given) < 2:
        raise ParameterError("Prompts are compared with those before: give at least two.")
    prompts = [_parts(call) for call in given]
    return Breaks(
        _compared(number, given[number - 1], prompts[number - 2], prompts[number - 1])
        for number in range(2, len(prompts) + 1)
    )


def _parts(call: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The pieces of a prompt in the order in which they are read: system, tools, the rest."""
    messages = call.get("messages")
    if not isinstance(messages, Sequence) or isinstance(messages, str):
        raise ParameterError("A call has no messages.", hint="Give lists of messages, or calls.")
    system: list[tuple[str, str]] = []
    rest: list[tuple[str, str]] = []
    for index, message in enumerate(messages):
        plain = message if isinstance(message, Mapping) else _dumped(message)
        content = plain.get("content")
        told = content if isinstance(content, str) else _text(content)
        calls = plain.get("tool_calls")
        more = _text(calls) if calls else ""
        leading = plain.get("role") in ("system", "developer") and not rest
        (system if leading else rest).append((f"messages[{index}]", f"{told}{more}"))
    tools = call.get("tools")
    between = [("tools", _text(list(tools)))] if tools else []
    return [*system, *between, *rest]


def _text(part: Any) -> str:
    """A part of a message as one text; calls and parts of a reply may be objects."""
    return json.dumps(part, sort_keys=True, default=_dumped)


def _dumped(message: Any) -> Mapping[str, Any]:
    """A message of a reply as a dict, or a part of one."""
    if not hasattr(message, "model_dump"):
        raise ParameterError(
            f"A message is a dict, with JSON in it, not of type {type(message).__name__}.",
            hint="Give lists of messages, or calls.",
        )
    found: Mapping[str, Any] = message.model_dump(exclude_none=True)
    return found


def _compared(
    number: int,
    call: Mapping[str, Any],
    before: Sequence[tuple[str, str]],
    now: Sequence[tuple[str, str]],
) -> Break:
    shared, place, at, was, there = 0, "", 0, "", ""
    for index, (name, text) in enumerate(now):
        other = before[index] if index < len(before) else None
        if other is not None and other == (name, text):
            shared += _tokens(text)
            continue
        if other is not None:
            place, at = name, _same(other[1], text) if other[0] == name else 0
            shared += _tokens(text[:at])
            was, there = other[1][at : at + _SHOWN], text[at : at + _SHOWN]
        break
    whole = sum(_tokens(text) for _, text in now)
    last = bool(place) and place == now[-1][0]
    return Break(
        call=number,
        place=place,
        at=at,
        before=was,
        now=there,
        shared=shared,
        share=shared / whole if whole else 0.0,
        advice=_advice(call, now, place, at, lost=0 if last else whole - shared),
    )


def _advice(
    call: Mapping[str, Any], now: Sequence[tuple[str, str]], place: str, at: int, *, lost: int
) -> str:
    model = call.get("model")
    info = catalog.find(model) if isinstance(model, str) else None
    if info is not None and not info.capabilities.get("prompt_caching"):
        able = [each.id for each in catalog.models() if each.capabilities.get("prompt_caching")]
        return f"{info.id} caches no prompts; {', '.join(able)} does."
    if not place or not lost:
        return ""
    text = dict(now)[place]
    around = text[max(0, at - 12) : at + 24]
    kind = next((name for name, form in _SUSPECTS.items() if form.search(around)), "what changes")
    return (
        f"Move {kind} out of {place} to the end of the last message: "
        f"about {lost} tokens behind it cannot be cached."
    )


def _same(one: str, other: str) -> int:
    for index, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return index
    return min(len(one), len(other))


def _tokens(text: str) -> int:
    return estimate([{"content": text}])
