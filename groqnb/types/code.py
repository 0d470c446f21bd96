"""The fenced blocks of code in a text of Markdown."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Code", "code_blocks", "code_text"]

_OPEN = re.compile(r" {0,3}(`{3,}|~{3,})\s*([^\s`]*)[^`]*")
_FENCE = re.compile(r" {0,3}(`{1,}|~{1,}) *")


class Code(NamedTuple):
    """A block: its language as written, "" without one, and its lines."""

    language: str
    text: str


def code_blocks(text: str, *, complete: bool = True) -> list[Code]:
    """The fenced blocks of `text`, in order; one that is never closed goes on to the end.

    While more is to come (not `complete`), what may become the closing fence is not taken for
    code yet.

    ```python
    >>> code_blocks("So:\\n```python\\nx = 1\\n```\\nDone.")
    [Code(language='python', text='x = 1')]

    ```
    """
    found: list[Code] = []
    lines: list[str] = []
    fence = language = ""
    for line in text.split("\n"):
        if not fence:
            match = _OPEN.fullmatch(line.rstrip("\r"))
            if match:
                fence, language, lines = match[1], match[2], []
            continue
        closing = _FENCE.fullmatch(line.rstrip("\r"))
        if closing and closing[1][0] == fence[0] and len(closing[1]) >= len(fence):
            found.append(Code(language, "\n".join(lines)))
            fence = ""
        else:
            lines.append(line)
    if fence:
        if not complete and lines and (not lines[-1] or _FENCE.fullmatch(lines[-1])):
            lines.pop()
        found.append(Code(language, "\n".join(lines)))
    return found


def code_text(text: str, *, complete: bool = True) -> str:
    """The blocks alone, an empty line between them; all of a complete text without any.

    ```python
    >>> code_text("```\\na\\n```\\nand\\n```\\nb\\n```")
    'a\\n\\nb'

    ```
    """
    blocks = code_blocks(text, complete=complete)
    if not blocks:
        return text if complete else ""
    return "\n\n".join(block.text for block in blocks)
