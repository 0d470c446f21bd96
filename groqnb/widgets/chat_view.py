"""Conversations as a page shows them, and as a notebook keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from groqnb.chat_tree import ChatTree, Turn
from groqnb.images import facts
from groqnb.render.data import cut, fold
from groqnb.render.growing import finished
from groqnb.render.html import Child, Markup, el, join
from groqnb.render.markdown import IGNORE_MATH
from groqnb.render.message import dollars, plain
from groqnb.render.plain import clean
from groqnb.render.tools import Run, run_html, run_plain
from groqnb.types.answer import Answer
from groqnb.widgets.attaching import Thumbs, image_html

__all__ = ["lines", "result", "totals", "turn_body"]


def totals(chat: ChatTree) -> str:
    """What the conversation came to, all branches together, in a line.

    ```python
    >>> totals(ChatTree())
    ''

    ```
    """
    answered = [turn for turn in chat.turns if turn.answer is not None]
    if not answered:
        return ""
    into, out = chat.tokens
    several = "s" if len(answered) > 1 else ""
    parts = [f"{len(answered)} answer{several}", f"{into:,} tokens in, {out:,} out"]
    wheres = {turn.answer.where for turn in answered if turn.answer is not None}
    if wheres == {"local"}:
        parts.append("no cost: local engine")
    elif wheres != {"url"}:
        known = sum(turn.cost or 0.0 for turn in answered)
        unknown = sum(turn.cost is None for turn in answered)
        parts.append(dollars(known) if known or not unknown else "price unknown")
        if known and unknown:
            parts.append(f"the price of {unknown} is unknown")
    return " · ".join(parts)


# --- one turn -------------------------------------------------------------------------------------


def turn_body(turn: Turn, thumbs: Thumbs) -> dict[str, Any]:
    """A turn as the page needs it, as JSON: what it says, and HTML that is safe."""
    body: dict[str, Any] = {
        "id": turn.id,
        "role": turn.role,
        "text": clean(turn.text),
        "failure": clean(turn.failure),
    }
    answer = turn.answer
    if answer is not None:
        body["slots"] = _slots(answer)
        body["calls"] = [
            {"id": call.id, "name": clean(cut(call.function.name, 100))}
            for call in answer.tool_calls
        ]
    elif turn.role == "tool":
        body["slots"] = {"runs": str(join(map(run_html, _runs(turn))))}
    else:
        body["images"] = [str(image_html(part, thumbs)) for part in turn.images]
    return body


def _slots(answer: Answer) -> dict[str, Markup]:
    slots = finished(answer)
    slots.pop("runs", None)  # the turn before tells of them
    return slots


def _runs(turn: Turn) -> Iterator[Run]:
    parent = turn.parent
    calls = [] if parent is None or parent.answer is None else parent.answer.tool_calls
    for call, message in zip(calls, turn.messages, strict=False):
        yield Run(call.function.name, call.function.arguments, str(message["content"]))


# --- all of it ------------------------------------------------------------------------------------


def result(chat: ChatTree, thumbs: Thumbs) -> tuple[list[Child], str]:
    """What is saved with the notebook: the turns that are seen, as HTML and as plain text."""
    html: list[Child] = []
    text: list[str] = []
    if chat.system is not None and chat.path:
        html.append(el("div", fold("System message", *lines(chat.system)), class_="gn-tool"))
    for turn in chat.path:
        html += _turn_html(turn, thumbs)
        text.append(_turn_plain(turn))
    hidden = len(chat) - len(chat.path)
    foot = totals(chat)
    if hidden:
        foot += f" · {hidden} turn{'s' * (hidden > 1)} on other branches"
    if foot:
        html.append(el("div", el("small", foot), class_="gn-foot"))
    # A class of its own: where the panel itself is alive, this is hidden.
    return [el("div", *html, class_="gn-chat-saved")] if html else [], "\n\n".join(text)


def _turn_html(turn: Turn, thumbs: Thumbs) -> Iterator[Child]:
    if turn.answer is not None:
        yield el("div", el("b", "Assistant"), class_="gn-label")
        slots = _slots(turn.answer)
        if "think" in slots:
            slots["think"] = el("div", fold("Reasoning", slots["think"]), class_="gn-think")
        yield from slots.values()
    elif turn.role == "tool":
        yield from map(run_html, _runs(turn))
    else:
        yield el("div", el("b", "You"), class_="gn-label")
        yield el("p", *lines(turn.text), class_=IGNORE_MATH)
        yield from (el("p", image_html(part, thumbs)) for part in turn.images)
    if turn.failure:
        yield el("p", el("span", turn.failure, class_="gn-stopped"))


def lines(text: str) -> Iterator[Child]:
    """Text of people: its lines as they are, nothing of it is Markdown."""
    for number, line in enumerate(text.split("\n")):
        if number:
            yield el("br")
        yield line


def _turn_plain(turn: Turn) -> str:
    if turn.answer is not None:
        said = f"Assistant: {plain(turn.answer)}"
    elif turn.role == "tool":
        said = "\n".join(map(run_plain, _runs(turn)))
    else:
        images = "".join(f"\n[image: {facts(part)}]" for part in turn.images)
        said = f"You: {turn.text}{images}"
    return clean(f"{said}\n{turn.failure}" if turn.failure else said)
