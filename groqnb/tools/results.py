"""What a tool returned, as text for the model; tables, figures and images as a summary."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import aclosing
from itertools import islice
from typing import Any

__all__ = ["MOST_CHARACTERS", "awaited", "is_shown", "text_of"]

#: More than this of one result is cut: it would fill the context window.
MOST_CHARACTERS = 20_000
_MOST_ROWS = 20
_MOST_ITEMS = 10_000


def text_of(value: Any) -> str:
    """The text that a model gets for a result; at most 20,000 characters and a remark.

    >>> text_of({"temperature": 21})
    '{"temperature":21}'
    """
    # Half of a character, as in names of files that were read amiss, could not be sent.
    text = _text(value).encode("utf-8", "replace").decode()
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[:MOST_CHARACTERS]}\n(cut: {MOST_CHARACTERS:,} of {len(text):,} characters)"


async def awaited(value: Any) -> Any:
    """What a coroutine gives, or the items of an async generator, as many as are ever told.

    ```python
    await awaited(fetch("Paris"))
    ```
    """
    if not inspect.isasyncgen(value):
        return await value
    items: list[Any] = []
    async with aclosing(value):
        async for item in value:
            items.append(item)
            if len(items) == _MOST_ITEMS:
                break
    return items


def is_shown(value: Any) -> bool:
    """Whether people want to see it, beside what the model is told of it."""
    return _is_table(value) or _is_picture(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(bytes(value)):,} bytes"
    if _is_table(value):
        return _table(value)
    if _is_picture(value):
        return f"{_picture(value)}; it goes to the user."
    from pydantic_core import PydanticSerializationError, to_json

    if isinstance(value, Iterator):  # it may have no end
        value = list(islice(value, _MOST_ITEMS))
    try:
        return to_json(value, fallback=_inside, inf_nan_mode="strings").decode()
    except (PydanticSerializationError, ValueError, RecursionError):
        return repr(value)


def _inside(value: Any) -> Any:
    """What stands for a value inside of others that JSON does not know."""
    if _is_table(value):
        return _table(value)
    if _is_picture(value):
        return _picture(value)
    if _from(value, "numpy") and getattr(value, "size", _MOST_ITEMS) < _MOST_ITEMS:
        return value.tolist()  # of a single number as well
    return str(value)


def _from(value: Any, package: str) -> set[str]:
    """The names of the classes of a value that belong to a package, which is not imported."""
    return {
        cls.__name__ for cls in type(value).__mro__ if cls.__module__.partition(".")[0] == package
    }


def _is_table(value: Any) -> bool:
    return bool(_from(value, "pandas") & {"DataFrame", "Series"})


def _is_picture(value: Any) -> bool:
    return bool(
        _from(value, "matplotlib") & {"Figure", "Axes"}
        or _from(value, "PIL") & {"Image"}
        or _from(value, "groqnb") & {"Chart"}
    )


def _table(value: Any) -> str:
    frame = value.to_frame() if hasattr(value, "to_frame") else value
    rows, columns = frame.shape
    kinds = ", ".join(f"{name} ({kind})" for name, kind in frame.dtypes.items())
    named = any(name is not None for name in frame.index.names)
    index = named or not _counts(frame.index)
    shown = frame.head(_MOST_ROWS).to_csv(index=index, lineterminator="\n")
    more = f", the first {_MOST_ROWS} as CSV" if rows > _MOST_ROWS else " as CSV"
    return f"A table of {rows:,} rows and {columns} columns{more}; columns: {kinds}\n{shown}"


def _counts(index: Any) -> bool:
    return type(index).__name__ == "RangeIndex"


def _picture(value: Any) -> str:
    if _from(value, "PIL"):
        return f"An image of {value.width} x {value.height} pixels"
    if _from(value, "groqnb"):
        return f"A chart{_quoted(value.title)}"
    axes = value.axes if hasattr(value, "savefig") else [value]
    said = [
        f"{axis.get_title()} ({axis.get_ylabel()} over {axis.get_xlabel()})"
        if axis.get_xlabel() or axis.get_ylabel()
        else axis.get_title()
        for axis in axes
    ]
    return f"A figure{_quoted('; '.join(text for text in said if text.strip()))}"


def _quoted(title: Any) -> str:
    return f" with the title {title!r}" if title else ""
