"""A server on loopback with Groq's transcriptions, all of which say the same."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SAID = ((0.0, 1.2, " Good morning, and welcome to the harbor."), (1.2, 1.9, " Have a journey!"))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        segments = [
            {"id": i, "start": start, "end": end, "text": text, "avg_logprob": -0.1}
            for i, (start, end, text) in enumerate(SAID)
        ]
        words = [
            {"word": word, "start": start + i * 0.1, "end": start + i * 0.1 + 0.09}
            for start, _, text in SAID
            for i, word in enumerate(text.split())
        ]
        reply = {"text": "".join(text for *_, text in SAID), "language": "english"}
        body = json.dumps(reply | {"segments": segments, "words": words}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class SpeechServer:
    """Serves until its process ends; `url` is the base URL."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
