"""Any pydantic model and any signature: its schema keeps to the rules, and its values come back."""

from __future__ import annotations

import datetime
import enum
import inspect
import json
from typing import Annotated, Any, Literal, Optional

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, TypeAdapter, create_model
from strict_rules import faults
from test_strict_schemas import many

import groqnb
from groqnb.types.answer_type import answer_type


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Tree(BaseModel):
    name: str
    children: list[Tree] = Field(default_factory=list)


class Circle(BaseModel):
    kind: Literal["circle"] = "circle"
    r: float


class Square(BaseModel):
    kind: Literal["square"] = "square"
    side: Annotated[int, Field(ge=0)]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
trees = st.recursive(
    st.builds(Tree, name=texts, children=st.just([])),
    lambda inner: st.builds(Tree, name=texts, children=st.lists(inner, max_size=2)),
    max_leaves=4,
)
SINGLE: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, st.integers(-(10**6), 10**6)),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (str, texts),
    (bool, st.booleans()),
    (datetime.date, st.dates()),
    (Literal["a", 2, True], st.sampled_from(["a", 2, True])),
    (Colour, st.sampled_from(Colour)),
    (Tree, trees),
    (
        Annotated[Circle | Square, Field(discriminator="kind")],
        st.one_of(st.builds(Circle, r=st.just(1.5)), st.builds(Square, side=st.integers(0, 3))),
    ),
    (Annotated[int, Field(ge=0, description="how many")], st.integers(0, 9)),
]

Typed = tuple[Any, st.SearchStrategy[Any]]


@st.composite
def typed(draw: st.DrawFn, deep: int = 2) -> Typed:
    """A type, and a strategy of its values."""
    way = draw(st.sampled_from(["single", "single", "list", "optional", "model"]))
    if deep == 0 or way == "single":
        return draw(st.sampled_from(SINGLE))
    if way == "model":
        return draw(models(deep - 1))
    kind, values = draw(typed(deep - 1))
    if way == "list":
        return list[kind], st.lists(values, max_size=2)  # type: ignore[valid-type]
    return Optional[kind], st.none() | values  # noqa: UP045


@st.composite
def models(draw: st.DrawFn, deep: int = 2) -> Typed:
    """A pydantic model; some of its fields have defaults."""
    fields: dict[str, Any] = {}
    values: dict[str, st.SearchStrategy[Any]] = {}
    names = st.lists(st.sampled_from(["x", "y", "class_", "größe"]), min_size=1, unique=True)
    for name in draw(names):
        kind, strategy = draw(typed(deep))
        optional = draw(st.booleans())
        fields[name] = (kind, draw(strategy) if optional else ...)
        values[name] = strategy
    model = create_model("Made", **fields)
    return model, st.builds(model, **values)


@many
@given(models(), st.data())
def test_a_model_goes_out_by_the_rules_and_comes_back(made: Typed, data: st.DataObject) -> None:
    """Its schema keeps to them; each of its values fits the schema, and is read again."""
    model, values = made
    form = answer_type(model)
    assert faults(dict(form.schema)) == []
    value = data.draw(values)
    text = value.model_dump_json()
    assert Draft202012Validator(dict(form.schema)).is_valid(json.loads(text))
    assert form.read(text) == value


@many
@given(st.lists(typed(), min_size=1, max_size=4), st.data())
def test_a_signature_goes_out_by_the_rules_and_its_arguments_come_back(
    parameters: list[Typed], data: st.DataObject
) -> None:
    """A strict tool is called with the values that a model wrote as JSON."""

    def function(**_: Any) -> None: ...

    names = [f"p{index}" for index in range(len(parameters))]
    listed = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind)
        for name, (kind, _) in zip(names, parameters, strict=True)
    ]
    function.__signature__ = inspect.Signature(listed)  # type: ignore[attr-defined]
    function.__annotations__ = dict(zip(names, [kind for kind, _ in parameters], strict=True))
    tool = groqnb.tool(strict=True)(function)
    schema = tool["function"]["parameters"]
    assert faults(schema) == []
    values = {
        name: data.draw(strategy) for name, (_, strategy) in zip(names, parameters, strict=True)
    }
    told = {
        name: TypeAdapter(kind).dump_python(values[name], mode="json")
        for name, (kind, _) in zip(names, parameters, strict=True)
    }
    assert Draft202012Validator(schema).is_valid(told)
    assert tool.arguments(json.dumps(told)) == values
