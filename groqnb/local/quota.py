"""Rate limits of each model, counted; enforced where the plan says so.

Docs: "Rate Limits", "Flex Processing". Requests and tokens a minute and audio an hour are
counted in a sliding window; a day's allowance flows back evenly, which is what the documented
header values look like (30 of 14,400 requests used, full again in 3 minutes). The headers speak
of requests a day and tokens a minute, whatever else is limited.

The flex tier has windows of its own, ten times as large, and is refused with a 498 when the
local model has no place free at once. The documentation keeps it for paid plans, whose limits it
does not tell; here it may be tried on the free plan's. `auto` uses flex when the normal limits
are used up. Organisations and projects are not modelled: an engine has one user and one key.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

from groqnb.catalog import ModelInfo
from groqnb.local.refusal import Refusal
from groqnb.local.spending import Spending, cost
from groqnb.local.windows import Bucket, Limit, Window

__all__ = ["Quota", "duration"]

_DAY = 86_400.0
_HOUR = 3600.0
_MINUTE = 60.0
_FLEX_FACTOR = 10
# Batches cost half.
_BATCH_FACTOR = 0.5


class _Counts:
    """The limits of one model in one tier, by what they count; absent ones are left out."""

    def __init__(self, limits: Mapping[str, int | None], factor: int) -> None:
        self.requests: dict[str, Limit] = {}
        self.tokens: dict[str, Limit] = {}
        self.audio: dict[str, Limit] = {}
        for name, group, kind, seconds in (
            ("RPM", self.requests, Window, _MINUTE),
            ("RPD", self.requests, Bucket, _DAY),
            ("TPM", self.tokens, Window, _MINUTE),
            ("TPD", self.tokens, Bucket, _DAY),
            ("ASH", self.audio, Window, _HOUR),
            ("ASD", self.audio, Bucket, _DAY),
        ):
            if (limit := limits.get(name)) is not None:
                group[name] = kind(limit * factor, seconds)


_WORDS = {
    "RPM": "requests per minute",
    "RPD": "requests per day",
    "TPM": "tokens per minute",
    "TPD": "tokens per day",
    "ASH": "seconds of audio per hour",
    "ASD": "seconds of audio per day",
}
_KINDS = {"R": "requests", "T": "tokens", "A": "audio"}


class Quota:
    """Counts for every model. `enforced` makes them bite; otherwise they are only told.

    `spending` is counted and blocks past its limit, whatever the plan.

    >>> from groqnb import catalog
    >>> quota = Quota(enforced=False, clock=lambda: 0.0)
    >>> quota.admit(catalog.find("llama-3.1-8b-instant"), tokens=20)
    'on_demand'
    >>> quota.headers(catalog.find("llama-3.1-8b-instant"))["x-ratelimit-reset-requests"]
    '6s'
    """

    def __init__(
        self,
        *,
        enforced: bool,
        clock: Callable[[], float] = time.monotonic,
        spending: Spending | None = None,
        batch: bool = False,
    ) -> None:
        self.enforced = enforced
        self._clock = clock
        self._spending = spending
        self._price_factor = _BATCH_FACTOR if batch else 1.0
        self._models: dict[tuple[str, str], _Counts] = {}

    def for_batches(self) -> Quota:
        """The quota of batches: no limits, half the price, the same purse."""
        return Quota(enforced=False, clock=self._clock, spending=self._spending, batch=True)

    def _counts(self, model: ModelInfo, tier: str) -> _Counts:
        key = (model.id, tier)
        if key not in self._models:
            factor = _FLEX_FACTOR if tier == "flex" else 1
            self._models[key] = _Counts(model.limits, factor)
        return self._models[key]

    def check_spending(self) -> None:
        """Raise the 400 `blocked_api_access` when the spend limit is reached."""
        if self._spending is not None:
            self._spending.check()

    def admit(
        self,
        model: ModelInfo | None,
        tokens: int,
        tier: str | None = None,
        *,
        audio_seconds: int = 0,
        characters: int = 0,
        has_place: bool = True,
    ) -> str:
        """Count a request in, or refuse it: 429, 413, 498 (flex), 400 (spend limit).

        `tokens` are the prompt's; `audio_seconds` are heard, `characters` spoken. `tier` is the
        request's service_tier; the one that served it is returned, "on_demand" or "flex".
        `has_place` says whether the model could begin at once. The local model under its own
        name has no limits.
        """
        self.check_spending()
        needs = {"requests": 1, "tokens": tokens, "audio": audio_seconds}
        served = "flex" if tier == "flex" else "on_demand"
        if model is not None and self.enforced:
            served = self._choose(model, tier, needs)
        if served == "flex" and not has_place:
            raise Refusal(
                498,
                "The flex tier is at capacity: every place of the local model is taken. "
                "Try again later, or use another service_tier.",
                type="flex_tier_capacity_exceeded",
                code="capacity_exceeded",
                headers=self.headers(model),
            )
        if model is not None:
            counts, now = self._counts(model, served), self._clock()
            for group, need in needs.items():
                for limit in getattr(counts, group).values():
                    limit.add(now, need)
            price = cost(model, prompt=tokens, audio_seconds=audio_seconds, characters=characters)
            self._charge(price)
        return served

    def _choose(self, model: ModelInfo, tier: str | None, needs: Mapping[str, int]) -> str:
        try:
            served = "flex" if tier == "flex" else "on_demand"
            self._check_all(model, served, needs)
        except Refusal:
            if tier != "auto":
                raise
            served = "flex"
            self._check_all(model, served, needs)
        return served

    def _check_all(self, model: ModelInfo, tier: str, needs: Mapping[str, int]) -> None:
        counts, now = self._counts(model, tier), self._clock()
        for group, need in needs.items():
            for name, limit in getattr(counts, group).items():
                self._check(model, name, limit, need, now)

    def spent(self, model: ModelInfo | None, tokens: int, tier: str = "on_demand") -> None:
        """Count the `tokens` of an answer, once they are known."""
        if model is None:
            return
        now = self._clock()
        for limit in self._counts(model, tier).tokens.values():
            limit.add(now, tokens)
        self._charge(cost(model, completion=tokens))

    def _charge(self, usd: float) -> None:
        if self._spending is not None:
            self._spending.charge(usd * self._price_factor)

    def _check(self, model: ModelInfo, name: str, limit: Limit, need: int, now: float) -> None:
        kind = _KINDS[name[0]]
        used = limit.used(now)
        if used + need <= limit.limit:
            return
        told = f"{_WORDS[name]} ({name}): limit {limit.limit}, used {used}, requested {need}"
        if need > limit.limit:
            raise Refusal(
                413,
                f"The request is too large for the model `{model.id}`: {told}. Send less at once.",
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
        counts, now = self._counts(model, "on_demand"), self._clock()
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
