"""`Answer`: what a question came to, as plain data, and the builder that collects a stream into it.

An Answer knows nothing of IPython: how it looks in a notebook is decided by the formatters in
`groqnb.render.formatters`, so it can be pickled, compared and put into a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from groqnb.types.chat import ExecutedTool, FunctionCall, SearchResult, ToolCall, Usage

if TYPE_CHECKING:
    import pandas as pd

    from groqnb.types.charts import Chart
    from groqnb.types.chat import ChatCompletion, ChatCompletionChunk, ToolCallDelta

__all__ = ["Answer", "AnswerBuilder", "Timing", "split_thinking"]


@dataclass(frozen=True)
class Timing:
    """How long an answer took; all in seconds, None where nobody said.

    `ttft` (time to first token) and `wall` are measured here; `queue`, `prompt`, `completion` and
    `total` are the server's own.
    """

    ttft: float | None = None
    wall: float | None = None
    queue: float | None = None
    prompt: float | None = None
    completion: float | None = None
    total: float | None = None
    tokens_per_second: float | None = None


@dataclass(frozen=True)
class Answer:
    """The answer to one question, from a magic or from `groqnb.show`.

    Attributes:
        text: the answer, without reasoning.
        reasoning: what the model thought first, where it says so; else None.
        tool_calls: calls of your own tools that the model asks for.
        executed_tools: tools that ran on the server's side.
        charts: what those tools drew, see `Chart`.
        search_results: the pages those tools found, of all searches in order.
        usage: tokens counted by the server, or None for an answer that was stopped early.
        timing: seconds, and tokens per second.
        model_asked, model_answered: they differ when the local engine answered.
        where: "cloud", "local" or "url".
        messages: the conversation as dicts, this reply included; ready to be sent again.
        finish_reason: "stop", "length", "tool_calls", or None when there was no proper end.
        stopped: True when it was interrupted; `text` is then what had come.

    ```python
    answer = groqnb.show(client.chat.completions.create(model=m, messages=q, stream=True))
    answer.text, answer.usage.completion_tokens, answer.timing.ttft
    answer.to_frame()
    ```
    """

    text: str
    reasoning: str | None = None
    tool_calls: list[ToolCall] = field(default_factory=list)
    executed_tools: list[ExecutedTool] = field(default_factory=list)
    usage: Usage | None = None
    timing: Timing = field(default_factory=Timing)
    model_asked: str = ""
    model_answered: str = ""
    where: str = "cloud"
    url: str | None = None
    request_id: str | None = None
    finish_reason: str | None = None
    stopped: bool = False
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def search_results(self) -> list[SearchResult]:
        """Every page that the executed tools found, in order."""
        found = [tool.search_results for tool in self.executed_tools if tool.search_results]
        return [result for results in found for result in results.results or []]

    @cached_property
    def charts(self) -> list[Chart]:
        """Every chart that the executed tools drew, in order, with the PNG that came with it."""
        return [chart for tool in self.executed_tools for chart in tool.charts]

    @property
    def cached_tokens(self) -> int | None:
        """How many tokens of the prompt came from the server's cache, where it says so."""
        details = self.usage.prompt_tokens_details if self.usage else None
        cached = details.get("cached_tokens") if details else None
        return int(cached) if cached is not None else None

    def to_frame(self) -> pd.DataFrame:
        """One row with the text, the models, the tokens and the times. Needs pandas.

        ```python
        pd.concat([first.to_frame(), second.to_frame()])
        ```
        """
        import pandas as pd

        usage, timing = self.usage, self.timing
        row = {
            "text": self.text,
            "reasoning": self.reasoning,
            "model_asked": self.model_asked,
            "model_answered": self.model_answered,
            "where": self.where,
            "prompt_tokens": usage.prompt_tokens if usage else None,
            "cached_tokens": self.cached_tokens,
            "completion_tokens": usage.completion_tokens if usage else None,
            "ttft": timing.ttft,
            "wall": timing.wall,
            "tokens_per_second": timing.tokens_per_second,
            "finish_reason": self.finish_reason,
            "stopped": self.stopped,
            "request_id": self.request_id,
        }
        types: dict[str, Any] = {
            name: "Int64" if name.endswith("_tokens") else "Float64"
            for name in row
            if name.endswith("_tokens") or name in ("ttft", "wall", "tokens_per_second")
        }
        frame: pd.DataFrame = pd.DataFrame([row]).astype(types)
        return frame

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        text = self.text if len(self.text) <= 60 else self.text[:59] + "…"
        stopped = ", stopped=True" if self.stopped else ""
        return f"Answer({text!r}, model_answered={self.model_answered!r}{stopped})"


def split_thinking(content: str, *, complete: bool = True) -> tuple[str | None, str]:
    """Split a leading `<think>…</think>` off: the reasoning (None without one), and the rest.

    While more is to come (not `complete`), "<thi" is not taken for text yet.

    ```python
    >>> split_thinking("<think>2 and 2</think>\\n\\n4")
    ('2 and 2', '4')

    ```
    """
    start = content.lstrip()
    if not start.startswith("<think>"):
        undecided = not complete and start and "<think>".startswith(start)
        return None, "" if undecided else content
    thought, closed, rest = start[len("<think>") :].partition("</think>")
    return thought.strip(), rest.lstrip() if closed else ""


