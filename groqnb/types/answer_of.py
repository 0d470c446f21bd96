"""Any reply as an Answer: a chat completion, its message, or a response, whole or streamed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from groqnb.types.answer import Answer
from groqnb.types.answer_builder import AnswerBuilder
from groqnb.types.chat import ChatCompletion, Message, Usage
from groqnb.types.parsed import ParsedChatCompletion
from groqnb.types.response_events import (
    ArgumentsDelta,
    OutputItemEvent,
    ReasoningDelta,
    ResponseEvent,
    StatusEvent,
    TextDelta,
)
from groqnb.types.responses import (
    OutputFunctionCall,
    OutputItem,
    OutputMessage,
    OutputReasoning,
    OutputText,
    Response,
    ResponseUsage,
)

__all__ = ["answer_of", "complete_response", "feed_event", "where_from"]


def answer_of(source: Answer | ChatCompletion | Message | Response) -> Answer:
    """The Answer in a whole reply; of several choices, the first.

    ```python
    answer_of(client.responses.create(model="openai/gpt-oss-20b", input="Hello")).text
    ```
    """
    if isinstance(source, Answer):
        return source
    if isinstance(source, Message):
        builder = AnswerBuilder(where="")
        builder.complete_message(source)
        return builder.build()
    builder = AnswerBuilder(model=source.model, where=where_from(source.headers))
    if isinstance(source, Response):
        complete_response(builder, source)
    else:
        builder.complete(source)
    answer = builder.build(headers=source.headers)
    if isinstance(source, ParsedChatCompletion):
        answer = replace(answer, value=source.parsed)
    return answer


def where_from(headers: Mapping[str, str] | None) -> str:
    """Where a reply came from as far as its headers tell: "local", or "" for nobody knows."""
    return "local" if headers and headers.get("x-groqnb-engine") == "local" else ""


def complete_response(builder: AnswerBuilder, response: Response) -> None:
    """Give a whole response to the builder."""
    for index, item in enumerate(response.output):
        if isinstance(item, OutputReasoning):
            builder.add(reasoning=item.text)
        elif isinstance(item, OutputMessage):
            builder.add(text=item.text)
        _rest_of(builder, index, item, arguments=True)
    _end(builder, response)


def feed_event(builder: AnswerBuilder, event: ResponseEvent) -> None:
    """Give one event of a streamed response to the builder."""
    if isinstance(event, TextDelta):
        builder.add(text=event.delta)
    elif isinstance(event, ReasoningDelta):
        builder.add(reasoning=event.delta)
    elif isinstance(event, ArgumentsDelta):
        builder.add_call(event.output_index, arguments=event.delta)
    elif isinstance(event, OutputItemEvent):
        begins = event.type == "response.output_item.added"
        if begins == isinstance(event.item, OutputFunctionCall):
            _rest_of(builder, event.output_index, event.item, arguments=False)
    elif isinstance(event, StatusEvent):
        _end(builder, event.response)


def _rest_of(builder: AnswerBuilder, index: int, item: OutputItem, *, arguments: bool) -> None:
    """What is not text: a call, citations, a refusal."""
    if isinstance(item, OutputFunctionCall):
        said = item.arguments if arguments else ""
        builder.add_call(index, id=item.call_id, name=item.name, arguments=said)
    elif isinstance(item, OutputMessage):
        for part in item.content:
            if isinstance(part, OutputText):
                builder.annotate(part.annotations)
            elif part.type == "refusal":
                refused = part.model_extra.get("refusal")
                builder.refusal = refused if isinstance(refused, str) else builder.refusal


def _end(builder: AnswerBuilder, response: Response) -> None:
    builder.model = response.model or builder.model
    builder.request_id = builder.request_id or response.request_id
    if response.usage is not None:
        builder.usage = _usage(response.usage)
    wanted = (response.text or {}).get("format")
    if isinstance(wanted, Mapping):
        builder.response_format = wanted
    if response.status == "incomplete":
        details = response.incomplete_details
        reason = details.reason if details is not None else None
        builder.finish_reason = "length" if reason == "max_output_tokens" else reason
    elif response.status == "completed":
        called = any(isinstance(item, OutputFunctionCall) for item in response.output)
        builder.finish_reason = "tool_calls" if called else "stop"
    elif response.status == "failed":
        builder.finish_reason = "error"


def _usage(usage: ResponseUsage) -> Usage:
    fields: dict[str, Any] = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": usage.input_tokens_details,
        "completion_tokens_details": usage.output_tokens_details,
    }
    return Usage(**fields)
