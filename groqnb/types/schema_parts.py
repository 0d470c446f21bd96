"""Pieces of JSON Schemas: made, joined, looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from groqnb.types.errors import ParameterError

__all__ = [
    "REMARKS",
    "SchemaError",
    "closed",
    "endless",
    "enum",
    "is_object",
    "join",
    "listed",
    "merged",
    "of_type",
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
        name = unquote(step).replace("~1", "/").replace("~0", "~")
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
    parts = listed(node["allOf"], join(path, "allOf"))
    if not isinstance(whole.get("properties", {}), Mapping):
        raise SchemaError(join(path, "properties"), "it must be a dict")
    # What each part that allows no other properties names.
    closed_over = [set(whole.get("properties", ()))] if _is_closed(whole) else []
    for index, part in enumerate(parts):
        place = f"{join(path, 'allOf')}[{index}]"
        if isinstance(part, Mapping) and "$ref" in part:
            if len(parts) == 1 and set(whole) <= REMARKS and set(part) <= REMARKS | {"$ref"}:
                return {**whole, "$ref": part["$ref"]}
            rest = {key: value for key, value in part.items() if key != "$ref"}
            referred = target(part["$ref"], place)
            part = {**rest, "allOf": [referred, *rest.get("allOf", [])]} if rest else referred
        if not isinstance(part, Mapping):
            raise SchemaError(place, "it is no schema")
        if _is_closed(part):
            closed_over.append(set(part.get("properties", ())))
        for key, value in part.items():
            if key == "properties":
                if not isinstance(value, Mapping):
                    raise SchemaError(join(place, key), "it must be a dict")
                twice = set(value) & set(whole.get(key, {}))
                if twice:
                    raise SchemaError(place, f"`{min(twice)}` is described twice")
                whole[key] = {**whole.get(key, {}), **value}
            elif key in ("required", "allOf"):
                whole[key] = [*whole.get(key, []), *listed(value, join(place, key), empty=True)]
            elif key in REMARKS or key == "additionalProperties":
                if key not in whole or value is False:
                    whole[key] = value
            elif whole.setdefault(key, value) != value:
                raise SchemaError(place, f"the parts of `allOf` disagree on `{key}`")
    named = set(whole.get("properties", ()))
    if any(names != named for names in closed_over):
        raise SchemaError(
            join(path, "allOf"), "a part that allows no other properties stands beside others"
        )
    return whole


def _is_closed(node: Mapping[str, Any]) -> bool:
    return node.get("additionalProperties") is False


def listed(values: Any, path: str, *, empty: bool = False) -> list[Any]:
    """The values, which must be a list of some. Raises SchemaError."""
    if not isinstance(values, list) or not (values or empty):
        raise SchemaError(path, "it is empty" if values == [] else "it must be a list")
    return values


def of_type(part: Any, kind: Any, path: str) -> Any:
    """A branch that must be of the type that stands beside its union, too."""
    if not isinstance(part, Mapping) or part.get("type", kind) != kind:
        raise SchemaError(path, f"its branches disagree with the type `{kind}` beside it")
    return part if "type" in part else {**part, "type": kind}


_KINDS: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}


def enum(node: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The schema of the values that a `const` and an `enum` allow. Raises SchemaError."""
    key = "enum" if "enum" in node else "const"
    values = listed(node["enum"], join(path, key)) if key == "enum" else [node["const"]]
    found = {_kind(value) for value in values}
    if None in found:
        raise SchemaError(
            join(path, key), "an enum may hold texts, numbers, booleans and null only"
        )
    if key == "enum" and "const" in node:
        values = [value for value in values if _same(value, node["const"])]
    if "type" in node:
        kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
        values = [value for value in values if any(_is(value, kind) for kind in kinds)]
    if not values:
        raise SchemaError(join(path, key), "none of its values is allowed beside the rest")
    found = {_kind(value) for value in values}
    kind = found.pop() if len(found) == 1 else None
    return {"type": kind, "enum": list(values)} if kind else {"enum": list(values)}


def _kind(value: Any) -> str | None:
    for name, kinds in _KINDS.items():
        if type(value) in kinds:
            return name
    return None


def _is(value: Any, kind: Any) -> bool:
    if kind == "integer" and type(value) is float:
        return value.is_integer()
    return type(value) in _KINDS.get(str(kind), ())


def _same(value: Any, other: Any) -> bool:
    return value == other and isinstance(value, bool) == isinstance(other, bool)


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


def endless(root: Mapping[str, Any]) -> str | None:
    """The place of something in a converted schema that only a value without an end would fit."""
    nodes = {"#": root, **{f"#/$defs/{name}": node for name, node in root.get("$defs", {}).items()}}
    ending: set[str] = set()
    more = True
    while more:
        found = {ref for ref, node in nodes.items() if ref not in ending and _ends(node, ending)}
        ending |= found
        more = bool(found)
    left = sorted(set(nodes) - ending, reverse=True)
    return left[0].removeprefix("#").removeprefix("/").replace("/", ".") if left else None


def _ends(node: Mapping[str, Any], ending: set[str]) -> bool:
    if "$ref" in node:
        return node["$ref"] in ending
    if "anyOf" in node:
        return any(_ends(branch, ending) for branch in node["anyOf"])
    return all(_ends(inner, ending) for inner in node.get("properties", {}).values())


def is_object(node: Mapping[str, Any]) -> bool:
    """Whether the schema is that of an object."""
    composed = {"const", "enum", "anyOf", "oneOf", "$ref"} & set(node)
    kind = node.get("type", "object" if "properties" in node else None)
    return bool(kind == "object") and not composed


def join(path: str, step: str) -> str:
    """A place inside a place."""
    return f"{path}.{step}" if path else step
