"""How much of a rate limit is used: a sliding window, and an allowance that flows back."""

from __future__ import annotations

import math
from collections import deque

__all__ = ["Bucket", "Limit", "Window"]


class Window:
    """What happened in the last `seconds`."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self._events: deque[tuple[float, int]] = deque()
        self._sum = 0

    def used(self, now: float) -> int:
        """How much of the limit is used."""
        while self._events and self._events[0][0] <= now - self.seconds:
            self._sum -= self._events.popleft()[1]
        return self._sum

    def add(self, now: float, count: int) -> None:
        """Count `count` in."""
        # What is over goes at once: nobody may ever ask how much is used.
        self.used(now)
        self._events.append((now, count))
        self._sum += count

    def reset(self, now: float) -> float:
        """Seconds until nothing of it is used."""
        self.used(now)
        return self._events[-1][0] + self.seconds - now if self._events else 0.0

    def wait(self, now: float, count: int) -> float:
        """Seconds until `count` more fit."""
        excess = self.used(now) + count - self.limit
        if excess <= 0:
            return 0.0
        for moment, part in self._events:
            excess -= part
            if excess <= 0:
                return moment + self.seconds - now
        return self.reset(now)


class Bucket:
    """An allowance for `seconds` that flows back evenly."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit = limit
        self.rate = limit / seconds
        self._level = 0.0
        self._at = 0.0

    def used(self, now: float) -> int:
        """How much of the limit is used."""
        self._level = max(0.0, self._level - (now - self._at) * self.rate)
        self._at = now
        return math.ceil(self._level - 1e-9)

    def add(self, now: float, count: int) -> None:
        """Count `count` in."""
        self.used(now)
        self._level += count

    def reset(self, now: float) -> float:
        """Seconds until nothing of it is used."""
        self.used(now)
        return self._level / self.rate

    def wait(self, now: float, count: int) -> float:
        """Seconds until `count` more fit."""
        self.used(now)
        return max(0.0, (self._level + count - self.limit) / self.rate)


Limit = Window | Bucket
