"""One notebook open in JupyterLab: run cells, watch outputs, interrupt, save, take pictures."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ElementHandle, Page

    from .lab import Lab

OPEN_MS = 60_000
PROBE = Path(__file__).with_name("page.js")
# Notebook 7 throws these by itself when it opens a notebook.
NOT_OURS = (
    "Cannot read properties of undefined (reading 'schema')",
    "Command 'filebrowser:open-path' not registered.",
)
AT_HOME = {"127.0.0.1", "localhost", "[::1]", "::1"}


@dataclass(frozen=True)
class Moment:
    """What stood under a cell at one animation frame: `at` ms, `height` px, `areas` outputs."""

    at: float
    text: str
    areas: int
    height: float


@dataclass
class Heard:
    """What a page did besides showing: errors it threw or logged, and whom it asked."""

    errors: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def abroad(self) -> list[str]:
        """The requests that were not to this machine."""
        return [url for url in self.requests if not _stays_home(url)]

    def must_be_quiet(self) -> None:
        """Raise AssertionError when the page threw or logged an error, or asked abroad."""
        assert not self.errors, f"the page threw: {self.errors}"
        assert not self.console, f"the page logged errors: {self.console}"
        assert not self.abroad, f"the page asked other machines: {self.abroad}"


class NotebookPage:
    """A notebook in a browser's tab; cells are counted from 0, Markdown cells too."""

    def __init__(self, context: BrowserContext, lab: Lab) -> None:
        self.lab = lab
        self.name = ""
        self.heard = Heard()
        context.set_default_timeout(30_000)
        context.add_init_script(path=PROBE)
        context.on("request", lambda request: self.heard.requests.append(request.url))
        self.page: Page = context.new_page()
        self.page.on("websocket", lambda socket: self.heard.requests.append(socket.url))
        self.page.on("pageerror", self._on_error)
        self.page.on("console", self._on_console)

    def _on_error(self, error: Any) -> None:
        if not (str(error) in NOT_OURS and "/notebooks/" in self.page.url):
            self.heard.errors.append(str(error))

    def _on_console(self, message: Any) -> None:
        if message.type == "error":
            self.heard.console.append(f"{message.text} ({message.location.get('url', '')})")

    def open(self, name: str, *, kernel: bool = True, front: str = "lab") -> NotebookPage:
        """Open the notebook `name` of the server's folder; with its kernel idle, or with none.

        For none, the notebook must name a kernel that is not installed here.
        """
        self.name = name
        self.page.goto(self.lab.url(name, front))
        if not kernel:
            # Lab asks, since the notebook's kernel is not installed.
            dialog = self.page.locator(".jp-Dialog")
            dialog.get_by_role("button", name="No Kernel").click(timeout=OPEN_MS)
            self.page.wait_for_function("probe.opened()", timeout=OPEN_MS)
            assert self.page.evaluate("!probe.kernel()"), "a kernel was started"
            return self
        self.page.wait_for_function("window.probe.ready()", timeout=OPEN_MS)
        return self

    def close(self) -> None:
        """Close the tab, and end its kernel."""
        self.page.context.close()
        self.lab.end_kernel(self.name)

    def find(self, start: str) -> list[int]:
        """The cells whose source starts with `start`."""
        sources = enumerate(self.page.evaluate("probe.sources()"))
        return [index for index, source in sources if source.startswith(start)]

    def start(self, index: int) -> None:
        """Run a cell and don't wait for it."""
        self.page.evaluate("i => probe.select(i)", index)
        self.page.evaluate("probe.execute('notebook:run-cell')")

    def start_all(self) -> None:
        """Run every cell and don't wait for them."""
        self.page.evaluate("probe.execute('notebook:run-all-cells')")

    def wait(self, seconds: float = 60) -> None:
        """Wait for the end of what was started."""
        self.page.wait_for_function("probe.finished()", timeout=seconds * 1000)
        failure = self.page.evaluate("probe.failure()")
        assert failure is None, f"JupyterLab's command failed: {failure}"

    def run(self, index: int, seconds: float = 60) -> None:
        """Run a cell to its end."""
        self.start(index)
        self.wait(seconds)

    def watch(self, index: int, *, without: str = "style") -> None:
        """Keep from now on every change of the text under a cell; parts `without` don't count."""
        self.page.evaluate("([i, without]) => probe.watch(i, without)", [index, without])

    def watched(self, index: int) -> list[Moment]:
        """The moments that `watch` kept of a cell, oldest first; ends the watching."""
        return [Moment(**kept) for kept in self.page.evaluate("i => probe.watched(i)", index)]

    def interrupt(self) -> float:
        """Press Lab's interrupt button; seconds from the press until the kernel was idle."""
        self.page.get_by_role("button", name="Interrupt the kernel").click()
        milliseconds = self.page.wait_for_function("probe.idleAfterPress()", timeout=30_000)
        seconds: float = milliseconds.json_value() / 1000
        return seconds

    def outputs(self, index: int) -> list[dict[str, Any]]:
        """The outputs of a cell as the notebook's file will hold them."""
        outputs: list[dict[str, Any]] = self.page.evaluate("i => probe.outputs(i)", index)
        return outputs

    def seen(self, index: int, selector: str = "") -> str:
        """The text that stands under a cell on the page, or in `selector` there.

        Lab paints a moment after it scrolled, and until then there is none.
        """
        from playwright.sync_api import TimeoutError as Late

        self.scroll_to(index)
        with suppress(Late):
            self.page.wait_for_function(
                "([i, part]) => probe.seen(i, part).trim()", arg=[index, selector], timeout=10_000
            )
        text: str = self.page.evaluate("([i, part]) => probe.seen(i, part)", [index, selector])
        return text

    def scroll_to(self, index: int) -> None:
        """Bring a cell into view; what is far from it Lab keeps out of the page, or unpainted."""
        self.page.evaluate("async i => await probe.panel().content.scrollToItem(i)", index)
        self.page.wait_for_function("i => probe.painted(i)", arg=index)

    def contrast(self, index: int, selector: str) -> float:
        """The contrast (1 to 21, 4.5 is readable) of the first `selector` under a cell."""
        self.scroll_to(index)
        ratio: float = self.page.evaluate(
            "([i, selector]) => probe.contrast(probe.outputArea(i).querySelector(selector))",
            [index, selector],
        )
        return ratio

    def trusted(self, index: int) -> bool:
        """Whether Lab trusts the outputs of a cell."""
        trusted: bool = self.page.evaluate("i => probe.trusted(i)", index)
        return trusted

    def kernel(self, code: str) -> str:
        """What `code` prints in the notebook's kernel, run beside the notebook."""
        printed: str = self.page.evaluate("code => probe.evaluate(code)", code)
        return printed.strip()

    def save(self) -> Path:
        """Save the notebook; the file."""
        self.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
        return self.lab.notebooks / self.name

    def theme(self, name: str) -> None:
        """Change Lab's theme, for example to "JupyterLab Dark"."""
        self.page.evaluate(
            "theme => jupyterapp.commands.execute('apputils:change-theme', { theme })", name
        )
        self.page.wait_for_function(
            "name => document.body.dataset.jpThemeName === name"
            " && !document.getElementById('jupyterlab-splash')",
            arg=name,
            timeout=OPEN_MS,
        )

    def element(self, index: int, selector: str = "") -> ElementHandle:
        """The element of a cell, or of `selector` in it."""
        self.scroll_to(index)
        handle = self.page.evaluate_handle(
            "([i, selector]) => selector ? probe.cell(i).node.querySelector(selector)"
            " : probe.cell(i).node",
            [index, selector],
        )
        element = handle.as_element()
        assert element is not None, f"cell {index} has no {selector!r}"
        return element

    def picture(self, path: Path, index: int | None = None) -> Path:
        """A picture of the page, or of one cell with its output."""
        target = self.page if index is None else self.element(index)
        target.screenshot(path=path)
        return path


def _stays_home(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("data", "blob", "about") or parts.hostname in AT_HOME
