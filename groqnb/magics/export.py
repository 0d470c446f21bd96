"""`%groq export`: this notebook's calls as a script on the official package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groqnb.magics.options import did_you_mean, near
from groqnb.magics.words import GrammarError, words_of
from groqnb.render import tables
from groqnb.render.stream import publish
from groqnb.session import session
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    from groqnb.exporting import What
    from groqnb.magics.parser import Command

__all__ = ["WORDS", "export"]

_WHATS: dict[str, What] = {"cell": "cell", "chat": "chat", "notebook": "notebook"}
WORDS = [*_WHATS, "--openai"]


def export(shell: Any, command: Command) -> None:
    """Carry out `%groq export`. Raises GrammarError."""
    from groqnb.exporting import export as exported

    words = words_of(command.argument)
    openai = "--openai" in words
    words = [word for word in words if word != "--openai"]
    unknown = [word for word in words if word.startswith("-")]
    if unknown:
        raise GrammarError(f"%groq export {unknown[0]}: there is --openai, and no other option")
    what: What = "cell"
    if words and words[0] in _WHATS:
        what = _WHATS[words.pop(0)]
    elif len(words) > 1 or (words and "." not in words[0]):
        found = did_you_mean(near(words[0], _WHATS))
        raise GrammarError(f"%groq export {words[0]}: it is cell, chat or notebook.{found}")
    named = bool(words) and (words[0] in session.conversations or "." not in words[0])
    chat = words.pop(0) if what == "chat" and named else None
    if len(words) > 1:
        raise GrammarError(f"%groq export takes one file; these are {len(words)}: {words}")
    path = words[0] if words else None
    try:
        text = exported(what, path, chat=chat, package="openai" if openai else "groq")
    except ParameterError as error:
        raise GrammarError(str(error)) from None
    except OSError as error:
        raise GrammarError(f"{path} cannot be written: {error.strerror}") from None
    if path is None:
        print(text, end="")
    else:
        publish(shell, tables.notice(f"{path} is written, {len(text.splitlines())} lines."))
