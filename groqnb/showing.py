"""From a call to an answer on the page: `show` for Python, `ask` for the magics."""

from __future__ import annotations

import time
from asyncio import CancelledError
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, replace
from inspect import isawaitable, iscoroutine
from typing import TYPE_CHECKING, Any, overload

from groqnb.render.message import badge
from groqnb.render.stream import (
    Painter,
    TerminalPainter,
    current_shell,
    painter,
    publish,
    shows_updates,
)
from groqnb.types.answer import Answer
from groqnb.types.answer_builder import AnswerBuilder
from groqnb.types.answer_of import answer_of, feed_event, where_from
from groqnb.types.chat import ChatCompletion, ChatCompletionChunk, Message
from groqnb.types.errors import GroqnbError
from groqnb.types.responses import Response

if TYPE_CHECKING:
    from groqnb.client import Groq
    from groqnb.conversation import Question
    from groqnb.target import Target
    from groqnb.tools.streaming import AsyncToolStream, ToolStream
    from groqnb.types.response_events import ResponseEvent
    from groqnb.wire.stream import Stream

__all__ = ["INTERRUPTS", "Asked", "ask", "show", "target_badge"]

# A cell of plain code is interrupted by the first, a cell that runs in an event loop by the second.
INTERRUPTS = (KeyboardInterrupt, CancelledError)


@dataclass(frozen=True)
class Asked:
    """How a call ended: with an answer, with an error, or with both when a stream broke."""

    answer: Answer | None
    error: GroqnbError | None = None


@overload
def show(source: AsyncToolStream) -> Awaitable[Answer]: ...
@overload
def show(
    source: Stream[ChatCompletionChunk]
    | Stream[ResponseEvent]
    | ToolStream
    | ChatCompletion
    | Message
    | Response
    | Answer,
) -> Answer: ...
def show(source: Any) -> Answer | Awaitable[Answer]:
    """Show a stream while it comes, or a whole reply; the Answer.

    It takes what chat completions and responses give, streamed or whole, a message of a chat
    completion, and a run of tools: what `run_tools(..., stream=True)` gives, and with an `await`
    before `show` what `arun_tools(..., stream=True)` gives. An interrupt ends the stream and keeps
    what had come (`answer.stopped`). Raises what iterating over the stream raises, after what had
    come was shown.

    ```python
    stream = client.chat.completions.create(model=m, messages=q, stream=True)
    answer = groqnb.show(stream)
    groqnb.show(client.responses.create(model=m, input="Hello"))
    ```
    """
    from groqnb.tools.streaming import AsyncToolStream, ToolStream

    shell = current_shell()
    if isinstance(source, AsyncToolStream):
        return _show_awaited(shell, source)
    if isinstance(source, (Answer, ChatCompletion, Message, Response)):
        answer = answer_of(source)
        _show_whole(shell, answer)
    elif isinstance(source, ToolStream):
        from groqnb.tools.painting import paint

        answer = paint(shell, source)
    else:
        answer = _show_stream(shell, source)
    return _shown(shell, answer)


async def _show_awaited(shell: Any, stream: AsyncToolStream) -> Answer:
    from groqnb.tools.painting import paint_awaited

    return _shown(shell, await paint_awaited(shell, stream))


def _shown(shell: Any, answer: Answer) -> Answer:
    if shell is not None:
        from groqnb.render import formatters

        formatters.register(shell)
        formatters.show_once(shell, answer)
    return answer


def _show_stream(shell: Any, stream: Any) -> Answer:
    if hasattr(stream, "__aiter__"):
        raise TypeError(
            "show takes a stream of Groq(); with AsyncGroq() iterate over it: async for chunk in …"
        )
    if isawaitable(stream):
        if iscoroutine(stream):
            stream.close()
        raise TypeError("show takes a reply, not what is to be awaited: show(await …)")
    if not hasattr(stream, "headers"):
        raise TypeError(
            "show takes what client.chat.completions.create and client.responses.create return,"
            f" not {type(stream).__name__}"
        )
    where, asked_for = where_from(stream.headers), getattr(stream, "request", {})
    builder = AnswerBuilder(
        model=asked_for.get("model") or "",
        messages=asked_for.get("messages") or (),
        where=where,
        response_format=asked_for.get("response_format"),
    )
    name = badge("local", stream.headers.get("x-groqnb-model", "")) if where else ""
    asked = _collect(stream, builder, painter(shell, name))
    if asked.error is not None:
        raise asked.error
    assert asked.answer is not None
    return asked.answer


