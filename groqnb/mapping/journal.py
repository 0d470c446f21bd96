"""Answers on disk: one file of SQLite for a map, a row for each answer.

A row is finished when it is in this file, not before. Answers are written in groups, each in a
transaction that is synced to the disk (`synchronous=FULL`: with the write-ahead log that is one
fsync a group), so what was finished survives a kill, a crash of the kernel and a loss of power.
The price of an fsync is a few milliseconds, paid a few times a second at most, in a thread of its
own. Half a group is never seen: a transaction is there as a whole or not at all.

A row is found by a hash of all that makes its answer: prompt, model, parameters and its own
values. The prompts themselves are not in the file, nor is any key; the answers are.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from groqnb.local.lockfile import locked, try_lock
from groqnb.types.errors import ParameterError

__all__ = ["Answer", "Journal", "MapRunning", "folder"]

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
  id INTEGER PRIMARY KEY, key BLOB NOT NULL, form INTEGER NOT NULL, text TEXT NOT NULL,
  model TEXT NOT NULL, prompt_tokens INTEGER, completion_tokens INTEGER, cost REAL,
  seconds REAL, finish_reason TEXT, request_id TEXT, time REAL
);
CREATE UNIQUE INDEX IF NOT EXISTS answers_by_key ON answers (key);
"""
_COLUMNS = (
    "key, form, text, model, prompt_tokens, completion_tokens, cost, seconds, finish_reason, "
    "request_id, time"
)
_INSERT = f"INTO answers ({_COLUMNS}) VALUES ({', '.join('?' * 11)})"
_PATIENCE = 30.0  # s to wait for another process's transaction
_MOST_AT_ONCE = 500  # variables in one statement: old builds of SQLite take 999

TEXT, CALLS = 0, 1


class Answer(NamedTuple):
    """What is kept of a row's answer. `form` is TEXT, or CALLS for JSON of tool calls."""

    key: bytes
    form: int
    text: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    seconds: float
    finish_reason: str | None
    request_id: str | None
    time: float


def folder() -> Path:
    """Where maps are kept: `maps` in GROQNB_DATA_DIR, else in the user's data folder."""
    base = os.environ.get("GROQNB_DATA_DIR")
    if not base:
        from platformdirs import user_data_dir

        base = user_data_dir("groqnb", appauthor=False)
    return Path(base) / "maps"


class MapRunning(ParameterError):
    """Another cell or kernel has this map."""


class Journal:
    """The answers of a map. `path` None keeps them only while the map runs, and still on disk.

    `shared` is for reading beside whoever has the file, and for several processes of one machine
    that write their parts of one map: SQLite's own locks order their transactions.

    With `since`, in Unix seconds, no answer from before is found; each is kept until a new one
    takes its place.

    Raises ParameterError when another process has the file, when it is none of these, or when a
    later version of groqnb wrote it. OSError and sqlite3.Error come through where the disk
    refuses.

    ```python
    journal = Journal(folder() / "reviews.sqlite")
    journal.add([answer])
    journal.find([answer.key])
    ```
    """

    def __init__(self, path: Path | None, *, shared: bool = False, since: float = 0.0) -> None:
        self.path = path
        self._descriptor = None if path is None or shared else _locked(path)
        # Without a path one connection serves the thread that reads and the one that writes.
        self._reading = threading.Lock()
        self._writing = self._reading if path is None else threading.Lock()
        try:
            if path is not None and shared:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                # One after another: SQLite does not wait where a file becomes what it should be.
                with locked(path.with_name(path.name + ".opening")):
                    _private(path)
                    self._connect()
            else:
                self._connect()
        except BaseException:
            self._unlock()
            raise
        self._since = since
        self._insert = f"INSERT OR {'REPLACE' if since else 'IGNORE'} {_INSERT}"

    def _connect(self) -> None:
        self._writer = self._open()
        with self._writer as connection:
            connection.executescript(_SCHEMA)
        # Another connection for reading: the thread that writes is not waited for.
        self._reader = self._writer if self.path is None else self._open()

    def _open(self) -> sqlite3.Connection:
        # An empty name is a temporary file of SQLite's own, which it deletes.
        name = "" if self.path is None else str(self.path)
        connection = sqlite3.connect(name, timeout=_PATIENCE, check_same_thread=False)
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > _VERSION:
                raise ParameterError(
                    f"{self.path} was written by a later version of groqnb.",
                    hint="Update groqnb, or pass another name as resume=.",
                )
            tables = {
                name
                for (name,) in connection.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table'"
                )
            }
            if not version and tables:
                raise ParameterError(f"{self.path} is a database of something else.")
            if self.path is not None:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA fullfsync = 1")  # on macOS fsync alone is none
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        except sqlite3.DatabaseError as error:
            connection.close()
            if isinstance(error, sqlite3.OperationalError):
                raise
            raise ParameterError(
                f"{self.path} is no file of a map, or it is damaged ({error}).",
                hint="Pass another name as resume=.",
            ) from None
        except BaseException:
            connection.close()
            raise
        return connection

    @property
    def writer(self) -> sqlite3.Connection:
        """The connection that writes, for what stands beside the answers in the file."""
        return self._writer

    def find(self, keys: Sequence[bytes]) -> dict[bytes, Answer]:
        """The answers that are there, by their keys."""
        found: dict[bytes, Answer] = {}
        for begin in range(0, len(keys), _MOST_AT_ONCE):
            part = keys[begin : begin + _MOST_AT_ONCE]
            places = ", ".join("?" * len(part))
            with self._reading:
                rows = self._reader.execute(
                    f"SELECT {_COLUMNS} FROM answers WHERE key IN ({places}) "
                    "AND coalesce(time, 0) >= ?",
                    [*part, self._since],
                ).fetchall()
            found.update((row[0], Answer(*row)) for row in rows)
        return found

    def add(self, answers: Iterable[Answer]) -> None:
        """Write a group down; when this returns, it is on the disk."""
        with self._writing, self._writer as connection:
            connection.executemany(self._insert, answers)

    def drop(self, keys: Iterable[bytes]) -> None:
        """Forget answers that are no longer any, so that new ones can take their place."""
        with self._writing, self._writer as connection:
            connection.executemany("DELETE FROM answers WHERE key = ?", [[key] for key in keys])

    def __len__(self) -> int:
        return int(self._reader.execute("SELECT count(*) FROM answers").fetchone()[0])

    def close(self) -> None:
        """Close the file; its log goes into it."""
        with suppress(sqlite3.Error):
            if self._reader is not self._writer:
                self._reader.close()
            self._writer.close()
        self._unlock()

    def _unlock(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _locked(path: Path) -> int:
    """Takes the lock of a map: two kernels with one map would pay for each row twice."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = try_lock(path.with_name(path.name + ".lock"))
    if descriptor is None:
        raise MapRunning(
            "This map is running already, in another cell or another kernel.",
            hint="Wait for it, stop it, or pass another name as resume=.",
        )
    _private(path)
    return descriptor


def _private(path: Path) -> None:
    if not path.exists():
        path.touch(mode=0o600)  # what models answer may be private
