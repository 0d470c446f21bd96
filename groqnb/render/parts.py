"""Parts of an answer by themselves, as the value of a cell: tools, pages, citations, usage."""

from __future__ import annotations

from groqnb.render.html import Markup, join, page
from groqnb.render.message import Bundle
from groqnb.render.notes import breakdown_html, breakdown_plain, verdict_html, verdict_plain
from groqnb.render.sources import (
    citations_html,
    citations_plain,
    images_html,
    images_plain,
    pages_html,
    pages_plain,
)
from groqnb.render.tools import call_html, call_plain, tool_html, tool_plain
from groqnb.types.chat import ToolCall, UsageBreakdown
from groqnb.types.executed_tools import ExecutedTool, SearchResults
from groqnb.types.records import Citations, ExecutedTools, FoundPages, ToolCalls
from groqnb.types.verdict import Verdict

__all__ = ["part_bundle"]

Part = (
    ToolCall
    | UsageBreakdown
    | ExecutedTool
    | SearchResults
    | Citations
    | ExecutedTools
    | FoundPages
    | ToolCalls
    | Verdict
)


def part_bundle(part: Part) -> Bundle:
    """The bundle of a part; an empty one looks as an empty list does."""
    html, plain = _part(part)
    if not plain:
        return {"text/plain": "[]"}
    return {"text/html": page(html), "text/plain": plain}


def _part(part: Part) -> tuple[Markup | None, str]:
    if isinstance(part, (ExecutedTools, ExecutedTool)):
        tools = part if isinstance(part, ExecutedTools) else [part]
        found = FoundPages(
            result for tool in tools for result in (_results(tool) or SearchResults()).results or ()
        )
        html = join([*map(tool_html, tools), pages_html(found)])
        return html, "\n\n".join(filter(None, [*map(tool_plain, tools), pages_plain(found)]))
    if isinstance(part, (ToolCalls, ToolCall)):
        calls = part if isinstance(part, ToolCalls) else [part]
        return join(map(call_html, calls)), "\n".join(map(call_plain, calls))
    if isinstance(part, SearchResults):
        pages, images = part.results or [], part.images or []
        plain = filter(None, [pages_plain(pages), images_plain(images)])
        return join([pages_html(pages), images_html(images)]), "\n\n".join(plain)
    if isinstance(part, FoundPages):
        return pages_html(part), pages_plain(part)
    if isinstance(part, Citations):
        return citations_html(part), citations_plain(part)
    if isinstance(part, Verdict):
        return verdict_html(part), verdict_plain(part)
    return breakdown_html(part), breakdown_plain(part)


def _results(tool: ExecutedTool) -> SearchResults | None:
    return tool.search_results
