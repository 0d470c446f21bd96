"""Writes answers down in groups, in a thread of its own, and only then hands outcomes on."""

from __future__ import annotations

import threading
import time
from queue import Empty, SimpleQueue

from groqnb.mapping.journal import Answer, Journal
from groqnb.mapping.results import RowResult

__all__ = ["Done", "Keeper"]

_GROUP = 0.02  # s: a group takes in what comes meanwhile, so an fsync serves many rows

Done = tuple[bytes, RowResult]
"""A row's key and its outcome."""


class Keeper:
    """Takes outcomes from the event loop, gives them to the caller once they are on disk.

    Attributes:
        done: groups of outcomes, in the order in which they were written.
        broken: why answers are no longer written down; empty when all is well.
    """

    def __init__(self, journal: Journal) -> None:
        self.done: SimpleQueue[list[Done]] = SimpleQueue()
        self.broken = ""
        self._journal = journal
        self._come: SimpleQueue[tuple[Done | None, Answer | None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="groqnb-map-keeper", daemon=True)
        self._thread.start()

    def put(self, done: Done | None, answer: Answer | None) -> None:
        """Take an outcome, and what of it is to be kept; None: what is no row's is kept."""
        self._come.put((done, answer))

    def close(self) -> None:
        """Write what is left, and end."""
        self._come.put(None)
        self._thread.join()

    def _run(self) -> None:
        last = float("-inf")
        while (first := self._come.get()) is not None:
            wait = last + _GROUP - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            last = time.monotonic()
            group, ended = [first], False
            try:
                while (more := self._come.get_nowait()) is not None:
                    group.append(more)
                ended = True
            except Empty:
                pass
            self._write([answer for _, answer in group if answer is not None])
            self.done.put([done for done, _ in group if done is not None])
            if ended:
                return

    def _write(self, answers: list[Answer]) -> None:
        if not answers or self.broken:
            return
        try:
            self._journal.add(answers)
        except Exception as error:  # noqa: BLE001 - no outcome may be waited for in vain
            # The answers are paid for: the map goes on, and its caller is told.
            self.broken = str(error) or type(error).__name__
