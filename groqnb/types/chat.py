"""Chat completions: the parameters of a request, and what comes back.

Docs: API Reference, Create chat completion. The replies' classes are hand-written and small; what
they do not name is kept all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from groqnb.types.base import Model, Reply, StreamChunk
from groqnb.types.executed_tools import CodeResult, ExecutedTool, SearchResult, SearchResults

if TYPE_CHECKING:
    import pandas as pd

    from groqnb.types.charts import Chart

__all__ = [
    "ChatCompletion",
    "ChatCompletionChunk",
    "ChatParams",
    "Choice",
    "ChunkChoice",
    "CodeResult",
    "Delta",
    "ExecutedTool",
    "FunctionCall",
    "FunctionCallDelta",
    "Message",
    "MessageParam",
    "ModelUsage",
    "ParseParams",
    "RequestOptions",
    "SearchResult",
    "SearchResults",
    "ToolCall",
    "ToolCallDelta",
    "Usage",
    "UsageBreakdown",
    "XGroq",
]


class Usage(Model):
    """Tokens counted and seconds spent, as the server reports them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    queue_time: float | None = None
    prompt_time: float | None = None
    completion_time: float | None = None
    total_time: float | None = None
    prompt_tokens_details: dict[str, Any] | None = None
    completion_tokens_details: dict[str, Any] | None = None


class ModelUsage(Model):
    """The share of one model in the usage of a Compound system."""

    model: str
    usage: Usage


class UsageBreakdown(Model):
    """Usage by model, for Compound systems."""

    models: list[ModelUsage] | None = None

    def to_frame(self) -> pd.DataFrame:
        """One row for each model's share: tokens, and seconds. Needs pandas.

        ```python
        reply.usage_breakdown.to_frame().groupby("model").sum()
        ```
        """
        import pandas as pd

        names = ("prompt", "completion", "total")
        columns = [f"{name}_tokens" for name in names] + ["queue_time"]
        columns += [f"{name}_time" for name in names]
        rows = [
            {"model": one.model, **{name: getattr(one.usage, name) for name in columns}}
            for one in self.models or ()
        ]
        frame: pd.DataFrame = pd.DataFrame(rows, columns=["model", *columns]).astype(
            {name: "Int64" if name.endswith("tokens") else "Float64" for name in columns}
        )
        return frame


class XGroq(Model):
    """Groq's own fields: the request's id; in streams the usage, or why the stream stopped."""

    id: str | None = None
    usage: Usage | None = None
    usage_breakdown: UsageBreakdown | None = None
    seed: int | None = None
    debug: dict[str, Any] | None = None
    error: str | None = None


class FunctionCall(Model):
    """The function that the model calls. `arguments` is JSON text, and may be invalid."""

    name: str
    arguments: str


class ToolCall(Model):
    """One call of a tool, to be answered by a message with the role `tool` and this id."""

    id: str
    function: FunctionCall
    type: str = "function"


class Message(Model):
    """The model's message. It can be sent back as it is, in `messages`."""

    role: str = "assistant"
    content: str | None = None
    reasoning: str | None = None
    tool_calls: list[ToolCall] | None = None
    executed_tools: list[ExecutedTool] | None = None
    function_call: FunctionCall | None = None
    annotations: Any = None
    refusal: Any = None

    @property
    def charts(self) -> list[Chart]:
        """The charts of all executed tools, in order."""
        return [chart for tool in self.executed_tools or () for chart in tool.charts]


class Choice(Model):
    """One answer; `finish_reason` is stop, length, tool_calls or function_call."""

    index: int = 0
    message: Message
    finish_reason: str | None = None
    logprobs: Any = None


class ChatCompletion(Reply):
    """A whole answer.

    ```python
    reply = client.chat.completions.create(
        model="llama-3.3-70b-versatile", messages=[{"role": "user", "content": "Hello"}]
    )
    reply.choices[0].message.content
    reply.usage.total_tokens
    ```
    """

    id: str
    choices: list[Choice]
    model: str
    created: int = 0
    object: str = "chat.completion"
    system_fingerprint: str | None = None
    service_tier: str | None = None
    usage: Usage | None = None
    usage_breakdown: UsageBreakdown | None = None
    x_groq: XGroq | None = None


class FunctionCallDelta(Model):
    """A piece of a function call; pieces of `arguments` are to be joined."""

    name: str | None = None
    arguments: str | None = None


