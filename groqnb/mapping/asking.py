"""One row: its recordings transcribed, its pictures read, sent, judged, asked again if need be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from groqnb.catalog.cost import PricesUnreadable, cost
from groqnb.mapping.lanes import Lane
from groqnb.mapping.question import Question
from groqnb.mapping.results import RowResult
from groqnb.mapping.retrying import backoff
from groqnb.mapping.sources import part_of
from groqnb.mapping.template import Content, Picture, Sound
from groqnb.mapping.transcripts import transcribe
from groqnb.types.errors import (
    BadRequestError,
    GroqnbError,
    LocalEngineError,
    ParameterError,
    ResponseError,
)
from groqnb.wire import tap
from groqnb.wire.retry import waiting_is_off

if TYPE_CHECKING:
    from groqnb.types.chat import ChatCompletion

__all__ = ["Asked", "Hear", "Misfit", "Spent", "Unfit", "ask", "judged"]

Hear = Callable[[Sound], Awaitable[str]]
"""What a recording says."""

_ODD_REPLIES = 2  # times that a reply of no sense, or a dead engine, is asked again


@dataclass(slots=True)
class Spent:
    """What a row took so far, over all its requests."""

    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = 0.0
    seconds: float = 0.0

    def onto(self, result: RowResult) -> None:
        """Note it in a row's outcome."""
        result.model = self.model
        result.prompt_tokens = self.prompt_tokens
        result.completion_tokens = self.completion_tokens
        result.cost = self.cost
        result.seconds = self.seconds


@dataclass(slots=True)
class Asked:
    """A row's answer. `calls` says that `text` is JSON of the tool calls the model wants."""

    value: Any
    text: str
    calls: bool = False
    finish_reason: str | None = None
    request_id: str | None = None
    spent: Spent = field(default_factory=Spent)


class Misfit(GroqnbError):
    """An answer that did not fit, twice; carries what it took."""

    def __init__(self, error: GroqnbError, spent: Spent) -> None:
        super().__init__(error.message, hint=error.hint)
        self.error = error
        self.spent = spent


async def ask(
    question: Question,
    lane: Lane,
    hear: Hear,
    content: Content,
    sent: Callable[[], None],
    sample: int = 0,
) -> Asked:
    """Ask for one row in `lane`; `sent` is called when the first request goes out.

    Raises what the call raises, and Misfit for an answer that does not fit the judge's form.
    """
    spent = Spent(model=lane.model)
    if question.transcribes:
        return await _transcribe_row(lane, content, sent, spent)
    said: str | list[Any]
    if isinstance(content, str):
        said = content
    else:
        said = await _read_pieces(hear, content)
    messages = question.messages(lane.model, said)
    characters = question.characters(lane.model, content)
    try:
        return await _once(question, lane, messages, characters, sent, spent, sample)
    except Unfit as unfit:
        again, more = [*messages, *unfit.more], unfit.length
    try:
        return await _once(question, lane, again, characters + more, sent, spent, sample)
    except Unfit as unfit:
        raise Misfit(unfit.error, spent) from None


class Unfit(Exception):
    """An answer that does not fit; `more` are the messages that say so to the model."""

    def __init__(self, error: GroqnbError, text: str | None) -> None:
        self.error = error
        self.more: list[dict[str, str]] = []
        if text is not None:
            complaint = f"{error.message} Answer again, in the form that was asked for only."
            self.more = [
                {"role": "assistant", "content": text},
                {"role": "user", "content": complaint},
            ]
        self.length = sum(len(message["content"]) for message in self.more)


async def _once(
    question: Question,
    lane: Lane,
    messages: list[Any],
    characters: int,
    sent: Callable[[], None],
    spent: Spent,
    sample: int,
) -> Asked:
    estimate = lane.estimate(characters, question.bound)
    call = question.call(lane.model, messages, lane.policy, sample)
    recorded = tap.answers(call, lane.where, lane.client.target.secret)
    if not recorded:
        await lane.turn(estimate)
    sent()
    began = lane.clock()
    try:
        reply: ChatCompletion = await _send(lane, call)
    except BadRequestError as error:
        # The server held the answer against the schema, and found that it does not fit.
        if question.judge.checks and error.code == "json_validate_failed":
            raise Unfit(error, None) from None
        raise
    finally:
        spent.seconds += lane.clock() - began
    if not recorded:
        lane.answered(characters, estimate, reply.usage, reply.headers)
    _note(spent, lane, reply)
    return judged(question, reply, spent)


