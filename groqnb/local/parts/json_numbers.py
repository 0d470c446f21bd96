"""Numbers of a JSON Schema with an end: a range, and a number of decimals."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["NoEnd", "number"]

_LARGEST_INTEGER = 10**15
_LARGEST_NUMBER = 1e12
_STEP = 0.000001


class NoEnd(Exception):
    """Here nothing finite, or nothing at all, can be written."""


def number(node: dict[str, Any], kind: str) -> tuple[dict[str, Any], int]:
    """A bounded schema for the numbers of `node`, and the most characters of one.

    `kind` is "number" or "integer". Raises NoEnd where no number is left.

    >>> number({"exclusiveMinimum": 0, "maximum": 9}, "integer")[0]
    {'type': 'integer', 'minimum': 1, 'maximum': 9}
    """
    whole = kind == "integer"
    limit = _LARGEST_INTEGER if whole else _LARGEST_NUMBER
    low, high = node.get("minimum"), node.get("maximum")
    above, below = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    step: float = 1 if whole else _STEP
    if not whole and above is not None and below is not None:
        step = min(step, (below - above) / 100)
    # The runtime takes an exclusive bound for an inclusive one.
    if above is not None:
        past = _next_whole(above) if whole else above + step
        low = past if low is None else max(low, past)
    if below is not None:
        past = -_next_whole(-below) if whole else below - step
        high = past if high is None else min(high, past)
    low = max(-limit, -limit if low is None else low)
    high = min(limit, limit if high is None else high)
    if whole:
        low, high = math.ceil(low), math.floor(high)
    multiple = node.get("multipleOf")
    if low > high or (multiple and math.ceil(low / multiple) * multiple > high):
        raise NoEnd
    made: dict[str, Any] = {"type": kind, "minimum": low, "maximum": high}
    if multiple:
        made["multipleOf"] = multiple
    elif not whole and high > low:
        made["multipleOf"] = min(_STEP, 10.0 ** (math.floor(math.log10(high - low)) - 3))
    return made, 24


def _next_whole(value: float) -> int:
    """The smallest whole number above `value`."""
    return int(value // 1) + 1
