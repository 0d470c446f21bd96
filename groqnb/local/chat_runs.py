"""Running built-in tools for an answer: which ones, with what, and what the model reads of it.

Which tools a question needs the router says, as it does for functions. Their arguments stand in
the question, or the model writes them: code as a fenced block, everything else under a grammar.
Code that fails is written once more, with the traceback before the model's eyes; if that fails too,
the answer says so and makes nothing up.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from groqnb.local import chat_prompts as prompts
from groqnb.local.chat_events import ChatEvent, ExecutedTool, ReasoningDelta
from groqnb.local.chat_messages import Turn
from groqnb.local.chat_passes import Passes
from groqnb.local.chat_request import ChatRequest
from groqnb.local.chat_tools import Function
from groqnb.local.parts.built_in import BuiltIn, Outcome
from groqnb.local.parts.json_bounds import bounded
from groqnb.local.parts.llm import Llm, Prompt

__all__ = ["Runs", "choose_runs", "first_prompt"]

_CODE_TOKENS = 384
_ARGUMENT_TOKENS = 128
_TEMPERATURE = 0.2
# The same again would fail again.
_REPAIR_TEMPERATURE = 0.7
_MOST_TOLD = 1500
_NOTHING = "Nothing was printed. Print the result."


async def choose_runs(request: ChatRequest, llm: Llm) -> list[BuiltIn]:
    """The tools that the question asks for, in its order. Raises Refusal where one cannot work."""
    use = request.built_in
    if use is None:
        return []
    tools = [llm.built_in.get(name) for name in use.names]
    asked, _ = prompts.question(request.turns)
    chosen = [tool for tool in tools if tool.is_asked_for(asked)]
    if not chosen:
        functions = list(request.tools.functions) if request.tools is not None else []
        among = [_as_function(tool) for tool in tools] + functions
        found = await asyncio.get_running_loop().run_in_executor(
            None, lambda: llm.router.choose(asked, among, least=int(use.required))
        )
        chosen = [tools[index] for index in found if index < len(tools)]
    chosen = chosen[: use.most]
    if use.named:
        for tool in chosen:
            await tool.check()
    return chosen


async def first_prompt(request: ChatRequest, runs: Sequence[BuiltIn], llm: Llm) -> Prompt:
    """What the model reads first: it writes the first tool's arguments, or the answer."""
    asked, _ = prompts.question(request.turns)
    if runs[0].arguments_from(asked) is None:
        return await _writing_prompt(llm, request.turns, runs[0])
    return await llm.prompt(prompts.for_answer(request.turns, request.format, request.documents))


