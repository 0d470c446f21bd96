"""Pieces of JSON Schemas: made, joined, looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from groqnb.types.errors import ParameterError

__all__ = [
    "REMARKS",
    "SchemaError",
    "closed",
    "enum",
    "is_object",
    "join",
    "merged",
    "or_null",
    "resolve",
]

# What only people and tools read.
REMARKS = frozenset(
    [
        "title",
        "description",
        "default",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
        "discriminator",
        "$schema",
        "$comment",
        "$id",
        "$anchor",
        "contentMediaType",
        "contentEncoding",
    ]
)


class SchemaError(ParameterError):
    """A schema that structured outputs cannot keep.

    Attributes:
        path: where it stands, as in "properties.when"; "" for the whole.
        why: what is wrong there.
    """

    def __init__(
        self, path: str, why: str, *, of: str = "the schema", hint: str | None = None
    ) -> None:
        place = f" (at `{path}`)" if path else ""
        super().__init__(f"The answer cannot have the form of {of}: {why}{place}.", hint=hint)
        self.path = path
        self.why = why


def resolve(root: Mapping[str, Any], ref: object) -> Any:
    """What a reference inside a schema stands for. Raises LookupError with a reason.

    >>> resolve({"$defs": {"a": {"type": "null"}}}, "#/$defs/a")
    {'type': 'null'}
    """
    if not isinstance(ref, str) or not (ref == "#" or ref.startswith("#/")):
        raise LookupError(f"`{ref}` does not point into the schema itself")
    found: Any = root
    for step in ref[2:].split("/") if len(ref) > 1 else ():
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            raise LookupError(f"`{ref}` points to nothing")
    return found


def merged(
    node: Mapping[str, Any], path: str, target: Callable[[object, str], Mapping[str, Any]]
) -> dict[str, Any]:
    """The parts of an allOf as one schema, where they do not disagree."""
    whole: dict[str, Any] = {key: value for key, value in node.items() if key != "allOf"}
    for index, part in enumerate(node["allOf"]):
        place = f"{join(path, 'allOf')}[{index}]"
        if isinstance(part, Mapping) and "$ref" in part:
            if len(node["allOf"]) == 1 and set(whole) <= REMARKS:
                return {**whole, "$ref": part["$ref"]}
            part = target(part["$ref"], place)
        if not isinstance(part, Mapping):
            raise SchemaError(place, "it is no schema")
        for key, value in part.items():
            if key == "properties":
                twice = set(value) & set(whole.get(key, {}))
                if twice:
                    raise SchemaError(place, f"`{min(twice)}` is described twice")
                whole[key] = {**whole.get(key, {}), **value}
            elif key == "required":
                whole[key] = [*whole.get(key, []), *value]
            elif key in REMARKS:
                whole.setdefault(key, value)
            elif whole.setdefault(key, value) != value:
                raise SchemaError(place, f"the parts of `allOf` disagree on `{key}`")
    return whole


def enum(values: Any, path: str) -> dict[str, Any]:
    """The schema of one of these values. Raises SchemaError."""
    kinds = {bool: "boolean", str: "string", int: "integer", float: "number", type(None): "null"}
    if not isinstance(values, list) or not values:
        raise SchemaError(path, "an enum must be a list of values")
    found = {kinds.get(type(value)) for value in values}
    if None in found:
        raise SchemaError(path, "an enum may hold texts, numbers, booleans and null only")
    kind = found.pop() if len(found) == 1 else None
    return {"type": kind, "enum": list(values)} if kind else {"enum": list(values)}


def closed(properties: dict[str, Any]) -> dict[str, Any]:
    """An object with all of these properties, and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def or_null(node: dict[str, Any]) -> dict[str, Any]:
    """The same, or null."""
    null = {"type": "null"}
    if node.get("type") == "null" or (None in node.get("enum", ())):
        return node
    if set(node) <= {"anyOf", "description"}:
        return node if null in node["anyOf"] else {**node, "anyOf": [*node["anyOf"], null]}
    described = {"description": node["description"]} if "description" in node else {}
    bare = {key: value for key, value in node.items() if key != "description"}
    return {"anyOf": [bare, null], **described}


def is_object(node: Mapping[str, Any]) -> bool:
    """Whether the schema is that of an object."""
    return bool(node.get("type", "object" if "properties" in node else None) == "object")


def join(path: str, step: str) -> str:
    """A place inside a place."""
    return f"{path}.{step}" if path else step
