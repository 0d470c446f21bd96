"""Long texts in passages that end where a sentence does."""

from __future__ import annotations

import re

__all__ = ["passages"]

# Behind which of these a text is split, the best first: paragraphs, sentences, parts of sentences,
# words. Chinese and Japanese have no spaces behind their signs.
_BREAKS = (
    re.compile(r"\n\s*\n"),
    re.compile(r"(?<=[.!?…؟])[\"'”’»)\]]*\s+|(?<=[。！？])"),
    re.compile(r"(?<=[,;:،—])\s+|\n|(?<=[、，；])"),
    re.compile(r"\s+"),
)


def passages(text: str, most: int) -> list[str]:
    """`text` in as few passages as can be, each of at most `most` characters.

    Nothing is lost but the white space between passages.

    ```python
    >>> passages("One is short. Two is short too. Three.", 20)
    ['One is short.', 'Two is short too.', 'Three.']

    ```
    """
    found: list[str] = []
    rest = text.strip()
    while len(rest) > most:
        cut = _cut(rest, most)
        found.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [passage for passage in [*found, rest] if passage]


def _cut(text: str, most: int) -> int:
    """Where to split: behind the last sentence that fits, if that is not too early."""
    window = text[: most + 1]
    for level, pattern in enumerate(_BREAKS):
        ends = [match.end() for match in pattern.finditer(window)]
        ends = [end for end in ends if 0 < len(text[:end].rstrip()) <= most]
        # A paragraph that ends near the beginning would make many short passages.
        if ends and (level > 0 or ends[-1] >= most / 2):
            return ends[-1]
    return most
