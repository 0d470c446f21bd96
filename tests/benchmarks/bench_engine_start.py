"""From no process to the first token: the engine against the least that serves the same model.

Ours and the peer's turn alternate; the medians are compared. The weights are on this machine and
in the file cache, as they are for every start but the first.
"""

from __future__ import annotations

import http.client
import json
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

from groqnb.local import process, weights
from tests.benchmarks.table import Row, as_text

__all__ = ["rows"]

GOAL = 1.15
TURNS = 5
BODY = json.dumps(
    {
        "model": "llama-3.1-8b-instant",
        "messages": [{"role": "user", "content": "Say hello and introduce yourself."}],
        "max_tokens": 20,
        "temperature": 0,
        "stream": True,
    }
)


def _first_token(port: int, key: str) -> None:
    """Ask, again until somebody listens, and return at the first piece of text."""
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        try:
            connection.request(
                "POST",
                "/openai/v1/chat/completions",
                BODY,
                {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
            )
            break
        except ConnectionRefusedError:
            time.sleep(0.01)
    with connection.getresponse() as reply:
        assert reply.status == 200, reply.read()
        for line in reply:
            choices = json.loads(line[6:])["choices"] if line.startswith(b"data: {") else []
            if choices and choices[0]["delta"].get("content"):
                break
    connection.close()


def _ours(model: str) -> float:
    start = time.perf_counter()
    engine = process.ensure(model)
    _first_token(int(engine.base_url.split(":")[2].split("/")[0]), engine.api_key)
    seconds = time.perf_counter() - start
    process.stop()
    return seconds


def _peers(path: Path) -> float:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    script = Path(__file__).with_name("bare_engine.py")
    start = time.perf_counter()
    child = subprocess.Popen([sys.executable, str(script), str(path), str(port)])
    try:
        _first_token(port, "none")
        return time.perf_counter() - start
    finally:
        child.kill()
        child.wait()


def rows(turns: int = TURNS) -> list[Row]:
    """One row for the small and one for the default model."""
    found = []
    for model in ("small", "default"):
        path = weights.ensure(model).path
        ours, peers = [], []
        # The first turn of each brings the file into the cache and is not counted.
        for turn in range(turns + 1):
            mine, theirs = _ours(model), _peers(path)
            if turn:
                ours.append(mine)
                peers.append(theirs)
        found.append(
            Row(
                f"engine, cold start to first token, {model}",
                statistics.median(ours) * 1000,
                statistics.median(peers) * 1000,
                "ms",
                GOAL,
            )
        )
    return found


if __name__ == "__main__":
    print(as_text(rows()))
