"""One budget of requests and tokens for lanes that run in several threads, processes, machines.

Each lane keeps its own time as ever, and books every request in the pool of all of them, too; the
later of both moments holds. What is known only afterwards (that an answer was longer, that a row
was sent again, that a server refused) is told with the next booking.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from groqnb.mapping.lanes import Timeline

__all__ = ["Here", "Owing", "Pace", "Pool", "Share"]

Pace = tuple[float | None, float | None]
"""Requests and tokens a second that are allowed; None where no limit is known."""


class Share(Protocol):
    """A lane's part in a pool."""

    async def book(self, tokens: float, pace: Pace) -> float:
        """Book one request of so many tokens; seconds until it may go out."""

    def owe(self, requests: float, tokens: float) -> None:
        """So much more was used than was booked, or less."""

    def close(self, seconds: float) -> None:
        """Nothing may go out for so long."""


class Pool:
    """What all lanes of one model at one server may send; safe to use from many threads.

    ```python
    >>> pool = Pool(clock=lambda: 100.0)
    >>> [pool.book(1, 50, (2.0, None), 0.0) for _ in range(3)]
    [0.0, 0.5, 1.0]

    ```
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._lines = (Timeline(), Timeline())

    def book(self, requests: float, tokens: float, pace: Pace, closed: float) -> float:
        """Book, closing the pool for `closed` seconds before; seconds until it is the turn."""
        with self._lock:
            now = self._clock()
            for line, rate in zip(self._lines, pace, strict=True):
                # Every lane hears of the limits by itself; who knows none yet takes none away.
                line.per_second = line.per_second if rate is None else rate
                if closed:
                    line.next = max(line.next, now + closed)
            start = max(line.earliest(now) for line in self._lines)
            for line, amount in zip(self._lines, (requests, tokens), strict=True):
                line.take(amount, start)
            return start - now


class Owing:
    """Keeps what is to be told with the next booking."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._requests = self._tokens = 0.0
        self._closed_until = float("-inf")

    def owe(self, requests: float, tokens: float) -> None:
        self._requests += requests
        self._tokens += tokens

    def close(self, seconds: float) -> None:
        self._closed_until = max(self._closed_until, self._clock() + seconds)

    def forget(self) -> None:
        """What was used before a limit was known counts for none."""
        self._requests = self._tokens = 0.0

    def taken(self, tokens: float) -> tuple[float, float, float]:
        """Requests, tokens and seconds closed to tell now, with one more request."""
        told = (
            1 + self._requests,
            tokens + self._tokens,
            max(0.0, self._closed_until - self._clock()),
        )
        self._requests = self._tokens = 0.0
        return told


class Here(Owing):
    """A share in a pool of this process."""

    def __init__(self, pool: Pool, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._pool = pool

    async def book(self, tokens: float, pace: Pace) -> float:
        requests, tokens, closed = self.taken(tokens)
        return self._pool.book(requests, tokens, pace, closed)
