"""When a row is sent again: the lane's answer to the wire's question.

A rate limit is no fault of the row: it waits as long as the lane does, and is sent again until it
gets through. Failures that pass (498, 500 and above, broken connections, silence) are tried again
a few times, further and further apart, and each time at a moment that the lane has to give.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from groqnb.types.errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    RateLimitError,
)
from groqnb.types.rate_limit import RateLimit
from groqnb.wire.retry import RETRIED_STATUSES, RetryPolicy, retry_after

if TYPE_CHECKING:
    from groqnb.mapping.lanes import Lane

__all__ = ["LanePolicy", "backoff"]

_MOST_ATTEMPTS = 100
_FIRST_WAIT = 0.5  # s
_LONGEST_WAIT = 8.0  # s
_OVERLOADED = (429, 498, 503)


class LanePolicy(RetryPolicy):
    """Asked by the wire after each failure of a row in `lane`."""

    def __init__(self, lane: Lane) -> None:
        super().__init__(max_retries=_MOST_ATTEMPTS, max_wait=float("inf"))
        object.__setattr__(self, "_lane", lane)

    def delay(self, error: APIError, retries: int, waited: float) -> float | None:
        """Seconds to wait before sending again, or None to give up."""
        lane: Lane = self._lane  # type: ignore[attr-defined]
        if isinstance(error, RateLimitError):
            return self._limited(lane, error, retries)
        status = error.status_code if isinstance(error, APIStatusError) else None
        if status in _OVERLOADED or isinstance(error, APITimeoutError):
            lane.on_overload(lane.clock())
        passes = isinstance(error, APIConnectionError) or status in RETRIED_STATUSES
        if not passes or retries >= lane.retries:
            return None
        asked = retry_after(error.headers) if isinstance(error, APIStatusError) else None
        now = lane.clock()
        return lane.again(now + (backoff(retries) if asked is None else asked)) - now

    def _limited(self, lane: Lane, error: RateLimitError, retries: int) -> float | None:
        known = lane.limits.refused(error.message)
        if known:
            lane.apply()
        elif not lane.limits.per_minute:
            lane.on_overload(lane.clock())
        asked = _resets_in(error)
        if asked is None:
            asked = backoff(retries)
        elif asked > lane.max_wait:
            lane.spent = error if lane.closes else None
            return None
        now = lane.clock()
        # A little later than asked: a server counts in whole seconds, and clocks differ.
        lane.close(asked + random.uniform(0.0, min(0.25, asked * 0.1)))
        return lane.again(now) - now


def backoff(retries: int) -> float:
    """Seconds to wait before the next attempt, further apart each time, never twice the same."""
    return min(_LONGEST_WAIT, _FIRST_WAIT * 2.0**retries) * random.uniform(0.5, 1.0)


def _resets_in(error: RateLimitError) -> float | None:
    """Seconds until the limit that was reached lets something through again."""
    if error.retry_after is not None:
        return error.retry_after
    told = RateLimit.from_headers(error.headers)
    if told is not None and told.remaining_tokens == 0:
        return told.reset_tokens
    return None
