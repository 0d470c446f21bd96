"""A chat server on loopback whose answers are ordered by the prompt, for tests of the notebook.

The last message decides: "count N every S" streams N words, S seconds apart; "status CODE" is
refused; "cut" breaks off; "think" reasons first; "long" hits the token limit; "answer TEXT" is
answered with just that, "spell w o r d" with the word, "muse w o r d" thinks the word only; "call
NAME JSON" calls a tool; anything else is answered with "You said: …". To guard models "ignore" is
an attack and "bomb" is S9.
"""

from __future__ import annotations

import json
import re
import struct
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["KEY", "ChatServer"]

KEY = "gsk_0123456789abcdefghijklmnop"
MODELS = ["llama-3.3-70b-versatile", "llama-3.1-8b-instant", "acme/brand-new-70b"]


class ChatServer:
    """Serves until the `with` block ends; `requests` holds the bodies, in order."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.hung_up = threading.Event()
        self.transcript = "The train leaves at nine."
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/openai/v1"

    def __enter__(self) -> ChatServer:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


def _text(content: Any) -> str:
    if isinstance(content, list):
        return " ".join(part["text"] for part in content if part["type"] == "text")
    return str(content)


class _Handler(BaseHTTPRequestHandler):
    owner: ChatServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        return

    def do_GET(self) -> None:
        self.owner.paths.append(self.path)
        cards = [{"id": name, "object": "model", "owned_by": "Acme"} for name in MODELS]
        self._json(200, {"object": "list", "data": cards})

    def do_POST(self) -> None:
        self.owner.paths.append(self.path)
        content = self.rfile.read(int(self.headers["content-length"]))
        if "/audio/trans" in self.path:
            self._hear(content)
            return
        body = json.loads(content)
        self.owner.requests.append(body)
        if self.path.endswith("/audio/speech"):
            self._speak(body)
            return
        text = _text(body["messages"][-1]["content"])
        if match := re.match(r"status (\d+)", text):
            # A careless server, which repeats the key it was sent.
            message = f"refused, {self.headers['authorization']}"
            self._json(int(match[1]), {"error": {"message": message, "type": "test"}})
        elif body["model"] not in MODELS:
            message = f"The model `{body['model']}` does not exist"
            fields = {"message": message, "type": "test", "code": "model_not_found"}
            self._json(404, {"error": fields})
        elif body.get("stream"):
            self._stream(body, text)
        else:
            content = _verdict(body["model"], text) or "".join(
                delta.get("content", "") for delta, _ in _answer(text)
            )
            choice = {"index": 0, "message": {"content": content}, "finish_reason": "stop"}
            usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
            self._json(
                200, {"id": "c", "model": body["model"], "choices": [choice], "usage": usage}
            )

    def _hear(self, form: bytes) -> None:
        """Whatever is said in the recording, it is `transcript`."""
        self.owner.requests.append({"form": form})
        text = self.owner.transcript
        segment = {"id": 0, "start": 0.0, "end": 1.0, "text": f" {text}", "avg_logprob": -0.1}
        body = {"text": text, "language": "English", "duration": 1.0, "segments": [segment]}
        self._json(200, body)

    def _speak(self, body: dict[str, Any]) -> None:
        """A hundredth of a second of sound for each character."""
        samples = b"\x10\x20" * (80 * len(body["input"]))
        head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(samples), b"WAVE", b"fmt ", 16,
                           1, 1, 8000, 16000, 2, 16, b"data", len(samples))  # fmt: skip
        self.send_response(200)
        self.send_header("content-type", "audio/wav")
        self.send_header("content-length", str(len(head + samples)))
        self.end_headers()
        self.wfile.write(head + samples)

    def _json(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, body: dict[str, Any], text: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        count = 0
        try:
            for delta, pause in _answer(text):
                time.sleep(pause)
                count += "content" in delta
                self._event(body, delta, x_groq={"id": "req_1"})
            if text == "cut":
                return
            usage = {
                "prompt_tokens": 3,
                "completion_tokens": count,
                "total_tokens": 3 + count,
                "completion_time": 0.5,
            }
            reason = "length" if text == "long" else "stop"
            if text.startswith("call ") and body.get("tools"):
                reason = "tool_calls"
            self._event(body, {}, reason, x_groq={"id": "req_1", "usage": usage})
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            self.owner.hung_up.set()

    def _event(
        self, body: dict[str, Any], delta: dict[str, Any], reason: str | None = None, **extra: Any
    ) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        event = {"id": "c", "model": body["model"], "choices": [choice], **extra}
        self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        self.wfile.flush()


def _verdict(model: str, text: str) -> str:
    if "prompt-guard" in model:
        return "0.9987" if "ignore" in text else "0.0021"
    if "llama-guard" in model:
        return "unsafe\nS9" if "bomb" in text else "safe"
    return ""


def _answer(text: str) -> Iterator[tuple[dict[str, Any], float]]:
    if match := re.match(r"call (\w+) (.*)", text):
        function = {"name": match[1], "arguments": match[2]}
        yield {"tool_calls": [{"index": 0, "id": "call_1", "function": function}]}, 0
    elif text.startswith("answer "):
        yield {"content": text.removeprefix("answer ")}, 0
    elif text.startswith("spell "):
        yield {"content": "".join(text.split()[1:])}, 0
    elif text.startswith("muse "):
        yield {"reasoning": "".join(text.split()[1:])}, 0
    elif match := re.match(r"count (\d+) every ([\d.]+)", text):
        for number in range(int(match[1])):
            yield {"content": f"w{number} "}, float(match[2])
    elif match := re.match(r"w\d+.*w(\d+) *$", text):  # a prefill: go on from there
        yield {"content": f"w{int(match[1]) + 1} "}, 0
    elif text in ("think", "cut", "long"):
        if text == "think":
            yield {"reasoning": "Let me see."}, 0
        for word in ("one ", "two ", "three"):
            yield {"content": word}, 0
    else:
        yield {"content": "You said: "}, 0
        yield {"content": text}, 0
