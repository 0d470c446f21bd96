"""What is left of the rate limits, for each model, as far as it can be known here.

Docs: Rate Limits. The replies' headers tell of two of the six limits, requests a day and tokens a
minute, and they are the truth. For the others the catalogue has the free plan's numbers, and what
is used of them is counted from this machine's ledger; an organisation's other machines are not in
that count. Both are told with where they come from.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from groqnb.types.rate_limit import RateLimit

__all__ = ["KINDS", "Limit", "Limits", "Seen"]

KINDS: Mapping[str, tuple[str, float]] = {
    "RPM": ("requests a minute", 60.0),
    "RPD": ("requests a day", 86_400.0),
    "TPM": ("tokens a minute", 60.0),
    "TPD": ("tokens a day", 86_400.0),
    "ASH": ("seconds of audio an hour", 3_600.0),
    "ASD": ("seconds of audio a day", 86_400.0),
}
"""The limits by their names in the documentation: what they count, and in how many seconds."""

_MINUTE = 60.0


@dataclass(frozen=True)
class Limit:
    """One limit of one model now.

    Attributes:
        model: the model's id.
        where: "cloud", "local" or "url".
        name: RPM, RPD, TPM, TPD, ASH or ASD.
        limit: how many there are in the span.
        remaining: how many are left of them; never below 0.
        resets_in: seconds until all of them are back, or None where that is not known.
        source: "server", where a reply's headers told, or "catalogue".
        age: seconds since the server told, None for the catalogue's.
    """

    model: str
    where: str
    name: str
    limit: int
    remaining: int
    resets_in: float | None
    source: str
    age: float | None = None

    @property
    def meaning(self) -> str:
        """What it counts, in words."""
        return KINDS[self.name][0]

    @property
    def used_part(self) -> float:
        """How much of it is used, from 0 to 1."""
        return 1.0 - self.remaining / self.limit if self.limit else 1.0


@dataclass
class Seen:
    """What a model's last reply told, and its calls of the last minute."""

    headers: Mapping[str, str]
    at: float
    minute: deque[tuple[float, int]]
    _read: RateLimit | None = None

    @property
    def rate_limit(self) -> RateLimit | None:
        """The headers as numbers: read when somebody looks, not at the end of every call."""
        if self._read is None:
            self._read = RateLimit.from_headers(self.headers)
        return self._read


class Limits:
    """What this process has seen of each model's limits. Safe with many threads.

    ```python
    from groqnb.ledger.watch import watch

    watch.limits.now("llama-3.1-8b-instant", "cloud")
    ```
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[tuple[str, str], Seen] = {}
        self._lock = threading.Lock()

    def note(self, event: Any) -> None:
        """A call has ended. What a record answered used nothing, and its headers are old."""
        model = event.model
        if model is None or event.target == "replay":
            return
        key = (event.target, model)
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen.setdefault(key, Seen({}, 0.0, deque()))
        if "x-ratelimit-limit-tokens" in event.headers or (
            "x-ratelimit-limit-requests" in event.headers
        ):
            seen.headers, seen.at, seen._read = event.headers, event.at, None
        usage = getattr(event, "usage", None)
        tokens = (getattr(usage, "total_tokens", 0) or 0) if usage is not None else 0
        with self._lock:
            seen.minute.append((event.at, tokens))
            while seen.minute and event.at - seen.minute[0][0] > _MINUTE:
                seen.minute.popleft()

    def known(self) -> list[tuple[str, str]]:
        """Where and which models were asked, in the order of their first calls."""
        return list(self._seen)

    @property
    def last(self) -> tuple[str, RateLimit] | None:
        """The model whose limits a reply told last, and what it told; None before any did."""
        told = [(seen.at, key) for key, seen in list(self._seen.items()) if seen.headers]
        if not told:
            return None
        key = max(told)[1]
        limit = self._seen[key].rate_limit
        return None if limit is None else (key[1], limit)

    def now(self, model: str, where: str, used: Mapping[str, float] | None = None) -> list[Limit]:
        """The limits of a model, those first that are the most used up.

        `used` is how much of each limit was used by this machine, by the limit's name; without it
        what this process did in the last minute is all that is known.
        """
        told = self._told(model, where)
        rest = _catalogued(model) if where == "cloud" else {}
        counted = self._counted(model, where) if used is None else used
        found = list(told.values())
        for name, limit in rest.items():
            if name not in told and (used is not None or name in counted):
                left = max(limit - round(counted.get(name, 0)), 0)
                found.append(Limit(model, where, name, limit, left, None, "catalogue"))
        order = list(KINDS)
        return sorted(found, key=lambda one: (-round(one.used_part, 3), order.index(one.name)))

    def warning(self, model: str, where: str, tokens: int) -> str | None:
        """What a call of so many tokens would exceed, in a sentence; None where it fits.

        The local engine keeps no limits unless it is told to, so of it nothing is said.
        """
        if where == "local":
            return None
        for limit in self.now(model, where):
            need = tokens if limit.name[0] == "T" else 1
            if limit.name[0] == "A" or limit.remaining >= need:
                continue
            span = KINDS[limit.name][0]
            left = f"{limit.remaining:,} of {limit.limit:,} {span} are left"
            if limit.source == "catalogue":
                left += ", by the catalogue's numbers of the free plan"
            again = f"; all are back in {limit.resets_in:.0f} s" if limit.resets_in else ""
            what = f"about {need:,} tokens" if limit.name[0] == "T" else "one more request"
            if need > limit.limit:
                again = "; it is too large for any minute, so send less at once"
            return f"{model} may refuse this: it is {what}, and {left} ({limit.name}){again}."
        return None

    def _told(self, model: str, where: str) -> dict[str, Limit]:
        """What the last reply's headers say, brought forward to now."""
        seen = self._seen.get((where, model))
        told = None if seen is None else seen.rate_limit
        if seen is None or told is None:
            return {}
        age = max(self._clock() - seen.at, 0.0)
        found = {}
        for name, limit, remaining, reset in (
            ("RPD", told.limit_requests, told.remaining_requests, told.reset_requests),
            ("TPM", told.limit_tokens, told.remaining_tokens, told.reset_tokens),
        ):
            if limit is None or remaining is None:
                continue
            left, resets_in = float(remaining), None
            if reset is not None:
                # What was used comes back evenly until the moment when all of it is back.
                part = min(age / reset, 1.0) if reset > 0 else 1.0
                left += (limit - remaining) * part
                resets_in = max(reset - age, 0.0)
            left = min(max(int(left), 0), limit)
            found[name] = Limit(model, where, name, limit, left, resets_in, "server", age)
        return found

    def _counted(self, model: str, where: str) -> dict[str, float]:
        """What this process used in the last minute."""
        seen = self._seen.get((where, model))
        if seen is None:
            return {}
        since = self._clock() - _MINUTE
        with self._lock:
            recent = [tokens for at, tokens in seen.minute if at >= since]
        return {"RPM": len(recent), "TPM": sum(recent)}


def _catalogued(model: str) -> dict[str, int]:
    from groqnb import catalog

    found = catalog.find(model)
    limits = found.limits if found is not None else {}
    return {name: limit for name in KINDS if (limit := limits.get(name)) is not None}
