"""Runs of built-in tools in an answer, with a model that writes what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from groqnb.local.built_in_tools import BuiltInTools
from groqnb.local.chat_answer import answer, plan
from groqnb.local.chat_events import ChatEvent, Done, ExecutedTool, ReasoningDelta, TextDelta
from groqnb.local.chat_request import read_request
from groqnb.local.parts import completion
from groqnb.local.parts.built_in import BuiltIn, Outcome, Settings


class Interpreter(BuiltIn):
    """Runs nothing: code with "wrong" in it fails."""

    name, type, description, language = "code_interpreter", "python", "calculate", "python"
    parameters: dict[str, Any] = {"type": "object"}  # noqa: RUF012

    async def run(self, arguments: Any, settings: Settings) -> Outcome:
        if "wrong" in arguments["code"]:
            return Outcome("Traceback\nNameError: wrong", failed=True)
        return Outcome("42", [{"text": "42"}])


class Model:
    """Says `texts`, one a pass."""

    name, unasked_tokens = "fake", 512

    def __init__(self, *texts: str) -> None:
        self._texts = list(texts)
        self.router = self
        self.built_in = BuiltInTools()
        self.built_in._made["code_interpreter"] = Interpreter()

    def choose(self, _message: str, among: Sequence[Any], *, least: int = 0) -> list[int]:
        return [[each.name for each in among].index("code_interpreter")]

    async def ready(self) -> None:
        return None

    async def prompt(self, _turns: Any, _prefill: str = "") -> completion.Prompt:
        return completion.Prompt("", 10)

    async def complete(self, _prompt: Any, _how: Any) -> AsyncGenerator[Any, None]:
        yield self._texts.pop(0)
        yield completion.Done("stop", 10, 0, 5, 0.0, 0.0, 0.0)


def events(model: Any, name: str = "openai/gpt-oss-20b") -> list[ChatEvent]:
    body: dict[str, Any] = {"model": name, "messages": [{"role": "user", "content": "6 * 7?"}]}
    if name.startswith("openai/"):
        body |= {"tools": [{"type": "code_interpreter"}], "tool_choice": "required"}
    request = read_request(body, "fake")

    async def all_of() -> list[ChatEvent]:
        return [event async for event in answer(request, model, await plan(request, model))]

    return asyncio.run(all_of())


def of(kind: type[Any], found: list[ChatEvent]) -> list[Any]:
    return [event for event in found if isinstance(event, kind)]


def test_code_that_fails_is_written_once_more() -> None:
    """Both runs are listed; every pass counts."""
    found = events(Model("wrong", "6 * 7", "It is 42."))
    assert [tool.output for tool in of(ExecutedTool, found)] == [
        "Traceback\nNameError: wrong",
        "42",
    ]
    assert [event.text for event in of(TextDelta, found)] == ["It is 42."]
    (done,) = of(Done, found)
    assert (done.usage["prompt_tokens"], done.usage["completion_tokens"]) == (30, 15)


@pytest.mark.parametrize(("name", "listed"), [("groq/compound", 2), ("groq/compound-mini", 1)])
def test_what_cannot_be_mended_is_told(name: str, listed: int) -> None:
    """Without a pass that could make a result up; where one run is all, one is listed."""
    found = events(Model("wrong", "wrong again"), name)
    tools = of(ExecutedTool, found)
    assert [tool.index for tool in tools] == list(range(listed))
    (text,) = of(TextDelta, found)
    assert text.text.startswith("I have no computed result")
    assert text.text.endswith("NameError: wrong")
    assert len(of(ReasoningDelta, found)) == 2
