"""A server with Groq's chat completions, all of whose text is an attack on the page."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TEXT = Path(__file__).with_name("hostile.md").read_text(encoding="utf-8")
NAME = "m</span></div><img src=/hostile/model onerror=\"window.hacked='model'\">"
BAD_LINK = "javascript:window.hacked='search'"


class HostileServer:
    """Streams `TEXT` as answer, reasoning, tool's output and search result: ``with …() as url``."""

    def __enter__(self) -> str:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}/openai/v1"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        asked = json.loads(self.rfile.read(length))
        if "fail" in str(asked["messages"]):
            error = {"message": TEXT, "type": NAME, "code": NAME}
            return self._reply(400, "application/json", json.dumps({"error": error}))
        events = [f"data: {json.dumps(chunk)}\n\n" for chunk in _chunks()]
        return self._reply(200, "text/event-stream", "".join(events) + "data: [DONE]\n\n")

    def _reply(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-groqnb-engine", "local")
        self.send_header("x-groqnb-model", NAME)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Not into the tests' output."""


def _chunks() -> Iterator[dict[str, Any]]:
    found = {"title": TEXT, "url": BAD_LINK, "content": TEXT, "score": 1.0}
    ran = {"index": 0, "type": NAME, "arguments": TEXT, "output": TEXT}
    called = {"name": NAME, "arguments": TEXT}
    yield _chunk({"role": "assistant", "content": "", "reasoning": TEXT})
    yield _chunk({"executed_tools": [ran | {"search_results": {"results": [found]}}]})
    for start in range(0, len(TEXT), 40):
        yield _chunk({"content": TEXT[start : start + 40]})
    yield _chunk({"tool_calls": [{"index": 0, "id": NAME, "type": "function", "function": called}]})
    yield _chunk({}, "stop")


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    envelope = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": NAME}
    return envelope | {"choices": [choice]}