async def _send(lane: Lane, call: Any) -> Any:
    """Send, and again where the reply makes no sense: that passes, as a broken line does."""
    for attempt in range(_ODD_REPLIES + 1):
        try:
            return await lane.client._sender.send(call)
        except (ResponseError, LocalEngineError) as error:
            gone = isinstance(error, LocalEngineError) and (error.log_tail or not lane.answers)
            if attempt == _ODD_REPLIES or gone:
                raise
            now = lane.clock()
            wait = lane.again(now + backoff(attempt)) - now
            if not waiting_is_off():
                await asyncio.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def judged(question: Question, reply: ChatCompletion, spent: Spent) -> Asked:
    if not reply.choices:
        raise ResponseError("The reply holds no answer.")
    choice = reply.choices[0]
    message = choice.message
    text = message.content or ""
    if message.tool_calls and not (text and question.judge.checks):
        calls = [
            {"id": one.id, "name": one.function.name, "arguments": one.function.arguments}
            for one in message.tool_calls
        ]
        return Asked(calls, json.dumps(calls), True, choice.finish_reason, reply.request_id, spent)
    if choice.finish_reason == "length" and not text.strip():
        # Of an error only the message stands beside its row.
        what = "The answer was cut off before its first word: raise max_completion_tokens"
        raise Misfit(ResponseError(f"{what} (reasoning takes of them too)."), spent)
    try:
        value = question.judge.read(text)
    except ResponseError as misfit:
        if choice.finish_reason != "length":
            raise Unfit(misfit, text) from None
        cut = ResponseError(
            "The answer was cut off before it was whole: raise max_completion_tokens.",
            body=text[:2000],
        )
        raise Misfit(cut, spent) from None
    return Asked(value, text, False, choice.finish_reason, reply.request_id, spent)


def _note(spent: Spent, lane: Lane, reply: ChatCompletion) -> None:
    usage = reply.usage
    if usage is None:
        spent.cost = 0.0 if lane.where == "local" else None
        return
    spent.prompt_tokens += usage.prompt_tokens
    spent.completion_tokens += usage.completion_tokens
    if lane.where == "local":
        return
    found = None
    if lane.where == "cloud":
        details = usage.prompt_tokens_details or {}
        try:
            found = cost(
                lane.model,
                prompt_tokens=usage.prompt_tokens,
                completion_tokens=usage.completion_tokens,
                cached_tokens=details.get("cached_tokens") or 0,
            )
        except PricesUnreadable:
            found = None
    spent.cost = None if found is None or spent.cost is None else spent.cost + found.usd


# --- pictures and recordings ---


async def _read_pieces(hear: Hear, content: list[str | Picture | Sound]) -> str | list[Any]:
    """The content of a message: text alone, or parts where there are pictures."""
    parts: list[Any] = []
    for piece in content:
        if isinstance(piece, Picture):
            # Reading and shrinking take long: other rows go on meanwhile.
            parts.append(await asyncio.to_thread(part_of, piece))
            continue
        text = piece if isinstance(piece, str) else await hear(piece)
        if parts and parts[-1]["type"] == "text":
            parts[-1]["text"] += text
        else:
            parts.append({"type": "text", "text": text})
    if len(parts) == 1 and parts[0]["type"] == "text":
        only: str = parts[0]["text"]
        return only
    return parts


async def _transcribe_row(
    lane: Lane, content: Content, sent: Callable[[], None], spent: Spent
) -> Asked:
    sounds = [piece for piece in content if isinstance(piece, Sound)]
    if len(sounds) != 1 or any(isinstance(p, str) and p.strip() for p in content if p != sounds[0]):
        raise ParameterError(
            f"{lane.model} writes down recordings, and answers nothing.",
            hint='Its prompt is the recording alone, as in "{clip:audio}".',
        )
    sent()
    began = lane.clock()
    text = await transcribe(lane, sounds[0])
    spent.seconds = lane.clock() - began
    spent.cost = 0.0 if lane.where == "local" else None
    return Asked(text, text, spent=spent, finish_reason="stop")
