"""Where each batch of a map stands, on disk: in the file of the map's answers.

A shard is one file of requests and the batch over it. Its state says which step is done, or was
begun where it may have happened unseen ("uploading", "creating"). A line is a row's request in a
shard. Neither prompts nor keys are in the file.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = [
    "ANSWERED",
    "COLLECTED",
    "CREATED",
    "CREATING",
    "FAILED",
    "MADE",
    "UPLOADED",
    "UPLOADING",
    "WAITING",
    "Line",
    "Shard",
    "Shards",
]

MADE, UPLOADING, UPLOADED = "made", "uploading", "uploaded"
CREATING, CREATED, COLLECTED = "creating", "created", "collected"

WAITING, ANSWERED, FAILED = 0, 1, 2

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS batch_shards (
  id INTEGER PRIMARY KEY, map TEXT NOT NULL, tag TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
  made REAL NOT NULL, since REAL NOT NULL, model TEXT NOT NULL,
  endpoint TEXT NOT NULL, within TEXT NOT NULL,
  lines INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, estimate REAL,
  file_id TEXT, batch_id TEXT, status TEXT, completed INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0, cost REAL
)""",
    """CREATE TABLE IF NOT EXISTS batch_lines (
  shard INTEGER NOT NULL, line INTEGER NOT NULL, key BLOB NOT NULL,
  outcome INTEGER NOT NULL DEFAULT 0, error TEXT, message TEXT,
  status INTEGER, request_id TEXT,
  PRIMARY KEY (shard, line)
) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS batch_lines_by_key ON batch_lines (key, shard)",
)
_FIELDS = (
    "id, map, tag, state, made, since, model, endpoint, within, lines, bytes, estimate, file_id, "
    "batch_id, status, completed, failed, cost"
)
_MOST_AT_ONCE = 500  # variables in one statement


@dataclass
class Shard:
    """One file of requests, and its batch.

    Attributes:
        map: the name of the question that its rows are asked.
        tag: the shard's own name: of its file, and in the batch's metadata.
        state: the step that is done or begun.
        made, since: when its file was made, and that step, in seconds since 1970.
        window: the time that the batch may take.
        estimate: US dollars that it may cost at most; None where no price is known.
        status: the batch's, as it was last seen.
        cost: US dollars that it came to, once it is collected.
    """

    id: int
    map: str
    tag: str
    state: str
    made: float
    since: float
    model: str
    endpoint: str
    window: str
    lines: int
    bytes: int
    estimate: float | None
    file_id: str | None
    batch_id: str | None
    status: str | None
    completed: int
    failed: int
    cost: float | None


class Line(NamedTuple):
    """A row's request: what became of it. `status` is the HTTP status of its error."""

    shard: int
    outcome: int
    error: str | None
    message: str | None
    status: int | None
    request_id: str | None


