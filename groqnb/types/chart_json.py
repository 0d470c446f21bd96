"""Reading the JSON of a chart, which code that a model wrote has made: nothing in it is certain.

Every function here takes any value that JSON can hold and gives a value of the type it promises.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from enum import Enum
from typing import Any

__all__ = [
    "Coordinate",
    "coordinate",
    "mapping",
    "number",
    "numbers",
    "points",
    "string",
    "texts",
    "ticks",
]

Coordinate = float | str
"""A number; or text: a time in ISO 8601 or the name of a category. NaN where nothing was told."""

_NAN = math.nan


def mapping(data: object) -> Mapping[str, Any]:
    """The object in `data`: a mapping, its JSON, or what `model_dump()` gives; else an empty one.

    ```python
    >>> mapping('{"type": "bar"}'), mapping("broken"), mapping(None)
    ({'type': 'bar'}, {}, {})

    ```
    """
    if isinstance(data, (str, bytes, bytearray)):
        try:
            data = json.loads(data)
        except (ValueError, RecursionError):
            return {}
    elif not isinstance(data, Mapping) and callable(getattr(data, "model_dump", None)):
        data = data.model_dump()  # type: ignore[attr-defined]
    return data if isinstance(data, Mapping) else {}


def string(value: object) -> str | None:
    """Text, and numbers as text; None for everything else."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        try:
            return str(value)
        except ValueError:  # Python refuses to write integers of thousands of digits
            return None
    return None


def number(value: object) -> float | None:
    """Numbers, and text that is one; None for everything else."""
    if isinstance(value, (int, float, str)):
        try:
            return float(value)
        except (ValueError, OverflowError):
            return None
    return None


def coordinate(value: object) -> Coordinate:
    """Numbers as floats, text as it is, NaN for everything else."""
    if isinstance(value, str):
        return value
    found = number(value)
    return _NAN if found is None else found


def numbers(value: object) -> list[float]:
    """The numbers in a list, without what is none."""
    return [one for one in map(number, _items(value)) if one is not None]


def points(value: object) -> list[tuple[Coordinate, Coordinate]]:
    """Pairs of coordinates, without what is no pair."""
    found: list[tuple[Coordinate, Coordinate]] = []
    for point in _items(value):
        if isinstance(point, (list, tuple)) and len(point) == 2:
            x, y = point
            # Most points are two floats, and there may be very many.
            if type(x) is float and type(y) is float:
                found.append((x, y))
            else:
                found.append((coordinate(x), coordinate(y)))
        elif isinstance(point, Mapping) and "x" in point and "y" in point:
            found.append((coordinate(point["x"]), coordinate(point["y"])))
    return found


def ticks(value: object) -> list[Coordinate]:
    """Where ticks stand; all of them, or none when one cannot be read."""
    found = [coordinate(one) for one in _items(value)]
    return [] if any(one != one for one in found) else found


def texts(value: object) -> list[str]:
    """The texts in a list; an empty one for what is none."""
    return [string(one) or "" for one in _items(value)]


def _items(value: object) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []
