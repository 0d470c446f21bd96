"""Carrying out what a model asks for: checked, confirmed, side by side, within their time.

Nothing that a function does ends the loop: an error is a result, which the model can mend.
"""

from __future__ import annotations

import contextvars
import inspect
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

from groqnb.tools.results import awaited, text_of
from groqnb.tools.tool import ArgumentError, Tool
from groqnb.types.chat import ToolCall
from groqnb.types.records import Records, arguments_of

__all__ = ["Confirm", "Step", "Steps", "Work", "carry_out", "each_step", "in_thread", "prepared"]

Confirm = Callable[[Tool, Mapping[str, Any]], bool]
"""Asked before a tool with effects runs: the tool, its arguments; False refuses."""

_POLL_SECONDS = 0.1
_MOST_OF_ERROR = 2000


@dataclass(frozen=True)
class Step:
    """One call of a tool.

    Attributes:
        round: the number of the model's turn that asked for it, from 1.
        id: the call's id.
        name: the tool.
        arguments: what the model gave: a dict, or text that is no JSON object.
        result: the text that the model got.
        value: what the function returned; None when it failed.
        error: what went wrong, or None.
        seconds: how long the function took.
        type: "result", among the events of a stream.
    """

    round: int
    id: str
    name: str
    arguments: Any
    result: str
    value: Any = None
    error: str | None = None
    seconds: float = 0.0
    type: ClassVar[Literal["result"]] = "result"

    @property
    def message(self) -> dict[str, Any]:
        """The message that gives the result to the model."""
        return {"role": "tool", "tool_call_id": self.id, "content": self.result}


class Steps(Records[Step]):
    """Calls of tools in the order in which the model asked: a list with `.to_frame()`."""

    _columns = (
        ("round", "Int64"),
        ("name", "object"),
        ("arguments", "object"),
        ("result", "object"),
        ("error", "object"),
        ("seconds", "Float64"),
    )


@dataclass(frozen=True)
class Work:
    """A call whose arguments fit, and what may come of it."""

    call: ToolCall
    tool: Tool
    arguments: Mapping[str, Any]
    round: int

    def run(self) -> Step:
        """Call the function, in a thread; whatever it raises is the outcome."""
        began = time.monotonic()
        try:
            value = self.tool.function(**self.arguments)
            # Not by what kind of function it is: a decorator may hide an async one.
            if inspect.iscoroutine(value) or inspect.isasyncgen(value):
                import asyncio

                value = asyncio.run(awaited(value))
            return self.done(value, began)
        except BaseException as error:  # noqa: BLE001 - SystemExit of a tool is the tool's error, too
            return self.raised(error, began)

    def done(self, value: Any, began: float) -> Step:
        """What it returned; raises where that cannot be told."""
        return Step(
            round=self.round,
            id=self.call.id,
            name=self.tool.name,
            arguments=arguments_of(self.call.function.arguments),
            result=text_of(value),
            value=value,
            seconds=time.monotonic() - began,
        )

    def raised(self, error: BaseException, began: float) -> Step:
        """What it raised."""
        said = type(error).__name__
        with suppress(Exception):  # its own text may fail, too
            said = f"{said}: {error}"[:_MOST_OF_ERROR]
        return failed(self.call, self.round, said, seconds=time.monotonic() - began)

    def refused(self) -> Step:
        """The user said no."""
        return failed(self.call, self.round, "The user did not allow this call.")

    def overdue(self) -> Step:
        """It is given up."""
        most = self.tool.timeout
        why = f"It took longer than {most:g} s, and was given up."
        return failed(self.call, self.round, why, seconds=most)


def prepared(call: ToolCall, tools: Mapping[str, Tool], round: int) -> Work | Step:
    """The call, ready to run; or why it cannot."""
    name = call.function.name
    tool = tools.get(name)
    if tool is None:
        return failed(call, round, f"There is no tool {name!r}; there are: {', '.join(tools)}.")
    try:
        return Work(call, tool, tool.arguments(call.function.arguments), round)
    except ArgumentError as error:
        return failed(call, round, f"The arguments do not fit: {error}")


def failed(call: ToolCall, round: int, why: str, *, seconds: float = 0.0) -> Step:
    """The step of a call that gave nothing."""
    return Step(
        round=round,
        id=call.id,
        name=call.function.name,
        arguments=arguments_of(call.function.arguments),
        result=text_of({"error": why}),
        error=why,
        seconds=seconds,
    )


def carry_out(
    calls: Sequence[ToolCall],
    tools: Mapping[str, Tool],
    *,
    round: int = 1,
    confirm: Confirm | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> list[Step]:
    """Carry the calls out side by side; one step for each, in their order.

    `on_step` hears of each as it ends. An interrupt is passed on; what still runs is left alone.
    """
    steps: dict[int, Step] = {}
    for index, step in each_step(calls, tools, round=round, confirm=confirm):
        steps[index] = step
        if on_step is not None:
            on_step(step)
    return [step for _, step in sorted(steps.items())]


def each_step(
    calls: Sequence[ToolCall],
    tools: Mapping[str, Tool],
    *,
    round: int = 1,
    confirm: Confirm | None = None,
) -> Iterator[tuple[int, Step]]:
    """Each call's place and step, as it ends."""
    ended: queue.SimpleQueue[tuple[int, Step]] = queue.SimpleQueue()
    # What still runs, and when each is overdue.
    running: dict[int, tuple[Work, float]] = {}
    for index, call in enumerate(calls):
        ready = prepared(call, tools, round)
        if isinstance(ready, Work) and ready.tool.effects:
            allowed = confirm is not None and confirm(ready.tool, ready.arguments)
            ready = ready if allowed else ready.refused()
        if isinstance(ready, Step):
            yield index, ready
            continue
        running[index] = ready, time.monotonic() + ready.tool.timeout
        in_thread(ready, partial(_put, ended, index))
    while running:
        try:
            # Short waits: an interrupt is heard between them on every platform.
            index, step = ended.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            now = time.monotonic()
            late = [at for at, (_, end) in running.items() if now > end]
            if not late:
                continue
            index, step = late[0], running[late[0]][0].overdue()
        if index in running:
            del running[index]
            yield index, step


def _put(ended: queue.SimpleQueue[tuple[int, Step]], index: int, step: Step) -> None:
    ended.put((index, step))


def in_thread(work: Work, ended: Callable[[Step], None]) -> None:
    """Run it in a thread of its own, which tells `ended` of the outcome."""
    # In the context of the caller, so that what the function prints lands in its cell.
    context = contextvars.copy_context()
    threading.Thread(
        target=lambda: ended(context.run(work.run)),
        name=f"groqnb-tool-{work.tool.name}",
        # One that hangs must not keep Python from ending.
        daemon=True,
    ).start()
