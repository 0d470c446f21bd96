"""Several small pools of connections in place of one large one.

The time that httpcore's pool takes for a request grows with the square of the connections it
holds, so 64 calls at once go faster over sixteen pools than over one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Shard", "Shards"]

CALLS_PER_SHARD = 4
MOST_SHARDS = 32

H = TypeVar("H")


class Shard(Generic[H]):
    """One pool, and how many calls it carries."""

    __slots__ = ("load", "pool")

    def __init__(self, pool: H) -> None:
        self.pool = pool
        self.load = 0


class Shards(Generic[H]):
    """Pools, more of them as more calls run at once; each has up to `calls` before the next."""

    def __init__(
        self, make: Callable[[], H], most: int = MOST_SHARDS, *, calls: int = CALLS_PER_SHARD
    ) -> None:
        self._make = make
        self._most = most
        self._calls = calls
        self._lock = threading.Lock()
        self._all: list[Shard[H]] = []

    def take(self) -> Shard[H]:
        """The first shard with room, so that warm connections are used again."""
        with self._lock:
            for shard in self._all:
                if shard.load < self._calls:
                    break
            else:
                if len(self._all) < self._most:
                    shard = Shard(self._make())
                    self._all.append(shard)
                else:
                    shard = min(self._all, key=lambda one: one.load)
            shard.load += 1
            return shard

    def give_back(self, shard: Shard[H]) -> None:
        with self._lock:
            shard.load -= 1

    def drain(self) -> list[H]:
        """All pools, to be closed; later calls make new ones."""
        with self._lock:
            taken, self._all = self._all, []
        return [shard.pool for shard in taken]
