"""What a JSON Schema may hold here, checked before anything is generated.

The runtime compiles a schema into a grammar by llguidance. Three things it does must not reach
the user: a schema that it cannot compile is dropped without an error and the answer comes
unconstrained; `exclusiveMinimum: 0` lets 0 through; and `oneOf` is refused as a whole where the
branches overlap. So every keyword that limits values is either known to be kept, or refused by
name and place. Kept: type, enum, const, anyOf, allOf, oneOf of branches that exclude each other,
local $ref (also recursive), properties, required, additionalProperties, items, prefixItems,
minItems, maxItems, minLength, maxLength, pattern (regular in the narrow sense: no look-around,
no backreferences), format (date-time, date, time, duration, email, hostname, ipv4, ipv6, uri,
uuid; others are remarks), minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf of
whole numbers, maxProperties. Remarks (title, description, default, …) count for the prompt only.

Docs: "Structured Outputs", "Schema Requirements".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["Unsupported", "check", "children", "resolve"]

_MOST_DEEP = 40
_MOST_NODES = 4000
_LARGEST = 1e300
_LONGEST = 10_000
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_NEVER = (
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "patternProperties",
    "propertyNames",
    "unevaluatedProperties",
    "unevaluatedItems",
    "contains",
    "minContains",
    "maxContains",
    "$dynamicRef",
    "$recursiveRef",
)


class Unsupported(Exception):
    """A schema, or a place in one, that cannot be kept. `path` is "" for the whole."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason


def check(schema: object, *, strict: bool) -> None:
    """Raise Unsupported for the first place of `schema` that cannot be kept.

    `strict` adds the documented rules of strict mode: every object closed, every property
    required.

    >>> check({"type": "object", "properties": {"a": {"not": {}}}}, strict=False)
    Traceback (most recent call last):
    groqnb.local.parts.json_schema.Unsupported: `not` is not supported
    """
    if not isinstance(schema, dict):
        raise Unsupported("", "a schema must be an object")
    _check_size(schema)
    _check_form(schema)
    for path, node in _nodes(schema, ""):
        _check_node(node, path, schema)
        if strict:
            _check_strict(node, path)


def _check_size(schema: object) -> None:
    """Before anything recursive looks at it."""
    waiting: list[tuple[Any, int]] = [(schema, 0)]
    count = 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if depth > _MOST_DEEP:
            raise Unsupported("", f"it is nested more than {_MOST_DEEP} levels deep")
        if count > _MOST_NODES:
            raise Unsupported("", f"it has more than {_MOST_NODES} parts")
        inner = value.values() if isinstance(value, dict) else value
        if isinstance(value, dict | list):
            waiting += [(part, depth + 1) for part in inner]


def _check_form(schema: dict[str, Any]) -> None:
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise Unsupported(_dotted(list(error.absolute_path)), error.message[:200]) from None


def _dotted(keys: list[str | int]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).lstrip(".")


def children(node: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The schemas directly inside `node`, each with its place: "properties.a", "anyOf[0]"."""
    for key in ("properties", "$defs", "definitions"):
        for name, inner in node.get(key, {}).items():
            yield f"{key}.{name}", inner
    for key in ("prefixItems", "anyOf", "oneOf", "allOf"):
        for index, inner in enumerate(node.get(key, [])):
            yield f"{key}[{index}]", inner
    for key in ("items", "additionalProperties"):
        if key in node:
            yield key, node[key]


def _nodes(node: object, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        yield path, node
        for place, inner in children(node):
            yield from _nodes(inner, f"{path}.{place}".lstrip("."))


def _check_node(node: dict[str, Any], path: str, root: dict[str, Any]) -> None:
    def fail(key: str, reason: str) -> Unsupported:
        return Unsupported(f"{path}.{key}".lstrip("."), reason)

    for key in _NEVER:
        if key in node:
            raise fail(key, f"`{key}` is not supported")
    if "$id" in node and path:
        raise fail("$id", "only the schema itself may have an `$id`")
    if "$ref" in node:
        try:
            resolve(root, node["$ref"])
        except LookupError as error:
            raise fail("$ref", str(error.args[0])) from None
    if node.get("uniqueItems") is True and node.get("maxItems") not in (0, 1):
        raise fail("uniqueItems", "`uniqueItems` cannot be guaranteed")
    if node.get("minProperties", 0) > 0:
        raise fail("minProperties", "`minProperties` cannot be guaranteed; use `required`")
    for key in _NUMBERS:
        if not -_LARGEST <= node.get(key, 0) <= _LARGEST:
            raise fail(key, "the number is too large")
    for key in ("minLength", "minItems"):
        if node.get(key, 0) > _LONGEST:
            raise fail(key, f"more than {_LONGEST} cannot be written")
    if not float(node.get("multipleOf", 1)).is_integer():
        raise fail("multipleOf", "`multipleOf` must be a whole number here")
    if "pattern" in node:
        reason = _unusable(node["pattern"])
        if reason:
            raise fail("pattern", reason)
    for low, high in (
        ("minLength", "maxLength"),
        ("minItems", "maxItems"),
        ("minimum", "maximum"),
    ):
        if low in node and high in node and node[low] > node[high]:
            raise fail(low, f"`{low}` is larger than `{high}`")


def _unusable(pattern: str) -> str | None:
    """Why a pattern cannot become a grammar; None when it can."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"it is not a regular expression: {error}"
    bare = re.sub(r"\\[^1-9bBAZ]", "", pattern)
    if re.search(r"\(\?(?!:)", bare):
        return "look-around, flags and named groups are not supported"
    if re.search(r"\\[1-9bBAZ]", bare):
        return "backreferences and word boundaries are not supported"
    if re.search(r"[*+?}][+]", bare):
        return "possessive quantifiers are not supported"
    if any(int(number) > 1000 for number in re.findall(r"\{\D*(\d+)", bare)):
        return "it repeats something more than 1000 times"
    return None


def _check_strict(node: dict[str, Any], path: str) -> None:
    kinds = node.get("type", [])
    is_object = "properties" in node or "object" in ([kinds] if isinstance(kinds, str) else kinds)
    if not is_object:
        return
    here = f"{path}." if path else ""
    if node.get("additionalProperties") is not False:
        raise Unsupported(
            f"{here}additionalProperties",
            "with `strict: true` every object must set `additionalProperties: false`",
        )
    required = node.get("required", [])
    for name in node.get("properties", {}):
        if name not in required:
            raise Unsupported(
                f"{here}properties.{name}",
                "with `strict: true` every property must be listed in `required`",
            )


def resolve(root: dict[str, Any], ref: str) -> Any:
    """The schema that `ref` ("#", "#/$defs/name") points to. Raises LookupError with a reason.

    >>> resolve({"$defs": {"a/b": {"type": "null"}}}, "#/$defs/a~1b")
    {'type': 'null'}
    """
    pointer, found = ref.partition("#")[2], root
    if not ref.startswith("#") or (pointer and not pointer.startswith("/")):
        raise LookupError(f"`$ref` must point into the schema (`#/…`), not to `{ref[:60]}`")
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and key.isdigit() and int(key) < len(found):
            found = found[int(key)]
        elif isinstance(found, dict) and key in found:
            found = found[key]
        else:
            raise LookupError(f"`{ref[:60]}` points to nothing")
    if not isinstance(found, dict | bool):
        raise LookupError(f"`{ref[:60]}` does not point to a schema")
    return found
