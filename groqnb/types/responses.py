"""Responses: the parameters of a request, and the response with its items.

Docs: API Reference, Responses (beta), Create response. The events of a stream stand in
`groqnb.types.response_events`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from groqnb.types.base import Model, Reply
from groqnb.types.chat import RequestOptions
from groqnb.types.tagged import Tagged

__all__ = [
    "ContentPart",
    "IncompleteDetails",
    "InputItem",
    "OutputFunctionCall",
    "OutputItem",
    "OutputMessage",
    "OutputReasoning",
    "OutputText",
    "ReasoningText",
    "Response",
    "ResponseFailure",
    "ResponseParams",
    "ResponseUsage",
]


class ContentPart(Tagged):
    """A part of an item's content; of a type unknown to groqnb when it is of this class."""

    type: str


class OutputText(ContentPart, kinds=("output_text",)):
    """Text of the answer."""

    text: str
    annotations: list[Any] | None = None


class ReasoningText(ContentPart, kinds=("reasoning_text", "summary_text")):
    """Text of the reasoning, or of its summary."""

    text: str


class OutputItem(Tagged):
    """One item of the output; of a type unknown to groqnb when it is of this class.

    `type` is what the members of the family differ in: "message", "function_call", "reasoning".
    """

    type: str
    id: str | None = None


class OutputMessage(OutputItem, kinds=("message",)):
    """What the model says; `status` is in_progress, completed or incomplete."""

    content: list[ContentPart]
    role: str = "assistant"
    status: str | None = None

    @property
    def text(self) -> str:
        """The text of all parts."""
        return "".join(part.text for part in self.content if isinstance(part, OutputText))


class OutputFunctionCall(OutputItem, kinds=("function_call",)):
    """A function to call; `arguments` is JSON text, and may be invalid.

    The result goes back as an item of the next input:
    `{"type": "function_call_output", "call_id": item.call_id, "output": "..."}`, after the call.
    """

    call_id: str
    name: str
    arguments: str
    status: str | None = None


class OutputReasoning(OutputItem, kinds=("reasoning",)):
    """What the model thought before it answered."""

    summary: list[ContentPart] | None = None
    content: list[ContentPart] | None = None
    status: str | None = None

    @property
    def text(self) -> str:
        """The text of all parts of the reasoning, or of its summary where there is nothing else."""
        parts = self.content or self.summary or []
        return "".join(part.text for part in parts if isinstance(part, ReasoningText))


class ResponseUsage(Model):
    """Tokens counted, as the server reports them.

    They can be read under the names of chat's `Usage` too, so that both add up alike.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    input_tokens_details: dict[str, Any] | None = None
    output_tokens_details: dict[str, Any] | None = None

    @property
    def prompt_tokens(self) -> int:
        """The same as `input_tokens`."""
        return self.input_tokens

    @property
    def completion_tokens(self) -> int:
        """The same as `output_tokens`."""
        return self.output_tokens

    @property
    def prompt_tokens_details(self) -> dict[str, Any] | None:
        """The same as `input_tokens_details`."""
        return self.input_tokens_details


class ResponseFailure(Model):
    """Why a response failed."""

    code: str | None = None
    message: str | None = None


class IncompleteDetails(Model):
    """Why a response is incomplete; `reason` is "max_output_tokens" when it hit that limit."""

    reason: str | None = None


class Response(Reply):
    """A response: its `output` is a list of items, `output_text` the text in them.

    `status` is completed, incomplete, failed or in_progress. What the request said is repeated.

    ```python
    reply = client.responses.create(model="openai/gpt-oss-20b", input="Hello")
    reply.output_text
    reply.usage.total_tokens
    ```
    """

    id: str
    output: list[OutputItem]
    model: str = ""
    object: str = "response"
    status: str | None = None
    created_at: int = 0
    error: ResponseFailure | None = None
    incomplete_details: IncompleteDetails | None = None
    log_id: str | None = None
    usage: ResponseUsage | None = None
    background: bool | None = None
    instructions: Any = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    metadata: dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    previous_response_id: str | None = None
    reasoning: dict[str, Any] | None = None
    service_tier: str | None = None
    store: bool | None = None
    temperature: float | None = None
    text: dict[str, Any] | None = None
    tool_choice: Any = None
    tools: list[dict[str, Any]] | None = None
    top_logprobs: int | None = None
    top_p: float | None = None
    truncation: str | None = None
    user: str | None = None

    @property
    def output_text(self) -> str:
        """The text of all messages in the output; empty when there are only calls."""
        return "".join(item.text for item in self.output if isinstance(item, OutputMessage))


InputItem = Mapping[str, Any] | OutputItem
"""An item to send: a dict, or an item of an earlier response's output."""


class ResponseParams(RequestOptions, total=False):
    """Every parameter of a response but `model`, `input` and `stream`.

    Docs: API Reference, Create response, Request Body. None means: not sent.
    """

    instructions: str | None
    max_output_tokens: int | None
    metadata: Mapping[str, str] | None
    parallel_tool_calls: bool | None
    reasoning: Mapping[str, Any] | None
    service_tier: Literal["auto", "default", "flex"] | None
    store: bool | None
    temperature: float | None
    text: Mapping[str, Any] | None
    tool_choice: str | Mapping[str, Any] | None
    tools: Iterable[Mapping[str, Any]] | None
    top_p: float | None
    truncation: Literal["auto", "disabled"] | None
    user: str | None
