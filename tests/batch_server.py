"""A server of batches in this process, for tests: states that a test sets, and faults on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
from both_worlds import KEY

from groqnb import Groq

__all__ = ["BatchServer", "batch_json"]

START = 1_736_472_600


def batch_json(
    batch_id: str = "batch_1", status: str = "in_progress", **more: Any
) -> dict[str, Any]:
    """A batch as the server sends it."""
    counts = dict(
        zip(("completed", "failed", "total"), more.pop("counts", (0, 0, 10)), strict=True)
    )
    made = {
        "id": batch_id,
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "input_file_id": "file_in",
        "completion_window": "24h",
        "status": status,
        "request_counts": counts,
        "created_at": START,
        "in_progress_at": START + 10,
        "expires_at": START + 86_400,
    }
    if status in ("completed", "failed", "expired", "cancelled"):
        made[f"{status}_at"] = START + 120
    return made | more


class BatchServer:
    """Holds batches by id, newest last, and files by id; pages of two.

    `faults` are given before anything else, in turn: a status, or an exception to raise.
    `meanwhile` is done once, after the next answer was made and before it arrives.
    """

    def __init__(self, *batches: dict[str, Any], page: int = 2) -> None:
        self.batches = {one["id"]: one for one in batches}
        self.files: dict[str, bytes] = {}
        self.faults: list[int | Exception] = []
        self.meanwhile: Callable[[], object] | None = None
        self.asked: list[str] = []
        self.page = page
        self._lock = threading.Lock()

    def client(self, **settings: Any) -> Groq:
        """A client of this server."""
        transport = httpx.MockTransport(self._late)
        settings = {"api_key": KEY, "where": "cloud", "max_retries": 0} | settings
        return Groq(transport=transport, **settings)

    def set(self, batch_id: str, status: str, **more: Any) -> None:
        """Change a batch."""
        with self._lock:
            self.batches[batch_id] = batch_json(batch_id, status, **more)

    def _late(self, request: httpx.Request) -> httpx.Response:
        answer = self._answer(request)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return answer

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/openai/v1")
        with self._lock:
            self.asked.append(f"{request.method} {path}")
            if self.faults:
                fault = self.faults.pop(0)
                if isinstance(fault, Exception):
                    raise fault
                return httpx.Response(fault, json={"error": {"message": f"fault {fault}"}})
            if path.startswith("/files/"):
                return httpx.Response(200, content=self.files[path.split("/")[2]])
            if path == "/batches":
                return self._list(request)
            batch_id = path.split("/")[2]
            if batch_id not in self.batches:
                return _unknown(batch_id)
            if path.endswith("/cancel"):
                before = self.batches[batch_id]
                if before["status"] not in ("validating", "in_progress", "cancelling"):
                    message = f"The batch {batch_id} cannot be cancelled any more."
                    return httpx.Response(400, json={"error": {"message": message}})
                self.batches[batch_id] = before | {"status": "cancelling"}
            return httpx.Response(200, json=self.batches[batch_id])

    def _list(self, request: httpx.Request) -> httpx.Response:
        ids = request.url.params.get_list("id")
        for each in ids:
            if each not in self.batches:
                return _unknown(each)
        newest = [self.batches[each] for each in ids] or list(reversed(self.batches.values()))
        if ids:
            return httpx.Response(200, json={"object": "list", "data": newest})
        at = int(request.url.params.get("cursor", "0"))
        body: dict[str, Any] = {"object": "list", "data": newest[at : at + self.page]}
        if at + self.page < len(newest):
            body["paging"] = {"next_cursor": str(at + self.page)}
        return httpx.Response(200, json=body)


def _unknown(batch_id: str) -> httpx.Response:
    error = {"message": f"There is no batch {batch_id}.", "code": "batch_not_found"}
    return httpx.Response(404, json={"error": error})


def output(custom_id: str, text: str, model: str = "llama-3.3-70b-versatile") -> str:
    """A line of an output file."""
    body = {
        "id": "chatcmpl-1",
        "model": model,
        "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
    }
    response = {"status_code": 200, "request_id": f"req_{custom_id}", "body": body}
    return json.dumps({"custom_id": custom_id, "response": response, "error": None})


def refused(custom_id: str, message: str) -> str:
    """A line of an error file, of a request that was refused."""
    response = {"status_code": 400, "request_id": "r", "body": {"error": {"message": message}}}
    return json.dumps({"custom_id": custom_id, "response": response, "error": None})
