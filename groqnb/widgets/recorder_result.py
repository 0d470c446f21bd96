"""What a recorder leaves in the saved notebook: the sound if it is small, and the transcript."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from groqnb.render.html import Child, audio, el
from groqnb.widgets.sounds import MIMES

if TYPE_CHECKING:
    from groqnb.catalog.cost import Cost
    from groqnb.hearing.transcript import Transcript

__all__ = ["estimate_text", "lines", "result_parts", "seconds_text"]

_MOST_SAVED = 150_000
"""Bytes of sound that are saved in the notebook with the result: some 40 seconds of a recording."""


def seconds_text(seconds: float) -> str:
    """A length for people.

    ```python
    >>> seconds_text(3.21), seconds_text(75)
    ('3.2 s', '1:15')

    ```
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def dollars(amount: float) -> str:
    """Small amounts with the digits that say something: $0.00011, $0.11."""
    return f"${amount:.2f}" if amount >= 0.1 else f"${amount:.2g}"


def estimate_text(target: str, model: str, cost: Cost | None) -> str:
    """What stands beside the button before anything is sent."""
    if target == "local":
        return "free: the local engine"
    if target != "cloud" or cost is None:
        return f"price not known, {model}"
    return f"about {dollars(cost.usd)}, {model}"


def lines(made: Transcript) -> dict[str, Any]:
    """The transcript for the page: its segments as start, end and text, and what is told of it."""
    rows = made.to_dict()["segments"]
    segments = [[row["start"], row["end"], row["text"].strip()] for row in rows]
    return {"segments": segments, "text": made.text, "note": _note(made)}


def _note(made: Transcript) -> str:
    facts = [made.answered or made.model, made.language or "", seconds_text(made.duration)]
    if made.where == "local":
        facts.append("local engine")
    elif made.cost is not None:
        facts.append(dollars(made.cost))
    return " · ".join(fact for fact in facts if fact)


def result_parts(
    sound: bytes, format_: str, seconds: float, made: Transcript | None
) -> tuple[Sequence[Child], str]:
    """The parts of the saved HTML, and the plain text."""
    if not sound:
        return [], ""
    parts: list[Child] = []
    told = f"Recording, {seconds_text(seconds)}, {format_}"
    if len(sound) <= _MOST_SAVED:
        parts.append(el("p", audio(sound, MIMES[format_], told)))
    else:
        size = f"{len(sound) / 1e6:.1f} MB"
        note = f"{told}, {size}: too large to be saved in the notebook. Keep it with .save(path)."
        parts.append(el("p", note, class_="gn-about"))
    if made is None:
        return parts, told
    if seconds < 60:
        parts.append(el("p", made.text))
    else:
        for start, _, text in lines(made)["segments"]:
            time = el("small", f"{seconds_text(start)} ", class_="gn-about")
            parts.append(el("p", time, text))
    parts.append(el("p", el("small", _note(made)), class_="gn-foot"))
    return parts, made.text
