"""Many calls at once, and large files: the client against the `groq` package, on loopback.

Calls at once are compared by the wall clock, for that is what their user waits for; files by the
CPU time and the peak memory of this process. Ours and the peer's turns alternate, and the medians
of the turns are compared.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks import fixture_server
from tests.benchmarks.table import Row, as_text

__all__ = ["rows"]

MODEL = "llama-3.3-70b-versatile"
MESSAGES: list[Any] = [{"role": "user", "content": "Explain the importance of fast answers."}]
KEY = "gsk_" + "0" * 52
AT_ONCE, CALLS = 64, 512
MEGABYTES = 40


def _medians(ours: Callable[[], float], peers: Callable[[], float], turns: int) -> list[float]:
    """The median of each, over turns in which both have their go; the first is not counted."""
    taken: list[tuple[float, float]] = [(ours(), peers()) for _ in range(turns + 1)][1:]
    return [statistics.median(values) for values in zip(*taken, strict=True)]


def _at_once(base_url: str) -> list[Row]:
    import groq

    from groqnb import AsyncGroq

    async def storm(client: Any) -> float:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with gate:
                await client.chat.completions.create(model=MODEL, messages=MESSAGES)

        # The connections are open before the clock starts.
        await asyncio.gather(*(one() for _ in range(AT_ONCE)))
        start = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(CALLS)))
        taken = time.perf_counter() - start
        await client.close()
        return taken / CALLS * 1e6

    host = base_url.removesuffix("/openai/v1")
    mine, groqs = _medians(
        lambda: asyncio.run(storm(AsyncGroq(base_url=host, api_key=KEY))),
        lambda: asyncio.run(storm(groq.AsyncGroq(base_url=host, api_key=KEY))),
        turns=5,
    )
    # 2.5 times the throughput is 0.4 of the time.
    return [Row("a request, 64 async ones at once, against groq", mine, groqs, "µs", 0.4)]


@contextmanager
def _file() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requests.jsonl"
        with path.open("wb") as file:
            for _ in range(MEGABYTES):
                file.write(fixture_server.MEGABYTE)
        yield path


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) / MEGABYTES * 1e3


def _peak(work: Callable[[], object]) -> float:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def _files(base_url: str) -> list[Row]:
    import groq

    from groqnb import Groq

    host = base_url.removesuffix("/openai/v1")
    ours, theirs = Groq(base_url=host, api_key=KEY), groq.Groq(base_url=host, api_key=KEY)
    with _file() as path:
        saved = path.with_name("saved")

        def up(client: Any) -> Callable[[], object]:
            return lambda: client.files.create(file=path, purpose="batch")

        def down(client: Any) -> Callable[[], object]:
            return lambda: client.files.content(str(MEGABYTES)).write_to_file(saved)

        found = []
        for name, act in (("uploaded", up), ("downloaded", down)):
            mine, groqs = _medians(
                lambda act=act: _cpu(act(ours)),  # type: ignore[misc]
                lambda act=act: _cpu(act(theirs)),  # type: ignore[misc]
                turns=5,
            )
            found.append(Row(f"a megabyte {name}, against groq", mine, groqs, "ms CPU", None))
            held = _peak(act(ours)), _peak(act(theirs))
            what = f"memory for {MEGABYTES} MB {name}, against groq"
            found.append(Row(what, *held, "MB", None))
    ours.close()
    return found


def rows() -> list[Row]:
    """All measurements of this module; takes about a quarter of a minute."""
    with fixture_server.running() as base_url:
        return [*_at_once(base_url), *_files(base_url)]


if __name__ == "__main__":
    print(as_text(rows()))
