"""From the runtime's thread to the event loop: what came, several at a time where it comes fast.

Waking the loop for each token takes the processor from the threads that compute the next one, and
while they wait for each other nothing is computed at all. So after each look the loop lets a
moment go by before the next; a token that comes after a pause is handed over at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

__all__ = ["Handover"]

Item = bytes | BaseException | None

_MOMENT = 0.015  # s
_AT_ONCE = 4  # so many times at first no moment goes by: the first token is waited for


class Handover:
    """Filled by `put` in any thread; read by `async for` in the loop in which it was made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._items: deque[Item] = deque()
        self._waiting: asyncio.Event | None = None

    def put(self, item: Item) -> None:
        """Hand one over."""
        self._items.append(item)
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._loop.call_soon_threadsafe(waiting.set)

    async def __aiter__(self) -> AsyncIterator[list[Item]]:
        """What has come since the last time, never nothing; there is no end."""
        looks = 0
        while True:
            if not self._items:
                waiting = self._waiting = asyncio.Event()
                # Something may have come between the look and the wish to be woken.
                if not self._items:
                    await waiting.wait()
                self._waiting = None
            several = []
            while self._items:
                several.append(self._items.popleft())
            yield several
            looks += 1
            if looks > _AT_ONCE:
                await asyncio.sleep(_MOMENT)
