"""Calls that failed: what the page says of them beside the error itself."""

from __future__ import annotations

import json
from typing import Any

from groqnb.render.data import cut, fold
from groqnb.render.html import Child, Markup, el
from groqnb.render.markdown import IGNORE_MATH
from groqnb.render.plain import clean
from groqnb.types.errors import APIStatusError, GroqnbError

__all__ = ["MOST_LINE", "failure_details", "failure_facts", "short_message"]

MOST_LINE = 500
"""Characters of an error's message that a cell shows unasked."""

_LONGEST = 20_000


def short_message(error: GroqnbError) -> str:
    """The error's class and its message, cut where a server sent a page of text.

    ```python
    >>> short_message(GroqnbError("The answer is not JSON."))
    'GroqnbError: The answer is not JSON.'

    ```
    """
    return clean(f"{type(error).__name__}: {cut(error.message, MOST_LINE)}")


def failure_facts(error: GroqnbError, model: str = "") -> list[str]:
    """Who did not answer, and how the server's logs know it; the message is shown elsewhere."""
    facts = [f"{model} did not answer" if model else "no answer"]
    if isinstance(error, APIStatusError):
        facts.append(" ".join(each for each in (f"HTTP {error.status_code}", error.code) if each))
        if error.request_id:
            facts.append(f"request {error.request_id}")
        if error.retries:
            facts.append(f"tried {error.retries + 1} times")
    return [cut(" ".join(clean(fact).split()), 200) for fact in facts]


def failure_details(error: GroqnbError) -> Markup | None:
    """What is too long for the error's line, folded: the whole message, what the model wrote."""
    parts: list[Child] = []
    if len(error.message) > MOST_LINE:
        parts.append(fold("The whole message", _text(error.message)))
    generated = _failed_generation(error)
    if generated:
        parts.append(fold("What the model had written", _text(generated)))
    log = getattr(error, "log_tail", "")
    if log:
        parts.append(fold("The engine's log", _text(log)))
    return el("div", *parts, class_=f"gn-tool {IGNORE_MATH}") if parts else None


def _failed_generation(error: GroqnbError) -> str:
    """The text that was no valid JSON, or no valid call of a tool, where the server tells it."""
    body = getattr(error, "body", None)
    detail: Any = body.get("error") if isinstance(body, dict) else None
    found = detail.get("failed_generation") if isinstance(detail, dict) else None
    if found is None or isinstance(found, str):
        return found or ""
    return json.dumps(found, indent=2, default=str)


def _text(source: str) -> Markup:
    return el("pre", cut(source, _LONGEST), class_="gn-plain")
