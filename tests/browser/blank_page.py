"""A widget's own script in an empty page: no Jupyter, no kernel, a model that only records."""

from __future__ import annotations

import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groqnb.widgets.esm import STATIC, modules

from .notebook_page import Heard

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

BLANK = Path(__file__).with_name("blank.html")


class _Files(SimpleHTTPRequestHandler):
    """The static files as they are, and the page that holds a widget."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(BLANK.read_bytes())


class BlankPages:
    """Call it with a widget's script and state to open that in a new tab.

    `answers` are what the kernel replies, by what is asked for. `options` are those of a browser
    context, such as ``permissions=["microphone"]``. At the end no page may have thrown or logged
    an error, or asked another machine.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._opened: list[BlankPage] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=STATIC))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> BlankPages:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        for opened in self._opened:
            opened.page.context.close()
        self._server.shutdown()
        self._server.server_close()
        if kind is None:
            for opened in self._opened:
                opened.heard.must_be_quiet()

    def __call__(
        self,
        name: str,
        state: dict[str, Any] | None = None,
        answers: dict[str, Any] | None = None,
        *,
        browser: Browser | None = None,
        **options: Any,
    ) -> BlankPage:
        context = (browser or self._browser).new_context(**options)
        context.set_default_timeout(30_000)
        opened = BlankPage(context.new_page())
        self._opened.append(opened)
        opened.page.goto(f"http://127.0.0.1:{self._server.server_port}/")
        for module in modules(name):
            sheet = STATIC / f"{module}.css"
            if sheet.exists():
                opened.page.add_style_tag(path=sheet)
        opened.page.wait_for_function("window.fake")
        opened.page.evaluate("answers => Object.assign(fake.answers, answers)", answers or {})
        opened.page.evaluate("([n, s]) => fake.mount(n, s)", [name, state or {}])
        return opened


class BlankPage:
    """A tab with one widget in it; `heard` is what the page did besides showing."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.heard = Heard()
        page.on("request", lambda request: self.heard.requests.append(request.url))
        page.on("pageerror", lambda error: self.heard.errors.append(str(error)))
        page.on("console", self._on_console)

    def _on_console(self, message: Any) -> None:
        # The icon that every browser asks for.
        if message.type == "error" and "favicon" not in message.location.get("url", ""):
            self.heard.console.append(message.text)

    @property
    def widget(self) -> Locator:
        """The widget's own element."""
        return self.page.locator(".gw")

    def button(self, name: str) -> Locator:
        """A button by the name that screen readers say."""
        return self.page.get_by_role("button", name=name, exact=True)

    def sent(self, kind: str = "") -> list[dict[str, Any]]:
        """What was sent to the kernel, of one kind ("gn-ask", "gn-piece", "state") or all."""
        sent: list[dict[str, Any]] = self.page.evaluate("fake.sent")
        return [each for each in sent if not kind or each["kind"] == kind]

    def asked(self, what: str) -> list[Any]:
        """The contents with which the page asked for `what`."""
        asked: list[Any] = self.page.evaluate("what => fake.asked(what)", what)
        return asked

    def wait_asked(self, what: str, times: int = 1) -> Any:
        """Wait until the page has asked for `what`; the content of the last time."""
        self.page.wait_for_function(
            "([what, times]) => fake.asked(what).length >= times", arg=[what, times]
        )
        return self.asked(what)[-1]

    def uploaded(self) -> list[bytes]:
        """The bytes of every upload, in the order of their beginnings."""
        read = """async () => Promise.all(Object.values(fake.bytes).map(async (parts) =>
            [...new Uint8Array(await new Blob(parts).arrayBuffer())]))"""
        return [bytes(each) for each in self.page.evaluate(read)]

    def say(self, content: dict[str, Any]) -> None:
        """Send a message to the page as the kernel would."""
        self.page.evaluate(f"fake.say({json.dumps(content)})")

    def set(self, name: str, value: Any) -> None:
        """Set a trait as the kernel would."""
        self.page.evaluate("([name, value]) => fake.set(name, value)", [name, value])
