"""The rows that every benchmark returns, and how they are printed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Row", "as_text", "misses"]

# Every benchmark imports this module. Its calls are none of the developer's own: their ledger,
# files and batches are thrown away.
_data = tempfile.TemporaryDirectory(prefix="groqnb-benchmarks-", ignore_cleanup_errors=True)
os.environ["GROQNB_DATA_DIR"] = _data.name


class Row(NamedTuple):
    """One measurement: ours against a peer's in the same run.

    `goal` is the largest allowed ratio of the two, or None where the row only informs.
    """

    name: str
    ours: float
    peer: float
    unit: str
    goal: float | None

    @property
    def ratio(self) -> float:
        return self.ours / self.peer

    @property
    def met(self) -> bool:
        return self.goal is None or self.ratio <= self.goal


def as_text(rows: Iterable[Row]) -> str:
    """A table in plain text."""
    lines = [("what", "ours", "peer", "unit", "ratio", "goal", "")]
    lines += [
        (
            row.name,
            f"{row.ours:,.1f}",
            f"{row.peer:,.1f}",
            row.unit,
            f"{row.ratio:.3f}",
            "" if row.goal is None else f"{row.goal:g}",
            "" if row.goal is None else ("met" if row.met else "MISSED"),
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in (0, 3, 6) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def misses(rows: Iterable[Row]) -> list[str]:
    """The names of the rows that miss their goal."""
    return [row.name for row in rows if not row.met]
