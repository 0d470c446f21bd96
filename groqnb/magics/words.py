"""How a line of the magics falls into words.

`shlex` is no help here: it eats the backslashes of `C:\\tmp`, fails on `it's`, and splits
differently on Windows. The rules here, the same on every system:

- words are separated by white space; a quote opens only at the start of a word or of a value, and
  closes before white space, so apostrophes inside words survive;
- a backslash is a backslash, except directly before the quote that surrounds it;
- `{{expression}}` is one piece, and so is a JSON list or object that starts a value;
- one `;` at the very end of an options line is IPython's habit and is dropped.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

__all__ = ["GrammarError", "Word", "drop_semicolon", "next_word", "words_of"]


class GrammarError(ValueError):
    """The line does not follow the grammar; its text says what to write instead."""


@dataclass(frozen=True)
class Word:
    """A word of a line, and where it ends."""

    raw: str  # as written
    text: str  # without its quotes
    end: int

    @property
    def is_option(self) -> bool:
        """-x and --long are; -5, a lone dash and quoted words are not."""
        return re.match(r"--?[A-Za-z]", self.raw) is not None

    @property
    def name(self) -> str:
        """Without what stands behind its `=`."""
        return self.raw.partition("=")[0]


# What may stand before a quote or a JSON value inside one word: --system="…", -p=stop=["…"].
_PREFIX = re.compile(r"(?:--?[A-Za-z][\w-]*=)?(?:[A-Za-z_][\w.-]*=)?")


def next_word(line: str, position: int) -> Word | None:
    """The word at `position` or after it, None at the end. Raises GrammarError."""
    while position < len(line) and line[position].isspace():
        position += 1
    if position == len(line):
        return None
    prefix = _PREFIX.match(line, position)
    begin = prefix.end() if prefix else position
    text, end = _read_value(line, begin)
    return Word(line[position:end], line[position:begin] + text, end)


def words_of(line: str) -> list[str]:
    """All words of a line, without their quotes. Raises GrammarError.

    ```python
    >>> words_of("export 'my trip' trip.md")
    ['export', 'my trip', 'trip.md']

    ```
    """
    found, position = [], 0
    while (word := next_word(line, position)) is not None:
        found.append(word.text)
        position = word.end
    return found


def _read_value(line: str, begin: int) -> tuple[str, int]:
    first = line[begin : begin + 1]
    if first in ("'", '"') and (quoted := _read_quoted(line, begin)) is not None:
        return quoted
    if first == '"':
        raise GrammarError(f"the quote at `{line[begin : begin + 24].strip()}…` is never closed")
    if first in ("{", "[") and not line.startswith("{{", begin):
        try:
            end = json.JSONDecoder().raw_decode(line, begin)[1]
        except ValueError:
            end = begin  # not JSON: an ordinary word
        if end > begin and (end == len(line) or line[end].isspace()):
            return line[begin:end], end
    end = begin
    while end < len(line) and not line[end].isspace():
        closing = line.find("}}", end) if line.startswith("{{", end) else -1
        end = closing + 2 if closing >= 0 else end + 1
    return line[begin:end], end


def _read_quoted(line: str, begin: int) -> tuple[str, int] | None:
    """The text of the quoted value at `begin` and its end; None when nothing closes it."""
    quote, escaped, position = line[begin], None, begin
    while (position := line.find(quote, position + 1)) >= 0:
        if position + 1 < len(line) and not line[position + 1].isspace():
            continue
        if line[position - 1] != "\\":
            return line[begin + 1 : position].replace("\\" + quote, quote), position + 1
        escaped = position if escaped is None else escaped
    # "C:\tmp\" with no later quote: the backslash belongs to the path.
    return (line[begin + 1 : escaped], escaped + 1) if escaped is not None else None


def drop_semicolon(line: str) -> str:
    """`line` without one `;` at its very end."""
    stripped = line.rstrip()
    return stripped[:-1] if stripped.endswith(";") and not stripped.endswith("=;") else line
