"""Schemas made finite, without a model: whatever comes in, and that the bounds are bounds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from groqnb.local.parts.json_bounds import bounded, free_object
from groqnb.local.parts.json_schema import Unsupported, check
from tests.contract.documented_schemas import SCHEMAS, closed

KEYWORDS: dict[str, st.SearchStrategy[Any]] = {
    "type": st.sampled_from(
        ["object", "array", "string", "integer", "number", "boolean", "null", ["string", "null"]]
    ),
    "enum": st.lists(st.one_of(st.none(), st.booleans(), st.integers(), st.text()), min_size=1),
    "const": st.one_of(st.none(), st.integers(), st.text()),
    "minLength": st.one_of(st.integers(0, 50), st.just(10**30)),
    "maxLength": st.integers(0, 50),
    "minItems": st.integers(0, 5),
    "maxItems": st.integers(0, 5),
    "minimum": st.one_of(st.integers(-100, 100), st.just(-(10**400))),
    "exclusiveMaximum": st.floats(-100, 100),
    "multipleOf": st.sampled_from([1, 2, 7, 0.5, 10**400]),
    "required": st.lists(st.sampled_from("abc"), unique=True),
    "additionalProperties": st.booleans(),
    "$ref": st.sampled_from(["#", "#/$defs/d", "#/$defs/none", "elsewhere"]),
    "format": st.sampled_from(["date", "uri", "colour"]),
    "not": st.just({}),
}


def inside(schemas: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keywords = {
        **KEYWORDS,
        "properties": st.dictionaries(st.sampled_from("abc"), schemas, max_size=2),
        "items": schemas,
        "prefixItems": st.lists(schemas, min_size=1, max_size=2),
        "anyOf": st.lists(schemas, min_size=1, max_size=2),
        "oneOf": st.lists(schemas, min_size=1, max_size=2),
        "allOf": st.lists(schemas, min_size=1, max_size=2),
        "$defs": st.fixed_dictionaries({"d": schemas}),
    }
    return st.fixed_dictionaries({}, optional=keywords)


SOME = st.recursive(st.one_of(st.booleans(), st.fixed_dictionaries({})), inside, max_leaves=8)


@settings(max_examples=400, deadline=None)
@given(SOME)
def test_any_schema_is_bounded_or_refused(schema: Any) -> None:
    """No other exception comes, and what comes out is a schema."""
    try:
        check(schema, strict=False)
        made = bounded(schema, 300)
    except Unsupported:
        return
    Draft202012Validator.check_schema(made)
    json.dumps(made)


@pytest.mark.parametrize("name", SCHEMAS)
def test_fewer_tokens_mean_tighter_bounds(name: str) -> None:
    """So that an answer ends within the tokens there are."""
    sizes = [_most(bounded(SCHEMAS[name], tokens)) for tokens in (60, 200, 2000)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def _most(node: Any) -> int:
    """The sum of the limits on lengths and items."""
    if isinstance(node, list):
        return sum(map(_most, node))
    if not isinstance(node, dict):
        return 0
    here = sum(node.get(key, 0) for key in ("maxLength", "maxItems") if key in node)
    return here + sum(map(_most, node.values()))


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (closed(a={"type": "integer", "exclusiveMinimum": 0}), {"a": 1}, {"a": 0}),
        (closed(a={"type": "number", "exclusiveMinimum": 0}), {"a": 0.5}, {"a": 0}),
        ({"type": "array", "items": {"type": "null"}}, [None], [None] * 99),
        ({"type": "string"}, "abc", "a" * 2000),
        ({"type": "object", "properties": {"a": {}}}, {"a": {"b": [1]}}, {"b": 1}),
        ({"allOf": [{"required": ["a"]}, {"properties": {"a": {"const": 1}}}]}, {"a": 1}, {}),
        ({"type": "string", "enum": ["a", 1]}, "a", 1),
        ({"anyOf": [{"maximum": 3}, {"minimum": 7}], "type": "integer"}, 8, 5),
    ],
)
def test_the_bounded_schema_keeps_what_was_said(schema: Any, good: Any, bad: Any) -> None:
    """It allows a part of what the schema allows, and has an end."""
    check(schema, strict=False)
    made = Draft202012Validator(bounded(schema, 500))
    assert made.is_valid(good)
    assert not made.is_valid(bad)


def test_recursion_ends_where_it_can() -> None:
    """An empty array, null, or an optional property left out."""
    for end in (
        {"type": "array", "items": {"$ref": "#"}},
        {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
        {"allOf": [{"anyOf": [{"$ref": "#"}, {"type": "null"}]}], "description": "older style"},
    ):
        made = json.dumps(bounded(closed(next=end), 500))
        assert '"#"' not in made
    optional = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    assert Draft202012Validator(bounded(optional, 500)).is_valid({"next": {}})


@pytest.mark.parametrize(
    "schema",
    [
        {"anyOf": [{"$ref": "#", "items": {"maximum": 5}}]},
        {"anyOf": [{"$ref": "#"}, {"type": "null"}], "type": ["object", "null"]},
        {"allOf": [{"$ref": "#/$defs/d"}], "$defs": {"d": {"allOf": [{"$ref": "#"}]}}},
        {"$ref": "#/$defs/d", "minimum": 1, "$defs": {"d": {"$ref": "#", "maximum": 2}}},
        {"type": "integer", "multipleOf": 10**400},
        {"type": "string", "minLength": 10**30},
        {"type": "number", "minimum": -(10**400)},
    ],
)
def test_circles_and_monsters_are_bounded_or_refused(schema: Any) -> None:
    """References in every place where they may stand, numbers of any size."""
    try:
        check(schema, strict=False)
        made = bounded(schema, 300)
    except Unsupported:
        return
    assert "#/$defs/d0" in json.dumps(made) or '"#"' not in json.dumps(made)


def test_many_optional_references_are_bounded_by_going_less_deep() -> None:
    """Each node may hold six others: deep, that is too much; flat, it is not."""
    node = {name: {"$ref": f"#/$defs/{other}"} for name, other in zip("abc", "bca", strict=True)}
    schema = {"$ref": "#/$defs/a", "$defs": {n: {"properties": node} for n in "abc"}}
    check(schema, strict=False)
    assert Draft202012Validator(bounded(schema, 300)).is_valid({})


def test_json_mode_allows_any_object_of_a_reasonable_size() -> None:
    """Nested ones, too."""
    free = Draft202012Validator(free_object(2000))
    assert free.is_valid({"a": [1, {"b": None}], "c": "text", "d": True})
    assert not free.is_valid([1])


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 1.0, "maxLength": 2.0},
        {"type": "array", "items": {"type": "null"}, "minItems": 1.0, "maxItems": 2.0},
        {"type": "object", "additionalProperties": {"type": "null"}, "maxProperties": 2.0},
    ],
)
def test_counts_written_as_floats_are_whole_to_the_runtime(schema: Any) -> None:
    """JSON Schema takes 2.0 for an integer; the runtime's compiler does not."""
    check(schema, strict=False)
    made = json.dumps(bounded(schema, 300))
    assert "1.0" not in made
    assert "2.0" not in made
