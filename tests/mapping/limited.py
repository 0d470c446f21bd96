"""A server with rate limits, and what a map of many rows makes of it, in virtual time."""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import httpx
import virtual_time
from both_worlds import KEY, completion

from groqnb import AsyncGroq
from groqnb.mapping.engine import Engine, Item
from groqnb.mapping.judges import AnyText
from groqnb.mapping.lanes import Lane
from groqnb.mapping.limits import Limits
from groqnb.mapping.question import Question
from groqnb.mapping.results import RowResult
from groqnb.mapping.sharing import Here, Pool
from groqnb.mapping.width import Width

__all__ = ["LimitedServer", "Outcome", "simulate"]

PROMPT_TOKENS = 60


@dataclass
class LimitedServer(httpx.AsyncBaseTransport):
    """Counts requests and tokens in sliding windows of a minute, and refuses what is too much.

    Answers take `latency` seconds, more or less, and have about `answer` tokens. `seats` is how
    many it works on at once; others wait. `told` is whether headers tell the tokens a minute.
    """

    rpm: float = float("inf")
    tpm: float = float("inf")
    latency: float = 0.4
    answer: int = 40
    seats: int | None = None
    capacity: int | None = None
    told: bool = True
    seed: int = 7
    asked: list[float] = field(default_factory=list)
    served: list[tuple[float, int]] = field(default_factory=list)
    refused: int = 0
    most_at_once: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._requests: deque[float] = deque()
        self._tokens: deque[tuple[float, int]] = deque()
        self._used = 0
        self._busy = 0
        self._doors: asyncio.Semaphore | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        loop = asyncio.get_running_loop()
        # On the way to the server requests overtake each other a little.
        await asyncio.sleep(self._random.uniform(0.0, 0.02))
        now = loop.time()
        self.asked.append(now)
        while self._requests and self._requests[0] <= now - 60:
            self._requests.popleft()
        while self._tokens and self._tokens[0][0] <= now - 60:
            self._used -= self._tokens.popleft()[1]
        used = self._used
        if len(self._requests) + 1 > self.rpm:
            return self._refusal(
                "requests per minute (RPM)", self.rpm, self._requests[0] + 60 - now
            )
        if used + PROMPT_TOKENS > self.tpm:
            again = self._tokens[0][0] + 60 - now
            return self._refusal("tokens per minute (TPM)", self.tpm, again)
        if self.capacity is not None and self._busy >= self.capacity:
            self.refused += 1
            return httpx.Response(498, json={"error": {"message": "at capacity", "type": "flex"}})
        self._requests.append(now)
        self._count(now, PROMPT_TOKENS)
        self._busy += 1
        self.most_at_once = max(self.most_at_once, self._busy)
        try:
            await self._work()
        finally:
            self._busy -= 1
        tokens = max(1, round(self._random.gauss(self.answer, self.answer / 5)))
        self._count(loop.time(), tokens)
        self.served.append((now, PROMPT_TOKENS + tokens))
        usage = {
            "prompt_tokens": PROMPT_TOKENS,
            "completion_tokens": tokens,
            "total_tokens": PROMPT_TOKENS + tokens,
        }
        left = max(0, int(self.tpm - used)) if self.tpm < float("inf") else 0
        headers = {}
        if self.told and self.tpm < float("inf"):
            headers = {
                "x-ratelimit-limit-tokens": str(int(self.tpm)),
                "x-ratelimit-remaining-tokens": str(left),
                "x-ratelimit-reset-tokens": "7.66s",
            }
        said = json.loads(await request.aread())["messages"][-1]["content"]
        return httpx.Response(200, headers=headers, json=completion(f"re {said}", usage=usage))

    def _count(self, now: float, tokens: int) -> None:
        self._tokens.append((now, tokens))
        self._used += tokens

    async def _work(self) -> None:
        if self._doors is None:
            self._doors = asyncio.Semaphore(self.seats or 10**9)
        async with self._doors:
            await asyncio.sleep(self.latency * self._random.uniform(0.6, 1.4))

    def _refusal(self, what: str, limit: float, seconds: float) -> httpx.Response:
        self.refused += 1
        wait = max(1, int(seconds) + 1)
        message = (
            f"Rate limit reached for model `m` in organization `o` on {what}: Limit {limit:.0f}, "
            f"Used {limit:.0f}, Requested 1. Please try again in {wait}s."
        )
        return httpx.Response(
            429,
            headers={"retry-after": str(wait)},
            json={"error": {"message": message, "type": "requests", "code": "rate_limit_exceeded"}},
        )


@dataclass
class Outcome:
    """What a simulation came to; times are in virtual seconds."""

    results: list[RowResult]
    seconds: float
    width: Width
    lane: Lane

    @property
    def failed(self) -> int:
        return sum(result.error is not None for result in self.results)


def simulate(
    server: LimitedServer, rows: int, *, model: str = "acme/m", concurrency: int | None = None,
    limits: dict[str, float] | None = None, maps: int = 1, **params: Any,
) -> Outcome:  # fmt: skip
    """Send so many rows to the server through the engine of maps; several share one budget."""
    results: list[RowResult] = []

    async def main() -> Outcome:
        loop = asyncio.get_running_loop()
        width = Width(64) if concurrency is None else Width(concurrency, fixed=True)
        client = AsyncGroq(base_url="http://limited.test", api_key=KEY, transport=server)
        told = Limits(model, "url", given=limits, tier=params.get("service_tier"))
        question = Question([model], AnyText(), params=params)
        pool = Pool(loop.time)
        engines = []
        for number in range(maps):
            lane = Lane(client, model, told, 300.0, 5, loop.time, width.overloaded)
            if maps > 1:
                lane.share = Here(pool, loop.time)
            engine = Engine(question, [lane], [], width, lambda _, result: results.append(result))
            numbers = range(number, rows, maps)
            engine.add(Item(n, n.to_bytes(4, "big"), f"row {n} " + "x" * 200) for n in numbers)
            engines.append(engine)
        await asyncio.gather(*(engine.idle() for engine in engines))
        return Outcome(results, loop.time(), width, lane)

    return virtual_time.run(main)
