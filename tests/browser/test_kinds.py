"""Every kind of answer in a real page: harmless, readable in both themes, usable by keyboard."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from render.hostile import TRICKS, hostile_bundles
from render.kinds import KINDS

from groqnb.render.message import answer_bundle

from .barriers import barriers
from .hostile_server import TEXT
from .notebook_page import NotebookPage
from .tabs import Tabs

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

HERE = str(Path(__file__).parents[1])
SETUP = f"""import sys

sys.path.insert(0, {HERE!r})
from render.kinds import KINDS
%load_ext groqnb"""
UNFOLD = "all => all.forEach((each) => { each.open = true })"
# Copies of the outputs over Lab's page, unfolded: of what is scrolled away axe sees no colours.
# Nor does it in a body without height which hides what flows over, as Lab's is.
TOGETHER = """([first, count]) => {
  const box = document.createElement("div");
  box.id = "together";
  box.style.cssText = "position:absolute;inset:0;z-index:99999;overflow:auto";
  box.style.background = "var(--jp-layout-color0)";
  for (let i = first; i < first + count; i++)
    box.append(probe.outputArea(i).querySelector(".jp-RenderedHTMLCommon").cloneNode(true));
  box.querySelectorAll("details").forEach((each) => { each.open = true });
  document.body.style.overflow = "visible";
  document.body.append(box);
}"""
HANDLERS = (
    "found => found.flatMap((each) => [...each.attributes])"
    ".filter((each) => each.name.startsWith('on')).map((each) => each.value)"
)
LOADING = "script, svg, iframe, form, button, link, base, meta, object, embed, input, video, audio"


@pytest.fixture(scope="module")
def shown(open_for_all: Tabs) -> NotebookPage:
    """A notebook with every kind of answer, one a cell."""
    cells = [SETUP, *(f"KINDS[{kind!r}]" for kind in KINDS)]
    notebook = open_for_all(cells)
    for cell in range(len(cells)):
        notebook.run(cell)
    return notebook


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_no_kind_has_a_barrier_in_either_theme(shown: NotebookPage, theme: str) -> None:
    """axe finds nothing wrong with roles, names, contrast or structure, folded or not."""
    shown.theme(theme)
    shown.page.evaluate(TOGETHER, [1, len(KINDS)])
    try:
        assert barriers(shown.page, "#together") == []
    finally:
        shown.page.evaluate("document.getElementById('together').remove()")


def test_what_is_folded_opens_by_keyboard(shown: NotebookPage) -> None:
    """In JupyterLab, Tab reaches a fold and the space bar opens and closes it."""
    cell = [*KINDS].index("python") + 1
    shown.element(cell, "details").evaluate("fold => { fold.open = false }")
    shown.element(cell, ".groqnb").evaluate(
        "e => { e.tabIndex = -1; e.focus(); e.removeAttribute('tabindex') }"
    )
    shown.page.keyboard.press("Tab")
    assert shown.page.evaluate("document.activeElement.tagName") == "SUMMARY"
    for opened in (True, False):
        shown.page.keyboard.press("Space")
        fold = shown.element(cell, "details")
        assert fold.evaluate("fold => fold.open") is opened


@pytest.fixture(scope="module")
def exported(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page that `nbconvert --to html` makes of a notebook with every kind of answer."""
    from nbconvert import HTMLExporter

    notebook = nbformat.v4.new_notebook()
    for kind, answer in KINDS.items():
        output = nbformat.v4.new_output("display_data", data=answer_bundle(answer))
        notebook.cells.append(nbformat.v4.new_code_cell(f"KINDS[{kind!r}]", outputs=[output]))
    source, _ = HTMLExporter(mathjax_url="", require_js_url="").from_notebook_node(notebook)
    path = tmp_path_factory.mktemp("exported") / "kinds.html"
    path.write_text(source, encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    yield page
    page.close()


def test_exported_pages_have_no_barriers_either(exported: Page) -> None:
    """What nbconvert writes shows every kind, and axe finds nothing wrong with it."""
    assert exported.locator(".groqnb").count() == len(KINDS)
    exported.eval_on_selector_all("details", UNFOLD)
    assert barriers(exported, ".groqnb") == []


def test_hostile_text_does_nothing_in_any_kind_of_answer(browser: Browser) -> None:
    """No script of it runs, no handler stays, and the page asks nobody for anything."""
    page = browser.new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    # Errors on a page would hide what did not run.
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    for text in (TEXT, TEXT + TRICKS, "</style>" + TEXT, TEXT * 20):
        for bundle in hostile_bundles(text).values():
            page.set_content(bundle["text/html"].encode(errors="strict").decode())
            page.eval_on_selector_all("details", UNFOLD)
            page.eval_on_selector_all("summary, a", "all => all.map((each) => each.click())")
            assert page.eval_on_selector_all(".groqnb *", HANDLERS) == []
            assert page.locator(f".groqnb :is({LOADING})").count() == 0
            pictures = page.eval_on_selector_all("img", "all => all.map((each) => each.src)")
            assert all(each.startswith("data:image/png;base64,") for each in pictures)
    page.wait_for_timeout(200)
    assert page.evaluate("window.hacked") is None
    assert [url for url in requests if not url.startswith("data:image/png;base64,")] == []
    assert errors == []
    page.close()
