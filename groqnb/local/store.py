"""What the engine keeps on disk: a SQLite database, and a folder of the files' contents.

```
DATA/engine.db      what is known of files, batches, fine tunings, spending
DATA/files/         contents, named by ids of our making; a client's file name is only a value
DATA/uploads/       what is still coming in
DATA/engines/       one lock for each engine that works on batches
```

The folder is shared: every engine of a user (one for each kernel) has it open at the same time,
and any of them may end at any moment. So each change is one transaction. Nothing is made before
there is something to keep.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from groqnb.local.journal import use_wal
from groqnb.local.refusal import Refusal

if TYPE_CHECKING:
    from sqlite3 import Connection

__all__ = ["Store", "data_folder", "new_id", "ulid", "unusable"]

_T = TypeVar("_T")

_VERSION = 1
_BUSY_SECONDS = 20.0
_STALE_UPLOAD_SECONDS = 86_400
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"

_TABLES = """
CREATE TABLE files (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  filename TEXT NOT NULL,
  purpose TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  deleted INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE batches (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  endpoint TEXT NOT NULL,
  input_file_id TEXT NOT NULL,
  completion_window TEXT NOT NULL,
  metadata TEXT,
  status TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  in_progress_at INTEGER,
  finalizing_at INTEGER,
  completed_at INTEGER,
  failed_at INTEGER,
  expired_at INTEGER,
  cancelling_at INTEGER,
  cancelled_at INTEGER,
  total INTEGER NOT NULL DEFAULT 0,
  completed INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  errors TEXT,
  output_file_id TEXT,
  error_file_id TEXT,
  owner TEXT,
  lease REAL NOT NULL DEFAULT 0
);
CREATE INDEX batches_by_status ON batches (status);
CREATE TABLE results (
  batch TEXT NOT NULL,
  line INTEGER NOT NULL,
  ok INTEGER NOT NULL,
  record BLOB NOT NULL,
  PRIMARY KEY (batch, line)
);
CREATE TABLE fine_tunings (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  base_model TEXT NOT NULL,
  type TEXT NOT NULL,
  input_file_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  fine_tuned_model TEXT NOT NULL UNIQUE
);
CREATE TABLE spending (month TEXT PRIMARY KEY, usd REAL NOT NULL);
"""


def data_folder(named: str | None = None) -> Path:
    """The folder for what the engine keeps: `named`, else GROQNB_DATA_DIR, else the user's own.

    It is not made here.
    """
    named = named or os.environ.get("GROQNB_DATA_DIR")
    if named:
        return Path(named).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("groqnb", appauthor=False) / "engine"


def ulid(number: int) -> str:
    """130 bits as 26 characters, in the alphabet of the documentation's ids.

    >>> ulid(33)
    '00000000000000000000000011'
    """
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def new_id(prefix: str) -> str:
    """A new id such as `file_01jh6x76wtemjr74t1fh0faj5t`; later ones sort behind earlier ones."""
    milliseconds = time.time_ns() // 1_000_000
    return f"{prefix}_{ulid(milliseconds << 80 | secrets.randbits(80))}"


class Store:
    """The data folder, opened at first need. Every call runs in one thread of its own.

    What is wrong with the folder (newer than this engine, not writable, no room, damaged)
    reaches the client as a 503 that says so.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._database = folder / "engine.db"
        self._thread: ThreadPoolExecutor | None = None
        self._open: Connection | None = None

    @property
    def exists(self) -> bool:
        """Whether anything was ever kept here; looking makes nothing."""
        return self._database.is_file()

    def content(self, file_id: str) -> Path:
        """Where the contents of a file are. `file_id` must be one that the database told."""
        return self.folder / "files" / file_id

    def spare(self) -> Path:
        """A new path for contents that are still coming in."""
        return self.folder / "uploads" / secrets.token_hex(16)

    async def read(self, work: Callable[[Connection], _T]) -> _T:
        """What `work` returns, given the database. Raises a 503 when the folder is unusable."""
        return await self._run(lambda: work(self._connection()))

    async def write(self, work: Callable[[Connection], _T]) -> _T:
        """As `read`, in a transaction that is undone when `work` raises."""

        def whole() -> _T:
            database = self._connection()
            database.execute("BEGIN IMMEDIATE")
            try:
                result = work(database)
                database.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(Exception):
                    database.execute("ROLLBACK")
                raise
            return result

        return await self._run(whole)

    async def prepare(self) -> None:
        """Make the folder and open the database. Raises a 503 when that cannot be."""
        await self.read(lambda _: None)

    async def _run(self, work: Callable[[], _T]) -> _T:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "store")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._told, work)

    def _told(self, work: Callable[[], _T]) -> _T:
        import sqlite3

        try:
            return work()
        except (sqlite3.DatabaseError, OSError) as error:
            raise unusable(self.folder, str(error)) from error

    def _connection(self) -> Connection:
        if self._open is None:
            self._open = self._connect()
        return self._open

    def _connect(self) -> Connection:
        import sqlite3

        for folder in (self.folder, self.folder / "files", self.folder / "uploads"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = sqlite3.connect(
            self._database, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            self._set_up(database)
        except BaseException:
            database.close()
            raise
        self._sweep()
        return database

    def _set_up(self, database: Connection) -> None:
        version = _version(database)
        if version == 0:
            # Only before the first table is there a choice.
            database.execute("PRAGMA auto_vacuum = INCREMENTAL")
        use_wal(database, _BUSY_SECONDS)
        # A crash of the machine may cost the last moments, never the database.
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("PRAGMA journal_size_limit = 4000000")
        if version == 0:
            database.execute("BEGIN IMMEDIATE")
            # Another engine may have been faster.
            version = _version(database)
            if version == 0:
                for statement in _TABLES.split(";"):
                    database.execute(statement)
                database.execute(f"PRAGMA user_version = {_VERSION}")
                version = _VERSION
            database.execute("COMMIT")
        if version > _VERSION:
            raise unusable(
                self.folder,
                f"it was written by a newer groqnb (format {version}; this one knows {_VERSION}). "
                "Upgrade groqnb, or give the engine another folder with --data or GROQNB_DATA_DIR",
            )

    def _sweep(self) -> None:
        """Throw away what engines that died were receiving."""
        limit = time.time() - _STALE_UPLOAD_SECONDS
        for path in (self.folder / "uploads").iterdir():
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < limit:
                    path.unlink()

    def close(self) -> None:
        """Let go of the database."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown(wait=True)
        database, self._open = self._open, None
        if database is not None:
            database.close()


def unusable(folder: Path, why: str) -> Refusal:
    """503: the data folder cannot be used, with the reason."""
    return Refusal(
        503,
        f"The engine's data folder {folder} cannot be used: {why}.",
        type="service_unavailable_error",
        code="storage_unavailable",
    )


def _version(database: Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])
