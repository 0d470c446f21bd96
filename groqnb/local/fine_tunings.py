"""/v1/fine_tunings (and /openai/v1/fine_tunings): create, list, retrieve, delete.

Docs: "Fine Tuning" (a closed beta), "LoRA Inference". An adapter is registered and its
`ft:<base>:<org>/<name>-<hash>` is a model from then on. It is not applied: adapters are made for
Llama 3.1 8B, and the local model is another one. The local model itself answers; fingerprint and
the header `x-groqnb-adapter` say so.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from groqnb import catalog
from groqnb.local import fields
from groqnb.local.bodies import json_body, json_reply
from groqnb.local.files import input_file
from groqnb.local.refusal import Refusal, bad_request, unknown_model
from groqnb.local.store import Store, new_id

__all__ = ["NOT_APPLIED", "FineTunings", "routes"]

#: What a reply that names an adapter as its model carries.
NOT_APPLIED = {"x-groqnb-adapter": "not applied"}

_ORGANISATION = "org_local"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_COLUMNS = ("name", "base_model", "type", "input_file_id", "created_at", "fine_tuned_model")


class FineTunings:
    """The adapters that `store` knows."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def rows(self) -> list[dict[str, Any]]:
        """All of them, the newest first, each with its `id` and the reference's data fields."""
        return await self._rows("", [])

    async def find(self, tuning_id: str) -> dict[str, Any]:
        """The one with this id. Raises a 404."""
        found = await self._rows("WHERE id = ?", [tuning_id])
        if not found:
            raise Refusal(
                404,
                f"There is no fine tuning `{fields.shown(tuning_id)}`.",
                code="fine_tuning_not_found",
                param="id",
            )
        return found[0]

    async def require_model(self, body: object) -> bool:
        """Whether `body` (a request's) asks for an adapter. Raises a 404 for one there is not."""
        name = body.get("model") if isinstance(body, dict) else None
        if not isinstance(name, str) or not name.startswith("ft:"):
            return False
        await self.model(name)
        return True

    async def model(self, name: str) -> dict[str, Any]:
        """The one whose model is `name`. Raises a 404."""
        found = await self._rows("WHERE fine_tuned_model = ?", [name])
        if not found:
            ids = [row["fine_tuned_model"] for row in await self.rows()]
            raise unknown_model(fields.shown(name), catalog.near(name, ids))
        return found[0]

    async def _rows(self, where: str, values: list[str]) -> list[dict[str, Any]]:
        if not self._store.exists:
            return []
        names = ("id", *_COLUMNS)
        query = f"SELECT {', '.join(names)} FROM fine_tunings {where} ORDER BY seq DESC"
        rows = await self._store.read(lambda db: db.execute(query, values).fetchall())
        return [dict(zip(names, row, strict=True)) for row in rows]

    async def create(self, body: object) -> dict[str, Any]:
        """Register the adapter that `body` names. Raises a 400."""
        # Imported here: few start an engine to register an adapter.
        from groqnb.local.adapter import check_adapter

        given = _check(body)
        file = await input_file(self._store, given["input_file_id"], "fine_tuning")
        await asyncio.to_thread(check_adapter, self._store.content(file["id"]))
        tuning_id = new_id("ft")
        mark = hashlib.sha256(tuning_id.encode()).hexdigest()[:12]
        row = {
            "id": tuning_id,
            **given,
            "created_at": int(time.time()),
            "fine_tuned_model": f"ft:{given['base_model']}:{_ORGANISATION}/{given['name']}-{mark}",
        }
        marks = ", ".join("?" * len(row))
        await self._store.write(
            lambda db: db.execute(
                f"INSERT INTO fine_tunings ({', '.join(row)}) VALUES ({marks})",
                list(row.values()),
            )
        )
        return row

    async def delete(self, tuning_id: str) -> None:
        """Forget it; its model is unknown from then on. Raises a 404."""
        await self.find(tuning_id)
        await self._store.write(
            lambda db: db.execute("DELETE FROM fine_tunings WHERE id = ?", [tuning_id])
        )


def routes(tunings: FineTunings) -> list[Route]:
    """The endpoints over `tunings`."""

    async def create(request: Request) -> Response:
        return json_reply(_object(await tunings.create(await json_body(request))))

    async def list_tunings(_request: Request) -> Response:
        data = [{key: row[key] for key in ("id", *_COLUMNS)} for row in await tunings.rows()]
        return json_reply({"object": "list", "data": data})

    async def retrieve(request: Request) -> Response:
        return json_reply(_object(await tunings.find(request.path_params["id"])))

    async def delete(request: Request) -> Response:
        tuning_id = request.path_params["id"]
        await tunings.delete(tuning_id)
        return json_reply({"id": tuning_id, "object": "fine_tuning", "deleted": True})

    return [
        Route("/fine_tunings", create, methods=["POST"]),
        Route("/fine_tunings", list_tunings, methods=["GET"]),
        Route("/fine_tunings/{id}", retrieve, methods=["GET"]),
        Route("/fine_tunings/{id}", delete, methods=["DELETE"]),
    ]


def _object(row: dict[str, Any]) -> dict[str, Any]:
    data = {key: row[key] for key in ("id", *_COLUMNS)}
    return {"id": row["id"], "object": "fine_tuning", "data": data}


def _check(body: object) -> dict[str, str]:
    if not isinstance(body, dict):
        raise bad_request(f"The body must be a JSON object, not {fields.json_type(body)}.")
    for key in body:
        if key not in ("base_model", "input_file_id", "name", "type"):
            raise bad_request(f"The property `{fields.shown(key)}` is not supported.", key)
    # The reference calls all four optional; without a file there is nothing to register.
    file_id = fields.string(body, "input_file_id", required=True)
    assert file_id is not None
    bases = [model.id for model in catalog.models() if model.capabilities.get("lora")]
    base = fields.string(body, "base_model") or bases[0]
    if base not in bases:
        raise bad_request(
            f"`base_model` must be {' or '.join(f'`{each}`' for each in bases)}, "
            f"not `{fields.shown(base)}`.",
            "base_model",
        )
    kind = fields.choice(body, "type", ["lora"]) or "lora"
    name = fields.string(body, "name")
    if name is not None and not _NAME.fullmatch(name):
        raise bad_request(
            "`name` must be 1 to 64 letters, digits, dots, underscores or dashes.", "name"
        )
    return {
        "input_file_id": file_id,
        "name": name or "lora",
        "type": kind,
        "base_model": base,
    }
