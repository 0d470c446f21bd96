"""A DataFrame or Series as compact text: its shape, its columns, and a few of its rows."""

from __future__ import annotations

import csv
import io
import numbers
import reprlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from groqnb.context import Hiding, Piece, known_secrets
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["is_table", "table_piece"]

_ALL = 12  # rows that are all sent; of more, the first and the last
_FIRST, _LAST = 6, 3
_MOST_COLUMNS = 60
_WIDTHS = (80, 40, 20, 10)  # characters of a value, fewer until the rows fit
_MOST_ROWS_TEXT = 8_000
_MOST_LOOKED_AT = 400  # characters of a value
_MOST_COUNTED = 20_000_000  # values among which the missing ones are counted

_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = _MOST_LOOKED_AT


def is_table(value: Any) -> bool:
    """True for a DataFrame or Series of pandas; pandas is not imported for it."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, (pandas.DataFrame, pandas.Series))


def table_piece(name: str, value: Any) -> Piece:
    """The piece of a DataFrame or Series. Raises ParameterError for anything else.

    ```python
    table_piece("sales", frame).told  # 'table sales (9 of 1,000 rows, 3 columns)'
    ```
    """
    if not is_table(value):
        kind = f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"
        can = next(
            (
                call
                for call in ("to_pandas", "toPandas", "compute")
                if callable(getattr(type(value), call, None))
            ),
            None,
        )
        hint = f"Write {{{{{name}.{can}()}}}}." if can and name.isidentifier() else ""
        kind = kind.removeprefix("builtins.")
        raise ParameterError(f"{name} is a {kind}, no DataFrame or Series of pandas", hint=hint)
    series = value.ndim == 1
    frame: pd.DataFrame = (
        value.to_frame("value" if value.name is None else value.name) if (series) else value
    )
    rows, columns = frame.shape
    shown = min(columns, _MOST_COLUMNS)
    places = list(range(rows)) if rows <= _ALL else [*range(_FIRST), *range(rows - _LAST, rows)]
    kind = "Series" if series else "DataFrame"
    lines = [f"{kind}, {_count(rows, 'row')}, {_count(columns, 'column')}{_index(frame)}"]
    hiding = Hiding(known_secrets())
    lines += ["Columns, with their dtypes:", *_columns(frame.iloc[:, :shown], hiding)]
    if shown < columns:
        lines.append(f"… {columns - shown:,} more columns are left out")
    if places and shown:
        gap = rows - len(places)
        what = "All rows" if not gap else f"The first {_FIRST} and the last {_LAST} rows"
        lines += [f"{what}, as CSV:", _rows(frame.iloc[places, :shown], hiding)]
        if gap:
            lines.append(f"… {gap:,} rows between them are left out")
    some = f"{len(places):,} of {rows:,} rows" if len(places) < rows else _count(rows, "row")
    wide = f"{shown} of {columns:,} columns" if shown < columns else _count(columns, "column")
    told = f"table {name or 'of yours'} ({some}, {wide})"
    return Piece("data", name, "\n".join(lines), told, hiding.count)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _index(frame: pd.DataFrame) -> str:
    names = [_text(name, 40) for name in frame.index.names if name is not None]
    return f", index {', '.join(names)}" if names else ""


def _columns(frame: pd.DataFrame, hiding: Hiding) -> list[str]:
    count = frame.size <= _MOST_COUNTED
    lines = []
    for place, name in enumerate(frame.columns):
        column = frame.iloc[:, place]
        missing = int(column.isna().sum()) if count else 0
        lines.append(
            f"{_name(name, hiding)}: {_text(str(column.dtype), 60)}"
            + (f", {missing:,} missing" if missing else "")
        )
    return lines


def _name(name: Any, hiding: Hiding) -> str:
    """A column's name; the levels of one of several levels are joined."""
    parts = name if isinstance(name, tuple) else (name,)
    return "/".join(_text(part, 60, hiding) for part in parts)


def _rows(frame: pd.DataFrame, hiding: Hiding) -> str:
    text = ""
    before = hiding.count
    for width in _WIDTHS:
        hiding.count = before
        text = _csv(frame, width, hiding)
        if len(text) <= _MOST_ROWS_TEXT:
            break
    return text


def _csv(frame: pd.DataFrame, width: int, hiding: Hiding) -> str:
    names = [name if name is not None else "" for name in frame.index.names]
    head = [
        "/".join(_text(name, 40) for name in names),
        *(_name(name, hiding) for name in frame.columns),
    ]
    columns: list[Sequence[Any]] = [[_name(label, hiding) for label in frame.index]]
    columns += [frame.iloc[:, at].tolist() for at in range(frame.shape[1])]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    for row in zip(*columns, strict=True):
        writer.writerow([_text(value, width, hiding) for value in row])
    return out.getvalue().rstrip("\n")


def _text(value: Any, width: int, hiding: Hiding | None = None) -> str:
    """A value in one line of at most `width` characters; empty for a missing one."""
    if isinstance(value, str):
        text = value[:_MOST_LOOKED_AT]
    elif isinstance(value, (bytes, bytearray, memoryview)):
        text = f"{len(value):,} bytes"
    elif _is_missing(value):
        return ""
    else:
        try:
            text = str(value) if isinstance(value, numbers.Number) else _brief(value)
        except Exception:  # noqa: BLE001 - whatever an object in a table does
            text = f"a {type(value).__name__}"
    if hiding is not None and not isinstance(value, numbers.Number):
        text = hiding.text(text)
    line = " ".join(text.split())
    return line if len(line) <= width else f"{line[: width - 1]}…"


def _brief(value: Any) -> str:
    return _BRIEF.repr(value) if isinstance(value, (list, tuple, dict, set)) else str(value)


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_scalar(value) and pd.isna(value))
