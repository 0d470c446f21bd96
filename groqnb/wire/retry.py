"""When a call is sent again, and after how long.

Sent again: calls that got no answer, and the statuses that the documentation calls passing (429,
498, 500, 502, 503), with 408, 504 and the statuses 520 to 524 of the network in front of the API.
409 is not among them: the documentation does not know it, and a conflict does not pass by
waiting. A stream is never sent again once it has begun.

The wait grows exponentially, with jitter so that many callers do not come back at once; a
`retry-after` header is obeyed to the second. The sum of a call's waits stays under `max_wait`: a
limit that resets later is reported at once, not waited for.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from groqnb.types.errors import APIConnectionError, APIError, APIStatusError

__all__ = ["RETRIED_STATUSES", "RetryPolicy", "retry_after", "waiting_is_off", "without_waiting"]

RETRIED_STATUSES = frozenset({408, 429, 498, 500, 502, 503, 504, 520, 521, 522, 523, 524})

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 8.0

_waiting_off: ContextVar[bool] = ContextVar("groqnb_waiting_off", default=False)


@contextmanager
def without_waiting() -> Iterator[None]:
    """Inside the block retries happen at once; for tests.

    ```python
    with without_waiting():
        client.models.list()
    ```

    It holds for this thread and for the tasks started in the block.
    """
    token = _waiting_off.set(True)
    try:
        yield
    finally:
        _waiting_off.reset(token)


def waiting_is_off() -> bool:
    """True inside `without_waiting`."""
    return _waiting_off.get()


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the header `retry-after` asks to wait, as a number or an HTTP date; or None.

    ```python
    retry_after({"retry-after": "2"})  # 2.0
    ```
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = _until(text)
    # NaN and infinity are numbers to Python, and no time to wait.
    return max(seconds, 0.0) if abs(seconds) < float("inf") else None


def _until(date: str) -> float:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return float("nan")


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long; both are per call.

    Attributes:
        max_retries: how many times a call may be sent again.
        max_wait: seconds that the waits of a call may add up to.
    """

    max_retries: int = 2
    max_wait: float = 60.0

    def delay(self, error: APIError, retries: int, waited: float) -> float | None:
        """Seconds to wait before sending again, or None to give up.

        `retries` is how often the call was sent again already, `waited` how long it waited.
        """
        if retries >= self.max_retries or not _passes(error):
            return None
        asked = retry_after(error.headers) if isinstance(error, APIStatusError) else None
        if asked is None:
            longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2**retries)
            wait = longest * random.uniform(0.5, 1.0)
        else:
            wait = asked + random.uniform(0.0, min(0.25, asked * 0.1))
        return wait if waited + wait <= self.max_wait else None


def _passes(error: APIError) -> bool:
    if isinstance(error, APIStatusError):
        return error.status_code in RETRIED_STATUSES
    return isinstance(error, APIConnectionError)
