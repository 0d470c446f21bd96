"""Any JSON Schema, type or signature through the converter: by the documented rules, or refused.

The rules stand in `strict_rules.py`. Schemas come from a generator, from the vocabularies of the
specification, and from packages that ship schemas of their own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from strict_rules import faults

from groqnb.local.schemas import check_schema
from groqnb.types.answer_type import without_absent
from groqnb.types.schema import SchemaError, Subset, to_subset

LIMITS = {
    "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems",
}  # fmt: skip
#: What people and tools read, and what names a schema: leaving it out changes no value.
ANNOTATIONS = {
    "title", "description", "default", "deprecated", "readOnly", "writeOnly", "examples",
    "contentEncoding", "contentMediaType", "$schema", "$id", "$anchor", "$comment",
}  # fmt: skip
NAMES = ["a", "b", "c"]
many = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def converted(schema: Any) -> tuple[Subset | None, SchemaError | None]:
    """The schema in the subset, or why it cannot be."""
    try:
        return to_subset(schema), None
    except SchemaError as error:
        return None, error


# --- schemas of every kind ------------------------------------------------------------------------


def wide(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A schema around others."""
    properties = st.dictionaries(st.sampled_from(NAMES), inner, min_size=1, max_size=3)
    objects = st.fixed_dictionaries(
        {"properties": properties},
        optional={
            "type": st.sampled_from(["object", ["object", "null"]]),
            "required": st.lists(st.sampled_from(NAMES), unique=True, max_size=2),
            "additionalProperties": st.sampled_from([False, False, True, {"type": "string"}]),
            "description": st.just("said"),
        },
    )
    arrays = st.fixed_dictionaries(
        {"items": inner}, optional={"type": st.just("array"), "minItems": st.just(1)}
    )
    some = st.lists(inner, min_size=1, max_size=3)
    unions = st.fixed_dictionaries(
        {},
        optional={
            "anyOf": some,
            "oneOf": some,
            "allOf": some,
            "type": st.sampled_from(["object", "string"]),
            "required": st.just(["a"]),
        },
    ).filter(bool)
    return st.one_of(objects, objects, arrays, unions)


KINDS = ["string", "integer", "number", "boolean", "null"]
VALUES = st.sampled_from(["x", "", 0, 1, -2.0, 1.5, True, False, None, [1], {"a": 1}])
leaves = st.one_of(
    st.fixed_dictionaries(
        {"type": st.one_of(st.sampled_from(KINDS), st.lists(st.sampled_from(KINDS), max_size=3))},
        optional={
            "maximum": st.just(5),
            "pattern": st.just("^a"),
            "enum": st.lists(VALUES, max_size=3),
            "nullable": st.booleans(),
            "title": st.just("T"),
        },
    ),
    st.fixed_dictionaries({"enum": st.lists(VALUES, min_size=1, max_size=4)}),
    st.fixed_dictionaries({"const": VALUES}),
    st.fixed_dictionaries(
        {"$ref": st.sampled_from([*(f"#/$defs/{name}" for name in NAMES), "#", "#/$defs/a~1b%25"])},
        optional={"description": st.just("one"), "type": st.just("object")},
    ),
    st.sampled_from([{}, True, {"not": {"type": "null"}}, {"type": "file"}, {"x-mark": 1}]),
)
nodes = st.recursive(leaves, wide, max_leaves=8)
schemas = st.builds(
    lambda node, defs: {**node, "$defs": {**defs, "a/b%": {"type": "boolean"}}},
    st.one_of(wide(nodes), leaves).filter(lambda node: isinstance(node, dict)),
    st.fixed_dictionaries(dict.fromkeys(NAMES, nodes)),
)


