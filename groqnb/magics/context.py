"""Context in `%%groq`, only where it is asked for: `--df`, `--cells`, `--err`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from groqnb.context import MOST, Piece, without_secrets
from groqnb.magics.options import did_you_mean, near
from groqnb.magics.sources import named
from groqnb.magics.words import GrammarError
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    from groqnb.magics.parser import Ask

__all__ = ["candidates", "read"]


def read(
    shell: Any, asked: Ask, names: Mapping[str, Any], value_of: Callable[[str], Any]
) -> list[Piece]:
    """What `asked` sends along of the notebook, without secrets. Raises GrammarError.

    `value_of` fills in {{ }}.
    """
    pieces: list[Piece] = []
    option = ""
    try:
        for text in asked.df:
            option = "--df"
            pieces.append(_table(text, value_of(text), names))
        if asked.cells is not None:
            from groqnb.context.cells import cells_piece

            option = "--cells"
            pieces.append(cells_piece(shell, str(value_of(asked.cells))))
        if asked.err:
            from groqnb.context.error import error_piece

            option = "--err"
            pieces.append(error_piece(shell))
    except ParameterError as error:
        hint = f" {error.hint}" if error.hint else ""
        raise GrammarError(f"{option}: {error.message}.{hint}") from None
    size = sum(len(piece.text) for piece in pieces)
    if size > MOST:
        raise GrammarError(
            f"--df, --cells and --err come to {size:,} characters; at most {MOST:,} are sent"
        )
    return without_secrets(pieces) if pieces else []


def _table(text: str, given: Any, names: Mapping[str, Any]) -> Piece:
    from groqnb.context.table import table_piece

    if not isinstance(given, str):
        return table_piece(text.strip("{} ") if len(text) <= 80 else "", given)
    value = named(given.strip(), names)
    if value is None:
        raise ParameterError(
            f"there is no variable {given!r}",
            hint=did_you_mean(near(given, candidates(names))).strip(),
        )
    return table_piece(given.strip(), value)


def candidates(names: Mapping[str, Any]) -> list[str]:
    """What may follow `--df`: DataFrames and Series."""
    from groqnb.context.table import is_table

    return sorted(
        name for name, value in names.items() if not name.startswith("_") and is_table(value)
    )
