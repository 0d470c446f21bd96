"""How long a batch may still take, by what was seen of it, and no better than that."""

from __future__ import annotations

from collections import deque

__all__ = ["Pace"]

_ENOUGH = 3  # requests that were done before anything is said
_MEMORY = 900.0  # s of the past that tell of the pace now
_MOST = 200  # changes kept
_TOO_VAGUE = 6.0  # a range whose ends are further apart says nothing


class Pace:
    """The changes of how many requests are done.

    ```python
    >>> pace = Pace()
    >>> for second in (0, 10, 20, 30, 40):
    ...     pace.note(at=1000.0 + second, done=second)
    >>> low, high = pace.left(total=100, now=1040.0, began=1000.0)
    >>> round(low), round(high)
    (60, 60)

    ```
    """

    def __init__(self) -> None:
        self._changes: deque[tuple[float, int]] = deque(maxlen=_MOST)

    def note(self, at: float, done: int) -> None:
        """At a moment (in seconds) so many were done."""
        if not self._changes or done != self._changes[-1][1]:
            self._changes.append((at, done))

    def left(self, total: int, now: float, began: float | None) -> tuple[float, float] | None:
        """Seconds from `now` to the end, at least and at most; None where nobody can tell.

        The paces are those of late and since the batch began: where they differ, so do the ends.
        With a pause, the second one grows.
        """
        if not self._changes:
            return None
        done = self._changes[-1][1]
        paces = self._of_late(now)
        if began is not None and now > began:
            paces.append(done / (now - began))
        if done < _ENOUGH or total <= done or not paces or min(paces) <= 0:
            return None
        low, high = (total - done) / max(paces), (total - done) / min(paces)
        return None if high > _TOO_VAGUE * low else (low, high)

    def _of_late(self, now: float) -> list[float]:
        """Requests a second between the changes seen, and up to now."""
        seen = [each for each in self._changes if each[0] >= now - _MEMORY]
        if len(seen) < 2:
            return []
        (first, before), (last, after) = seen[0], seen[-1]
        if last <= first:
            return []
        steady = (after - before) / (last - first)
        # A step is due when as much time has passed as they took so far.
        due = last + (last - first) / (len(seen) - 1)
        return [steady] if now <= due else [steady, (after - before) / (now - first)]
