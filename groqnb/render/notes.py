"""Short things to be noticed: JSON as data, verdicts of guard models, refusals, usage by model."""

from __future__ import annotations

from groqnb.render.data import cut, data_html, fold, parsed_so_far
from groqnb.render.html import Child, Markup, el, join, table
from groqnb.render.markdown import IGNORE_MATH
from groqnb.render.plain import clean, columns
from groqnb.types.chat import UsageBreakdown
from groqnb.types.verdict import Verdict

__all__ = [
    "breakdown_html",
    "breakdown_plain",
    "json_html",
    "refusal_html",
    "refusal_plain",
    "verdict_html",
    "verdict_plain",
]

_LONGEST = 20_000


def json_html(source: str) -> Markup:
    """JSON as data, with its text folded below; what is none stays as it is."""
    found = parsed_so_far(source)
    if not isinstance(found, (dict, list)):
        # Something else than what was asked for; an error in words, mostly.
        return el("pre", cut(source, _LONGEST), class_=f"gn-plain {IGNORE_MATH}")
    text = el("pre", cut(source, _LONGEST), class_="gn-plain")
    folded = el("div", fold("JSON", text), class_=f"gn-tool {IGNORE_MATH}")
    return join([data_html(found), folded])


def verdict_html(verdict: Verdict) -> Markup:
    """Safe or not in colour and in words, and the reasons by name."""
    kind = "gn-good" if verdict.safe else "gn-bad"
    parts: list[Child] = [el("b", "safe" if verdict.safe else "unsafe", class_=kind)]
    if verdict.score is not None:
        bar = el(
            "progress", value=f"{verdict.score:.4f}", max="1", aria_label="Probability of an attack"
        )
        parts += [" probability of an attack ", bar, f" {verdict.score:.3f}"]
    elif verdict.reasons:
        parts.append(el("ul", *(el("li", reason) for reason in verdict.reasons)))
    return el("div", *parts, class_=f"gn-note {IGNORE_MATH}", role="note")


def verdict_plain(verdict: Verdict) -> str:
    """The verdict in one line."""
    return f"verdict: {verdict}"


def refusal_html(refusal: str) -> Markup:
    """Why the model refused."""
    return el(
        "div",
        *(el("b", "refused", class_="gn-stopped"), " ", cut(refusal, _LONGEST)),
        class_=f"gn-note {IGNORE_MATH}",
        role="note",
    )


def refusal_plain(refusal: str) -> str:
    """The same as text."""
    return f"refused: {clean(cut(refusal, _LONGEST))}"


_HEAD = ("model", "tokens in", "out", "total", "seconds")


def breakdown_html(breakdown: UsageBreakdown) -> Markup | None:
    """Tokens and seconds of each model, folded."""
    rows = _rows(breakdown)
    if not rows:
        return None
    align = ["left", *["right"] * (len(_HEAD) - 1)]
    cells: list[list[Child]] = [[*row] for row in rows]
    title = f"Tokens of {len(rows)} model{'s' * (len(rows) != 1)}"
    folded = fold(title, table(_HEAD, cells, align=align))
    return el("div", folded, class_=f"gn-tool {IGNORE_MATH}")


def breakdown_plain(breakdown: UsageBreakdown) -> str:
    """Tokens of each model; no times, so that runs can be compared."""
    rows = [row[:-1] for row in _rows(breakdown)]
    return columns([_HEAD[:-1], *rows], right=range(1, len(_HEAD) - 1)) if rows else ""


def _rows(breakdown: UsageBreakdown) -> list[list[str]]:
    rows = []
    for one in breakdown.models or ():
        usage = one.usage
        seconds = "" if usage.total_time is None else f"{usage.total_time:.2f}"
        counts = (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens)
        rows.append([cut(clean(one.model), 100), *(f"{count:,}" for count in counts), seconds])
    return rows
