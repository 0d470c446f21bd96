"""The JSON Schema Test Suite through the converter: kept by the documented rules, or refused.

The suite comes with the source of the package `jsonschema`, and is not in this repository:

    pip download --no-deps --no-binary jsonschema jsonschema && tar xf jsonschema-*.tar.gz
    JSON_SCHEMA_TEST_SUITE=jsonschema-4.26.0/json pytest tests/test_schema_suite.py
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from strict_rules import faults
from test_strict_schemas import converted, loosened

from groqnb.local.schemas import check_schema
from groqnb.types.answer_type import without_absent

SUITE = os.environ.get("JSON_SCHEMA_TEST_SUITE")
DRAFTS = {"draft2020-12": Draft202012Validator, "draft7": Draft7Validator}

pytestmark = pytest.mark.skipif(not SUITE, reason="JSON_SCHEMA_TEST_SUITE names no folder")


def cases(draft: str) -> Iterator[Any]:
    for file in sorted((Path(SUITE or "") / "tests" / draft).rglob("*.json")):
        yield from json.loads(file.read_text(encoding="utf-8"))


def named_as_required(schema: Any) -> set[str]:
    """The properties that any part of the schema requires."""
    if isinstance(schema, list):
        return set().union(*map(named_as_required, schema))
    if not isinstance(schema, dict):
        return set()
    own = schema.get("required")
    found = {name for name in own if isinstance(name, str)} if isinstance(own, list) else set()
    return found.union(*map(named_as_required, schema.values()))


def filled(value: Any, node: Any, root: Any, needed: set[str]) -> Any:
    """The value as a model would write it: null where an optional property is left out."""
    while "$ref" in node:
        node = root if node["$ref"] == "#" else root["$defs"][node["$ref"].split("/")[-1]]
    if "anyOf" in node:
        for branch in node["anyOf"]:
            candidate = filled(value, branch, root, needed)
            alone = (
                root if branch.get("$ref") == "#" else {**branch, "$defs": root.get("$defs", {})}
            )
            if Draft202012Validator(alone).is_valid(candidate):
                return candidate
    elif isinstance(value, dict) and "properties" in node:
        inner = node["properties"]
        made = {k: filled(v, inner[k], root, needed) if k in inner else v for k, v in value.items()}
        return made | {name: None for name in inner if name not in made and name not in needed}
    elif isinstance(value, list) and "items" in node:
        return [filled(each, node["items"], root, needed) for each in value]
    return value


@pytest.mark.parametrize("draft", DRAFTS)
def test_each_schema_of_the_suite_is_kept_by_the_rules_or_refused_by_place(draft: str) -> None:
    """What is taken keeps the documented rules and passes the engine; what is not says where."""
    kept = refused = 0
    for case in cases(draft):
        subset, error = converted(case["schema"])
        if subset is None:
            assert error is not None
            assert error.why
            assert f"`{error.path}`" in str(error) or not error.path, case["description"]
            refused += 1
        else:
            assert faults(subset.schema) == [], case
            check_schema(subset.schema, "schema", strict=True)
            kept += 1
    assert kept > 50
    assert refused > 200


@pytest.mark.parametrize("draft", DRAFTS)
def test_what_the_suite_calls_invalid_the_subset_does_not_let_through(draft: str) -> None:
    """A value that the subset allows is one of the given schema, and comes back as it was."""
    judged = 0
    for case in cases(draft):
        subset, _ = converted(case["schema"])
        if subset is None:
            continue
        told = DRAFTS[draft](loosened(case["schema"]))
        for test in case["tests"]:
            data = test["data"]
            wrapped = data if subset.wrapper is None else {subset.wrapper: data}
            value = filled(wrapped, subset.schema, subset.schema, named_as_required(case["schema"]))
            if not Draft202012Validator(subset.schema).is_valid(value):
                continue
            inner = value if subset.wrapper is None else value[subset.wrapper]
            assert without_absent(inner, case["schema"], case["schema"]) == data, (case, data)
            assert told.is_valid(data), (case["description"], test["description"])
            judged += 1
    assert judged > 100
