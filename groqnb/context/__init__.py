"""What of the notebook goes along with a question: pieces of text, each with what is said of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from groqnb.conversation import estimate
from groqnb.record.scrub import Scrubber, secrets_of_environment
from groqnb.types.errors import GroqnbError

__all__ = [
    "MOST",
    "Hiding",
    "Piece",
    "cut_middle",
    "known_secrets",
    "note",
    "printed",
    "with_context",
    "without_secrets",
]

MOST = 60_000
"""Characters that may go along with one question, some 15,000 tokens."""

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


@dataclass(frozen=True)
class Piece:
    """A part of the notebook as text.

    Attributes:
        tag: what it is, as the model is told: "data", "cells", "error".
        name: its name in the notebook, "" where it has none.
        text: what is sent.
        told: what is said of it under the answer.
        hidden: how many secrets were taken out.
    """

    tag: str
    name: str
    text: str
    told: str
    hidden: int = 0


def with_context(text: str, pieces: Sequence[Piece]) -> str:
    """The question with the pieces before it, each between tags of its own.

    ```python
    >>> print(with_context("Why?", [Piece("error", "", "KeyError: 'a'", "the last error")]))
    <error>
    KeyError: 'a'
    </error>
    <BLANKLINE>
    Why?

    ```
    """
    parts = []
    for piece in pieces:
        name = f' name="{piece.name}"' if piece.name else ""
        parts.append(f"<{piece.tag}{name}>\n{piece.text}\n</{piece.tag}>")
    return "\n\n".join([*parts, text])


def note(pieces: Sequence[Piece]) -> str:
    """What is said under the answer of the pieces that were sent; empty without any."""
    if not pieces:
        return ""
    size = sum(len(piece.text) for piece in pieces)
    tokens = estimate([{"content": piece.text} for piece in pieces])
    hidden = sum(piece.hidden for piece in pieces)
    secrets = f"; {hidden} secret{'s' * (hidden != 1)} left out" if hidden else ""
    what = ", ".join(piece.told for piece in pieces)
    return f"sent {what}: {size:,} characters, about {tokens:,} tokens{secrets}"


class Hiding:
    """Takes secrets out of what is cut afterwards, and counts them.

    A key that is cut in its middle is none any more that could be told from other text.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self.count = 0
        self._scrub = Scrubber(known)

    def text(self, text: str) -> str:
        """The text without secrets."""
        self.count += len(self._scrub.spans(text))
        return self._scrub.text(text)


def known_secrets() -> list[str]:
    """Keys that this kernel uses or finds in its environment; they need not look like keys."""
    from groqnb.session import session
    from groqnb.wolfram import wolfram_key

    found = [wolfram_key()]
    with suppress(GroqnbError):
        key = session.target.key
        found.append(None if key is None else key.key.reveal())
    return [*secrets_of_environment(), *(each for each in found if each)]


def without_secrets(pieces: Iterable[Piece]) -> list[Piece]:
    """The pieces without keys and tokens: by their form, and by those that are known."""
    scrub = Scrubber(known_secrets())
    return [
        replace(
            piece, text=scrub.text(piece.text), hidden=piece.hidden + len(scrub.spans(piece.text))
        )
        for piece in pieces
    ]


def cut_middle(text: str, most: int) -> str:
    """`text`, or its beginning and its end, with how much is left out between them.

    ```python
    >>> cut_middle("abcdefghij", 6)
    'abcd\\n… 4 characters are left out …\\nij'

    ```
    """
    left = len(text) - most
    if left <= 0:
        return text
    tail = most // 3
    head = most - tail
    return f"{text[:head]}\n… {left:,} characters are left out …\n{text[len(text) - tail :]}"


def printed(text: str) -> str:
    """What a terminal would show of `text`: no colours, and of a rewritten line its last state."""
    lines = _COLOURS.sub("", text).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines).strip("\n")
