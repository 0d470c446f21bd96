"""/openai/v1/files: upload, list, retrieve, delete, download.

Docs: "Files"; "Batch Processing", "LoRA Inference" for what may be uploaded. The reference says
100 MB, the guide 200 MB for a batch file: 200 MB are taken. What the ZIP of an adapter may have
is not told; ours is `_LARGEST`. Files stay until they are deleted.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from groqnb.local import fields
from groqnb.local.bodies import json_reply
from groqnb.local.multipart import Form, megabytes, read_form
from groqnb.local.refusal import Refusal, bad_request
from groqnb.local.store import Store, new_id, unusable

if TYPE_CHECKING:
    from sqlite3 import Connection

__all__ = ["add_file", "find_file", "input_file", "routes", "unlink_unneeded"]

_LARGEST = {"batch": 200_000_000, "fine_tuning": 1_000_000_000}
_ENDINGS = {"batch": ".jsonl", "fine_tuning": ".zip"}
_LONGEST_NAME = 255
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_COLUMNS = "id, bytes, created_at, filename, purpose"


def routes(store: Store) -> list[Route]:
    """The endpoints, over what `store` holds."""

    async def upload(request: Request) -> Response:
        return json_reply(await _receive(request, store))

    async def list_files(request: Request) -> Response:
        return json_reply({"object": "list", "data": await _list(store, request.query_params)})

    async def retrieve(request: Request) -> Response:
        return json_reply(await find_file(store, request.path_params["file"]))

    async def delete(request: Request) -> Response:
        file = await find_file(store, request.path_params["file"])
        await store.write(lambda db: db.execute(_MARK_DELETED, [file["id"]]))
        await unlink_unneeded(store)
        return json_reply({"id": file["id"], "object": "file", "deleted": True})

    async def content(request: Request) -> Response:
        file = await find_file(store, request.path_params["file"])
        return _download(request, store, file)

    return [
        Route("/files", upload, methods=["POST"]),
        Route("/files", list_files, methods=["GET"]),
        Route("/files/{file}", retrieve, methods=["GET"]),
        Route("/files/{file}", delete, methods=["DELETE"]),
        Route("/files/{file}/content", content, methods=["GET"]),
    ]


def _file_object(row: tuple[Any, ...]) -> dict[str, Any]:
    """A row of `_COLUMNS` as the documentation's file object."""
    file_id, size, created, filename, purpose = row
    return {
        "id": file_id,
        "object": "file",
        "bytes": size,
        "created_at": created,
        "filename": filename,
        "purpose": purpose,
    }


async def find_file(store: Store, file_id: str) -> dict[str, Any]:
    """The file object of `file_id`. Raises a 404."""
    if store.exists:
        row = await store.read(
            lambda db: db.execute(
                f"SELECT {_COLUMNS} FROM files WHERE id = ? AND NOT deleted", [file_id]
            ).fetchone()
        )
        if row is not None:
            return _file_object(row)
    raise Refusal(
        404,
        f"There is no file `{fields.shown(file_id)}`.",
        code="file_not_found",
        param="file_id",
    )


async def input_file(store: Store, file_id: str, purpose: str) -> dict[str, Any]:
    """The file object that a request's `input_file_id` names. Raises a 400."""
    try:
        file = await find_file(store, file_id)
    except Refusal as refusal:
        if refusal.status != 404:
            raise
        raise bad_request(refusal.message, "input_file_id", "file_not_found") from None
    if file["purpose"] != purpose:
        raise bad_request(
            f"The file `{file_id}` has the purpose `{file['purpose']}`; here it takes one that "
            f"was uploaded with the purpose `{purpose}`.",
            "input_file_id",
            "invalid_purpose",
        )
    return file


def add_file(db: Connection, file_id: str, filename: str, purpose: str, size: int) -> None:
    """Make contents that are in place known under `file_id`."""
    db.execute(
        "INSERT INTO files (id, filename, purpose, bytes, created_at) VALUES (?, ?, ?, ?, ?)",
        [file_id, filename, purpose, size, int(time.time())],
    )


_MARK_DELETED = "UPDATE files SET deleted = 1 WHERE id = ?"
_UNNEEDED = """
SELECT id FROM files WHERE deleted = 1 AND NOT EXISTS (
  SELECT 1 FROM batches WHERE input_file_id = files.id
  AND status IN ('validating', 'in_progress', 'finalizing', 'cancelling')
)
"""


async def unlink_unneeded(store: Store) -> None:
    """Throw away deleted contents, except what a batch still reads."""

    def forget(db: Connection) -> None:
        for (file_id,) in db.execute(_UNNEEDED).fetchall():
            # Windows refuses while a download has it open; the next time will do.
            with contextlib.suppress(PermissionError):
                store.content(file_id).unlink(missing_ok=True)
                db.execute("DELETE FROM files WHERE id = ?", [file_id])

    await store.write(forget)


