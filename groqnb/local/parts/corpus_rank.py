"""How well a page fits a question, from 0 to 1, and the part of it to show.

The score is the share of the question that the page covers: every word of the question counts by
how rare it is, in full where the page has it in its name, less in its summary, least in its text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from groqnb.local.parts.corpus_pages import Page

__all__ = ["Query", "passage", "score"]

_LITTLE = (
    "a about after all also am an and any are as at be been before being between both but by "
    "can could describe did do does doing each every example examples explain few find for "
    "from function get give given had has have having he her here him his how i if in into is "
    "it its just know let like list look looking make many may me mean method might more most "
    "much must my need no not now of on one only or other our out over package please python "
    "same search several shall she should show so some such tell than that the their them "
    "then there these they this those through to too two under up use used using very want "
    "was way we web well were what whats when where which while who whom why will with "
    "within without would write you your documentation docs module library"
)
_LITTLE_WORDS = frozenset(_LITTLE.split())
# What people write for a module, as its examples do.
_SHORT_NAMES = {"np": "numpy", "pd": "pandas", "plt": "matplotlib", "df": "dataframe"}
_IN_NAME, _IN_SUMMARY, _IN_TEXT, _OFTEN_IN_TEXT = 1.0, 0.8, 0.45, 0.6
_OFTEN = 3
_OWN_NAME = 0.1
_FOREIGN = 0.8
_USUAL = 0.12
# where in np.where, all in `all`: then they are no little words.
_CODE = re.compile(r"`([^`]+)`|\b(\w+(?:\.\w+)+|\w+(?=\()|[a-z0-9]+_\w+)")
_WORD = re.compile(r"[A-Za-z0-9À-ÿ]+")
_LONGEST_PASSAGE = 700
_LONGEST_BEGINNING = 250
_MOST_WORDS = 24


def _stem(word: str) -> str:
    """The part of a word that its other forms begin with as well.

    >>> [_stem(word) for word in ("plotting", "merged", "values", "axes", "csv")]
    ['plot', 'merg', 'valu', 'ax', 'csv']
    """
    for ending in ("ings", "ing", "ied", "ies", "ed", "es", "ly", "s", "e", "y"):
        stem = word[: -len(ending)]
        if word.endswith(ending) and len(stem) >= (3 if len(ending) > 1 else 4):
            word = stem
            break
    else:
        if len(word) == 4 and word.endswith("es"):
            word = word[:2]
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "sl":
        word = word[:-1]
    return word


@dataclass
class Query:
    """The words of a question that count, how to find each in a text, and how much it counts.

    `packages` are the installed packages that it names.
    """

    words: Sequence[str]
    patterns: Sequence[re.Pattern[str]]
    weights: Sequence[float]
    packages: Sequence[str]
    #: The words that are rare enough to find pages by.
    telling: Sequence[str]

    @classmethod
    def read(
        cls, text: str, count: Callable[[str | None], int], packages: Collection[str] = ()
    ) -> Query:
        """The query of `text`; `count` says how many pages hold a word, or how many there are."""
        code = {word.lower() for found in _CODE.finditer(text) for word in _WORD.findall(found[0])}
        given = [word.lower() for word in _WORD.findall(text)]
        given = [_SHORT_NAMES.get(word, word) for word in given]
        useful = [
            word for word in given if word in code or (word not in _LITTLE_WORDS and len(word) > 1)
        ]
        words = list(dict.fromkeys(useful or given))[:_MOST_WORDS]
        whole = max(1, count(None))
        counts = [count(word) for word in words]
        weights = [math.log(1 + whole / (1 + number)) for number in counts]
        telling = [
            word for word, number in zip(words, counts, strict=True) if number < _USUAL * whole
        ]
        named = [word for word in words if word in packages]
        return cls(words, [_pattern(word) for word in words], weights, named, telling or words)


def _pattern(word: str) -> re.Pattern[str]:
    stem = _stem(word)
    if len(stem) > 3:
        return re.compile(rf"(?<![a-z0-9]){re.escape(stem)}")
    # A short one begins too many others: itself, and its most usual forms.
    return re.compile(rf"(?<![a-z0-9]){re.escape(stem)}(?:e|s|es|ed|ing)?(?![a-z0-9])")


def score(query: Query, page: Page) -> float:
    """From 0 (nothing of the question) to 1 (all of it, in the page's name)."""
    if not query.words:
        return 0.0
    names, summary, text = page.words.lower(), page.summary.lower(), page.text.lower()
    got = whole = 0.0
    for pattern, weight in zip(query.patterns, query.weights, strict=True):
        whole += weight
        if pattern.search(names):
            got += weight * _IN_NAME
        elif pattern.search(summary):
            got += weight * _IN_SUMMARY
        else:
            times = len(pattern.findall(text))
            if times:
                got += weight * (_OFTEN_IN_TEXT if times >= _OFTEN else _IN_TEXT)
    own = names.split()
    asked = sum(any(pattern.match(name) for pattern in query.patterns) for name in own)
    named = asked / len(own) if own else 0.0
    found = page.weight * ((1 - _OWN_NAME) * got / whole + _OWN_NAME * named)
    if query.packages and page.path.partition("/")[0].lower() not in query.packages:
        found *= _FOREIGN
    return min(1.0, found)


def passage(query: Query, page: Page) -> str:
    """The page's summary, and the part of its text that has most of the question."""
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", page.text) if part.strip()]
    if not paragraphs:
        return page.summary
    # A docstring begins with how the thing is called, and what it is for.
    shown, rest = "", paragraphs
    while rest and len(shown) + len(rest[0]) < _LONGEST_BEGINNING:
        shown, rest = f"{shown}\n{rest[0]}".strip(), rest[1:]
    best, most = "", 0.0
    for number in range(len(rest)):
        part = rest[number]
        for following in rest[number + 1 :]:
            if len(part) + len(following) > 400:
                break
            part = f"{part}\n{following}"
        lower = part[:_LONGEST_PASSAGE].lower()
        got = sum(
            weight
            for pattern, weight in zip(query.patterns, query.weights, strict=True)
            if pattern.search(lower)
        )
        if got > most * 1.001:
            best, most = part, got
    told = f"{shown}\n…\n{best}" if shown and best else shown or best or paragraphs[0]
    return told if len(told) <= _LONGEST_PASSAGE else told[: _LONGEST_PASSAGE - 1].rstrip() + "…"
