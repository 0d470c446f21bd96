"""JSON Schemas in requests: refused where they cannot be kept, and held against answers.

Docs: "Structured Outputs", "Schema Requirements".
"""

from __future__ import annotations

import json
from typing import Any

from groqnb.local.parts.json_bounds import bounded
from groqnb.local.parts.json_schema import Unsupported, check
from groqnb.local.refusal import bad_request

__all__ = ["check_schema", "fault"]

# Enough to see that something finite can be written.
_SOME_TOKENS = 512


def check_schema(schema: dict[str, Any], param: str, *, strict: bool) -> None:
    """Raise a 400 that names the place in `param` that cannot be kept."""
    try:
        check(schema, strict=strict)
        bounded(schema, _SOME_TOKENS)
    except Unsupported as error:
        place = f"{param}.{error.path}" if error.path else param
        raise bad_request(
            f"The schema cannot be used: {error.reason} (at `{place[:300]}`).",
            place,
            "invalid_json_schema",
        ) from None


def fault(text: str, schema: dict[str, Any] | None) -> str | None:
    """Why `text` is no JSON that matches `schema` (None: any object); None when it is.

    >>> fault('{"a": 1', None)
    'it was cut off'
    """
    try:
        value = json.loads(text)
    except ValueError:
        return "it was cut off"
    if schema is None:
        return None if isinstance(value, dict) else "it is no object"
    from jsonschema import Draft202012Validator

    first = next(Draft202012Validator(schema).iter_errors(value), None)
    return None if first is None else f"{first.json_path}: {first.message[:200]}"
