"""Rate limits of each model, counted; enforced where the plan says so.

Docs: "Rate Limits". Requests and tokens a minute are counted in a window of the last 60 seconds;
a day's allowance flows back evenly, which is what the documented header values look like (30 of
14,400 requests used, full again in 3 minutes). The headers speak of requests a day and tokens a
minute, whatever else is limited.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping

from groqnb.catalog import ModelInfo
from groqnb.local.refusal import Refusal

__all__ = ["Quota", "duration"]

_DAY = 86_400.0
_MINUTE = 60.0


class _Window:
    """What happened in the last `seconds`."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self._events: deque[tuple[float, int]] = deque()
        self._sum = 0

    def used(self, now: float) -> int:
        while self._events and self._events[0][0] <= now - self.seconds:
            self._sum -= self._events.popleft()[1]
        return self._sum

    def add(self, now: float, count: int) -> None:
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


class _Bucket:
    """An allowance for `seconds` that flows back evenly."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit = limit
        self.rate = limit / seconds
        self._level = 0.0
        self._at = 0.0

    def used(self, now: float) -> int:
        self._level = max(0.0, self._level - (now - self._at) * self.rate)
        self._at = now
        return math.ceil(self._level - 1e-9)

    def add(self, now: float, count: int) -> None:
        self.used(now)
        self._level += count

    def reset(self, now: float) -> float:
        self.used(now)
        return self._level / self.rate

    def wait(self, now: float, count: int) -> float:
        self.used(now)
        return max(0.0, (self._level + count - self.limit) / self.rate)


class _Counts:
    """The four limits of one model that count requests and tokens; absent ones are left out."""

    def __init__(self, limits: Mapping[str, int | None]) -> None:
        self.requests: dict[str, _Window | _Bucket] = {}
        self.tokens: dict[str, _Window | _Bucket] = {}
        for name, group in (("RPM", self.requests), ("TPM", self.tokens)):
            if (limit := limits.get(name)) is not None:
                group[name] = _Window(limit, _MINUTE)
        for name, group in (("RPD", self.requests), ("TPD", self.tokens)):
            if (limit := limits.get(name)) is not None:
                group[name] = _Bucket(limit, _DAY)


_WORDS = {
    "RPM": "requests per minute",
    "RPD": "requests per day",
    "TPM": "tokens per minute",
    "TPD": "tokens per day",
}


class Quota:
    """Counts for every model. `enforced` makes them bite; otherwise they are only told.

    >>> from groqnb import catalog
    >>> quota = Quota(enforced=False, clock=lambda: 0.0)
    >>> quota.admit(catalog.find("llama-3.1-8b-instant"), tokens=20)
    >>> quota.headers(catalog.find("llama-3.1-8b-instant"))["x-ratelimit-reset-requests"]
    '6s'
    """

    def __init__(self, *, enforced: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self.enforced = enforced
        self._clock = clock
        self._models: dict[str, _Counts] = {}

    def _counts(self, model: ModelInfo) -> _Counts:
        if model.id not in self._models:
            self._models[model.id] = _Counts(model.limits)
        return self._models[model.id]

    def admit(self, model: ModelInfo | None, tokens: int) -> None:
        """Count a request of `tokens` prompt tokens in, or refuse it with a 429 (413).

        The local model under its own name has no limits.
        """
        if model is None:
            return
        counts, now = self._counts(model), self._clock()
        if self.enforced:
            for group, need in ((counts.requests, 1), (counts.tokens, tokens)):
                for name, limit in group.items():
                    self._check(model, name, limit, need, now)
        for limit in counts.requests.values():
            limit.add(now, 1)
        self._count_tokens(counts, tokens, now)

    def spent(self, model: ModelInfo | None, tokens: int) -> None:
        """Count the `tokens` of an answer, once they are known."""
        if model is not None:
            self._count_tokens(self._counts(model), tokens, self._clock())

    def _count_tokens(self, counts: _Counts, tokens: int, now: float) -> None:
        for limit in counts.tokens.values():
            limit.add(now, tokens)

    def _check(
        self, model: ModelInfo, name: str, limit: _Window | _Bucket, need: int, now: float
    ) -> None:
        kind = "requests" if name.startswith("R") else "tokens"
        used = limit.used(now)
        if used + need <= limit.limit:
            return
        told = f"{_WORDS[name]} ({name}): limit {limit.limit}, used {used}, requested {need}"
        if need > limit.limit:
            raise Refusal(
                413,
                f"The request is too large for the model `{model.id}`: {told}. "
                "Make the messages shorter.",
                type=kind,
                code="rate_limit_exceeded",
                headers=self.headers(model),
            )
        seconds = max(1, math.ceil(limit.wait(now, need)))
        raise Refusal(
            429,
            f"Rate limit reached for the model `{model.id}` on {told}. Try again in {seconds} s.",
            type=kind,
            code="rate_limit_exceeded",
            headers={**self.headers(model), "retry-after": str(seconds)},
        )

    def headers(self, model: ModelInfo | None) -> dict[str, str]:
        """The x-ratelimit-* headers for a reply about `model`."""
        if model is None:
            return {}
        counts, now = self._counts(model), self._clock()
        told: dict[str, str] = {}
        for kind, limit in (
            ("requests", counts.requests.get("RPD")),
            ("tokens", counts.tokens.get("TPM")),
        ):
            if limit is not None:
                told[f"x-ratelimit-limit-{kind}"] = str(limit.limit)
                told[f"x-ratelimit-remaining-{kind}"] = str(max(0, limit.limit - limit.used(now)))
                told[f"x-ratelimit-reset-{kind}"] = duration(limit.reset(now))
        return told


def duration(seconds: float) -> str:
    """Seconds as the documentation writes them.

    >>> duration(179.56), duration(7.66), duration(0.0521), duration(0), duration(7323.4)
    ('2m59.56s', '7.66s', '52.1ms', '0s', '2h2m3.4s')
    """
    if seconds < 1:
        milliseconds = round(seconds * 1000, 1)
        return "0s" if milliseconds <= 0 else f"{milliseconds:g}ms"
    hundredths = round(seconds * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{head}{rest / 100:g}s"
