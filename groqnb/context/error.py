"""The last error of the notebook as text, with the cell that raised it."""

from __future__ import annotations

import re
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groqnb.context import Hiding, Piece, cut_middle, known_secrets, printed
from groqnb.noting import counts
from groqnb.record.scrub import secrets_of_environment
from groqnb.types.errors import ParameterError

__all__ = ["Failure", "error_piece", "failure_of"]

_SOURCE, _MESSAGE = 8_000, 3_000  # characters
_FIRST, _LAST = 4, 6  # frames of a long traceback
_MOST_CAUSES = 3
_MOST_OF_GROUP = 10
_CELL = re.compile(r"<ipython-input-|[\\/]ipykernel_\d+[\\/]")
_PLACE = re.compile(r".*[\\/](?:site|dist)-packages[\\/]|.*[\\/]lib[\\/]python3[.\d]*[\\/]", re.I)


@dataclass(frozen=True)
class Failure:
    """An error that ended a cell: the cell's source, the error's name, its traceback as text.

    `hidden` is how many secrets were taken out of the traceback.
    """

    source: str
    name: str
    text: str
    hidden: int = 0


def error_piece(shell: Any) -> Piece:
    """The last error. Raises ParameterError where there is none."""
    from groqnb.session import session

    failure: Failure | None = session.failure
    if failure is None:
        # One that was raised before groqnb was loaded.
        error = getattr(sys, "last_value", None)
        if isinstance(error, BaseException) and counts(error):
            failure = failure_of(shell, error, "")
    if failure is None:
        raise ParameterError("no cell has failed yet", hint="--err sends the last error.")
    hiding = Hiding(known_secrets())
    cell = cut_middle(hiding.text(failure.source.strip("\n")), _SOURCE)
    lines = ["The cell that failed:", cell, ""] if cell else []
    text, told = "\n".join([*lines, failure.text]), f"the last error ({failure.name})"
    return Piece("error", "", text, told, failure.hidden + hiding.count)


def failure_of(shell: Any, error: BaseException, source: str) -> Failure:
    """The error as text; `source` is that of the cell, "" where IPython is to be asked."""
    parts, cause = [], error
    # Looking for keys elsewhere would be too much for every error that there is.
    hiding = Hiding(secrets_of_environment())
    for _ in range(_MOST_CAUSES):
        parts.append(_told(shell, cause, hiding))
        following = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
        if following is None or following is error:
            break
        word = "It was raised from" if cause.__cause__ else "It was raised while handling"
        parts.append(f"{word} this:")
        cause = following
    else:
        parts.append("(more before it)")
    text = "\n".join(parts)
    return Failure(source or _source(shell, error), type(error).__name__, text, hiding.count)


def _told(shell: Any, error: BaseException, hiding: Hiding) -> str:
    frames = list(traceback.extract_tb(error.__traceback__))
    start = next((at for at, each in enumerate(frames) if _in_cell(shell, each.filename)), None)
    # Before the first cell stand IPython's own frames.
    frames = frames[start:] if start is not None else []
    first = frames[0].filename if frames else ""
    lines = [_frame(shell, each, first, hiding) for each in frames]
    left = len(lines) - _FIRST - _LAST
    if left > 0:
        lines[_FIRST:-_LAST] = [f"  … {left:,} frames are left out"]
    if first:
        lines.insert(0, "Traceback, innermost last:")
    message = hiding.text(printed(_message(shell, error)))
    return "\n".join([*lines, cut_middle(message, _MESSAGE)])


def _message(shell: Any, error: BaseException) -> str:
    """What Python says of the error; of a group's errors, each in a line."""
    message = "".join(traceback.format_exception_only(type(error), error))
    place = getattr(error, "filename", None)
    if isinstance(error, SyntaxError) and isinstance(place, str):
        # The file of a cell has a name of no meaning, and another one in every kernel.
        name = "the cell" if _in_cell(shell, place) else _short(place)
        message = message.replace(f'File "{place}"', name)
    inner = getattr(error, "exceptions", None)
    for each in inner[:_MOST_OF_GROUP] if isinstance(inner, tuple) else ():
        if isinstance(each, BaseException):
            message += "- " + traceback.format_exception_only(type(each), each)[-1]
    return message


def _frame(shell: Any, frame: traceback.FrameSummary, first: str, hiding: Hiding) -> str:
    if frame.filename == first:
        place = "the cell"
    elif _in_cell(shell, frame.filename):
        place = "another cell"
    else:
        place = _short(frame.filename)
    line = f": {hiding.text(frame.line)}" if frame.line else ""
    return f"  {place}, line {frame.lineno}, in {frame.name}{line}"[:300]


def _in_cell(shell: Any, filename: str) -> bool:
    known = getattr(getattr(shell, "compile", None), "_filename_map", {})
    return filename in known or _CELL.search(filename) is not None


def _short(filename: str) -> str:
    """A file's path without what is before the package, or the notebook's folder."""
    match = _PLACE.match(filename)
    if match is not None:
        return filename[match.end() :].replace("\\", "/")
    try:
        return Path(filename).relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError):
        return Path(filename).name


def _source(shell: Any, error: BaseException) -> str:
    """The source of the cell in which `error` was raised, as far as IPython knows it."""
    known = getattr(getattr(shell, "compile", None), "_filename_map", {})
    sources = getattr(getattr(shell, "history_manager", None), "input_hist_raw", [])
    for frame in traceback.extract_tb(error.__traceback__):
        number = known.get(frame.filename)
        if isinstance(number, int) and 0 < number < len(sources):
            return str(sources[number])
    return ""
