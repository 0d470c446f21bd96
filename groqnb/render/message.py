"""An answer as one bundle: HTML for notebooks, and plain text that is the same on every run.

The plain text holds the answer and a footer without times, so that a diff of two runs shows what
the model said and not how busy the machine was. There is no text/markdown in the bundle: a
notebook would show it instead, and run the raw HTML in it once the notebook is trusted.
"""

from __future__ import annotations

from groqnb.render.data import cut, fold
from groqnb.render.html import Child, Markup, el, join, page
from groqnb.render.markdown import IGNORE_MATH, MarkdownView, code_block, markdown
from groqnb.render.notes import (
    breakdown_html,
    breakdown_plain,
    json_html,
    refusal_html,
    refusal_plain,
    verdict_html,
    verdict_plain,
)
from groqnb.render.plain import clean
from groqnb.render.sources import (
    citations_html,
    citations_plain,
    images_html,
    images_plain,
    pages_html,
    pages_plain,
)
from groqnb.render.tools import (
    call_html,
    call_plain,
    run_html,
    run_plain,
    runs_before,
    tool_html,
    tool_plain,
)
from groqnb.types.answer import Answer, asks_for_json
from groqnb.types.chat import ExecutedTool
from groqnb.types.code import code_blocks
from groqnb.types.records import ExecutedTools

__all__ = [
    "Bundle",
    "LiveView",
    "answer_bundle",
    "badge",
    "cost",
    "footer",
    "live_footer",
    "plain_parts",
]

Bundle = dict[str, str]
"""What is published: media types and their text."""

_CLOUD = "Groq cloud"
_LONGEST = 300  # characters of a name in the footer
_ENDINGS = {
    "length": "cut off at the token limit",
    "content_filter": "withheld by a content filter",
    "error": "failed",
}


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
    """What the tokens cost in US dollars, None where no price is known or can be read."""
    from groqnb.catalog.cost import PricesUnreadable
    from groqnb.catalog.cost import cost as priced

    try:
        found = priced(
            model, prompt_tokens=tokens_in, completion_tokens=tokens_out, cached_tokens=cached
        )
    except PricesUnreadable:  # the ledger's readers are told; an answer is never lost for it
        return None
    return None if found is None else found.usd


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
    if answer.record is not None:
        # The same words whether it was asked just now or replayed: a re-run changes nothing.
        parts.append(f"recorded in {answer.record}")
    return [cut(part, _LONGEST) for part in parts if part]


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
    return _ENDINGS.get(answer.finish_reason or "")


def _badge_of(answer: Answer) -> str | None:
    if not answer.where:
        return None
    name = answer.url or "" if answer.where == "url" else answer.model_answered
    return badge(answer.where, cut(name, _LONGEST))


def _foot(badge_text: str | None, parts: list[Child]) -> Markup:
    shown: list[Child] = [el("span", badge_text, class_="gn-badge")] if badge_text else []
    for part in parts:
        if part is not None:
            shown += [" · " if shown else None, part]
    # Where a notebook is not trusted there is no style sheet: the element itself says "small".
    return el("div", el("small", *shown), class_=f"gn-foot {IGNORE_MATH}")


def live_footer(badge_text: str, *parts: Child) -> Markup:
    """The footer while an answer is on its way."""
    return _foot(badge_text, list(parts))


