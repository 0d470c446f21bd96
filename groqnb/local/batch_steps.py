"""The steps of a batch before and after its lines run: validation, and the files at its end.

Docs: "Batch Processing". A line that is no proper request goes to `errors` with its number,
to the error file, and counts as failed; a file that holds no batch at all fails it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from groqnb.local.batch_table import add_results, change
from groqnb.local.files import add_file, unlink_unneeded
from groqnb.local.jsonl import MOST_LINES, Check, Fault, read_requests
from groqnb.local.store import Store, new_id, ulid

if TYPE_CHECKING:
    from sqlite3 import Connection

__all__ = ["done_lines", "end", "keep", "record", "refused", "validate"]

_T = TypeVar("_T")

_PAGE = 500
# A reply must stay readable; the error file has all of them.
_MOST_ERRORS = 1_000


def record(custom_id: str | None, response: Any, error: Any) -> bytes:
    """One line of an output or error file."""
    line = {
        "id": new_id("batch_req"),
        "custom_id": custom_id,
        "response": response,
        "error": error,
    }
    text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace") + b"\n"


async def keep(
    store: Store, batch_id: str, owner: str, results: Iterable[tuple[int, bool, bytes]]
) -> None:
    """Keep the results (line number, whether it succeeded, record) of lines. Raises Lost."""
    await store.write(lambda db: add_results(db, batch_id, owner, results))


def refused(fault: Fault) -> bytes:
    """The error file's line for a line that is no request."""
    return record(fault.custom_id, None, fault.as_error())


async def done_lines(store: Store, batch_id: str) -> bytearray:
    """For each line number whether the line has its result."""
    done = bytearray(1)
    for (line,) in await store.read(
        lambda db: db.execute("SELECT line FROM results WHERE batch = ?", [batch_id]).fetchall()
    ):
        if line >= len(done):
            done.extend(bytes(line - len(done) + 1))
        done[line] = 1
    return done


async def validate(store: Store, batch: dict[str, Any], owner: str) -> None:
    """Take a claimed batch from `validating` to `in_progress`, or to `failed`. Raises Lost."""
    batch_id = batch["id"]
    path = store.content(batch["input_file_id"])
    if not path.is_file():
        await _fail(store, batch_id, owner, _whole("file_not_found", "The input file is gone."))
        return
    check = Check(path)
    errors: list[dict[str, Any]] = []
    bad = 0
    async for faults in _pages(iter(check)):
        bad += len(faults)
        errors += [fault.as_error() for fault in faults[: _MOST_ERRORS - len(errors)]]
        if bad <= MOST_LINES:
            results = [(fault.line, False, refused(fault)) for fault in faults]
            await keep(store, batch_id, owner, results)
    whole = _whole_fault(check.total, bad)
    if whole is not None:
        await _fail(store, batch_id, owner, [*whole, *errors])
        return
    if bad > len(errors):
        errors += _whole("more_errors", f"{bad - len(errors)} more lines are in the error file.")
    known = json.dumps(errors) if errors else None
    now = int(time.time())
    await store.write(
        lambda db: db.execute(
            "UPDATE batches SET status = 'in_progress', in_progress_at = ?, total = ?, "
            "errors = ?, owner = NULL WHERE id = ? AND owner = ? AND status = 'validating'",
            [now, check.total, known, batch_id, owner],
        )
    )


def _whole(code: str, message: str) -> list[dict[str, Any]]:
    return [{"code": code, "message": message, "param": None, "line": None}]


def _whole_fault(total: int, bad: int) -> list[dict[str, Any]] | None:
    if total == 0:
        return _whole("empty_file", "The input file holds no requests.")
    if total > MOST_LINES:
        return _whole("too_many_requests", f"A batch may hold {MOST_LINES:,} requests at most.")
    if bad == total:
        return _whole("no_valid_requests", "No line of the input file is a valid request.")
    return None


async def _fail(store: Store, batch_id: str, owner: str, errors: list[dict[str, Any]]) -> None:
    values = {
        "status": "failed",
        "failed_at": int(time.time()),
        "errors": json.dumps(errors),
        # Nothing of it was a request that could fail.
        "failed": 0,
        "owner": None,
    }

    def work(db: Connection) -> None:
        change(db, batch_id, owner, values)
        db.execute("DELETE FROM results WHERE batch = ?", [batch_id])

    await store.write(work)
    await unlink_unneeded(store)


