"""The client against the `groq` package and against bare httpx with pydantic, on loopback.

CPU time of this process is what is compared: the server runs in another one. Ours and the peer's
turn alternate, and the medians of the turns are compared, so that a busy machine slows both.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.benchmarks import fixture_server
from tests.benchmarks.table import Row, as_text

__all__ = ["rows"]

MODEL = "llama-3.3-70b-versatile"
MESSAGES: list[Any] = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "Explain the importance of fast language models."},
]
KEY = "gsk_" + "0" * 52
CHUNKS = 2000


def _medians(
    ours: Callable[[], float], peers: list[Callable[[], float]], turns: int
) -> list[float]:
    """The median of each, over turns in which all of them have their go."""
    every = [ours, *peers]
    for one in every:
        one()
    taken: list[list[float]] = [[] for _ in every]
    for _ in range(turns):
        for one, list_of in zip(every, taken, strict=True):
            list_of.append(one())
    return [statistics.median(values) for values in taken]


def _cpu(work: Callable[[], object], units: int) -> float:
    """Microseconds of this process's CPU for one unit of work."""
    start = time.process_time()
    work()
    return (time.process_time() - start) / units * 1e6


def _requests(base_url: str) -> list[Row]:
    import groq
    import httpx

    from groqnb import Groq
    from tests.benchmarks.bare_models import Completion

    count = 150
    body = {"model": MODEL, "messages": MESSAGES, "temperature": 0.5}
    ours = Groq(base_url=base_url, api_key=KEY)
    theirs = groq.Groq(base_url=base_url.removesuffix("/openai/v1"), api_key=KEY)
    bare = httpx.Client(headers={"authorization": f"Bearer {KEY}"})

    def with_ours() -> None:
        for _ in range(count):
            ours.chat.completions.create(model=MODEL, messages=MESSAGES, temperature=0.5)

    def with_groq() -> None:
        for _ in range(count):
            theirs.chat.completions.create(model=MODEL, messages=MESSAGES, temperature=0.5)

    def with_bare() -> None:
        for _ in range(count):
            reply = bare.post(f"{base_url}/chat/completions", json=body)
            Completion.model_validate_json(reply.raise_for_status().content)

    mine, groqs, bares = _medians(
        lambda: _cpu(with_ours, count),
        [lambda: _cpu(with_groq, count), lambda: _cpu(with_bare, count)],
        turns=9,
    )
    ours.close()
    return [
        Row("one request, against groq", mine, groqs, "µs CPU", 0.35),
        Row("one request, against httpx + pydantic", mine, bares, "µs CPU", 1.1),
    ]


def _chunks(base_url: str) -> list[Row]:
    import groq

    from groqnb import Groq

    ours = Groq(base_url=base_url, api_key=KEY, default_headers={"x-chunks": str(CHUNKS)})
    theirs = groq.Groq(
        base_url=base_url.removesuffix("/openai/v1"),
        api_key=KEY,
        default_headers={"x-chunks": str(CHUNKS)},
    )

    def read(client: Any) -> Callable[[], None]:
        def work() -> None:
            text = []
            stream = client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
            for chunk in stream:
                text.append(chunk.choices[0].delta.content or "")
            assert len(text) == CHUNKS, len(text)

        return work

    mine, groqs = _medians(
        lambda: _cpu(read(ours), CHUNKS), [lambda: _cpu(read(theirs), CHUNKS)], turns=9
    )
    ours.close()
    return [Row("a streamed chunk, typed, against groq", mine, groqs, "µs CPU", 0.12)]


_COLD = """
import sys, time
start = time.process_time()
{imports}
client = {client}
reply = client.chat.completions.create(
    model="m", messages=[{{"role": "user", "content": "Hello"}}]
)
assert reply.choices[0].message.content
print(time.process_time() - start)
"""


def _cold(base_url: str) -> list[Row]:
    def run(imports: str, client: str) -> Callable[[], float]:
        code = _COLD.format(imports=imports, client=client)
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}

        def once() -> float:
            done = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
            )
            return float(done.stdout) * 1e3

        return once

    host = base_url.removesuffix("/openai/v1")
    mine, groqs = _medians(
        run("from groqnb import Groq", f"Groq(base_url={host!r}, api_key={KEY!r})"),
        [run("from groq import Groq", f"Groq(base_url={host!r}, api_key={KEY!r})")],
        turns=7,
    )
    return [Row("first answer from a cold import, against groq", mine, groqs, "ms CPU", 0.45)]


def rows() -> list[Row]:
    """All measurements of this module; takes about half a minute."""
    with fixture_server.running() as base_url:
        return [
            *_requests(base_url),
            *_chunks(base_url),
            *_cold(base_url),
        ]


if __name__ == "__main__":
    print(as_text(rows()))
