"""Who may generate now: a few seats, and the room that the model's context has for all of them.

Requests wait their turn in the order they came, so that none starves and the time in the queue
can be told.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

__all__ = ["Seats"]


class Seats:
    """`seats` requests at once, with at most `room` tokens of context among them.

    Used from one event loop only.
    """

    def __init__(self, seats: int, room: int) -> None:
        self._seats = seats
        self._room = room
        self._waiting: deque[tuple[asyncio.Future[None], int]] = deque()

    @contextlib.asynccontextmanager
    async def take(self, tokens: int) -> AsyncIterator[None]:
        """Hold a seat and room for `tokens` tokens during the `async with` block."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, tokens))
        self._call_next()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(tokens)
            else:
                self._waiting.remove((turn, tokens))
            # The one behind may fit where this one did not.
            self._call_next()
            raise
        try:
            yield
        finally:
            self._leave(tokens)
            self._call_next()

    def _leave(self, tokens: int) -> None:
        self._seats += 1
        self._room += tokens

    def _call_next(self) -> None:
        while self._waiting and self._seats > 0 and self._waiting[0][1] <= self._room:
            turn, tokens = self._waiting.popleft()
            if turn.cancelled():
                continue
            self._seats -= 1
            self._room -= tokens
            turn.set_result(None)