async def end(store: Store, batch: dict[str, Any], owner: str, status: str) -> None:
    """Write the files of a claimed batch and end it: completed, expired or cancelled.

    Raises Lost. Done again after a crash it gives the same files.
    """
    batch_id = batch["id"]
    if status == "completed" and not await _finalize(store, batch_id, owner):
        status = "cancelled"
    if status == "expired":
        await _expire_lines(store, batch, owner)
    output = await _write_file(store, batch_id, ok=True)
    errors = await _write_file(store, batch_id, ok=False)

    def work(db: Connection) -> None:
        ids: dict[str, str | None] = {"output_file_id": None, "error_file_id": None}
        for column, file in (("output_file_id", output), ("error_file_id", errors)):
            if file is not None:
                ids[column], size = file
                add_file(db, file[0], f"{batch_id}_{column[:-8]}.jsonl", "batch_output", size)
        times = {f"{status}_at": int(time.time())}
        change(db, batch_id, owner, {"status": status, "owner": None, **times, **ids})
        db.execute("DELETE FROM results WHERE batch = ?", [batch_id])

    await store.write(work)
    await store.read(lambda db: db.execute("PRAGMA incremental_vacuum").fetchall())
    await unlink_unneeded(store)


async def _finalize(store: Store, batch_id: str, owner: str) -> bool:
    """Set `finalizing`; False when the batch was cancelled in the last moment."""

    def work(db: Connection) -> bool:
        change(db, batch_id, owner, {"owner": owner})
        done = db.execute(
            "UPDATE batches SET status = 'finalizing', finalizing_at = ? "
            "WHERE id = ? AND status IN ('in_progress', 'finalizing')",
            [int(time.time()), batch_id],
        )
        return done.rowcount == 1

    return await store.write(work)


async def _expire_lines(store: Store, batch: dict[str, Any], owner: str) -> None:
    batch_id = batch["id"]
    error = {
        "code": "batch_expired",
        "message": "This request was not executed before the completion window ended.",
    }
    done = await done_lines(store, batch_id)
    async for page in _pages(read_requests(store.content(batch["input_file_id"]), done)):
        results = [(number, False, record(_custom_id(line), None, error)) for number, line in page]
        await keep(store, batch_id, owner, results)


def _custom_id(line: dict[str, Any] | Fault) -> str | None:
    return line.custom_id if isinstance(line, Fault) else line["custom_id"]


async def _write_file(store: Store, batch_id: str, *, ok: bool) -> tuple[str, int] | None:
    """The results of one kind as a file: its id and size; None when there are none."""
    first = await _result_page(store, batch_id, ok, 0)
    if not first:
        return None
    # The same id each time: an engine that takes over writes over what its forerunner left.
    digest = hashlib.sha256(f"{batch_id} {ok}".encode()).digest()
    file_id = f"file_{ulid(int.from_bytes(digest[:16], 'big') >> 3)}"
    spare = store.spare()
    size = 0
    try:
        page = first
        while page:
            size += await asyncio.to_thread(_append, spare, b"".join(each for _, each in page))
            page = await _result_page(store, batch_id, ok, page[-1][0])
        os.replace(spare, store.content(file_id))
    finally:
        spare.unlink(missing_ok=True)
    return file_id, size


async def _result_page(
    store: Store, batch_id: str, ok: bool, after: int
) -> list[tuple[int, bytes]]:
    return await store.read(
        lambda db: db.execute(
            "SELECT line, record FROM results WHERE batch = ? AND ok = ? AND line > ? "
            "ORDER BY line LIMIT ?",
            [batch_id, ok, after, _PAGE],
        ).fetchall()
    )


def _append(path: Path, content: bytes) -> int:
    with path.open("ab") as file:
        return file.write(content)


async def _pages(source: Iterator[_T]) -> AsyncIterator[list[_T]]:
    """Lists of what `source` gives. It reads a file, so it runs in a thread."""
    take: Callable[[], list[_T]] = lambda: list(islice(source, _PAGE))  # noqa: E731
    while page := await asyncio.to_thread(take):
        yield page
