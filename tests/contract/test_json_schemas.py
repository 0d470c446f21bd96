"""Schemas in `response_format`: each documented one is matched, what cannot be kept is refused.

The small model writes nonsense; that it is well-formed nonsense is what these tests are about.
"""

from __future__ import annotations

import json
from typing import Any

import groq
import httpx
import openai
import pydantic
import pytest
from jsonschema import Draft202012Validator

from tests.contract.documented_schemas import SCHEMAS, closed

MODEL = "moonshotai/kimi-k2-instruct-0905"


def post(http: httpx.Client, schema: Any, **changes: Any) -> httpx.Response:
    strict = changes.pop("strict", None)
    body: dict[str, Any] = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Make one up."}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "made_up", "schema": schema, "strict": strict},
        },
        "max_completion_tokens": 200,
        "temperature": 1.2,
        "seed": 1,
    }
    return http.post("/chat/completions", json={**body, **changes})


def error(reply: httpx.Response) -> dict[str, Any]:
    assert reply.status_code == 400, reply.text
    found: dict[str, Any] = reply.json()["error"]
    assert found["type"] == "invalid_request_error"
    return found


@pytest.mark.parametrize("name", SCHEMAS)
def test_an_answer_matches_every_documented_schema(http: httpx.Client, name: str) -> None:
    """Even from a model that cannot write JSON, and at a temperature that invites mistakes."""
    reply = post(http, SCHEMAS[name])
    assert reply.status_code == 200, reply.text
    choice = reply.json()["choices"][0]
    assert choice["finish_reason"] == "stop"
    Draft202012Validator(SCHEMAS[name]).validate(json.loads(choice["message"]["content"]))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "integer"}, "minItems": 1},
        {"type": "string", "enum": ["ja", "nein", "weiß nicht"]},
        {"const": {"a": [1, None, '"\\']}},
        {"type": ["integer", "null"]},
        {"type": "object", "additionalProperties": {"type": "boolean"}},
        {"allOf": [closed(a={"type": "boolean"}), {"required": ["a"]}]},
        {"oneOf": [closed(kind={"const": "x"}), closed(kind={"const": "y"})]},
        {},
    ],
)
def test_other_roots_than_an_object_work(http: httpx.Client, schema: Any) -> None:
    """Arrays, strings, values, unions and maps."""
    reply = post(http, schema)
    assert reply.status_code == 200, reply.text
    content = reply.json()["choices"][0]["message"]["content"]
    Draft202012Validator(schema).validate(json.loads(content))


@pytest.mark.parametrize(
    ("inner", "place"),
    [
        ({"type": "string", "not": {"const": "a"}}, "properties.x.not"),
        ({"type": "object", "patternProperties": {"a": {}}}, "properties.x.patternProperties"),
        ({"anyOf": [{"type": "string"}, {"if": {}}]}, "properties.x.anyOf[1].if"),
        ({"type": "array", "items": {"type": "word"}}, "properties.x.items.type"),
        ({"type": "array", "uniqueItems": True}, "properties.x.uniqueItems"),
        ({"type": "string", "pattern": "(?=a)b"}, "properties.x.pattern"),
        ({"type": "string", "pattern": "("}, "properties.x.pattern"),
        ({"$ref": "#/$defs/nowhere"}, "properties.x.$ref"),
        ({"$ref": "https://example.com/schema"}, "properties.x.$ref"),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "properties.x.oneOf"),
        ({"type": "number", "multipleOf": 0.1}, "properties.x.multipleOf"),
        ({"type": "string", "minLength": 3, "maxLength": 2}, "properties.x.minLength"),
        (["string"], "properties.x"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_its_place(
    http: httpx.Client, inner: Any, place: str
) -> None:
    """`param` is the path to the keyword, so that it can be found in a large schema."""
    found = error(post(http, closed(x=inner)))
    assert found["param"] == f"response_format.json_schema.schema.{place}"
    assert found["code"] == "invalid_json_schema"


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        closed(a={"$ref": "#"}),
        closed(a=False),
        closed(a={"type": "integer", "enum": ["a"]}),
    ],
)
def test_a_schema_that_nothing_can_match_is_refused(http: httpx.Client, schema: Any) -> None:
    """Among them recursion without an end."""
    assert error(post(http, schema))["param"] == "response_format.json_schema.schema"


