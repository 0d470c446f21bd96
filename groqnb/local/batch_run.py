"""One batch's lines, run by this engine until they are done or the run has to stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any, Protocol

from groqnb.local.batch_steps import done_lines, keep, record, refused
from groqnb.local.jsonl import Fault, read_requests
from groqnb.local.parts.seats import give_way
from groqnb.local.store import Store, new_id

__all__ = ["Answers", "Run"]

# As many as get a seat, and one that is ready when a seat is free.
_AT_ONCE = 3
_LONGEST_SLEEP = 3600.0


class Answers(Protocol):
    """What answers the requests of a batch; `Dispatch` does."""

    async def ready(self) -> None:
        """Wait until answers can be had. Raises Refusal when they never can."""

    async def answer(
        self, endpoint: str, body: dict[str, Any], request_id: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        """The status and the body of the reply."""


class Run:
    """The lines of one claimed batch. `stop(reason)` ends it early from anywhere in the loop.

    Each line's result is in the database before the next line is begun, so a batch goes on
    behind the last of them wherever it was left.
    """

    def __init__(self, store: Store, answers: Answers, batch: dict[str, Any], owner: str) -> None:
        self._store = store
        self._answers = answers
        self._batch = batch
        self._owner = owner
        self._reason: str | None = None
        self._stopped = asyncio.Event()
        self._lines: Iterator[tuple[int, dict[str, Any] | Fault]] = iter(())
        self._reading = asyncio.Lock()

    def stop(self, reason: str) -> None:
        """End it: lines that are being answered are given up."""
        if self._reason is None:
            self._reason = reason
            self._stopped.set()

    async def lines(self) -> str:
        """Run them; "completed", or the reason it stopped for. Raises Lost."""
        done = await done_lines(self._store, self._batch["id"])
        self._lines = read_requests(self._store.content(self._batch["input_file_id"]), done)
        tasks = [asyncio.create_task(self._work()) for _ in range(_AT_ONCE)]
        tasks.append(asyncio.create_task(self._expire()))
        try:
            await asyncio.gather(*tasks[:-1])
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self._reason or "completed"

    async def _expire(self) -> None:
        # The machine may sleep: the clock on the wall counts.
        while (left := self._batch["expires_at"] - time.time()) > 0:
            await asyncio.sleep(min(left, _LONGEST_SLEEP))
        self.stop("expired")

    async def _work(self) -> None:
        while not self._stopped.is_set():
            async with self._reading:
                found = await asyncio.to_thread(next, self._lines, None)
            if found is None:
                return
            number, line = found
            result = await self._result(line)
            if result is not None:
                await keep(self._store, self._batch["id"], self._owner, [(number, *result)])

    async def _result(self, line: dict[str, Any] | Fault) -> tuple[bool, bytes] | None:
        """Whether the line succeeded, and its record; None when the run was stopped meanwhile."""
        if isinstance(line, Fault):
            # It passed as a request when the file was checked; it is told here instead.
            return False, refused(line)
        request_id = new_id("req")
        answer = await self._answer(line, request_id)
        if answer is None:
            return None
        status, body = answer
        response = {"status_code": status, "request_id": request_id, "body": body}
        return status == 200, record(line["custom_id"], response, None)

    async def _answer(
        self, line: dict[str, Any], request_id: str
    ) -> tuple[int, dict[str, Any]] | None:
        stopped = asyncio.create_task(self._stopped.wait())
        try:
            while not self._stopped.is_set():
                attempt = asyncio.create_task(self._attempt(line, request_id))
                try:
                    await asyncio.wait({attempt, stopped}, return_when=asyncio.FIRST_COMPLETED)
                    if attempt.done() and not attempt.cancelled():
                        return attempt.result()
                finally:
                    attempt.cancel()
                    await asyncio.wait({attempt})
                # It gave its seat to somebody who is waiting for an answer: from the start, then.
            return None
        finally:
            stopped.cancel()

    async def _attempt(self, line: dict[str, Any], request_id: str) -> tuple[int, dict[str, Any]]:
        task = asyncio.current_task()
        assert task is not None
        left = False

        def leave() -> None:
            nonlocal left
            if not left:
                left = True
                task.cancel()

        give_way.set(leave)
        return await self._answers.answer(line["url"], line["body"], request_id)
