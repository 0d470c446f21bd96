"""Carrying out what a model asks for: checked, confirmed, side by side, within their time.

Nothing that a function does ends the loop: an error is a result, which the model can mend.
"""

from __future__ import annotations

import contextvars
import math
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groqnb.tools.results import text_of
from groqnb.tools.tool import ArgumentError, Tool
from groqnb.types.chat import ToolCall
from groqnb.types.records import Records, arguments_of

__all__ = ["Confirm", "Step", "Steps", "carry_out"]

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
    """

    round: int
    id: str
    name: str
    arguments: Any
    result: str
    value: Any = None
    error: str | None = None
    seconds: float = 0.0

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
    steps: list[Step | None] = [None] * len(calls)
    ended: queue.SimpleQueue[tuple[int, Step]] = queue.SimpleQueue()
    # When each that still runs is overdue, and after how many seconds.
    running: dict[int, tuple[float, float]] = {}
    for index, call in enumerate(calls):
        ready = _prepared(call, tools, round, confirm)
        if isinstance(ready, Step):
            running[index] = (math.inf, math.inf)
            ended.put((index, ready))
            continue
        tool, arguments = ready
        running[index] = (time.monotonic() + tool.timeout, tool.timeout)
        # In the context of the caller, so that what the function prints lands in its cell.
        context = contextvars.copy_context()
        threading.Thread(
            target=context.run,
            args=(_work, index, call, tool, arguments, round, ended),
            name=f"groqnb-tool-{tool.name}",
            # One that hangs must not keep Python from ending.
            daemon=True,
        ).start()
    while running:
        try:
            # Short waits: an interrupt is heard between them on every platform.
            found: tuple[int, Step] | None = ended.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            found = _overdue(calls, running, round)
        if found is None or found[0] not in running:
            continue
        index, step = found
        del running[index]
        steps[index] = step
        if on_step is not None:
            on_step(step)
    return [step for step in steps if step is not None]


def _prepared(
    call: ToolCall, tools: Mapping[str, Tool], round: int, confirm: Confirm | None
) -> tuple[Tool, dict[str, Any]] | Step:
    name = call.function.name
    tool = tools.get(name)
    if tool is None:
        return _failed(call, round, f"There is no tool {name!r}; there are: {', '.join(tools)}.")
    try:
        arguments = tool.arguments(call.function.arguments)
    except ArgumentError as error:
        return _failed(call, round, f"The arguments do not fit: {error}")
    if tool.effects and not (confirm is not None and confirm(tool, arguments)):
        return _failed(call, round, "The user did not allow this call.")
    return tool, arguments


def _work(
    index: int,
    call: ToolCall,
    tool: Tool,
    arguments: dict[str, Any],
    round: int,
    ended: queue.SimpleQueue[tuple[int, Step]],
) -> None:
    began = time.monotonic()
    try:
        value = tool.function(**arguments)
        if tool.is_async:
            import asyncio

            value = asyncio.run(value)
        step = Step(
            round=round,
            id=call.id,
            name=tool.name,
            arguments=arguments_of(call.function.arguments),
            result=text_of(value),
            value=value,
            seconds=time.monotonic() - began,
        )
    except BaseException as error:  # noqa: BLE001 - SystemExit of a tool is the tool's error, too
        said = f"{type(error).__name__}: {error}"[:_MOST_OF_ERROR]
        step = _failed(call, round, said, seconds=time.monotonic() - began)
    ended.put((index, step))


def _overdue(
    calls: Sequence[ToolCall], running: Mapping[int, tuple[float, float]], round: int
) -> tuple[int, Step] | None:
    now = time.monotonic()
    for index, (end, most) in running.items():
        if now > end:
            why = f"It took longer than {most:g} s, and was given up."
            return index, _failed(calls[index], round, why, seconds=most)
    return None


def _failed(call: ToolCall, round: int, why: str, *, seconds: float = 0.0) -> Step:
    return Step(
        round=round,
        id=call.id,
        name=call.function.name,
        arguments=arguments_of(call.function.arguments),
        result=text_of({"error": why}),
        error=why,
        seconds=seconds,
    )
