"""The batch monitor as a person sees it: in an empty page, and in JupyterLab."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from .barriers import barriers
from .blank_page import BlankPage, BlankPages
from .tabs import Tabs

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=alert(1)> \u202eevil"


def card(batch_id: str = "batch_1", status: str = "in_progress", **more: Any) -> dict[str, Any]:
    """A batch as the kernel tells it, begun a minute ago."""
    now = time.time()
    return {
        "id": batch_id,
        "name": "",
        "status": status,
        "endpoint": "/v1/chat/completions",
        "ended": status in ("completed", "failed", "expired", "cancelled"),
        "total": 10,
        "completed": 3,
        "failed": 1,
        "created_at": now - 60,
        "ended_at": None,
        "expires_at": now + 86_000,
        "left": None,
        "problems": [],
        "files": [],
        "cancelling": False,
        **more,
    }


def state(*cards: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The trait `state`."""
    now = time.time()
    told = {"batches": list(cards), "hidden": 0, "now": now, "looked_at": now, "next_at": now + 9}
    return {**told, "running": True, "trouble": "", **more}


@pytest.fixture
def shown(blank_page: BlankPages) -> Callable[..., BlankPage]:
    """Open a monitor of some batches."""

    def open_it(*cards: dict[str, Any], **more: Any) -> BlankPage:
        options = more.pop("options", {})
        traits = {"state": state(*cards, **more), "error": "", "_gn_offers": {}, "_gn_key": ""}
        return blank_page("batch_monitor", traits, **options)

    return open_it


def test_a_batch_that_the_server_does_not_know_waits_for_nothing(
    shown: Callable[..., BlankPage],
) -> None:
    """No bar moves for it; one that is still asked for has one."""
    unknown = {"id": "batch_gone", "name": "", "status": "unknown", "problems": []}
    asking = {**unknown, "id": "batch_new", "status": "asking"}
    page = shown(unknown, asking)
    gone = page.page.locator(".gw-batch", has_text="batch_gone")
    expect(gone).to_contain_text("not known to the server")
    expect(gone.get_by_role("progressbar")).to_have_count(0)
    expect(page.page.get_by_role("progressbar", name="Progress of batch_new")).to_be_visible()


def test_progress_is_told_to_eyes_and_ears_alike(shown: Callable[..., BlankPage]) -> None:
    page = shown(card(name="reviews", left=[200, 400], completed=1200, failed=3, total=5000))
    expect(page.widget).to_have_attribute("aria-label", "Batch monitor")
    bar = page.page.get_by_role("progressbar", name="Progress of reviews")
    expect(bar).to_have_attribute("aria-valuenow", "1203")
    expect(bar).to_have_attribute("aria-valuemax", "5000")
    words = "1,200 completed, 3 failed, of 5,000 requests"
    expect(bar).to_have_attribute("aria-valuetext", words)
    for text in (f"24%: {words}", "in progress", "reviews", "batch_1", "expires in 23.9 h"):
        expect(page.widget).to_contain_text(text)
    expect(page.widget).to_contain_text("about 3 to 7 min left")
    expect(page.widget).to_contain_text("again in")
    assert page.wait_asked("seen")["look"] is True


def test_a_change_of_its_state_is_said_and_times_go_by(shown: Callable[..., BlankPage]) -> None:
    """Also between two looks of the kernel; at the end they stand still."""
    page = shown(card(status="validating", total=0, completed=0, failed=0))
    bar = page.page.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuetext", "validating")
    expect(bar).not_to_have_attribute("aria-valuenow", "0")
    expect(page.widget).to_contain_text(
        "running for 1 min" if time.time() % 1 > 1 else "running for"
    )
    page.set("state", state(card(left=None)))
    expect(page.page.get_by_role("status")).to_have_text("batch_1: in progress")
    expect(page.widget).to_contain_text("time left: too early to tell")
    done = card(status="completed", ended_at=time.time() + 60, completed=9, files=["output"])
    page.set("state", state(done, running=False, next_at=None))
    expect(page.page.get_by_role("status")).to_have_text("batch_1: completed")
    expect(page.widget).to_contain_text("took 2 min")
    expect(page.widget).not_to_contain_text("again in")
    expect(page.button("Cancel batch batch_1…")).to_be_hidden()


def test_one_that_may_expire_before_its_end_says_so(shown: Callable[..., BlankPage]) -> None:
    page = shown(card(left=[3000, 9000], expires_at=time.time() + 6000))
    expect(page.widget).to_contain_text("may not be done before it expires in")


