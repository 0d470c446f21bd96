"""A batch file of 50,000 lines checked line by line: time and memory, against json + pydantic.

$ python -m tests.benchmarks jsonl
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.table import Row

__all__ = ["rows"]

LINES = 50_000
ROUNDS = 3

OURS = """
from groqnb.local.jsonl import Check
import pydantic_core
def run(path):
    check = Check(path)
    assert not list(check) and check.total == LINES
"""

# What a batch file's reader looks like when it is written with the usual tools.
PEER = """
import json
from typing import Any, Literal
from pydantic import BaseModel, ConfigDict, Field

class Line(BaseModel):
    model_config = ConfigDict(extra="forbid")
    custom_id: str = Field(min_length=1, max_length=512)
    method: Literal["POST"]
    url: Literal["/v1/chat/completions", "/v1/audio/transcriptions", "/v1/audio/translations"]
    body: dict[str, Any]

def run(path):
    seen = set()
    with open(path, "rb") as file:
        for number, raw in enumerate(file, 1):
            line = Line.model_validate(json.loads(raw))
            assert line.body["model"]
            assert line.custom_id not in seen
            seen.add(line.custom_id)
    assert number == LINES
"""

# The least of a process's own runs, and how far its memory grew above what it was before.
MEASURE = """
import resource, sys, time
from pathlib import Path
LINES, path = int(sys.argv[1]), Path(sys.argv[2])
def peak():
    # Not ru_maxrss: that starts at the parent's.
    text = Path("/proc/self/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) / 1024
{code}
before = peak()
times = []
for _ in range({rounds}):
    began = time.process_time()
    run(path)
    times.append(time.process_time() - began)
print(min(times) * 1000, peak() - before)
"""


def write_lines(path: Path, lines: int, size: int) -> None:
    """A batch file with about `size` bytes a line."""
    text = "The quick brown fox jumps over the lazy dog. " * (size // 45)
    with path.open("w") as file:
        for number in range(lines):
            body = {
                "model": "llama-3.1-8b-instant",
                "messages": [
                    {"role": "system", "content": "Classify the text."},
                    {"role": "user", "content": f"{number} {text}"},
                ],
                "max_completion_tokens": 5,
            }
            line = {
                "custom_id": f"row-{number}",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": body,
            }
            file.write(json.dumps(line) + "\n")


def measure(code: str, path: Path) -> tuple[float, float]:
    """Milliseconds of CPU and megabytes of growth."""
    script = MEASURE.format(code=code, rounds=ROUNDS)
    done = subprocess.run(
        [sys.executable, "-c", script, str(LINES), str(path)],
        check=True,
        capture_output=True,
        text=True,
    )
    milliseconds, megabytes = done.stdout.split()
    return float(milliseconds), float(megabytes)


def rows() -> list[Row]:
    """Short lines (about 350 bytes) and long ones (4,000, the largest file that is taken)."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name, size in (("short lines", 45), ("long lines", 3_700)):
            path = Path(folder) / "batch.jsonl"
            write_lines(path, LINES, size)
            ours, growth = measure(OURS, path)
            peer, peer_growth = measure(PEER, path)
            found.append(Row(f"50,000 {name}", ours, peer, "ms CPU", 1 / 3))
            found.append(Row(f"50,000 {name}, memory", growth, max(peer_growth, 0.1), "MB", None))
    return found
