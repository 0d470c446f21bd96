"""What the documentation demands of schemas for structured outputs, written down by itself.

Docs: "Structured Outputs", "Schema Requirements". Nothing of groqnb is used here: the rules are
read from the documentation, so that a mistake in the converter cannot be made twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

__all__ = ["faults"]

SCALARS = {
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "null": type(None),
}
# "Primitives: String, Number, Boolean, Integer"; "Complex: Object, Array, Enum"; "anyOf"; `null`,
# `$ref`, `$defs` and descriptions stand in the examples.
ALLOWED = {
    "object": {"type", "properties", "required", "additionalProperties", "description"},
    "array": {"type", "items", "description"},
}


def faults(schema: dict[str, Any]) -> list[str]:
    """What is wrong with a schema, with its place; nothing for one that keeps to the rules."""
    Draft202012Validator.check_schema(schema)
    return [*_root(schema), *_endless(schema)]


def _root(schema: dict[str, Any]) -> Iterator[str]:
    if schema.get("type") != "object":
        yield "the root is no object"
    bare = {key: value for key, value in schema.items() if key != "$defs"}
    yield from _node(bare, "#", schema)
    for name, node in schema.get("$defs", {}).items():
        yield from _node(node, f"#/$defs/{name}", schema)


def _node(node: Any, at: str, root: dict[str, Any]) -> Iterator[str]:
    if not isinstance(node, dict):
        yield f"{at}: no schema"
        return
    if "$ref" in node:
        if set(node) != {"$ref"}:
            yield f"{at}: something beside $ref"
        if not _target(node["$ref"], root):
            yield f"{at}: {node['$ref']} is not there"
    elif "anyOf" in node:
        if not set(node) <= {"anyOf", "description"} or not node["anyOf"]:
            yield f"{at}: {sorted(node)}"
        for index, branch in enumerate(node["anyOf"]):
            yield from _node(branch, f"{at}/anyOf/{index}", root)
    elif "enum" in node:
        yield from _enum(node, at)
    elif node.get("type") == "object":
        yield from _object(node, at, root)
    elif node.get("type") == "array":
        if not set(node) <= ALLOWED["array"]:
            yield f"{at}: {sorted(set(node) - ALLOWED['array'])}"
        yield from _node(node.get("items"), f"{at}/items", root)
    elif node.get("type") not in SCALARS:
        yield f"{at}: the type {node.get('type')!r}"
    elif not set(node) <= {"type", "description"}:
        yield f"{at}: {sorted(set(node) - {'type', 'description'})}"


def _object(node: dict[str, Any], at: str, root: dict[str, Any]) -> Iterator[str]:
    if not set(node) <= ALLOWED["object"]:
        yield f"{at}: {sorted(set(node) - ALLOWED['object'])}"
    if node.get("additionalProperties") is not False:
        yield f"{at}: open"
    properties = node.get("properties", {})
    if sorted(node.get("required", ())) != sorted(properties):
        yield f"{at}: not all properties are required"
    for name, inner in properties.items():
        yield from _node(inner, f"{at}/properties/{name}", root)


def _enum(node: dict[str, Any], at: str) -> Iterator[str]:
    if not set(node) <= {"type", "enum", "description"}:
        yield f"{at}: {sorted(node)}"
    if not node["enum"]:
        yield f"{at}: an empty enum"
    for value in node["enum"]:
        kind = node.get("type")
        fits = isinstance(value, SCALARS[kind]) if kind else not isinstance(value, (list, dict))
        if not fits or (isinstance(value, bool) and kind not in ("boolean", None)):
            yield f"{at}: {value!r} in an enum of {kind}"


def _target(ref: str, root: dict[str, Any]) -> bool:
    name = ref.removeprefix("#/$defs/").replace("~1", "/").replace("~0", "~")
    return ref == "#" or (ref.startswith("#/$defs/") and name in root.get("$defs", {}))


def _endless(root: dict[str, Any]) -> Iterator[str]:
    """A definition that only an endless value would fit, or that is nothing but itself."""
    defs = {"#": {k: v for k, v in root.items() if k != "$defs"}}
    for name, node in root.get("$defs", {}).items():
        defs[f"#/$defs/{name.replace('~', '~0').replace('/', '~1')}"] = node
    finite: set[str] = set()
    while True:
        found = {ref for ref, node in defs.items() if ref not in finite and _ends(node, finite)}
        if not found:
            break
        finite |= found
    yield from (f"{ref}: no value fits it that has an end" for ref in sorted(set(defs) - finite))


def _ends(node: Any, finite: set[str]) -> bool:
    if "$ref" in node:
        return node["$ref"] in finite
    if "anyOf" in node:
        return any(_ends(branch, finite) for branch in node["anyOf"])
    if node.get("type") == "object":
        return all(_ends(inner, finite) for inner in node.get("properties", {}).values())
    return True  # an array may be empty
