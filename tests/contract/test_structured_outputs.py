"""Structured outputs: valid by construction, refused by place, never a piece of JSON."""

from __future__ import annotations

import json
from typing import Any

import httpx
import jsonschema
import openai
import pytest
from pydantic import BaseModel

MODEL = "meta-llama/llama-4-scout-17b-16e-instruct"
TEXT = {"type": "string"}


def closed(**properties: Any) -> dict[str, Any]:
    """An object by the strict rules: every property required, no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


SCHEMAS = {
    "flat": closed(name=TEXT, rating={"type": "number"}, mood={"enum": ["good", "bad"]}),
    "nested": closed(
        person=closed(name=TEXT, age={"type": "integer"}),
        tags={"type": "array", "items": TEXT},
        paid={"type": "boolean"},
    ),
    "any of": closed(
        item={"anyOf": [closed(kind={"enum": ["a"]}, text=TEXT), {"type": "integer"}]}
    ),
    "nullable": closed(note={"type": ["string", "null"]}, count={"type": "integer"}),
    "references": {
        **closed(steps={"type": "array", "items": {"$ref": "#/$defs/step"}}, answer=TEXT),
        "$defs": {"step": closed(explanation=TEXT, output=TEXT)},
    },
    "recursive": closed(
        label=TEXT,
        children={"type": "array", "items": {"$ref": "#"}},
    ),
}


def ask(http: httpx.Client, schema: dict[str, Any], **body: Any) -> httpx.Response:
    strict = body.pop("strict", True)
    form = {"name": "thing", "strict": strict, "schema": schema}
    return http.post(
        "/chat/completions",
        json={
            "model": MODEL,
            "messages": [{"role": "user", "content": "A short example about a cat."}],
            "temperature": 0,
            "max_completion_tokens": 300,
            "response_format": {"type": "json_schema", "json_schema": form},
            **body,
        },
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_answer_is_valid_for_its_schema(http: httpx.Client, name: str) -> None:
    """Each kind of schema in the documentation gives JSON that an independent validator takes."""
    reply = ask(http, SCHEMAS[name])
    assert reply.status_code == 200, reply.text
    choice = reply.json()["choices"][0]
    assert choice["finish_reason"] == "stop"
    jsonschema.validate(json.loads(choice["message"]["content"]), SCHEMAS[name])


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        (closed(a={"type": "strong"}), "properties.a"),
        (closed(a={"not": {"type": "string"}}), "properties.a"),
        (closed(a={"$ref": "#/$defs/none"}), "properties.a"),
        ({"type": "object", "properties": {"a": TEXT}, "required": ["a"]}, "schema"),
        ({**closed(a=TEXT), "required": []}, "schema"),
        (closed(a=closed(b=TEXT) | {"additionalProperties": True}), "properties.a"),
    ],
)
def test_a_schema_outside_the_subset_is_a_400_that_names_the_place(
    http: httpx.Client, schema: dict[str, Any], place: str
) -> None:
    """Strict schemas close their objects and require every property."""
    reply = ask(http, schema)
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert place in error["param"]


def test_an_open_schema_is_fine_when_it_is_not_strict(http: httpx.Client) -> None:
    """The rules of closed objects hold for `strict: true` alone."""
    schema = {"type": "object", "properties": {"a": TEXT}, "required": ["a"]}
    reply = ask(http, schema, strict=False)
    assert reply.status_code == 200, reply.text
    jsonschema.validate(json.loads(reply.json()["choices"][0]["message"]["content"]), schema)


def test_json_that_was_cut_off_is_an_error(http: httpx.Client) -> None:
    """Never partial output: the error carries what had been generated."""
    reply = ask(http, SCHEMAS["nested"], max_completion_tokens=3)
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert error["code"] == "json_validate_failed"
    assert "failed_generation" in error


@pytest.mark.parametrize(
    "extra",
    [
        {"stream": True},
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"model": "llama-3.1-8b-instant"},
    ],
)
def test_streams_tools_and_other_models_are_refused(
    http: httpx.Client, extra: dict[str, Any]
) -> None:
    """As documented: not together with structured outputs, and on some models only."""
    assert ask(http, SCHEMAS["flat"], **extra).status_code == 400


def test_json_object_mode_gives_an_object(http: httpx.Client) -> None:
    """The older mode: an object of any shape."""
    reply = ask(http, {}, response_format={"type": "json_object"})
    assert reply.status_code == 200, reply.text
    assert isinstance(json.loads(reply.json()["choices"][0]["message"]["content"]), dict)


class Cat(BaseModel):
    name: str
    age: int


def test_openai_package_parses_into_a_class(openai_client: openai.OpenAI) -> None:
    """The package makes the schema from the class, and the class from the answer."""
    reply = openai_client.chat.completions.parse(
        model=MODEL,
        messages=[{"role": "user", "content": "Tom is a cat, three years old."}],
        response_format=Cat,
        max_completion_tokens=60,
    )
    assert isinstance(reply.choices[0].message.parsed, Cat)


def test_parse_gives_a_value_of_the_type(engine: Any) -> None:
    """A class in, a value of it out, from the real engine."""
    from groqnb import Groq

    class Mood(BaseModel):
        happy: bool
        word: str

    client = Groq(base_url=engine.base_url, api_key=engine.api_key, timeout=240)
    reply = client.chat.completions.parse(
        model=MODEL,
        messages=[{"role": "user", "content": "I love this bicycle! Am I happy?"}],
        response_format=Mood,
        max_completion_tokens=80,
        temperature=0,
    )
    assert isinstance(reply.parsed, Mood)
    assert reply.by_schema
    assert reply.to_frame().columns.tolist() == ["happy", "word"]
