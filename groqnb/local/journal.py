"""A database that several engines share writes its changes to a log beside it (WAL)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite3 import Connection

__all__ = ["use_wal"]

_POLL_SECONDS = 0.02


def use_wal(database: Connection, patience: float) -> None:
    """Switch to the log; waits up to `patience` seconds for other processes.

    SQLite itself does not wait here: of two processes that open a new file, one is told at once
    that it is locked. Raises sqlite3.OperationalError when it stays so.
    """
    import sqlite3

    end = time.monotonic() + patience
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
        time.sleep(_POLL_SECONDS)
