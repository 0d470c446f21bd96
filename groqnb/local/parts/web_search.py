"""The built-in tools that search: here in the local corpus, and they say so.

Docs: "Web Search", "Browser Search". The query is the user's question. Queries that the small
models write leave words out that the ranking needs, or add some that nobody asked for.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from groqnb.local.parts.built_in import BuiltIn, Outcome, Settings
from groqnb.local.parts.corpus import Corpus, Found, Result
from groqnb.local.parts.corpus_pages import Page

__all__ = ["WHERE", "BrowserSearch", "WebSearch", "query_of"]

#: What is searched in the place of the web.
WHERE = "the local corpus: the documentation of the installed packages, and the notebook's folder"

_LONGEST_QUERY = 300
_LISTED, _LISTED_BY_BROWSER = 5, 4
_OPENED = 2_400
_ASKED = re.compile(
    r"\b(search|google|look\s+(it\s+)?up|browse|find\s+(out\s+)?(on|in)\s+the\s+(web|internet|docs)"
    r"|on\s+the\s+(web|internet)|online|latest|news|last\s+week|this\s+week|weather)\b",
    re.IGNORECASE,
)
_QUERY: Mapping[str, Any] = {
    "type": "object",
    "properties": {"query": {"type": "string"}},
    "required": ["query"],
    "additionalProperties": False,
}


def query_of(question: str) -> str:
    """What to search for: the question; of a long message the sentences that ask.

    >>> query_of("  How do I sort\\n a list? ")
    'How do I sort a list?'
    """
    plain = " ".join(question.split())
    if len(plain) <= _LONGEST_QUERY:
        return plain
    asking = " ".join(re.findall(r"[^.?!]*\?", plain)).strip()
    return (asking or plain)[:_LONGEST_QUERY].strip()


class WebSearch(BuiltIn):
    """One search, short pieces of the pages found."""

    name = "web_search"
    type = "search"
    description = (
        "search the web for facts, news and up-to-date information; look up the documentation of "
        "a library, and how to do something with it"
    )
    parameters: ClassVar[Mapping[str, Any]] = _QUERY

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    def arguments_from(self, question: str) -> dict[str, Any]:
        """The question as the query."""
        return {"query": query_of(question)}

    def is_asked_for(self, question: str) -> bool:
        """Whether it speaks of searching, or of what only the web could know."""
        return _ASKED.search(question) is not None

    async def run(self, arguments: Mapping[str, Any], settings: Settings) -> Outcome:
        """Search."""
        found = await _search(self._corpus, arguments, settings, _LISTED)
        if not found.results:
            return Outcome(_nothing(found), search_results=_as_wire(found, settings), failed=True)
        told = [_told(result) for result in found.results]
        output = "\n\n".join([f"Found in {WHERE}. Not the web.", *told, *_unready(found)])
        return Outcome(output, search_results=_as_wire(found, settings))


class BrowserSearch(WebSearch):
    """A search, after which the best page is opened and read."""

    name = "browser_search"
    type = "browser_search"

    async def run(self, arguments: Mapping[str, Any], settings: Settings) -> Outcome:
        """Search, and read the best page."""
        found = await _search(self._corpus, arguments, settings, _LISTED_BY_BROWSER)
        if not found.results:
            return Outcome(_nothing(found), search_results=_as_wire(found, settings), failed=True)
        listed = [
            f"[{number}] {result.page.title}\n    {result.page.url}"
            for number, result in enumerate(found.results)
        ]
        parts = [
            f"Search results from {WHERE}. Not the web.",
            "\n".join(listed),
            f"Opened [0], {found.results[0].page.url}",
            _around(found.results[0].page, found.results[0].content),
            *_unready(found),
        ]
        return Outcome("\n\n".join(parts), search_results=_as_wire(found, settings))


async def _search(
    corpus: Corpus, arguments: Mapping[str, Any], settings: Settings, most: int
) -> Found:
    def work() -> Found:
        return corpus.search(
            str(arguments.get("query", "")),
            most=most,
            include=settings.include_domains,
            exclude=settings.exclude_domains,
            country=settings.country,
        )

    return await asyncio.get_running_loop().run_in_executor(None, work)


def _as_wire(found: Found, settings: Settings) -> dict[str, Any]:
    """`executed_tools[].search_results`."""
    images: list[str] = []
    if settings.include_images:
        pages = [result.page for result in found.results]
        images = list(dict.fromkeys(image for page in pages for image in page.images))
    results = [
        {
            "title": result.page.title,
            "url": result.page.url,
            "content": result.content,
            "score": result.score,
        }
        for result in found.results
    ]
    return {"results": results, "images": images}


def _told(result: Result) -> str:
    return (
        f"Title: {result.page.title}\nURL: {result.page.url}\n"
        f"Content: {result.content}\nScore: {result.score:.2f}"
    )


def _nothing(found: Found) -> str:
    told = f"Nothing found. The local engine does not reach the web; it searched {WHERE}."
    return " ".join([told, *_unready(found)])


def _unready(found: Found) -> list[str]:
    if found.ready == found.packages:
        return []
    return [
        f"(The documentation of {found.ready} of {found.packages} packages has been read so far; "
        "the rest follows within a minute.)"
    ]


def _around(page: Page, content: str) -> str:
    """The page's beginning, and more of it around the part that fits the question."""
    if len(page.text) <= _OPENED:
        return page.text
    last = content.rsplit("…\n", 1)[-1][:200]
    at = max(0, page.text.find(last))
    if at < _OPENED // 2:
        return f"{page.text[:_OPENED]}\n[…]"
    half = _OPENED // 2
    return f"{page.text[:half]}\n[…]\n{page.text[at : at + half]}\n[…]"
