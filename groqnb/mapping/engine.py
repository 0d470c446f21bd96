"""The event loop's side: rows wait for a lane, are sent, judged, and come out with their outcome.

As many tasks as the width says take rows from a queue, so a row costs no task of its own. Every
row that goes in comes out exactly once: with its answer, its error, or as not asked.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from groqnb.mapping.asking import Asked, Misfit, ask
from groqnb.mapping.lanes import Lane
from groqnb.mapping.question import Question
from groqnb.mapping.results import RowError, RowResult, row_error
from groqnb.mapping.template import Content, Sound
from groqnb.mapping.transcripts import Transcripts
from groqnb.mapping.width import Width
from groqnb.types.errors import (
    AuthenticationError,
    BudgetError,
    GroqnbError,
    LocalEngineError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    SpendLimitError,
)

__all__ = ["NOT_ASKED", "Engine", "Item"]

NOT_ASKED = "NotAsked"

# What would meet every other row as well.
_ENDS_ALL = (AuthenticationError, NotFoundError, PermissionDeniedError, SpendLimitError)


@dataclass(slots=True, eq=False)
class Item:
    """A row on its way: its number, its key, what it asks.

    Where a row is asked several times, each is an item: `number` is the row's times the samples,
    plus the sample's.
    """

    number: int
    key: bytes
    content: Content


class Engine:
    """Works in one event loop; `emit` gets the item and outcome of every row.

    Attributes:
        stopping: True from the first call of `stop`.
        failure: what ended the map for all rows, or None.
    """

    def __init__(
        self,
        question: Question,
        lanes: list[Lane],
        audio: list[Lane],
        width: Width,
        emit: Callable[[Item, RowResult], None],
        transcripts: Transcripts | None = None,
    ) -> None:
        self.question = question
        self.lanes = lanes
        self.audio = audio
        self.width = width
        self.stopping = False
        self.failure: GroqnbError | None = None
        self._why = "The map was stopped."
        self._emit = emit
        self._transcripts = transcripts
        self._loop = asyncio.get_running_loop()
        self._pending: deque[Item] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Task[None]] = set()
        self._active = 0

    def add(self, items: Iterable[Item]) -> None:
        """Take in rows."""
        self._pending.extend(items)
        if self.stopping:
            self._give_up()
        else:
            self._spawn()

    def _spawn(self) -> None:
        while len(self._pending) > 0 and self._active < self.width.now and not self.stopping:
            self._active += 1
            task = self._loop.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        try:
            while self._pending and self._active <= self.width.now and not self.stopping:
                item = self._pending.popleft()
                result = await self._row(item)
                self._emit(item, result)
                if self._active < self.width.now:
                    self._spawn()
        finally:
            self._active -= 1
            if not self.stopping:
                self._spawn()

    async def _row(self, item: Item) -> RowResult:
        """The outcome of a row, whatever happens."""
        task = asyncio.current_task()
        assert task is not None
        try:
            while True:
                lane = self._lane(self.lanes)
                if lane is None:
                    return self._not_asked(item)
                try:
                    return await self._ask(lane, item, task)
                except RateLimitError:
                    # The lane is closed for long: another one may be open.
                    if lane.spent is None:
                        raise
                    if self._lane(self.lanes) is None:
                        self._end(lane.spent)
        except asyncio.CancelledError:
            return self._not_asked(item)
        except BudgetError as error:  # nothing was sent
            self._end(error)
            return self._not_asked(item)
        except _ENDS_ALL as error:
            self._end(error)
            return self._failed(item, error)
        except LocalEngineError as error:
            if error.log_tail or not self._any_answer():
                self._end(error)
            return self._failed(item, error)
        except Exception as error:  # noqa: BLE001 - one odd row must not end the others
            return self._failed(item, error)
        finally:
            self._waiting.discard(task)

    async def _ask(self, lane: Lane, item: Item, task: asyncio.Task[None]) -> RowResult:
        self._waiting.add(task)

        def sent() -> None:
            self._waiting.discard(task)

        sample = item.number % self.question.samples
        asked = await ask(self.question, lane, self._hear, item.content, sent, sample)
        self.width.answered(self._loop.time(), paced=lane.paced)
        return _result(item, asked)

    async def _hear(self, sound: Sound) -> str:
        audio = self._lane(self.audio)
        assert audio is not None
        assert self._transcripts is not None
        return await self._transcripts.text(audio, sound)

    @staticmethod
    def _lane(lanes: list[Lane]) -> Lane | None:
        """The lane that lets something out the soonest."""
        if len(lanes) == 1:
            return None if lanes[0].spent is not None else lanes[0]
        open_ones = [lane for lane in lanes if lane.spent is None]
        if not open_ones:
            return None
        now = open_ones[0].clock()
        return min(open_ones, key=lambda lane: lane.earliest(now))

    def _any_answer(self) -> bool:
        return any(lane.answers for lane in self.lanes)

    def _failed(self, item: Item, error: BaseException) -> RowResult:
        result = RowResult(item.number, error=row_error(error), failure=error)
        if isinstance(error, Misfit):
            result.error = row_error(error.error)
            result.failure = error.error
            error.spent.onto(result)
        return result

    def _not_asked(self, item: Item) -> RowResult:
        return RowResult(item.number, error=RowError(NOT_ASKED, self._why))

    # --- the end ---

    def _end(self, error: GroqnbError) -> None:
        """End the map for a reason that every other row would meet too."""
        if self.failure is None:
            self.failure = error
            self.stop(f"The map ended early: {error.message}")

    def stop(self, why: str = "The map was stopped.") -> None:
        """Send nothing any more; what is under way may come to its end."""
        if not self.stopping:
            self.stopping = True
            self._why = why
            self._give_up()
            for task in list(self._waiting):
                if task is not asyncio.current_task():
                    task.cancel()

    def abort(self) -> None:
        """Give up what is under way, too."""
        self.stop()
        if self._transcripts is not None:
            self._transcripts.abort()
        for task in list(self._tasks):
            task.cancel()

    def _give_up(self) -> None:
        while self._pending:
            item = self._pending.popleft()
            self._emit(item, self._not_asked(item))

    async def idle(self) -> None:
        """Wait until no row is under way."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))
        if self._transcripts is not None:
            await self._transcripts.idle()


def _result(item: Item, asked: Asked) -> RowResult:
    result = RowResult(item.number, value=asked.value, text=asked.text)
    result.calls = asked.calls
    result.finish_reason = asked.finish_reason
    result.request_id = asked.request_id
    asked.spent.onto(result)
    return result
