"""An answer as it is made: typed events, before anything frames them for the wire.

`Chat.events()` yields them; the replies of chat completions, of responses and of batches are
three framings of the same events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ChatEvent", "Done", "ExecutedTool", "ReasoningDelta", "TextDelta", "ToolCallDelta"]


@dataclass(frozen=True)
class TextDelta:
    """The next piece of the answer's text."""

    text: str


@dataclass(frozen=True)
class ReasoningDelta:
    """The next piece of the reasoning. All of it comes before the answer."""

    text: str


@dataclass(frozen=True)
class ToolCallDelta:
    """The next piece of a tool call.

    `index` counts the calls of one answer from 0. The first piece of a call brings its `id`
    ("call_…") and `name`; later ones have None there and only more of `arguments`, the text of
    a JSON object.
    """

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True)
class ExecutedTool:
    """A built-in tool that was run, whole. All of them come before the answer.

    `index` counts them from 0. `arguments` is the text of a JSON object.
    """

    index: int
    type: str
    arguments: str
    output: str
    code_results: Sequence[dict[str, Any]] = ()
    search_results: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """The object of `executed_tools`."""
        told: dict[str, Any] = {
            "index": self.index,
            "type": self.type,
            "arguments": self.arguments,
            "output": self.output,
        }
        if self.code_results:
            told["code_results"] = list(self.code_results)
        if self.search_results is not None:
            told["search_results"] = self.search_results
        return told


@dataclass(frozen=True)
class Done:
    """The end of an answer, always the last event.

    `finish_reason` is "stop", "length", "tool_calls" or "function_call". `usage` is the object
    of the wire: prompt_tokens, completion_tokens, total_tokens (counts), queue_time,
    prompt_time, completion_time, total_time (seconds), and where there is something to tell
    prompt_tokens_details and completion_tokens_details.
    """

    finish_reason: str
    usage: dict[str, Any] = field(default_factory=dict)


ChatEvent = TextDelta | ReasoningDelta | ToolCallDelta | ExecutedTool | Done