class AnswerBuilder:
    """Collects the chunks of a stream, or one whole reply, into an Answer.

    `earlier` is the text that this answer goes on from (a prefill).

    ```python
    builder = AnswerBuilder(model="llama-3.3-70b-versatile", messages=messages)
    for chunk in stream:
        builder.feed(chunk)
    answer = builder.build(ttft=stream.ttft)
    ```
    """

    def __init__(
        self,
        *,
        model: str = "",
        messages: Iterable[Mapping[str, Any]] = (),
        where: str = "cloud",
        url: str | None = None,
        earlier: str = "",
    ) -> None:
        self.model_asked = model
        self.where = where
        self.url = url
        self._messages = [dict(message) for message in messages]
        self._earlier = earlier
        self._content: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, dict[str, str]] = {}
        self._tools: dict[int, ExecutedTool] = {}
        self._model = ""
        self._usage: Usage | None = None
        self._request_id: str | None = None
        self._finish_reason: str | None = None

    def feed(self, chunk: ChatCompletionChunk) -> str:
        """Take one chunk; the text that it adds."""
        if chunk.model:
            self._model = chunk.model
        if chunk.x_groq is not None and chunk.x_groq.id:
            self._request_id = chunk.x_groq.id
        self._usage = chunk.total_usage or self._usage
        added = ""
        for choice in chunk.choices:
            if choice.index != 0:
                continue
            self._finish_reason = choice.finish_reason or self._finish_reason
            delta = choice.delta
            if delta.content:
                added = delta.content
                self._content.append(added)
            if delta.reasoning:
                self._reasoning.append(delta.reasoning)
            for call in delta.tool_calls or ():
                self._add_call(call)
            for tool in delta.executed_tools or ():
                self._tools[len(self._tools) if tool.index is None else tool.index] = tool
        return added

    def _add_call(self, piece: ToolCallDelta) -> None:
        call = self._calls.setdefault(piece.index, {"id": "", "name": "", "arguments": ""})
        call["id"] = piece.id or call["id"]
        if piece.function is not None:
            call["name"] += piece.function.name or ""
            call["arguments"] += piece.function.arguments or ""

    def complete(self, reply: ChatCompletion) -> None:
        """Take a whole reply."""
        self._model, self._usage = reply.model, reply.usage
        self._request_id = reply.request_id
        if not reply.choices:
            return
        choice = reply.choices[0]
        message = choice.message
        self._finish_reason = choice.finish_reason
        self._content = [message.content or ""]
        self._reasoning = [message.reasoning or ""]
        self._tools = dict(enumerate(message.executed_tools or ()))
        self._calls = {
            index: {
                "id": call.id,
                "name": call.function.name,
                "arguments": call.function.arguments,
            }
            for index, call in enumerate(message.tool_calls or ())
        }

    def parts(self, *, complete: bool = False) -> tuple[str | None, str]:
        """The reasoning (None without any) and the text, as far as they have come."""
        thought, text = split_thinking("".join(self._content), complete=complete)
        reasoning = "".join(self._reasoning) or thought
        return reasoning or None, self._earlier + text

    def build(
        self,
        *,
        headers: Mapping[str, str] | None = None,
        ttft: float | None = None,
        wall: float | None = None,
        stopped: bool = False,
        request_id: str | None = None,
    ) -> Answer:
        """The Answer so far. Times in seconds; `headers` are those of the reply."""
        reasoning, text = self.parts(complete=True)
        answered = (headers or {}).get("x-groqnb-model") or self._model or self.model_asked
        calls = [
            ToolCall(
                id=call["id"],
                function=FunctionCall(name=call["name"], arguments=call["arguments"]),
            )
            for _, call in sorted(self._calls.items())
        ]
        reply: dict[str, Any] = {"role": "assistant", "content": text}
        if calls:
            reply["tool_calls"] = [call.model_dump(exclude_none=True) for call in calls]
        said = [reply] if text or calls else []
        return Answer(
            text=text,
            reasoning=reasoning,
            tool_calls=calls,
            executed_tools=[tool for _, tool in sorted(self._tools.items())],
            usage=self._usage,
            timing=self._timing(ttft, wall),
            model_asked=self.model_asked or self._model,
            model_answered=answered,
            where=self.where,
            url=self.url,
            request_id=self._request_id or request_id,
            finish_reason=self._finish_reason,
            stopped=stopped,
            messages=[*self._messages, *said],
        )

    def _timing(self, ttft: float | None, wall: float | None) -> Timing:
        usage = self._usage or Usage()
        spent = usage.completion_time
        if not spent and wall is not None:
            spent = wall - (ttft or 0.0)
        tokens = usage.completion_tokens
        return Timing(
            ttft=ttft,
            wall=wall,
            queue=usage.queue_time,
            prompt=usage.prompt_time,
            completion=usage.completion_time,
            total=usage.total_time,
            tokens_per_second=tokens / spent if tokens and spent and spent > 0 else None,
        )