class Shards:
    """The shards of one map, over the connection that writes its journal.

    ```python
    shards = Shards(journal.writer, question.name)
    [shard.batch_id for shard in shards.open()]
    ```
    """

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self.connection = connection
        self._map = name
        with connection:
            for statement in _SCHEMA:
                connection.execute(statement)

    # --- shards ---

    def open(self) -> list[Shard]:
        """Those whose answers are not all taken in, the oldest first."""
        return self._read("map = ? AND state != ?", [self._map, COLLECTED])

    def made_only(self) -> list[Shard]:
        """Those of all maps in the file of which nothing was sent."""
        return self._read("state = ?", [MADE])

    def get(self, number: int) -> Shard:
        """One of them, as it is on disk."""
        return self._read("id = ?", [number])[0]

    def _read(self, where: str, values: Sequence[Any]) -> list[Shard]:
        rows = self.connection.execute(
            f"SELECT {_FIELDS} FROM batch_shards WHERE {where} ORDER BY id", values
        )
        return [Shard(*row) for row in rows]

    def begin(self, tag: str, model: str, endpoint: str, window: str) -> int:
        """A new shard, in the transaction that is open; its number."""
        found = self.connection.execute(
            "INSERT INTO batch_shards (map, tag, state, made, since, model, endpoint, within) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [self._map, tag, MADE, now := time.time(), now, model, endpoint, window],
        )
        assert found.lastrowid is not None
        return found.lastrowid

    def change(self, shard: Shard, **values: Any) -> None:
        """Note what is new of a shard; when this returns, it is on the disk."""
        if "state" in values:
            values["since"] = time.time()
        names = ", ".join(f"{name} = ?" for name in values)
        with self.connection:
            self.connection.execute(
                f"UPDATE batch_shards SET {names} WHERE id = ?", [*values.values(), shard.id]
            )
        for name, value in values.items():
            setattr(shard, name, value)

    def drop(self, shard: Shard) -> None:
        """Forget a shard of which nothing runs."""
        with self.connection:
            self.connection.execute("DELETE FROM batch_lines WHERE shard = ?", [shard.id])
            self.connection.execute("DELETE FROM batch_shards WHERE id = ?", [shard.id])

    def tags(self) -> set[str]:
        """The names of all shards in the file, those of other maps too."""
        return {tag for (tag,) in self.connection.execute("SELECT tag FROM batch_shards")}

    # --- lines ---

    def add_line(self, shard: int, line: int, key: bytes) -> None:
        """A line of a shard, by its number (from 1), in the transaction that is open."""
        self.connection.execute(
            "INSERT INTO batch_lines (shard, line, key) VALUES (?, ?, ?)", [shard, line, key]
        )

    def under_way(self, keys: Sequence[bytes]) -> dict[bytes, int]:
        """The rows that are in open shards, with the shard's number."""
        found: dict[bytes, int] = {}
        for part, places in _parts(keys):
            found.update(
                self.connection.execute(
                    "SELECT l.key, l.shard FROM batch_lines l JOIN batch_shards s ON s.id = l.shard"
                    f" WHERE l.key IN ({places}) AND s.state != ?",
                    [*part, COLLECTED],
                )
            )
        return found

    def lines_of(self, keys: Sequence[bytes]) -> dict[bytes, Line]:
        """What became of rows, in the last shard that each was in."""
        found: dict[bytes, Line] = {}
        for part, places in _parts(keys):
            rows = self.connection.execute(
                "SELECT key, shard, outcome, error, message, status, request_id FROM batch_lines "
                f"WHERE key IN ({places}) ORDER BY shard",
                part,
            )
            found.update((key, Line(*rest)) for key, *rest in rows)
        return found

    def settle(self, shard: Shard, outcomes: Iterable[tuple[bytes, Line]]) -> None:
        """What became of lines, by key; the first word on a line holds."""
        with self.connection:
            self.connection.executemany(
                # Without the name of the index all lines of the shard are gone through for each.
                "UPDATE batch_lines INDEXED BY batch_lines_by_key SET outcome = ?, error = ?, "
                f"message = ?, status = ?, request_id = ? WHERE shard = ? AND outcome = {WAITING} "
                "AND key = ?",
                ((*line[1:], shard.id, key) for key, line in outcomes),
            )

    def fail_line(self, shard: Shard, line: int, error: str, message: str) -> None:
        """A line that the server refused, by its number."""
        with self.connection:
            self.connection.execute(
                f"UPDATE batch_lines SET outcome = {FAILED}, error = ?, message = ? "
                f"WHERE shard = ? AND line = ? AND outcome = {WAITING}",
                [error, message, shard.id, line],
            )

    def fail_rest(self, shard: Shard, error: str, message: str) -> None:
        """All lines that have no outcome yet."""
        with self.connection:
            self.connection.execute(
                f"UPDATE batch_lines SET outcome = {FAILED}, error = ?, message = ? "
                f"WHERE shard = ? AND outcome = {WAITING}",
                [error, message, shard.id],
            )

    def keys_of(self, shard: Shard, keys: Sequence[bytes]) -> dict[bytes, bool]:
        """Those of `keys` that are in this shard, and whether they have no outcome yet."""
        found: dict[bytes, bool] = {}
        for part, places in _parts(keys):
            rows = self.connection.execute(
                "SELECT key, outcome FROM batch_lines INDEXED BY batch_lines_by_key "
                f"WHERE key IN ({places}) AND shard = ?",
                [*part, shard.id],
            )
            found.update((key, outcome == WAITING) for key, outcome in rows)
        return found


def _parts(keys: Sequence[bytes]) -> Iterable[tuple[list[bytes], str]]:
    for begin in range(0, len(keys), _MOST_AT_ONCE):
        part = list(keys[begin : begin + _MOST_AT_ONCE])
        yield part, ", ".join("?" * len(part))