def loosened(schema: Any) -> Any:
    """The schema without what becomes a remark; `oneOf` counts as `anyOf`, `nullable` as a type."""
    if isinstance(schema, list):
        return [loosened(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("properties", "$defs", "definitions"):
            made[key] = {name: loosened(inner) for name, inner in value.items()}
        elif key in ("enum", "const", "default", "examples"):
            made[key] = value
        elif key == "oneOf":
            made.setdefault("allOf", []).append({"anyOf": loosened(value)})
        elif key == "allOf":
            made["allOf"] = [*made.get("allOf", []), *loosened(value)]
        elif key not in LIMITS and key != "nullable":
            made[key] = loosened(value)
    if schema.get("nullable") is True:
        defs = {key: made.pop(key) for key in ("$defs", "definitions") if key in made}
        return {"anyOf": [made, {"type": "null"}], **defs}
    return made


def values_of(node: dict[str, Any], root: dict[str, Any], deep: int = 0) -> st.SearchStrategy[Any]:
    """Values that a schema of the subset allows."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        target = root if node["$ref"] == "#" else root["$defs"][name]
        return st.deferred(lambda: values_of(target, root, deep + 1)) if deep < 8 else st.nothing()
    if "anyOf" in node:
        return st.one_of([values_of(branch, root, deep + 1) for branch in node["anyOf"]])
    if "enum" in node:
        return st.sampled_from(node["enum"])
    if node["type"] == "object":
        inner = {name: values_of(each, root, deep + 1) for name, each in node["properties"].items()}
        return st.fixed_dictionaries(inner)
    if node["type"] == "array":
        items = values_of(node["items"], root, deep + 1)
        return st.just([]) if items.is_empty else st.lists(items, max_size=2)
    return {
        "string": st.sampled_from(["", "x", "2026-01-02"]),
        "integer": st.integers(-3, 3),
        "number": st.sampled_from([0, 1, -2.5]),
        "boolean": st.booleans(),
        "null": st.none(),
    }[node["type"]]


@many
@given(schemas)
def test_a_schema_is_brought_into_the_subset_or_refused(schema: dict[str, Any]) -> None:
    """Nothing that breaks the rules goes out, and nothing else than SchemaError is raised."""
    made, refused = converted(schema)
    if made is None:
        assert refused is not None
        assert refused.why
        return
    assert faults(made.schema) == []
    check_schema(made.schema, "schema", strict=True)  # the local engine takes it, too


@many
@given(schemas, st.data())
def test_what_the_subset_allows_the_given_schema_allows(
    schema: dict[str, Any], data: st.DataObject
) -> None:
    """Limits are remarks, and apart from those nothing is let through that was not before."""
    made, _ = converted(schema)
    if made is None:
        return
    strategy = values_of(made.schema, made.schema)
    if strategy.is_empty:
        return
    sent = data.draw(strategy)
    assert Draft202012Validator(made.schema).is_valid(sent)
    value = sent if made.wrapper is None else sent[made.wrapper]
    meant = without_absent(value, schema, schema)
    assert Draft202012Validator(loosened(schema)).is_valid(meant), (schema, made.schema, sent)


# --- keywords of the specification ----------------------------------------------------------------

SAMPLES: dict[str, Any] = {
    "$ref": "#/$defs/a", "$defs": {"z": {"type": "null"}}, "properties": {"p": {"type": "null"}},
    "items": {"type": "null"}, "enum": ["x", 1], "const": "x", "type": "string",
    "anyOf": [{"type": "string"}], "oneOf": [{"type": "string"}], "allOf": [{"type": "string"}],
    "required": [], "additionalProperties": False, "pattern": "^a", "format": "date",
    "uniqueItems": True, "$dynamicRef": "#a", "$dynamicAnchor": "a", "$anchor": "a",
    "$vocabulary": {"https://example.com": True}, "prefixItems": [{"type": "string"}],
    "dependentRequired": {"a": ["b"]}, "dependentSchemas": {"a": {"type": "null"}},
    "patternProperties": {"a": {"type": "null"}}, "examples": ["x"], "title": "t",
    "description": "d", "$comment": "c", "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://example.com/a", "contentEncoding": "base64", "contentMediaType": "text/plain",
    "deprecated": True, "readOnly": True, "writeOnly": True, "default": "x",
}  # fmt: skip


def keywords() -> Iterator[str]:
    """Every keyword of draft 2020-12 and draft 7, from their own schemas."""
    from jsonschema_specifications import REGISTRY

    draft7 = REGISTRY.contents("http://json-schema.org/draft-07/schema#")
    yield from draft7["properties"]
    for uri in REGISTRY:
        if "2020-12/meta/" in uri:
            yield from REGISTRY.contents(uri)["properties"]


@pytest.mark.parametrize("keyword", sorted(set(keywords())))
def test_no_keyword_is_passed_over_in_silence(keyword: str) -> None:
    """It is kept, told as a change, refused by its place, or says nothing of values."""
    sample = SAMPLES.get(keyword, 2 if keyword.startswith(("m", "exclusive")) else {"type": "null"})
    inner = {"type": "string", keyword: sample} if keyword != "$ref" else {"$ref": sample}
    schema = {
        "type": "object",
        "properties": {"p": inner},
        "required": ["p"],
        "additionalProperties": False,
        "$defs": {"a": {"type": "boolean"}},
    }
    made, refused = converted(schema)
    if made is None:
        assert refused is not None
        assert refused.path == f"properties.p.{keyword}"
        return
    assert faults(made.schema) == []
    if keyword in ANNOTATIONS:
        return
    if keyword in LIMITS or keyword == "oneOf":
        assert any(f"`{keyword}`" in change for change in made.changes)
        return
    # What does not apply to a string, or says it again.
    nothing = {"properties", "items", "required", "additionalProperties", "$defs", "definitions"}
    kept = {"type", "$ref", "enum", "const", "anyOf", "allOf"}
    assert keyword in nothing | kept
    assert Draft202012Validator(made.schema).is_valid({"p": True if keyword == "$ref" else "x"})
    assert not Draft202012Validator(made.schema).is_valid({"p": 1})


JSON = st.recursive(
    st.sampled_from(["a", "object", "#/$defs/a", 1, -1, 2.5, True, False, None]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*SAMPLES, "a"]), inner, max_size=4),
    ),
    max_leaves=12,
)


@many
@given(st.dictionaries(st.sampled_from([*SAMPLES, "minimum", "nullable"]), JSON, max_size=4))
def test_what_is_no_schema_is_refused_and_nothing_else_is_raised(schema: Any) -> None:
    """Lists for dicts, numbers for names: a SchemaError, or a schema by the rules."""
    made, _ = converted(schema)
    if made is None:
        return
    assert faults(made.schema) == []


# --- schemas that others have written -------------------------------------------------------------


def shipped() -> Iterator[Any]:
    """The files of packages that are installed with the development tools."""
    import jsonschema_specifications
    import nbformat

    share = Path(sys.prefix) / "share" / "jupyter" / "lab" / "schemas"
    for folder in (
        Path(nbformat.__file__).parent,
        Path(jsonschema_specifications.__file__).parent,
        share,
    ):
        for file in sorted(folder.rglob("*.json")):
            yield pytest.param(file, id=f"{folder.name}/{file.relative_to(folder)}")


def within(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and those inside of it."""
    if isinstance(schema, list):
        for each in schema:
            yield from within(each)
    elif isinstance(schema, dict):
        yield schema
        for inner in schema.values():
            yield from within(inner)


@pytest.mark.parametrize("file", shipped())
def test_schemas_of_others_are_kept_or_refused_by_place(file: Path) -> None:
    """Each of them, and each part of them by itself; the place that is named is there."""
    whole = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(whole, dict):
        return
    defs = {key: whole[key] for key in ("definitions", "$defs") if key in whole}
    for schema in within(whole):
        made, refused = converted({**defs, **schema})
        if made is not None:
            assert faults(made.schema) == []
        elif refused is not None and not {"$ref", "allOf"} & set(schema):
            assert any(refused.path.startswith(first) for first in ("$defs", *defs, *schema)) or (
                refused.path == ""
            )
