"""The usage ledger: what a row costs the call that makes it, and loading a million of them.

$ python -m tests.benchmarks ledger
"""

from __future__ import annotations

import random
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

from groqnb.ledger import blocks, frame
from groqnb.ledger.columns import COLUMNS, row
from groqnb.ledger.columns import Row as LedgerRow
from groqnb.ledger.store import Store
from tests.benchmarks.table import Row

__all__ = ["rows"]

ROWS = 1_000_000
_BLOCK = 10_000
_APPENDED = 5_000
_GOAL_APPEND = 50.0  # µs


def _made(number: int, chance: random.Random) -> LedgerRow:
    seconds = chance.random()
    return row(
        {
            "time": 1.8e9 + number,
            "project": "research",
            "notebook": f"n{number % 40}.ipynb",
            "cell": number % 60,
            "endpoint": "chat.completions",
            "model": f"model-{number % 6}",
            "model_answered": f"model-{number % 6}",
            "where": "cloud",
            "status": "ok",
            "http_status": 200,
            "retries": 0,
            "prompt_tokens": chance.randint(1, 5000),
            "cached_tokens": 0,
            "completion_tokens": chance.randint(1, 500),
            "queue_time": seconds / 9,
            "prompt_time": seconds / 7,
            "completion_time": seconds,
            "total_time": seconds * 8 / 7,
            "wall": seconds * 2,
            "tier": "on_demand",
            "region": "us-east-1",
            "request_id": f"req_{chance.getrandbits(128):032x}",
            "cost": seconds / 1000,
            "price": "the documentation",
        }
    )


def _cpu(work: Any) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


def rows() -> list[Row]:
    """Appending against its limit in µs; cost by model of a million rows against pandas."""
    import pandas as pd

    chance = random.Random(7)
    many = [_made(number, chance) for number in range(_BLOCK)]
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "usage.sqlite")
        store.append(many[0])
        start = time.thread_time()
        for values in many[:_APPENDED]:
            store.append(values)
        append = (time.thread_time() - start) / _APPENDED * 1e6
        store.read()
        block = blocks.encode(many)
        file = sqlite3.connect(store.path)
        with file:
            file.execute("DELETE FROM calls")
            for _ in range(ROWS // _BLOCK):
                file.execute(
                    "INSERT INTO blocks (rows, first, last, data) VALUES (?, ?, ?, ?)",
                    [_BLOCK, 1.8e9, 1.9e9, block],
                )
        file.close()

        def ours() -> None:
            assert len(frame.usage_frame(store).groupby("model").cost.sum()) == 6

        names = [column.name for column in COLUMNS if not column.asked_for]
        records = [dict(zip(names, values, strict=False)) for values in many] * (ROWS // _BLOCK)

        def theirs() -> None:
            assert len(pd.DataFrame(records).groupby("model").cost.sum()) == 6

        _cpu(ours)  # imports
        loaded, peer = min(_cpu(ours) for _ in range(3)), min(_cpu(theirs) for _ in range(2))
        store.close()
    return [
        Row("a row of the ledger, against 50 µs", append, _GOAL_APPEND, "µs CPU", 1.0),
        Row("cost by model of 1,000,000 rows, against list of dicts", loaded, peer, "ms", 1 / 3),
    ]
