"""Who may generate now: a few seats, and the room that the model's context has for all of them.

Requests wait their turn in the order they came, so that none starves and the time in the queue
can be told. Work in the background (a batch's lines) takes a seat only while nobody else has
one, never all of them, and gives it up when somebody would have to wait for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["Seats", "give_way"]

_BACKGROUND_SEATS = 2

#: Set in the context of background work: what is called when it has to give its seat up.
give_way: ContextVar[Callable[[], None] | None] = ContextVar("give_way", default=None)


@dataclass(eq=False)
class _Guest:
    """One who waits for a seat or has one."""

    turn: asyncio.Future[None]
    tokens: int
    leave: Callable[[], None] | None


class Seats:
    """`seats` requests at once, with at most `room` tokens of context among them.

    Used from one event loop only.
    """

    def __init__(self, seats: int, room: int) -> None:
        self._seats = seats
        self._room = room
        self._waiting: deque[_Guest] = deque()
        self._waiting_behind: deque[_Guest] = deque()
        self._live = 0
        self._background: list[_Guest] = []

    def has_place(self, tokens: int) -> bool:
        """Whether a request with `tokens` tokens would have to wait for no other."""
        room = self._room + sum(guest.tokens for guest in self._background)
        return not self._waiting and self._seats + len(self._background) > 0 and tokens <= room

    @contextlib.asynccontextmanager
    async def take(self, tokens: int) -> AsyncIterator[None]:
        """Hold a seat and room for `tokens` tokens during the `async with` block."""
        guest = _Guest(asyncio.get_running_loop().create_future(), tokens, give_way.get())
        queue = self._waiting if guest.leave is None else self._waiting_behind
        queue.append(guest)
        self._call_next()
        try:
            await guest.turn
        except asyncio.CancelledError:
            if guest.turn.done() and not guest.turn.cancelled():
                self._leave(guest)
            elif guest in queue:
                queue.remove(guest)
            # The one behind may fit where this one did not.
            self._call_next()
            raise
        try:
            yield
        finally:
            self._leave(guest)
            self._call_next()

    def _sit(self, queue: deque[_Guest]) -> None:
        guest = queue.popleft()
        if guest.turn.cancelled():
            return
        self._seats -= 1
        self._room -= guest.tokens
        if guest.leave is None:
            self._live += 1
        else:
            self._background.append(guest)
        guest.turn.set_result(None)

    def _leave(self, guest: _Guest) -> None:
        self._seats += 1
        self._room += guest.tokens
        if guest.leave is None:
            self._live -= 1
        else:
            self._background.remove(guest)

    def _fits(self, queue: deque[_Guest]) -> bool:
        return bool(queue) and self._seats > 0 and queue[0].tokens <= self._room

    def _call_next(self) -> None:
        while self._fits(self._waiting):
            self._sit(self._waiting)
        if self._waiting:
            for guest in self._background:
                assert guest.leave is not None
                guest.leave()
            return
        while (
            not self._live
            and len(self._background) < _BACKGROUND_SEATS
            and self._fits(self._waiting_behind)
        ):
            self._sit(self._waiting_behind)
