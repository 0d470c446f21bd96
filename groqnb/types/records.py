"""Lists of what came with an answer, which are DataFrames for the asking."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from groqnb.types.executed_tools import ExecutedTool, SearchResult

if TYPE_CHECKING:
    import pandas as pd

    from groqnb.types.chat import ToolCall

__all__ = [
    "Citation",
    "Citations",
    "ExecutedTools",
    "FoundPages",
    "Records",
    "ToolCalls",
    "arguments_of",
    "value_frame",
]

T = TypeVar("T")


class Records(list[T]):
    """A list whose items can be the rows of a table.

    ```python
    answer.search_results[0].url
    answer.search_results.to_frame().sort_values("score")
    ```
    """

    # Name and type of each column, so that a table without rows has the right ones too.
    _columns: ClassVar[tuple[tuple[str, str], ...]] = ()

    def _row(self, item: T) -> list[Any]:
        return [getattr(item, name) for name, _ in self._columns]

    def to_frame(self) -> pd.DataFrame:
        """One row for each item. Needs pandas."""
        import pandas as pd

        rows = [self._row(item) for item in self]
        columns = {
            name: pd.Series([row[i] for row in rows], dtype=kind)
            for i, (name, kind) in enumerate(self._columns)
        }
        frame: pd.DataFrame = pd.DataFrame(columns)
        return frame


class FoundPages(Records[SearchResult]):
    """Pages that searches found: `title`, `url`, `score` (0 to 1), `content`."""

    _columns = (("title", "object"), ("url", "object"), ("score", "Float64"), ("content", "object"))


class ToolCalls(Records["ToolCall"]):
    """Calls of your own tools: `id`, `name`, `arguments` (a dict, or text that is no JSON)."""

    _columns = (("id", "object"), ("name", "object"), ("arguments", "object"))

    def _row(self, item: ToolCall) -> list[Any]:
        return [item.id, item.function.name, arguments_of(item.function.arguments)]


class ExecutedTools(Records[ExecutedTool]):
    """Tools that ran on the server's side.

    Their table has `type`, `arguments` (a dict, or text that is no JSON), `output`, and how many
    `pages` and `charts` came of it.
    """

    _columns = (
        ("type", "object"),
        ("arguments", "object"),
        ("output", "object"),
        ("pages", "Int64"),
        ("charts", "Int64"),
    )

    def _row(self, item: ExecutedTool) -> list[Any]:
        pages = len((item.search_results and item.search_results.results) or ())
        return [item.type, arguments_of(item.arguments), item.output, pages, len(item.charts)]


@dataclass(frozen=True)
class Citation:
    """A passage of the answer, and what it rests on.

    Attributes:
        kind: "document", "function" or "url"; or what the annotation calls itself.
        source: the document's id, the id of the tool's call, or the page's address.
        title: of the page, where it has one.
        start, end: where in the text the passage is, in characters; None where nobody said.
        quote: the passage.
    """

    kind: str
    source: str
    title: str | None = None
    start: int | None = None
    end: int | None = None
    quote: str = ""

    @classmethod
    def from_annotation(cls, annotation: object, text: str) -> Citation | None:
        """The citation in one annotation of a message with this text; None when there is none.

        Chat completions nest what it cites (`{"type": "document_citation", "document_citation":
        {...}}`), responses do not.
        """
        fields = annotation.model_dump() if hasattr(annotation, "model_dump") else annotation
        if not isinstance(fields, Mapping) or not isinstance(fields.get("type"), str):
            return None
        kind = fields["type"]
        inner = fields.get(kind)
        inner = inner if isinstance(inner, Mapping) else fields
        names = ("url", "document_id", "tool_call_id", "file_id", "filename")
        found = [inner[name] for name in names if isinstance(inner.get(name), str)]
        if not found:
            return None
        start, end = _position(inner.get("start_index")), _position(inner.get("end_index"))
        title = inner.get("title")
        return cls(
            kind=kind.removesuffix("_citation"),
            source=found[0],
            title=title if isinstance(title, str) else None,
            start=start,
            end=end,
            quote=text[start:end] if start is not None and end is not None else "",
        )


class Citations(Records[Citation]):
    """What an answer rests on: `kind`, `source`, `title`, `start`, `end`, `quote`."""

    _columns = (
        ("kind", "object"),
        ("source", "object"),
        ("title", "object"),
        ("start", "Int64"),
        ("end", "Int64"),
        ("quote", "object"),
    )


def arguments_of(source: str | None) -> Any:
    """The arguments of a tool: what their JSON says when it is an object, else the text itself.

    ```python
    >>> arguments_of('{"city": "Paris"}')
    {'city': 'Paris'}

    ```
    """
    if not source:
        return source
    try:
        found = json.loads(source)
    except (ValueError, RecursionError):
        return source
    return found if isinstance(found, dict) else source


def value_frame(value: Any) -> pd.DataFrame:
    """A typed value as a table: a row for each item of a list, else one row. Needs pandas.

    ```python
    value_frame([Point(1, 2), Point(3, 4)]).columns  # x, y
    ```
    """
    import pandas as pd
    from pydantic import TypeAdapter

    items = value if isinstance(value, list) else [value]
    plain = [TypeAdapter(type(item)).dump_python(item) for item in items]
    rows = [each if isinstance(each, dict) else {"value": each} for each in plain]
    frame: pd.DataFrame = pd.DataFrame(rows).convert_dtypes()
    return frame


def _position(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
