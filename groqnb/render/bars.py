"""A bar for work of many steps: one display on the page, which ends as a line of text.

tqdm's own widget leaves a saved notebook with an empty bar: the page that nobody's kernel updates
shows where the work began. Here the same words are painted by the same means as answers are.
"""

from __future__ import annotations

import os
from typing import Any

from groqnb.render.html import el, page
from groqnb.render.message import Bundle
from groqnb.render.plain import clean
from groqnb.render.stream import current_shell, shows_updates

__all__ = ["PageBar", "page_bar"]


def page_bar() -> PageBar | None:
    """A bar on the page; None in a terminal, where tqdm draws one."""
    shell = current_shell()
    return PageBar(shell) if shell is not None and shows_updates(shell) else None


class PageBar:
    """Paints into one display of a notebook; who calls says how often."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._display_id = os.urandom(16).hex()
        self._shown = False

    def show(self, words: str, done: int, total: int | None) -> None:
        """Paint how far it is; `total` None is not known."""
        known = {} if total is None else {"value": str(done), "max": str(max(total, 1))}
        bar = el("progress", aria_label="rows", **known)
        self._paint(el("div", bar, f" {words}", class_="gn-live"), words)

    def finish(self, words: str) -> None:
        """Leave a line of text."""
        self._paint(el("div", words, class_="gn-live"), words)

    def _paint(self, html: Any, words: str) -> None:
        bundle: Bundle = {"text/html": page(html), "text/plain": clean(words)}
        self._shell.display_pub.publish(
            data=bundle,
            metadata={},
            transient={"display_id": self._display_id},
            update=self._shown,
        )
        self._shown = True
