"""A model's text is never code: hostile answers all the way from the wire to a real page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .hostile_server import TEXT, HostileServer
from .tabs import Tabs

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

TAGS = "script, style, img, svg, iframe, form, button, link, base, meta, object, embed, input"
HANDLERS = (
    "found => found.flatMap((each) => [...each.attributes])"
    ".filter((each) => each.name.startsWith('on')).map((each) => each.value)"
)
ASK_IN_PYTHON = """import groqnb

client = groqnb.Groq(base_url={url!r}, api_key="none")
messages = [{{"role": "user", "content": "Hello"}}]
shown = groqnb.show(client.chat.completions.create(model="m", messages=messages, stream=True))"""


@pytest.fixture
def url() -> Iterator[str]:
    """The address of the hostile server."""
    with HostileServer() as url:
        yield url


def test_the_text_is_hostile(browser: Browser) -> None:
    """The same text, put into a page that takes it for HTML, runs its scripts and handlers."""
    page = browser.new_page()
    page.set_content(TEXT)
    page.wait_for_function("window.hacked")
    page.close()


def test_hostile_text_stays_text(open_notebook: Tabs, shots: Path, url: str) -> None:
    """Scripts, handlers, frames, styles and bad links in a reply do nothing and load nothing."""
    notebook = open_notebook(
        [
            f"%load_ext groqnb\n%groq use {url}",
            "%%groq -o answer\nHello",
            "answer",
            ASK_IN_PYTHON.format(url=url),
            "%%groq\nPlease fail",
            "print(answer.text)",
        ]
    )
    for cell in range(6):
        notebook.run(cell)
    assert notebook.kernel("print(answer.text)") == TEXT.strip()
    for cell in (1, 2, 3):
        seen = notebook.seen(cell, ".groqnb")
        assert '<script>window.hacked = "script"</script>' in seen
        assert "the end" in seen
        answer = notebook.element(cell, ".groqnb")
        found = answer.eval_on_selector_all(TAGS, "found => found.map((each) => each.outerHTML)")
        assert found == []
        assert answer.eval_on_selector_all("*", HANDLERS) == []
        links = answer.eval_on_selector_all("a[href]", "found => found.map((a) => a.protocol)")
        assert set(links) <= {"http:", "https:"}
        # What a curious reader may do: unfold everything, click whatever looks like a link.
        answer.eval_on_selector_all("summary, mjx-container, a", "all => all.map((e) => e.click())")
    notebook.page.wait_for_timeout(300)
    assert notebook.page.evaluate("window.hacked") is None
    assert notebook.page.evaluate("getComputedStyle(document.body).display") != "none"
    assert [url for url in notebook.heard.requests if "/hostile/" in url] == []
    notebook.scroll_to(2)
    notebook.picture(shots / "hostile_unfolded.png")
    notebook.picture(shots / "hostile_error.png", 4)
