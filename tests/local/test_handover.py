"""What the runtime's thread hands over reaches the loop whole, in order and in time."""

from __future__ import annotations

import asyncio
import threading
import time

from groqnb.local.parts.handover import Handover


def collect(count: int, pause: float) -> tuple[list[bytes], list[float], int]:
    """Items handed over from another thread, `pause` s apart: them, their delays, the looks."""

    async def main() -> tuple[list[bytes], list[float], int]:
        events = Handover()

        def work() -> None:
            for _ in range(count):
                events.put(b"%f" % time.perf_counter())
                if pause:
                    time.sleep(pause)
            events.put(None)

        threading.Thread(target=work).start()
        items: list[bytes] = []
        delays: list[float] = []
        looks = 0
        async for several in events:
            looks += 1
            for item in several:
                if item is None:
                    return items, delays, looks
                assert isinstance(item, bytes)
                items.append(item)
                delays.append(time.perf_counter() - float(item))
        raise AssertionError("unreachable: there is no end")

    return asyncio.run(asyncio.wait_for(main(), 30))


def test_everything_comes_in_order() -> None:
    items, _, _ = collect(20_000, 0)
    assert len(items) == 20_000
    assert items == sorted(items, key=float)


def test_what_comes_fast_is_taken_several_at_a_time() -> None:
    _, _, looks = collect(400, 0.001)
    assert looks < 200


def test_what_comes_after_a_pause_is_not_held_back() -> None:
    _, delays, _ = collect(12, 0.1)
    # Held back, each of the later ones would take longer; one that does not is proof.
    assert min(delays[6:]) < 0.01


def test_closing_it_while_it_waits_ends_it() -> None:
    async def main() -> None:
        events = Handover()

        async def read() -> None:
            async for _ in events:
                pass

        task = asyncio.create_task(read())
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait([task], timeout=60)
        assert task.cancelled()

    asyncio.run(main())
