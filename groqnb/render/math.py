"""Two rules for markdown-it: formulas stay as they were written, for the notebook to typeset.

`$…$` and `\\(…\\)` inside a line, `$$…$$` and `\\[…\\]` on their own. A single `$` opens a formula
only before a character that is not white space, and closes it only after one and not before a
digit, so "from $5 to $10" stays money.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline

__all__ = ["math_block", "math_inline"]

_CLOSING = {"$$": "$$", "\\[": "\\]", "\\(": "\\)"}


def math_inline(state: StateInline, silent: bool) -> bool:
    """Take a formula at the current position of a line of text."""
    source, start = state.src, state.pos
    opening = source[start : start + 2]
    closing = _CLOSING.get(opening)
    if closing is not None:
        end = source.find(closing, start + 2, state.posMax)
        if end <= start + 2:
            return False
        end += 2
    elif opening.startswith("$"):
        end = _dollar_end(source, start, state.posMax)
        if end < 0:
            return False
    else:
        return False
    if not silent:
        token = state.push("math", "", 0)
        token.content = source[start:end]
    state.pos = end
    return True


def _dollar_end(source: str, start: int, most: int) -> int:
    """Where the formula that opens with one `$` at `start` ends; -1 when it is none."""
    if start + 1 >= most or source[start + 1].isspace():
        return -1
    position = start + 1
    while (position := source.find("$", position, most)) >= 0:
        before, after = source[position - 1], source[position + 1 : position + 2]
        if before != "\\":
            closes = position > start + 1 and not before.isspace() and not after.isdigit()
            return position + 1 if closes else -1
        position += 1
    return -1


def math_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Take a displayed formula that starts a line, up to its closing or the end of the text.

    A blank line before the closing, which TeX forbids, means that it is none.
    """
    if state.is_code_block(start):
        return False
    first = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    closing = _CLOSING.get(first[:2])
    if closing is None or closing == "\\)":
        return False
    lines = [first]
    line = start
    if closing in first[2:]:
        if not first.rstrip().endswith(closing) or first.count(closing, 2) > 1:
            return False
    else:
        while True:
            line += 1
            if line >= end:
                break
            if state.isEmpty(line) or state.sCount[line] < state.blkIndent:
                return False
            text = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]
            lines.append(text)
            if closing in text:
                if not text.rstrip().endswith(closing):
                    return False
                break
    if silent:
        return True
    state.line = min(line + 1, end)
    token = state.push("math", "", 0)
    token.block = True
    token.content = "\n".join(lines)
    token.map = [start, state.line]
    return True
