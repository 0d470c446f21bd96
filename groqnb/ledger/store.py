"""The ledger's file: SQLite, so that many kernels write to it at once and a kill loses nothing.

Rows are appended one by one to a table, and moved from there in thousands into blocks, which load
fast. Both happen in transactions: a process that dies leaves whole rows and whole blocks.

A file that cannot be written (read-only, disk full, from a later version) is told of once; rows
are kept in memory from then on, so that the kernel's own totals stay right.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from groqnb.ledger import blocks
from groqnb.ledger.columns import COLUMNS, Row, storable

__all__ = ["LedgerUnreadable", "Store", "default_path"]

VERSION = 2
_BLOCK = 10_000  # rows
_PATIENCE = 5.0  # s to wait for other writers where waiting is allowed
_MOMENT = 0.002  # s to wait for them on the calling path; a thread of its own goes on waiting
_MOST_PENDING = 100_000

_NAMES = ", ".join(f'"{column.name}"' for column in COLUMNS)
_INSERT = f"INSERT INTO calls ({_NAMES}) VALUES ({', '.join('?' * len(COLUMNS))})"
_TYPES = {"float": "REAL", "count": "INTEGER", "word": "TEXT", "text": "TEXT"}
_DEFINED = {column: f'"{column.name}" {_TYPES[column.kind]}' for column in COLUMNS}
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS calls (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  {", ".join(defined for column, defined in _DEFINED.items() if column.since == 1)}
);
CREATE TABLE IF NOT EXISTS blocks (
  id INTEGER PRIMARY KEY, rows INTEGER NOT NULL, first REAL, last REAL, data BLOB NOT NULL
);
"""


class LedgerUnreadable(Exception):
    """The file cannot be read; the text says why, and what to do."""


def default_path() -> Path:
    """The user's ledger: `usage.sqlite` in GROQNB_DATA_DIR, else in the user's data folder."""
    return _path_in(os.environ.get("GROQNB_DATA_DIR"))


@lru_cache(maxsize=8)  # asked at the end of every call
def _path_in(folder: str | None) -> Path:
    if not folder:
        from platformdirs import user_data_dir

        folder = user_data_dir("groqnb", appauthor=False)
    return Path(folder) / "usage.sqlite"


