"""What a Dask cluster's scheduler keeps: pools of requests and tokens. Needs distributed."""

from __future__ import annotations

from typing import Any

from distributed.diagnostics.plugin import SchedulerPlugin

from groqnb.mapping.sharing import Pool

__all__ = ["Pools"]


class Pools(SchedulerPlugin):
    """Books for all workers; registered by the first of them, and once."""

    idempotent = True
    name = "groqnb-budget"

    def __init__(self) -> None:
        self._pools: dict[str, Pool] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return Pools, ()

    async def start(self, scheduler: Any) -> None:
        scheduler.handlers["groqnb_book"] = self.book

    def book(
        self,
        name: str,
        requests: float,
        tokens: float,
        pace: list[float | None],
        closed: float,
    ) -> float:
        """Book requests and tokens in the pool `name`; seconds until they may be used."""
        pool = self._pools.setdefault(name, Pool())
        return pool.book(requests, tokens, (pace[0], pace[1]), closed)
