"""The caller's side of a map: rows in, outcomes out, whatever happens in between.

Rows are taken from their source in the caller's thread, for a generator may hold what belongs to
that thread. Not more of them are under way than a window, so a source without end needs no more
memory than a short one. Rows that ask the same are sent once.
"""

from __future__ import annotations

import asyncio
import contextvars
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from groqnb.client import AsyncGroq
from groqnb.mapping.engine import Engine, Item
from groqnb.mapping.interrupts import Interrupts
from groqnb.mapping.journal import CALLS, TEXT, Answer, Journal
from groqnb.mapping.keeper import Done, Keeper
from groqnb.mapping.lanes import Lane
from groqnb.mapping.limits import Limits
from groqnb.mapping.plan import Plan
from groqnb.mapping.results import RowResult, row_error
from groqnb.mapping.stored import restored
from groqnb.mapping.template import Content
from groqnb.mapping.transcripts import Transcripts
from groqnb.types.errors import GroqnbError

__all__ = ["Plan", "Row", "Rows", "Run"]

WINDOW = 4096  # rows under way, from the source to the caller
_AT_ONCE = 256  # rows taken from the source before outcomes are looked at
_MOMENT = 0.01  # s that a slow source may take of that
_LOOK = 0.05  # s between two looks at interrupts
_GRACE = 5.0  # s that rows under way have after an interrupt

Row = tuple[int, Content | GroqnbError | None]
"""A row's number and what it asks; None where there is nothing, an error where it cannot be."""
Rows = Iterable[Row | None]
"""Rows, and None where a source has none at the moment: what came before goes on meanwhile."""


