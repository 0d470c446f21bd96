"""Typed answers: which schema goes out for a type, how an answer is read, what if it fails."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
from typing import Any, Literal

import httpx
import pytest
from both_worlds import MESSAGES, MODEL, World, answering, both, completion
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

import groqnb
from groqnb.types.answer_type import answer_type
from groqnb.types.errors import ParameterError, ResponseError
from groqnb.types.schema import SchemaError, to_subset

BY_SCHEMA = "openai/gpt-oss-20b"
BY_JSON = "llama-3.1-8b-instant"


class Line(BaseModel):
    article: str
    count: int = 1


class Invoice(BaseModel):
    """A bill."""

    seller: str
    due: datetime.date | None = None
    paid: bool = False
    lines: list[Line]


class Node(BaseModel):
    name: str
    children: list[Node]


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0


class Card(TypedDict, total=False):
    title: str
    pages: int


def closed(schema: Any) -> bool:
    """Whether every object in a schema is closed and requires all its properties."""
    if isinstance(schema, list):
        return all(closed(each) for each in schema)
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" and (
        schema.get("additionalProperties") is not False
        or schema["required"] != list(schema["properties"])
    ):
        return False
    return all(closed(each) for each in schema.values())


@pytest.mark.parametrize(
    "kind",
    [
        Invoice,
        Node,
        Colour,
        Point,
        Card,
        list[Invoice],
        list[int],
        Literal["yes", "no"],
        int | None,
        Invoice | Point,
        dict,
    ],
    ids=str,
)
def test_every_object_of_a_schema_is_closed_and_requires_all(kind: Any) -> None:
    """What the documentation demands of schemas holds for every form that is accepted."""
    if kind is dict:
        kind = {"name": str, "ages": list[int]}
    form = answer_type(kind)
    assert form.schema["type"] == "object"
    assert closed(form.schema)
    assert form.response_format["json_schema"]["strict"] is True


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (list[int], '{"items": [1, 2]}', [1, 2]),
        (Literal["yes", "no"], '{"value": "no"}', "no"),
        (Colour, '{"value": "blue"}', Colour.BLUE),
        (Point, '{"x": 1, "y": null}', Point(1.0)),
        (Card, '{"title": "A", "pages": null}', {"title": "A"}),
        (
            Invoice,
            '{"seller": "ACME", "due": "2026-02-03", "paid": null,'
            ' "lines": [{"article": "bell", "count": null}]}',
            Invoice(seller="ACME", due=datetime.date(2026, 2, 3), lines=[Line(article="bell")]),
        ),
        (
            Node,
            '{"name": "a", "children": [{"name": "b", "children": []}]}',
            Node(name="a", children=[Node(name="b", children=[])]),
        ),
        (int | None, '{"value": null}', None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_answer_becomes_a_value_of_the_type(kind: Any, text: str, value: Any) -> None:
    """Null for what the type does not require means its default, or its absence."""
    assert answer_type(kind).read(text) == value


def test_fields_may_have_names_that_pydantic_uses(recwarn: pytest.WarningsRecorder) -> None:
    """Columns are often called so; nobody is warned of it."""
    form = answer_type({"copy": str, "schema": int, "model_name": str})
    value = form.read('{"copy": "a", "schema": 1, "model_name": "b"}')
    assert (value.copy, value.schema, value.model_name) == ("a", 1, "b")
    assert not list(recwarn)


@pytest.mark.parametrize("name", ["_id", "model_config"])
def test_fields_that_pydantic_would_lose_are_refused_by_name(name: str) -> None:
    """What begins with a line is no field to it."""
    with pytest.raises(ParameterError, match=f"cannot be called {name!r}"):
        answer_type({"x": int, name: int})


def test_a_null_that_the_type_allows_stays() -> None:
    """Null is a value of its own where the type says so."""

    class Maybe(BaseModel):
        age: int | None = 7

    assert answer_type(Maybe).read('{"age": null}') == Maybe(age=None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is not the JSON of Invoice"),
        ('{"seller": "A"}', "lines: Field required"),
        ('{"seller": "A", "lines": [{"article": 5}]}', "lines[0].article"),
        ("[" * 100_000, "is not the JSON of Invoice"),
    ],
)
def test_an_answer_that_does_not_fit_says_where(text: str, told: str) -> None:
    """The error names the place, and keeps the answer."""
    with pytest.raises(ResponseError) as raised:
        answer_type(Invoice).read(text)
    assert told in str(raised.value)
    assert raised.value.body == text[:2000]


def test_every_change_of_the_schema_is_told() -> None:
    """Limits become remarks for the model and rules for the reading; both are said."""

    class Rated(BaseModel):
        stars: int = Field(ge=1, le=5, description="how good")

    form = answer_type(Rated)
    assert form.schema["properties"]["stars"] == {
        "type": "integer",
        "description": "how good; at most 5; at least 1",
    }
    assert any("minimum" in change for change in form.changes)
    with pytest.raises(ResponseError, match=r"stars: .*less than or equal to 5"):
        form.read('{"stars": 6}')


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"type": "object", "properties": {"a": {}}}, "properties.a"),
        ({"type": "object", "properties": {"a": {"type": "date"}}}, "properties.a.type"),
        ({"type": "object"}, ""),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "additionalProperties"),
        (
            {"type": "object", "properties": {"a": {"type": "array"}}},
            "properties.a",
        ),
        (
            {"type": "object", "properties": {"a": {"anyOf": [{"not": {}}]}}},
            "properties.a.anyOf[0].not",
        ),
        ({"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}}, "properties.a.$ref"),
        ({"type": "object", "properties": {"a": {"enum": [[1]]}}}, "properties.a.enum"),
        (
            {
                "type": "object",
                "properties": {},
                "required": ["a"],
                "additionalProperties": False,
            },
            "required",
        ),
        ({"$ref": "#"}, "$ref"),
        ({"$ref": "https://example.com/schema"}, "$ref"),
        (
            {"type": "array", "prefixItems": [{"type": "integer"}], "items": {"type": "null"}},
            "prefixItems",
        ),
    ],
)
def test_what_cannot_be_kept_is_named_by_its_place(schema: dict[str, Any], path: str) -> None:
    """A schema outside of the subset is refused before anything is sent."""
    with pytest.raises(SchemaError) as raised:
        to_subset(schema)
    assert raised.value.path == path


def test_same_meanings_are_rewritten() -> None:
    """const, type lists, oneOf, allOf of one and definitions become their supported forms."""
    schema = {
        "type": "object",
        "properties": {
            "kind": {"const": "a"},
            "size": {"type": ["number", "null"]},
            "either": {"oneOf": [{"type": "string"}, {"type": "boolean"}]},
            "line": {"allOf": [{"$ref": "#/definitions/line"}], "description": "one"},
        },
        "required": ["kind", "size", "either", "line"],
        "additionalProperties": False,
        "definitions": {
            "line": {"type": "object", "properties": {}, "additionalProperties": False}
        },
    }
    made = to_subset(schema).schema
    assert made["properties"] == {
        "kind": {"type": "string", "enum": ["a"]},
        "size": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "either": {"anyOf": [{"type": "string"}, {"type": "boolean"}]},
        "line": {"anyOf": [{"$ref": "#/$defs/line"}], "description": "one"},
    }
    assert list(made["$defs"]) == ["line"]


@pytest.mark.parametrize("kind", ["Invoice", 5, None, {}, {1: int}, {"a": 7}, {"_a": int}], ids=str)
def test_what_is_no_type_is_refused(kind: Any) -> None:
    """The error says so at once."""
    with pytest.raises(ParameterError):
        answer_type(kind)


def invoice(seller: str = "ACME") -> str:
    return json.dumps({"seller": seller, "due": None, "paid": True, "lines": []})


def parse(world: World, texts: list[str], model: str, **params: Any) -> tuple[Any, list[Any]]:
    """What `parse` gives when the server answers with `texts` in turn, and what was sent."""
    seen: list[httpx.Request] = []
    finish = params.pop("finish", "stop")
    replies = []
    for text in texts:
        body = completion(text)
        body["choices"][0]["finish_reason"] = finish
        replies.append(httpx.Response(200, json=body))
    client = world.client(transport=answering(*replies, seen=seen))
    given = {"model": model, "messages": MESSAGES, "response_format": Invoice, **params}
    try:
        reply = world.run(client, lambda c: c.chat.completions.parse(**given))
    except ResponseError as error:
        reply = error
    return reply, [json.loads(request.content) for request in seen]


@both
def test_a_model_that_keeps_to_schemas_gets_one(world: World) -> None:
    """The schema goes along as `response_format`, and the value comes back."""
    reply, sent = parse(world, [invoice()], BY_SCHEMA, temperature=0)
    assert reply.parsed == Invoice(seller="ACME", paid=True, lines=[])
    assert (reply.by_schema, reply.repaired) == (True, False)
    assert reply.choices[0].message.content == invoice()
    assert reply.changes == answer_type(Invoice).changes
    assert len(sent) == 1
    assert sent[0]["response_format"] == answer_type(Invoice).response_format
    assert sent[0]["messages"] == MESSAGES
    assert sent[0]["temperature"] == 0


def test_a_typed_reply_that_is_shown_keeps_its_value() -> None:
    """The Answer has it too, and its table is the value's."""
    reply, _ = parse(World("sync"), [invoice()], BY_SCHEMA)
    answer = groqnb.show(reply)
    assert answer.parsed == reply.parsed
    assert answer.to_frame()["seller"].tolist() == ["ACME"]


