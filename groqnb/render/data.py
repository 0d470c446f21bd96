"""Data as a reader wants it: rows as a table, fields as a list of names, what is deep folded.

What is shown is bounded, however much there is: a notebook keeps it, and the data is in a variable.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groqnb.render.html import Child, Markup, el, join, table
from groqnb.render.markdown import IGNORE_MATH, code_block

__all__ = ["cut", "data_html", "fold", "json_text", "parsed_so_far"]

_MOST_ROWS = 50
_MOST_COLUMNS = 20
_MOST_VALUES = 1_000  # in one picture of data
_LONGEST = 500  # characters of a value
_LONGEST_JSON = 20_000
_INLINE = 80  # characters of a list that needs no fold
_DEEPEST = 8
_OPEN = 12  # values that are not folded away


def cut(text: str, longest: int) -> str:
    """`text`, or its beginning and how much is left.

    ```python
    >>> cut("abcdef", 4)
    'abcd… 2 more characters'

    ```
    """
    left = len(text) - longest
    return text if left <= 0 else f"{text[:longest]}… {left:,} more characters"


def fold(title: Child, *body: Child, open: bool = False) -> Markup:
    """A part that is folded away under its title; the keyboard reaches it."""
    return el("details", el("summary", title), el("div", *body), open=open)


def parsed_so_far(source: str) -> Any:
    """What JSON text says as far as it has come; None where it is no JSON.

    ```python
    >>> parsed_so_far('{"a": [1, 2')
    {'a': [1, 2]}

    ```
    """
    from pydantic_core import from_json

    try:
        # Halves of characters, which text may hold, are no JSON.
        return from_json(source.encode(errors="replace"), allow_partial="trailing-strings")
    except (ValueError, RecursionError):
        return None


def json_text(value: Any) -> str:
    """Data as JSON in several lines, cut where it is very long."""
    return cut(json.dumps(value, indent=2, ensure_ascii=False, default=str), _LONGEST_JSON)


def data_html(value: Any) -> Markup:
    """A table for a list of objects, names and values for an object; what is inside, folded."""
    return el("div", _any(value, _Budget(_MOST_VALUES), 0), class_=f"gn-values {IGNORE_MATH}")


@dataclass
class _Budget:
    """How many values may still be shown."""

    left: int

    def take(self, values: Sequence[Any], most: int) -> int:
        """How many of the values may be shown, at most `most`; they are paid for."""
        count = max(min(len(values), most, self.left), 0)
        self.left -= count
        return count


def _any(value: Any, budget: _Budget, depth: int) -> Child:
    if depth >= _DEEPEST and isinstance(value, (dict, list)):
        return code_block(json_text(value))
    if isinstance(value, dict):
        return _fields(value, budget, depth)
    if isinstance(value, list):
        if value and all(isinstance(one, dict) for one in value):
            return _rows(value, budget)
        return _items(value, budget, depth)
    return _scalar(value)


def _scalar(value: Any) -> Child:
    if value is None:
        return el("span", "null", class_="gn-live")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    return cut(str(value), _LONGEST)


def _fields(value: Mapping[str, Any], budget: _Budget, depth: int) -> Markup:
    if not value:
        return el("span", "empty", class_="gn-live")
    shown = budget.take(list(value), _MOST_VALUES)
    names = list(value)[:shown]
    rows = [
        el(
            "tr",
            el("th", cut(name, 100), scope="row"),
            el("td", _inside(value[name], budget, depth)),
        )
        for name in names
    ]
    body = el("table", el("tbody", *rows))
    return join([body, _more(len(value) - shown, "fields")])


def _inside(value: Any, budget: _Budget, depth: int) -> Child:
    """A value within another: what is short in the line, the rest under a fold."""
    line = _line(value)
    if line is not None:
        return line
    if isinstance(value, dict):
        title = f"{len(value):,} field{'s' * (len(value) != 1)}"
    else:
        rows = all(isinstance(one, dict) for one in value)
        title = f"{len(value):,} {'row' if rows else 'item'}{'s' * (len(value) != 1)}"
    return fold(title, _any(value, budget, depth + 1), open=depth < 2 and _count(value) <= _OPEN)


def _line(value: Any) -> Child:
    """A value that fits into a line, else None."""
    if not isinstance(value, (dict, list)):
        return _scalar(value)
    if not value:
        return el("span", "empty", class_="gn-live")
    if isinstance(value, list) and not any(isinstance(one, (dict, list)) for one in value[:50]):
        line = ", ".join(_word(one) for one in value[:50])
        return line if len(value) <= 50 and len(line) <= _INLINE else None
    return None


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _count(value: Any) -> int:
    """How many values there are in it, counted no further than matters."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    total = 1
    for one in inner:
        total += _count(one) if total <= _OPEN else 1
    return total


def _items(value: Sequence[Any], budget: _Budget, depth: int) -> Markup:
    if not value:
        return el("span", "empty", class_="gn-live")
    shown = budget.take(value, _MOST_ROWS)
    items = [el("li", _inside(one, budget, depth)) for one in value[:shown]]
    return join([el("ul", *items), _more(len(value) - shown, "items")])


def _rows(value: Sequence[Mapping[str, Any]], budget: _Budget) -> Markup:
    names = list(dict.fromkeys(name for row in value[:_MOST_ROWS] for name in row))
    columns = names[:_MOST_COLUMNS]
    if not columns:
        return el("span", f"{len(value):,} empty rows", class_="gn-live")
    shown = max(min(len(value), _MOST_ROWS, budget.left // len(columns)), 1)
    budget.left -= shown * len(columns)
    cells: list[list[Child]] = [[_cell(row, name) for name in columns] for row in value[:shown]]
    align = ["right" if _numbers(value[:shown], name) else "left" for name in columns]
    body = table([cut(name, 100) for name in columns], cells, align=align)
    more = [_more(len(value) - shown, "rows"), _more(len(names) - len(columns), "columns")]
    wide = el("div", body, class_="gn-scroll", tabindex="0", role="group", aria_label="table")
    return join([wide, *more])


def _cell(row: Mapping[str, Any], name: str) -> Child:
    if name not in row:
        return ""
    line = _line(row[name])
    if line is not None:
        return line
    return cut(json.dumps(row[name], ensure_ascii=False, default=str), 200)


def _numbers(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    found = [row[name] for row in rows if row.get(name) is not None]
    return bool(found) and all(
        isinstance(one, (int, float)) and not isinstance(one, bool) for one in found
    )


def _more(count: int, what: str) -> Markup | None:
    return el("div", f"… {count:,} more {what}", class_="gn-live") if count > 0 else None