async def _list(store: Store, asked: Any) -> list[dict[str, Any]]:
    purpose, after = asked.get("purpose"), asked.get("after")
    if not store.exists:
        return []
    wheres, values = ["NOT deleted"], []
    if purpose is not None:
        wheres.append("purpose = ?")
        values.append(purpose)
    if after is not None:
        # OpenAI's clients ask on behind the last one they have; there the list ends.
        wheres.append("seq < (SELECT seq FROM files WHERE id = ?)")
        values.append(after)
    query = f"SELECT {_COLUMNS} FROM files WHERE {' AND '.join(wheres)} ORDER BY seq DESC"
    rows = await store.read(lambda db: db.execute(query, values).fetchall())
    return [_file_object(row) for row in rows]


async def _receive(request: Request, store: Store) -> dict[str, Any]:
    await store.prepare()
    path = store.spare()
    sinks: list[BinaryIO] = []

    def open_sink() -> BinaryIO:
        sinks.append(path.open("xb"))
        return sinks[0]

    try:
        try:
            form = await read_form(request, open_sink, max(_LARGEST.values()))
        finally:
            for sink in sinks:
                sink.close()
        purpose, filename = _check(form)
        file_id = new_id("file")
        await asyncio.to_thread(os.replace, path, store.content(file_id))
    except OSError as error:
        raise unusable(store.folder, str(error.strerror)) from error
    finally:
        path.unlink(missing_ok=True)
    try:
        await store.write(lambda db: add_file(db, file_id, filename, purpose, form.size))
    except BaseException:
        store.content(file_id).unlink(missing_ok=True)
        raise
    return await find_file(store, file_id)


def _check(form: Form) -> tuple[str, str]:
    for name in form.values:
        if name not in ("file", "purpose"):
            raise bad_request(f"The field `{fields.shown(name)}` is not supported.", name)
    purpose = form.one("purpose")
    if form.filename is None:
        if "file" in form.values:
            raise bad_request("`file` must be a file: its part needs a filename.", "file")
        raise bad_request("`file` is required.", "file")
    if purpose is None:
        raise bad_request("`purpose` is required.", "purpose")
    fields.choice({"purpose": purpose}, "purpose", list(_ENDINGS))
    # Only a value from here on: what a client calls its file is never a path.
    filename = "".join(c for c in form.filename if c.isprintable())[-_LONGEST_NAME:]
    ending = _ENDINGS[purpose]
    if not filename.lower().endswith(ending):
        raise bad_request(
            f"A file for the purpose `{purpose}` must be a `{ending}` file, "
            f"not `{fields.shown(filename)}`.",
            "file",
            "invalid_file_extension",
        )
    if form.size == 0:
        raise bad_request("The file is empty.", "file", "empty_file")
    if form.size > _LARGEST[purpose]:
        raise Refusal(
            413,
            f"The file has {megabytes(form.size)}; a file for the purpose `{purpose}` may have "
            f"{megabytes(_LARGEST[purpose])}.",
            code="request_too_large",
            param="file",
        )
    return purpose, filename


def _download(request: Request, store: Store, file: dict[str, Any]) -> Response:
    path = store.content(file["id"])
    if not path.is_file():
        raise unusable(store.folder, f"the contents of {file['id']} are gone from it")
    _settle_range(request, _size(path))
    return FileResponse(
        path,
        media_type="application/octet-stream",
        headers={"content-disposition": f"attachment; filename*=UTF-8''{quote(file['filename'])}"},
    )


def _size(path: Path) -> int:
    return path.stat().st_size


def _settle_range(request: Request, size: int) -> None:
    """Leave one satisfiable range in the request, or none: the whole file is then sent."""
    asked = request.headers.get("range")
    if asked is None:
        return
    match = _RANGE.fullmatch(asked.strip())
    if match is not None and any(match.groups()):
        first, last = match.groups()
        backwards = bool(first and last) and int(last) < int(first)
        nothing = int(first) >= size if first else int(last) == 0
        if nothing and not backwards:
            raise Refusal(
                416,
                f"The range `{fields.shown(asked)}` lies outside the file of {size} bytes.",
                code="range_not_satisfiable",
                headers={"content-range": f"bytes */{size}"},
            )
        if not backwards:
            return
    _forget_header(request.scope, b"range")


def _forget_header(scope: Any, name: bytes) -> None:
    scope["headers"] = [pair for pair in scope["headers"] if pair[0] != name]
