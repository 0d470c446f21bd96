"""A part of the engine that is fetched and loaded at its first use, in a thread of its own."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from groqnb.local import weights
from groqnb.local.download import size_in_words
from groqnb.local.errors import EngineError
from groqnb.local.process import Progress
from groqnb.local.refusal import Refusal

__all__ = ["OnDemand"]

T = TypeVar("T")

# Clients give a silent reply up after a minute.
_PATIENCE = 45.0


class OnDemand(Generic[T]):
    """What `load` makes of the files of `group` (see `weights.group`), made once.

    `load` gets the files by their keys.
    """

    def __init__(self, group: str, load: Callable[[Mapping[str, Path]], T]) -> None:
        self._group = group
        self._load = load
        self._making: asyncio.Task[T] | None = None
        self._told = ""

    async def get(self) -> T:
        """It, loaded. Raises a 503 when it cannot be had, or is still on its way after a while."""
        if self._making is None or (self._making.done() and self._making.exception()):
            self._making = asyncio.ensure_future(_in_thread(self._make))
        await asyncio.wait({self._making}, timeout=_PATIENCE)
        if not self._making.done():
            raise Refusal(
                503,
                f"The local engine is still fetching what it needs for {self._group} "
                f"({self._told}). Try again in a moment; `groqnb setup {self._group}` fetches it "
                "ahead of time.",
                type="service_unavailable_error",
                code="model_loading",
                headers={"retry-after": "15"},
            )
        error = self._making.exception()
        if error is None:
            return self._making.result()
        hint = f" {error.hint}" if isinstance(error, EngineError) and error.hint else ""
        raise Refusal(
            503,
            f"The part for {self._group} could not be loaded: {error}{hint}",
            type="service_unavailable_error",
            code="model_not_loaded",
        )

    def _make(self) -> T:
        files = weights.group(self._group)
        missing = [file for file in files if not weights.present(file)]
        if missing:
            size = size_in_words(sum(file.size for file in missing))
            print(f"{self._group}: fetching {size}, once", file=sys.stderr, flush=True)
        for file in missing:
            weights.ensure(file.key, progress=self._tell)
        self._told = "it is being loaded"
        return self._load({file.key: file.path for file in files})

    def _tell(self, progress: Progress) -> None:
        self._told = (
            f"{progress.what}: {size_in_words(progress.done)} of {size_in_words(progress.total)}"
        )


async def _in_thread(work: Callable[[], T]) -> T:
    """The result of `work`, run in a thread that the end of the process does not wait for."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        try:
            outcome: tuple[T | None, BaseException | None] = (work(), None)
        except Exception as error:  # noqa: BLE001 — whatever it is, requests must hear of it
            outcome = (None, error)
        loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=run, name="load", daemon=True).start()
    return await done
