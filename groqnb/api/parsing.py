"""Typed answers: a schema where the model keeps to one, else JSON object mode and one repair.

Docs: "Structured Outputs"; "JSON Object Mode" for all other models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from groqnb import catalog
from groqnb.types.answer_type import AnswerType, answer_type
from groqnb.types.errors import ParameterError, ResponseError
from groqnb.types.parsed import ParsedChatCompletion
from groqnb.wire.call import Call

if TYPE_CHECKING:
    from groqnb.wire.sender import Plan

__all__ = ["check_parsing", "parse_plan", "takes_schema"]


def takes_schema(model: str) -> bool:
    """Whether a model keeps its answers to a schema; models unknown to the catalogue may.

    >>> takes_schema("llama-3.1-8b-instant")
    False
    """
    info = catalog.find(model)
    return info is None or bool(info.capabilities.get("structured_outputs"))


def check_parsing(params: Mapping[str, Any]) -> None:
    """Raise ParameterError for what structured outputs exclude."""
    for name, what in (("stream", "Streaming"), ("tools", "Tools")):
        if params.get(name):
            raise ParameterError(
                f"{what} and typed answers exclude each other.",
                hint=f"Leave `{name}` out, or use create(...) without response_format.",
            )
    if (params.get("n") or 1) != 1:
        raise ParameterError("A typed answer is one answer: n may be 1 only.")


def parse_plan(
    call: Call[Any], kind: Any, *, repair: bool = True
) -> Plan[ParsedChatCompletion[Any]]:
    """The calls that get an answer of the type `kind`; for a sender's `follow`.

    An answer that does not fit is shown to the model once more, with what is wrong with it.
    Raises ResponseError when it does not fit then either, or was cut off.
    """
    form = answer_type(kind)
    body = dict(call.body or {})
    by_schema = takes_schema(body["model"])
    if by_schema:
        body["response_format"] = form.response_format
    else:
        body["response_format"] = {"type": "json_object"}
        body["messages"] = [{"role": "system", "content": form.instruction}, *body["messages"]]
    reply: ParsedChatCompletion[Any] = yield replace(call, body=body, reply=ParsedChatCompletion)
    repaired = False
    try:
        value = _read(reply, form)
    except _Misfit as misfit:
        if not repair:
            raise misfit.error from None
        repaired = True
        reply = yield replace(
            call, body={**body, "messages": _again(body, misfit)}, reply=ParsedChatCompletion
        )
        try:
            value = _read(reply, form)
        except _Misfit as second:
            second.error.hint = "It was asked for twice. A larger model may do it."
            raise second.error from None
    return reply.with_outcome(value, form.changes, repaired, by_schema)


class _Misfit(Exception):
    """A whole answer that does not fit."""

    def __init__(self, text: str, error: ResponseError) -> None:
        self.text = text
        self.error = error


def _read(reply: ParsedChatCompletion[Any], form: AnswerType) -> Any:
    try:
        return _value(reply, form)
    except ResponseError as error:
        error.headers = reply.headers
        raise
    except _Misfit as misfit:
        misfit.error.headers = reply.headers
        raise


def _value(reply: ParsedChatCompletion[Any], form: AnswerType) -> Any:
    if not reply.choices:
        raise ResponseError("The reply holds no answer.", hint="Ask again.")
    choice = reply.choices[0]
    text = choice.message.content or ""
    if choice.finish_reason == "length":
        raise ResponseError(
            f"The answer was cut off before the {form.name} was whole.",
            hint="Raise max_completion_tokens.",
            body=text[:2000],
        )
    if choice.message.refusal:
        raise ResponseError(f"The model refuses: {choice.message.refusal}", body=text[:2000])
    try:
        return form.read(text)
    except ResponseError as error:
        raise _Misfit(text, error) from None


def _again(body: Mapping[str, Any], misfit: _Misfit) -> list[Any]:
    complaint = f"{misfit.error.message} Answer again, with the whole corrected JSON object only."
    return [
        *body["messages"],
        {"role": "assistant", "content": misfit.text},
        {"role": "user", "content": complaint},
    ]
