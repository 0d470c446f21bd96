"""JSON Schemas taken apart: references, allOf and alternatives resolved into plain nodes.

A plain node has one type, or a list of values, and no $ref, allOf, anyOf or oneOf.
"""

from __future__ import annotations

import json
from typing import Any

from groqnb.local.parts.json_schema import Unsupported, resolve

__all__ = ["alternatives", "kinds", "literals"]

Schema = dict[str, Any]

_COMBINERS = ("$ref", "allOf", "anyOf", "oneOf")
_MOST_BRANCHES = 100
# A node without a type is read as the type that its other keywords speak of: of all that it
# allows this is the part that was meant.
_TELLS = {
    "object": ("properties", "required", "additionalProperties", "maxProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems"),
    "string": ("pattern", "minLength", "maxLength", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
_LIMITING = frozenset(
    {"type", "enum", "const", *_COMBINERS, *(word for words in _TELLS.values() for word in words)}
)
_LARGER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_SMALLER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


def kinds(node: Schema) -> list[str]:
    """The types that a node allows, told or meant; [] for any.

    >>> kinds({"type": ["string", "null"]}), kinds({"minItems": 2}), kinds({"title": "x"})
    (['string', 'null'], ['array'], [])
    """
    told = node.get("type")
    if isinstance(told, str):
        return [told]
    if told is not None:
        return list(told)
    return next(
        ([kind] for kind, words in _TELLS.items() if any(word in node for word in words)), []
    )


def literals(node: Schema) -> list[Any] | None:
    """The values that `enum` and `const` leave, those that the node's other keywords allow."""
    if "const" in node:
        values = [node["const"]]
    elif "enum" in node:
        values = list(node["enum"])
    else:
        return None
    from jsonschema import Draft202012Validator

    here = {key: value for key, value in node.items() if key in _LIMITING - set(_COMBINERS)}
    validator = Draft202012Validator(here)
    seen: dict[str, Any] = {json.dumps(value): value for value in values}
    return [value for value in seen.values() if validator.is_valid(value)]


def alternatives(node: Schema, root: Schema, path: str) -> list[Any]:
    """The nodes of which a value must match one; [node] itself when it is plain.

    A $ref that stands alone is left for the caller, who counts how deep it goes.
    """
    if "$ref" in node and not any(key in node for key in _LIMITING - {"$ref"}):
        return [node]
    flat = _flatten(node, root, path, 0)
    if flat is not node:
        return [flat] if not isinstance(flat, dict) else alternatives(flat, root, path)
    for key in ("anyOf", "oneOf"):
        if key in node:
            rest = {name: value for name, value in node.items() if name != key}
            if key == "oneOf":
                _refuse_overlap(node[key], root, f"{path}.oneOf".lstrip("."))
            if not any(name in rest for name in _LIMITING):
                return list(node[key])
            return [_merge(rest, branch, root, path, 0) for branch in node[key]]
    types = kinds(node)
    if len(types) > 1 and literals(node) is None:
        if "number" in types and "integer" in types:
            types.remove("integer")
        return [{**node, "type": kind} for kind in types] if len(types) > 1 else [node]
    if "type" in node and not isinstance(node["type"], str):
        return [{**node, "type": types[0]}] if types else [False]
    return [node]


def _flatten(node: Any, root: Schema, path: str, depth: int) -> Any:
    """`node` with its $ref and allOf merged in; the same object when it has neither."""
    if not isinstance(node, dict) or not ("$ref" in node or "allOf" in node):
        return node
    if depth > 20:
        raise Unsupported(path, "its references go round in a circle")
    flat: Any = {key: value for key, value in node.items() if key not in ("$ref", "allOf")}
    parts = list(node.get("allOf", []))
    if "$ref" in node:
        parts.insert(0, resolve(root, node["$ref"]))
    for part in parts:
        flat = _merge(flat, part, root, path, depth + 1)
    return flat


def _merge(one: Any, other: Any, root: Schema, path: str, depth: int) -> Any:
    """A node for the values that match both."""
    one, other = _flatten(one, root, path, depth), _flatten(other, root, path, depth)
    if one is False or other is False:
        return False
    if not isinstance(other, dict):
        return one
    if not isinstance(one, dict):
        return other
    merged: Schema = {key: value for key, value in one.items() if key in _LIMITING}
    _close(merged, other)
    other = dict(other)
    _close(other, merged)
    for key, value in other.items():
        if key not in _LIMITING:
            continue
        if key not in merged or merged[key] == value:
            merged[key] = value
        else:
            merged[key] = _both(key, merged[key], value, path)
    return merged


def _close(node: Schema, other: Schema) -> None:
    """Where `node` is closed, it forbids the properties that only `other` has."""
    if node.get("additionalProperties") is False:
        own = node.get("properties", {})
        shut = {name: False for name in other.get("properties", {}) if name not in own}
        if shut:
            node["properties"] = {**own, **shut}


def _both(key: str, one: Any, other: Any, path: str) -> Any:
    if key in _LARGER:
        return max(one, other)
    if key in _SMALLER:
        return min(one, other)
    if key == "required":
        return [*one, *(name for name in other if name not in one)]
    if key == "enum":
        return [value for value in one if value in other]
    if key == "type":
        have, want = ([kind] if isinstance(kind, str) else kind for kind in (one, other))
        shared = [kind for kind in have if kind in want]
        if "integer" in (*have, *want) and "number" in (*have, *want):
            shared.append("integer")
        return list(dict.fromkeys(shared))
    if key == "properties":
        return {
            name: {"allOf": [one[name], other[name]]} if name in one and name in other else value
            for name, value in {**one, **other}.items()
        }
    if key == "items":
        return {"allOf": [one, other]}
    if key == "additionalProperties" and False in (one, other):
        return False
    raise Unsupported(f"{path}.{key}".lstrip("."), f"two demands on `{key}` cannot be combined")


def _refuse_overlap(branches: list[Any], root: Schema, path: str) -> None:
    """oneOf is anyOf where no value can match two branches; elsewhere it cannot be promised."""
    if len(branches) > _MOST_BRANCHES:
        raise Unsupported(path, f"it has more than {_MOST_BRANCHES} branches")
    flat = [_flatten(branch, root, path, 0) for branch in branches]
    for index, one in enumerate(flat):
        for other in flat[:index]:
            if not _exclude(one, other, root, path):
                raise Unsupported(
                    path,
                    "the branches of `oneOf` may match at once; use `anyOf`, or give each a "
                    "property with a different `const`",
                )


def _exclude(one: Any, other: Any, root: Schema, path: str) -> bool:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return False
    values = literals(one), literals(other)
    if values[0] is not None and values[1] is not None:
        return not any(value in values[1] for value in values[0])
    mine, theirs = set(kinds(one)), set(kinds(other))
    numbers = {"integer", "number"}
    if "type" in one and "type" in other and not mine & theirs:
        return not (mine & numbers and theirs & numbers)
    if mine != {"object"} or theirs != {"object"} or "type" not in one or "type" not in other:
        return False
    for name in set(one.get("required", [])) & set(other.get("required", [])):
        tags = [_tags(side, name, root, path) for side in (one, other)]
        if tags[0] and tags[1] and not any(tag in tags[1] for tag in tags[0]):
            return True
    return False


def _tags(node: Schema, name: str, root: Schema, path: str) -> list[Any]:
    """The values that the property `name` may have, [] where they are not told."""
    inner = _flatten(node.get("properties", {}).get(name), root, path, 0)
    return (literals(inner) or []) if isinstance(inner, dict) else []
