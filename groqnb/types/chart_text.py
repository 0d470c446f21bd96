"""Text in figures: code that a model wrote chose it, and matplotlib reads formulas in it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

__all__ = ["harmless", "shown"]

_LONGEST = 200
# Control characters, and halves of pairs: fonts have no glyph for them, and encoders no bytes.
_UNDRAWABLE = ("Cc", "Cs")


def shown(text: str | None, longest: int = _LONGEST) -> str:
    """`text` as it can be drawn: without control characters, and not longer than `longest`."""
    found = text or ""
    if len(found) > longest:
        found = found[: longest - 1] + "…"
    if not found.isprintable():
        found = "".join(
            " " if one != "\n" and unicodedata.category(one) in _UNDRAWABLE else one
            for one in found
        )
    return found


def harmless(texts: Iterable[Any]) -> None:
    """Make texts of a figure such that drawing them cannot fail: `texts` are matplotlib's Text.

    A formula that matplotlib cannot read would raise when the figure is shown, and TeX would run
    what stands in it.
    """
    for text in texts:
        text.set_usetex(False)
        content = text.get_text()
        if "$" in content:
            text.set_parse_math(_is_formula(content))


def _is_formula(text: str) -> bool:
    from matplotlib.cbook import is_math_text
    from matplotlib.mathtext import MathTextParser

    if not is_math_text(text):
        return True  # it is text to matplotlib, too
    try:
        MathTextParser("path").parse(text)
    except (ValueError, RecursionError, KeyError, IndexError):
        return False
    return True
