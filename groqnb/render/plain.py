"""Plain text for terminals, for diffs and for whoever reads a notebook's JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["clean", "columns"]

# Escape sequences of terminals first, then whatever else would move a cursor or ring a bell.
_CONTROLS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)?")
# What turns the order of letters around shows what does not stand there; halves of characters
# can be neither printed nor sent.
_TURNING = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_HALVES = range(0xD800, 0xE000)
_SINGLE = {
    code: None
    for code in (*range(32), 127, *range(128, 160), *_TURNING, *_HALVES)
    if code not in (9, 10)
}


def clean(text: str) -> str:
    """`text` without the characters that command a terminal; line breaks and tabs stay.

    ```python
    >>> clean("a\\x1b[31mb\\x07")
    'ab'

    ```
    """
    if text.isprintable():
        return text
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).translate(_SINGLE)


def columns(rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> str:
    """Rows of cells as aligned lines; the columns whose numbers are in `right` end flush.

    ```python
    >>> columns([["a", "1"], ["bb", "20"]], right=[1])
    'a    1\\nbb  20'

    ```
    """
    cells = [[clean(cell).replace("\n", " ") for cell in row] for row in rows]
    count = max((len(row) for row in cells), default=0)
    widths = [max(len(row[i]) for row in cells if i < len(row)) for i in range(count)]
    flush = set(right)
    lines = []
    for row in cells:
        padded = [
            cell.rjust(widths[i]) if i in flush else cell.ljust(widths[i])
            for i, cell in enumerate(row)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)
