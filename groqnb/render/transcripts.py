"""A transcript on the page: what was said when, what of it is doubtful, what it took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from groqnb.render.html import Child, Markup, el, join, page
from groqnb.render.markdown import IGNORE_MATH
from groqnb.render.message import Bundle, badge, dollars
from groqnb.render.plain import clean

if TYPE_CHECKING:
    from groqnb.hearing.transcript import Transcript

__all__ = ["clock", "transcript_bundle"]

_OPEN = 20  # segments that are seen at once
_MOST = 400  # segments that are on the page at all: more would make the notebook heavy


class _Line(NamedTuple):
    at: str
    text: str
    doubts: str


def clock(seconds: float) -> str:
    """A time of a recording.

    ```python
    >>> clock(75.2), clock(3675)
    ('1:15', '1:01:15')

    ```
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def transcript_bundle(transcript: Transcript) -> Bundle:
    """HTML and plain text; the same for the same transcript."""
    flagged = transcript.flags
    doubts = dict(zip(flagged.index, flagged["reasons"], strict=True))
    frame = transcript.segments
    lines = [
        _Line(clock(start), str(text).strip(), str(doubts.get(number, "")))
        for number, (start, text) in enumerate(zip(frame["start"], frame["text"], strict=True))
    ]
    facts = _facts(transcript, len(doubts))
    return {
        "text/html": page(*_html(lines), _foot(transcript, facts)),
        "text/plain": _plain(lines, [_badge(transcript), *facts]),
    }


def _html(lines: Sequence[_Line]) -> list[Markup]:
    if not lines:
        return [el("p", "No words were heard.", class_="gn-about")]
    shown = [_line(line) for line in lines[:_OPEN]]
    rest = [_line(line) for line in lines[_OPEN:_MOST]]
    left_out = len(lines) - _MOST
    if left_out > 0:
        rest.append(el("p", f"{left_out:,} more segments are in .text.", class_="gn-about"))
    if rest:
        label = f"{len(lines) - _OPEN:,} more segments"
        shown.append(el("details", el("summary", label), *rest, class_="gn-data"))
    return shown


def _line(line: _Line) -> Markup:
    parts: list[Child] = [el("small", line.at, class_="gn-about"), " ", line.text]
    if line.doubts:
        parts += [" ", el("small", f"({line.doubts})", class_="gn-stopped")]
    return el("p", *parts, class_=IGNORE_MATH)


def _foot(transcript: Transcript, facts: Sequence[str]) -> Markup:
    named = el("span", _badge(transcript), class_="gn-badge")
    parts: list[Child] = [named, *(f" · {fact}" for fact in facts)]
    return el("div", el("small", join(parts)), class_=f"gn-foot {IGNORE_MATH}")


def _plain(lines: Sequence[_Line], facts: Sequence[str]) -> str:
    shown = [
        f"[{line.at}] {clean(line.text)}" + (f" ({line.doubts})" if line.doubts else "")
        for line in lines[:_OPEN]
    ] or ["No words were heard."]
    if len(lines) > _OPEN:
        shown.append(f"… {len(lines) - _OPEN:,} more segments")
    return "\n".join([*shown, "", "— " + " · ".join(clean(fact) for fact in facts)])


def _badge(transcript: Transcript) -> str:
    if transcript.where == "url":
        return "another server"
    return badge(transcript.where, transcript.answered)


def _facts(transcript: Transcript, flagged: int) -> list[str]:
    local = transcript.where == "local"
    facts = [f"asked for {transcript.model}" if local else transcript.model]
    if transcript.task == "translate":
        facts.append("translated to English")
    if transcript.language:
        facts.append(transcript.language)
    facts.append(
        f"{transcript.duration:.1f} s" if transcript.duration < 60 else clock(transcript.duration)
    )
    if transcript.parts > 1:
        facts.append(f"{transcript.parts} parts")
    if transcript.where == "cloud":
        facts.append(dollars(transcript.cost))
    if flagged:
        facts.append(f"{flagged} segment{'' if flagged == 1 else 's'} flagged")
    return facts
