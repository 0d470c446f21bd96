"""The built-in tool that reads a page: of the local corpus, for there is no web here.

Docs: "Visit Website".
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from groqnb.local.parts.built_in import BuiltIn, Outcome, Settings
from groqnb.local.parts.corpus import Corpus
from groqnb.local.parts.corpus_pages import SCHEME
from groqnb.local.parts.web_search import WHERE

__all__ = ["VisitWebsite", "first_url"]

_URL = re.compile(r"(?:https?|local)://[^\s<>\"'`\])]+", re.IGNORECASE)


def first_url(text: str) -> str | None:
    """The first address in `text`, without the punctuation behind it.

    >>> first_url("Read https://groq.com/blog, then https://example.org.")
    'https://groq.com/blog'
    """
    found = _URL.search(text)
    return found[0].rstrip(".,;:!?") if found else None


class VisitWebsite(BuiltIn):
    """One page of the corpus. Of any other address it says that it cannot be reached."""

    name = "visit_website"
    type = "visit"
    description = "open the page at a web address (URL) and read what it says"
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {"url": {"type": "string"}},
        "required": ["url"],
        "additionalProperties": False,
    }

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    def arguments_from(self, question: str) -> dict[str, Any]:
        """The first address in the question."""
        return {"url": first_url(question) or ""}

    def is_asked_for(self, question: str) -> bool:
        """Whether there is an address in it."""
        return first_url(question) is not None

    async def run(self, arguments: Mapping[str, Any], settings: Settings) -> Outcome:
        """Read the page."""
        url = str(arguments.get("url", ""))
        return await asyncio.get_running_loop().run_in_executor(None, self._visit, url)

    def _visit(self, url: str) -> Outcome:
        page = self._corpus.page(url)
        if page is not None:
            told = f"Title: {page.title}\nURL: {page.url}\nFrom {WHERE}. Not the live page."
            return Outcome(f"{told}\n\n{page.text}")
        if not url:
            return Outcome("There is no address to visit in the question.", failed=True)
        if url.lower().startswith(SCHEME):
            return Outcome(f"There is no page {url} in {WHERE}.", failed=True)
        told = f"{url} was not visited: the local engine does not reach the web."
        try:
            host = urlsplit(url).hostname or ""
        except ValueError:
            host = ""
        copies = self._corpus.at_host(host)
        if copies:
            told += f" What is installed here of that site's documentation: {', '.join(copies)}."
        return Outcome(told, failed=True)
