"""All that a map needs to know before it begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from groqnb.client import AsyncGroq, Groq
from groqnb.mapping.question import Question
from groqnb.mapping.width import Width

if TYPE_CHECKING:
    from groqnb.batching.terms import Terms
    from groqnb.mapping.sharing import Share

__all__ = ["Plan"]

_ENGINE_SEATS = 4  # answers that the local engine writes at once; more would only queue there
_MOST = 64


@dataclass
class Plan:
    """All that a map needs to know, checked.

    Attributes:
        question: what is asked.
        clients: whose settings are used, one or several.
        name: of the file where answers are kept, unless the user names it.
        concurrency: requests under way at once; None finds out by itself.
        limits: what the user says may be sent, by "RPM" and "TPM".
        max_wait: s; a limit that resets later than this ends the map.
        retries: how often a row is sent again after a failure that passes.
        tier: the service tier that the parameters name.
        audio: True where recordings are to be transcribed.
        batch: how the rows go through batches; None: they are sent one by one.
        share: gives a lane, by its server and model, its part in limits that other processes use
            too; their answers go into one file then.
    """

    question: Question
    clients: list[Groq | AsyncGroq]
    name: str
    concurrency: int | None = None
    limits: dict[str, float] = field(default_factory=dict)
    max_wait: float = 300.0
    retries: int = 5
    tier: str | None = None
    audio: bool = False
    batch: Terms | None = None
    share: Callable[[str], Share] | None = None

    def width(self) -> Width:
        """How many requests may be under way."""
        if self.concurrency is not None:
            return Width(self.concurrency, fixed=True)
        if all(client.target.kind == "local" for client in self.clients):
            return Width(_ENGINE_SEATS, fixed=True)
        return Width(_MOST)
