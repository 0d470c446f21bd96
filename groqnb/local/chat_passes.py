"""The passes of the local model that make one answer.

chat_answer says which passes there are; chat_runs adds those that write for built-in tools.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from groqnb.local import chat_prompts as prompts
from groqnb.local.chat_events import ChatEvent, ReasoningDelta, TextDelta
from groqnb.local.chat_messages import Turn
from groqnb.local.chat_request import ChatRequest
from groqnb.local.chat_tools import Function
from groqnb.local.chat_usage import Tally
from groqnb.local.parts import llm as runtime
from groqnb.local.parts.built_in import BuiltIn
from groqnb.local.parts.llm import Completion, Llm, Prompt
from groqnb.local.refusal import Refusal

__all__ = ["Passes", "Plan"]

_WITH_RESULTS = 0.2


@dataclass(frozen=True)
class Plan:
    """What will be done: `calls` are the functions to call, none for an answer in words.

    `turns` are the conversation with its notes, `prompt` is the first pass's. `runs` are built-in
    tools to run before the answer.
    """

    turns: Sequence[Turn]
    calls: Sequence[Function]
    prompt: Prompt
    runs: Sequence[BuiltIn] = ()


class Passes:
    """The passes of one answer, one after the other."""

    def __init__(self, request: ChatRequest, llm: Llm, made: Plan) -> None:
        self.request = request
        self.llm = llm
        self.plan = made
        self.tally = Tally(request.info, every_prompt=bool(made.runs))
        self.thoughts = ""
        self.finish_reason = "stop"

    @property
    def tokens_left(self) -> int | None:
        if self.request.max_tokens is None:
            return None
        return max(1, self.request.max_tokens - self.tally.completion_tokens)

    @property
    def _temperature(self) -> float:
        # What a tool found out is a fact: to vary it is to get it wrong.
        asked = self.request.temperature
        return min(asked, _WITH_RESULTS) if self.plan.runs else asked

    def how(self, **changes: object) -> Completion:
        request = self.request
        wanted: dict[str, object] = {
            "temperature": self._temperature,
            "top_p": request.top_p,
            "seed": request.seed,
            "stop": request.stop,
            "max_tokens": self.tokens_left,
        }
        return Completion(**{**wanted, **changes})  # type: ignore[arg-type]

    async def run(
        self, prompt: Prompt, how: Completion, *, reasoning: bool = False
    ) -> AsyncGenerator[str, None]:
        """The pieces of one pass."""
        opening = {"object": "{", "array": "["}.get((how.schema or {}).get("type", ""), "")
        async with aclosing(self.llm.complete(prompt, how)) as pieces:
            async for piece in pieces:
                if isinstance(piece, str) and opening:
                    if not piece.startswith(opening):
                        raise _no_grammar()
                    opening = ""
                if isinstance(piece, runtime.Done):
                    self.tally.add(piece, reasoning=reasoning)
                    self.finish_reason = piece.finish_reason
                else:
                    yield piece

    async def think(self) -> AsyncGenerator[ChatEvent, None]:
        wanted = self.request.reasoning
        assert wanted is not None
        most = min(wanted.tokens, (self.request.max_tokens or self.llm.unasked_tokens) // 2)
        raw = wanted.show == "raw"
        if raw:
            yield TextDelta("<think>\n")
        how = self.how(max_tokens=most, stop=())
        async with aclosing(self.run(self.plan.prompt, how, reasoning=True)) as pieces:
            async for piece in pieces:
                self.thoughts += piece
                if wanted.show != "hidden":
                    yield TextDelta(piece) if raw else ReasoningDelta(piece)
        if raw:
            yield TextDelta("\n</think>\n\n")

    async def prompt_after(self, start: str) -> Prompt:
        """The prompt of the answer, once the thoughts are there."""
        return await self.llm.prompt(prompts.after_thoughts(self.plan.turns, self.thoughts), start)


def _no_grammar() -> Refusal:
    # The runtime generates freely where it cannot compile the schema, and says so in its log only.
    return Refusal(
        400,
        "The schema could not be made into a grammar: perhaps a `pattern` contradicts a length, "
        "or its values are too many.",
        code="invalid_json_schema",
    )
