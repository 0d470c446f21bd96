"""What a playground shows of an answer, and what of it is saved with the notebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groqnb.render.data import fold
from groqnb.render.growing import finished
from groqnb.render.html import Child, Markup, el
from groqnb.render.markdown import IGNORE_MATH, code_block
from groqnb.render.message import plain
from groqnb.talk import spent
from groqnb.types.answer import Answer
from groqnb.widgets.attaching import Thumbs, image_html
from groqnb.widgets.chat_view import lines
from groqnb.widgets.playground_code import as_python

__all__ = ["saved", "slots_of"]


def slots_of(answer: Answer) -> dict[str, Markup]:
    """The parts of a finished answer; of one that cost nothing, the footer says so."""
    return finished(answer, "no cost" if spent(answer) == 0.0 else None)


def saved(
    asked: Mapping[str, Any] | None, answer: Answer | None, failure: str, thumbs: Thumbs
) -> tuple[list[Child], str]:
    """The question, the answer and the code; `asked` is what the code is made of, and `content`."""
    if asked is None:
        return [], ""
    html: list[Child] = [el("p", el("b", *lines(asked["prompt"])), class_=IGNORE_MATH)]
    if isinstance(asked["content"], list):
        html += [el("p", image_html(part, thumbs)) for part in asked["content"][1:]]
    told = [f"prompt: {asked['prompt']}"]
    if answer is not None:
        slots = slots_of(answer)
        if "think" in slots:
            slots["think"] = el("div", fold("Reasoning", slots["think"]), class_="gn-think")
        html += slots.values()
        told.append(plain(answer))
    if failure:
        html.append(el("p", el("span", failure, class_="gn-stopped")))
        told.append(failure)
    code = {name: value for name, value in asked.items() if name != "content"}
    html.append(el("div", fold("As Python", code_block(as_python(**code), "python"))))
    # A class of its own: where the playground itself is alive, this is hidden.
    return [el("div", *html, class_="gn-play-saved")], "\n\n".join(told)
