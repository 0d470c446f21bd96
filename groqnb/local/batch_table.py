"""Batches in the database: their rows, and which engine works on which.

An engine claims a batch before it touches it. The claim is a lease that the engine renews, and
the engine holds a lock on a file of its own as long as it lives. Another engine may take over
when the lock is free (the process ended, however) or the lease is over (it hangs, or it sleeps).
Whoever writes about a batch says in the same transaction that it still has the claim; an engine
that wakes up too late changes nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groqnb.local.lockfile import try_lock
from groqnb.local.store import Store

if TYPE_CHECKING:
    from sqlite3 import Connection

__all__ = ["COLUMNS", "LEASE_SECONDS", "Claims", "Lost", "add_results", "batch_object", "change"]

#: How long a claim holds without being renewed.
LEASE_SECONDS = 30.0

_TIMES = (
    "in_progress_at",
    "expires_at",
    "finalizing_at",
    "completed_at",
    "failed_at",
    "expired_at",
    "cancelling_at",
    "cancelled_at",
)
_NAMES = (
    "id",
    "endpoint",
    "errors",
    "input_file_id",
    "completion_window",
    "status",
    "output_file_id",
    "error_file_id",
    *_TIMES,
    "total",
    "completed",
    "failed",
    "metadata",
    "created_at",
)
#: The columns of a batch, for SELECT.
COLUMNS = ", ".join(_NAMES)


class Lost(Exception):
    """The claim on a batch is gone: another engine has it now."""


def batch_object(row: tuple[Any, ...]) -> dict[str, Any]:
    """A row of `COLUMNS` as the documentation's batch object."""
    given = dict(zip(_NAMES, row, strict=True))
    return {
        "id": given["id"],
        "object": "batch",
        "endpoint": given["endpoint"],
        "errors": given["errors"] and {"object": "list", "data": json.loads(given["errors"])},
        "input_file_id": given["input_file_id"],
        "completion_window": given["completion_window"],
        "status": given["status"],
        "output_file_id": given["output_file_id"],
        "error_file_id": given["error_file_id"],
        "created_at": given["created_at"],
        **{name: given[name] for name in _TIMES},
        "request_counts": {name: given[name] for name in ("total", "completed", "failed")},
        "metadata": given["metadata"] and json.loads(given["metadata"]),
    }


def change(db: Connection, batch_id: str, owner: str, values: Mapping[str, Any]) -> None:
    """Set columns of a batch that `owner` has claimed. Raises Lost."""
    names = ", ".join(f"{name} = ?" for name in values)
    done = db.execute(
        f"UPDATE batches SET {names} WHERE id = ? AND owner = ?",
        [*values.values(), batch_id, owner],
    )
    if done.rowcount != 1:
        raise Lost(batch_id)


def add_results(
    db: Connection, batch_id: str, owner: str, results: Iterable[tuple[int, bool, bytes]]
) -> None:
    """Keep the results (line number, whether it succeeded, record) of lines, and count them.

    A line that has one already keeps it. Raises Lost.
    """
    counts = {True: 0, False: 0}
    for line, ok, record in results:
        counts[ok] += db.execute(
            "INSERT OR IGNORE INTO results (batch, line, ok, record) VALUES (?, ?, ?, ?)",
            [batch_id, line, ok, record],
        ).rowcount
    done = db.execute(
        "UPDATE batches SET completed = completed + ?, failed = failed + ? "
        "WHERE id = ? AND owner = ?",
        [counts[True], counts[False], batch_id, owner],
    )
    if done.rowcount != 1:
        raise Lost(batch_id)


class Claims:
    """The claims of this engine. `owner` is its name in the database."""

    def __init__(self, store: Store) -> None:
        self.owner = secrets.token_hex(8)
        self._store = store
        self._held: set[str] = set()
        self._lock: int | None = None

    async def take(self, where: str) -> dict[str, Any] | None:
        """Claim the oldest batch that the SQL condition `where` holds for and nobody works on."""
        rows = await self._store.read(
            lambda db: db.execute(
                f"SELECT id, owner, lease FROM batches WHERE {where} ORDER BY seq"
            ).fetchall()
        )
        for batch_id, owner, lease in rows:
            if batch_id not in self._held and self._is_free(owner, lease):
                self._hold_lock()
                taken = await self._take(batch_id, owner, lease, where)
                if taken is not None:
                    self._held.add(batch_id)
                    return taken
        return None

    async def _take(
        self, batch_id: str, owner: str | None, lease: float, where: str
    ) -> dict[str, Any] | None:
        def work(db: Connection) -> tuple[Any, ...] | None:
            # Another engine may have been faster, or the batch has moved on.
            done = db.execute(
                "UPDATE batches SET owner = ?, lease = ? "
                f"WHERE id = ? AND owner IS ? AND lease = ? AND ({where})",
                [self.owner, time.time() + LEASE_SECONDS, batch_id, owner, lease],
            )
            if done.rowcount != 1:
                return None
            row: tuple[Any, ...] = db.execute(
                f"SELECT {COLUMNS} FROM batches WHERE id = ?", [batch_id]
            ).fetchone()
            return row

        row = await self._store.write(work)
        return None if row is None else batch_object(row)

    async def renew(self, batch_id: str) -> bool:
        """Prolong a claim; False when it is lost."""
        lease = time.time() + LEASE_SECONDS
        return await self._store.write(
            lambda db: (
                db.execute(
                    "UPDATE batches SET lease = ? WHERE id = ? AND owner = ?",
                    [lease, batch_id, self.owner],
                ).rowcount
                == 1
            )
        )

    async def release(self, batch_id: str) -> None:
        """Let a batch go, for whoever comes next. Nothing happens if it is lost already."""
        self._held.discard(batch_id)
        await self._store.write(
            lambda db: db.execute(
                "UPDATE batches SET owner = NULL, lease = 0 WHERE id = ? AND owner = ?",
                [batch_id, self.owner],
            )
        )

    def close(self) -> None:
        """Let the lock go, and so every claim."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)
            with contextlib.suppress(OSError):
                self._path(self.owner).unlink(missing_ok=True)

    def _path(self, owner: str) -> Path:
        return self._store.folder / "engines" / f"{owner}.lock"

    def _hold_lock(self) -> None:
        if self._lock is None:
            self._lock = try_lock(self._path(self.owner))

    def _is_free(self, owner: str | None, lease: float) -> bool:
        if owner is None or lease < time.time():
            return True
        path = self._path(owner)
        if not path.exists():
            return True
        lock = try_lock(path)
        if lock is None:
            return False
        os.close(lock)
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        return True
