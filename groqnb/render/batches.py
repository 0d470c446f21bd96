"""Batches as a small table: for terminals, and for notebooks that were saved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from groqnb.render.html import Child, Markup, el, table
from groqnb.render.markdown import IGNORE_MATH
from groqnb.render.plain import columns
from groqnb.render.tables import scrolled

__all__ = ["BatchLine", "batches_html", "batches_plain"]

_HEAD = ["batch", "status", "completed", "failed", "total"]


class BatchLine(NamedTuple):
    """A batch as it is told: its counts are None where nobody knows them yet."""

    name: str
    status: str
    completed: int | None
    failed: int | None
    total: int | None
    problems: Sequence[str] = ()


def batches_plain(lines: Sequence[BatchLine], note: str = "") -> str:
    """The table as text; what is wrong with a batch's file stands below.

    ```python
    >>> print(batches_plain([BatchLine("reviews", "completed", 9, 1, 10)]))
    batch    status     completed  failed  total
    reviews  completed          9       1     10

    ```
    """
    parts = []
    if lines:
        parts.append(columns([_HEAD, *map(_cells, lines)], right=[2, 3, 4]))
    for line in lines:
        parts += [columns([[f"{line.name}: {problem}"]]) for problem in line.problems]
    return "\n".join([*parts, *([note] if note else [])])


def batches_html(lines: Sequence[BatchLine], note: str = "") -> Markup:
    """The table as HTML."""
    parts: list[Child] = []
    if lines:
        align = ["left", "left", "right", "right", "right"]
        parts.append(scrolled(table(_HEAD, map(_cells, lines), align=align), "batches"))
    for line in lines:
        if line.problems:
            shown = [el("li", problem) for problem in line.problems]
            parts += [el("p", f"Errors of {line.name}:"), el("ul", *shown)]
    if note:
        parts.append(el("div", el("small", note), class_="gn-foot"))
    return el("div", *parts, class_=f"gn-batches-saved {IGNORE_MATH}")


def _cells(line: BatchLine) -> list[str]:
    counts = (line.completed, line.failed, line.total)
    status = line.status.replace("_", " ")
    return [line.name, status, *("" if one is None else f"{one:,}" for one in counts)]