def test_strict_rules_hold_at_any_depth_and_only_when_asked_for(http: httpx.Client) -> None:
    """Every object closed, every property required; the place is named."""
    lax = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}
    branch = closed(x={"anyOf": [lax, {"type": "null"}]})
    found = error(post(http, branch, strict=True))
    at = "response_format.json_schema.schema.properties.x.anyOf[0].additionalProperties"
    assert found["param"] == at
    optional = {**closed(a={"type": "boolean"}), "required": []}
    found = error(post(http, optional, strict=True))
    assert found["param"] == "response_format.json_schema.schema.properties.a"
    assert post(http, branch, strict=False).status_code == 200


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "boolean"}
    for _ in range(levels):
        schema = closed(a=schema)
    return schema


def doubling(levels: int) -> dict[str, Any]:
    """Small to write, with 2 ** levels leaves."""
    definitions = {
        f"n{level}": closed(**{key: {"$ref": f"#/$defs/n{level + 1}"} for key in "ab"})
        for level in range(levels)
    }
    last = {f"n{levels}": {"type": "string"}}
    return {"$ref": "#/$defs/n0", "$defs": {**definitions, **last}}


@pytest.mark.parametrize(
    "schema", [nested(60), {"type": "object", "properties": {f"p{n}": {} for n in range(5000)}}]
)
def test_a_monstrous_schema_is_a_400(http: httpx.Client, schema: Any) -> None:
    """Neither depth nor size reach the grammar."""
    assert error(post(http, schema))["code"] == "invalid_json_schema"


def test_a_schema_that_unfolds_without_measure_does_not_hang(http: httpx.Client) -> None:
    """Its answer does not fit into the tokens, which is said as always."""
    assert error(post(http, doubling(20), max_completion_tokens=20))["code"] in (
        "json_validate_failed",
        "invalid_json_schema",
    )


def test_a_cut_in_a_stream_of_json_mode_is_an_error_event(http: httpx.Client) -> None:
    """The pieces are gone by then; the last event before [DONE] takes them back."""
    body = {
        "model": "llama-3.1-8b-instant",
        "messages": [{"role": "user", "content": "Describe a cat in JSON."}],
        "response_format": {"type": "json_object"},
        "stream": True,
        "max_tokens": 3,
    }
    lines = [line[6:] for line in http.post("/chat/completions", json=body).text.split("\n\n")]
    assert lines[-2] == "[DONE]"
    assert json.loads(lines[-3])["error"]["code"] == "json_validate_failed"


class Step(pydantic.BaseModel):
    explanation: str
    output: str


class Maths(pydantic.BaseModel):
    steps: list[Step]
    final_answer: str
    confidence: float | None


def test_openais_parse_helper_gets_a_nested_model(openai_client: openai.OpenAI) -> None:
    """The strict schema that pydantic and the package make is one that can be kept."""
    done = openai_client.chat.completions.parse(
        model=MODEL,
        messages=[{"role": "user", "content": "Solve 8x + 7 = -23."}],
        response_format=Maths,
        max_completion_tokens=200,
    )
    assert isinstance(done.choices[0].message.parsed, Maths)


def test_the_groq_package_gets_structured_outputs(groq_client: groq.Groq) -> None:
    """As in the documentation's Python example."""
    done = groq_client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Solve 8x + 7 = -23."}],
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "maths", "schema": SCHEMAS["steps"]},
        },
        max_completion_tokens=200,
    )
    content = done.choices[0].message.content or ""
    Draft202012Validator(SCHEMAS["steps"]).validate(json.loads(content))