def _show_whole(shell: Any, answer: Answer) -> None:
    from groqnb.render.message import answer_bundle

    if shows_updates(shell):
        publish(shell, answer_bundle(answer))
    else:
        TerminalPainter("").finish(answer)


def target_badge(target: Target) -> str:
    """Who will answer, as far as it is known before the call."""
    name = target.label
    if target.kind == "local":
        from groqnb.local import process

        engine = process.current()
        name = engine.model if engine else ""
    return badge(target.kind, name)


def _recorded_badge(error: GroqnbError) -> str | None:
    """Who refused, where a record tells: it is the same whether it was asked or replayed."""
    headers = getattr(error, "headers", {})
    where = headers.get("x-groqnb-where")
    if where is None:
        return None
    name = headers.get("x-groqnb-model" if where == "local" else "x-groqnb-server", "")
    return badge(where, name)


def ask(
    client: Groq,
    question: Question,
    shown: Painter,
    *,
    stream: bool = True,
    note: str | None = None,
) -> Asked:
    """Make the call and show its answer; `note` is added to the footer.

    Never raises for what goes wrong with the call: the magics store a partial answer first. An
    interrupt is an answer too, marked stopped.
    """
    target = client.target
    builder = question.builder(target)
    starting = "" if target.connected() else "starting the engine to ask "
    started = time.monotonic()
    try:
        shown.say(f"{starting or 'asking '}{question.model}")
        params = {"model": question.model, "messages": question.sent, **question.params}
        if question.kind is not None:
            return _typed(client, question.kind, params, builder, shown, note)
        if stream:
            params |= {"stream": True, "stream_options": {"include_usage": True}}
        reply: Any = client.chat.completions.create(**params)
    except INTERRUPTS:
        answer = builder.build(wall=time.monotonic() - started, stopped=True)
        shown.finish(answer, note)
        return Asked(answer)
    except GroqnbError as error:
        shown.badge = _recorded_badge(error) or shown.badge
        shown.fail(error, question.model)
        return Asked(None, error)
    if stream:
        shown.badge = target_badge(target)
        return _collect(reply, builder, shown, note=note, started=started)
    builder.complete(reply)
    answer = builder.build(headers=reply.headers, wall=time.monotonic() - started)
    shown.finish(answer, note)
    return Asked(answer)


def _typed(
    client: Groq,
    kind: Any,
    params: dict[str, Any],
    builder: AnswerBuilder,
    shown: Painter,
    note: str | None,
) -> Asked:
    """An answer of a type: whole, and read before it is shown."""
    started = time.monotonic()
    reply = client.chat.completions.parse(**params, response_format=kind)
    builder.response_format = {"type": "json_schema" if reply.by_schema else "json_object"}
    builder.complete(reply)
    notes = [
        "" if reply.by_schema else "JSON mode: this model keeps to no schema",
        "the second try" if reply.repaired else "",
        note or "",
    ]
    answer = builder.build(headers=reply.headers, wall=time.monotonic() - started)
    answer = replace(answer, value=reply.parsed)
    shown.finish(answer, " · ".join(filter(None, notes)) or None)
    return Asked(answer)


def _collect(
    stream: Any,
    builder: AnswerBuilder,
    shown: Painter,
    *,
    note: str | None = None,
    started: float | None = None,
) -> Asked:
    """Take a stream to its end, and show it on the way."""
    started = time.monotonic() if started is None else started
    stopped, failure = False, None
    try:
        _feed(stream, builder, shown)
    except INTERRUPTS:
        stopped = True
        stream.close()
    except GroqnbError as error:
        failure = error
    answer = builder.build(
        headers=stream.headers,
        ttft=stream.ttft,
        wall=time.monotonic() - started,
        stopped=stopped,
        request_id=stream.request_id,
    )
    if failure is not None and not (answer.text or answer.reasoning or answer.executed_tools):
        shown.badge = _recorded_badge(failure) or shown.badge
        shown.fail(failure, answer.model_asked)
        return Asked(None, failure)
    shown.finish(answer, "broken off" if failure is not None else note)
    return Asked(answer, failure)


def _feed(stream: Iterable[Any], builder: AnswerBuilder, shown: Painter) -> None:
    for chunk in stream:
        if isinstance(chunk, ChatCompletionChunk):
            builder.feed(chunk)
        else:
            feed_event(builder, chunk)
        shown.show(builder)
