"""A server on loopback with the endpoints of files and batches; a test says what goes wrong.

A batch is done as soon as it is looked at `looks` times after its start. What a line is answered is
up to `answer`; `fault` is asked before a request is done and again before it is answered.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from groqnb import Groq

__all__ = ["KEY", "MODEL", "TYPED_MODEL", "BatchServer", "said"]

KEY = "gsk_" + "0123456789" * 4
MODEL = "llama-3.1-8b-instant"
TYPED_MODEL = "openai/gpt-oss-20b"

Answer = Callable[[dict[str, Any]], Any]
"""Of a line: the answer's text, a status, None for no line in any file, "expired" for a line that
had no turn, or bytes that stand in its place in the output."""
Fault = Callable[[str, str, str], Any]
"""Of the moment ("before" or "after" the request is done), method and path: a status to answer
with, "reset" to hang up, or None."""


def said(line: dict[str, Any]) -> str:
    """What the last message of a line says, or the address of its recording."""
    body = line["body"]
    if "messages" not in body:
        return str(body["url"])
    content = body["messages"][-1]["content"]
    if isinstance(content, list):
        return "".join(part.get("text", "[image]") for part in content)
    return str(content)


def echo(line: dict[str, Any]) -> Any:
    return f"re: {said(line)}"


class BatchServer:
    """Serves until the `with` block ends.

    Attributes:
        lines: how often each prompt was in a batch that was started.
        files, batches: what there is, by id.
        requests: (method, path) of what was asked, in order.
        ends: the status that a batch comes to.
        looks: how often a batch is looked at before it has ended.
    """

    def __init__(self, answer: Answer = echo, fault: Fault = lambda *_: None) -> None:
        self.answer = answer
        self.fault = fault
        self.ends = "completed"
        self.looks = 1
        self.problems: Any = None
        self.lines: Counter[str] = Counter()
        self.files: dict[str, dict[str, Any]] = {}
        self.contents: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str]] = []
        self.changed = threading.Condition()
        self._looked: Counter[str] = Counter()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/openai/v1"

    def client(self, **settings: Any) -> Groq:
        """A client of this server."""
        return Groq(base_url=self.url, api_key=KEY, **settings)

    def __enter__(self) -> BatchServer:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def count(self, method: str, path: str) -> int:
        """How many requests of this kind came."""
        return sum(m == method and re.fullmatch(path, p) is not None for m, p in self.requests)

    # --- what is done ---

    def upload(self, name: str, content: bytes) -> dict[str, Any]:
        file_id = f"file_{len(self.files):04}"
        self.contents[file_id] = content
        self.files[file_id] = {
            "id": file_id,
            "object": "file",
            "bytes": len(content),
            "created_at": int(time.time()),
            "filename": name,
            "purpose": "batch",
        }
        return self.files[file_id]

    def create(self, wanted: dict[str, Any]) -> dict[str, Any]:
        batch_id = f"batch_{len(self.batches):04}"
        lines = self.read(wanted["input_file_id"])
        self.lines.update(said(line) for line in lines)
        self.batches[batch_id] = {
            "id": batch_id,
            "object": "batch",
            "status": "validating",
            **wanted,
            "created_at": int(time.time()),
            "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
        }
        return self.batches[batch_id]

    def read(self, file_id: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.contents[file_id].splitlines()]

    def retrieve(self, batch_id: str) -> dict[str, Any]:
        batch = self.batches[batch_id]
        self._looked[batch_id] += 1
        if self._looked[batch_id] >= self.looks and batch["status"] in (
            "validating",
            "in_progress",
        ):
            self._end(batch)
        elif batch["status"] == "validating":
            batch["status"] = "in_progress"
        return batch

    def _end(self, batch: dict[str, Any]) -> None:
        batch["status"] = self.ends
        batch[f"{self.ends}_at"] = int(time.time())
        batch["errors"] = self.problems
        if self.ends == "failed":
            return
        good, bad = [], []
        for number, line in enumerate(self.read(batch["input_file_id"])):
            answer = self.answer(line)
            if answer is None:
                continue
            if isinstance(answer, bytes):
                good.append(answer)
                continue
            record = self._record(f"{batch['id']}_{number}", line, answer)
            (good if isinstance(answer, (str, dict)) and answer != "expired" else bad).append(
                json.dumps(record).encode()
            )
        random.Random(3).shuffle(good)
        batch["request_counts"].update(completed=len(good), failed=len(bad))
        for name, content in (("output_file_id", good), ("error_file_id", bad)):
            if content:
                batch[name] = self.upload(f"{name}.jsonl", b"\n".join(content) + b"\n")["id"]

    def _record(self, name: str, line: dict[str, Any], answer: Any) -> dict[str, Any]:
        made: dict[str, Any] = {"id": name, "custom_id": line["custom_id"], "error": None}
        if answer == "expired":
            error = {"code": "batch_expired", "message": "This request was not executed in time."}
            return {**made, "response": None, "error": error}
        if isinstance(answer, int):
            error = {"message": f"refused with {answer}", "type": "test", "code": "test"}
            return {**made, "response": _response(answer, name, {"error": error})}
        if "messages" not in line["body"]:
            return {**made, "response": _response(200, name, {"text": answer, "duration": 36.0})}
        message = answer if isinstance(answer, dict) else {"role": "assistant", "content": answer}
        reply = {
            "id": name,
            "object": "chat.completion",
            "created": 1,
            "model": line["body"]["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
        }
        return {**made, "response": _response(200, name, reply)}


def _response(status: int, name: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"status_code": status, "request_id": f"req_{name}", "body": body}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        return  # clients that are killed hang up; that is what tests are about


class _Handler(BaseHTTPRequestHandler):
    owner: BatchServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        return

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def _serve(self, method: str) -> None:
        owner = self.owner
        path = self.path.removeprefix("/openai/v1").partition("?")[0]
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        with owner.changed:
            owner.requests.append((method, path))
            owner.changed.notify_all()
        if self._goes_wrong(owner.fault("before", method, path)):
            return
        with owner.changed:
            answer = next(iter(self._done(method, path, content)), None)
        if self._goes_wrong(owner.fault("after", method, path)):
            return
        if answer is None:
            error = {"message": f"There is no {path}.", "type": "invalid_request_error"}
            self._send(404, json.dumps({"error": error}).encode())
        elif isinstance(answer, bytes):
            self._send(200, answer)
        else:
            self._send(200, json.dumps(answer).encode())

    def _done(self, method: str, path: str, content: bytes) -> Iterator[Any]:
        owner = self.owner
        if (method, path) == ("POST", "/files"):
            yield owner.upload(*_form(content))
        elif (method, path) == ("GET", "/files"):
            yield {"object": "list", "data": list(owner.files.values())}
        elif (method, path) == ("POST", "/batches"):
            yield owner.create(json.loads(content))
        elif (method, path) == ("GET", "/batches"):
            yield {"object": "list", "data": list(reversed(owner.batches.values()))}
        elif found := re.fullmatch(r"/batches/(\w+)", path):
            if found[1] in owner.batches:
                yield owner.retrieve(found[1])
        elif (found := re.fullmatch(r"/files/(\w+)/content", path)) and found[1] in owner.contents:
            yield owner.contents[found[1]]

    def _goes_wrong(self, fault: Any) -> bool:
        if fault is None:
            return False
        if fault == "reset":
            # Zero seconds of lingering: the connection ends with a reset.
            with contextlib.suppress(OSError):
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()
            self.close_connection = True
        else:
            error = {"message": f"refused with {fault}", "type": "test", "code": "test"}
            self._send(fault, json.dumps({"error": error}).encode())
        return True

    def _send(self, status: int, content: bytes) -> None:
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)


def _form(content: bytes) -> tuple[str, bytes]:
    """The file's name and content in a form."""
    boundary = content.partition(b"\r\n")[0]
    for part in content.split(boundary):
        head, _, body = part.partition(b"\r\n\r\n")
        name = re.search(rb'filename="([^"]*)"', head)
        if name:
            return name[1].decode(), body.removesuffix(b"\r\n")
    raise AssertionError("a form without a file")
