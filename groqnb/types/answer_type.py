"""A Python type as the form of an answer: its schema for the model, and the reading of the text.

Needs pydantic, which is imported when the first such form is made.
"""

from __future__ import annotations

import json
import re
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from groqnb.types.errors import ParameterError, ResponseError
from groqnb.types.schema import SchemaError, to_subset
from groqnb.types.schema_parts import resolve

__all__ = ["AnswerType", "answer_type", "place", "without_absent"]

_LONGEST_NAME = 64
_MOST_FAULTS = 3
_one_at_a_time = threading.Lock()  # what is ignored of warnings is the whole process's


@dataclass(frozen=True)
class AnswerType:
    """The form of an answer.

    Attributes:
        name: what the schema is called in the request.
        schema: the JSON Schema that is sent; its root is an object.
        changes: what the schema says otherwise than the type, in words.
    """

    name: str
    schema: Mapping[str, Any]
    changes: tuple[str, ...]
    _wrapper: str | None
    _given: Mapping[str, Any]
    _adapter: Any

    @property
    def response_format(self) -> dict[str, Any]:
        """The `response_format` that asks for it. Docs: "Structured Outputs"."""
        form = {"name": self.name, "schema": self.schema, "strict": True}
        return {"type": "json_schema", "json_schema": form}

    @property
    def instruction(self) -> str:
        """What to tell a model that takes no schema."""
        return (
            "Answer with a JSON object only, without any other text. It must fit this JSON "
            f"Schema:\n{json.dumps(self.schema, ensure_ascii=False)}"
        )

    def read(self, text: str) -> Any:
        """The value that an answer's text holds. Raises ResponseError when it does not fit.

        ```python
        answer_type(list[int]).read('{"items": [1, 2]}')  # [1, 2]
        ```
        """
        from pydantic import ValidationError

        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise ResponseError(
                f"The answer is not the JSON of {self.name}.", body=text[:2000]
            ) from None
        given = self._given
        if self._wrapper is not None:
            if not isinstance(value, dict) or self._wrapper not in value:
                raise ResponseError(
                    f"The answer does not fit {self.name}: `{self._wrapper}` is missing.",
                    body=text[:2000],
                )
            value = value[self._wrapper]
        value = without_absent(value, given, given)
        try:
            # As JSON: there a date is a text, which Python's own values would not allow.
            return self._adapter.validate_json(json.dumps(value))
        except ValidationError as error:
            faults = [
                f"{place(fault['loc'])}: {fault['msg']}" if fault["loc"] else fault["msg"]
                for fault in error.errors(include_url=False, include_input=False)
            ]
            more = f" (and {len(faults) - _MOST_FAULTS} more)" if len(faults) > _MOST_FAULTS else ""
            raise ResponseError(
                f"The answer does not fit {self.name}: {'; '.join(faults[:_MOST_FAULTS])}{more}.",
                body=text[:2000],
            ) from None


def answer_type(kind: Any) -> AnswerType:
    """The form of an answer that is to be a `kind`.

    `kind` is a pydantic model, a dataclass, a TypedDict, an Enum, a `Literal`, a plain type, a
    list or union of these, or a dict of names and types. Raises ParameterError for what is no
    type, SchemaError (with the place) for a type that structured outputs cannot hold.

    ```python
    answer_type({"name": str, "age": int}).schema["required"]  # ['name', 'age']
    ```
    """
    if isinstance(kind, Mapping):
        return _from_fields(kind)
    try:
        return _cached(kind)
    except TypeError:  # a type that cannot be hashed
        return _made(kind)


def _from_fields(fields: Mapping[str, Any]) -> AnswerType:
    from pydantic import create_model
    from pydantic.errors import PydanticUserError

    if not fields or not all(isinstance(name, str) for name in fields):
        raise ParameterError("A form of answers needs names and types, as in {'age': int}.")
    for name in fields:
        if name.startswith("_") or name == "model_config":
            raise ParameterError(
                f"A field of an answer cannot be called {name!r}.",
                hint="Begin with a letter; `model_config` is pydantic's own.",
            )
    described: dict[str, Any] = {name: (kind, ...) for name, kind in fields.items()}
    try:
        with _one_at_a_time, warnings.catch_warnings():
            # `copy` and `schema` are methods of pydantic's, and good names for fields.
            warnings.simplefilter("ignore", UserWarning)
            model = create_model("Answer", **described)
    except (NameError, TypeError, ValueError, PydanticUserError) as error:
        raise ParameterError(f"The fields do not make a form: {error}") from None
    return _made(model)


@lru_cache(maxsize=64)
def _cached(kind: Any) -> AnswerType:
    return _made(kind)


def _made(kind: Any) -> AnswerType:
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticUserError

    if kind is None or isinstance(kind, str | bytes | int | float):
        raise ParameterError(
            f"{kind!r} is no type.", hint="Give a class, or names and types: {'age': int}."
        )
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
        given = adapter.json_schema()
    except PydanticUserError as error:
        why = str(error).splitlines()[0].rstrip(".")
        raise ParameterError(f"{_name(kind)} cannot be the form of an answer: {why}.") from None
    try:
        subset = to_subset(given)
    except SchemaError as error:
        raise SchemaError(error.path, error.why, of=_name(kind), hint=error.hint) from None
    return AnswerType(
        name=_name(kind),
        schema=subset.schema,
        changes=subset.changes,
        _wrapper=subset.wrapper,
        _given=given,
        _adapter=adapter,
    )


def _name(kind: Any) -> str:
    """`Invoice` for the class, `list_Invoice` for a list of them."""
    own = getattr(kind, "__name__", None) if isinstance(kind, type) else None
    if own is None or getattr(kind, "__args__", None):
        own = re.sub(r"[\w.]+\.(?=\w)", "", str(kind))
    return re.sub(r"[^A-Za-z0-9_-]+", "_", own).strip("_")[:_LONGEST_NAME] or "answer"


def place(steps: tuple[int | str, ...]) -> str:
    """Where a fault of pydantic's is.

    >>> place(("lines", 0, "article"))
    'lines[0].article'
    """
    parts = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return "".join(parts).removeprefix(".")


def without_absent(value: Any, node: Any, root: Mapping[str, Any]) -> Any:
    """The value without the nulls that stand for what is absent.

    A property that the type does not require is required by the schema that was sent, and may be
    null there.
    """
    while isinstance(node, Mapping) and "$ref" in node:
        node = resolve(root, node["$ref"])
    if not isinstance(node, Mapping):
        return value
    for key in ("anyOf", "oneOf", "allOf"):
        for branch in node.get(key, ()):
            value = without_absent(value, branch, root)
    if isinstance(value, list):
        return [without_absent(item, node.get("items"), root) for item in value]
    properties = node.get("properties", {})
    if not isinstance(value, dict) or not value.keys() <= properties.keys():
        return value
    required = node.get("required", ())
    return {
        name: without_absent(inner, properties[name], root)
        for name, inner in value.items()
        if inner is not None or name in required or _may_be_null(properties[name], root)
    }


def _may_be_null(node: Any, root: Mapping[str, Any]) -> bool:
    while isinstance(node, Mapping) and "$ref" in node:
        node = resolve(root, node["$ref"])
    if not isinstance(node, Mapping):
        return False
    kinds = node.get("type")
    return (
        kinds == "null"
        or (isinstance(kinds, list) and "null" in kinds)
        or None in node.get("enum", ())
        or any(_may_be_null(branch, root) for branch in node.get("anyOf", ()))
    )