class LiveView:
    """The HTML of an answer while it grows, and when it is complete: the same, part by part."""

    def __init__(self) -> None:
        self._text = MarkdownView()
        self._reasoning = MarkdownView()
        self._tools: list[tuple[ExecutedTool, Markup]] = []
        self._runs: Markup | None = None
        self._sources: tuple[ExecutedTools, Markup] | None = None

    @property
    def formulas(self) -> int:
        """How many formulas the page must typeset after a repaint, about."""
        return self._text.formulas

    @property
    def weight(self) -> int:
        """How many characters of HTML stand around the text, about."""
        return sum(len(html) for _, html in self._tools)

    def html(self, answer: Answer, foot: Markup, *, complete: bool = False) -> Markup:
        """The page of an answer, as far as it has come."""
        slots = self.slots(answer, complete=complete)
        thinking = slots["think"]
        if thinking:
            slots["think"] = el("div", fold("Reasoning", thinking), class_="gn-think")
        return page(*slots.values(), foot)

    def slots(self, answer: Answer, *, complete: bool = False) -> dict[str, Markup | None]:
        """The parts of that page in their order, without the reasoning's fold and the footer.

        `closed` tells of "think" and of "text" how much of them will not change again.
        """
        thought = answer.reasoning
        after: list[Child] = [
            refusal_html(answer.refusal) if answer.refusal else None,
            *(call_html(call) for call in answer.tool_calls),
            self._sources_of(answer),
            citations_html(answer.citations) if complete else None,
            breakdown_html(answer.usage_breakdown) if answer.usage_breakdown else None,
        ]
        return {
            "runs": self._runs_of(answer),
            "think": self._reasoning.update(thought, complete=complete) if thought else None,
            "tools": join(self._tools_of(answer, complete)),
            "text": self._text_of(answer, complete),
            "after": join(after),
        }

    @property
    def closed(self) -> dict[str, Markup]:
        """How "think" and "text" begin for good, while the answer grows."""
        return {"think": self._reasoning.closed, "text": self._text.closed}

    def foot(self, answer: Answer, note: str | None = None) -> Markup:
        """The footer of the finished answer; `note` is added to it."""
        ending = _ending(answer)
        return _foot(
            _badge_of(answer),
            [
                el("span", ending, class_="gn-stopped") if ending else None,
                *footer(answer),
                *_times(answer),
                note,
            ],
        )

    def answer(self, answer: Answer, note: str | None = None) -> Markup:
        """The page of the finished answer; `note` is added to its footer."""
        return self.html(answer, self.foot(answer, note), complete=True)

    def _text_of(self, answer: Answer, complete: bool) -> Markup | None:
        if not answer.text:
            return None
        if complete and answer.verdict is not None:
            return verdict_html(answer.verdict)
        if asks_for_json(answer.response_format):
            return json_html(answer.text)
        if answer.form == "code":
            blocks = code_blocks(answer.whole)
            return code_block(answer.text, blocks[0].language if blocks else "")
        if answer.form == "text":
            return el("pre", answer.text, class_=f"gn-plain {IGNORE_MATH}")
        return self._text.update(answer.text, complete=complete)

    def _runs_of(self, answer: Answer) -> Markup | None:
        if self._runs is None:
            self._runs = join(run_html(run) for run in runs_before(answer.messages))
        return self._runs or None

    def _tools_of(self, answer: Answer, complete: bool) -> list[Markup]:
        if complete:
            return [tool_html(tool) for tool in answer.executed_tools]
        for place, tool in enumerate(answer.executed_tools):
            if place == len(self._tools):
                self._tools.append((tool, tool_html(tool, live=True)))
            elif self._tools[place][0] is not tool:
                self._tools[place] = (tool, tool_html(tool, live=True))
        return [html for _, html in self._tools]

    def _sources_of(self, answer: Answer) -> Markup | None:
        tools = answer.executed_tools
        if not tools:
            return None
        known = self._sources
        if known is None or [*map(id, known[0])] != [*map(id, tools)]:
            found = [pages_html(answer.search_results), images_html(answer.images)]
            known = self._sources = (tools, join(found))
        return known[1] or None


def plain_parts(answer: Answer) -> tuple[list[str], list[str]]:
    """What stands before the text, and after it, as text: tools, calls, sources and the like."""
    before = [run_plain(run) for run in runs_before(answer.messages)]
    if answer.reasoning:
        before.append(f"[Reasoning of {len(answer.reasoning):,} characters]")
    before += [tool_plain(tool) for tool in answer.executed_tools]
    after = [
        refusal_plain(answer.refusal) if answer.refusal else "",
        verdict_plain(answer.verdict) if answer.verdict is not None else "",
        *(call_plain(call) for call in answer.tool_calls),
        pages_plain(answer.search_results),
        images_plain(answer.images),
        citations_plain(answer.citations),
        breakdown_plain(answer.usage_breakdown) if answer.usage_breakdown else "",
    ]
    return before, [part for part in after if part]


def plain(answer: Answer, note: str | None = None) -> str:
    """The answer and its footer as text; nothing in it changes but with the answer."""
    before, after = plain_parts(answer)
    text = [clean(answer.text)] if answer.text else []
    foot = [_badge_of(answer), _ending(answer), *footer(answer), note]
    line = "— " + " · ".join(clean(part) for part in foot if part)
    return "\n\n".join([*before, *text, *after, line])


def terminal_footer(answer: Answer, note: str | None = None) -> str:
    """The footer for a terminal, with the times: nothing keeps it."""
    foot = [_badge_of(answer), _ending(answer), *footer(answer), *_times(answer), note]
    return "— " + " · ".join(clean(part) for part in foot if part)


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
