"""Lanes: one model under one key, and when its next request may go out.

Each request books a moment in virtual time, once for the requests and once for the tokens that it
will take, and sleeps until then, once. Nobody polls, and no credit is saved up: a bucket that
starts full lets a burst through that the server's own window then refuses. Clocks drift and
requests arrive unevenly, so a little less than the limit is used.

A refusal closes the lane until the moment it names. Who sleeps then books again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from groqnb.mapping.limits import Limits
from groqnb.mapping.retrying import LanePolicy
from groqnb.types.rate_limit import RateLimit
from groqnb.wire.retry import waiting_is_off

if TYPE_CHECKING:
    from groqnb.client import AsyncGroq
    from groqnb.mapping.sharing import Share
    from groqnb.types.errors import RateLimitError

__all__ = ["Lane", "Timeline"]

_USED = 0.985  # of a limit
_CATCH_UP = 1.2  # times the allowed pace, after the event loop was late
_QUEUE = 3  # requests that wait for their moment: with so many more at once would not help
_CHARACTERS_A_TOKEN = 3.5
_USUAL_ANSWER = 100  # tokens
_MEMORY = 0.98  # of what was seen before, at each answer


class Timeline:
    """Hands out moments so that no more than `per_second` units are used.

    ```python
    >>> line = Timeline(2.0)
    >>> [line.take(1, now=10.0) for _ in range(3)]
    [10.0, 10.5, 11.0]

    ```
    """

    __slots__ = ("next", "per_second")

    def __init__(self, per_second: float | None = None) -> None:
        self.per_second = per_second
        self.next = float("-inf")

    def earliest(self, now: float) -> float:
        """When the next unit could be used."""
        return now if self.per_second is None else max(self.next, now)

    def take(self, amount: float, now: float) -> float:
        """Book `amount` units, not before `now`; the moment they are for."""
        if self.per_second is None:
            return now
        start = max(self.next, now)
        self.next = start + amount / self.per_second
        return start

    def correct(self, more: float) -> None:
        """So many units more (or fewer) were used than was booked."""
        if self.per_second is not None:
            self.next += more / self.per_second


@dataclass(eq=False)
class Lane:
    """One model under one key.

    Attributes:
        client: whose wire is used.
        model: what is asked.
        limits: what may be sent in a minute.
        max_wait: s; a limit that resets later than this closes the lane for the rest of the map.
        retries: how often a row is sent again after a failure that passes.
        clock: the event loop's.
        on_overload: is told the moment of every sign that the server has too much to do.
        paced: whether the last request had to wait because the limits allow no more.
        spent: the refusal that closed the lane for the rest of the map.
        closes: False where no refusal does: for a shorter recording there may be enough left.
        share: its part in limits that other processes use, too; None: they are this map's alone.
    """

    client: AsyncGroq
    model: str
    limits: Limits
    max_wait: float
    retries: int
    clock: Callable[[], float]
    on_overload: Callable[[float], None] = lambda at: None
    spent: RateLimitError | None = None
    closes: bool = True
    paced: bool = False
    share: Share | None = None
    requests: Timeline = field(default_factory=Timeline)
    tokens: Timeline = field(default_factory=Timeline)
    _closed_until: float = float("-inf")
    _closings: int = 0
    _gate: float = float("-inf")
    _characters: float = 100 * _CHARACTERS_A_TOKEN
    _prompt_tokens: float = 100.0
    _answer_tokens: float = 0.0
    _answers: float = 0.0
    _seen: bool = False

    def __post_init__(self) -> None:
        self.apply()
        self.policy = LanePolicy(self)

    @property
    def where(self) -> str:
        """ "cloud", "local" or "url"."""
        return self.client.target.kind

    @property
    def answers(self) -> bool:
        """True once an answer has come."""
        return self._seen

    def apply(self) -> None:
        """Put what is known of the limits to use."""
        for line, name in ((self.requests, "RPM"), (self.tokens, "TPM")):
            limit = self.limits.per_minute.get(name)
            line.per_second = None if limit is None else limit / 60 * _USED

    # --- before a request ---

    @property
    def usual(self) -> float:
        """The tokens that a request has taken of late."""
        return self.estimate(int(self._characters / max(self._answers, 1)), None)

    def estimate(self, characters: int, bound: int | None) -> float:
        """The tokens that a request will take, by what the last ones took."""
        prompt = characters * self._prompt_tokens / self._characters
        answer = self._answer_tokens / self._answers if self._answers else _USUAL_ANSWER
        return prompt + (answer if bound is None else min(answer, bound))

    def earliest(self, now: float) -> float:
        """When the next request could go out."""
        return max(self.requests.earliest(now), self.tokens.earliest(now), self._closed_until)

    def book(self, tokens: float, now: float) -> float:
        """Book one request of so many tokens; when it may go out."""
        now = max(now, self._closed_until)
        start = max(self.requests.earliest(now), self.tokens.earliest(now))
        self.requests.take(1, start)
        self.tokens.take(tokens, start)
        return start

    async def turn(self, tokens: float) -> None:
        """Wait until a request of so many tokens may go out."""
        while True:
            closings = self._closings
            now = self.clock()
            start = self.book(tokens, now)
            if self.share is not None:
                pace = (self.requests.per_second, self.tokens.per_second)
                start = max(start, now + await self.share.book(tokens, pace))
                now = self.clock()
            self.paced = start - now > _QUEUE * self._pause(tokens)
            if start > now and not waiting_is_off():
                await asyncio.sleep(start - now)
            # While it slept the lane may have been closed: what was booked is void then.
            if closings == self._closings:
                break
        late = self._late(tokens)
        if late > 0 and not waiting_is_off():
            await asyncio.sleep(late)

    def _late(self, tokens: float) -> float:
        """Seconds to hold back one of many that a busy loop woke up late, all at once."""
        pause = self._pause(tokens)
        if not pause:
            return 0.0
        now = self.clock()
        start = max(self._gate, now)
        self._gate = start + pause / _CATCH_UP
        return start - now

    def _pause(self, tokens: float) -> float:
        """Seconds between two requests of so many tokens, at the pace that is allowed."""
        requests, of_tokens = self.requests.per_second, self.tokens.per_second
        pause = 0.0 if requests is None else 1 / requests
        return pause if of_tokens is None else max(pause, tokens / of_tokens)

    # --- after a request ---

    def answered(self, characters: int, estimate: float, usage: Any, headers: Any) -> None:
        """An answer came: learn how long answers are, and what the limits say."""
        self._seen = True
        if usage is not None and usage.total_tokens:
            self._characters = self._characters * _MEMORY + characters
            self._prompt_tokens = self._prompt_tokens * _MEMORY + usage.prompt_tokens
            self._answer_tokens = self._answer_tokens * _MEMORY + usage.completion_tokens
            self._answers = self._answers * _MEMORY + 1
            self.tokens.correct(usage.total_tokens - estimate)
            if self.share is not None:
                self.share.owe(0, usage.total_tokens - estimate)
        told = RateLimit.from_headers(headers)
        if told is None:
            return
        if self.limits.hear(told, headers.get("x-groqnb-engine") == "local"):
            self.apply()
        left, rate = told.remaining_tokens, self.tokens.per_second
        if self.limits.listens and left is not None and rate is not None:
            # Others use the same limit: what is not left has to flow back first.
            missing = self.estimate(characters, None) - left
            if missing > 0:
                self.tokens.next = max(self.tokens.next, self.clock() + missing / rate)

    def again(self, at: float) -> float:
        """Book one more request for a row that was sent before, not before `at`."""
        if self.share is not None:
            self.share.owe(1, self.usual)
        return self.book(self.usual, at)

    def waits_for(self) -> float:
        """Seconds that the lane is still closed after a refusal."""
        return max(0.0, self._closed_until - self.clock())

    def close(self, seconds: float) -> None:
        """Let nothing out for so long."""
        now = self.clock()
        until = now + seconds
        if until <= self._closed_until:
            return
        if now >= self._closed_until:
            # What was booked for later is void: the sleepers book again.
            self.requests.next = self.tokens.next = until
            self._closings += 1
        if self.share is not None:
            self.share.close(seconds)
        self._closed_until = until
        self.requests.next = max(self.requests.next, until)
        self.tokens.next = max(self.tokens.next, until)
