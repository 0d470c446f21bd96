"""Following a plan of turns, and telling of each event; and the same, awaited."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import aclosing, closing, contextmanager
from typing import TYPE_CHECKING

from groqnb.tools.calling import Confirm, Step, each_step
from groqnb.tools.events import CallAsked, RoundEnded, ToolEvent
from groqnb.tools.turns import AskModel, CallTools, Plan, ToolRun
from groqnb.types.errors import GroqnbError

if TYPE_CHECKING:
    from groqnb.tools.awaiting import AsyncConfirm
    from groqnb.types.answer import Answer

__all__ = ["Ask", "AsyncAsk", "follow", "follow_awaited"]

Ask = Callable[[AskModel], Generator[ToolEvent, None, None]]
"""Makes one call; its last event is the RoundEnded with the answer."""
AsyncAsk = Callable[[AskModel], AsyncGenerator[ToolEvent, None]]


def follow(
    plan: Plan, run: ToolRun, ask: Ask, confirm: Confirm | None
) -> Generator[ToolEvent, None, None]:
    """Do what the plan wants; `run` has what came, whatever ends it."""
    with _watched(plan, run):
        wanted = _next(plan, None)
        while wanted is not None:
            if isinstance(wanted, CallTools):
                yield from _asked(wanted)
                kept = _Kept(run)
                for index, step in each_step(
                    wanted.calls, wanted.tools, round=wanted.round, confirm=confirm
                ):
                    yield kept.add(index, step)
                wanted = _next(plan, kept.all)
                continue
            ended = None
            with closing(ask(wanted)) as answering:
                for event in answering:
                    if isinstance(event, RoundEnded):
                        ended = event
                    else:
                        yield event
            assert ended is not None
            # The run has the answer before anybody hears of it.
            wanted = _next(plan, ended.answer)
            yield ended


async def follow_awaited(
    plan: Plan, run: ToolRun, ask: AsyncAsk, confirm: AsyncConfirm | None
) -> AsyncGenerator[ToolEvent, None]:
    """`follow`, awaited."""
    from groqnb.tools.awaiting import each_step_awaited

    with _watched(plan, run):
        wanted = _next(plan, None)
        while wanted is not None:
            if isinstance(wanted, CallTools):
                for asked in _asked(wanted):
                    yield asked
                kept = _Kept(run)
                steps = each_step_awaited(
                    wanted.calls, wanted.tools, round=wanted.round, confirm=confirm
                )
                async with aclosing(steps):
                    async for index, step in steps:
                        yield kept.add(index, step)
                wanted = _next(plan, kept.all)
                continue
            ended = None
            async with aclosing(ask(wanted)) as answering:
                async for event in answering:
                    if isinstance(event, RoundEnded):
                        ended = event
                    else:
                        yield event
            assert ended is not None
            wanted = _next(plan, ended.answer)
            yield ended


class _Kept:
    """The steps of a turn: the run has each as it comes, in the order of the calls."""

    def __init__(self, run: ToolRun) -> None:
        self._run = run
        self._before = len(run.steps)
        self._found: dict[int, Step] = {}

    def add(self, index: int, step: Step) -> Step:
        self._found[index] = step
        self._run.steps[self._before :] = self.all
        return step

    @property
    def all(self) -> list[Step]:
        return [step for _, step in sorted(self._found.items())]


@contextmanager
def _watched(plan: Plan, run: ToolRun) -> Iterator[None]:
    """Notes what ends a run before its end; a failure gets what had come."""
    try:
        yield
    except GroqnbError as error:
        error.run = run
        raise
    except BaseException:
        # At the last event the plan is over, and leaving then stops nothing.
        run.stopped = run.stopped or inspect.getgeneratorstate(plan) != inspect.GEN_CLOSED
        raise


def _asked(wanted: CallTools) -> Iterator[CallAsked]:
    for call in wanted.calls:
        yield CallAsked(wanted.round, call)


def _next(plan: Plan, outcome: Answer | list[Step] | None) -> AskModel | CallTools | None:
    """What the plan wants now; None at its end."""
    try:
        return plan.send(outcome)
    except StopIteration:
        return None
