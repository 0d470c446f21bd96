"""What a built-in tool is: something that the engine itself runs on a model's behalf.

Docs: "Built-in Tools". Each tool is a class of its own in this folder;
`groqnb.local.built_in_tools` lists them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

__all__ = ["BuiltIn", "Outcome", "Settings"]


@dataclass(frozen=True)
class Outcome:
    """What a run of a tool gave.

    `output` is the text that the model reads and `executed_tools[].output` shows. `code_results`
    and `search_results` are the objects of the wire that are called so. `failed` says that the
    output tells why there is no result.
    """

    output: str
    code_results: Sequence[dict[str, Any]] = ()
    search_results: dict[str, Any] | None = None
    failed: bool = False


@dataclass(frozen=True)
class Settings:
    """What a request says about its tools: of `search_settings`, and the key for Wolfram."""

    country: str | None = None
    include_domains: Sequence[str] = ()
    exclude_domains: Sequence[str] = ()
    include_images: bool = False
    wolfram_key: str | None = field(default=None, repr=False)


class BuiltIn(ABC):
    """One tool. An object serves every request of an engine, several at a time."""

    #: What requests call it: "web_search".
    name: ClassVar[str]
    #: What `executed_tools[].type` calls it: "search".
    type: ClassVar[str]
    #: What it is good for, in the words of a question that needs it. The router compares them.
    description: ClassVar[str]
    #: The JSON Schema of its arguments, an object. The model writes them under its grammar.
    parameters: ClassVar[Mapping[str, Any]]
    #: The language of its one argument, `code`, which the model then writes as a fenced block.
    language: ClassVar[str | None] = None

    def arguments_from(self, question: str) -> dict[str, Any] | None:
        """Arguments read off the question without the model; None lets the model write them.

        Small models copy an address with mistakes. What stands in the question is better taken
        from there.
        """
        return None

    def is_asked_for(self, question: str) -> bool:
        """Whether the question leaves no doubt that it is meant; else the router compares."""
        return False

    async def check(self) -> None:  # noqa: B027 — most can work anywhere
        """Raise Refusal where it cannot work on this machine. Called when a request names it."""

    @abstractmethod
    async def run(self, arguments: Mapping[str, Any], settings: Settings) -> Outcome:
        """Run it. A failure is an Outcome too; Refusal is raised where the request has to end."""
