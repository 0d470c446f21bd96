"""The loop around a model and its tools: ask, carry out what it asks for, ask again."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from groqnb import catalog
from groqnb.tools.calling import Confirm, Step, Steps, carry_out
from groqnb.tools.tool import Tool, as_tools
from groqnb.types.answer import Answer
from groqnb.types.answer_builder import AnswerBuilder
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    from groqnb.client import Groq

__all__ = ["Ask", "ToolRun", "ask_the_user", "run_tools", "tool_loop"]

Ask = Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any]], Answer]
"""Makes one call: the messages, and the parameters that the round adds; gives its Answer."""

MOST_ROUNDS = 10


@dataclass
class ToolRun:
    """What came of a question that was answered with tools.

    Attributes:
        answer: the last answer of the model.
        steps: every call of a tool; a list with `.to_frame()`.
        answers: the answers of all rounds, in order.
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


def run_tools(
    client: Groq | None = None,
    *,
    messages: str | Iterable[Mapping[str, Any]],
    tools: Any,
    model: str | None = None,
    rounds: int = MOST_ROUNDS,
    confirm: Confirm | None = None,
    on_step: Callable[[Step], None] | None = None,
    **params: Any,
) -> ToolRun:
    """Ask a model, carry out the tools that it calls, and go on until it answers.

    `messages` is a text or a conversation; `tools` are functions, made tools by `groqnb.tool` or
    not yet. Calls of one turn run side by side. Bad arguments, errors and overdue calls are
    results that the model sees. After `rounds` turns the model must answer without tools.
    `confirm(tool, arguments)` is asked before a tool with effects runs; by default the user is
    asked, where there is one. `on_step` hears of each call as it ends. `params` are those of
    `client.chat.completions.create`; `tool_choice` counts for the first turn.

    An interrupt ends it and keeps what had come (`run.stopped`). Raises ParameterError for what
    is no tool, and what `create` raises.

    ```python
    def weather(city: str) -> str:
        "The weather of today."
        return "21 °C, sunny"


    run = groqnb.run_tools(messages="Is it warm in Paris?", tools=[weather])
    print(run.text)
    ```

    Docs: Tool Use.
    """
    if client is None:
        from groqnb.session import session

        client, model = session.client(), model or session.default_model
    if model is None:
        raise ParameterError("The model is missing.", hint="Name one, as in `model='...'`.")
    if params.get("stream"):
        raise ParameterError("run_tools gives whole answers: leave `stream` out.")
    asking: Groq = client
    fixed = model

    def ask(said: Sequence[Mapping[str, Any]], more: Mapping[str, Any]) -> Answer:
        given: dict[str, Any] = {**params, **more}
        reply = asking.chat.completions.create(model=fixed, messages=list(said), **given)
        builder = AnswerBuilder(model=fixed, messages=said, where=asking.target.kind)
        builder.complete(reply)
        return builder.build(headers=reply.headers)

    asked = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    return tool_loop(
        ask,
        asked,
        as_tools(tools),
        rounds=rounds,
        confirm=ask_the_user if confirm is None else confirm,
        on_step=on_step,
        tool_choice=params.pop("tool_choice", None),
        parallel=_parallel(fixed),
    )


def tool_loop(
    ask: Ask,
    messages: Iterable[Mapping[str, Any]],
    tools: Sequence[Any],
    *,
    rounds: int = MOST_ROUNDS,
    confirm: Confirm | None = None,
    on_step: Callable[[Step], None] | None = None,
    tool_choice: Any = None,
    parallel: bool | None = None,
    into: ToolRun | None = None,
) -> ToolRun:
    """The loop itself; `ask` makes the calls. See `run_tools`.

    `into` is filled on the way, so that it has what had come when a call fails.

    Calls of tools that are no functions of ours end it: the answer has them in `tool_calls`.
    """
    if rounds < 1:
        raise ParameterError(f"rounds is {rounds}; it is at least 1.")
    own = {tool.name: tool for tool in tools if isinstance(tool, Tool)}
    theirs = {
        tool["function"]["name"]
        for tool in tools
        if not isinstance(tool, Tool) and isinstance(tool.get("function"), Mapping)
    }
    run = ToolRun() if into is None else into
    run.messages = [dict(message) for message in messages]
    more: dict[str, Any] = {"tools": list(tools)}
    if parallel is False:
        more["parallel_tool_calls"] = False
    try:
        while True:
            last = run.rounds == rounds
            choice = "none" if last else tool_choice if run.rounds == 0 else None
            run.exhausted = last
            answer = ask(run.messages, {**more, **({"tool_choice": choice} if choice else {})})
            run.answers.append(answer)
            calls = answer.tool_calls
            if not calls or last or answer.stopped or any(_name(c) in theirs for c in calls):
                run.messages = answer.messages
                run.stopped = answer.stopped
                return run
            run.messages = [*answer.messages]
            steps = carry_out(calls, own, round=run.rounds, confirm=confirm, on_step=on_step)
            run.steps += steps
            run.messages += [step.message for step in steps]
    except (KeyboardInterrupt, CancelledError):
        run.stopped = True
        return run


def ask_the_user(tool: Tool, arguments: Mapping[str, Any]) -> bool:
    """Ask whether a tool with effects may run; no, where nobody can answer."""
    shown = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    try:
        said = input(f"Run {tool.name}({shown})? [y/N] ")
    except (EOFError, NotImplementedError, RuntimeError):
        return False
    return said.strip().lower() in ("y", "yes")


def _parallel(model: str) -> bool | None:
    info = catalog.find(model)
    able = info is None or info.capabilities.get("parallel_tool_use", True)
    return None if able else False


def _name(call: Any) -> str:
    return str(call.function.name)
