"""From the end of a call to its row in the ledger."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groqnb.catalog.cost import PricesUnreadable, cost, tools_cost
from groqnb.ledger.columns import Row, row
from groqnb.ledger.place import here
from groqnb.ledger.store import Store, default_path

if TYPE_CHECKING:
    from groqnb.wire.events import Failed, Finished, Interrupted

__all__ = ["default_store", "record", "row_of"]

_TOOL_FIELDS = (b'"tool_calls"', b'"executed_tools"')
_stores: dict[tuple[Path, int], Store] = {}
_lock = threading.Lock()


def default_store() -> Store:
    """The user's ledger, the same object in all of this process."""
    key = (default_path(), os.getpid())
    with _lock:
        store = _stores.get(key)
        if store is None:
            store = _stores[key] = Store(key[0])
            atexit.register(store.close)
    return store


def record(event: Finished | Failed | Interrupted) -> None:
    """Write the row of a call that ended, unless GROQNB_LEDGER is off."""
    if os.environ.get("GROQNB_LEDGER", "").lower() not in ("off", "0", "no", "false"):
        default_store().append(row_of(event))


def row_of(event: Finished | Failed | Interrupted) -> Row:
    """The row of a call that ended."""
    headers = event.headers
    values: dict[str, Any] = {
        "time": event.time,
        "project": os.environ.get("GROQNB_PROJECT") or _folder(),
        "endpoint": _endpoint(event.path),
        "model": event.model,
        "where": event.target,
        "status": "ok",
        "retries": event.retries,
        "wall": event.seconds,
        "region": headers.get("x-groq-region"),
    }
    values["notebook"], values["cell"] = here()
    kind = type(event).__name__
    if kind == "Failed":
        _note_failure(values, event)  # type: ignore[arg-type]
    else:
        _note_answer(values, event)  # type: ignore[arg-type]
        values["status"] = "ok" if kind == "Finished" else "interrupted"
    if event.request is not None:
        _note_request(values, event.request)
    return row(values)


def _folder() -> str | None:
    try:
        return os.path.basename(os.getcwd()) or None
    except OSError:
        return None


def _endpoint(path: str) -> str:
    """The endpoint's name: ids of files and batches are no part of it.

    ```python
    >>> _endpoint("/chat/completions"), _endpoint("/batches/batch_01/cancel")
    ('chat.completions', 'batches.cancel')

    ```
    """
    first, *rest = path.strip("/").split("/")
    if first in ("chat", "audio"):
        return ".".join([first, *rest])
    verbs = [part for part in rest[1:] if part.isalpha()]
    return ".".join([first, *verbs])


def _note_failure(values: dict[str, Any], event: Failed) -> None:
    error = event.error
    values["status"] = "error"
    values["error"] = type(error).__name__
    values["http_status"] = getattr(error, "status_code", None)
    values["code"] = getattr(error, "code", None) or getattr(error, "type", None)
    values["request_id"] = getattr(error, "request_id", None)


def _note_answer(values: dict[str, Any], event: Finished | Interrupted) -> None:
    values["ttft"] = event.ttft
    values["request_id"] = event.request_id
    values["http_status"] = 200 if event.headers else None
    reply = event.reply
    values["model_answered"] = (
        event.headers.get("x-groqnb-model") or getattr(reply, "model", None) or event.model
    )
    values["tier"] = getattr(reply, "service_tier", None)
    called, executed = _tools(reply, event.chunks)
    values["tool_calls"] = called
    values["executed_tools"] = None if executed is None else sum(executed.values())
    seconds = getattr(reply, "duration", None)
    if isinstance(seconds, (int, float)):
        values["audio_seconds"] = float(seconds)
    usage = event.usage
    if usage is not None:
        _note_usage(values, usage)
    _note_cost(values, event, executed or {})


