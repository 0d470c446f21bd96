"""JSON Schemas brought into the subset that structured outputs support.

Docs: "Structured Outputs", "Schema Requirements": strings, numbers, integers, booleans, objects,
arrays, enums and anyOf; every property required, every object closed; `$ref` into `$defs`, and
recursion.

What has the same meaning there is rewritten, what is only a limit on values becomes a remark that
the model reads, and each change is told. What has no counterpart raises SchemaError with its
place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from groqnb.types.schema_parts import (
    REMARKS,
    SchemaError,
    closed,
    endless,
    enum,
    is_object,
    join,
    listed,
    merged,
    of_type,
    or_null,
    resolve,
)

__all__ = ["SchemaError", "Subset", "resolve", "to_subset"]

_SCALARS = ("string", "number", "integer", "boolean", "null")
_LIMITS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "matching the pattern {}",
    "format": "in the format {}",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "uniqueItems": "no item twice",
}
_KEPT = frozenset(
    [
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "enum",
        "const",
        "anyOf",
        "oneOf",
        "allOf",
        "$ref",
        "$defs",
        "definitions",
        "nullable",
    ]
)
# What describes a value by itself, and so cannot be passed over where it stands beside something.
_SHAPES = _KEPT - {"$ref", "$defs", "definitions", "nullable"}
_MOST_DEEP = 60


@dataclass(frozen=True)
class Subset:
    """A schema in the supported subset.

    Attributes:
        schema: the JSON Schema; its root is an object.
        changes: what differs from the schema that was given, in words.
        wrapper: the property that holds the value, where the given root was no object.
    """

    schema: dict[str, Any]
    changes: tuple[str, ...]
    wrapper: str | None = None


def to_subset(schema: Mapping[str, Any]) -> Subset:
    """The schema in the subset, and what was changed. Raises SchemaError, with the place.

    >>> to_subset({"type": "object", "properties": {"age": {"type": "integer"}}}).schema
    {'type': 'object', 'properties': {'age': {'anyOf': [{'type': 'integer'}, {'type': 'null'}]}}, \
'required': ['age'], 'additionalProperties': False}
    """
    if not isinstance(schema, Mapping):
        raise SchemaError("", "it must be a dict")
    return _Converter(schema).convert()


class _Converter:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._changes: list[str] = []
        self._defs: dict[str, Any] = {}
        self._names: dict[str, str] = {}
        self._wrapped = False

    def convert(self) -> Subset:
        root = self._root
        seen: list[object] = []
        while set(root) <= {"$ref", "$defs", "definitions", "$schema", "$id"} and "$ref" in root:
            # A recursive class of pydantic's is nothing but a reference to its definition.
            if root["$ref"] in seen:
                raise SchemaError("$ref", "it refers to itself only")
            seen.append(root["$ref"])
            root = self._target(root["$ref"], "$ref")
        wrapper = None
        schema = self._node(root, "", 0) if is_object(root) else None
        if schema is None or schema.get("type") != "object":
            wrapper = "items" if root.get("type") == "array" else "value"
            self._changes, self._defs, self._names, self._wrapped = [], {}, {}, True
            self._tell("", f"the answer is wrapped in an object with the property `{wrapper}`")
            schema = closed({wrapper: self._node(root, "", 0)})
        if self._defs:
            schema["$defs"] = self._defs
        where = endless(schema)
        if where is not None:
            raise SchemaError(where, "it contains itself without an end")
        return Subset(schema, tuple(dict.fromkeys(self._changes)), wrapper)

    def _tell(self, path: str, what: str) -> None:
        self._changes.append(f"{path}: {what}" if path else what)

    def _target(self, ref: object, path: str) -> Mapping[str, Any]:
        try:
            found = resolve(self._root, ref)
        except LookupError as error:
            raise SchemaError(path, str(error.args[0])) from None
        if not isinstance(found, Mapping):
            raise SchemaError(path, f"`{ref}` is no schema")
        return found

    def _node(self, node: Any, path: str, depth: int) -> dict[str, Any]:
        if not isinstance(node, Mapping):
            raise SchemaError(path, "nothing is said of its type", hint="Name its type.")
        if depth > _MOST_DEEP:
            raise SchemaError(path, f"it is nested more than {_MOST_DEEP} levels deep")
        remarks = self._limits(node, path)
        made = self._shape(node, path, depth)
        if node.get("nullable") is True:
            made = or_null(made)
        described = "; ".join(filter(None, [str(node.get("description") or ""), *remarks]))
        if described:
            # Beside a reference nothing else may stand.
            made = {"anyOf": [made]} if "$ref" in made else made
            made = {**made, "description": described}
        return made

    def _limits(self, node: Mapping[str, Any], path: str) -> list[str]:
        remarks = []
        for key, value in node.items():
            if key in _LIMITS:
                if value is not False:
                    remarks.append(_LIMITS[key].format(value))
                    self._tell(path, f"`{key}` is a remark to the model now, not a rule")
            elif key not in _KEPT and key not in REMARKS:
                if key.startswith("x-"):
                    self._tell(path, f"`{key}` is left out")
                else:
                    raise SchemaError(join(path, key), f"`{key}` is not supported")
        return remarks

    def _shape(self, node: Mapping[str, Any], path: str, depth: int) -> dict[str, Any]:
        if "$ref" in node:
            if not _SHAPES & set(node):
                return self._reference(node["$ref"], join(path, "$ref"), depth)
            # Both count: what is referred to, and what stands beside it.
            rest = {key: value for key, value in node.items() if key != "$ref"}
            parts = [{"$ref": node["$ref"]}, *listed(node.get("allOf", []), join(path, "allOf"))]
            node = {**rest, "allOf": parts}
        if "allOf" in node:
            return self._node(merged(node, path, self._target), path, depth + 1)
        for key in ("anyOf", "oneOf"):
            if key in node:
                return self._any_of(node, key, path, depth)
        if "const" in node or "enum" in node:
            return enum(node, path)
        kind = node.get("type")
        if isinstance(kind, list):
            parts = [
                self._shape({**node, "type": one}, path, depth + 1)
                for one in listed(kind, join(path, "type"))
            ]
            return parts[0] if len(parts) == 1 else {"anyOf": parts}
        if kind is None and ("properties" in node or "items" in node):
            kind = "object" if "properties" in node else "array"
            self._tell(path, f"it is an {kind} now, since its type was not named")
        if kind == "object":
            return self._object(node, path, depth)
        if kind == "array":
            if not isinstance(node.get("items"), Mapping) or not node["items"]:
                raise SchemaError(path, "nothing is said of the items of the array")
            return {
                "type": "array",
                "items": self._node(node["items"], join(path, "items"), depth + 1),
            }
        if kind in _SCALARS:
            return {"type": kind}
        if kind is None:
            raise SchemaError(path, "nothing is said of its type", hint="Name its type.")
        raise SchemaError(join(path, "type"), f"there is no type `{kind}`")

    def _reference(self, ref: object, path: str, depth: int) -> dict[str, Any]:
        if ref == "#" and not self._wrapped and is_object(self._root):
            return {"$ref": "#"}
        target = self._target(ref, path)
        key = str(ref)
        if key not in self._names:
            wanted = re.sub(r"[^\w.-]+", "_", key.rpartition("/")[2]) if key != "#" else "root"
            name, number = wanted, 2
            while name in self._names.values():
                name, number = f"{wanted}_{number}", number + 1
            self._names[key] = name
            # Its place is taken first: it may refer to itself.
            self._defs[name] = {}
            self._defs[name] = self._node(target, f"$defs.{name}", depth + 1)
        return {"$ref": f"#/$defs/{self._names[key]}"}

    def _any_of(self, node: Mapping[str, Any], key: str, path: str, depth: int) -> dict[str, Any]:
        if key == "oneOf":
            self._tell(path, "`oneOf` is `anyOf` now")
        place = join(path, key)
        beside = _SHAPES & set(node) - {key, "type"}
        if beside:
            raise SchemaError(place, f"`{key}` beside `{min(beside)}`")
        branches = listed(node[key], place)
        if "type" in node:
            branches = [of_type(part, node["type"], place) for part in branches]
        parts = [
            self._node(part, f"{place}[{index}]", depth + 1) for index, part in enumerate(branches)
        ]
        return {"anyOf": parts}

    def _object(self, node: Mapping[str, Any], path: str, depth: int) -> dict[str, Any]:
        properties = node.get("properties", {})
        more = node.get("additionalProperties")
        required = node.get("required", [])
        if not isinstance(properties, Mapping):
            raise SchemaError(join(path, "properties"), "it must be a dict")
        if not isinstance(required, list):
            raise SchemaError(join(path, "required"), "it must be a list")
        if isinstance(more, Mapping) or (more is not False and not properties):
            raise SchemaError(
                join(path, "additionalProperties") if isinstance(more, Mapping) else path,
                "an object must name its properties",
                hint="Use a list of objects with a name and a value.",
            )
        for name in required:
            if name not in properties:
                raise SchemaError(join(path, "required"), f"there is no property `{name}`")
        if more is not False:
            self._tell(path, "no other properties are allowed")
        made = {}
        for name, inner in properties.items():
            place = join(join(path, "properties"), name)
            made[name] = self._node(inner, place, depth + 1)
            if name not in required:
                made[name] = or_null(made[name])
                self._tell(place, "required now; null stands for its absence")
        return closed(made)