def test_cancelling_is_asked_about_first_and_can_be_left_by_the_keyboard(
    shown: Callable[..., BlankPage],
) -> None:
    page = shown(card(name="reviews"), card("batch_2"))
    cancel = page.button("Cancel batch reviews…")
    cancel.focus()
    page.page.keyboard.press("Enter")
    question = page.page.get_by_role("group", name="Cancel reviews?")
    expect(question).to_contain_text("has an effect on the server: 6 of its 10 requests")
    expect(question.get_by_role("button", name="Let it go on")).to_be_focused()
    assert barriers(page.page, ".gw") == []
    page.page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(cancel).to_be_focused()
    assert page.asked("cancel") == []
    page.page.keyboard.press("Enter")
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("Enter")
    assert page.wait_asked("cancel") == {"id": "batch_1"}
    page.set("state", state(card(name="reviews", cancelling=True), card("batch_2")))
    expect(page.widget).to_contain_text("cancelling")
    expect(cancel).to_be_hidden()
    expect(page.button("Cancel batch batch_2…")).to_be_visible()


def test_what_has_the_focus_keeps_it_while_the_batch_goes_on(
    shown: Callable[..., BlankPage],
) -> None:
    page = shown(card(), card("batch_2"))
    page.button("Cancel batch batch_2…").focus()
    page.set("state", state(card("batch_0"), card(completed=5), card("batch_2", completed=7)))
    expect(page.button("Cancel batch batch_2…")).to_be_focused()
    names = page.page.locator(".gw-batch-id").all_inner_texts()
    assert names == ["batch_0", "batch_1", "batch_2"]


def test_a_failing_network_is_told_with_the_next_try(shown: Callable[..., BlankPage]) -> None:
    page = shown(card())
    page.set("state", state(card(), trouble="APIConnectionError: no route to the server."))
    expect(page.widget).to_contain_text("no route to the server. Tried again in")
    expect(page.page.get_by_role("status")).to_have_text("The server could not be asked.")
    expect(page.widget).to_contain_text("3 completed")
    assert barriers(page.page, ".gw") == []
    page.set("state", state(card(completed=4)))
    expect(page.page.get_by_role("status")).to_have_text("The server answers again.")
    expect(page.widget).not_to_contain_text("no route")
    page.button("Refresh").click()
    page.wait_asked("refresh")


def test_errors_of_a_file_are_a_list_of_texts(shown: Callable[..., BlankPage]) -> None:
    """What a server wrote is shown, and never run."""
    page = shown(card(status="failed", name=EVIL, problems=[f"line 1: {EVIL}", "line 2: no JSON"]))
    page.page.get_by_text("Errors of its file").wait_for()
    assert page.page.locator(".gw img").count() == 0
    items = page.page.locator(".gw-batch-problems li")
    expect(items).to_have_count(2)
    expect(items.nth(1)).to_be_visible()
    expect(items.nth(0)).to_contain_text("<img src=x")


def test_results_are_downloaded_whole(blank_page: BlankPages) -> None:
    """The kernel fetches the file, the page takes it in pieces, and the kernel may forget it."""
    done = card(status="completed", files=["output", "error"])
    traits = {"state": state(done), "error": "", "_gn_offers": {}, "_gn_key": ""}
    page = blank_page("batch_monitor", traits)
    page.page.evaluate(
        """() => {
        const text = new TextEncoder().encode('{"custom_id": "a"}\\n');
        const offer = { size: text.length, mime: "application/jsonl", version: "1" };
        fake.answers.load = () => {
          setTimeout(() => fake.set("_gn_offers", { "batch_1/output": offer }));
        };
        fake.answers["gn-get"] = ({ id }) => {
          fake.say({ kind: "gn-reply", id, value: offer }, [text]);
        }; }"""
    )
    with page.page.expect_download() as download:
        page.button("Download results of batch_1").click()
    assert page.wait_asked("load") == {"id": "batch_1", "kind": "output"}
    assert download.value.suggested_filename == "batch_1_output.jsonl"
    assert json.loads(download.value.path().read_bytes()) == {"custom_id": "a"}
    assert page.wait_asked("had") == {"name": "batch_1/output"}


def test_a_view_that_goes_says_so(shown: Callable[..., BlankPage]) -> None:
    page = shown(card())
    view = page.wait_asked("seen")["view"]
    page.page.evaluate("fake.close()")
    assert page.wait_asked("gone") == {"view": view}


