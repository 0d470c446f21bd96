"""The chat panel in JupyterLab and Notebook 7, with a real kernel and a server that streams."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_server import ChatServer
from playwright.sync_api import Locator, expect

from .barriers import barriers
from .hostile_server import TEXT, HostileServer
from .notebook_page import NotebookPage
from .tabs import Tabs
from .test_hostile_text import HANDLERS

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)

MAKE = """import groqnb

client = groqnb.Groq(base_url={url!r}, api_key="none")
panel = groqnb.chat(client=client)
panel"""
BUSY = """import pathlib, time
pathlib.Path("busy").touch()
while pathlib.Path("busy").exists():
    time.sleep(0.05)"""
TAGS = "script, style, iframe, form, link, base, meta, object, embed, svg"


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server


def chat_of(notebook: NotebookPage) -> Locator:
    return notebook.page.get_by_role("group", name="Chat", exact=True)


def send(chat: Locator, text: str) -> None:
    box = chat.get_by_label("Your question")
    box.fill(text)
    box.press("Enter")


def wait_for(path: Path) -> None:
    """Wait until there is such a file."""
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"there is no {path.name}"
        time.sleep(0.02)


def test_talking_while_a_cell_is_busy(
    open_notebook: Tabs, server: ChatServer, front: str, shots: Path
) -> None:
    """Ask, see it stream, stop, edit and go through the branches, all beside a running cell."""
    notebook = open_notebook([MAKE.format(url=server.url), BUSY, "1"], front=front)
    notebook.run(0)
    chat = chat_of(notebook)
    busy = notebook.lab.notebooks / "busy"
    notebook.start(1)
    wait_for(busy)
    try:
        send(chat, "count 100000 every 0.02")
        answer = chat.locator(".gw-chat-assistant")
        expect(answer).to_contain_text("w5 ")
        chat.get_by_role("button", name="Stop").click()
        expect(answer.locator(".gn-stopped")).to_have_text("stopped")
        assert server.hung_up.wait(60)
        chat.get_by_label("Edit this question and ask it again").click()
        area = chat.get_by_label("The question", exact=True)
        area.fill("think")
        area.press("Enter")
        expect(answer).to_contain_text("one two three")
        answer.locator("summary").click()
        expect(answer).to_contain_text("Let me see.")
        expect(chat.locator(".gw-chat-place")).to_have_text("2/2")
        chat.get_by_label("Ask for another answer").click()
        expect(chat.locator(".gw-chat-place")).to_have_text(["2/2", "2/2"])
        chat.get_by_label("Earlier question").click()
        expect(answer).to_contain_text("w5 ")
        send(chat, "status 429")
        expect(chat).to_contain_text("RateLimitError")
        expect(chat.locator(".gw-chat-totals")).to_contain_text("3 answers")
        assert busy.exists()  # all of it happened beside the cell
    finally:
        busy.unlink(missing_ok=True)
    notebook.wait()
    # A cell that begins while an answer comes does not keep Stop waiting either.
    send(chat, "count 100000 every 0.02")
    expect(answer.last).to_contain_text("w1 ")
    notebook.start(1)
    wait_for(busy)
    try:
        expect(answer.last).to_contain_text("w50 ")
        chat.get_by_role("button", name="Stop").click()
        expect(chat.locator(".gw-chat-totals")).to_contain_text("4 answers")
        assert busy.exists()
    finally:
        busy.unlink(missing_ok=True)
    notebook.wait()
    notebook.run(2)
    assert notebook.kernel("print(len(panel.conversation))") == "8"
    if front == "lab":
        notebook.picture(shots / "chat_light.png", 0)
        notebook.theme("JupyterLab Dark")
        notebook.picture(shots / "chat_dark.png", 0)


def test_python_and_page_see_the_same(open_notebook: Tabs, server: ChatServer) -> None:
    """A cell that waits for an answer shows it in the panel; what is typed is there in Python."""
    cells = [MAKE.format(url=server.url), 'panel.ask("hello").text', "panel.conversation.messages"]
    notebook = open_notebook(cells)
    notebook.run(0)
    notebook.run(1)
    chat = chat_of(notebook)
    expect(chat.locator(".gw-chat-assistant")).to_contain_text("You said: hello")
    assert notebook.outputs(1)[0]["data"]["text/plain"] == "'You said: hello'"
    send(chat, "more")
    expect(chat.locator(".gw-chat-assistant")).to_have_count(2)
    expect(chat.locator(".gw-chat-totals")).to_contain_text("2 answers")
    notebook.run(2)
    assert "You said: more" in notebook.outputs(2)[0]["data"]["text/plain"]
    assert chat.get_by_label("Your question").input_value() == ""


def test_the_conversation_is_read_without_kernel_and_trust(
    open_notebook: Tabs, server: ChatServer, shots: Path
) -> None:
    """Saved, closed and opened again: all that was seen is there, once, and no panel."""
    notebook = open_notebook([MAKE.format(url=server.url)])
    notebook.run(0)
    chat = chat_of(notebook)
    send(chat, "<b>hello</b>")
    expect(chat.locator(".gw-chat-totals")).to_contain_text("1 answer")
    # Beside the living panel the saved copy is not shown.
    expect(notebook.page.locator(".gn-chat-saved")).to_be_hidden()
    expect(notebook.page.locator(".gn-chat-saved")).to_contain_text("You said")
    again = open_notebook.reopen(notebook)
    assert not again.trusted(0)
    saved = again.page.locator(".gn-chat-saved")
    expect(saved).to_be_visible()
    expect(saved).to_contain_text("You said: <b>hello</b>")
    expect(chat_of(again)).to_have_count(0)
    again.picture(shots / "chat_reopened.png", 0)


def test_hostile_text_stays_text_in_the_panel(open_notebook: Tabs) -> None:
    """Scripts, handlers, frames and bad links of a reply do nothing, streaming and saved."""
    with HostileServer() as url:
        notebook = open_notebook([MAKE.format(url=url)])
        notebook.run(0)
        chat = chat_of(notebook)
        send(chat, TEXT)
        expect(chat.locator(".gw-chat-totals")).to_contain_text("1 answer")
        chat.get_by_label("Ask for another answer").click()
        expect(chat.locator(".gw-chat-place")).to_have_text("2/2")
        send(chat, "Please fail")
        expect(chat.locator(".gw-chat-failure").last).to_contain_text("<script>")
    for part in (chat, notebook.page.locator(".gn-chat-saved")):
        element = part.element_handle()
        assert element is not None
        found = element.eval_on_selector_all(TAGS, "found => found.map((each) => each.outerHTML)")
        assert found == []
        assert element.eval_on_selector_all("*", HANDLERS) == []
        links = element.eval_on_selector_all("a[href]", "found => found.map((a) => a.protocol)")
        assert set(links) <= {"http:", "https:"}
        element.eval_on_selector_all("summary, a", "all => all.map((e) => e.click())")
    notebook.page.wait_for_timeout(300)
    assert notebook.page.evaluate("window.hacked") is None
    assert [url for url in notebook.heard.requests if "/hostile/" in url] == []


def test_two_panels_do_not_meet(open_notebook: Tabs, server: ChatServer) -> None:
    """Each has its own conversation, and both answer at the same time."""
    make = MAKE.format(url=server.url)
    notebook = open_notebook([make, "other = groqnb.chat(client=client)\nother"])
    notebook.run(0)
    notebook.run(1)
    first, second = chat_of(notebook).nth(0), chat_of(notebook).nth(1)
    send(first, "count 100000 every 0.02")
    expect(first.locator(".gw-chat-assistant")).to_contain_text("w2 ")
    send(second, "hello")
    expect(second.locator(".gw-chat-assistant")).to_contain_text("You said: hello")
    expect(first.get_by_role("button", name="Stop")).to_be_visible()
    notebook.kernel("panel.stop()")
    expect(first.get_by_role("button", name="Send")).to_be_visible()
    assert notebook.kernel("print(len(panel.conversation), len(other.conversation))") == "2 2"


def test_the_panel_in_lab_has_no_barriers(open_notebook: Tabs, server: ChatServer) -> None:
    """axe finds nothing in Lab's light and dark theme."""
    notebook = open_notebook([MAKE.format(url=server.url)])
    notebook.run(0)
    chat = chat_of(notebook)
    for text, count in (("think", 1), ("count 3 every 0", 2)):
        send(chat, text)
        expect(chat.locator(".gw-chat-totals")).to_contain_text(f"{count} answer")
    send(chat, "status 401")
    expect(chat.locator(".gw-chat-failure").last).to_be_visible()
    assert barriers(notebook.page, ".gw-chat") == []
    notebook.theme("JupyterLab Dark")
    assert barriers(notebook.page, ".gw-chat") == []
