"""Values of a form as columns with the types that pandas has for them."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from datetime import date, datetime, timezone
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from groqnb.types.errors import ParameterError

__all__ = ["columns_of"]

_PLAIN = {str: "string", int: "Int64", float: "Float64", bool: "boolean"}

Maker = Callable[[list[Any]], Any]


def columns_of(form: Any) -> dict[str, Maker]:
    """For each field of a form what makes its column of the rows' values, None among them.

    `form` is a pydantic model, a dataclass, a TypedDict, or a dict of names and types. Raises
    ParameterError for what has no fields.
    """
    return {name: _maker(name, hint) for name, hint in _fields(form).items()}


def _fields(form: Any) -> dict[str, Any]:
    if isinstance(form, Mapping):
        return dict(form)
    known = getattr(form, "model_fields", None)
    if isinstance(known, Mapping):
        return {name: field.annotation for name, field in known.items()}
    if isinstance(form, type) and getattr(form, "__annotations__", None):
        return get_type_hints(form)
    raise ParameterError(
        f"{getattr(form, '__name__', form)!r} has no fields to make columns of.",
        hint='Give a pydantic model, a dataclass, or names and types: {"age": int}.',
    )


def _maker(name: str, hint: Any) -> Maker:
    dtype, categories = _dtype(hint)

    def make(values: list[Any]) -> Any:
        import pandas as pd

        cells: list[Any] = [
            None if value is None else _plain(_cell(value, name)) for value in values
        ]
        if categories is not None:
            return pd.Categorical(cells, categories=categories)
        if dtype == "datetime":
            return _moments(cells)
        try:
            return pd.Series(cells, dtype=dtype or object).array  # type: ignore[call-overload,unused-ignore]
        except OverflowError:  # a number of more digits than the column's type has
            return pd.Series(cells, dtype=object).array

    return make


def _moments(cells: list[Any]) -> Any:
    """Dates and times to the microsecond; those with a time zone in UTC.

    Where some have a zone and others none, no column can hold them but one of objects.
    """
    import numpy as np
    import pandas as pd

    zoned = {cell.tzinfo is not None for cell in cells if isinstance(cell, datetime)}
    if len(zoned) > 1:
        return pd.Series(cells, dtype=object).array
    if zoned == {True}:
        cells = [cell and cell.astimezone(timezone.utc).replace(tzinfo=None) for cell in cells]
    moments = pd.DatetimeIndex(np.array(cells, dtype="datetime64[us]"))
    return (moments.tz_localize("UTC") if zoned == {True} else moments).array


def _cell(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _dtype(hint: Any) -> tuple[str | None, list[Any] | None]:
    """The dtype of a column, or its categories."""
    origin, inside = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        rest = [one for one in inside if one is not type(None)]
        return _dtype(rest[0]) if len(rest) == 1 else (None, None)
    if origin is Literal:
        return None, [one for one in inside if one is not None]
    if hasattr(hint, "__metadata__"):  # Annotated
        return _dtype(hint.__origin__)
    if isinstance(hint, type):
        if issubclass(hint, Enum):
            return None, [one.value for one in hint]
        if hint in (date, datetime):
            return "datetime", None
        return _PLAIN.get(hint), None
    return None, None
