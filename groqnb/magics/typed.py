"""`--as` in `%%groq`: the answer as JSON, or as a value of a type."""

from __future__ import annotations

import ast
import builtins
import re
import typing
from collections.abc import Mapping
from typing import Any

from groqnb.magics.forms import FORMS
from groqnb.magics.options import did_you_mean, near
from groqnb.magics.words import GrammarError
from groqnb.types.errors import ParameterError

__all__ = ["candidates", "kind_of"]

_FIELDS = re.compile(r"\s*\w+\s*:")
_EXAMPLE = (
    "--as Invoice, --as list[Invoice], --as 'name: str, age: int', or one of "
    "--as md, text, code, cell, json"
)
_OFTEN = ("Any", "Literal", "Optional", "Union")


def kind_of(text: str, names: Mapping[str, Any]) -> Any:
    """The type that `--as` names: a class of the notebook, an expression, or fields in line.

    Raises GrammarError for what is none.
    """
    from groqnb.types.answer_type import answer_type

    known = {**{name: getattr(typing, name) for name in _OFTEN}, **names}
    try:
        kind = _fields(text, known) if _FIELDS.match(text) else _value(text, known)
        answer_type(kind)
    except ParameterError as error:
        hint = f" {error.hint}" if error.hint else ""
        raise GrammarError(f"--as: {error.message}{hint}") from None
    return kind


def _fields(text: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """`name: str, age: int` is what stands between the brackets of a function."""
    try:
        (function,) = ast.parse(f"def fields(*, {text}): ...").body
    except (SyntaxError, ValueError):
        raise GrammarError(f"--as: {text!r} is not a list of names and types; {_EXAMPLE}") from None
    assert isinstance(function, ast.FunctionDef)
    given = function.args
    if given.args or given.kwarg or any(each is not None for each in given.kw_defaults):
        raise GrammarError(f"--as: write names and types only, as in {_EXAMPLE}")
    found = {}
    for each in given.kwonlyargs:
        if each.annotation is None:
            raise GrammarError(f"--as: {each.arg} has no type; write {each.arg}: str, for example")
        found[each.arg] = _value(ast.unparse(each.annotation), known)
    return found


def _value(text: str, known: Mapping[str, Any]) -> Any:
    try:
        # The user's own words in the user's own kernel, as in {{ }}.
        return eval(text, dict(known))
    except NameError as error:
        name = getattr(error, "name", None) or text
        classes = [
            key for key, value in {**vars(builtins), **known}.items() if isinstance(value, type)
        ]
        found = near(name, [*FORMS, "json", *classes])
        raise GrammarError(
            f"--as: there is no {name!r} here.{did_you_mean(found)} {_EXAMPLE}"
        ) from None
    except Exception as error:  # noqa: BLE001 - whatever the expression does
        raise GrammarError(f"--as: {text!r} gives {type(error).__name__}: {error}") from None


def candidates(names: Mapping[str, Any]) -> list[str]:
    """What may follow `--as`: the forms, json, and the classes of the notebook that have fields."""
    found = [
        name
        for name, value in names.items()
        if isinstance(value, type) and not name.startswith("_") and "__annotations__" in vars(value)
    ]
    return [*FORMS, "json", *sorted(found)]
