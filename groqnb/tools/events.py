"""What a run of tools tells on its way, one typed event after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from groqnb.tools.calling import Step
from groqnb.types.answer import Answer
from groqnb.types.chat import ToolCall
from groqnb.types.records import arguments_of

__all__ = ["CallAsked", "ReasoningPiece", "RoundEnded", "TextPiece", "ToolEvent"]


@dataclass(frozen=True)
class TextPiece:
    """More of the answer's text: `text` is what was added, `round` the model's turn, from 1."""

    round: int
    text: str
    type: ClassVar[Literal["text"]] = "text"


@dataclass(frozen=True)
class ReasoningPiece:
    """More of the model's reasoning."""

    round: int
    text: str
    type: ClassVar[Literal["reasoning"]] = "reasoning"


@dataclass(frozen=True)
class CallAsked:
    """A whole call that the model asks for; it runs next.

    `arguments` are a dict, or text that is no JSON object. The `Step` of the same `id` follows.
    """

    round: int
    call: ToolCall
    type: ClassVar[Literal["call"]] = "call"

    @property
    def id(self) -> str:
        """The call's id."""
        return self.call.id

    @property
    def name(self) -> str:
        """The tool."""
        return self.call.function.name

    @property
    def arguments(self) -> Any:
        """What the model gave."""
        return arguments_of(self.call.function.arguments)


@dataclass(frozen=True)
class RoundEnded:
    """A turn of the model is over; `answer` is the whole of it."""

    round: int
    answer: Answer
    type: ClassVar[Literal["answer"]] = "answer"


ToolEvent = TextPiece | ReasoningPiece | RoundEnded | CallAsked | Step
"""One event; `type` is "text", "reasoning", "answer", "call" or "result"."""
