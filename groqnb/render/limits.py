"""Rate limits as a table: what is left of each, and who says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from groqnb.render.tables import Share

__all__ = ["LimitsTable", "limits_table", "span"]


class LimitsTable(NamedTuple):
    """What `tables.listing` takes."""

    head: list[str]
    rows: list[list[str | Share]]
    numbers: list[int]
    note: str


def limits_table(limits: Sequence[Any]) -> LimitsTable:
    """The table of some `groqnb.ledger.limits.Limit`, those of a model one below the other."""
    rows: list[list[str | Share]] = []
    before = None
    for limit in limits:
        same = before is not None and (before.model, before.where) == (limit.model, limit.where)
        before = limit
        named = limit.model if limit.where == "cloud" else f"{limit.model} ({limit.where})"
        rows.append(
            [
                "" if same else named,
                f"{limit.name}, {limit.meaning}",
                Share(limit.used_part, "the limit"),
                f"{limit.remaining:,}",
                f"{limit.limit:,}",
                "" if limit.resets_in is None else span(limit.resets_in),
                "the server" if limit.source == "server" else "the catalogue",
            ]
        )
    head = ["model", "limit", "used", "left", "of", "all back in", "told by"]
    return LimitsTable(head, rows, [3, 4, 5], _note(limits))


def _note(limits: Sequence[Any]) -> str:
    parts = []
    if any(one.source == "server" for one in limits):
        parts.append("What the server told with its last reply is carried forward to now.")
    if any(one.source == "catalogue" for one in limits):
        parts.append(
            "The catalogue has the free plan's limits, and what is used of them is counted on "
            "this machine: other plans and other machines make it different."
        )
    if any(one.where == "local" for one in limits):
        parts.append("The local engine tells limits, and keeps them only with --plan free.")
    return " ".join(parts)


def span(seconds: float) -> str:
    """A time to wait, in the unit that fits.

    ```python
    >>> span(43.2), span(600), span(7200)
    ('43 s', '10 min', '2.0 h')

    ```
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3600:.1f} h"
