"""Built-in tools that need a service of somebody else's: here they only say that it is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from groqnb.local.parts.built_in import BuiltIn, Outcome, Settings

__all__ = ["BrowserAutomation", "WolframAlpha"]


class BrowserAutomation(BuiltIn):
    """Docs: "Browser Automation"."""

    name = "browser_automation"
    type = "browser_automation"
    description = "open a browser and click, scroll and fill in forms on live web pages"
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {"task": {"type": "string"}},
        "required": ["task"],
        "additionalProperties": False,
    }

    def arguments_from(self, question: str) -> dict[str, Any]:
        """The whole question: there is no browser that would need it put better."""
        return {"task": question}

    async def run(self, arguments: Mapping[str, Any], settings: Settings) -> Outcome:
        """Say that it is not to be had."""
        return _unsupported("drives no browser and does not reach the live web")


class WolframAlpha(BuiltIn):
    """Docs: "Wolfram Alpha"."""

    name = "wolfram_alpha"
    type = "wolfram"
    description = "ask Wolfram Alpha for a scientific calculation, a unit or a computed fact"
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {"query": {"type": "string"}},
        "required": ["query"],
        "additionalProperties": False,
    }

    def arguments_from(self, question: str) -> dict[str, Any]:
        """The whole question."""
        return {"query": question}

    async def run(self, arguments: Mapping[str, Any], settings: Settings) -> Outcome:
        """Say that it is not to be had. A key for it goes nowhere from here."""
        return _unsupported("does not reach Wolfram Alpha, with or without a key for it")


def _unsupported(why: str) -> Outcome:
    return Outcome(
        f"Unsupported offline: the local engine {why}. The Groq cloud does.", failed=True
    )
