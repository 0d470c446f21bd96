"""`--preset` in `%%groq`, and `%groq preset`: options under a name."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from groqnb import presets
from groqnb.magics.failing import fail
from groqnb.magics.parser import Ask, GrammarError, parse_cell
from groqnb.render import tables
from groqnb.render.stream import publish
from groqnb.types.errors import GroqnbError, ParameterError

if TYPE_CHECKING:
    from groqnb.magics.parser import Command

__all__ = ["WORDS", "expand", "names", "preset"]

WORDS = ("save", "delete")


def expand(asked: Ask) -> Ask:
    """The options with those of their preset; what the cell says itself counts.

    Raises GrammarError for an unknown preset, or one with mistakes.
    """
    if asked.preset is None:
        return asked
    try:
        usual = _parsed(asked.preset, presets.find(asked.preset).options)
    except GroqnbError as error:
        raise GrammarError(f"--preset: {error}") from None
    blank = Ask()
    own = {
        each.name: getattr(asked, each.name)
        for each in fields(Ask)
        if getattr(asked, each.name) != getattr(blank, each.name)
    }
    own["params"] = {**usual.params, **asked.params}
    return replace(usual, **own)


def preset(shell: Any, command: Command) -> None:
    """Carry out `%groq preset`. Raises GrammarError, and what a bad file raises."""
    word, _, rest = command.argument.strip().partition(" ")
    try:
        if word == "save":
            _save(shell, rest.strip())
        elif word == "delete":
            if not rest.strip():
                raise GrammarError("write %groq preset delete NAME")
            file = presets.delete(rest.strip())
            publish(shell, tables.notice(f"{rest.strip()} is gone from {file.name}."))
        else:
            known = presets.presets()
            shown = [presets.find(word)] if word else known.values()
            publish(shell, tables.facts(presets.told(shown)))
    except ParameterError as error:
        raise GrammarError(str(error)) from None
    except GroqnbError as error:
        fail(error)


def names() -> list[str]:
    """The names of all presets, as far as they can be read; for completion."""
    try:
        return list(presets.presets())
    except GroqnbError:
        return list(presets.BUILT_IN)


def _save(shell: Any, rest: str) -> None:
    first, _, remaining = rest.partition(" ")
    everywhere = first == "--user"
    name, _, options = (remaining.strip() if everywhere else rest).partition(" ")
    if not name or not options.strip():
        raise GrammarError(
            "write %groq preset save NAME OPTIONS, for example: "
            '%groq preset save brief -s "Answer in one sentence." -p temperature=0'
        )
    _parsed(name, options)
    file = presets.save(name, options, presets.user_file() if everywhere else None)
    publish(shell, tables.notice(f"{name} is kept in {file.name}: use it with --preset {name}."))


def _parsed(name: str, options: str) -> Ask:
    try:
        asked = parse_cell(options)
    except GrammarError as error:
        raise GrammarError(f"preset {name}: {error}") from None
    if asked.preset is not None:
        raise GrammarError(f"preset {name}: a preset cannot use another")
    return asked
