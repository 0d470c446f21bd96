"""What a row of the ledger holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

__all__ = ["COLUMNS", "MOST", "Column", "Row", "row", "storable"]

Kind = Literal["float", "count", "word", "text"]

Row = tuple[Any, ...]
"""The values of one row, in the order of `COLUMNS`; None is not known."""


class Column(NamedTuple):
    """One column.

    `kind`: "float"; "count", a whole number from 0; "word", a text of which there are few
    different ones; "text", any other. `since` is the ledger's version that has it. One that is
    `asked_for` is there only where somebody turned it on.
    """

    name: str
    kind: Kind
    meaning: str
    since: int = 1
    asked_for: bool = False


MOST = 2**31 - 1
"""The highest count that a column holds."""

COLUMNS: tuple[Column, ...] = (
    Column("time", "float", "when the call ended, in seconds since 1970"),
    Column("project", "word", "GROQNB_PROJECT, else the name of the folder"),
    Column("notebook", "word", "the notebook's file name, where the front end tells it"),
    Column("cell", "count", "the number of the cell's execution"),
    Column("endpoint", "word", "chat.completions, audio.transcriptions, …"),
    Column("model", "word", "the model asked for"),
    Column("model_answered", "word", "the model that answered"),
    Column("where", "word", "cloud, local, url, or replay for a recorded answer"),
    Column("status", "word", "ok, error or interrupted"),
    Column("http_status", "count", "the server's status, where one came"),
    Column("error", "word", "the class of the error"),
    Column("code", "word", "the server's code of the error, else its type"),
    Column("retries", "count", "how often it was sent again"),
    Column("prompt_tokens", "count", "tokens in"),
    Column("cached_tokens", "count", "those of them that came from the cache"),
    Column("completion_tokens", "count", "tokens out"),
    Column("reasoning_tokens", "count", "those of them that were thoughts"),
    Column("audio_seconds", "float", "seconds of sound, in or out"),
    Column("characters", "count", "characters to be spoken"),
    Column("images", "count", "pictures sent"),
    Column("tool_calls", "count", "calls of the user's tools that the model asked for"),
    Column("executed_tools", "count", "tools that ran on the server's side"),
    Column("queue_time", "float", "seconds, as the server says"),
    Column("prompt_time", "float", "seconds, as the server says"),
    Column("completion_time", "float", "seconds, as the server says"),
    Column("total_time", "float", "seconds, as the server says"),
    Column("ttft", "float", "seconds from sending to the first token, of a stream"),
    Column("wall", "float", "seconds from the first attempt to the end"),
    Column("tier", "word", "the service tier that served it"),
    Column("region", "word", "where the server stands, as it says"),
    Column("request_id", "text", "the server's name for the call"),
    Column("cost", "float", "US dollars; not known where there is no price"),
    Column("price", "word", "the source of the price, with its date"),
    Column("question", "text", "what was sent, with GROQNB_LEDGER=texts", 2, asked_for=True),
    Column("answer", "text", "the text that came, with GROQNB_LEDGER=texts", 2, asked_for=True),
)

_POSITIONS: Mapping[str, int] = {column.name: at for at, column in enumerate(COLUMNS)}


def row(values: Mapping[str, Any]) -> Row:
    """A row of these values; the columns that are not named are not known.

    ```python
    >>> row({"model": "llama-3.1-8b-instant"})[_POSITIONS["model"]]
    'llama-3.1-8b-instant'

    ```
    """
    return tuple(map(values.get, _POSITIONS))


def storable(values: Row) -> Row:
    """The row without what its columns cannot hold: a server may tell anything.

    ```python
    >>> odd = row({"model": {"a": 1}, "prompt_tokens": 10**30, "cached_tokens": 3})
    >>> [value for value in storable(odd) if value is not None]
    [3]

    ```
    """
    return tuple(
        _storable(value, column.kind) for column, value in zip(COLUMNS, values, strict=True)
    )


def _storable(value: Any, kind: Kind) -> Any:
    if kind == "count":
        return value if isinstance(value, int) and 0 <= value <= MOST else None
    if kind == "float":
        return value if isinstance(value, (int, float)) and abs(value) < 1e18 else None
    return value.encode(errors="replace").decode() if isinstance(value, str) else None