def _note_usage(values: dict[str, Any], usage: Any) -> None:
    tokens_in = getattr(usage, "prompt_tokens", None)
    details_in = getattr(usage, "prompt_tokens_details", None)
    details_out = getattr(usage, "completion_tokens_details", None)
    if tokens_in is None:  # the Responses API names them in its own way
        tokens_in = getattr(usage, "input_tokens", None)
        values["completion_tokens"] = getattr(usage, "output_tokens", None)
        details_in = getattr(usage, "input_tokens_details", None)
        details_out = getattr(usage, "output_tokens_details", None)
    else:
        values["completion_tokens"] = usage.completion_tokens
    values["prompt_tokens"] = tokens_in
    values["cached_tokens"] = _part(details_in, "cached_tokens")
    values["reasoning_tokens"] = _part(details_out, "reasoning_tokens")
    for name in ("queue_time", "prompt_time", "completion_time", "total_time"):
        values[name] = getattr(usage, name, None)


def _part(details: Any, name: str) -> int | None:
    value = details.get(name) if isinstance(details, Mapping) else getattr(details, name, None)
    return value if isinstance(value, int) else None


def _tools(reply: Any, chunks: Sequence[bytes]) -> tuple[int | None, dict[str, int] | None]:
    """How many calls the model asked for, and what ran on the server's side, by type."""
    choices = getattr(reply, "choices", None)
    if choices is None:
        return None, None
    if chunks:
        return _streamed_tools(chunks)
    called = 0
    executed: dict[str, int] = {}
    for choice in choices:
        message = getattr(choice, "message", None)
        called += len(getattr(message, "tool_calls", None) or ())
        for tool in getattr(message, "executed_tools", None) or ():
            executed[tool.type] = executed.get(tool.type, 0) + 1
    return called, executed


def _streamed_tools(chunks: Sequence[bytes]) -> tuple[int, dict[str, int]]:
    telling = [data for data in chunks if any(name in data for name in _TOOL_FIELDS)]
    if not telling:
        return 0, {}
    import json

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


def _note_request(values: dict[str, Any], request: Mapping[str, Any]) -> None:
    values["tier"] = values.get("tier") or request.get("service_tier")
    spoken = request.get("input")
    if values["endpoint"] == "audio.speech" and isinstance(spoken, str):
        values["characters"] = len(spoken)
    messages = request.get("messages")
    if isinstance(messages, (list, tuple)):
        values["images"] = sum(map(_images, messages))


def _images(message: Any) -> int:
    content = message.get("content") if isinstance(message, Mapping) else None
    if not isinstance(content, (list, tuple)):
        return 0
    return sum(isinstance(part, Mapping) and part.get("type") == "image_url" for part in content)


def _note_cost(
    values: dict[str, Any], event: Finished | Interrupted, executed: Mapping[str, int]
) -> None:
    """The cost, where a price is known; of what the local engine answers it is 0."""
    if event.target == "local":
        values["cost"], values["price"] = 0.0, "the local engine costs nothing"
        return
    if event.target != "cloud" or event.model is None:
        return
    parts = []
    try:
        for model, usage in _billed(event):
            parts.append(
                cost(
                    model,
                    prompt_tokens=usage.get("prompt_tokens") or 0,
                    completion_tokens=usage.get("completion_tokens") or 0,
                    cached_tokens=usage.get("cached_tokens") or 0,
                    audio_seconds=usage.get("audio_seconds"),
                )
            )
    except PricesUnreadable:
        return
    found = [part for part in parts if part is not None]
    if not parts or len(found) < len(parts):
        return
    values["cost"] = sum(part.usd for part in found) + tools_cost(executed)
    values["price"] = "; ".join(dict.fromkeys(part.source for part in found))


def _billed(event: Finished | Interrupted) -> list[tuple[str, dict[str, Any]]]:
    """The models to be paid for, with their usage: Compound systems tell of several."""
    breakdown = getattr(event.reply, "usage_breakdown", None)
    if breakdown is None:
        breakdown = getattr(getattr(event.reply, "x_groq", None), "usage_breakdown", None)
    models = getattr(breakdown, "models", None)
    if models:
        shares = []
        for share in models:
            numbers: dict[str, Any] = {}
            _note_usage(numbers, share.usage)
            shares.append((share.model, numbers))
        return shares
    numbers = {}
    if event.usage is not None:
        _note_usage(numbers, event.usage)
    seconds = getattr(event.reply, "duration", None)
    if isinstance(seconds, (int, float)):
        numbers["audio_seconds"] = float(seconds)
    return [(event.model or "", numbers)] if numbers else []
