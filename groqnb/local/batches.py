"""/openai/v1/batches: create, retrieve, list, cancel.

Docs: "Batches", "Batch Processing". The three endpoints of the guide are taken, though the
reference names one; a file may mix them. A page of the list has 20 batches unless `limit` says
otherwise, the newest first; several `id` ask for these batches, in that order. Besides the
documented `cursor` the list takes `after`, which OpenAI's clients send.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from groqnb.local import fields
from groqnb.local.batch_table import COLUMNS, batch_object
from groqnb.local.bodies import json_body, json_reply
from groqnb.local.files import input_file
from groqnb.local.jsonl import ENDPOINTS
from groqnb.local.refusal import Refusal, bad_request
from groqnb.local.store import Store, new_id

if TYPE_CHECKING:
    from sqlite3 import Connection

__all__ = ["Background", "routes"]

_PAGE = 20
_LARGEST_PAGE = 100
_WINDOW = re.compile(r"(?:([0-9]{1,4})d)?(?:([0-9]{1,4})h)?")
_SHORTEST_HOURS, _LONGEST_HOURS = 24, 168


class Background(Protocol):
    """What works on batches; `BatchRunner` does."""

    def wake(self) -> None:
        """A batch has come."""

    def cancel(self, batch_id: str) -> None:
        """A batch is `cancelling` now."""


def routes(store: Store, background: Background, check_spending: Callable[[], None]) -> list[Route]:
    """The endpoints. `check_spending` raises a 400 when nothing more may be spent."""

    async def create(request: Request) -> Response:
        check_spending()
        batch = await _create(store, await json_body(request))
        background.wake()
        return json_reply(batch)

    async def list_batches(request: Request) -> Response:
        return json_reply(await _list(store, request.query_params))

    async def retrieve(request: Request) -> Response:
        return json_reply(await _find(store, request.path_params["batch"]))

    async def cancel(request: Request) -> Response:
        batch = await _cancel(store, request.path_params["batch"])
        background.cancel(batch["id"])
        return json_reply(batch)

    return [
        Route("/batches", create, methods=["POST"]),
        Route("/batches", list_batches, methods=["GET"]),
        Route("/batches/{batch}", retrieve, methods=["GET"]),
        Route("/batches/{batch}/cancel", cancel, methods=["POST"]),
    ]


async def _create(store: Store, body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise bad_request(f"The body must be a JSON object, not {fields.json_type(body)}.")
    for key in body:
        if key not in ("completion_window", "endpoint", "input_file_id", "metadata"):
            raise bad_request(f"The property `{fields.shown(key)}` is not supported.", key)
    hours = _hours(fields.string(body, "completion_window", required=True))
    fields.string(body, "endpoint", required=True)
    endpoint = fields.choice(body, "endpoint", ENDPOINTS)
    file_id = fields.string(body, "input_file_id", required=True)
    assert file_id is not None
    metadata = _metadata(body)
    file = await input_file(store, file_id, "batch")
    created = int(time.time())
    batch_id = new_id("batch")
    values = {
        "id": batch_id,
        "endpoint": endpoint,
        "input_file_id": file["id"],
        "completion_window": body["completion_window"],
        "metadata": metadata,
        "status": "validating",
        "created_at": created,
        "expires_at": created + hours * 3600,
    }
    marks = ", ".join("?" * len(values))
    await store.write(
        lambda db: db.execute(
            f"INSERT INTO batches ({', '.join(values)}) VALUES ({marks})", list(values.values())
        )
    )
    return await _find(store, batch_id)


def _hours(window: str | None) -> int:
    assert window is not None
    match = _WINDOW.fullmatch(window)
    hours = 0
    if match is not None and window:
        days, rest = match.groups()
        hours = int(days or 0) * 24 + int(rest or 0)
    if not _SHORTEST_HOURS <= hours <= _LONGEST_HOURS:
        raise bad_request(
            f"`completion_window` must be from `24h` to `7d`, not `{fields.shown(window)}`.",
            "completion_window",
        )
    return hours


def _metadata(body: dict[str, Any]) -> str | None:
    metadata = fields.mapping(body, "metadata")
    if metadata is None:
        return None
    text = json.dumps(metadata)
    # Kept as it came, so it must be text throughout.
    fields.text_is_clean(json.dumps(metadata, ensure_ascii=False), "metadata")
    if len(text) > 100_000:
        raise bad_request("`metadata` is longer than 100,000 characters.", "metadata")
    return text


async def _find(store: Store, batch_id: str) -> dict[str, Any]:
    if store.exists:
        found = await store.read(lambda db: _row(db, batch_id))
        if found is not None:
            return found
    raise _unknown(batch_id)


def _row(db: Connection, batch_id: str) -> dict[str, Any] | None:
    row = db.execute(f"SELECT {COLUMNS} FROM batches WHERE id = ?", [batch_id]).fetchone()
    return None if row is None else batch_object(row)


def _unknown(batch_id: str) -> Refusal:
    return Refusal(
        404,
        f"There is no batch `{fields.shown(batch_id)}`.",
        code="batch_not_found",
        param="batch_id",
    )


async def _cancel(store: Store, batch_id: str) -> dict[str, Any]:
    await _find(store, batch_id)

    def work(db: Connection) -> dict[str, Any] | None:
        db.execute(
            "UPDATE batches SET status = 'cancelling', cancelling_at = ? "
            "WHERE id = ? AND status IN ('validating', 'in_progress')",
            [int(time.time()), batch_id],
        )
        return _row(db, batch_id)

    batch = await store.write(work)
    assert batch is not None
    if batch["status"] not in ("cancelling", "cancelled"):
        raise bad_request(
            f"The batch `{batch_id}` is {batch['status']}; it cannot be cancelled any more.",
            "batch_id",
            "batch_not_cancellable",
        )
    return batch


async def _list(store: Store, asked: Any) -> dict[str, Any]:
    ids = asked.getlist("id")
    cursor, after, limit = asked.get("cursor"), asked.get("after"), asked.get("limit")
    if ids:
        if cursor is not None or after is not None:
            raise bad_request("`id` and `cursor` exclude each other.", "cursor")
        if len(ids) > _LARGEST_PAGE:
            raise bad_request(f"At most {_LARGEST_PAGE} `id` may be asked for at once.", "id")
        return {"object": "list", "data": [await _find(store, each) for each in ids]}
    behind = _read_cursor(cursor) if cursor is not None else after
    page = await _page(store, behind, _limit(limit))
    return {
        "object": "list",
        "data": page[0],
        "paging": {"next_cursor": _cursor(page[0][-1]["id"]) if page[1] else None},
    }


async def _page(store: Store, behind: str | None, limit: int) -> tuple[list[dict[str, Any]], bool]:
    """Some batches, the newest first, and whether there are more behind them."""
    if not store.exists:
        return [], False
    where, values = "", []
    if behind is not None:
        await _find(store, behind)
        where, values = "WHERE seq < (SELECT seq FROM batches WHERE id = ?)", [behind]
    query = f"SELECT {COLUMNS} FROM batches {where} ORDER BY seq DESC LIMIT {limit + 1}"
    rows = await store.read(lambda db: db.execute(query, values).fetchall())
    return [batch_object(row) for row in rows[:limit]], len(rows) > limit


def _limit(given: str | None) -> int:
    if given is None:
        return _PAGE
    if not re.fullmatch("[0-9]{1,9}", given) or not 1 <= int(given) <= _LARGEST_PAGE:
        raise bad_request(
            f"`limit` must be a number from 1 to {_LARGEST_PAGE}, not `{fields.shown(given)}`.",
            "limit",
        )
    return int(given)


def _cursor(batch_id: str) -> str:
    text = json.dumps({"id": batch_id}, separators=(",", ":"))
    return "cursor_" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> str:
    coded = cursor.removeprefix("cursor_")
    try:
        found = json.loads(base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)))["id"]
    except (ValueError, TypeError, KeyError):
        found = None
    if not isinstance(found, str) or coded == cursor:
        raise bad_request(f"`{fields.shown(cursor)}` is no cursor of this list.", "cursor")
    return found
