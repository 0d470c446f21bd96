"""`--doc` in `%%groq`: texts that the answer is to rest on."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from groqnb.context import Piece, without_secrets
from groqnb.magics.options import did_you_mean, near
from groqnb.magics.sources import files, named
from groqnb.magics.words import GrammarError
from groqnb.types.errors import ParameterError

__all__ = ["candidates", "read"]

_ENDINGS = (".txt", ".md", ".rst", ".csv", ".tsv", ".json", ".jsonl", ".html", ".xml", ".py")


def read(given: list[str], names: Mapping[str, Any], value_of: Callable[[str], Any]) -> list[Piece]:
    """The documents that `--doc` names, without secrets. Raises GrammarError."""
    from groqnb.grounding import check_size, document_text

    found: list[Piece] = []
    try:
        for text in given:
            source = _source(text, value_of(text), names)
            label = source.name if isinstance(source, Path) else text.strip()
            several = isinstance(source, (list, tuple))
            for number, one in enumerate(source if several else [source], 1):
                name = f"{label}[{number - 1}]" if several else label
                found.append(Piece("document", name, document_text(one), f"document {name}"[:80]))
        check_size([piece.text for piece in found])
    except ParameterError as error:
        hint = f" {error.hint}" if error.hint else ""
        raise GrammarError(f"--doc: {error.message.rstrip('.')}.{hint}") from None
    return without_secrets(found)


def _source(written: str, given: Any, names: Mapping[str, Any]) -> Any:
    """A variable's value, else a file; a variable that holds a text is that text.

    So is an expression that gives one, unless there is a file of that name.
    """
    if not isinstance(given, str):
        return given
    text, option = given.strip(), written.strip()
    whole = option.startswith("{{") and option.endswith("}}") and option.count("{{") == 1
    value = named(text, names)
    if value is not None:
        return value
    path = Path(os.path.expanduser(text))
    try:
        if path.is_file():
            return path
    except (OSError, ValueError):
        pass
    if whole and given != written:
        return given
    raise ParameterError(
        f"there is no variable and no file {text!r}",
        hint=did_you_mean(near(text, candidates(names))).strip(),
    )


def candidates(names: Mapping[str, Any]) -> list[str]:
    """What may follow `--doc`: variables that hold texts, and files of text of this folder."""
    found = [
        name
        for name, value in names.items()
        if not name.startswith("_") and isinstance(value, str) and len(value) > 40
    ]
    return [*sorted(found), *files(_ENDINGS)]
