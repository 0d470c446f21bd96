"""An answer as one bundle: HTML for notebooks, and plain text that is the same on every run.

The plain text holds the answer and a footer without times, so that a diff of two runs shows what
the model said and not how busy the machine was. There is no text/markdown in the bundle: a
notebook would show it instead, and run the raw HTML in it once the notebook is trusted.
"""

from __future__ import annotations

from groqnb.render.html import Child, Markup, el, join, link, page
from groqnb.render.markdown import IGNORE_MATH, MarkdownView, markdown
from groqnb.render.plain import clean
from groqnb.types.answer import Answer

__all__ = ["Bundle", "LiveView", "answer_bundle", "badge", "cost", "footer", "live_footer"]

Bundle = dict[str, str]
"""What is published: media types and their text."""

_CLOUD = "Groq cloud"


def badge(where: str, name: str) -> str:
    """Who answered, in a few words: the cloud, the local engine with its weights, or a URL.

    ```python
    >>> badge("local", "SmolLM2-135M-Instruct-Q4_1")
    'local engine · SmolLM2-135M-Instruct-Q4_1'

    ```
    """
    if where == "local":
        return f"local engine · {name}" if name else "local engine"
    return _CLOUD if where == "cloud" else name


def cost(model: str, tokens_in: int, tokens_out: int, cached: int = 0) -> float | None:
    """What the tokens cost in US dollars by the catalogue, None where it has no price."""
    from groqnb import catalog

    known = catalog.find(model)
    price = known.price if known else None
    if price is None or price.input is None or price.output is None:
        return None
    reduced = price.input if price.cached_input is None else price.cached_input
    spent = (tokens_in - cached) * price.input + cached * reduced + tokens_out * price.output
    return spent / 1e6


def dollars(amount: float | None) -> str:
    """An amount in US dollars, as short as it can honestly be said."""
    if amount is None:
        return "price unknown"
    return f"${amount:.6f}" if amount < 0.01 else f"${amount:.4f}"


def footer(answer: Answer) -> list[str]:
    """What the footer says in every run: models, tokens, cost; no times."""
    parts = []
    asked, answered = answer.model_asked, answer.model_answered
    if answer.where == "local":
        parts.append(f"asked for {asked}")  # who answered stands in the badge
    else:
        parts.append(
            asked if answered in ("", asked) else f"asked for {asked}, {answered} answered"
        )
    usage = answer.usage
    if usage is not None:
        cached = answer.cached_tokens
        also = f" ({cached} cached)" if cached else ""
        parts.append(f"{usage.prompt_tokens} tokens in{also}, {usage.completion_tokens} out")
        if answer.where == "cloud":
            spent = cost(
                answer.model_answered, usage.prompt_tokens, usage.completion_tokens, cached or 0
            )
            parts.append(dollars(spent))
    return [part for part in parts if part]


def _times(answer: Answer) -> list[str]:
    timing, parts = answer.timing, []
    if timing.ttft is not None:
        parts.append(f"TTFT {timing.ttft:.2f} s")
    if timing.tokens_per_second is not None:
        parts.append(f"{timing.tokens_per_second:.0f} tokens/s")
    if timing.queue is not None and timing.queue >= 0.05:
        parts.append(f"{timing.queue:.2f} s in the queue")
    return parts


def _ending(answer: Answer) -> str | None:
    if answer.stopped:
        return "stopped"
    return "cut off at the token limit" if answer.finish_reason == "length" else None


def _badge_of(answer: Answer) -> str | None:
    if not answer.where:
        return None
    return badge(answer.where, answer.url or "" if answer.where == "url" else answer.model_answered)


def _foot(badge_text: str | None, parts: list[Child]) -> Markup:
    shown: list[Child] = [el("span", badge_text, class_="gn-badge")] if badge_text else []
    for part in parts:
        if part is not None:
            shown += [" · " if shown else None, part]
    return el("div", *shown, class_=f"gn-foot {IGNORE_MATH}")


def live_footer(badge_text: str, *parts: Child) -> Markup:
    """The footer while an answer is on its way."""
    return _foot(badge_text, list(parts))


class LiveView:
    """The HTML of an answer while it grows: reasoning folded above, then the text."""

    def __init__(self) -> None:
        self._text = MarkdownView()
        self._reasoning = MarkdownView()

    @property
    def formulas(self) -> int:
        """How many formulas the page must typeset after a repaint, about."""
        return self._text.formulas

    def html(self, reasoning: str | None, text: str, foot: Markup) -> Markup:
        """The page so far."""
        thinking = None
        if reasoning:
            thinking = _folded("Reasoning", self._reasoning.update(reasoning))
        return page(thinking, self._text.update(text) if text else None, foot)

    def answer(self, answer: Answer, note: str | None = None) -> Markup:
        """The page of the finished answer; `note` is added to its footer."""
        thinking = None
        if answer.reasoning:
            thinking = _folded("Reasoning", self._reasoning.update(answer.reasoning, complete=True))
        text = self._text.update(answer.text, complete=True) if answer.text else None
        ending = _ending(answer)
        foot = _foot(
            _badge_of(answer),
            [
                el("span", ending, class_="gn-stopped") if ending else None,
                *footer(answer),
                *_times(answer),
                note,
            ],
        )
        return page(thinking, text, *_tools(answer), foot)


def _folded(title: str, body: Markup) -> Markup:
    return el(
        "div",
        el("details", el("summary", title), el("div", body)),
        class_="gn-think",
    )


def _tools(answer: Answer) -> list[Markup]:
    """Calls the model asks for, tools that ran, and the pages they found."""
    shown = []
    for call in answer.tool_calls:
        code = f"{call.function.name}({call.function.arguments})"
        shown.append(el("p", "asks for ", el("code", code)))
    for tool in answer.executed_tools:
        parts = [part for part in (tool.arguments, tool.output) if part]
        body = join(el("pre", part, class_="gn-plain") for part in parts)
        shown.append(_folded(f"ran {tool.type}", body))
    found = answer.search_results
    if found:
        items = [el("li", link(one.url or "", one.title or one.url or "untitled")) for one in found]
        shown.append(el("ol", *items))
    return shown


def plain(answer: Answer, note: str | None = None) -> str:
    """The answer and its footer as text; nothing in it changes but with the answer."""
    lines = [clean(answer.text)] if answer.text else []
    lines += [
        f"asks for {clean(call.function.name)}({clean(call.function.arguments)})"
        for call in answer.tool_calls
    ]
    foot = [_badge_of(answer), _ending(answer), *footer(answer), note]
    lines.append("— " + " · ".join(part for part in foot if part))
    return "\n\n".join(lines)


def terminal_footer(answer: Answer, note: str | None = None) -> str:
    """The footer for a terminal, with the times: nothing keeps it."""
    foot = [_badge_of(answer), _ending(answer), *footer(answer), *_times(answer), note]
    return "— " + " · ".join(part for part in foot if part)


def answer_bundle(
    answer: Answer, *, note: str | None = None, view: LiveView | None = None
) -> Bundle:
    """The bundle of a finished answer.

    `view` is the LiveView that showed it while it streamed, if one did: what it has rendered is
    not rendered again.
    """
    html = (view or LiveView()).answer(answer, note)
    return {"text/html": html, "text/plain": plain(answer, note)}


def markdown_bundle(source: str) -> Bundle:
    """Markdown of groqnb's own or of a model, as a bundle."""
    return {"text/html": page(markdown(source)), "text/plain": clean(source)}
