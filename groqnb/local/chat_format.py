"""`response_format` of a chat request: JSON object mode and structured outputs.

Docs: "Create chat completion", `response_format`; "Structured Outputs".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from groqnb.catalog import ModelInfo
from groqnb.local import fields
from groqnb.local.refusal import bad_request
from groqnb.local.schemas import check_schema

__all__ = ["Format", "read_format"]


@dataclass(frozen=True)
class Format:
    """What the answer has to be. `schema` None is any JSON object (JSON object mode)."""

    schema: dict[str, Any] | None = None
    name: str = ""
    description: str = ""


def read_format(
    body: dict[str, Any], info: ModelInfo | None, *, stream: bool, tools: bool
) -> Format | None:
    """The format that `body` asks for; None for text.

    `tools` says whether the request may call tools, which structured outputs exclude.
    """
    wanted = fields.mapping(body, "response_format")
    if wanted is None:
        return None
    at = "response_format."
    fields.string(wanted, "type", at=at, required=True)
    kind = fields.choice(wanted, "type", ("text", "json_object", "json_schema"), at=at)
    if kind == "json_object":
        if info is not None and info.capabilities.get("json_mode") is False:
            raise bad_request(f"The model `{info.id}` has no JSON mode.", "response_format")
        return Format()
    return _structured(wanted, info, stream, tools) if kind == "json_schema" else None


def _structured(
    wanted: dict[str, Any], info: ModelInfo | None, stream: bool, tools: bool
) -> Format:
    at = "response_format.json_schema"
    given = fields.mapping(wanted, "json_schema", at="response_format.")
    if given is None:
        raise bad_request(f"`{at}` is required.", at)
    name = fields.name(given, "name", at=f"{at}.")
    description = fields.string(given, "description", at=f"{at}.")
    schema = fields.mapping(given, "schema", at=f"{at}.")
    strict = bool(fields.boolean(given, "strict", at=f"{at}."))
    if info is not None and not info.capabilities.get("structured_outputs"):
        raise bad_request(
            f"The model `{info.id}` does not support the response format `json_schema`.",
            "response_format",
        )
    for excluded, word in ((stream, "Streaming"), (tools, "Tool use")):
        if excluded:
            raise bad_request(
                f"{word} is not supported with structured outputs.", "response_format"
            )
    if schema is not None:
        check_schema(schema, f"{at}.schema", strict=strict)
    return Format(schema or {"type": "object"}, name, description or "")
