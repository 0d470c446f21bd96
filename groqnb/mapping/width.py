"""How many requests are under way at once: as many as help, fewer when the server is overloaded.

It begins narrow and doubles while that brings more answers a second; where more brings nothing,
it goes back. A sign of overload (429 without a known limit, 498, 503, a timeout) takes a third
off, once a second at most, and from there it grows by one a round.
"""

from __future__ import annotations

__all__ = ["Width"]

_START = 4
_LEAST_ROUND = 16  # answers: fewer tell too little
_HELPS = 1.1  # more answers a second than this of the last round's: doubling helped
_CUT = 0.7
_ONE_SIGN = 1.0  # s in which many refusals are one sign
_ROUNDS_BEFORE_RETRY = 20


class Width:
    """The number of requests that may be under way. `most` bounds it; `fixed` keeps it there.

    ```python
    >>> width = Width(most=64, fixed=True)
    >>> width.now
    64

    ```
    """

    def __init__(self, most: int, *, fixed: bool = False) -> None:
        self.most = most
        self.fixed = fixed
        self.now = most if fixed else min(most, _START)
        self._doubling = True
        self._best = 0.0
        self._before = self.now
        self._answers = 0
        self._began: float | None = None
        self._cut_at = float("-inf")
        self._quiet = 0

    def answered(self, at: float, *, paced: bool) -> None:
        """An answer came; `paced` says that the limits, not this, hold requests back."""
        if self.fixed or self.now >= self.most:
            return
        if self._began is None or paced:
            # A round in which limits set the pace tells nothing about the server.
            self._began, self._answers = at, 0
            return
        self._answers += 1
        if self._answers < max(self.now, _LEAST_ROUND):
            return
        spent = at - self._began
        rate = self._answers / spent if spent > 0 else float("inf")
        self._began, self._answers = at, 0
        self._turn(rate)

    def _turn(self, rate: float) -> None:
        """A round is over, with so many answers a second."""
        if self._quiet:
            self._quiet -= 1
            self._best = rate
            return
        if self._doubling:
            if self._best and rate < self._best * _HELPS:
                self.now, self._doubling = self._before, False
                self._quiet = _ROUNDS_BEFORE_RETRY
                return
            self._best, self._before = rate, self.now
            self.now = min(self.most, self.now * 2)
        elif rate < self._best:
            self.now = max(1, self.now - 1)
            self._quiet = _ROUNDS_BEFORE_RETRY
        else:
            self._best = rate
            self.now = min(self.most, self.now + 1)

    def overloaded(self, at: float) -> None:
        """A request met an overloaded server."""
        if self.fixed or at < self._cut_at + _ONE_SIGN:
            return
        self._cut_at = at
        self.now = max(1, int(self.now * _CUT))
        self._doubling = False
        self._best = 0.0
        self._began = None
        self._quiet = 1