class Runs:
    """The runs of one answer. `turns` become the conversation with what they found out.

    `failure` is the answer where code failed and was not mended, or nothing was found; else None.
    """

    def __init__(self, work: Passes, runs: Sequence[BuiltIn]) -> None:
        assert work.request.built_in is not None
        self._work = work
        self._runs = runs
        self._use = work.request.built_in
        self._asked, _ = prompts.question(work.request.turns)
        self._count = 0
        self.turns: list[Turn] = list(work.request.turns)
        self.failure: str | None = None

    async def events(self) -> AsyncGenerator[ChatEvent, None]:
        """Run them all, one after the other. Raises Refusal."""
        for number, tool in enumerate(self._runs):
            arguments = tool.arguments_from(self._asked)
            if arguments is not None:
                outcome = await tool.run(arguments, self._use.settings)
                for event in self._told(tool, arguments, outcome):
                    yield event
                if outcome.failed and len(self._runs) == 1:
                    # Asked to answer all the same, a small model makes up news and weather.
                    self.failure = f"I could not look this up. {outcome.output}"
            else:
                prompt = self._work.plan.prompt if number == 0 else None
                async with aclosing(self._written(tool, prompt)) as events:
                    async for event in events:
                        yield event

    async def _written(
        self, tool: BuiltIn, prompt: Prompt | None
    ) -> AsyncGenerator[ChatEvent, None]:
        """A run of a tool whose arguments the model writes; of code there may be a second."""
        if prompt is None:
            prompt = await _writing_prompt(self._work.llm, self.turns, tool)
        arguments = await self._write(tool, prompt)
        outcome = await self._run(tool, arguments)
        if tool.language is not None and outcome.failed:
            # Where one run is all that may be, the first is told in the reasoning alone.
            left = self._use.most - self._count
            for event in self._told(tool, arguments, outcome, listed=left > 1, kept=False):
                yield event
            repair = prompts.for_repair(self.turns, tool.language, outcome.output)
            prompt = await self._work.llm.prompt(repair, prompts.code_start(tool.language))
            arguments = await self._write(tool, prompt, _REPAIR_TEMPERATURE)
            outcome = await self._run(tool, arguments)
            if outcome.failed:
                self.failure = _failure(outcome)
        for event in self._told(tool, arguments, outcome):
            yield event

    async def _run(self, tool: BuiltIn, arguments: dict[str, Any]) -> Outcome:
        outcome = await tool.run(arguments, self._use.settings)
        if tool.language is not None and not outcome.output:
            return Outcome(_NOTHING, failed=True)
        return outcome

    async def _write(
        self, tool: BuiltIn, prompt: Prompt, most_temperature: float = _TEMPERATURE
    ) -> dict[str, Any]:
        work = self._work
        left = work.tokens_left or work.llm.unasked_tokens
        temperature = min(work.request.temperature, most_temperature)
        if tool.language is not None:
            most = max(1, min(_CODE_TOKENS, left // 2))
            how = work.how(temperature=temperature, stop=("```",), max_tokens=most)
        else:
            most = max(1, min(_ARGUMENT_TOKENS, left // 2))
            schema = bounded(dict(tool.parameters), most)
            how = work.how(temperature=temperature, stop=(), max_tokens=most, schema=schema)
        text = ""
        async with aclosing(work.run(prompt, how, reasoning=True)) as pieces:
            async for piece in pieces:
                text += piece
        if tool.language is not None:
            return {"code": text.strip("\n") + "\n"}
        try:
            written = json.loads(text)
        except ValueError:
            # It was cut off: there are hardly any tokens left.
            written = {}
        return written if isinstance(written, dict) else {}

    def _told(
        self,
        tool: BuiltIn,
        arguments: dict[str, Any],
        outcome: Outcome,
        *,
        listed: bool = True,
        kept: bool = True,
    ) -> list[ChatEvent]:
        """The events of a run. `kept` puts it before the model for its answer."""
        given = json.dumps(arguments, ensure_ascii=False)
        told: list[ChatEvent] = []
        reasoning = self._work.request.reasoning
        if reasoning is None or reasoning.show != "hidden":
            inside = arguments.get("code") if tool.language is not None else given
            output = prompts.shortened(outcome.output, _MOST_TOLD)
            told.append(
                ReasoningDelta(
                    f"<tool>\n{tool.type}({inside})\n</tool>\n<output>\n{output}\n</output>\n"
                )
            )
        if listed:
            results = (outcome.code_results, outcome.search_results)
            told.append(ExecutedTool(self._count, tool.type, given, outcome.output, *results))
            self._count += 1
        if kept:
            self.turns = prompts.with_run(self.turns, tool, arguments, outcome)
        return told


async def _writing_prompt(llm: Llm, turns: Sequence[Turn], tool: BuiltIn) -> Prompt:
    if tool.language is not None:
        asked = prompts.for_code(turns, tool.language)
        return await llm.prompt(asked, prompts.code_start(tool.language))
    function = _as_function(tool)
    return await llm.prompt(
        prompts.for_calls(turns, [function]), prompts.call_start(function.name, False)
    )


def _as_function(tool: BuiltIn) -> Function:
    return Function(tool.name, tool.description, dict(tool.parameters))


def _failure(outcome: Outcome) -> str:
    last = outcome.output.strip().splitlines()[-1:] or ["it ended without a result"]
    if outcome.output == _NOTHING:
        last = ["it printed nothing"]
    return (
        "I have no computed result: the Python code that I wrote for this failed, and it failed "
        f"again after I had corrected it once. The last error was: {last[0]}"
    )
