"""From the end of a call to its row in the ledger."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groqnb.ledger.columns import COLUMNS, Row, row
from groqnb.ledger.costs import (
    LOCAL,
    REPLAYED,
    audio_seconds,
    price_of,
    reply_of,
    tokens_of,
    tools_of,
)
from groqnb.ledger.place import here
from groqnb.ledger.store import Store, default_path

if TYPE_CHECKING:
    from groqnb.wire.events import Failed, Finished, Interrupted

__all__ = [
    "as_in_the_cloud",
    "default_store",
    "is_off",
    "keeps_texts",
    "project",
    "record",
    "row_of",
]

_COST = [column.name for column in COLUMNS].index("cost")
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


def record(event: Finished | Failed | Interrupted) -> float | None:
    """Write the row of a call that ended, unless GROQNB_LEDGER is off; what it cost, if known."""
    new = row_of(event)
    if not is_off():
        default_store().append(new)
    usd: float | None = new[_COST]
    return usd


def is_off() -> bool:
    """True when no ledger is kept."""
    return os.environ.get("GROQNB_LEDGER", "").lower() in ("off", "0", "no", "false")


def keeps_texts() -> bool:
    """True when what was asked and answered is kept as well: only where somebody says so."""
    return os.environ.get("GROQNB_LEDGER", "").lower() in ("text", "texts")


def row_of(event: Finished | Failed | Interrupted) -> Row:
    """The row of a call that ended."""
    headers = event.headers
    values: dict[str, Any] = {
        "time": event.time,
        "project": project(),
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
    if keeps_texts():
        from groqnb.ledger.texts import answer_of, question_of

        values["question"] = question_of(event.request)
        values["answer"] = None if kind == "Failed" else answer_of(event)  # type: ignore[arg-type]
    return row(values)


def project() -> str | None:
    """GROQNB_PROJECT, else the name of the folder."""
    named = os.environ.get("GROQNB_PROJECT")
    if named:
        return named
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
    reply = reply_of(event)
    values["ttft"] = event.ttft
    values["request_id"] = event.request_id
    values["http_status"] = 200 if event.headers else None
    values["model_answered"] = (
        event.headers.get("x-groqnb-model") or getattr(reply, "model", None) or event.model
    )
    values["tier"] = getattr(reply, "service_tier", None)
    called, executed = tools_of(event)
    values["tool_calls"] = called
    values["executed_tools"] = None if executed is None else sum(executed.values())
    values["audio_seconds"] = audio_seconds(event)
    usage = event.usage
    if usage is not None:
        values.update(tokens_of(usage))
        for name in ("queue_time", "prompt_time", "completion_time", "total_time"):
            values[name] = getattr(usage, name, None)
    if event.target == "local":
        values["cost"], values["price"] = 0.0, LOCAL
    elif event.target == "replay":
        values["cost"], values["price"] = 0.0, REPLAYED
    elif event.target == "cloud" and event.model is not None:
        found = price_of(event, executed or {})
        if found is not None:
            values["cost"], values["price"] = found


def as_in_the_cloud(event: Finished | Interrupted) -> float | None:
    """What the call would have cost in the cloud, whoever answered; None: not known."""
    found = price_of(event, tools_of(event)[1] or {})
    return None if found is None else found[0]


def _note_request(values: dict[str, Any], request: Mapping[str, Any]) -> None:
    values["tier"] = values.get("tier") or request.get("service_tier")
    spoken = request.get("input")
    if values["endpoint"] == "audio.speech" and isinstance(spoken, str):
        values["characters"] = len(spoken)
    for name in ("messages", "input"):
        messages = request.get(name)
        if isinstance(messages, (list, tuple)):
            values["images"] = sum(map(_images, messages))


def _images(message: Any) -> int:
    content = message.get("content") if isinstance(message, Mapping) else None
    if not isinstance(content, (list, tuple)):
        return 0
    kinds = ("image_url", "input_image")
    return sum(isinstance(part, Mapping) and part.get("type") in kinds for part in content)
