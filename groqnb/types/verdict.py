"""What guard models say of a text: safe or not, and why.

Llama Guard answers "safe", or "unsafe" and the categories on the next line; prompt guards answer
with the probability of an attack. Docs: Content Moderation, Harm Taxonomy and Policy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["CATEGORIES", "Verdict", "verdict_of"]

#: Llama Guard's categories of hazards, by the codes that it answers with.
CATEGORIES = {
    "S1": "Violent Crimes",
    "S2": "Non-Violent Crimes",
    "S3": "Sex-Related Crimes",
    "S4": "Child Sexual Exploitation",
    "S5": "Defamation",
    "S6": "Specialized Advice",
    "S7": "Privacy",
    "S8": "Intellectual Property",
    "S9": "Indiscriminate Weapons",
    "S10": "Hate",
    "S11": "Suicide & Self-Harm",
    "S12": "Sexual Content",
    "S13": "Elections",
    "S14": "Code Interpreter Abuse",
}

_SAFE = re.compile(r"safe\W*", re.IGNORECASE)
# The word by itself in its line, or with codes behind it; further lines may be anything.
_UNSAFE = re.compile(
    r"unsafe[^\w\n]*(?:$|\n(?P<lines>.*)|(?P<codes>S\d{1,2}(?:[\s,]+S\d{1,2})*)\W*$)",
    re.IGNORECASE | re.DOTALL,
)
_CODE = re.compile(r"\bS0*([1-9]\d?)\b", re.IGNORECASE)
_SCORE = re.compile(r"\d(?:\.\d*)?(?:e-?\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Verdict:
    """A guard model's word.

    Attributes:
        safe: whether it lets the text pass; for a score, whether it is below 0.5.
        categories: the codes of what is wrong with it: "S1" and so on.
        score: the probability of an attack, 0 to 1, from a prompt guard; else None.

    ```python
    >>> Verdict(safe=False, categories=("S2",)).reasons
    ['S2 Non-Violent Crimes']

    ```
    """

    safe: bool
    categories: tuple[str, ...] = ()
    score: float | None = None

    @property
    def reasons(self) -> list[str]:
        """The categories with their names."""
        return [f"{code} {CATEGORIES.get(code, '')}".strip() for code in self.categories]

    def __str__(self) -> str:
        word = "safe" if self.safe else "unsafe"
        if self.score is not None:
            return f"{word}, probability of an attack {self.score:.3f}"
        return f"{word}: {', '.join(self.reasons)}" if self.categories else word


def verdict_of(model: str, text: str) -> Verdict | None:
    """The verdict in a guard model's answer; None for other models, and for other words.

    A line "unsafe" counts as that, whatever follows it; "safe" must stand alone.

    ```python
    >>> str(verdict_of("meta-llama/llama-guard-4-12b", "unsafe\\nS1,S9"))
    'unsafe: S1 Violent Crimes, S9 Indiscriminate Weapons'
    >>> verdict_of("llama-3.3-70b-versatile", "safe") is None
    True

    ```
    """
    name, said = model.lower(), text.strip()
    if "guard" not in name:
        return None
    if "prompt-guard" in name:
        if _SCORE.fullmatch(said) and 0 <= float(said) <= 1:
            return Verdict(safe=float(said) < 0.5, score=float(said))
        word = said.lower()
        return Verdict(safe=word == "benign") if word in ("benign", "malicious") else None
    said = said.lstrip("*\"'`_ ")
    if _SAFE.fullmatch(said):
        return Verdict(safe=True)
    found = _UNSAFE.fullmatch(said)
    if found is None:
        return None
    codes = dict.fromkeys(
        f"S{number}" for number in _CODE.findall(found["lines"] or found["codes"] or "")
    )
    return Verdict(safe=False, categories=tuple(codes))
