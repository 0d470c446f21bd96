"""A server on loopback for maps: it answers each prompt as a test says, and counts them."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from groqnb import Groq

__all__ = ["KEY", "MODEL", "TYPED_MODEL", "RowServer", "said"]

KEY = "gsk_" + "0123456789" * 4
MODEL = "llama-3.1-8b-instant"
TYPED_MODEL = "openai/gpt-oss-20b"

Answer = Callable[[dict[str, Any], int], Any]
"""Of the request's body and how often its prompt was asked before: the answer's text, a dict as
the message, a status, "reset", "garbage", or "silence"."""


def said(body: dict[str, Any]) -> str:
    """The text of the last message."""
    content = body["messages"][-1]["content"]
    if isinstance(content, list):
        return "".join(part.get("text", "[image]") for part in content)
    return str(content)


def echo(body: dict[str, Any], before: int) -> Any:
    return f"re: {said(body)}"


class RowServer:
    """Serves until the `with` block ends.

    Attributes:
        bodies: what was asked, in order.
        asked, answered: by prompt, how often it was asked, and how often answered in full.
    """

    def __init__(self, answer: Answer = echo) -> None:
        self.answer = answer
        self.bodies: list[dict[str, Any]] = []
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.changed = threading.Condition()
        self.ended = threading.Event()
        self.on_answer: Callable[[int], None] = lambda count: None
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/openai/v1"

    def client(self, **settings: Any) -> Groq:
        """A client of this server."""
        return Groq(base_url=self.url, api_key=KEY, **settings)

    def __enter__(self) -> RowServer:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._http.shutdown()
        self._http.server_close()

    def wait_for(self, count: int) -> None:
        """Wait until so many answers were given in all."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.answered.total() >= count, timeout=60)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        return  # clients that are killed hang up; that is what tests are about


class _Handler(BaseHTTPRequestHandler):
    owner: RowServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        return

    def do_POST(self) -> None:
        owner = self.owner
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        prompt = said(body)
        with owner.changed:
            before = owner.asked[prompt]
            owner.asked[prompt] += 1
            owner.bodies.append(body)
        answer = owner.answer(body, before)
        if answer == "reset":
            # Zero seconds of lingering: the connection ends with a reset.
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            self.close_connection = True
        elif answer == "silence":
            owner.ended.wait(30)
            self.close_connection = True
        elif answer == "garbage":
            self._send(200, b'{"id": "c", "choices": [{"mess')
        elif isinstance(answer, int):
            error = {"message": f"refused with {answer}", "type": "test", "code": "test"}
            content = json.dumps({"error": error, "x_groq": {"id": f"req_{before}"}}).encode()
            self._send(answer, content, {"retry-after": "1"} if answer == 429 else {})
        else:
            self._answer(prompt, answer)

    def _answer(self, prompt: str, answer: Any) -> None:
        message = answer if isinstance(answer, dict) else {"content": answer}
        finish = message.pop("finish_reason", "stop")
        reply = {
            "id": "c",
            "model": MODEL,
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
            "x_groq": {"id": "req_1"},
        }
        self._send(200, json.dumps(reply).encode())
        owner = self.owner
        with owner.changed:
            owner.answered[prompt] += 1
            count = owner.answered.total()
            owner.changed.notify_all()
        owner.on_answer(count)

    def _send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
