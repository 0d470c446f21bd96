"""Batches in the background: an engine's own, and those of engines that are gone.

It looks after batches that nobody works on: checks their files, runs their lines one batch
after the other, ends what was cancelled or has expired. With nothing to do it looks into the
database now and then, for a batch whose engine ended; without a database it does not even that.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
import traceback
from typing import Any

from groqnb.local.batch_run import Answers, Run
from groqnb.local.batch_steps import end, validate
from groqnb.local.batch_table import LEASE_SECONDS, Claims, Lost
from groqnb.local.refusal import Refusal
from groqnb.local.store import Store

__all__ = ["BatchRunner"]

# After the start the first requests have the machine for themselves.
_FIRST_LOOK_SECONDS = 1.0
_BUSY_SECONDS = 1.0
_IDLE_SECONDS = 15.0
_UNUSABLE_SECONDS = 60.0
_BEAT_SECONDS = 1.0
_RENEW_SECONDS = LEASE_SECONDS / 4

_TO_RUN = "status IN ('in_progress', 'finalizing')"
_UNFINISHED = "status IN ('validating', 'in_progress', 'finalizing', 'cancelling')"


class BatchRunner:
    """The background work of one engine on the batches in `store`."""

    def __init__(self, store: Store, answers: Answers) -> None:
        self._store = store
        self._answers = answers
        self._claims = Claims(store)
        self._runs: dict[str, Run] = {}
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._working: asyncio.Task[None] | None = None
        self._has_model = True

    def start(self) -> None:
        """Begin, in the running loop."""
        self._go(self._look_after())

    async def stop(self) -> None:
        """End at once; what is unfinished is free for the next engine."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._claims.close()

    def wake(self) -> None:
        """Look now: a batch has come, or one was cancelled."""
        self._wake.set()

    def cancel(self, batch_id: str) -> None:
        """The batch is `cancelling` now: stop its lines if they run here, and look after it."""
        if batch_id in self._runs:
            self._runs[batch_id].stop("cancelled")
        self.wake()

    def _go(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _look_after(self) -> None:
        wait = _FIRST_LOOK_SECONDS
        while True:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait)
            self._wake.clear()
            if not self._store.exists:
                wait = _IDLE_SECONDS
                continue
            try:
                wait = await self._round()
            except Exception as error:  # noqa: BLE001 — the next round may fare better
                _tell(error)
                wait = _UNUSABLE_SECONDS

    async def _round(self) -> float:
        """See to what needs it now; the seconds until the next look."""
        while (batch := await self._claims.take(_to_settle())) is not None:
            await self._with_claim(batch, self._settle(batch))
        left = await self._store.read(
            lambda db: db.execute(f"SELECT count(*) FROM batches WHERE {_UNFINISHED}").fetchone()[0]
        )
        if not left:
            return _IDLE_SECONDS
        if self._has_model and (self._working is None or self._working.done()):
            self._working = self._go(self._run_batches())
        return _BUSY_SECONDS

    async def _settle(self, batch: dict[str, Any]) -> None:
        if batch["status"] == "validating":
            await validate(self._store, batch, self._claims.owner)
        else:
            ending = "cancelled" if batch["status"] == "cancelling" else "expired"
            await end(self._store, batch, self._claims.owner, ending)

    async def _with_claim(self, batch: dict[str, Any], work: Any) -> None:
        beat = self._go(self._beat(batch["id"]))
        try:
            await work
        except Lost:
            print(f"batches: another engine has taken over {batch['id']}", file=sys.stderr)
        finally:
            beat.cancel()
            await self._claims.release(batch["id"])

    async def _run_batches(self) -> None:
        try:
            await self._answers.ready()
        except Refusal as refusal:
            # Without a model every line would fail. Another engine may have one.
            _tell(refusal)
            self._has_model = False
            return
        try:
            while (batch := await self._claims.take(_TO_RUN)) is not None:
                await self._with_claim(batch, self._run(batch))
        except Exception as error:  # noqa: BLE001 — later it may go better
            _tell(error)
            await asyncio.sleep(_UNUSABLE_SECONDS)

    async def _run(self, batch: dict[str, Any]) -> None:
        reason = "completed"
        if batch["status"] == "in_progress":
            run = Run(self._store, self._answers, batch, self._claims.owner)
            self._runs[batch["id"]] = run
            try:
                reason = await run.lines()
            finally:
                del self._runs[batch["id"]]
        if reason != "lost":
            await end(self._store, batch, self._claims.owner, reason)

    async def _beat(self, batch_id: str) -> None:
        """Renew the claim, and hear what other engines were told about the batch."""
        renewed = time.monotonic()
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            run = self._runs.get(batch_id)
            try:
                if time.monotonic() - renewed > _RENEW_SECONDS:
                    renewed = time.monotonic()
                    if not await self._claims.renew(batch_id) and run is not None:
                        run.stop("lost")
                if run is not None and await self._is_cancelling(batch_id):
                    run.stop("cancelled")
            except Refusal as refusal:
                _tell(refusal)

    async def _is_cancelling(self, batch_id: str) -> bool:
        return await self._store.read(
            lambda db: (
                db.execute(
                    "SELECT 1 FROM batches WHERE id = ? AND status = 'cancelling'", [batch_id]
                ).fetchone()
                is not None
            )
        )


def _tell(error: Exception) -> None:
    """Say in the log what went wrong: nobody waits for an answer here."""
    if isinstance(error, Refusal):
        print(f"batches: {error.message}", file=sys.stderr)
    else:
        traceback.print_exception(error, file=sys.stderr)


def _to_settle() -> str:
    now = int(time.time())
    return (
        "status IN ('validating', 'cancelling') "
        f"OR (status = 'in_progress' AND expires_at <= {now})"
    )
