"""What an unknown request differs in from the recorded one that is nearest to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["difference", "nearest"]

_ABSENT = object()
_SHOWN = 3  # differences that are told
_AROUND = 24  # characters of a text that are shown around the first difference


def nearest(
    request: Mapping[str, Any], known: Iterable[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """The known request with the fewest differences, of the same endpoint; None without any."""
    best, fewest = None, float("inf")
    for other in known:
        if (other.get("method"), other.get("path")) != (request.get("method"), request.get("path")):
            continue
        weight = sum(_weight(one, two) for _, one, two in _differences(other, request))
        if weight < fewest:
            best, fewest = other, weight
    return best


def difference(recorded: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """The differences in words: `body.temperature is 1, recorded is 0`.

    ```python
    >>> difference({"body": {"temperature": 0}}, {"body": {"temperature": 1}})
    'body.temperature is 1, recorded is 0'

    ```
    """
    told = []
    found = list(_differences(recorded, asked))
    for path, one, two in found[:_SHOWN]:
        if one is _ABSENT:
            told.append(f"{path} is {_said(two)}, recorded is none")
        elif two is _ABSENT:
            told.append(f"{path} is missing, recorded is {_said(one)}")
        else:
            at = _first(one, two)
            told.append(f"{path} is {_said(two, at)}, recorded is {_said(one, at)}")
    if len(found) > _SHOWN:
        told.append(f"{len(found) - _SHOWN} more")
    return "; ".join(told)


def _differences(one: Any, two: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        for name in dict.fromkeys([*one, *two]):
            yield from _differences(
                one.get(name, _ABSENT), two.get(name, _ABSENT), f"{path}.{name}" if path else name
            )
    elif isinstance(one, list) and isinstance(two, list):
        for at in range(max(len(one), len(two))):
            yield from _differences(
                one[at] if at < len(one) else _ABSENT,
                two[at] if at < len(two) else _ABSENT,
                f"{path}[{at}]",
            )
    elif one is not two and (
        one != two or isinstance(one, bool) != isinstance(two, bool)  # True is 1 to Python
    ):
        yield path, one, two


def _weight(one: Any, two: Any) -> float:
    """Texts that begin or end alike are near; a text of another length is no further away."""
    if not (isinstance(one, str) and isinstance(two, str)):
        return 1.0
    longest = max(len(one), len(two))
    same = _first(one, two)
    same += _first(one[same:][::-1], two[same:][::-1])
    return 1.0 - 0.9 * min(same, longest) / longest


def _first(one: Any, two: Any) -> int:
    """How many characters from the start on are the same."""
    if not (isinstance(one, str) and isinstance(two, str)):
        return 0
    for at, (left, right) in enumerate(zip(one, two, strict=False)):
        if left != right:
            return at
    return min(len(one), len(two))


def _said(value: Any, at: int = 0) -> str:
    if not isinstance(value, str):
        text = str(value) if isinstance(value, (bool, int, float)) else repr(value)
        return text if len(text) <= 2 * _AROUND else f"{text[: 2 * _AROUND]}…"
    begin = max(0, at - _AROUND)
    end = at + _AROUND
    return repr(("…" if begin else "") + value[begin:end] + ("…" if end < len(value) else ""))
