"""`%groq chat`: the conversations that `-c` holds in this kernel."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groqnb.context import known_secrets
from groqnb.conversation import Conversation, estimate
from groqnb.magics.images import said
from groqnb.magics.options import did_you_mean, near
from groqnb.magics.words import GrammarError, words_of
from groqnb.record.scrub import Scrubber
from groqnb.render import tables
from groqnb.render.data import cut
from groqnb.render.stream import publish
from groqnb.session import session

if TYPE_CHECKING:
    from groqnb.magics.parser import Command

__all__ = ["WORDS", "chat"]

WORDS = ["show", "forget", "export"]
_ENDINGS = (".md", ".json")
_LAST = 60  # characters of a conversation's last question in the list
_LONGEST = 4_000  # characters of a message that is shown
_WHO = {"system": "System", "user": "You", "assistant": "Assistant", "tool": "Tool"}


def chat(shell: Any, command: Command) -> None:
    """List the conversations; or show, forget or export one. Raises GrammarError."""
    words = words_of(command.argument)
    if not words:
        publish(shell, _listed())
        return
    word = words.pop(0) if words[0] in WORDS else ""
    if not word and (len(words) > 1 or words[0] not in session.conversations):
        found = did_you_mean(near(words[0], [*WORDS, *session.conversations]))
        raise GrammarError(f"%groq chat {words[0]}: it is {', '.join(WORDS)}.{found}")
    if word == "export":
        _export(shell, words)
        return
    if len(words) > 1:
        raise GrammarError(f"write %groq chat {word} NAME")
    found_chat = _named(words[0] if words else None, word or "show")
    if word == "forget":
        del session.conversations[found_chat.name]
        publish(shell, tables.notice(f"{found_chat.name} is forgotten: -c begins it anew."))
    else:
        publish(shell, _shown(found_chat))


def _named(name: str | None, word: str) -> Conversation:
    known = session.conversations
    if not known:
        raise GrammarError("there is no conversation yet: %%groq -c NAME begins one")
    if name is None:
        if len(known) == 1:
            return next(iter(known.values()))
        raise GrammarError(f"which? write %groq chat {word} NAME; there are {', '.join(known)}")
    if name not in known:
        found = did_you_mean(near(name, known)) or f" There is {', '.join(known)}."
        raise GrammarError(f"there is no conversation {name!r}.{found}")
    return known[name]


def _listed() -> tables.Bundle:
    if not session.conversations:
        return tables.notice("There is no conversation yet: %%groq -c NAME begins one.")
    rows = [
        [name, str(each.turns), f"{estimate(list(each.messages)):,}", _last_question(each)]
        for name, each in session.conversations.items()
    ]
    head = ["conversation", "turns", "tokens, about", "last question"]
    note = "%groq chat show NAME shows one; also: forget NAME, export NAME FILE.md or FILE.json."
    return tables.listing(head, rows, numbers=[1, 2], note=note)


def _last_question(of: Conversation) -> str:
    asked = [said(each) for each in of.messages if each["role"] == "user"]
    # What the notebook sent along stands before the question.
    line = " ".join(asked[-1].split()) if asked else ""
    return line if len(line) <= _LAST else f"…{line[-_LAST:]}"


def _shown(of: Conversation) -> tables.Bundle:
    messages = [(_role(each), cut(_text(each), _LONGEST)) for each in of.messages]
    facts = [
        ("conversation", of.name),
        ("turns", str(of.turns)),
        ("tokens", f"about {estimate(list(of.messages)):,} go along with the next question"),
    ]
    return tables.messages(messages, facts)


def _role(message: Mapping[str, Any]) -> str:
    return str(message.get("role", ""))


def _text(message: Mapping[str, Any]) -> str:
    return said(message) if message.get("content") is not None else ""


def _export(shell: Any, words: list[str]) -> None:
    """Write a conversation as Markdown or JSON; without a file, print it as Markdown."""
    named = bool(words) and not words[0].lower().endswith(_ENDINGS)
    of = _named(words.pop(0) if named else None, "export")
    if len(words) > 1:
        raise GrammarError("write %groq chat export NAME FILE.md, or FILE.json")
    path = Path(os.path.expanduser(words[0])) if words else None
    if path is not None and path.suffix.lower() not in _ENDINGS:
        raise GrammarError(
            f"{path.name}: a conversation is written as .md or .json; as a script by "
            f"%groq export chat {of.name} FILE.py"
        )
    scrub = Scrubber(known_secrets())
    if path is not None and path.suffix.lower() == ".json":
        text = json.dumps(scrub.value(of.messages), indent=2, ensure_ascii=False) + "\n"
    else:
        parts = [
            f"## {_WHO.get(_role(m), _role(m))}\n\n{scrub.text(_text(m))}" for m in of.messages
        ]
        text = "\n\n".join(parts) + "\n"
    if path is None:
        print(text, end="")
        return
    try:
        # "x": what is there already may be somebody's work.
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise GrammarError(f"{path} is there already: name another file") from None
    except OSError as error:
        raise GrammarError(f"{path} cannot be written: {error.strerror}") from None
    publish(shell, tables.notice(f"{path} is written, {of.turns} turns."))
