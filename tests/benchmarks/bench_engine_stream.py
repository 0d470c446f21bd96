"""Streaming: the engine over HTTP against the runtime called directly, alone and with 4 clients.

Whole answers to the same prompt are timed, from the request to the last byte; ours and the
peer's turn alternate, and the medians of the milliseconds for a token are compared.
"""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from groqnb.local import process, weights
from tests.benchmarks.table import Row, as_text

__all__ = ["rows"]

# 95 % of the tokens a second.
GOAL = 1 / 0.95
TURNS = 5
BODY = {
    "model": "llama-3.1-8b-instant",
    "messages": [{"role": "user", "content": "Write a long story about a lighthouse."}],
    "max_tokens": 128,
    "temperature": 0,
    "stream": True,
    "stream_options": {"include_usage": True},
}


def _stream(port: int, key: str, counts: list[int]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request(
        "POST",
        "/openai/v1/chat/completions",
        json.dumps(BODY),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with connection.getresponse() as reply:
        lines = [line for line in reply if line.startswith(b"data: {")]
    counts.append(json.loads(lines[-1][6:])["usage"]["completion_tokens"])
    connection.close()


def _ours(engine: process.Engine, clients: int) -> float:
    """Milliseconds for a token."""
    port = int(engine.base_url.split(":")[2].split("/")[0])
    counts: list[int] = []
    threads = [
        threading.Thread(target=_stream, args=(port, engine.api_key, counts))
        for _ in range(clients)
    ]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - start) / sum(counts) * 1000


def _peers(child: subprocess.Popen[str], clients: int) -> float:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(f"{clients}\n")
    child.stdin.flush()
    seconds, tokens = json.loads(child.stdout.readline())
    return float(seconds / tokens * 1000)


def rows(turns: int = TURNS) -> list[Row]:
    """One row for one client, one for four, with the small model."""
    path = weights.ensure("small").path
    engine = process.ensure("small")
    script = Path(__file__).with_name("bare_generate.py")
    found = []
    with subprocess.Popen(
        [sys.executable, str(script), str(path), json.dumps(BODY)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        for clients in (1, 4):
            ours, peers = [], []
            # The first turn brings the prompt into both caches and is not counted.
            for turn in range(turns + 1):
                mine, theirs = _ours(engine, clients), _peers(child, clients)
                if turn:
                    ours.append(mine)
                    peers.append(theirs)
            found.append(
                Row(
                    f"engine, streaming a token, {clients} client{'s' if clients > 1 else ''}",
                    statistics.median(ours),
                    statistics.median(peers),
                    "ms",
                    GOAL,
                )
            )
        child.kill()
    process.stop()
    return found


if __name__ == "__main__":
    print(as_text(rows()))
