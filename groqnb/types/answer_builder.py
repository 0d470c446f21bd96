"""From replies to Answers: the builder collects a stream, or takes a whole reply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from groqnb.types.answer import Answer, Timing
from groqnb.types.chat import ExecutedTool, FunctionCall, ToolCall, Usage
from groqnb.types.code import code_text
from groqnb.types.records import ExecutedTools, ToolCalls

if TYPE_CHECKING:
    from groqnb.types.chat import (
        ChatCompletion,
        ChatCompletionChunk,
        Delta,
        Message,
        ToolCallDelta,
        UsageBreakdown,
    )

__all__ = ["AnswerBuilder", "split_thinking"]


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

    `earlier` is the text that this answer goes on from (a prefill), `response_format` the
    request's, `form` the Answer's. Replies of the Responses API are taken by
    `groqnb.types.answer_of`.

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
        response_format: Mapping[str, Any] | None = None,
        form: str = "md",
    ) -> None:
        self.model_asked = model
        self.where = where
        self.url = url
        self.response_format = response_format
        self.form = form
        self.model = ""
        self.usage: Usage | None = None
        self.usage_breakdown: UsageBreakdown | None = None
        self.request_id: str | None = None
        self.finish_reason: str | None = None
        self.refusal: str | None = None
        self._messages = [dict(message) for message in messages]
        self._earlier = earlier
        self._content: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, dict[str, str]] = {}
        self._tools: dict[int, ExecutedTool] = {}
        self._annotations: list[Any] = []

    def feed(self, chunk: ChatCompletionChunk) -> str:
        """Take one chunk; the text that it adds."""
        if chunk.model:
            self.model = chunk.model
        told = chunk.x_groq
        if told is not None:
            self.request_id = told.id or self.request_id
            self.usage_breakdown = told.usage_breakdown or self.usage_breakdown
        self.usage = chunk.total_usage or self.usage
        self.usage_breakdown = chunk.usage_breakdown or self.usage_breakdown
        added = ""
        for choice in chunk.choices:
            if choice.index != 0:
                continue
            self.finish_reason = choice.finish_reason or self.finish_reason
            delta = choice.delta
            if delta.content:
                added = delta.content
                self._content.append(added)
            if delta.reasoning:
                self._reasoning.append(delta.reasoning)
            for call in delta.tool_calls or ():
                self._add_call(call)
            for tool in delta.executed_tools or ():
                self._add_tool(tool)
            if delta.model_extra:
                self._add_extra(delta)
        return added

    def add(self, *, text: str = "", reasoning: str = "") -> None:
        """Take more text, or more reasoning."""
        if text:
            self._content.append(text)
        if reasoning:
            self._reasoning.append(reasoning)

    def add_call(self, index: int, *, id: str = "", name: str = "", arguments: str = "") -> None:
        """Take a piece of the call number `index` of a tool."""
        call = self._calls.setdefault(index, {"id": "", "name": "", "arguments": ""})
        call["id"] = id or call["id"]
        call["name"] += name
        call["arguments"] += arguments

    def annotate(self, annotations: Any) -> None:
        """Take what the message's annotations say, whatever they are."""
        if isinstance(annotations, (list, tuple)):
            self._annotations += annotations

    def _add_call(self, piece: ToolCallDelta) -> None:
        function = piece.function
        self.add_call(
            piece.index,
            id=piece.id or "",
            name=(function.name if function is not None else None) or "",
            arguments=(function.arguments if function is not None else None) or "",
        )

    def _add_tool(self, tool: ExecutedTool) -> None:
        index = len(self._tools) if tool.index is None else tool.index
        known = self._tools.get(index)
        if known is not None:
            # It is told of when it starts, and again when it has ended.
            fields = {**known.model_dump(), **tool.model_dump(exclude_none=True)}
            tool = ExecutedTool.model_validate(fields)
        self._tools[index] = tool

    def _add_extra(self, delta: Delta) -> None:
        extra = delta.model_extra
        self.annotate(extra.get("annotations"))
        refusal = extra.get("refusal")
        if isinstance(refusal, str):
            self.refusal = (self.refusal or "") + refusal

    def complete(self, reply: ChatCompletion) -> None:
        """Take a whole reply."""
        self.model, self.usage = reply.model, reply.usage
        self.usage_breakdown = reply.usage_breakdown
        self.request_id = reply.request_id
        if reply.choices:
            self.finish_reason = reply.choices[0].finish_reason
            self.complete_message(reply.choices[0].message)

    def complete_message(self, message: Message) -> None:
        """Take the message of a whole reply."""
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
        self._annotations = []
        self.annotate(message.annotations)
        self.refusal = message.refusal if isinstance(message.refusal, str) else None

    def parts(self, *, complete: bool = False) -> tuple[str | None, str]:
        """The reasoning (None without any) and the text, as far as they have come."""
        reasoning, whole = self._parts(complete=complete)
        return reasoning, self._formed(whole, complete=complete)

    def _parts(self, *, complete: bool) -> tuple[str | None, str]:
        thought, text = split_thinking("".join(self._content), complete=complete)
        reasoning = "".join(self._reasoning) or thought
        return reasoning or None, self._earlier + text

    def _formed(self, text: str, *, complete: bool) -> str:
        return code_text(text, complete=complete) if self.form == "code" else text

    def build(
        self,
        *,
        headers: Mapping[str, str] | None = None,
        ttft: float | None = None,
        wall: float | None = None,
        stopped: bool = False,
        request_id: str | None = None,
        complete: bool = True,
    ) -> Answer:
        """The Answer so far; not `complete` while more is to come.

        Times in seconds; `headers` are those of the reply.
        """
        told = headers or {}
        where, url, record = self.where, self.url, told.get("x-groqnb-record")
        if record is not None:
            # What is recorded and what is replayed tell the same: who answered, and how fast.
            where = told.get("x-groqnb-where", where)
            url = told.get("x-groqnb-server")
            with suppress(ValueError):
                wall = float(told.get("x-groqnb-seconds", ""))
        reasoning, whole = self._parts(complete=complete)
        text = self._formed(whole, complete=complete)
        answered = told.get("x-groqnb-model") or self.model or self.model_asked
        calls = ToolCalls(
            ToolCall(
                id=call["id"],
                function=FunctionCall(name=call["name"], arguments=call["arguments"]),
            )
            for _, call in sorted(self._calls.items())
        )
        reply: dict[str, Any] = {"role": "assistant", "content": whole}
        if calls:
            reply["tool_calls"] = [call.model_dump(exclude_none=True) for call in calls]
        said = [reply] if whole or calls else []
        return Answer(
            text=text,
            reasoning=reasoning,
            tool_calls=calls,
            executed_tools=ExecutedTools(tool for _, tool in sorted(self._tools.items())),
            usage=self.usage,
            timing=self._timing(ttft, wall),
            model_asked=self.model_asked or self.model,
            model_answered=answered,
            where=where,
            url=url,
            request_id=self.request_id or request_id,
            finish_reason=self.finish_reason,
            stopped=stopped,
            messages=[*self._messages, *said],
            annotations=list(self._annotations),
            refusal=self.refusal or None,
            usage_breakdown=self.usage_breakdown,
            response_format=self.response_format,
            record=None if stopped else record,
            form=self.form,
        )

    def _timing(self, ttft: float | None, wall: float | None) -> Timing:
        usage = self.usage or Usage()
        spent = usage.completion_time
        if not spent and wall is not None:
            spent = wall - (ttft or 0.0)
        tokens = usage.completion_tokens
        # A single token comes with the prompt's time: it has no rate of its own.
        rate = tokens / spent if tokens and tokens > 1 and spent and spent > 0 else None
        return Timing(
            ttft=ttft,
            wall=wall,
            queue=usage.queue_time,
            prompt=usage.prompt_time,
            completion=usage.completion_time,
            total=usage.total_time,
            tokens_per_second=rate,
        )
