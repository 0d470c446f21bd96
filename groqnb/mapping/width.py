"""How many requests are under way at once: as many as help, fewer when the server is overloaded.

It begins narrow and doubles for as long as that brings more answers a second; where it does not,
it goes back, and tries a quarter more after a while. A sign of overload (429 without a known
limit, 498, 503, a timeout) takes a third off, once a second at most.
"""

from __future__ import annotations

__all__ = ["Width"]

_START = 4
_LEAST_ROUND = 16  # answers: fewer tell too little
_HELPS = 0.5  # of what is hoped for must come of being wider
_WIDER = 2.0
_A_LITTLE_WIDER = 1.25
_CUT = 0.7
_ONE_SIGN = 1.0  # s in which many refusals are one sign
_ROUNDS_OF_REST = 20


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
        self._step = _WIDER
        # What was before the last widening: the width, and the answers a second.
        self._before: tuple[int, float] | None = None
        self._rest = 0
        self._answers = self._paced = 0
        self._settling = 0
        self._began: float | None = None
        self._cut_at = float("-inf")

    def answered(self, at: float, *, paced: bool) -> None:
        """An answer came; `paced` says that the limits, not this, hold requests back."""
        if self.fixed:
            return
        if self._settling:
            # Answers to what was sent before the last change tell of the time before it.
            self._settling -= 1
            return
        if self._began is None:
            self._began, self._answers, self._paced = at, 0, 0
            return
        self._answers += 1
        self._paced += paced
        if self._answers < max(self.now, _LEAST_ROUND):
            return
        spent, answers, held_back = at - self._began, self._answers, self._paced
        self._began, self._answers, self._paced = at, 0, 0
        # A round in which limits set the pace tells nothing about the server.
        if held_back * 2 < answers:
            self._turn(answers / spent if spent > 0 else float("inf"))

    def _turn(self, rate: float) -> None:
        """A round is over, with so many answers a second."""
        if self._before is not None:
            width, slower = self._before
            self._before = None
            hoped = self.now / width - 1
            if rate < slower * (1 + _HELPS * hoped):
                self._set(width)
                self._step, self._rest = _A_LITTLE_WIDER, _ROUNDS_OF_REST
                return
        if self._rest:
            self._rest -= 1
        elif self.now < self.most:
            self._before = self.now, rate
            self._set(min(self.most, max(self.now + 1, int(self.now * self._step))))

    def _set(self, width: int) -> None:
        self._settling = max(self.now, width)
        self.now = width
        self._began = None

    def overloaded(self, at: float) -> None:
        """A request met an overloaded server."""
        if self.fixed or at < self._cut_at + _ONE_SIGN:
            return
        self._cut_at = at
        self._set(max(1, int(self.now * _CUT)))
        self._before, self._step, self._rest = None, _A_LITTLE_WIDER, _ROUNDS_OF_REST
