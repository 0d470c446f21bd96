"""What batches cost, in the ledger.

A batch is paid for without a call whose reply could tell of it. What it used stands in the lines of
its output, so its rows are written when these are read: one for each model, once for each batch.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from groqnb.ledger.columns import row
from groqnb.ledger.costs import LOCAL
from groqnb.ledger.place import here
from groqnb.ledger.recorder import default_store, is_off, project
from groqnb.ledger.store import LedgerUnreadable

__all__ = ["ENDPOINT", "Used", "known_costs", "note_used"]

ENDPOINT = "batches.results"
"""The endpoint under which the ledger has what a batch used."""


@dataclass
class Used:
    """What the lines of one model used: tokens, seconds of sound, US dollars; None: not known."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    audio_seconds: float = 0.0
    cost: float | None = 0.0
    price: str | None = None

    def add(self, values: Mapping[str, Any]) -> None:
        """Add one line: the names are those of the fields."""
        self.prompt_tokens += values.get("prompt_tokens") or 0
        self.completion_tokens += values.get("completion_tokens") or 0
        self.audio_seconds += values.get("audio_seconds") or 0.0
        cost = values.get("cost")
        # A sum in which a part is missing would look like the whole.
        self.cost = None if cost is None or self.cost is None else self.cost + cost
        self.price = values.get("price") or self.price


def known_costs(since: float | None = None) -> dict[str, float]:
    """US dollars by a batch's id, of the batches whose results were read on this machine.

    `since` is a moment, in seconds since 1970, before which none of them ended. A ledger that
    cannot be read knows none.
    """
    if is_off():
        return {}
    try:
        columns = default_store().read(since)
    except LedgerUnreadable:
        return {}
    codes, words = columns["endpoint"]
    if ENDPOINT not in words:
        return {}
    costs: dict[str, float] = {}
    for at in (codes == words.index(ENDPOINT)).nonzero()[0]:
        batch_id = columns["request_id"][at]
        if batch_id:
            costs[batch_id] = costs.get(batch_id, 0.0) + float(columns["cost"][at])
    return costs


def note_used(
    batch_id: str, used: Mapping[str, Used], *, where: str, ended_at: float | None
) -> None:
    """Write what a batch used, by its models, unless the ledger has it or is off.

    `where` is the target's kind: "cloud", "local" or "url".
    """
    if is_off() or not used or batch_id in known_costs(ended_at):
        return
    notebook, cell = here()
    for model, one in used.items():
        values: dict[str, Any] = {
            "time": ended_at or time.time(),
            "project": project(),
            "notebook": notebook,
            "cell": cell,
            "endpoint": ENDPOINT,
            "model": model,
            "where": where,
            "status": "ok",
            "prompt_tokens": one.prompt_tokens,
            "completion_tokens": one.completion_tokens,
            "audio_seconds": one.audio_seconds or None,
            "request_id": batch_id,
            "cost": one.cost,
            "price": LOCAL if where == "local" else one.price,
        }
        default_store().append(row(values))
    default_store().flush()
