"""Small tables: the state, the models, the doctor's findings, a dry run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from groqnb.render.html import Child, Markup, el, join, page, table
from groqnb.render.markdown import IGNORE_MATH
from groqnb.render.message import Bundle
from groqnb.render.plain import clean, columns

__all__ = [
    "Bundle",
    "Share",
    "cell_html",
    "cell_text",
    "facts",
    "listing",
    "messages",
    "notice",
    "scrolled",
]


class Share(NamedTuple):
    """A cell with a bar: `part` is from 0 to 1; `of` says what it is a part of, for ears."""

    part: float
    of: str

    @property
    def text(self) -> str:
        """The share in per cent."""
        return f"{self.part:.0%}"


def facts(pairs: Sequence[tuple[str, str | Share]]) -> Bundle:
    """Names and what is known of them, one line each.

    ```python
    >>> facts([("model", "llama-3.1-8b-instant")])["text/plain"]
    'model  llama-3.1-8b-instant'

    ```
    """
    rows: list[list[Child]] = [[el("b", name), cell_html(value)] for name, value in pairs]
    body = table([], rows, align=["left", "left"])
    return {
        "text/html": page(el("div", body, class_=IGNORE_MATH)),
        "text/plain": columns([[name, cell_text(value)] for name, value in pairs]),
    }


def listing(
    head: Sequence[str],
    rows: Sequence[Sequence[str | Share]],
    *,
    numbers: Sequence[int] = (),
    note: str = "",
) -> Bundle:
    """A table with a head; the columns in `numbers` are flush right, `note` stands below."""
    align = ["right" if i in numbers else "left" for i in range(len(head))]
    foot = el("div", el("small", note), class_="gn-foot") if note else None
    texts = [[cell_text(cell) for cell in row] for row in rows]
    plain = columns([list(head), *texts], right=numbers)
    shown = [[cell_html(cell) for cell in row] for row in rows]
    return {
        "text/html": page(
            el("div", scrolled(table(head, shown, align=align)), foot, class_=IGNORE_MATH)
        ),
        "text/plain": f"{plain}\n\n{note}" if note else plain,
    }


def cell_text(cell: str | Share) -> str:
    """A cell as plain text."""
    return cell.text if isinstance(cell, Share) else cell


def scrolled(wide: Markup, label: str = "table") -> Markup:
    """A table that a narrow page scrolls sideways, by the keyboard too, and cuts nowhere."""
    return el("div", wide, class_="gn-scroll", tabindex="0", role="group", aria_label=label)


def cell_html(cell: str | Share) -> Child:
    """What stands in a cell: its text, or its bar with the share beside it."""
    if not isinstance(cell, Share):
        return cell
    label = f"{cell.text} of {cell.of}"
    return join(
        [el("progress", value=f"{cell.part:.3f}", max="1", aria_label=label), " ", cell.text]
    )


def messages(sent: Sequence[tuple[str, str]], pairs: Sequence[tuple[str, str]]) -> Bundle:
    """Messages exactly as they would be sent (role and content), and facts about the request."""
    shown = [
        el("div", el("b", role), el("pre", content, class_="gn-plain")) for role, content in sent
    ]
    rows: list[list[Child]] = [[el("b", name), value] for name, value in pairs]
    body = el("div", *shown, table([], rows, align=["left", "left"]), class_=IGNORE_MATH)
    plain = [f"[{role}]\n{clean(content)}" for role, content in sent]
    plain.append(columns([[name, value] for name, value in pairs]))
    return {"text/html": page(body), "text/plain": "\n\n".join(plain)}


def notice(text: str) -> Bundle:
    """One sentence of groqnb's own."""
    return {
        "text/html": page(el("div", text, class_=f"gn-live {IGNORE_MATH}")),
        "text/plain": clean(text),
    }
