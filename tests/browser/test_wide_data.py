"""Data with many columns, or with one long value, on a page of any width."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from groqnb.render.data import data_html
from groqnb.render.html import document
from groqnb.render.markdown import markdown

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

LINES = """(cell) => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  return new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size;
}"""


@pytest.fixture(params=[1200, 420])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": request.param, "height": 900})
    yield context.new_page()
    context.close()


def shown(page: Page, value: Any) -> None:
    page.set_content(document("Data", data_html(value)))


def test_a_long_value_leaves_the_names_whole(page: Page) -> None:
    """No name is written letter below letter, and nothing stands beside the page."""
    shown(page, {"long": "x" * 600, "words": "lorem ipsum " * 60, "customer_id": 7})
    for name in page.locator("th").all():
        assert name.evaluate(LINES) == 1, name.inner_text()
    assert page.evaluate("document.body.scrollWidth <= innerWidth")


def test_many_columns_are_scrolled_and_not_squeezed(page: Page) -> None:
    """A number stays in one line, however many columns stand beside it; the table scrolls."""
    row = {f"c{i}": 1234.5 if i % 2 else "some words here" for i in range(20)}
    shown(page, [row | {"text": "lorem ipsum dolor " * 20}, row])
    cells = page.locator("tbody td", has_text="1234.5").all()
    assert len(cells) == 20
    assert {cell.evaluate(LINES) for cell in cells} == {1}
    assert page.evaluate("document.body.scrollWidth <= innerWidth")
    scrolled = page.get_by_role("group", name="table")
    assert scrolled.evaluate("(node) => node.scrollWidth > node.clientWidth")


def test_a_word_without_end_is_broken_at_the_edge(page: Page) -> None:
    """An address or a key in an answer does not push the rest of it out of sight."""
    text = f"See https://example.com/{'a' * 300} and\n\n- {'word' * 100}\n\nthe end."
    page.set_content(document("Answer", markdown(text)))
    assert page.evaluate("document.body.scrollWidth <= innerWidth")
