"""Checks of single fields of a JSON body. Each raises a 400 that names the field and the rule.

In all of them null counts as absent: the documentation marks the optional fields nullable.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from groqnb.local.refusal import bad_request

__all__ = [
    "boolean",
    "choice",
    "integer",
    "is_text",
    "items",
    "json_type",
    "mapping",
    "name",
    "number",
    "shown",
    "string",
    "strings",
    "text_is_clean",
]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SURROGATE = re.compile("[\ud800-\udfff]")


def json_type(value: object) -> str:
    """What JSON calls a value, for messages.

    >>> json_type(True), json_type(1.5), json_type([])
    ('a boolean', 'a number', 'an array')
    """
    if value is None:
        return "null"
    for kind, word in (
        (bool, "a boolean"),
        (int, "an integer"),
        (float, "a number"),
        (str, "a string"),
        (list, "an array"),
        (dict, "an object"),
    ):
        if isinstance(value, kind):
            return word
    return type(value).__name__


def _wrong(param: str, wanted: str, value: object) -> Exception:
    return bad_request(f"`{param}` must be {wanted}, not {json_type(value)}.", param)


def shown(value: object) -> str:
    """A value for a message; a number may have thousands of digits."""
    text = str(value)
    return text if len(text) <= 24 else text[:24] + "…"


def number(
    body: dict[str, Any], key: str, low: float, high: float, *, at: str = ""
) -> float | None:
    """A number from `low` to `high`, both included."""
    value = body.get(key)
    if value is None:
        return None
    param = at + key
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(param, "a number", value)
    if not low <= value <= high:
        raise bad_request(
            f"`{param}` must be between {low:g} and {high:g}, not {shown(value)}.", param
        )
    return float(value)


def integer(
    body: dict[str, Any], key: str, low: int | None = None, high: int | None = None
) -> int | None:
    """A whole number from `low` to `high`, both included."""
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(key, "an integer", value)
    if low is not None and value < low:
        raise bad_request(f"`{key}` must be at least {low}, not {shown(value)}.", key)
    if high is not None and value > high:
        raise bad_request(f"`{key}` must be at most {high}, not {shown(value)}.", key)
    return value


def boolean(body: dict[str, Any], key: str, *, at: str = "") -> bool | None:
    """true or false."""
    value = body.get(key)
    if value is not None and not isinstance(value, bool):
        raise _wrong(at + key, "a boolean", value)
    return value


def string(body: dict[str, Any], key: str, *, at: str = "", required: bool = False) -> str | None:
    """A string of Unicode text."""
    value = body.get(key)
    if value is None:
        if required:
            raise bad_request(f"`{at}{key}` is required.", at + key)
        return None
    if not isinstance(value, str):
        raise _wrong(at + key, "a string", value)
    text_is_clean(value, at + key)
    return value


def is_text(value: str) -> bool:
    """Whether it can be written as UTF-8: half a surrogate pair is no text."""
    return _SURROGATE.search(value) is None


def text_is_clean(value: str, param: str) -> None:
    """Refuse half a surrogate pair."""
    if not is_text(value):
        raise bad_request(f"`{param}` holds a lone surrogate, which is not valid text.", param)


def choice(body: dict[str, Any], key: str, allowed: Sequence[str], *, at: str = "") -> str | None:
    """One of a few words."""
    value = body.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or value not in allowed:
        words = ", ".join(f"`{word}`" for word in allowed)
        given = f"`{shown(value)}`" if isinstance(value, str) else json_type(value)
        raise bad_request(f"`{at}{key}` must be one of {words}, not {given}.", at + key)
    return value


def mapping(body: dict[str, Any], key: str, *, at: str = "") -> dict[str, Any] | None:
    """A JSON object."""
    value = body.get(key)
    if value is not None and not isinstance(value, dict):
        raise _wrong(at + key, "an object", value)
    return value


def items(body: dict[str, Any], key: str, *, at: str = "") -> list[Any] | None:
    """A JSON array."""
    value = body.get(key)
    if value is not None and not isinstance(value, list):
        raise _wrong(at + key, "an array", value)
    return value


def strings(body: dict[str, Any], key: str, *, at: str = "") -> list[str] | None:
    """An array of strings."""
    values = items(body, key, at=at)
    for index, value in enumerate(values or ()):
        if not isinstance(value, str):
            raise _wrong(f"{at}{key}[{index}]", "a string", value)
        text_is_clean(value, f"{at}{key}[{index}]")
    return values


def name(body: dict[str, Any], key: str, *, at: str = "") -> str:
    """The name of a function or a schema: at most 64 of a-z, A-Z, 0-9, _ and -."""
    value = string(body, key, at=at, required=True)
    assert value is not None
    if not _NAME.fullmatch(value):
        raise bad_request(
            f"`{at}{key}` must be 1 to 64 letters, digits, underscores or dashes.", at + key
        )
    return value