class ToolCallDelta(Model):
    """A piece of the tool call at `index`."""

    index: int = 0
    id: str | None = None
    type: str | None = None
    function: FunctionCallDelta | None = None


class Delta(Model):
    """What a chunk adds to the message."""

    role: str | None = None
    content: str | None = None
    reasoning: str | None = None
    tool_calls: list[ToolCallDelta] | None = None
    executed_tools: list[ExecutedTool] | None = None
    function_call: FunctionCallDelta | None = None


class ChunkChoice(Model):
    """What a chunk adds to one answer."""

    index: int = 0
    delta: Delta
    finish_reason: str | None = None
    logprobs: Any = None


class ChatCompletionChunk(StreamChunk):
    """One piece of a streamed answer.

    ```python
    for chunk in client.chat.completions.create(
        model="llama-3.3-70b-versatile",
        messages=[{"role": "user", "content": "Hello"}],
        stream=True,
    ):
        for choice in chunk.choices:
            print(choice.delta.content or "", end="")
    ```
    """

    id: str
    choices: list[ChunkChoice]
    created: int = 0
    model: str = ""
    object: str = "chat.completion.chunk"
    system_fingerprint: str | None = None
    service_tier: str | None = None
    usage: Usage | None = None
    usage_breakdown: UsageBreakdown | None = None
    x_groq: XGroq | None = None

    @property
    def carries_token(self) -> bool:
        """True when it holds some text, reasoning or a piece of a call."""
        for choice in self.choices:
            delta = choice.delta
            if delta.content or delta.reasoning or delta.tool_calls or delta.executed_tools:
                return True
        return False

    @property
    def ends_answer(self) -> bool:
        """True when it holds a finish reason."""
        for choice in self.choices:  # noqa: SIM110 - on every chunk, and any() costs twice this
            if choice.finish_reason is not None:
                return True
        return False

    @property
    def total_usage(self) -> Usage | None:
        """The usage of the whole answer, from `usage` or `x_groq.usage`."""
        if self.usage is not None:
            return self.usage
        return None if self.x_groq is None else self.x_groq.usage

    @property
    def stop_reason(self) -> str | None:
        """Why the server broke the stream off: `x_groq.error`."""
        return None if self.x_groq is None else self.x_groq.error


MessageParam = Mapping[str, Any] | Message
"""A message to send: a dict, or a message that came in a reply."""


class RequestOptions(TypedDict, total=False):
    """What every call takes beside the API's own parameters.

    `extra_body` and `extra_headers` carry what groqnb does not know yet; `timeout` is in seconds.
    """

    extra_body: Mapping[str, Any] | None
    extra_headers: Mapping[str, str] | None
    timeout: float | None


class ParseParams(RequestOptions, total=False):
    """Every parameter of a typed answer but `model`, `messages` and `response_format`.

    Docs: API Reference, Create chat completion, Request Body. None means: not sent.
    """

    compound_custom: Mapping[str, Any] | None
    disable_tool_validation: bool | None
    documents: Sequence[Mapping[str, Any]] | None
    exclude_domains: Sequence[str] | None
    exclude_instance_ids: Sequence[str] | None
    frequency_penalty: float | None
    function_call: str | Mapping[str, Any] | None
    functions: Sequence[Mapping[str, Any]] | None
    include_domains: Sequence[str] | None
    include_reasoning: bool | None
    logit_bias: Mapping[str, int] | None
    logprobs: bool | None
    max_completion_tokens: int | None
    max_tokens: int | None
    metadata: Mapping[str, str] | None
    n: int | None
    parallel_tool_calls: bool | None
    presence_penalty: float | None
    reasoning_effort: Literal["none", "default", "low", "medium", "high"] | None
    reasoning_format: Literal["hidden", "raw", "parsed"] | None
    search_settings: Mapping[str, Any] | None
    seed: int | None
    service_tier: Literal["auto", "on_demand", "flex", "performance"] | None
    stop: str | Sequence[str] | None
    store: bool | None
    temperature: float | None
    tool_choice: str | Mapping[str, Any] | None
    tools: Iterable[Mapping[str, Any]] | None
    top_logprobs: int | None
    top_p: float | None
    user: str | None


class ChatParams(ParseParams, total=False):
    """Every parameter of a chat completion but `model`, `messages` and `stream`."""

    response_format: Mapping[str, Any] | None
    stream_options: Mapping[str, Any] | None