def test_what_is_still_to_be_awaited_is_not_shown(recwarn: pytest.WarningsRecorder) -> None:
    """The error says what to write, and no warning of a coroutine follows."""
    client = World("async").client(transport=answering(httpx.Response(200, json=completion())))
    with pytest.raises(TypeError, match=r"show\(await …\)"):
        groqnb.show(client.chat.completions.create(model=MODEL, messages=MESSAGES))
    assert not recwarn.list


@both
def test_any_other_model_gets_json_mode_and_the_schema_in_words(world: World) -> None:
    """The fallback says of itself that no schema was kept."""
    reply, sent = parse(world, [invoice()], BY_JSON)
    assert reply.parsed.seller == "ACME"
    assert not reply.by_schema
    assert sent[0]["response_format"] == {"type": "json_object"}
    assert sent[0]["messages"][0]["role"] == "system"
    assert '"seller"' in sent[0]["messages"][0]["content"]
    assert sent[0]["messages"][1:] == MESSAGES


@both
def test_an_answer_that_does_not_fit_is_asked_for_once_more(world: World) -> None:
    """The model sees its answer and what is wrong with it."""
    reply, sent = parse(world, ['{"seller": "ACME"}', invoice("Mended")], BY_JSON)
    assert reply.parsed.seller == "Mended"
    assert reply.repaired
    assert sent[1]["messages"][-2] == {"role": "assistant", "content": '{"seller": "ACME"}'}
    assert "lines: Field required" in sent[1]["messages"][-1]["content"]


