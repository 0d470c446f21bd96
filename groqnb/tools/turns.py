"""The loop around a model and its tools as a plan: what comes next, without doing it.

A plan yields what is wanted: an answer of the model, or calls of tools. Whoever follows it sends
the outcome back; `groqnb.tools.following` does that, and does it awaited.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from groqnb import catalog
from groqnb.tools.calling import Step, Steps
from groqnb.tools.tool import Tool
from groqnb.types.answer import Answer
from groqnb.types.chat import ToolCall
from groqnb.types.errors import ParameterError

__all__ = ["MOST_ROUNDS", "AskModel", "CallTools", "Plan", "ToolRun", "parallel_for", "plan_of"]

MOST_ROUNDS = 10


@dataclass
class ToolRun:
    """What came of a question that was answered with tools.

    Attributes:
        answer: the last answer of the model.
        steps: every call of a tool; a list with `.to_frame()`.
        answers: the answers of all rounds, in order.
        messages: the whole conversation.
        stopped: True when it was interrupted; everything that had come is there.
        exhausted: True when the rounds ran out, and the model had to answer without tools.

    ```python
    run = groqnb.run_tools(tools=[weather], messages="Is it warm in Paris?")
    run.text
    run.steps.to_frame()
    ```
    """

    answers: list[Answer] = field(default_factory=list)
    steps: Steps = field(default_factory=Steps)
    messages: list[dict[str, Any]] = field(default_factory=list)
    stopped: bool = False
    exhausted: bool = False

    @property
    def answer(self) -> Answer:
        """The model's last answer."""
        return self.answers[-1] if self.answers else Answer(text="", stopped=self.stopped)

    @property
    def text(self) -> str:
        """The text of the last answer."""
        return self.answer.text

    @property
    def rounds(self) -> int:
        """How often the model was asked."""
        return len(self.answers)

    def __repr__(self) -> str:
        told = ", stopped=True" if self.stopped else ""
        return f"ToolRun({self.text[:60]!r}, rounds={self.rounds}, steps={len(self.steps)}{told})"


@dataclass(frozen=True)
class AskModel:
    """The model's turn number `round`: these messages, and the parameters that it adds."""

    round: int
    messages: list[dict[str, Any]]
    more: Mapping[str, Any]


@dataclass(frozen=True)
class CallTools:
    """The calls of a turn, and the tools there are."""

    round: int
    calls: Sequence[ToolCall]
    tools: Mapping[str, Tool]


Plan = Generator[AskModel | CallTools, Any, None]
"""Is sent the Answer to an AskModel, and the list of Steps of a CallTools."""


def plan_of(
    messages: Iterable[Mapping[str, Any]],
    tools: Sequence[Any],
    *,
    rounds: int,
    tool_choice: Any,
    parallel: bool | None,
    into: ToolRun,
) -> Plan:
    """The turns of a question with tools; `into` is filled on the way.

    `parallel` is what goes out as `parallel_tool_calls`. Calls of tools that are no functions of
    ours end it: the answer has them in `tool_calls`. Raises ParameterError at once for `rounds`
    below 1.
    """
    if rounds < 1:
        raise ParameterError(f"rounds is {rounds}; it is at least 1.")
    into.messages = [dict(message) for message in messages]
    more: dict[str, Any] = {"tools": list(tools)}
    if parallel is not None:
        more["parallel_tool_calls"] = parallel
    return _turns(into, more, rounds, tool_choice)


def _turns(run: ToolRun, more: Mapping[str, Any], rounds: int, tool_choice: Any) -> Plan:
    own = {tool.name: tool for tool in more["tools"] if isinstance(tool, Tool)}
    theirs = {
        tool["function"]["name"]
        for tool in more["tools"]
        if not isinstance(tool, Tool) and isinstance(tool.get("function"), Mapping)
    }
    while True:
        done = run.rounds
        last = done == rounds
        choice = "none" if last else tool_choice if done == 0 else None
        run.exhausted = last
        asked = {**more, **({"tool_choice": choice} if choice else {})}
        answer: Answer = yield AskModel(done + 1, run.messages, asked)
        run.answers.append(answer)
        calls = answer.tool_calls
        if not calls or last or answer.stopped or any(c.function.name in theirs for c in calls):
            run.messages = answer.messages
            run.stopped = answer.stopped
            return
        run.messages = [*answer.messages]
        steps: list[Step] = yield CallTools(run.rounds, calls, own)
        run.messages += [step.message for step in steps]


def parallel_for(model: str, given: bool | None) -> bool | None:
    """What to send as `parallel_tool_calls`; None sends nothing.

    A model that makes one call at a time is told so. Raises ParameterError, with the models that
    can, where it was asked for several.
    """
    info = catalog.find(model)
    if info is None or info.capabilities.get("parallel_tool_use", True):
        return given
    if given:
        able = [one.id for one in catalog.models() if one.capabilities.get("parallel_tool_use")]
        raise ParameterError(
            f"{info.id} makes one call at a time: parallel_tool_calls cannot be True.",
            hint=f"Leave it out, or use one of {', '.join(sorted(able))}.",
        )
    return False
