"""`groqnb.export`: the calls of a notebook as a plain script on the official package."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from groqnb.exporting.code import Package, Script, beside, blocks, is_exported
from groqnb.exporting.shown import shown, turn
from groqnb.exporting.text import Expr, literal
from groqnb.ledger.watch import watch
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    from groqnb.conversation import Conversation
    from groqnb.ledger.recent import Kept

__all__ = ["What", "export"]

What = Literal["cell", "chat", "notebook"]

_MARK = '"""Exported by groqnb'


def export(
    what: What = "cell",
    path: str | os.PathLike[str] | None = None,
    *,
    chat: str | None = None,
    package: Package = "groq",
) -> str:
    """The calls of this notebook as a script that runs without groqnb.

    The script makes the same requests with the official package: prompts, images, tools, schemas
    and every parameter are in it, and it prints the answers. It holds no key: it takes that, and
    whatever else looked like a secret, from the environment. What is exported was kept in this
    kernel's memory: the last 200 calls that were answered, up to some 64 MB.

    Args:
        what: "cell" for the calls of the cell that asked last, "chat" for a conversation, turn by
            turn, "notebook" for all calls since the kernel started, in their order.
        path: the script's file; images and recordings that were sent are put beside it. Without
            one the script is only returned. A file that is no exported script is not replaced.
        chat: the conversation's name; by default the only one there is.
        package: "groq" or "openai", which the script uses.

    Returns the script's source. Raises ParameterError where there is nothing to export, and
    OSError for a file that cannot be written.

    ```python
    print(groqnb.export())
    groqnb.export("notebook", "answers.py")
    ```
    """
    for name, value, allowed in (
        ("what", what, get_args(What)),
        ("package", package, get_args(Package)),
    ):
        if value not in allowed:
            raise ParameterError(f"{name} is {value!r}.", hint=f"It is {' or '.join(allowed)}.")
    place = None if path is None else _place(path)
    script = Script(package, None if place is None else place.stem)
    if what == "chat":
        _add_chat(script, _conversation(chat))
    else:
        if chat is not None:
            raise ParameterError("chat= goes with what='chat'.")
        _add_calls(script, _chosen(what))
    text = script.text()
    if place is not None:
        beside(place, script.files)
        place.write_text(text, encoding="utf-8")
    return text


def _place(path: str | os.PathLike[str]) -> Path:
    place = Path(os.path.expanduser(path))
    if not place.suffix:
        place = place.with_suffix(".py")
    if place.is_dir():
        raise ParameterError(f"{place} is a folder.", hint="Name a file in it.")
    if place.exists() and not place.read_text("utf-8", errors="replace").startswith(_MARK):
        raise ParameterError(
            f"{place} is there already, and no script that was exported.", hint="Name another file."
        )
    return place


def _chosen(what: What) -> list[Kept]:
    calls = watch.recent.calls()
    if what == "cell":
        last = next((kept.cell for kept in reversed(calls) if is_exported(kept.call)), None)
        calls = [kept for kept in calls if kept.cell == last]
    if not any(is_exported(kept.call) for kept in calls):
        raise ParameterError(
            "There is nothing to export: no cell of this kernel was answered yet.",
            hint="Calls outside a notebook are a script already.",
        )
    return calls


def _add_calls(script: Script, calls: list[Kept]) -> None:
    package = script.package
    _say_who_answered(script, calls)
    left_out: Counter[str] = Counter()
    for cell, made in blocks(calls):
        mine = [kept for kept in made if is_exported(kept.call)]
        left_out.update(
            f"{kept.call.method} {kept.call.path}" for kept in made if not is_exported(kept.call)
        )
        if mine:
            script.say(f"Cell {cell}")
        for kept in mine:
            name, body = script.ask(kept)
            script.add(*shown(package, kept.call.path, name, body))
    if left_out:
        listed = ", ".join(f"{what} ({count}x)" for what, count in left_out.items())
        script.say(f"Left out, since they only look: {listed}")


def _say_who_answered(script: Script, calls: list[Kept]) -> None:
    if any(kept.target == "local" for kept in calls):
        script.say("In the notebook the local engine answered. To ask it again: groqnb serve")
        script.add("# prints what to set GROQ_BASE_URL (without /openai/v1) and GROQ_API_KEY to.")


def _conversation(name: str | None) -> Conversation:
    from groqnb.session import session

    known = session.conversations
    if name is None and len(known) == 1:
        return next(iter(known.values()))
    if name is None or name not in known:
        there = ", ".join(map(repr, known))
        told = f"There is no conversation {name!r}." if name else "Which conversation?"
        hint = f"There is {there}." if known else "%%groq -c NAME begins one."
        raise ParameterError(told, hint=hint)
    return known[name]


def _add_chat(script: Script, chat: Conversation) -> None:
    """The conversation turn by turn: each answer becomes part of the next question."""
    turns = _turns(chat)
    _say_who_answered(script, [kept for kept, _, _ in turns])
    script.add("")
    opening = script.clean({"messages": turns[0][1][:-1]})["messages"]
    script.add(f"messages = {literal(opening)}")
    for number, (kept, messages, begun) in enumerate(turns, 1):
        question = script.clean({"messages": messages[-1:]})["messages"][0]
        script.say(f"Turn {number}")
        script.add(f"messages.append({literal(question)})")
        if begun is not None:
            script.add(f"begun = {literal(script.clean({'messages': [begun]})['messages'][0])}")
        sent = Expr("messages" if begun is None else "[*messages, begun]")
        script.add(*turn(*script.ask(kept, sent), begun=begun is not None))


def _turns(
    chat: Conversation,
) -> list[tuple[Kept, list[dict[str, Any]], dict[str, Any] | None]]:
    """Each turn's call, the messages up to its question, and how its answer was begun, if it was.

    An answer that was begun is one whose request ends with a message of the assistant; where the
    question was asked plainly as well, such a request went on from an answer that was cut off.
    """
    asked: dict[str, Kept] = {}
    begun: dict[str, tuple[Kept, dict[str, Any]]] = {}
    for kept in watch.recent.calls():
        if kept.call.path == "/chat/completions" and kept.call.body is not None:
            messages = list(kept.call.body.get("messages") or ())
            last = messages[-1] if messages else {}
            if last.get("role") != "assistant":
                asked[_key(messages)] = kept
                continue
            key = _key(messages[:-1])
            earlier = str(begun[key][1].get("content")) if key in begun else "\0"
            if not str(last.get("content")).startswith(earlier):
                begun[key] = (kept, last)
    turns: list[tuple[Kept, list[dict[str, Any]], dict[str, Any] | None]] = []
    for at, message in enumerate(chat.messages):
        if message["role"] == "user":
            messages = chat.messages[: at + 1]
            key = _key(messages)
            found = asked.get(key) or (turns[-1][0] if turns else None)
            if key not in asked and key in begun:
                turns.append((begun[key][0], messages, begun[key][1]))
            elif found is not None:
                turns.append((found, messages, None))
    if not turns:
        raise ParameterError(
            f"The calls of the conversation {chat.name!r} are no longer in memory.",
            hint="Ask in it once more, then export it.",
        )
    return turns


def _key(messages: Any) -> str:
    return json.dumps(messages, sort_keys=True, default=str)
