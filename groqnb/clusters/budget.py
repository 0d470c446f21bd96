"""One budget of requests and tokens for all workers of a Dask cluster, kept by its scheduler.

A worker books each request with the scheduler, which every worker can reach and which outlives
workers that are killed. Known there are names of servers and models, and counts: no key, no text.
Without a cluster Dask computes in the threads of this process, and the budget is in its memory.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from groqnb.mapping.sharing import Here, Owing, Pace, Pool, Share
from groqnb.types.errors import GroqnbError, ParameterError

if TYPE_CHECKING:
    from distributed import Worker

__all__ = ["Budget", "worker_here"]

_NAME = "groqnb-budget"


class Budget:
    """Gives lanes their shares, wherever the partition is that asks. Goes through Dask's graph."""

    def __init__(self) -> None:
        self._pools: dict[str, Pool] = {}
        self._lock = threading.Lock()
        self._process = os.getpid()

    def __reduce__(self) -> tuple[Any, ...]:
        return _elsewhere, (self._process,)

    def __repr__(self) -> str:
        return "<Budget>"

    def joined(self) -> Callable[[str], Share]:
        """What gives a share by the name of a lane. Raises ParameterError and GroqnbError."""
        worker = worker_here()
        if worker is not None:
            _install()
            return lambda name: _AtScheduler(name, worker)
        if self._process != os.getpid():
            raise ParameterError(
                "Dask's scheduler of processes has nothing that keeps one budget for all of them.",
                hint="Compute with a cluster (dask.distributed.Client()), or scheduler='threads'.",
            )
        return self._here

    def _here(self, name: str) -> Share:
        with self._lock:
            return Here(self._pools.setdefault(name, Pool()))


def _elsewhere(process: int) -> Budget:
    made = Budget()
    made._process = process
    return made


def worker_here() -> Worker | None:
    """The worker whose task this thread computes, or None."""
    if "distributed" not in sys.modules:
        return None
    from distributed import get_worker

    try:
        return get_worker()
    except ValueError:
        return None


class _AtScheduler(Owing):
    """A share in a pool that the scheduler keeps."""

    def __init__(self, name: str, worker: Worker) -> None:
        super().__init__()
        self._name = name
        self._worker = worker

    async def book(self, tokens: float, pace: Pace) -> float:
        if pace == (None, None):
            self.forget()
            return 0.0  # no limit is known: there is nothing to keep to
        requests, tokens, closed = self.taken(tokens)
        # The map has an event loop of its own; the connection belongs to the worker's.
        asked = asyncio.run_coroutine_threadsafe(
            _ask(self._worker, self._name, requests, tokens, pace, closed),
            self._worker.loop.asyncio_loop,  # type: ignore[attr-defined]
        )
        return await asyncio.wrap_future(asked)


async def _ask(
    worker: Worker, name: str, requests: float, tokens: float, pace: Pace, closed: float
) -> float:
    book: Callable[..., Awaitable[float]] = worker.scheduler.groqnb_book
    return await book(name=name, requests=requests, tokens=tokens, pace=list(pace), closed=closed)


def _install() -> None:
    """Have the scheduler keep the pools; where it does already, nothing happens."""
    from distributed import get_client

    try:
        get_client().register_plugin(_plugin(), name=_NAME)
    except ImportError as error:
        raise GroqnbError(
            f"The scheduler cannot keep the budget of the workers: {error}.",
            hint="Install groqnb where the scheduler runs, too.",
        ) from None


def _plugin() -> Any:
    from groqnb.clusters.pools import Pools

    return Pools()
