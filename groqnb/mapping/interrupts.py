"""Ctrl-C while a map runs: a wish that is looked at between two steps, never in the middle of one.

An exception that may come between any two instructions could lose a row between "taken out here"
and "put in there". So during a map the signal only counts; where code of the user's runs (their
generator, their loop), it is raised as always.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interrupts"]

_PATIENCE = 3  # the third one is raised, wherever it is


class Interrupts:
    """Counts interrupts in its `with` block; in other threads than the main one there are none.

    ```python
    with Interrupts() as interrupts:
        while not interrupts.count:
            step()
    ```
    """

    def __init__(self) -> None:
        self.count = 0
        self._raising = 0
        self._before: Any = None
        self._set = False

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            if callable(before):
                self._before = before
                signal.signal(signal.SIGINT, self._note)
                self._set = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        was, self._set = self._set, False
        here = threading.current_thread() is threading.main_thread()
        # Of two maps that are gone through side by side the first may end first: the other's
        # handler stays then, and hands on to this one, which hands on to what was before.
        if was and here and signal.getsignal(signal.SIGINT) == self._note:
            signal.signal(signal.SIGINT, self._earlier())

    def _earlier(self) -> Any:
        """The handler before this one, of those that are still wanted."""
        before = self._before
        owner = getattr(before, "__self__", None)
        return owner._earlier() if isinstance(owner, Interrupts) and not owner._set else before

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if self._raising or not self._set or self.count >= _PATIENCE:
            self._before(number, frame)

    @contextmanager
    def raised(self) -> Iterator[None]:
        """In this block an interrupt is raised as KeyboardInterrupt: the user's code runs."""
        self._raising += 1
        try:
            yield
        finally:
            self._raising -= 1