class Run:
    """One run of a plan. A context manager: leaving it ends what is under way.

    Attributes:
        interrupted: True when the user stopped it.
        lanes: what the rows go through, once it has started.
    """

    def __init__(self, plan: Plan, journal: Journal) -> None:
        self.plan = plan
        self.interrupted = False
        self.lanes: list[Lane] = []
        self._journal = journal
        self._keeper = Keeper(journal)
        self._ready = threading.Event()
        self._engine: Engine | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._crash: BaseException | None = None
        self._under_way: dict[bytes, list[int]] = {}
        self._closed = False
        # Switches such as `without_waiting` hold for the thread as for the caller.
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._work,), name="groqnb-map", daemon=True
        )

    def __enter__(self) -> Run:
        self._thread.start()
        self._ready.wait()
        if self._crash is not None:
            self.close()
            raise self._crash
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def failure(self) -> GroqnbError | None:
        """What ended the map for all rows, or None."""
        return None if self._engine is None else self._engine.failure

    @property
    def broken(self) -> str:
        """Why answers are no longer written down; empty when all is well."""
        return self._keeper.broken

    # --- the thread of the event loop ---

    def _work(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001 - told in the caller's thread
            self._crash = error
        finally:
            self._ready.set()

    async def _main(self) -> None:
        plan = self.plan
        self._loop = loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        width = plan.width()
        clients = [AsyncGroq(**client._settings) for client in plan.clients]

        def lane(client: AsyncGroq, model: str) -> Lane:
            limits = Limits(model, client.target.kind, given=plan.limits, tier=plan.tier)
            lane = Lane(
                client, model, limits, plan.max_wait, plan.retries, loop.time, width.overloaded
            )
            if plan.share is not None:
                lane.share = plan.share(f"{client.target.label} {model}")
            return lane

        try:
            self.lanes = [lane(client, m) for client in clients for m in plan.question.models]
            audio = [lane(client, plan.question.audio_model) for client in clients]
            for one in audio:
                one.closes = False
            heard = Transcripts(plan.question, self._found, partial(self._keeper.put, None))
            sounds = audio if plan.audio else []
            self._engine = Engine(plan.question, self.lanes, sounds, width, self._emit, heard)
            self._ready.set()
            await self._over.wait()
            await self._engine.idle()
        finally:
            for client in clients:
                await client.close()

    def _found(self, key: bytes) -> Answer | None:
        return self._journal.find([key]).get(key)

    def _emit(self, item: Item, result: RowResult) -> None:
        answer = None
        if result.error is None:
            answer = Answer(
                item.key,
                CALLS if result.calls else TEXT,
                result.text or "",
                result.model,
                result.prompt_tokens,
                result.completion_tokens,
                result.cost,
                result.seconds,
                result.finish_reason,
                result.request_id,
                time.time(),
            )
        self._keeper.put((item.key, result), answer)

    def _call(self, act: Callable[..., object], *arguments: Any) -> None:
        """Have the loop's thread do something."""
        assert self._loop is not None
        with suppress(RuntimeError):  # its loop is closed: nothing is left to be done there
            self._loop.call_soon_threadsafe(act, *arguments)

    # --- the caller's thread ---

    def outcomes(
        self, rows: Rows, interrupts: Interrupts, *, window: int = WINDOW
    ) -> Iterator[list[RowResult]]:
        """Groups of outcomes, in the order in which rows finish; rows without a question too.

        Ends when every row has come out, or, after an interrupt, every row that was taken in.
        """
        source = iter(rows)
        more, out = True, 0
        deadline: float | None = None
        while True:
            came: list[RowResult] = []
            took = 0
            if more and out < window and not self._stopping():
                more, took = self._take_in(source, min(_AT_ONCE, window - out), came, interrupts)
                out += took
            came += self._finished(wait=not took and out > len(came))
            out -= len(came)
            if came:
                yield came
            if interrupts.count and not self.interrupted:
                self.interrupted = True
                deadline = time.monotonic() + _GRACE
                self._stop()
            if deadline is not None and (time.monotonic() > deadline or interrupts.count > 1):
                self._abort()
            if out == 0 and (not more or self._stopping()):
                return
            if self._crash is not None:
                raise self._crash

    def _take_in(
        self, source: Iterator[Row | None], most: int, came: list[RowResult], interrupts: Interrupts
    ) -> tuple[bool, int]:
        """Take rows in and send those off that are new; whether there are more, and how many."""
        taken: list[tuple[int, bytes, Content]] = []
        count, more = 0, True
        until = time.monotonic() + _MOMENT
        while count < most and time.monotonic() < until:
            try:
                with interrupts.raised():
                    row = next(source)
            except StopIteration:
                more = False
                break
            except KeyboardInterrupt:
                interrupts.count = max(interrupts.count, 1)
                more = False
                break
            if row is None:
                break
            count += 1
            number, content = row
            if content is None:
                came.append(RowResult(number))
                continue
            if isinstance(content, GroqnbError):
                came.append(RowResult(number, error=row_error(content), failure=content))
                continue
            try:
                sample = number % self.plan.question.samples
                taken.append((number, *self.plan.question.key(content, sample)))
            except GroqnbError as error:
                came.append(RowResult(number, error=row_error(error), failure=error))
        self._send_off(taken, came)
        return more, count

    def _send_off(self, taken: list[tuple[int, bytes, Content]], came: list[RowResult]) -> None:
        fresh = [key for _, key, _ in taken if key not in self._under_way]
        known = self._journal.find(list(dict.fromkeys(fresh))) if fresh else {}
        items, unfit = [], []
        for number, key, content in taken:
            if key in known:
                result = restored(known[key], number, self.plan.question.judge)
                if result is not None:
                    came.append(result)
                    continue
                unfit.append(key)
            if key in self._under_way:
                self._under_way[key].append(number)
            else:
                self._under_way[key] = [number]
                items.append(Item(number, key, content))
        if unfit:
            with suppress(sqlite3.Error):  # then the answers to come are in the result only
                self._journal.drop(unfit)
        if items:
            assert self._engine is not None
            self._call(self._engine.add, items)

    def _finished(self, *, wait: bool) -> list[RowResult]:
        """What has come out, with the rows that ask the same."""
        from queue import Empty

        done: list[Done] = []
        try:
            if wait:
                done += self._keeper.done.get(timeout=_LOOK)
            while True:
                done += self._keeper.done.get_nowait()
        except Empty:
            pass
        results = []
        for key, result in done:
            results.append(result)
            doubles = self._under_way.pop(key, [])[1:]
            results += [_double(result, number) for number in doubles]
        return results

    def _stopping(self) -> bool:
        return self._engine is None or self._engine.stopping

    def _stop(self) -> None:
        if self._engine is not None:
            self._call(self._engine.stop, "The map was interrupted before this row's turn.")

    def _abort(self) -> None:
        if self._engine is not None:
            self._call(self._engine.abort)

    def close(self) -> None:
        """End what is under way, and write down what has come."""
        if self._closed:
            return
        self._closed = True
        # Whatever an impatient user interrupts here: the file is let go, for the same call again.
        try:
            if self._loop is not None and self._over is not None:
                self._abort()
                self._call(self._over.set)
            if self._thread.is_alive():
                self._thread.join()
        finally:
            try:
                self._keeper.close()
            finally:
                self._journal.close()


def _double(result: RowResult, number: int) -> RowResult:
    """The outcome of a row that asks what another one asked."""
    return replace(
        result,
        number=number,
        resumed=result.error is None,
        prompt_tokens=0,
        completion_tokens=0,
        cost=0.0,
        seconds=0.0,
    )
