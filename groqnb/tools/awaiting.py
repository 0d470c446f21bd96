"""The async side of carrying out: async tools in the caller's event loop, others in threads."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from groqnb.tools.calling import Step, Work, in_thread, prepared
from groqnb.tools.results import awaited
from groqnb.tools.tool import Tool
from groqnb.types.chat import ToolCall

__all__ = ["AsyncConfirm", "each_step_awaited"]

AsyncConfirm = Callable[[Tool, Mapping[str, Any]], "bool | Awaitable[bool]"]
"""Asked before a tool with effects runs; a coroutine function may be given, too."""

# A tool that ignores that it was cancelled is not waited for longer than this.
_GRACE_SECONDS = 2.0


async def each_step_awaited(
    calls: Sequence[ToolCall],
    tools: Mapping[str, Tool],
    *,
    round: int = 1,
    confirm: AsyncConfirm | None = None,
) -> AsyncGenerator[tuple[int, Step], None]:
    """Each call's place and step, as it ends. Cancelled, it cancels the async tools, too."""
    # What still runs: its place, and when it is overdue.
    running: dict[asyncio.Task[Step], tuple[int, Work, float]] = {}
    given_up: set[asyncio.Task[Step]] = set()
    try:
        for index, call in enumerate(calls):
            ready = prepared(call, tools, round)
            if isinstance(ready, Work) and ready.tool.effects:
                allowed = confirm is not None and confirm(ready.tool, ready.arguments)
                if inspect.isawaitable(allowed):
                    allowed = await allowed
                ready = ready if allowed else ready.refused()
            if isinstance(ready, Step):
                yield index, ready
                continue
            task = asyncio.create_task(_carried(ready), name=f"groqnb-tool-{ready.tool.name}")
            running[task] = index, ready, time.monotonic() + ready.tool.timeout
        while running:
            soonest = min(end for _, _, end in running.values())
            done, _ = await asyncio.wait(
                running,
                timeout=max(0.0, soonest - time.monotonic()),
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in sorted(done, key=lambda one: running[one][0]):
                index, work, end = running.pop(task)
                yield index, _outcome(task, work, end)
            now = time.monotonic()
            for task in [one for one, (_, _, end) in running.items() if now >= end]:
                index, work, _ = running.pop(task)
                task.cancel()
                given_up.add(task)
                yield index, work.overdue()
    finally:
        left = {*running, *given_up}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=_GRACE_SECONDS)


async def _carried(work: Work) -> Step:
    if not work.tool.is_async:
        return await _threaded(work)
    began = time.monotonic()
    try:
        return work.done(await awaited(work.tool.function(**work.arguments)), began)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is the tool's error
        return work.raised(error, began)


async def _threaded(work: Work) -> Step:
    loop = asyncio.get_running_loop()
    waiting: asyncio.Future[Step] = loop.create_future()

    def settle(step: Step) -> None:
        if not waiting.done():
            waiting.set_result(step)

    def ended(step: Step) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, step)

    in_thread(work, ended)
    return await waiting


def _outcome(task: asyncio.Task[Step], work: Work, end: float) -> Step:
    if task.cancelled():
        # Nobody here did that: something inside of the tool was cancelled.
        return work.raised(asyncio.CancelledError("it was cancelled"), end - work.tool.timeout)
    return task.result()