def test_many_batches_and_a_narrow_page_cut_nothing_off(shown: Callable[..., BlankPage]) -> None:
    cards = [
        card(f"batch_01jh6xa7reempvjyh6n3yst{number:03d}", left=[90, 7000]) for number in range(50)
    ]
    page = shown(*cards, hidden=7, options={"viewport": {"width": 360, "height": 700}})
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 360
    expect(page.widget).to_contain_text("and 7 more; to_frame() has all")
    assert page.page.locator(".gw-batch").count() == 50


def test_without_batches_it_says_that_none_is_running(shown: Callable[..., BlankPage]) -> None:
    page = shown()
    expect(page.widget).to_contain_text("No batch is running.")
    assert barriers(page.page, ".gw") == []


# Lab's dark theme.
DARK = """:root { --jp-ui-font-color0: #fff; --jp-layout-color1: #212121;
  --jp-brand-color1: #2196f3; --jp-error-color1: #f44336;
  --jp-warn-color1: #ff9800; --jp-success-color1: #4caf50; }
  body { background: #111; }"""


@pytest.mark.parametrize("theme", [":root {}", DARK], ids=["light", "dark"])
def test_it_has_no_barriers(shown: Callable[..., BlankPage], theme: str) -> None:
    """With every state, an error of the network, errors of a file and a question at once."""
    states = ("validating", "finalizing", "completed", "expired", "cancelling", "cancelled")
    cards = [card(f"batch_{one}", one, files=["output", "error"]) for one in states]
    failed = card("batch_failed", "failed", total=0, problems=["line 1: no JSON"])
    trouble = "APIConnectionError: no route to the server."
    page = shown(card(name="reviews", left=[200, 400]), failed, *cards, trouble=trouble)
    page.page.add_style_tag(content=theme)
    page.button("Cancel batch reviews…").click()
    assert barriers(page.page, ".gw") == []


# --- in Jupyter ---

SERVER = """
import json, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import groqnb

now = int(time.time())
def made(id, status, **more):
    counts = {"total": 500, "completed": 180, "failed": 4}
    times = {"created_at": now - 600, "in_progress_at": now - 560, "expires_at": now + 86_000}
    about = {"id": id, "status": status, "endpoint": "/v1/chat/completions"}
    return {**about, **times, "request_counts": counts, **more}
batches = {
    "batch_a": made("batch_a", "in_progress", metadata={"name": "reviews"}),
    "batch_b": made("batch_b", "failed", failed_at=now - 590, request_counts=None,
                    errors=[{"line": 3, "message": "The line is no JSON."}]),
    "batch_c": made("batch_c", "completed", completed_at=now - 60, output_file_id="out",
                    request_counts={"total": 500, "completed": 499, "failed": 1}),
}
away = threading.Event()

class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_GET(self):
        if away.is_set():
            self.connection.close()
            return
        part = self.path.removeprefix("/openai/v1").partition("?")[0].split("/")
        if part[1] == "files":
            self.reply(b'{"custom_id": "a", "response": null, "error": null}\\n')
        elif len(part) > 2:
            self.reply(json.dumps(batches[part[2]]).encode())
        else:
            self.reply(json.dumps({"object": "list", "data": list(batches.values())}).encode())
    def do_POST(self):
        id = self.path.split("/")[-2]
        batches[id] = batches[id] | {"status": "cancelling"}
        self.do_GET2(batches[id])
    def do_GET2(self, batch):
        self.reply(json.dumps(batch).encode())
    def reply(self, data):
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/"
client = groqnb.Groq(base_url=url, api_key="k" * 20, max_retries=0)
"""
CELLS = [
    "from pretended import *",
    'monitor = groqnb.BatchMonitor(["batch_a", "batch_b", "batch_c"], client=client)\nmonitor',
    'second = groqnb.BatchMonitor("batch_a", client=client)\nsecond',
    "import time\nfor _ in range(20):\n    time.sleep(0.1)",
]


@pytest.fixture(autouse=True)
def pretended(request: pytest.FixtureRequest) -> None:
    """The server is a module beside the notebooks, so that these stay short."""
    if "open_notebook" in request.fixturenames:
        lab = request.getfixturevalue("lab")
        (lab.notebooks / "pretended.py").write_text(SERVER, encoding="utf-8")


def count(notebook: Any, completed: int) -> None:
    """Let the server have done so many requests."""
    notebook.kernel(
        f"batches['batch_a'] = batches['batch_a'] | {{'request_counts': "
        f"{{'total': 500, 'completed': {completed}, 'failed': 4}}}}"
    )