@both
def test_two_answers_that_do_not_fit_are_an_error(world: World) -> None:
    """No third try, and the last answer stays with the error."""
    error, sent = parse(world, ["{}", '{"seller": 1}'], BY_JSON)
    assert isinstance(error, ResponseError)
    assert error.body == '{"seller": 1}'
    assert len(sent) == 2


@both
def test_a_reply_without_an_answer_is_an_error_of_ours(world: World) -> None:
    empty = httpx.Response(200, json={**completion("{}"), "choices": []})
    client = world.client(transport=answering(empty))
    given: dict[str, Any] = {"model": MODEL, "messages": MESSAGES, "response_format": Line}
    with pytest.raises(ResponseError, match="holds no answer"):
        world.run(client, lambda c: c.chat.completions.parse(**given))


@both
def test_an_answer_that_was_cut_off_is_not_repaired(world: World) -> None:
    """The error says what to raise, and nothing more is spent."""
    error, sent = parse(world, ['{"seller": "AC'], BY_JSON, finish="length")
    assert "max_completion_tokens" in str(error)
    assert len(sent) == 1


@pytest.mark.parametrize("params", [{"tools": [{}]}, {"n": 2}], ids=str)
def test_tools_and_several_answers_are_refused_before_sending(params: dict[str, Any]) -> None:
    """The documentation excludes them."""
    with pytest.raises(ParameterError):
        parse(World("sync"), [invoice()], BY_SCHEMA, **params)


def test_a_list_is_a_table() -> None:
    """`to_frame` has a row for each item, with proper types."""
    text = json.dumps({"items": [{"article": "bell", "count": 2}, {"article": "tyre", "count": 1}]})
    reply, _ = parse(World("sync"), [text], BY_SCHEMA, response_format=list[Line])
    frame = reply.to_frame()
    assert frame["article"].tolist() == ["bell", "tyre"]
    assert frame["count"].sum() == 3
    assert str(frame["count"].dtype) == "Int64"
