"""Texts that an answer is to rest on. Docs: API Reference, Create chat completion, `documents`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from groqnb.types.errors import ParameterError

__all__ = ["MOST", "document_text", "documents"]

MOST = 400_000
"""Characters of all documents of a question, some 100,000 tokens."""


def documents(*sources: Any) -> list[dict[str, str]]:
    """The `documents` of a chat completion, from texts and files.

    Args:
        sources: a `pathlib.Path` is a file of text in UTF-8; a str is the text itself; anything
            with a `text` (an Answer, a Transcript) is that; lists are taken apart.

    Raises ParameterError for what is no text, is empty, or is too large (400,000 characters in
    all).

    ```python
    client.chat.completions.create(
        model="llama-3.3-70b-versatile",
        messages=[{"role": "user", "content": "When is the office closed?"}],
        documents=groqnb.documents(pathlib.Path("rules.txt"), "Closed on 24 December."),
    )
    ```

    Docs: API Reference, Create chat completion, `documents`.
    """
    found: list[str] = []
    for source in sources:
        each = source if isinstance(source, (list, tuple)) else [source]
        found += [document_text(one) for one in each]
    check_size(found)
    return [{"text": text} for text in found]


def check_size(texts: Sequence[str]) -> None:
    """Raises ParameterError where the texts are too many characters."""
    size = sum(map(len, texts))
    if size > MOST:
        raise ParameterError(
            f"the documents come to {size:,} characters; at most {MOST:,} are sent",
            hint="Send the parts that matter.",
        )


def document_text(source: Any) -> str:
    """The text of one source. Raises ParameterError."""
    if isinstance(source, os.PathLike):
        return _file(Path(source))
    text = source if isinstance(source, str) else getattr(source, "text", None)
    if not isinstance(text, str):
        raise ParameterError(
            f"a {type(source).__name__} is no document",
            hint="Give a text, a pathlib.Path, or what has a text.",
        )
    if not text.strip():
        raise ParameterError("a document is empty")
    return text


def _file(path: Path) -> str:
    try:
        # A character takes at most four bytes; a larger file is not read at all.
        if path.stat().st_size > 4 * MOST:
            raise ParameterError(f"{path.name} is too large for a document")
        content = path.read_bytes()
    except OSError as error:
        raise ParameterError(f"{path.name or path} cannot be read: {error.strerror}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        what = "a PDF" if content.startswith(b"%PDF") else "no text in UTF-8"
        raise ParameterError(f"{path.name} is {what}", hint="Turn it into text first.")
    if not text.strip():
        raise ParameterError(f"{path.name} is empty")
    return text
