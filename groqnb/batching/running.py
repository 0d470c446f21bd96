"""One call of a map through batches, from its rows to their outcomes.

The file of answers is locked while files are made and sent, and while results are taken in; not
while the batches run, which may take days: another kernel may look after the same ones.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from groqnb.batching.collecting import collect_shard
from groqnb.batching.making import KEY_BYTES, NO_KEY, Made, files_of, make
from groqnb.batching.offer import ask_budget, offer
from groqnb.batching.progress import Bar
from groqnb.batching.sending import Sender
from groqnb.batching.shards import COLLECTED, CREATED, FAILED, Line, Shard, Shards
from groqnb.batching.watching import ended, pause
from groqnb.mapping.engine import NOT_ASKED
from groqnb.mapping.interrupts import Interrupts
from groqnb.mapping.journal import Answer, Journal, MapRunning
from groqnb.mapping.lanes import Lane
from groqnb.mapping.options import journal_of
from groqnb.mapping.results import PENDING, RowError, RowResult, row_error
from groqnb.mapping.run import Plan, Rows
from groqnb.mapping.stored import restored
from groqnb.types import errors
from groqnb.types.errors import APIError, APIStatusError, GroqnbError

if TYPE_CHECKING:
    from groqnb.client import Groq

__all__ = ["BatchRun"]

_AT_ONCE = 500
_BUSY = 0.2  # s between two attempts to get the file of answers
_PATIENCE = 10.0  # s for which the first one is tried for


class BatchRun:
    """A run of a plan through batches, with the face of `groqnb.mapping.run.Run`.

    Attributes:
        interrupted: True when the user stopped waiting.
        failure, broken, lanes: as of a `Run`; what fails here is raised.
    """

    failure: GroqnbError | None = None
    broken = ""

    def __init__(
        self,
        plan: Plan,
        resume: bool | str | Path | None,
        *,
        shown: bool | None = None,
        say: Callable[[str], object] = print,
    ) -> None:
        from groqnb.client import Groq

        assert plan.batch is not None
        self.plan = plan
        self.interrupted = False
        self.lanes: list[Lane] = []
        self._terms = plan.batch
        self._resume = resume
        self._say = say
        self._bar = Bar(shown)
        self._client: Groq = Groq(**plan.clients[0]._settings)
        self._mine: dict[int, Shard] = {}  # the shards in which rows of this call are
        self._sending: list[Shard] = []

    def __enter__(self) -> BatchRun:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.close()
        self._client.close()

    def outcomes(self, rows: Rows, interrupts: Interrupts) -> Iterator[list[RowResult]]:
        """Groups of outcomes, in the order of the rows, once the batches have ended."""
        made = self._send(rows, interrupts)
        if not self.interrupted:
            try:
                self._watch(interrupts)
            except KeyboardInterrupt:
                self.interrupted = True
        self._bar.close()
        self._tell()
        with closing(Journal(self._path, shared=True)) as journal:
            shards = Shards(journal.writer, self.plan.question.name)
            yield from self._results(made, journal, shards)

    # --- sending ---

    def _send(self, rows: Rows, interrupts: Interrupts) -> Made:
        question = self.plan.question
        # Another kernel that takes in results has the file for moments; a map of rows has it long.
        with closing(self._journal(interrupts, _PATIENCE)) as journal:
            assert journal.path is not None
            self._path = journal.path
            shards = Shards(journal.writer, question.name)
            sender = Sender(self._client, shards, files_of(journal.path), self._sent(interrupts))
            sender.clear()
            made = make(rows, question, self._terms, journal, shards, interrupts)
            self._mine = {one.id: one for one in shards.open() if one.id in made.awaited}
            if made.interrupted:
                self.interrupted = True
                return made
            try:
                self._start(made, sender, interrupts)
            except KeyboardInterrupt:
                self.interrupted = True
            finally:
                sender.clear()  # of what was not sent nothing stays: it may be private
        return made

    def _start(self, made: Made, sender: Sender, interrupts: Interrupts) -> None:
        waiting = [shard for shard in self._mine.values() if shard.state != CREATED]
        if made.shards:
            where = self._client.target.kind
            earlier = len(self._mine) - len(made.shards)
            self._say(offer(made, earlier, self._terms.window, where))
            ask_budget(made.shards, where)
        self._sending = waiting
        for shard in waiting:
            if interrupts.count:
                raise KeyboardInterrupt
            sender.send(shard)

    def _sent(self, interrupts: Interrupts) -> Callable[[Shard, int, int], None]:
        def told(shard: Shard, done: int, total: int) -> None:
            if interrupts.count:
                raise KeyboardInterrupt
            self._bar.sending(self._sending, shard, done, total)

        return told

    # --- waiting ---

    def _watch(self, interrupts: Interrupts) -> None:
        mine = list(self._mine.values())
        wait = self._terms.wait
        for shard, batch in ended(self._client, mine, self._bar, interrupts, wait=wait):
            with closing(self._journal(interrupts, math.inf)) as journal:
                shards = Shards(journal.writer, self.plan.question.name)
                collect_shard(self._client, shard, batch, journal, shards, self.plan.question)
                shard.state = COLLECTED
        self.interrupted = interrupts.count > 0 and any(s.state != COLLECTED for s in mine)

    def _journal(self, interrupts: Interrupts, patience: float) -> Journal:
        """The file of answers, once no other kernel has it. Raises MapRunning after `patience`."""
        until = time.monotonic() + patience
        while True:
            try:
                return journal_of(self.plan, self._resume)
            except MapRunning:
                if time.monotonic() > until:
                    raise
                pause(_BUSY, interrupts)
                if interrupts.count:
                    raise KeyboardInterrupt from None

    def _tell(self) -> None:
        running = [one for one in self._mine.values() if one.state == CREATED]
        if not running:
            return
        rows = sum(one.lines for one in running)
        named = ", ".join(f"{one.batch_id} ({one.status})" for one in running[:5])
        more = f" and {len(running) - 5} more" if len(running) > 5 else ""
        self._say(
            f"{rows:,} requests are in {_count(len(running), 'batch', 'batches')} at the server: "
            f"{named}{more}. They go on by themselves; the same call, today or in another kernel, "
            "takes in what is done."
        )

    # --- outcomes ---

    def _results(self, made: Made, journal: Journal, shards: Shards) -> Iterator[list[RowResult]]:
        given: set[bytes] = set()  # answers of this run that a row has been given
        for begin in range(0, len(made.numbers), _AT_ONCE):
            numbers = made.numbers[begin : begin + _AT_ONCE]
            raw = bytes(made.keys[begin * KEY_BYTES : (begin + len(numbers)) * KEY_BYTES])
            keys = [raw[at : at + KEY_BYTES] for at in range(0, len(raw), KEY_BYTES)]
            asked = list({key for key in keys if key != NO_KEY})
            known = journal.find(asked)
            lines = shards.lines_of(asked)
            group = []
            for number, key in zip(numbers, keys, strict=True):
                if key == NO_KEY:
                    group.append(_not_sent(number, made.odd.get(number)))
                    continue
                line = lines.get(key)
                answer = known.get(key)
                result = None
                if answer is not None:
                    result = restored(answer, number, self.plan.question.judge)
                if result is None:
                    result = self._failed(number, line)
                elif line is not None and line.shard in self._mine and key not in given:
                    given.add(key)
                    result = _fresh(result, answer)
                group.append(result)
            yield group

    def _failed(self, number: int, line: Line | None) -> RowResult:
        shard = self._mine.get(line.shard) if line is not None else None
        if line is None or shard is None:
            why = "The map was interrupted before this row was sent."
            return RowResult(number, error=RowError(NOT_ASKED, why))
        if shard.state == COLLECTED and line.outcome == FAILED:
            error = RowError(line.error or "APIError", line.message or "", line.request_id)
            failure = _exception(error, line.status)
            return RowResult(number, error=error, failure=failure, model=shard.model)
        if shard.state == CREATED:
            why = f"Pending in batch {shard.batch_id} ({shard.status})."
            return RowResult(number, error=RowError(PENDING, why), model=shard.model)
        why = "The map was interrupted before this row was sent."
        return RowResult(number, error=RowError(NOT_ASKED, why))


def _not_sent(number: int, error: BaseException | None) -> RowResult:
    if error is None:
        return RowResult(number)
    return RowResult(number, error=row_error(error), failure=error)


def _fresh(result: RowResult, answer: Answer | None) -> RowResult:
    """An answer that came in this run: what it took is told."""
    assert answer is not None
    return replace(
        result,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        cost=answer.cost,
        seconds=answer.seconds,
        resumed=False,
    )


def _exception(error: RowError, status: int | None) -> GroqnbError:
    kind: Any = getattr(errors, error.type, APIError)
    if issubclass(kind, APIStatusError):
        made: GroqnbError = kind(
            error.message, status_code=status or 500, request_id=error.request_id
        )
        return made
    plain: GroqnbError = kind(error.message)
    return plain


def _count(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"
