"""The events of a streamed response.

Docs: API Reference, Create response, `stream`: it is promised there, and its events are not
described. They are those that OpenAI defines for the same endpoint. `type` is the event's name;
an event that groqnb does not know comes as a `ResponseEvent`, with all its fields.
"""

from __future__ import annotations

from typing import Any

from groqnb.types.base import StreamChunk
from groqnb.types.responses import ContentPart, OutputItem, Response, ResponseUsage
from groqnb.types.tagged import Tagged

__all__ = [
    "ArgumentsDelta",
    "ArgumentsDone",
    "ContentPartEvent",
    "ErrorEvent",
    "OutputItemEvent",
    "ReasoningDelta",
    "ReasoningDone",
    "ResponseEvent",
    "StatusEvent",
    "TextDelta",
    "TextDone",
]


class ResponseEvent(StreamChunk, Tagged):
    """One event of a stream; `sequence_number` counts them from 0.

    ```python
    stream = client.responses.create(model="openai/gpt-oss-20b", input="Hello", stream=True)
    for event in stream:
        if event.type == "response.output_text.delta":
            print(event.delta, end="")
    ```
    """

    type: str
    sequence_number: int = 0

    @property
    def carries_token(self) -> bool:
        """True for a piece of text, of reasoning or of a call's arguments."""
        return False

    @property
    def ends_answer(self) -> bool:
        """True for the event with the finished response."""
        return False

    @property
    def closes_stream(self) -> bool:
        """True: nothing follows the finished response."""
        return self.ends_answer

    @property
    def total_usage(self) -> ResponseUsage | None:
        """The usage, from the finished response."""
        return None

    @property
    def stop_reason(self) -> str | None:
        """Why the response failed, where this event says so."""
        return None


class StatusEvent(
    ResponseEvent,
    kinds=tuple(
        f"response.{status}"
        for status in ("created", "queued", "in_progress", "completed", "incomplete", "failed")
    ),
):
    """The response as it stands now: when it begins, and when it is completed or given up."""

    response: Response

    @property
    def ends_answer(self) -> bool:
        """True when the response is completed, incomplete or failed."""
        return self.type in ("response.completed", "response.incomplete", "response.failed")

    @property
    def total_usage(self) -> ResponseUsage | None:
        """The usage, from the finished response."""
        return self.response.usage

    @property
    def stop_reason(self) -> str | None:
        """Why the response failed."""
        if self.type != "response.failed":
            return None
        failure = self.response.error
        return (failure and (failure.message or failure.code)) or "no reason was given"


class OutputItemEvent(
    ResponseEvent, kinds=("response.output_item.added", "response.output_item.done")
):
    """An item of the output begins, still empty, or is complete."""

    output_index: int
    item: OutputItem


class ContentPartEvent(
    ResponseEvent, kinds=("response.content_part.added", "response.content_part.done")
):
    """A part of an item's content begins, still empty, or is complete."""

    output_index: int
    content_index: int
    part: ContentPart
    item_id: str | None = None


class _Piece(ResponseEvent):
    """What belongs to one item."""

    output_index: int = 0
    item_id: str | None = None


class _Delta(_Piece):
    """A piece of what is generated."""

    delta: str

    @property
    def carries_token(self) -> bool:
        """True."""
        return True


class TextDelta(_Delta, kinds=("response.output_text.delta",)):
    """The next piece of the answer's text, in `delta`."""

    content_index: int = 0


class TextDone(_Piece, kinds=("response.output_text.done",)):
    """A part's whole text."""

    text: str
    content_index: int = 0


class ReasoningDelta(
    _Delta, kinds=("response.reasoning_text.delta", "response.reasoning_summary_text.delta")
):
    """The next piece of the reasoning, or of its summary, in `delta`."""


class ReasoningDone(
    _Piece, kinds=("response.reasoning_text.done", "response.reasoning_summary_text.done")
):
    """The whole text of the reasoning, or of its summary."""

    text: str


class ArgumentsDelta(_Delta, kinds=("response.function_call_arguments.delta",)):
    """The next piece of a call's arguments, which are JSON text, in `delta`."""


class ArgumentsDone(_Piece, kinds=("response.function_call_arguments.done",)):
    """A call's whole arguments, as JSON text."""

    arguments: str


class ErrorEvent(ResponseEvent, kinds=("error",)):
    """The server gives the stream up."""

    message: str
    code: Any = None
    param: str | None = None

    @property
    def stop_reason(self) -> str | None:
        """What the server says of it."""
        return self.message
