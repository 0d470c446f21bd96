"""A checked JSON Schema made finite, in the words that the runtime compiles to a grammar.

A small model asked for an array or a string without an end often finds none. So everything gets
one: strings a greatest length, arrays and maps a greatest number of items, recursion a depth,
numbers a range and six decimals. The bounds are the loosest of a few under which even the longest
answer fits into the tokens there are; what the schema sets itself is kept. Whatever the bounded
schema allows, the schema itself allows too: objects are closed, extra properties never made.

The grammar has one way to write spaces, and properties come in the order of the schema.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from groqnb.local.parts.json_merge import alternatives, kinds, literals
from groqnb.local.parts.json_numbers import NoEnd, number
from groqnb.local.parts.json_schema import Unsupported, resolve
from groqnb.local.parts.json_text import text

__all__ = ["bounded", "free_object", "several"]

# English has about four; what a model in a loop writes has fewer.
_CHARS_PER_TOKEN = 2
# The longest answer of a model that loops should not take minutes.
_MOST_CHARS = 4096
_MOST_CALLS = 5000
_MOST_LEVELS = 60
_KEY = "^.{1,40}$"
_SPACING = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}

Schema = dict[str, Any]


@dataclass(frozen=True)
class _Bounds:
    text: int
    items: int
    entries: int
    depth: int


_TIERS = (
    _Bounds(1000, 12, 10, 4),
    _Bounds(500, 8, 6, 4),
    _Bounds(250, 6, 5, 3),
    _Bounds(120, 4, 4, 3),
    _Bounds(60, 3, 3, 2),
    _Bounds(40, 2, 2, 1),
    _Bounds(20, 1, 1, 1),
)
# Any object could be of any size; these end most answers, and leave room for what was meant.
_FREE = ((1000, _Bounds(600, 12, 16, 4)), (250, _Bounds(200, 8, 10, 3)), (0, _Bounds(80, 4, 6, 3)))


class _TooMuch(Unsupported):
    """It unfolds to too much under these bounds; tighter ones may do."""


def bounded(schema: Schema, tokens: int) -> Schema:
    """`schema` (that `check` has passed) as a schema for the runtime, for at most `tokens`.

    Raises Unsupported where no value can be written, or where parts of it contradict each other.

    >>> bounded({"type": "boolean"}, 100)["type"]
    'boolean'
    """
    room = min(tokens * _CHARS_PER_TOKEN, _MOST_CHARS)
    for bounds in _TIERS:
        maker = _Maker(schema, bounds)
        try:
            made, longest = maker.make(schema, "")
        except NoEnd:
            raise Unsupported("", "no value can match it") from None
        except _TooMuch:
            if bounds is _TIERS[-1]:
                raise
            continue
        if longest <= room or bounds is _TIERS[-1]:
            return maker.whole(made)
    raise AssertionError("the last tier always returns")


def several(made: Schema, most: int) -> Schema:
    """An array of 1 to `most` values of `made`, a schema that `bounded` has made."""
    inner = {key: value for key, value in made.items() if key not in ("$defs", "x-guidance")}
    array = {"type": "array", "items": inner, "minItems": 1, "maxItems": most}
    return {**array, "$defs": made["$defs"], "x-guidance": _SPACING}


def free_object(tokens: int) -> Schema:
    """Any JSON object, within bounds for `tokens`: JSON object mode."""
    bounds = next(each for least, each in _FREE if tokens >= least)
    maker = _Maker({}, bounds)
    made, _ = maker.any_map(bounds.depth)
    return maker.whole(made)


class _Maker:
    """Builds bounded schemas, each with the most characters that a value of it may have."""

    def __init__(self, root: Schema, bounds: _Bounds) -> None:
        self._root = root
        self._bounds = bounds
        self._defs: dict[str, Schema] = {}
        self._done: dict[Any, tuple[Schema, int] | None] = {}
        self._inside: Counter[str] = Counter()
        self._calls = 0
        self._level = 0

    def whole(self, made: Schema) -> Schema:
        """`made` with the definitions that it refers to."""
        return {**made, "$defs": self._defs, "x-guidance": _SPACING}

    def make(self, node: Any, path: str) -> tuple[Schema, int]:
        if node is False:
            raise NoEnd
        if node is True:
            return self._any(2)
        self._calls += 1
        if self._calls > _MOST_CALLS or self._level > _MOST_LEVELS:
            raise _TooMuch(path, "its references unfold to too much")
        branches = alternatives(node, self._root, path)
        if branches[0] is node:
            if "$ref" in node:
                return self._reference(node["$ref"], path)
            return self._simple(node, path)
        told = node.get("anyOf", node.get("oneOf", []))
        made: list[tuple[Schema, int]] = []
        self._level += 1
        for index, branch in enumerate(branches):
            # A branch that was merged has lost the references that it came from.
            merged = len(told) == len(branches) and told[index] is not branch
            with contextlib.suppress(NoEnd), self._going_into(node, merged and told[index]):
                made.append(self.make(branch, path))
        self._level -= 1
        if not made:
            raise NoEnd
        if len(made) == 1:
            return made[0]
        return {"anyOf": [schema for schema, _ in made]}, max(length for _, length in made)

    @contextlib.contextmanager
    def _going_into(self, *nodes: Any) -> Iterator[None]:
        """Count the references that `nodes` stand for. Raises NoEnd when they go too deep."""
        parts = [node for node in nodes if isinstance(node, dict)]
        inner = [part for node in parts for part in node.get("allOf", [])]
        parts += [part for part in inner if isinstance(part, dict)]
        refs = [part["$ref"] for part in parts if "$ref" in part]
        if any(self._inside[ref] >= self._bounds.depth for ref in refs):
            raise NoEnd
        self._inside.update(refs)
        try:
            yield
        finally:
            self._inside.subtract(refs)

    def _reference(self, ref: str, path: str) -> tuple[Schema, int]:
        state = (ref, tuple(sorted((+self._inside).items())))
        if state not in self._done:
            try:
                with self._going_into({"$ref": ref}):
                    made, longest = self.make(resolve(self._root, ref), path)
                name = f"d{len(self._defs)}"
                self._defs[name] = made
                self._done[state] = {"$ref": f"#/$defs/{name}"}, longest
            except NoEnd:
                self._done[state] = None
        found = self._done[state]
        if found is None:
            raise NoEnd
        return found

    def _simple(self, node: Schema, path: str) -> tuple[Schema, int]:
        """A node of one type, or of given values, without references and alternatives."""
        values = literals(node)
        if values is not None:
            if not values:
                raise NoEnd
            longest = max(len(json.dumps(value, ensure_ascii=False)) for value in values)
            return {"enum": values}, longest
        found = kinds(node)
        kind = found[0] if found else None
        if kind == "object":
            return self._object(node, path)
        if kind == "array":
            return self._array(node, path)
        if kind == "string":
            return text(node, self._bounds.text)
        if kind in ("integer", "number"):
            return number(node, kind)
        if kind == "boolean":
            return {"type": "boolean"}, 5
        if kind == "null":
            return {"type": "null"}, 4
        return self._any(2)

    def _object(self, node: Schema, path: str) -> tuple[Schema, int]:
        properties: Schema = dict(node.get("properties", {}))
        extra = node.get("additionalProperties", True)
        required = node.get("required", [])
        for name in required:
            if name not in properties:
                properties[name] = extra
        if not properties:
            return self._map(extra, path, node.get("maxProperties"))
        made: Schema = {}
        longest = 2
        for name, inner in properties.items():
            try:
                schema, length = self.make(inner, f"{path}.properties.{name}".lstrip("."))
            except NoEnd:
                if name in required:
                    raise
                continue
            made[name] = schema
            longest += len(json.dumps(name)) + 4 + length
        most = node.get("maxProperties", len(made))
        if len(required) > most:
            raise NoEnd
        if most < len(made):
            made = {name: made[name] for name in made if name in required}
        closed = {"type": "object", "properties": made, "additionalProperties": False}
        return {**closed, "required": [name for name in made if name in required]}, longest

    def _map(self, values: Any, path: str, most: int | None) -> tuple[Schema, int]:
        empty: Schema = {"type": "object", "properties": {}, "additionalProperties": False}
        most = self._bounds.entries if most is None else int(min(most, self._bounds.entries))
        if values is False or most == 0:
            return empty, 2
        try:
            inner, length = self.make(values, f"{path}.additionalProperties".lstrip("."))
        except NoEnd:
            return empty, 2
        return _entries(inner, most), most * (length + 40)

    def any_map(self, depth: int) -> tuple[Schema, int]:
        inner, length = self._any(depth - 1)
        return _entries(inner, self._bounds.entries), self._bounds.entries * (length + 40)

    def _array(self, node: Schema, path: str) -> tuple[Schema, int]:
        first = node.get("prefixItems", [])
        least = int(node.get("minItems", 0))
        most = node.get("maxItems", max(self._bounds.items, least, len(first)))
        most = int(min(most, max(self._bounds.items, least, len(first))))
        made: list[Schema] = []
        longest = 2
        for index, inner in enumerate(first[:most]):
            schema, length = self.make(inner, f"{path}.prefixItems[{index}]".lstrip("."))
            made.append(schema)
            longest += length + 2
        rest: Any = False
        if most > len(made):
            try:
                rest, length = self.make(node.get("items", True), f"{path}.items".lstrip("."))
                longest += (most - len(made)) * (length + 2)
            except NoEnd:
                most = len(made)
        if most < least:
            raise NoEnd
        array: Schema = {"type": "array", "minItems": least, "maxItems": most}
        if made:
            # The runtime lets a tuple be shorter than its schemas; that is right without minItems.
            array["prefixItems"] = made
        if most > 0:
            array["items"] = rest
        return array, longest

    def _any(self, depth: int) -> tuple[Schema, int]:
        """Any JSON value, arrays and objects inside each other at most `depth` times."""
        name = f"any{max(depth, 0)}"
        flat: list[Schema] = [
            {"type": "string", "maxLength": self._bounds.text},
            number({}, "number")[0],
            {"type": "boolean"},
            {"type": "null"},
        ]
        longest = self._bounds.text + 2
        if depth > 0:
            inner, length = self._any(depth - 1)
            items = self._bounds.items
            flat.append({"type": "array", "items": inner, "maxItems": items})
            flat.append(_entries(inner, self._bounds.entries))
            longest = max(items, self._bounds.entries) * (length + 40)
        self._defs[name] = {"anyOf": flat}
        return {"$ref": f"#/$defs/{name}"}, longest


def _entries(inner: Schema, most: int) -> Schema:
    return {
        "type": "object",
        "patternProperties": {_KEY: inner},
        "additionalProperties": False,
        "maxProperties": most,
    }