class Store:
    """One ledger file, for one process. Thread-safe; usable after a fork.

    ```python
    store = Store(path)
    store.append(row({"time": time.time(), "model": "llama-3.1-8b-instant"}))
    store.read()["rows"]  # 1
    ```
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self._pending: deque[Row] = deque(maxlen=_MOST_PENDING)
        self._patience = -1.0  # s, as the connection has it
        self._waiting = False
        self._broken = ""
        self._appended = 0
        self._packing = False

    @property
    def broken(self) -> str:
        """Why rows are kept in memory only; empty when all is well."""
        return self._broken

    def append(self, new: Row) -> None:
        """Keep one row; returns at once. Never raises for what is wrong with the file."""
        self._pending.append(new)
        if self._broken or self._waiting:
            return
        # Whoever holds the lock may have looked at what is pending already.
        written = False
        if self._lock.acquire(blocking=False):
            try:
                written = self._write(patience=_MOMENT)
            finally:
                self._lock.release()
        if not written and not self._broken:
            self._waiting = True
            threading.Thread(target=self._wait, name="groqnb-ledger", daemon=True).start()
        if self._appended >= _BLOCK and not self._packing:
            self._packing = True
            threading.Thread(target=self._pack_quietly, name="groqnb-ledger", daemon=True).start()

    def flush(self) -> None:
        """Write what could not be written at once; waits for other writers up to 5 s."""
        with self._lock:
            if self._pending and not self._broken:
                self._write(patience=_PATIENCE)

    def _wait(self) -> None:
        """Write what is pending as soon as the others let it; what comes meanwhile goes along."""
        try:
            while self._pending and not self._broken:
                self.flush()
        finally:
            self._waiting = False

    def close(self) -> None:
        """Flush, and close the file."""
        self.flush()
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    # --- writing ---

    def _write(self, patience: float) -> bool:
        """Write the pending rows; False where that cannot be done now. The lock is held."""
        rows = list(self._pending)
        if not rows:
            return True
        try:
            connection = self._open()
            self._set_patience(connection, patience)
            if len(rows) == 1:  # the usual case: a statement is a transaction of its own
                connection.execute(_INSERT, rows[0])
            else:
                with _transaction(connection):
                    connection.executemany(_INSERT, rows)
        except LedgerUnreadable as error:
            self._give_up(str(error))
            return False
        except (sqlite3.Error, OSError, OverflowError, UnicodeEncodeError) as error:
            if isinstance(error, sqlite3.OperationalError) and _is_busy(error):
                return False
            mended = [storable(one) for one in rows]
            if mended != rows:
                for at, one in enumerate(mended):
                    self._pending[at] = one
                return self._write(patience)
            self._give_up(
                f"The usage ledger {self.path} cannot be written ({error}); "
                "this kernel keeps its rows in memory."
            )
            return False
        for _ in rows:
            self._pending.popleft()
        self._appended += len(rows)
        return True

    def _set_patience(self, connection: sqlite3.Connection, seconds: float) -> None:
        if seconds != self._patience:
            _set_patience(connection, seconds)
            self._patience = seconds

    def _give_up(self, why: str) -> None:
        self._broken = why
        warnings.warn(why, stacklevel=2)

    def _open(self) -> sqlite3.Connection:
        """The connection of this process; the lock is held."""
        if self._connection is not None and self._process == os.getpid():
            return self._connection
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.path.exists():
            self.path.touch(mode=0o600)  # texts, where they are kept, may be private
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            _set_patience(connection, _PATIENCE)
            _prepare(connection, self.path)
        except BaseException:
            connection.close()
            raise
        self._connection, self._process = connection, os.getpid()
        self._patience = _PATIENCE
        return connection

    def _pack_quietly(self) -> None:
        try:
            self.pack()
        except (sqlite3.Error, OSError, LedgerUnreadable):
            # The rows stay where they are: they only load more slowly.
            self._appended = 0
        finally:
            self._packing = False

    def pack(self, at_least: int = _BLOCK) -> None:
        """Move rows from the table into blocks, `at_least` so many at a time."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            _set_patience(connection, _PATIENCE)
            while True:
                found = connection.execute(
                    f"SELECT id, {_NAMES} FROM calls ORDER BY id LIMIT ?", [_BLOCK]
                ).fetchall()
                if len(found) < max(at_least, 1):
                    break
                rows = [values[1:] for values in found]
                data = blocks.encode(rows)
                times = [values[0] for values in rows if values[0] is not None]
                with _transaction(connection):
                    # Another process may have packed the same rows meanwhile.
                    moved = connection.execute(
                        "DELETE FROM calls WHERE id BETWEEN ? AND ?", [found[0][0], found[-1][0]]
                    ).rowcount
                    if moved != len(found):
                        raise sqlite3.OperationalError("packed by another process")
                    connection.execute(
                        "INSERT INTO blocks (rows, first, last, data) VALUES (?, ?, ?, ?)",
                        [len(rows), min(times, default=None), max(times, default=None), data],
                    )
        finally:
            connection.close()
        self._appended = 0

    # --- reading ---

    def count(self) -> int:
        """How many rows there are, quickly. Raises LedgerUnreadable."""
        self.flush()
        if not self.path.exists() or self._broken:
            return len(self._pending)
        try:
            with self._lock:
                (packed,) = self._open().execute("SELECT total(rows) FROM blocks").fetchone()
                (loose,) = self._open().execute("SELECT count(*) FROM calls").fetchone()
        except (sqlite3.Error, OSError) as error:
            raise self._unreadable(error) from None
        return int(packed) + int(loose)

    def _unreadable(self, error: Exception) -> LedgerUnreadable:
        return LedgerUnreadable(
            f"The usage ledger {self.path} cannot be read ({error}). "
            "Move it away to begin a new one."
        )

    def read(self, since: float | None = None) -> blocks.Columns:
        """All rows that ended at `since` (seconds since 1970) or later, oldest blocks first.

        Raises LedgerUnreadable.
        """
        self.flush()
        parts = [] if not self.path.exists() or self._broken else self._stored(since)
        if self._pending:
            parts.append(blocks.decode(blocks.encode(list(self._pending))))
        whole = blocks.joined(parts)
        return whole if since is None else blocks.taken(whole, whole["time"] >= since)

    def _stored(self, since: float | None) -> list[blocks.Columns]:
        try:
            with self._lock:
                connection = self._open()
                self._set_patience(connection, _PATIENCE)
                # In one transaction: a block must not be missed, nor its rows be met twice.
                with _transaction(connection, "DEFERRED"):
                    found = connection.execute(
                        "SELECT data FROM blocks WHERE ? IS NULL OR last >= ? ORDER BY id",
                        [since, since],
                    ).fetchall()
                    rows = connection.execute(
                        f"SELECT {_NAMES} FROM calls WHERE ? IS NULL OR time >= ? ORDER BY id",
                        [since, since],
                    ).fetchall()
            parts = [blocks.decode(data) for (data,) in found]
        except (sqlite3.Error, OSError, ValueError) as error:
            raise self._unreadable(error) from None
        if rows:
            parts.append(blocks.decode(blocks.encode(rows)))
        return parts


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise LedgerUnreadable(
            f"The usage ledger {path} was written by a later version of groqnb. Upgrade groqnb, "
            "or name another folder with GROQNB_DATA_DIR."
        )
    # Every commit survives the end of the process; the end of the power may cost the last ones.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if version < VERSION:
        with _transaction(connection):
            # Another process may have done it meanwhile.
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            for column, defined in _DEFINED.items():
                if version < column.since > 1:
                    connection.execute(f"ALTER TABLE calls ADD COLUMN {defined}")
            connection.execute(f"PRAGMA user_version = {VERSION}")


@contextmanager
def _transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _set_patience(connection: sqlite3.Connection, seconds: float) -> None:
    connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return "locked" in str(error) or "busy" in str(error)
