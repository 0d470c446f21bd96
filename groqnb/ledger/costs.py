"""What a call that has ended cost, by the catalogue's prices or the user's own."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groqnb.catalog.cost import PricesUnreadable, cost, tools_cost

if TYPE_CHECKING:
    from groqnb.wire.events import Finished, Interrupted

__all__ = ["LOCAL", "REPLAYED", "audio_seconds", "price_of", "reply_of", "tokens_of", "tools_of"]

LOCAL = "the local engine costs nothing"
REPLAYED = "a recorded answer costs nothing"
_ADVANCED_SINCE = "2025-07-23"  # a Compound version newer than this one searches at a higher price
_TOOL_FIELDS = (b'"tool_calls"', b'"executed_tools"')
_told: set[str] = set()


def price_of(
    event: Finished | Interrupted, executed: Mapping[str, int]
) -> tuple[float, str] | None:
    """US dollars, and where the prices are from; None where one of them is not known.

    `executed` are the tools that ran, as `tools_of` counts them. The call is taken to be one that
    the cloud answered, whoever did.
    """
    parts = []
    try:
        for model, numbers in _billed(event):
            parts.append(cost(model, **numbers))
    except PricesUnreadable as error:
        # Once: each call meets it, and each has an answer all the same.
        if str(error) not in _told:
            _told.add(str(error))
            warnings.warn(f"Costs are not known. {error}", stacklevel=2)
        return None
    tools = tools_cost(executed, advanced_search=_advanced(event)) if executed else 0.0
    if not parts or tools is None:
        return None
    usd = tools
    sources: dict[str, None] = {}
    for part in parts:
        if part is None:
            return None
        usd += part.usd
        sources[part.source] = None
    return usd, "; ".join(sources)


def reply_of(event: Finished | Interrupted) -> Any:
    """The reply itself; the last event of a streamed response has it inside."""
    # A look at what a reply does not have is slow, and most calls are no responses.
    if event.path != "/responses":
        return event.reply
    return getattr(event.reply, "response", None) or event.reply


def _advanced(event: Finished | Interrupted) -> bool:
    headers = event.sent_call.headers if event.sent_call is not None else None
    for name, value in (headers or {}).items():
        if name.lower() == "groq-model-version":
            return value != _ADVANCED_SINCE
    return False


def _billed(event: Finished | Interrupted) -> list[tuple[str, dict[str, Any]]]:
    """The models to be paid for, with what `cost` asks of each: Compound tells of several."""
    reply = reply_of(event)
    breakdown = getattr(reply, "usage_breakdown", None)
    if breakdown is None:
        breakdown = getattr(getattr(reply, "x_groq", None), "usage_breakdown", None)
    shares = getattr(breakdown, "models", None)
    if shares:
        return [(share.model, _tokens(share.usage)) for share in shares]
    if event.model is None:
        return []
    if event.path == "/audio/speech":
        spoken = (event.request or {}).get("input")
        return [(event.model, {"characters": len(spoken)})] if isinstance(spoken, str) else []
    if event.path.startswith("/audio/"):
        seconds = audio_seconds(event)
        return [] if seconds is None else [(event.model, {"audio_seconds": seconds})]
    return [] if event.usage is None else [(event.model, _tokens(event.usage))]


def _tokens(usage: Any) -> dict[str, int]:
    told = tokens_of(usage)
    names = ("prompt_tokens", "completion_tokens", "cached_tokens")
    return {name: told[name] or 0 for name in names}


def tokens_of(usage: Any) -> dict[str, int | None]:
    """Tokens in, out, from the cache and of thoughts, under the ledger's names.

    Chat and the Responses API name them each in their own way.
    """
    if "input_tokens" in getattr(usage, "__dict__", ()):
        names = ("input", "output")
    else:
        names = ("prompt", "completion")
    return {
        "prompt_tokens": getattr(usage, f"{names[0]}_tokens", None),
        "completion_tokens": getattr(usage, f"{names[1]}_tokens", None),
        "cached_tokens": _part(usage, f"{names[0]}_tokens_details", "cached_tokens"),
        "reasoning_tokens": _part(usage, f"{names[1]}_tokens_details", "reasoning_tokens"),
    }


def _part(usage: Any, details: str, name: str) -> int | None:
    told = getattr(usage, details, None)
    value = told.get(name) if isinstance(told, Mapping) else getattr(told, name, None)
    return value if isinstance(value, int) else None


def audio_seconds(event: Finished | Interrupted) -> float | None:
    """How long the sound is that was transcribed: as the reply says, else as its file does."""
    if not event.path.startswith("/audio/"):
        return None
    seconds = getattr(event.reply, "duration", None)
    if isinstance(seconds, (int, float)):
        return float(seconds)
    form = event.sent_call.form if event.sent_call is not None else None
    if form is None or form.file is None:
        return None
    from groqnb.ledger.sound import seconds_of

    return seconds_of(form.file)


def tools_of(event: Finished | Interrupted) -> tuple[int | None, dict[str, int] | None]:
    """How many calls the model asked for, and what ran on the server's side, by type."""
    reply = reply_of(event)
    if event.path == "/responses":
        output = getattr(reply, "output", None)
        return _items(output) if isinstance(output, (list, tuple)) else (None, None)
    choices = getattr(reply, "choices", None)
    if choices is None:
        return None, None
    if event.chunks:
        return _streamed(event.chunks)
    called = 0
    executed: dict[str, int] = {}
    for choice in choices:
        message = getattr(choice, "message", None)
        called += len(getattr(message, "tool_calls", None) or ())
        for tool in getattr(message, "executed_tools", None) or ():
            executed[tool.type] = executed.get(tool.type, 0) + 1
    return called, executed


def _items(output: Sequence[Any]) -> tuple[int, dict[str, int]]:
    """The tools of a response: its items are "function_call", "code_interpreter_call", …"""
    called = 0
    executed: dict[str, int] = {}
    for item in output:
        kind = str(getattr(item, "type", ""))
        if kind == "function_call":
            called += 1
        elif kind.endswith("_call"):
            kind = kind.removesuffix("_call")
            executed[kind] = executed.get(kind, 0) + 1
    return called, executed


def _streamed(chunks: Sequence[bytes]) -> tuple[int, dict[str, int]]:
    telling = [data for data in chunks if any(name in data for name in _TOOL_FIELDS)]
    if not telling:
        return 0, {}
    calls: set[int] = set()
    ran: dict[int, str] = {}
    for data in telling:
        for choice in json.loads(data).get("choices") or ():
            delta = choice.get("delta") or {}
            calls |= {call.get("index", 0) for call in delta.get("tool_calls") or ()}
            for tool in delta.get("executed_tools") or ():
                ran[tool.get("index", len(ran))] = str(tool.get("type"))
    executed: dict[str, int] = {}
    for kind in ran.values():
        executed[kind] = executed.get(kind, 0) + 1
    return len(calls), executed
