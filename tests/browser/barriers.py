"""What axe finds in a part of a page: names, roles, contrast, structure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

# What a whole page must have, and an output cannot: landmarks, one main heading. What a model
# writes decides the order of headings.
NOT_OURS = ("region", "landmark-one-main", "page-has-heading-one", "heading-order", "bypass")


def barriers(page: Page, context: str) -> list[str]:
    """What is wrong in the parts of the page that `context` selects, a line each."""
    from axe_playwright_python.sync_playwright import Axe

    rules = {rule: {"enabled": False} for rule in NOT_OURS}
    found: dict[str, Any] = Axe().run(page, context=context, options={"rules": rules}).response
    checked = {each["id"] for each in found["passes"] + found["violations"]}
    assert "color-contrast" in checked, f"nothing was looked at in {context}"
    return [
        f"{each['id']}: {node['html'][:150]} {[why['message'] for why in node['any'][:1]]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
