"""The ground of every reply: typed objects, validated by pydantic's core, that keep all fields.

`Model` is what a pydantic model is to its user (typed attributes, `model_validate_json`,
`model_dump`, unknown fields kept), built on `pydantic_core` alone. The reason is the time to the
first answer: importing pydantic and making a first class of it takes a third of what the whole
official client takes to its first answer, and parsing needs none of that. pydantic itself can use
these classes as fields of its own models.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic_core import SchemaValidator

from groqnb.types.rate_limit import RateLimit

if TYPE_CHECKING:
    from typing_extensions import Self, dataclass_transform
else:

    def dataclass_transform(**_: object) -> object:
        """What type checkers read of the decorator is nothing at run time."""
        return lambda cls: cls


__all__ = ["Model", "Reply", "StreamChunk", "request_id"]


@dataclass_transform(kw_only_default=True)
class Model:
    """A part of a reply: its fields are its class's annotations.

    Fields unknown to groqnb are attributes too, and are dumped with the others.

    ```python
    class Point(Model):
        x: int
        y: int = 0


    Point.model_validate_json(b'{"x": 1, "z": 2}').z  # 2
    ```
    """

    # The names under which pydantic's core stores what it parsed.
    __slots__ = (
        "__dict__",
        "__pydantic_extra__",
        "__pydantic_fields_set__",
        "__pydantic_private__",
    )

    __pydantic_extra__: dict[str, Any]
    __pydantic_fields_set__: set[str]

    # Built at the first use: most programs use few of the classes.
    _validator: ClassVar[SchemaValidator | None] = None

    def __init_subclass__(cls) -> None:
        cls._validator = None

    def __init__(self, **fields: Any) -> None:
        self.validator().validate_python(fields, self_instance=self)

    @classmethod
    def validator(cls) -> SchemaValidator:
        """The parser of this class."""
        found = cls._validator
        if found is None:
            found = cls._validator = SchemaValidator(cls.core_schema())
        return found

    @classmethod
    def model_validate_json(cls, data: str | bytes) -> Self:
        """Parses JSON. Raises pydantic's ValidationError, a ValueError."""
        parsed: Self = cls.validator().validate_json(data)
        return parsed

    @classmethod
    def model_validate(cls, fields: Any) -> Self:
        """The object for a dict. Raises pydantic's ValidationError, a ValueError."""
        parsed: Self = cls.validator().validate_python(fields)
        return parsed

    @classmethod
    def core_schema(cls) -> Any:
        """What pydantic's core has to know to parse this class."""
        return _model_schema(cls)

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: object) -> Any:
        return cls.core_schema()

    def model_dump(
        self, *, exclude_none: bool = False, exclude_unset: bool = False
    ) -> dict[str, Any]:
        """The fields as a dict, all the way down; unknown fields too.

        `exclude_unset` leaves out what the reply did not say.
        """
        known = self.__dict__
        if exclude_unset:
            known = {name: known[name] for name in known if name in self.__pydantic_fields_set__}
        return {
            name: _plain(value, exclude_none, exclude_unset)
            for name, value in (*known.items(), *self.__pydantic_extra__.items())
            if not (exclude_none and value is None)
        }

    def model_dump_json(self, *, indent: int | None = None, exclude_none: bool = False) -> str:
        """The fields as JSON."""
        import json

        return json.dumps(
            self.model_dump(exclude_none=exclude_none), indent=indent, ensure_ascii=False
        )

    @property
    def model_extra(self) -> dict[str, Any]:
        """The fields that this class does not name."""
        return self.__pydantic_extra__

    def __getattr__(self, name: str) -> Any:
        # Called only where no field has this name.
        if not name.startswith("__"):
            try:
                return self.__pydantic_extra__[name]
            except KeyError:
                pass
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.__pydantic_extra__]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Model)
            and type(other) is type(self)
            and self.__dict__ == other.__dict__
            and self.__pydantic_extra__ == other.__pydantic_extra__
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = {**self.__dict__, **self.__pydantic_extra__}
        shown = ", ".join(f"{name}={value!r}" for name, value in fields.items())
        return f"{type(self).__name__}({shown})"


