"""Strings of a JSON Schema with an end."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["text"]

_FORMATS = {
    "date-time": 35,
    "date": 10,
    "time": 24,
    "duration": 24,
    "email": 60,
    "hostname": 60,
    "ipv4": 15,
    "ipv6": 39,
    "uuid": 36,
}
# The runtime has no grammar for it; this one allows a part of them.
_URI = r"^https?://[a-z0-9-]{1,30}(\.[a-z0-9-]{1,30}){1,3}(/[A-Za-z0-9._~-]{1,40}){0,4}/?$"


def text(node: dict[str, Any], most: int) -> tuple[dict[str, Any], int]:
    """A bounded schema for the strings of `node`, and the most characters of one.

    `most` is how long a string may be of which the schema says nothing.

    >>> text({"minLength": 2, "maxLength": 5}, 100)
    ({'type': 'string', 'minLength': 2, 'maxLength': 5}, 7)
    """
    made: dict[str, Any] = {"type": "string"}
    # 2.0 is a whole number to JSON Schema, and not to the runtime.
    least = int(node.get("minLength", 0))
    most = max(most, least + most // 4)
    pattern = node.get("pattern")
    form = node.get("format")
    if pattern is None and form in ("uri", "url"):
        pattern = _URI
    elif form in _FORMATS:
        made["format"] = form
        most = _FORMATS[form]
    if pattern is not None:
        made["pattern"] = pattern
        # Room for whatever the pattern demands beside what it leaves open.
        most += len(pattern) + sum(int(number) for number in re.findall(r"\d+", pattern)[:50])
    if "minLength" in node:
        made["minLength"] = least
    made["maxLength"] = int(min(node.get("maxLength", most), most))
    return made, int(made["maxLength"]) + 2
