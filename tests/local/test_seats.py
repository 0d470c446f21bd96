"""Waiting for the model in order."""

from __future__ import annotations

import asyncio

from groqnb.local.parts.seats import Seats


def test_first_come_first_served_within_seats_and_room() -> None:
    """A large request is not overtaken by small ones behind it."""

    async def play() -> list[str]:
        seats = Seats(2, 100)
        order: list[str] = []

        async def one(name: str, tokens: int, seconds: float) -> None:
            async with seats.take(tokens):
                order.append(name)
                await asyncio.sleep(seconds)

        await asyncio.gather(
            one("a", 60, 0.02), one("large", 90, 0.02), one("b", 10, 0.0), one("c", 10, 0.0)
        )
        return order

    assert asyncio.run(play()) == ["a", "large", "b", "c"]


def test_who_gives_up_frees_the_way() -> None:
    """Cancelled while waiting, or in the seat: nobody behind is stuck."""

    async def play() -> str:
        seats = Seats(1, 100)

        async def hold(tokens: int) -> str:
            async with seats.take(tokens):
                await asyncio.sleep(60)
            return "never"

        sitting = asyncio.ensure_future(hold(50))
        waiting = asyncio.ensure_future(hold(90))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
        sitting.cancel()
        await asyncio.gather(sitting, waiting, return_exceptions=True)
        async with seats.take(100):
            return "in"

    assert asyncio.run(asyncio.wait_for(play(), 5)) == "in"