def _plain(value: Any, exclude_none: bool, exclude_unset: bool) -> Any:
    if isinstance(value, Model):
        return value.model_dump(exclude_none=exclude_none, exclude_unset=exclude_unset)
    if isinstance(value, list):
        return [_plain(one, exclude_none, exclude_unset) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one, exclude_none, exclude_unset) for name, one in value.items()}
    return value


def _model_schema(cls: type[Model]) -> Any:
    """What pydantic's core has to know to parse a class."""
    fields = {}
    for name, hint in get_type_hints(cls).items():
        if name.startswith("_"):
            continue
        schema = _schema(hint)
        if hasattr(cls, name):
            schema = {"type": "default", "schema": schema, "default": getattr(cls, name)}
        fields[name] = {"type": "model-field", "schema": schema}
    inner = {"type": "model-fields", "fields": fields, "extra_behavior": "allow"}
    return {
        "type": "model",
        "cls": cls,
        "schema": inner,
        "config": {"extra_fields_behavior": "allow"},
    }


_PLAIN = {
    str: "str",
    bytes: "bytes",
    int: "int",
    float: "float",
    bool: "bool",
    Any: "any",
    dict: "dict",
}


def _schema(hint: Any) -> dict[str, Any]:
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    if isinstance(hint, type) and issubclass(hint, Model):
        schema: dict[str, Any] = hint.core_schema()
        return schema
    origin, inside = get_origin(hint), get_args(hint)
    if origin is list:
        return {"type": "list", "items_schema": _schema(inside[0])}
    if origin is dict:
        return {"type": "dict", "values_schema": _schema(inside[1])}
    if origin is Literal:
        return {"type": "literal", "expected": list(inside)}
    if origin in (Union, types.UnionType):
        choices = [_schema(one) for one in inside if one is not type(None)]
        schema = choices[0] if len(choices) == 1 else {"type": "union", "choices": choices}
        return {"type": "nullable", "schema": schema} if type(None) in inside else schema
    raise TypeError(f"a field cannot have the type {hint!r}")


def request_id(x_groq: Any, headers: Mapping[str, str] | None) -> str | None:
    """The id of a request, from the body's `x_groq` where it is, else from the headers."""
    own = getattr(x_groq, "id", None)
    if own is None and headers is not None:
        own = headers.get("x-request-id")
    return own


class Reply(Model):
    """A whole reply: its fields, and what its HTTP headers said."""

    # A slot, so that it is no field: it is neither parsed nor dumped.
    __slots__ = ("_headers",)

    @classmethod
    def from_body(cls, body: bytes, headers: Mapping[str, str]) -> Self:
        """The reply for a body as it came. Raises pydantic's ValidationError, a ValueError."""
        reply: Self = cls.validator().validate_json(body)
        object.__setattr__(reply, "_headers", headers)
        return reply

    @property
    def headers(self) -> Mapping[str, str]:
        """The reply's HTTP headers; their names are matched in any case."""
        return getattr(self, "_headers", None) or {}

    @property
    def request_id(self) -> str | None:
        """The id under which Groq's logs know the request."""
        return request_id(getattr(self, "x_groq", None), self.headers)

    @property
    def rate_limit(self) -> RateLimit | None:
        """What is left of the rate limits, or None where the reply did not say."""
        return RateLimit.from_headers(self.headers)


class StreamChunk(Model):
    """One event of a stream. What the stream needs to know of it, each family answers."""

    @property
    def carries_token(self) -> bool:
        """True when some of the answer is in it: text, reasoning or a part of a tool call."""
        raise NotImplementedError

    @property
    def ends_answer(self) -> bool:
        """True when the answer is complete with it."""
        raise NotImplementedError

    @property
    def closes_stream(self) -> bool:
        """True when it also ends the stream, which then has no [DONE]."""
        return False

    @property
    def total_usage(self) -> Any:
        """The usage of the whole answer, where this chunk tells it, else None."""
        raise NotImplementedError

    @property
    def stop_reason(self) -> str | None:
        """Why the server broke the stream off, where this chunk says so."""
        raise NotImplementedError
