"""Batches as a DataFrame, and their states in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from groqnb.types.batches import BatchCard
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["STATUSES", "checked_statuses", "ended_at", "frame_of", "name_of", "problem_texts"]

STATUSES = (
    "validating",
    "in_progress",
    "finalizing",
    "completed",
    "failed",
    "expired",
    "cancelling",
    "cancelled",
)
"""Every status of a batch. Docs: Batch Processing, Check Batch Status."""

_TIMES = ("created_at", "in_progress_at", "ended_at", "expires_at")
_TEXTS = ("endpoint", "completion_window", "input_file_id", "output_file_id", "error_file_id")
_MOST_PROBLEMS = 20


def checked_statuses(status: str | Iterable[str] | None) -> frozenset[str] | None:
    """The statuses that are asked for; None for any. Raises ParameterError for an unknown one.

    ```python
    >>> sorted(checked_statuses(["failed", "expired"]))
    ['expired', 'failed']

    ```
    """
    if status is None:
        return None
    wanted = [status] if isinstance(status, str) else list(status)
    for one in wanted:
        if one not in STATUSES:
            near = get_close_matches(str(one), STATUSES, n=1)
            guess = f"Did you mean {near[0]!r}? " if near else ""
            raise ParameterError(
                f"{one!r} is no status of a batch.", hint=f"{guess}There are {', '.join(STATUSES)}."
            )
    return frozenset(wanted)


def ended_at(batch: BatchCard) -> int | None:
    """When a batch came to its end, in seconds since 1970; None while it has not."""
    if not batch.ended:
        return None
    moment = getattr(batch, f"{batch.status}_at")
    return moment if isinstance(moment, int) else None


def name_of(batch: BatchCard) -> str:
    """The name in a batch's metadata, "" where it has none."""
    name = (batch.metadata or {}).get("name")
    return name.strip() if isinstance(name, str) else ""


def problem_texts(batch: BatchCard) -> list[str]:
    """What is wrong with the lines of a batch's file, a text each; the first twenty."""
    texts = []
    for problem in batch.problems[:_MOST_PROBLEMS]:
        said = problem.message or problem.code or "unknown error"
        texts.append(said if problem.line is None else f"line {problem.line}: {said}")
    more = len(batch.problems) - len(texts)
    return [*texts, f"and {more:,} more"] if more else texts


def frame_of(batches: Sequence[BatchCard], costs: Mapping[str, float]) -> pd.DataFrame:
    """The batches as `groqnb.batches` gives them; `costs` are US dollars by id, where known."""
    import pandas as pd

    counts = [batch.request_counts for batch in batches]
    columns: dict[str, Any] = {"id": _texts([batch.id for batch in batches])}
    columns["status"] = _texts([batch.status for batch in batches])
    for name in ("total", "completed", "failed"):
        found = [getattr(count, name, None) for count in counts]
        columns[name] = pd.array(found, dtype="Int64")
    moments = {name: [getattr(batch, name, None) for batch in batches] for name in _TIMES}
    moments["ended_at"] = [ended_at(batch) for batch in batches]
    for name in _TIMES:
        seconds = pd.array(moments[name], dtype="Int64")
        columns[name] = pd.to_datetime(pd.Series(seconds), unit="s", utc=True)
    columns["seconds"] = (columns["ended_at"] - columns["created_at"]).dt.total_seconds()
    known = [costs.get(batch.id, math.nan) for batch in batches]
    columns["cost"] = pd.Series(known, dtype="float64")
    for name in _TEXTS:
        columns[name] = _texts([getattr(batch, name) for batch in batches])
    columns["errors"] = _texts(["; ".join(problem_texts(batch)) or None for batch in batches])
    columns["metadata"] = pd.Series([batch.metadata for batch in batches], dtype=object)
    frame: pd.DataFrame = pd.DataFrame(columns)
    return frame


def _texts(values: Sequence[str | None]) -> Any:
    import pandas as pd

    return pd.array(list(values), dtype="string")
