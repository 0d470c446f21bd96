"""An evaluation as tables: each label, and what was taken for what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groqnb.render.html import Child, Markup, el, page, table
from groqnb.render.markdown import IGNORE_MATH
from groqnb.render.message import Bundle
from groqnb.render.plain import clean, columns
from groqnb.render.tables import Share, cell_html, cell_text, scrolled

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["evaluation_bundle"]

_MOST = 12  # labels in a table; a page is no place for more
_LONGEST = 40  # characters of a label


def evaluation_bundle(found: Any) -> Bundle:
    """The accuracy, a row for each label, and the confusion where it is small."""
    title = str(found)
    title = title[0].upper() + title[1:]
    parts: list[Child] = [el("div", el("b", title))]
    plain = [title]
    for name, head, rows in _tables(found):
        align = ["left", *["right"] * (len(head) - 1)]
        shown: list[list[Child]] = [[cell_html(cell) for cell in row] for row in rows]
        parts.append(el("div", name, class_="gn-label"))
        parts.append(scrolled(table(head, shown, align=align), name))
        texts = [[cell_text(cell) for cell in row] for row in rows]
        body = columns([list(head), *texts], right=range(1, len(head)))
        plain.append(f"{name}\n{body}")
    left = len(found.confusion) - _MOST
    if left > 0:
        note = f"{left} more labels: .to_frame() and .confusion have all."
        parts.append(el("div", el("small", note), class_="gn-live"))
        plain.append(note)
    body_html: Markup = el("div", *parts, class_=IGNORE_MATH)
    return {"text/html": page(body_html), "text/plain": "\n\n".join(plain)}


def _tables(found: Any) -> list[tuple[str, Sequence[str], list[list[str | Share]]]]:
    if not found.judged:
        return []
    scores = found.to_frame()
    lines: list[list[str | Share]] = [
        [
            _name(row.Index),
            _part(row.precision),
            _part(row.recall),
            _part(row.f1),
            f"{row.support:,}",
        ]
        for row in scores.head(_MOST).itertuples()
    ]
    made: list[tuple[str, Sequence[str], list[list[str | Share]]]] = [
        ("Each label", ["label", "precision", "recall", "F1", "rows"], lines)
    ]
    if len(scores) <= _MOST:
        counts: list[list[str | Share]] = [
            [_name(label), *(f"{count:,}" if count else "·" for count in row)]
            for label, row in zip(
                found.confusion.index, found.confusion.to_numpy().tolist(), strict=True
            )
        ]
        head = ["expected", *(_name(label) for label in found.confusion.columns)]
        made.append(("Expected (rows) and answered (columns)", head, counts))
    return made


def _name(label: object) -> str:
    told = " ".join(clean(str(label)).split())
    return told if len(told) <= _LONGEST else told[: _LONGEST - 1] + "…"


def _part(value: float) -> str:
    return "–" if value != value else f"{value:.2f}"
