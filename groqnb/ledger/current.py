"""The limits of now: what servers told this process, and what this machine's ledger counts."""

from __future__ import annotations

import time
from collections.abc import Mapping

from groqnb.ledger.limits import KINDS, Limit
from groqnb.ledger.watch import watch

__all__ = ["current_limits"]

_DAY = 86_400.0
# What each limit counts is a column of the ledger; a request is a row.
_COUNTED = {"R": None, "T": ("prompt_tokens", "completion_tokens"), "A": ("audio_seconds",)}


def current_limits(model: str | None = None) -> list[Limit]:
    """The limits of the models asked in the last day, or of `model`; those in most use first.

    For a model that was not asked, the catalogue's limits. Where the ledger cannot be read, what
    this process did is counted.
    """
    counts = _counts()
    keys = dict.fromkeys([*watch.limits.known(), *counts])
    if model is not None:
        wanted = model.strip().lower()
        keys = {key: None for key in keys if key[1].lower() == wanted}
        keys = keys or {("cloud", model.strip()): None}
    found = [watch.limits.now(name, where, counts.get((where, name), {})) for where, name in keys]
    if model is not None and not any(found):
        # Asked of another server, which told nothing.
        found = [watch.limits.now(model.strip(), "cloud", counts.get(("cloud", model.strip()), {}))]
    found.sort(key=lambda limits: -max((one.used_part for one in limits), default=0))
    return [limit for limits in found for limit in limits]


def _counts() -> Mapping[tuple[str, str], Mapping[str, float]]:
    """By where and model: how much of each limit this machine used."""
    import numpy as np

    from groqnb.ledger.frame import rows_of
    from groqnb.ledger.recorder import default_store, is_off
    from groqnb.ledger.store import LedgerUnreadable

    now = time.time()
    if is_off():
        return {}
    try:
        rows = rows_of(default_store(), now - _DAY, {})
    except LedgerUnreadable:
        return {}
    codes, models = rows["model"]
    places, wheres = rows["where"]
    # What was refused was not served; a call that failed later may have been.
    served = rows["http_status"] != 429
    counts: dict[tuple[str, str], dict[str, float]] = {}
    for place, where in enumerate(wheres):
        if where == "replay":  # a record answered
            continue
        for code, name in enumerate(models):
            mine = served & (codes == code) & (places == place)
            if not mine.any():
                continue
            used = counts[(where, name)] = {}
            for kind, (_, seconds) in KINDS.items():
                recent = mine & (rows["time"] >= now - seconds)
                columns = _COUNTED[kind[0]]
                used[kind] = float(recent.sum())
                if columns is not None:
                    # -1 is not known, and so is NaN.
                    used[kind] = sum(
                        float(np.nansum(np.maximum(rows[column][recent], 0))) for column in columns
                    )
    return counts
