"""`groqnb lab` in a browser: the gallery is a page, and a click opens a notebook."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .lab import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


@pytest.fixture
def cookbook_lab() -> Iterator[Lab]:
    """What `groqnb lab FOLDER` starts, in the tests' own folders."""
    lab = Lab()
    lab.program = [sys.executable, "-m", "groqnb", "lab", str(lab.notebooks), "--no-browser", "--"]
    with lab:
        yield lab


def test_the_first_page_is_the_gallery_and_a_click_opens_a_notebook(
    browser: Browser, cookbook_lab: Lab, shots: Path
) -> None:
    from playwright.sync_api import expect

    with browser.new_context(viewport={"width": 1300, "height": 900}) as context:
        page = context.new_page()
        abroad: list[str] = []
        page.on("request", lambda r: None if "127.0.0.1" in r.url else abroad.append(r.url))
        # The address without a path, which JupyterLab opens by itself.
        page.goto(f"http://127.0.0.1:{cookbook_lab.port}/?token={cookbook_lab.token}")
        gallery = page.locator(".jp-MarkdownViewer")
        expect(gallery.get_by_role("heading", name="The groqnb cookbook")).to_be_visible()
        pictures = gallery.locator("td img")
        rows = gallery.locator("tbody tr")
        assert rows.count() == pictures.count() > 40
        page.wait_for_function(
            "[...document.querySelectorAll('.jp-MarkdownViewer td img')]"
            ".every(picture => picture.complete && picture.naturalWidth === 240)"
        )
        assert pictures.first.bounding_box()["width"] > 120  # type: ignore[index]
        page.screenshot(path=shots / "gallery.png")

        gallery.get_by_role("link", name="Charts", exact=True).last.click()
        notebook = page.locator(".jp-NotebookPanel")
        expect(notebook.get_by_role("heading", name="Charts: figures")).to_be_visible()
        # A server that is told to end while a kernel starts waits for that kernel.
        expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=60_000)
        # The gallery is still there, beside it.
        expect(page.get_by_role("tab", name="gallery.md")).to_be_visible()
        assert [url for url in abroad if not url.startswith(("data:", "blob:"))] == []
