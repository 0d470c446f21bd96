"""Tools that ran on the server's side: what they were given, and what they found or made.

Docs: API Reference, Create chat completion, `executed_tools`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groqnb.types.base import Model

if TYPE_CHECKING:
    import pandas as pd

    from groqnb.types.charts import Chart

__all__ = ["BrowserResult", "CodeResult", "ExecutedTool", "SearchResult", "SearchResults"]


class SearchResult(Model):
    """One page that a built-in search found."""

    title: str | None = None
    url: str | None = None
    content: str | None = None
    score: float | None = None


class SearchResults(Model):
    """What a built-in search found: pages, and URLs of images."""

    results: list[SearchResult] | None = None
    images: list[Any] | None = None

    def to_frame(self) -> pd.DataFrame:
        """The pages: `title`, `url`, `score` (0 to 1), `content`. Needs pandas."""
        from groqnb.types.records import FoundPages

        return FoundPages(self.results or ()).to_frame()


class BrowserResult(Model):
    """A window of a browser that a built-in tool opened."""

    title: str | None = None
    url: str | None = None
    content: str | None = None
    live_view_url: str | None = None


class CodeResult(Model):
    """One result of code that a built-in tool ran: text, a PNG in base64, or charts' data.

    They are kept as they came, whatever they are: code that a model wrote has made them.
    `ExecutedTool.charts` reads them.
    """

    text: str | None = None
    png: Any = None
    chart: Any = None
    charts: Any = None


class ExecutedTool(Model):
    """A tool that ran on the server's side. `arguments` is JSON text."""

    type: str
    arguments: str | None = None
    index: int | None = None
    output: str | None = None
    code_results: list[CodeResult] | None = None
    search_results: SearchResults | None = None
    browser_results: list[BrowserResult] | None = None

    @property
    def charts(self) -> list[Chart]:
        """The charts that it drew, in order."""
        from groqnb.types.charts import charts_of

        return charts_of([self])
