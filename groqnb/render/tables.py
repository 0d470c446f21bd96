"""Small tables: the state, the models, the doctor's findings, a dry run."""

from __future__ import annotations

from collections.abc import Sequence

from groqnb.render.html import Child, el, page, table
from groqnb.render.markdown import IGNORE_MATH
from groqnb.render.message import Bundle
from groqnb.render.plain import clean, columns

__all__ = ["facts", "listing", "messages", "notice"]


def facts(pairs: Sequence[tuple[str, str]]) -> Bundle:
    """Names and what is known of them, one line each.

    ```python
    >>> facts([("model", "llama-3.1-8b-instant")])["text/plain"]
    'model  llama-3.1-8b-instant'

    ```
    """
    rows: list[list[Child]] = [[el("b", name), value] for name, value in pairs]
    body = table([], rows, align=["left", "left"])
    return {
        "text/html": page(el("div", body, class_=IGNORE_MATH)),
        "text/plain": columns([[name, value] for name, value in pairs]),
    }


def listing(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[int] = (),
    note: str = "",
) -> Bundle:
    """A table with a head; the columns in `numbers` are flush right, `note` stands below."""
    align = ["right" if i in numbers else "left" for i in range(len(head))]
    foot = el("div", note, class_="gn-foot") if note else None
    plain = columns([list(head), *rows], right=numbers)
    return {
        "text/html": page(el("div", table(head, rows, align=align), foot, class_=IGNORE_MATH)),
        "text/plain": f"{plain}\n\n{note}" if note else plain,
    }


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
