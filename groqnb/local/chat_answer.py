"""How the local model answers a chat request, pass by pass.

First, where the request's model reasons, a pass of thoughts; then the answer, with the thoughts
before it. Where built-in tools are asked for they are run first instead (chat_runs). The answer is
text, JSON under a grammar, or calls of functions: which functions, the router says; their
arguments the model writes, under a grammar of their parameters.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from groqnb.local import chat_prompts as prompts
from groqnb.local import guards
from groqnb.local.chat_events import ChatEvent, Done, TextDelta, ToolCallDelta
from groqnb.local.chat_messages import Turn
from groqnb.local.chat_passes import Passes, Plan
from groqnb.local.chat_request import ChatRequest
from groqnb.local.chat_runs import Runs, choose_runs, first_prompt
from groqnb.local.chat_tools import Function, Tools
from groqnb.local.parts.json_bounds import bounded, free_object, several
from groqnb.local.parts.json_pieces import Elements
from groqnb.local.parts.llm import Llm, Prompt
from groqnb.local.refusal import Refusal
from groqnb.local.schemas import fault

__all__ = ["Plan", "answer", "plan"]

# Arguments are facts from the question: to vary them is to get them wrong.
_ARGUMENTS_TEMPERATURE = 0.2
_MOST_CALLS = 4
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


async def plan(request: ChatRequest, llm: Llm) -> Plan:
    """Decide, and make the first prompt. Raises Refusal (400, 501, 503)."""
    if guards.classifies(request):
        return Plan(request.turns, (), await guards.measure(request, llm.guard))
    await llm.ready()
    runs = await choose_runs(request, llm)
    if runs:
        return Plan(request.turns, (), await first_prompt(request, runs, llm), runs)
    calls: list[Function] = []
    if request.tools is not None:
        calls = await _choose(request.turns, request.tools, llm)
    if calls:
        assert request.tools is not None
        turns = prompts.for_calls(request.turns, request.tools.functions)
    else:
        turns = prompts.for_answer(request.turns, request.format, request.documents)
    if _thinks(request):
        prompt = await llm.prompt(prompts.for_thoughts(turns))
    else:
        prompt = await llm.prompt(turns, _start(request, calls))
    return Plan(turns, calls, prompt)


async def _choose(turns: Sequence[Turn], tools: Tools, llm: Llm) -> list[Function]:
    if tools.named:
        return [each for each in tools.functions if each.name == tools.choice]
    asked, called = prompts.question(turns)
    # What was called for this question has been called; another function may still be due.
    left = [each for each in tools.functions if each.name not in called]
    if tools.choice == "required":
        left = left or list(tools.functions)
    if not left:
        return []
    required = tools.choice == "required"
    # Without the best match, which was called, the second best would look good: all are compared.
    among = left if required else list(tools.functions)
    chosen = await asyncio.get_running_loop().run_in_executor(
        None, lambda: llm.router.choose(asked, among, least=int(required))
    )
    found = [among[index] for index in chosen if among[index].name not in called or required]
    return found if tools.parallel else found[:1]


def _thinks(request: ChatRequest) -> bool:
    # Half of the tokens at most: an answer has to follow.
    return request.reasoning is not None and (request.max_tokens or 2) >= 2


def _start(request: ChatRequest, calls: Sequence[Function]) -> str:
    if calls:
        return prompts.call_start(calls[0].name, _most_calls(request) > 1)
    # What the user began cannot be gone on with under a grammar: JSON starts anew.
    return request.prefill if request.format is None else ""


def _most_calls(request: ChatRequest) -> int:
    """How many calls of one function the question may ask for: one for each part of a list."""
    if request.tools is None or not request.tools.parallel:
        return 1
    asked, _ = prompts.question(request.turns)
    words = asked.lower().replace(",", " , ").replace(";", " , ").split()
    return min(_MOST_CALLS, 1 + sum(word in (",", "and", "und", "et", "y", "&") for word in words))


async def answer(request: ChatRequest, llm: Llm, made: Plan) -> AsyncGenerator[ChatEvent, None]:
    """The events of the answer, Done last. Raises Refusal when it cannot be finished."""
    if guards.classifies(request):
        async with aclosing(guards.classify(made.prompt, llm.guard)) as events:
            async for event in events:
                yield event
        return
    work = Passes(request, llm, made)
    prompt = made.prompt
    if made.runs:
        runs = Runs(work, made.runs)
        async with aclosing(runs.events()) as events:
            async for event in events:
                yield event
        if runs.failure is not None and request.format is None:
            yield TextDelta(runs.failure)
            yield Done("stop", work.tally.usage())
            return
        turns = prompts.for_answer(runs.turns, request.format, request.documents)
        prompt = await llm.prompt(turns, _start(request, ()))
    elif _thinks(request):
        async with aclosing(work.think()) as events:
            async for event in events:
                yield event
        prompt = await work.prompt_after(_start(request, made.calls))
    parts = _call_all(work, prompt) if made.calls else _say(work, prompt)
    async with aclosing(parts) as events:
        async for event in events:
            yield event
    usage = work.tally.usage()
    yield Done(work.finish_reason, usage)


async def _say(work: Passes, prompt: Prompt) -> AsyncGenerator[ChatEvent, None]:
    form = work.request.format
    if form is None:
        async with aclosing(work.run(prompt, work.how())) as pieces:
            async for piece in pieces:
                yield TextDelta(piece)
        return
    tokens = work.tokens_left or work.llm.unasked_tokens
    schema = free_object(tokens) if form.schema is None else bounded(form.schema, tokens)
    text = ""
    async with aclosing(work.run(prompt, work.how(schema=schema))) as pieces:
        async for piece in pieces:
            text += piece
            yield TextDelta(piece)
    wrong = fault(text, form.schema)
    if wrong is not None:
        raise Refusal(
            400,
            f"The model's answer does not match the format: {wrong}. More tokens "
            "(`max_completion_tokens`) or a simpler schema may help.",
            code="json_validate_failed",
            extra={"failed_generation": text},
        )


async def _call_all(work: Passes, prompt: Prompt) -> AsyncGenerator[ChatEvent, None]:
    several = _most_calls(work.request) > 1
    index = 0
    for number, function in enumerate(work.plan.calls):
        if number:
            start = prompts.call_start(function.name, several)
            if work.thoughts:
                prompt = await work.prompt_after(start)
            else:
                prompt = await work.llm.prompt(work.plan.turns, start)
        async with aclosing(_call(work, prompt, function, index)) as events:
            async for event in events:
                index = max(index, event.index + 1)
                yield event
    assert work.request.tools is not None
    work.finish_reason = "function_call" if work.request.tools.older else "tool_calls"


async def _call(
    work: Passes, prompt: Prompt, function: Function, index: int
) -> AsyncGenerator[ToolCallDelta, None]:
    """The calls of one function: one, or as many different ones as the model finds."""
    most = _most_calls(work.request)
    tokens = work.tokens_left or work.llm.unasked_tokens
    schema = bounded(function.parameters, tokens // most)
    how = work.how(
        schema=schema if most == 1 else several(schema, most),
        stop=(),
        temperature=min(work.request.temperature, _ARGUMENTS_TEMPERATURE),
    )
    elements = Elements()
    seen: set[str] = set()
    async with aclosing(work.run(prompt, how)) as pieces:
        async for piece in pieces:
            for number, text, whole in elements.feed(piece):
                if number == 0:
                    # The first call is told as it is written; whether a later one only repeats
                    # it is known at its end.
                    if elements.begins:
                        yield ToolCallDelta(index, _call_id(), function.name)
                    yield ToolCallDelta(index, arguments=text)
                if whole is None or whole in seen:
                    continue
                seen.add(whole)
                _check_arguments(work.request, function, whole)
                if number:
                    index += 1
                    yield ToolCallDelta(index, _call_id(), function.name, whole)
    if not seen:
        raise _failed(function, "it was cut off", elements.text)


def _check_arguments(request: ChatRequest, function: Function, text: str) -> None:
    assert request.tools is not None
    wrong = fault(text, function.parameters) if request.tools.checked else None
    if wrong is not None:
        raise _failed(function, wrong, text)


def _failed(function: Function, reason: str, text: str) -> Refusal:
    return Refusal(
        400,
        f"The model's call of `{function.name}` does not match its parameters: {reason}.",
        code="tool_use_failed",
        extra={"failed_generation": json.dumps({"name": function.name, "arguments": text})},
    )


def _call_id() -> str:
    return "call_" + "".join(secrets.choice(_ALPHABET) for _ in range(24))
