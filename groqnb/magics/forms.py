"""`--as md|text|code|cell` in `%%groq`: the answer as Markdown, as it is, or its code alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groqnb.types.code import code_blocks

if TYPE_CHECKING:
    from groqnb.types.answer import Answer

__all__ = ["FORMS", "put_into_cell"]

#: What may follow --as, and the form of the Answer.
FORMS = {"md": "md", "text": "text", "code": "code", "cell": "code"}
_PYTHON = {"", "py", "python", "python3", "ipython"}


def put_into_cell(shell: Any, answer: Answer) -> None:
    """Put the answer's Python into a new cell below, to be read and run by the user."""
    blocks = code_blocks(answer.whole)
    mine = [block.text for block in blocks if block.language.lower() in _PYTHON]
    text = "\n\n".join(mine) if mine else answer.text
    if text.strip():
        shell.set_next_input(text, replace=False)
