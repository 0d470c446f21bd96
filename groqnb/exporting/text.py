"""Values as Python source that a person likes to read: prompts as texts over several lines."""

from __future__ import annotations

import ast
import json
from typing import Any

__all__ = ["Expr", "literal"]

_WIDTH = 88
_INDENT = "    "


class Expr(str):
    """A piece of Python source in the place of a value."""


def literal(value: Any, indent: int = 0) -> str:
    """Source that evaluates to a value of JSON's types; an `Expr` stands as it is.

    `indent` is how many levels the line that it begins in is indented.

    ```python
    >>> print(literal({"role": "user", "content": "Hello"}))
    {"role": "user", "content": "Hello"}

    ```
    """
    if isinstance(value, Expr):
        return str(value)
    if isinstance(value, str):
        return _text(value)
    if not isinstance(value, (dict, list)):
        return repr(value)
    short = _on_one_line(value)
    if short is not None and len(short) + indent * len(_INDENT) <= _WIDTH:
        return short
    inner, outer = _INDENT * (indent + 1), _INDENT * indent
    if isinstance(value, dict):
        items = [f"{_text(name)}: {literal(one, indent + 1)}" for name, one in value.items()]
        opening, closing = "{", "}"
    else:
        items = [literal(one, indent + 1) for one in value]
        opening, closing = "[", "]"
    lines = "".join(f"{inner}{item},\n" for item in items)
    return f"{opening}\n{lines}{outer}{closing}"


def _on_one_line(value: Any) -> str | None:
    """The value on one line; None where a text in it has several."""
    if isinstance(value, Expr):
        return str(value)
    if isinstance(value, dict):
        items = []
        for name, one in value.items():
            said = _on_one_line(one)
            if said is None:
                return None
            items.append(f"{_text(name)}: {said}")
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list):
        said_all = [_on_one_line(one) for one in value]
        return None if None in said_all else "[" + ", ".join(map(str, said_all)) + "]"
    if isinstance(value, str):
        return None if "\n" in value.strip("\n") else _text(value)
    return repr(value)


def _text(text: str) -> str:
    """A text's source: over several lines where it has several."""
    if "\n" in text.strip("\n"):
        body = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
        if body.endswith('"') and not body.endswith('\\"'):
            body = body[:-1] + '\\"'
        source = f'"""\\\n{body}"""'
        if _reads_as(source, text):
            return source
    # JSON's escapes are Python's, but for the half characters that no text should have.
    source = json.dumps(text, ensure_ascii=False)
    return source if _reads_as(source, text) else repr(text)


def _reads_as(source: str, text: str) -> bool:
    if not source.isprintable() and any(not c.isprintable() and c != "\n" for c in source):
        return False
    try:
        return bool(ast.literal_eval(source) == text)
    except (SyntaxError, ValueError):
        return False
