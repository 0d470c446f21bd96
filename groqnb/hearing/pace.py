"""Requests and seconds of audio inside the limits: RPM, ASH and ASD.

The catalogue knows the limits of the free plan. A reply whose headers tell of more requests a day
than that plan has is a larger plan's, whose other limits nobody states: from then on only what the
server refuses counts, and how long it says to wait.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

from groqnb.types.rate_limit import RateLimit

__all__ = ["Pace"]

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


class Pace:
    """When the next request may go, for several threads.

    ```python
    pace = Pace({"RPM": 20, "ASH": 7200, "ASD": 28800})
    pace.book(300.0)  # 0.0: now; else the seconds to wait before asking again
    ```
    """

    def __init__(
        self, limits: Mapping[str, int | None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._limits = dict(limits)
        self._sent: deque[tuple[float, float]] = deque()  # when, and how many seconds of audio
        self._open_at = 0.0
        self._skipped = 0.0

    def book(self, seconds: float) -> float:
        """Book a request with so much audio: 0.0, or how long to wait before the next try."""
        with self._lock:
            now = self._clock() + self._skipped
            wait = max(self._open_at - now, self._wait(now, seconds))
            if wait <= 0:
                self._sent.append((now, seconds))
                return 0.0
            return wait

    def refused(self, seconds: float) -> None:
        """The server wants nothing for so many seconds; nobody asks before."""
        with self._lock:
            self._open_at = max(self._open_at, self._clock() + self._skipped + seconds)

    def skip(self, seconds: float) -> None:
        """Let time pass without waiting, where waiting is switched off."""
        with self._lock:
            self._skipped += seconds

    def learn(self, headers: Mapping[str, str]) -> None:
        """Look into a reply's headers for a plan larger than the catalogue's."""
        told, known = RateLimit.from_headers(headers), self._limits.get("RPD")
        if told is not None and told.limit_requests and known and told.limit_requests > known:
            with self._lock:
                self._limits.clear()

    def _wait(self, now: float, seconds: float) -> float:
        while self._sent and self._sent[0][0] <= now - _DAY:
            self._sent.popleft()
        wait = 0.0
        requests = self._limits.get("RPM")
        if requests:
            recent = [at for at, _ in self._sent if at > now - _MINUTE]
            if len(recent) >= requests:
                wait = recent[-requests] + _MINUTE - now
        for name, window in (("ASH", _HOUR), ("ASD", _DAY)):
            most = self._limits.get(name)
            if most:
                wait = max(wait, self._until_free(now, window, most - seconds))
        return wait

    def _until_free(self, now: float, window: float, room: float) -> float:
        """Until no more than `room` seconds of audio lie within the window."""
        used = 0.0
        for at, seconds in reversed(self._sent):
            if at <= now - window:
                break
            used += seconds
            # A piece longer than the limit alone goes when nothing else does: it cannot wait more.
            if used > max(room, 0.0):
                return at + window - now
        return 0.0
