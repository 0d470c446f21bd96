"""`%groq replay`: the record of a notebook, switched on and off; and `--replay` for one cell."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from groqnb.magics.failing import fail
from groqnb.magics.options import did_you_mean, near
from groqnb.magics.parser import GrammarError
from groqnb.render import tables
from groqnb.render.stream import publish
from groqnb.types.errors import GroqnbError, ParameterError
from groqnb.wire import tap

if TYPE_CHECKING:
    from groqnb.magics.parser import Command
    from groqnb.record.replaying import Replay
    from groqnb.record.tape import Mode

__all__ = ["WORDS", "for_cell", "is_on", "replay", "state"]

_MODES: dict[str, Mode] = {"on": "auto", "strict": "strict", "record": "record"}
WORDS = [*_MODES, "off", "status"]
_SAID = {
    "auto": "known requests are answered from it, others are made and kept",
    "strict": "known requests are answered from it, others fail",
    "record": "every request is made anew and kept",
}


def is_on() -> bool:
    """True while a record is on."""
    return tap.current is not None


def for_cell(wanted: bool) -> AbstractContextManager[object]:
    """The notebook's record for the length of a cell, where it is `wanted` and none is on.

    Raises GrammarError, and GroqnbError for a file that cannot be read.
    """
    if not wanted or is_on():
        return nullcontext()
    return _switched_on("", "auto")


def replay(shell: Any, command: Command) -> None:
    """Carry out `%groq replay`. Raises GrammarError."""
    word, _, path = command.argument.strip().partition(" ")
    word = word or "status"
    if word not in WORDS:
        raise GrammarError(
            f"%groq replay {word}: it is {', '.join(WORDS)}.{did_you_mean(near(word, WORDS))}"
        )
    path = path.strip().strip("\"'")
    if path and word not in _MODES:
        raise GrammarError(f"%groq replay {word} takes nothing after it")
    if word == "status":
        publish(shell, _status())
    elif word == "off":
        _off(shell)
    else:
        _on(shell, _MODES[word], path)


def _on(shell: Any, mode: Mode, path: str) -> None:
    from groqnb.record.replaying import current_tape

    before = current_tape()
    try:
        on = _switched_on(path, mode)
    except GroqnbError as error:
        fail(error)
    if before is not None:
        before.close()
    # The number of answers in it is not said: the next run would say another.
    publish(shell, tables.notice(f"The record {on.path.name} is on: {_SAID[mode]}."))


def _switched_on(path: str, mode: Mode) -> Replay:
    from groqnb.record.replaying import replay as switch_on

    try:
        return switch_on(path or None, mode)
    except ParameterError as error:
        # Its hint is for Python.
        raise GrammarError(f"{error.message} Write %groq replay on FILE") from None


def _off(shell: Any) -> None:
    from groqnb.record.replaying import switch_off

    tape = switch_off()
    text = "No record was on." if tape is None else f"The record {tape.name} is off."
    publish(shell, tables.notice(text))


def state() -> str | None:
    """The record that is on, in a few words; None without one."""
    from groqnb.record.replaying import current_tape

    tape = current_tape()
    return None if tape is None else f"{tape.name} is on ({tape.mode}): {_SAID[tape.mode]}"


def _status() -> dict[str, str]:
    from groqnb.record.replaying import current_tape

    tape = current_tape()
    if tape is None:
        return tables.notice("No record is on. %groq replay on keeps answers in a file.")
    held = "1 exchange" if tape.size == 1 else f"{tape.size} exchanges"
    pairs = [
        ("record", tape.name),
        ("mode", f"{tape.mode}: {_SAID[tape.mode]}"),
        ("holds", f"{held}, {tape.unused} not asked for since it is on"),
        ("since it is on", f"{tape.replayed} replayed, {tape.added} added"),
    ]
    return tables.facts(pairs)