def test_in_a_notebook_it_is_live_and_keeps_its_last_state(
    open_notebook: Tabs, front: str, shots: Path
) -> None:
    """Two at once, a network that goes and comes, a batch that is cancelled, a download."""
    notebook = open_notebook(CELLS, front=front)
    for cell in range(3):
        notebook.run(cell)
    page = notebook.page
    first, second = (page.get_by_role("group", name="Batch monitor").nth(at) for at in (0, 1))
    expect(first).to_contain_text("180 completed, 4 failed, of 500 requests")
    count(notebook, 250)
    first.get_by_role("button", name="Refresh").click()
    for monitor in (first, second):
        expect(monitor).to_contain_text("250 completed", timeout=60_000)
    notebook.kernel("away.set()")
    first.get_by_role("button", name="Refresh").click()
    expect(first).to_contain_text("Tried again in", timeout=60_000)
    notebook.picture(shots / f"batch_monitor_away_{front}.png", 1)
    notebook.kernel("away.clear()")
    first.get_by_role("button", name="Refresh").click()
    expect(first).not_to_contain_text("Tried again in", timeout=60_000)
    with page.expect_download() as download:
        first.get_by_role("button", name="Download results of batch_c").click()
    assert json.loads(download.value.path().read_bytes())["custom_id"] == "a"
    second.get_by_role("button", name="Cancel batch reviews…").click()
    second.get_by_role("button", name="Cancel this batch").click()
    expect(second.locator(".gw-batch-status")).to_have_text("cancelling")
    notebook.kernel("batches['batch_a'] = made('batch_a', 'cancelled', cancelled_at=now)")
    second.get_by_role("button", name="Refresh").click()
    expect(second.locator(".gw-batch-status")).to_have_text("cancelled", timeout=60_000)
    assert (
        notebook.kernel("print(second.value.status, monitor._follower.missing)") == "cancelled {}"
    )
    saved = notebook.outputs(2)[-1]["data"]
    assert saved["text/plain"].splitlines()[1].split()[:2] == ["batch_a", "cancelled"]
    expect(page.locator(".gn-batches-saved").first).to_be_hidden()


def test_no_cell_waits_for_it_and_a_deleted_cell_ends_the_looking(open_notebook: Tabs) -> None:
    notebook = open_notebook(CELLS)
    for cell in range(3):
        notebook.run(cell)
    notebook.start(3)
    count(notebook, 300)
    notebook.wait()
    monitors = notebook.page.get_by_role("group", name="Batch monitor")
    expect(monitors.nth(1)).to_contain_text("300 completed", timeout=60_000)
    notebook.page.evaluate("probe.select(2)")
    notebook.page.evaluate("probe.execute('notebook:delete-cell')")
    expect(monitors).to_have_count(1)
    ended = """import time
deadline = time.monotonic() + 60
while second._follower.running and time.monotonic() < deadline: time.sleep(0.05)
print(second._follower.running, monitor._follower.running)"""
    assert notebook.kernel(ended) == "False True"


def test_reopened_untrusted_it_shows_what_was_there(open_notebook: Tabs) -> None:
    """Without a kernel, as a table; and how old it is, where it did not stay so."""
    notebook = open_notebook(CELLS[:2])
    notebook.run(0)
    notebook.run(1)
    expect(notebook.page.get_by_role("group", name="Batch monitor")).to_contain_text("reviews")
    again = open_notebook.reopen(notebook)
    assert not again.trusted(1)
    seen = again.seen(1)
    for text in ("reviews", "in progress", "180", "The line is no JSON.", "As of 20"):
        assert text in seen
    assert "run this cell to use it" in seen


PARTS = ("name", "id", "status", "facts", "facts.gw-dim", "problems li", "ask p", "effect", "ask")


def test_it_can_be_read_in_either_theme(open_notebook: Tabs, shots: Path) -> None:
    """Every kind of text in it stands out from what is behind it as much as WCAG asks."""
    notebook = open_notebook(CELLS[:2])
    notebook.run(0)
    notebook.run(1)
    page = notebook.page
    expect(page.get_by_role("group", name="Batch monitor")).to_contain_text("reviews")
    page.get_by_role("button", name="Cancel batch reviews…").click()
    for theme in ("Dark", "Light"):
        notebook.theme(f"JupyterLab {theme}")
        notebook.picture(shots / f"batch_monitor_{theme.lower()}.png", 1)
        for part in PARTS:
            assert notebook.contrast(1, f".gw-batch-{part}") >= 4.5, (theme, part)
