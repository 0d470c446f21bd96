"""Waiting for the model in order."""

from __future__ import annotations

import asyncio

from groqnb.local.parts.seats import Seats, give_way


async def settle() -> None:
    """Lets every task go as far as it can: none of them waits for the clock."""
    for _ in range(20):
        await asyncio.sleep(0)


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
        await settle()
        waiting.cancel()
        sitting.cancel()
        await asyncio.gather(sitting, waiting, return_exceptions=True)
        async with seats.take(100):
            return "in"

    assert asyncio.run(asyncio.wait_for(play(), 60)) == "in"


async def in_background(seats: Seats, tokens: int, log: list[str], name: str) -> None:
    """A batch's line: it holds its seat until it is asked to leave, and then cleans up slowly."""
    task = asyncio.current_task()
    assert task is not None
    give_way.set(lambda: task.cancel() and None)
    async with seats.take(tokens):
        log.append(f"{name} sits")
        try:
            await asyncio.sleep(60)
        finally:
            log.append(f"{name} leaves")


def test_background_work_takes_some_seats_and_only_when_nobody_else_has_one() -> None:
    """Two of four; none while a live request runs."""

    async def play() -> None:
        seats, log = Seats(4, 1000), []
        async with seats.take(10):
            tasks = [asyncio.create_task(in_background(seats, 10, log, str(n))) for n in range(3)]
            await settle()
            assert log == []
        await settle()
        assert log == ["0 sits", "1 sits"]
        assert seats.has_place(980)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(play())


def test_background_work_leaves_only_when_somebody_would_wait() -> None:
    """For want of a seat, or of room; a live request that fits beside it disturbs nobody."""

    async def play() -> None:
        seats, log = Seats(3, 100), []
        task = asyncio.create_task(in_background(seats, 50, log, "line"))
        await settle()
        async with seats.take(50):
            assert log == ["line sits"]
            assert not seats.has_place(51)
            assert seats.has_place(50)
            async with seats.take(40):
                assert log == ["line sits", "line leaves"]
        await asyncio.gather(task, return_exceptions=True)
        assert seats.has_place(100)

    asyncio.run(play())


def test_who_waits_in_the_background_and_gives_up_frees_the_way() -> None:
    """No trace is left of it."""

    async def play() -> None:
        seats, log = Seats(1, 100), []
        async with seats.take(10):
            tasks = [asyncio.create_task(in_background(seats, 10, log, n)) for n in "ab"]
            await asyncio.sleep(0)
            tasks[0].cancel()
            await asyncio.sleep(0)
        await settle()
        assert log == ["b sits"]
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(play())
