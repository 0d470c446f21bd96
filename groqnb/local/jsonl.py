"""The lines of a batch file, read one at a time, and what is wrong with them.

Docs: "Batch Processing", "Prepare Your Batch File". A line has `custom_id`, `method` (POST),
`url` (one of three endpoints, which may be mixed in a file) and `body`. A good line is seen to
be good by pydantic's core without making a Python object of its body; only a bad one is looked
at closer, to say what is wrong. Memory holds one line and a number for each `custom_id`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from groqnb.local.bodies import LARGEST_BODY, no_constant
from groqnb.local.fields import is_text, json_type, shown

__all__ = ["ENDPOINTS", "MOST_LINES", "Check", "Fault", "read_requests"]

#: What a batch may call.
ENDPOINTS = ("/v1/chat/completions", "/v1/audio/transcriptions", "/v1/audio/translations")
#: How many requests a batch file may hold.
MOST_LINES = 50_000

_FIELDS = ("custom_id", "method", "url", "body")
_BUFFER = 1 << 20
_BOM = b"\xef\xbb\xbf"
_LONGEST_ID = 512


class Fault(NamedTuple):
    """What is wrong with a line. `custom_id` is there when it could be read."""

    line: int
    code: str
    message: str
    param: str | None = None
    custom_id: str | None = None

    def as_error(self) -> dict[str, Any]:
        """As an item of a batch's `errors.data`."""
        return {
            "code": self.code,
            "message": self.message,
            "param": self.param,
            "line": self.line,
        }


class Check:
    """One reading of a batch file: iterate it for the faults; `total` counts the requests so far.

    Blank lines are no requests. It ends behind one request more than a file may hold.
    """

    def __init__(self, path: Path) -> None:
        self.total = 0
        self._path = path
        # Python's own 64 bits of each custom_id.
        self._seen: set[int] = set()

    def __iter__(self) -> Iterator[Fault]:
        import pydantic_core

        # Every custom_id is new: a cache of strings would only cost.
        validate = pydantic_core.SchemaValidator(_schema(), {"cache_strings": "none"}).validate_json
        invalid = pydantic_core.ValidationError
        seen = self._seen
        with self._path.open("rb", buffering=_BUFFER) as file:
            for number, raw in enumerate(iter(partial(file.readline, LARGEST_BODY), b""), 1):
                try:
                    mark = hash(validate(raw)["custom_id"])
                except invalid:
                    found = _settle(number, raw, file)
                    if found is None:
                        continue
                    if (fault := self._look_again(number, found)) is not None:
                        yield fault
                else:
                    if mark in seen:
                        yield _duplicate(number, json.loads(raw)["custom_id"])
                    seen.add(mark)
                self.total += 1
                if self.total > MOST_LINES:
                    return

    def _look_again(self, number: int, found: dict[str, Any] | Fault) -> Fault | None:
        custom_id = found.custom_id if isinstance(found, Fault) else found["custom_id"]
        if custom_id is not None:
            if hash(custom_id) in self._seen:
                return _duplicate(number, custom_id)
            self._seen.add(hash(custom_id))
        return found if isinstance(found, Fault) else None


def read_requests(path: Path, done: bytearray) -> Iterator[tuple[int, dict[str, Any] | Fault]]:
    """The requests of a file with their line numbers, those left out whose `done[line]` is set."""
    with path.open("rb", buffering=_BUFFER) as file:
        for number, raw in enumerate(iter(partial(file.readline, LARGEST_BODY), b""), 1):
            if number < len(done) and done[number]:
                if not raw.endswith(b"\n"):
                    _skip_line(file)
                continue
            found = _settle(number, raw, file)
            if found is not None:
                yield number, found


def _schema() -> Any:
    from pydantic_core import core_schema as schema

    # Fields that are not named are skipped over: their Python objects are never made.
    body = schema.typed_dict_schema(
        {"model": schema.typed_dict_field(schema.str_schema(min_length=1))},
        extra_behavior="ignore",
    )
    return schema.typed_dict_schema(
        {
            "custom_id": schema.typed_dict_field(
                schema.str_schema(strict=True, min_length=1, max_length=_LONGEST_ID)
            ),
            "method": schema.typed_dict_field(schema.literal_schema(["POST"])),
            "url": schema.typed_dict_field(schema.literal_schema(list(ENDPOINTS))),
            "body": schema.typed_dict_field(body),
        },
        extra_behavior="ignore",
    )


def _settle(number: int, raw: bytes, file: BinaryIO) -> dict[str, Any] | Fault | None:
    """The request of a line, or what is wrong with it; None for a blank one.

    `file` stands behind what was read of the line; the rest of a long one is skipped.
    """
    if len(raw) >= LARGEST_BODY and not raw.endswith(b"\n"):
        _skip_line(file)
        return Fault(
            number, "line_too_long", f"The line is longer than {LARGEST_BODY // 1_000_000} MB."
        )
    if number == 1:
        raw = raw.removeprefix(_BOM)
    if not raw.strip():
        return None
    try:
        line = json.loads(raw, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        return Fault(number, "invalid_json_line", f"The line is not valid JSON: {error}")
    if not isinstance(line, dict):
        message = f"The line must be a JSON object, not {json_type(line)}."
        return Fault(number, "invalid_json_line", message)
    complaint = _complaint(line)
    if complaint is None:
        return line
    custom_id = line.get("custom_id")
    return Fault(number, *complaint, custom_id if _is_id(custom_id) else None)


def _is_id(value: object) -> bool:
    # Half a surrogate pair is no text.
    return isinstance(value, str) and 1 <= len(value) <= _LONGEST_ID and is_text(value)


def _skip_line(file: BinaryIO) -> None:
    while (more := file.readline(_BUFFER)) and not more.endswith(b"\n"):
        continue


def _complaint(line: dict[str, Any]) -> tuple[str, str, str | None] | None:
    for name in _FIELDS:
        if line.get(name) is None:
            return "missing_required_parameter", f"Missing required parameter: '{name}'.", name
    custom_id, method, url, body = (line[name] for name in _FIELDS)
    if not _is_id(custom_id):
        message = f"'custom_id' must be text of 1 to {_LONGEST_ID} characters."
        return "invalid_custom_id", message, "custom_id"
    if method != "POST":
        message = f"Invalid value: '{shown(method)}'. Supported values are: 'POST'"
        return "invalid_method", message, "method"
    if url not in ENDPOINTS:
        supported = ", ".join(f"'{endpoint}'" for endpoint in ENDPOINTS)
        message = f"Invalid value: '{shown(url)}'. Supported values are: {supported}"
        return "invalid_url", message, "url"
    if not isinstance(body, dict):
        return "invalid_body", f"'body' must be an object, not {json_type(body)}.", "body"
    if not isinstance(body.get("model"), str) or not body["model"]:
        return "missing_required_parameter", "Missing required parameter: 'model'.", "body.model"
    return None


def _duplicate(number: int, custom_id: str) -> Fault:
    message = f"The custom_id {shown(custom_id)!r} stands in an earlier line too."
    return Fault(number, "duplicate_custom_id", message, "custom_id", custom_id)
