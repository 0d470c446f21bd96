"""Counting what several answers to one question come to: for votes, wherever they are held."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

__all__ = ["fields_of", "plain", "same", "tally"]

T = TypeVar("T")


def tally(results: Iterable[T], key: Callable[[T], Hashable]) -> list[tuple[T, int]]:
    """Each result as it was first given, and how often it came; the most frequent first.

    Results with one `key` are the same. Of those that came equally often the one that was seen
    first goes first.

    >>> tally(["Yes", "no", "yes ", "No", "maybe"], plain)
    [('Yes', 2), ('no', 2), ('maybe', 1)]
    """
    first: dict[Hashable, T] = {}
    counts: dict[Hashable, int] = {}
    for result in results:
        name = key(result)
        first.setdefault(name, result)
        counts[name] = counts.get(name, 0) + 1
    ordered = sorted(counts, key=lambda name: -counts[name])  # stable: equals stay as seen
    return [(first[name], counts[name]) for name in ordered]


def plain(text: str) -> str:
    """A text without what makes no other answer: case, spaces, quotes, marks at its end.

    >>> plain(" **The  Hague**. ") == plain("the hague")
    True
    """
    kept = re.sub(r"\s+", " ", text).strip()
    shorn = kept.rstrip(".,;:!*_`'\" ").lstrip("*_`'\" ")
    return (shorn or kept).casefold()


def same(value: Any) -> Hashable:
    """What is equal for values that are the same answer: texts by `plain`, forms by their fields.

    >>> same({"city": "Rome", "tags": ["A"]}) == same({"tags": ["a"], "city": "rome."})
    True
    """
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, bool):
        return ("bool", value)  # else True were 1
    fields = fields_of(value)
    if fields is not None:
        return frozenset((name, same(part)) for name, part in fields.items())
    if isinstance(value, (list, tuple)):
        return tuple(same(part) for part in value)
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value  # type: ignore[no-any-return]


def fields_of(value: Any) -> dict[str, Any] | None:
    """The fields of a mapping, a pydantic model or a dataclass; None for what has none."""
    if isinstance(value, Mapping):
        return dict(value)
    names = getattr(type(value), "model_fields", None) or getattr(
        type(value), "__dataclass_fields__", None
    )
    if isinstance(names, Mapping):
        return {name: getattr(value, name) for name in names}
    return None
