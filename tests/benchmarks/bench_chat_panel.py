"""A chat panel in JupyterLab while 8,000 tokens stream into it: frames, and how far the page lags.

`python -m tests.benchmarks.bench_chat_panel` prints the rows. It needs a Chrome or Chromium.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.benchmarks.bench_notebook import CODE, PART
from tests.benchmarks.table import Row, as_text

__all__ = ["rows"]

TOKENS = 8000
RATE = 750.0  # tokens a second
REST = 3.0  # s in which the page at rest is measured

MAKE = """import groqnb

panel = groqnb.chat(client=groqnb.Groq(base_url={url!r}, api_key="none"))
panel"""

# Counts animation frames, and the longest time between two of them.
FRAMES = """() => {
  window.frames_ = { count: 0, longest: 0, begun: performance.now(), last: performance.now() };
  const step = (now) => {
    const f = window.frames_;
    f.count += 1;
    f.longest = Math.max(f.longest, now - f.last);
    f.last = now;
    f.next = requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}"""
COUNTED = """() => {
  const f = window.frames_;
  cancelAnimationFrame(f.next);
  return [f.count, (performance.now() - f.begun) / 1000, f.longest];
}"""


def rows() -> list[Row]:
    """Times between frames while an answer streams, beside those of the same page at rest."""
    from playwright.sync_api import expect, sync_playwright

    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.browser.chromium import FLAGS, find
    from tests.browser.lab import Lab
    from tests.browser.tabs import Tabs

    handler = type("Handler", (_Handler,), {"ended": 0.0})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/openai/v1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=list(FLAGS))
        with Lab() as lab, Tabs(browser, lab, "bench_chat") as tabs:
            notebook = tabs([MAKE.format(url=url)])
            notebook.run(0)
            page = notebook.page
            chat = page.get_by_role("group", name="Chat", exact=True)
            page.evaluate(FRAMES)
            page.wait_for_timeout(REST * 1000)
            count, seconds, _ = page.evaluate(COUNTED)
            rest = 1000 * seconds / count
            box = chat.get_by_label("Your question")
            box.fill("go")
            box.press("Enter")
            expect(chat.locator(".gw-answer")).to_contain_text("Part", timeout=60_000)
            page.evaluate(FRAMES)
            page.wait_for_function(
                "document.querySelector('.gw-answer-foot').textContent", timeout=120_000
            )
            lag = 1000 * (time.time() - handler.ended)
            count, seconds, longest = page.evaluate(COUNTED)
        browser.close()
    server.shutdown()
    print(f"{count / seconds:.1f} frames a second for {seconds:.1f} s", file=sys.stderr)
    streamed = 1000 * seconds / count
    return [
        Row(
            "between two frames while 8,000 tokens stream; the page at rest",
            streamed,
            rest,
            "ms",
            1.15,
        ),
        Row("the longest time without a frame; 250 ms", longest, 250.0, "ms", 1.0),
        Row("end of the stream to the footer on the page; 500 ms", lag, 500.0, "ms", None),
    ]


class _Handler(BaseHTTPRequestHandler):
    ended = 0.0

    def log_message(self, *_: object) -> None:
        return

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        began = time.monotonic()
        for number, word in enumerate(_words()):
            wait = began + number / RATE - time.monotonic()
            if wait > 0.002:
                time.sleep(wait)
            self._event({"content": word})
        self._event({}, "stop")
        self.wfile.write(b"data: [DONE]\n\n")
        type(self).ended = time.time()

    def _event(self, delta: dict[str, Any], reason: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        chunk = {"id": "c", "model": "m", "choices": [choice]}
        self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")


def _words() -> list[str]:
    parts = []
    number = 0
    while len(parts) < TOKENS:
        text = PART.format(i=number) + (CODE if number % 2 else "")
        parts += [f"{word} " if word else "\n" for word in text.replace("\n", " \n ").split(" ")]
        number += 1
    return [word.replace("\n ", "\n") for word in parts[:TOKENS]]


if __name__ == "__main__":
    print(as_text(rows()))
