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
    """Take a displayed formula that starts a line: to its closing, a blank line, or the end.

    That it is one is settled by its first line, so that text which grows never loses a block.
    """
    if state.is_code_block(start):
        return False
    first = _line(state, start)
    closing = _CLOSING.get(first[:2])
    if closing is None or closing == "\\)":
        return False
    line = start + 1
    if closing in first[2:]:
        if not first.rstrip().endswith(closing) or first.count(closing, 2) > 1:
            return False  # a formula inside a line of text
    else:
        while line < end and not state.isEmpty(line) and state.sCount[line] >= state.blkIndent:
            line += 1
            if closing in _line(state, line - 1):
                break
    if silent:
        return True
    state.line = line
    token = state.push("math", "", 0)
    token.block = True
    token.content = "\n".join(_line(state, number) for number in range(start, line))
    token.map = [start, line]
    return True


def _line(state: StateBlock, number: int) -> str:
    begin = state.bMarks[number] + state.tShift[number]
    return state.src[begin : state.eMarks[number]]
