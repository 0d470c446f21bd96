"""Tab completion in `%groq` and `%%groq`: options, commands, models, chats, names inside {{ }}.

Nothing here calls a server: models come from the live list when it was fetched before, else from
the catalogue.
"""

from __future__ import annotations

import builtins
import inspect
import keyword
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from groqnb.magics.options import COMMANDS, OPTIONS

if TYPE_CHECKING:
    from IPython.core.completer import SimpleMatcherResult

__all__ = ["candidates", "complete"]

# Deprecated or refused by the API, or set by the magic: not offered.
_NOT_OFFERED = frozenset(
    {"exclude_domains", "exclude_instance_ids", "extra_body", "extra_headers", "function_call"}
    | {"functions", "include_domains", "logit_bias", "logprobs", "max_tokens", "n", "store"}
    | {"stream_options", "timeout", "top_logprobs"}
)
_BY_NAME = {name: option for option in OPTIONS for name in option.names}
# A quote at the beginning of a word or of a value that nothing closes as yet.
_OPEN_QUOTE = re.compile(r"^(?:--?[A-Za-z][\w-]*=)?(?:[A-Za-z_][\w.-]*=)?'(?:[^']*)$")
_CELL = re.compile(r"\s*%%groq(?=\s|$)")
_LINE = re.compile(r"\s*%groq(?=\s|$)")
# voice=" inside the brackets of speak( or client.audio.speech.create(, unclosed as yet.
_VOICE = re.compile(
    r"\b(?:speak|speech\.create)\((?P<before>(?:[^()]|\([^()]*\))*?)"
    r"\bvoice\s*=\s*[\"'](?P<voice>[\w-]*)$"
)
_OPEN_NAME = re.compile(r"[A-Za-z_][\w.]*$|$")


def complete(text: str, line: int, column: int) -> SimpleMatcherResult:
    """What IPython's completer wants to know of a cell with the cursor at `line`, `column`."""
    from IPython.core.completer import SimpleCompletion

    from groqnb.render.stream import current_shell

    shell = current_shell()
    fragment, found = candidates(text, line, column, getattr(shell, "user_ns", {}))
    return {
        "completions": [SimpleCompletion(text=item, type=kind) for item, kind in found],
        "matched_fragment": fragment,
        "suppress": bool(found),
        "do_not_suppress": set(),
        "ordered": True,
    }


def candidates(
    text: str, line: int, column: int, names: Mapping[str, Any]
) -> tuple[str, list[tuple[str, str]]]:
    """The fragment before the cursor, and what may stand in its place, with its kind.

    ```python
    >>> candidates("%groq us", 0, 8, {})
    ('us', [('use', 'command'), ('usage', 'command')])

    ```
    """
    lines = text.split("\n")
    before = lines[line][:column]
    in_cell = _CELL.match(text) is not None
    if in_cell or _LINE.match(before):
        until = "\n".join([*lines[:line], before]) if in_cell else before
        opened = until.rfind("{{")
        if opened > until.rfind("}}"):
            return _names(until[opened + 2 :], names)
    if not in_cell and (match := _VOICE.search("\n".join([*lines[:line], before]))):
        return _voices(match)
    if in_cell and line == 0:
        return _options(before[before.index("%%groq") + len("%%groq") :], names, free_text=False)
    if not in_cell and (match := _LINE.match(before)):
        return _line(before[match.end() :], names)
    return "", []


def _line(rest: str, names: Mapping[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    words = rest.split()
    fragment = "" if not rest or rest[-1].isspace() else words.pop()
    if not words:
        if not rest:
            return "", []
        options = ["--help"] if fragment.startswith("-") else []
        return _pick(fragment, [*(spec.name for spec in COMMANDS), *options], "command")
    command = words[0]
    if command == "ask":
        return _options(rest[rest.index("ask") + 3 :], names, free_text=True)
    if command == "use" and len(words) == 1:
        return _pick(fragment, ["local", "cloud", "http://127.0.0.1:"], "target")
    if command == "export":
        from groqnb.magics.export import WORDS

        return _pick(fragment, [word for word in WORDS if word not in words], "word")
    if command == "chat":
        from groqnb.magics.chat import WORDS
        from groqnb.session import session

        chats = list(session.conversations)
        if len(words) == 1:
            return _pick(fragment, [*WORDS, *chats], "word")
        return _pick(fragment, chats if len(words) == 2 else [], "chat")
    if command == "replay" and len(words) == 1:
        from groqnb.magics.replay import WORDS

        return _pick(fragment, WORDS, "word")
    if command == "transcribe" and len(words) == 1:
        from groqnb.magics import audio as magic_audio

        return _pick(fragment, magic_audio.candidates(names), "audio")
    if command == "preset":
        from groqnb.magics import presets as magic_presets

        if len(words) == 1:
            return _pick(fragment, [*magic_presets.WORDS, *magic_presets.names()], "preset")
        if words[1] == "delete" and len(words) == 2:
            return _pick(fragment, magic_presets.names(), "preset")
        return _options(rest[rest.index(words[1]) + len(words[1]) :], names, free_text=False)
    if command in ("models", "limits") and len(words) == 1:
        return _pick(fragment, _models(), "model")
    if command == "usage":
        from groqnb.magics.usage import KEYS, MOMENTS

        if words[-1] == "by":
            return _pick(fragment, KEYS, "column")
        return _pick(fragment, [*(MOMENTS if len(words) == 1 else ()), "by"], "word")
    if command == "budget":
        return _pick(fragment, ["off"] if len(words) == 1 else ["notional", "strict"], "word")
    return fragment, []


def _options(
    rest: str, names: Mapping[str, Any], *, free_text: bool
) -> tuple[str, list[tuple[str, str]]]:
    words = _written(rest, free_text=free_text) if rest else None
    if words is None:
        return "", []
    fragment = "" if rest[-1].isspace() else words.pop()
    name, sign, attached = fragment.partition("=")
    if sign and name.startswith("-"):
        return _values(name, attached, names, rest)
    previous = words[-1] if words else ""
    option = _BY_NAME.get(previous)
    # Before a text, a value that may be left out is written with `=`: this would be the text.
    takes = option is not None and option.value is not None and not (free_text and option.optional)
    if option is not None and takes and not fragment.startswith("-"):
        fragment, found = _values(previous, fragment, names, rest)
        if found or not option.optional:
            return fragment, found
    if free_text and not fragment.startswith("-"):
        return fragment, []
    known = [_BY_NAME[word] for word in words if word in _BY_NAME]
    given = {option.field for option in known if not option.repeat}
    left = [name for o in OPTIONS if o.field not in given for name in reversed(o.names)]
    return _pick(fragment, left, "option")


def _written(rest: str, *, free_text: bool) -> list[str] | None:
    """The words before the cursor as the magic reads them; None within a quote or a prompt."""
    from groqnb.magics.words import GrammarError, next_word

    found: list[str] = []
    position, takes = 0, False
    try:
        while (word := next_word(rest, position)) is not None:
            if free_text and not (word.is_option or takes or word.end == len(rest)):
                return None  # what was a word is the beginning of a text
            if _OPEN_QUOTE.search(word.raw):
                return None
            option = _BY_NAME.get(word.raw)
            takes = option is not None and bool(option.value)
            takes = takes and not (free_text and option is not None and option.optional)
            found.append(word.raw)
            position = word.end
    except GrammarError:
        return None
    return found


def _values(
    option: str, fragment: str, names: Mapping[str, Any], line: str
) -> tuple[str, list[tuple[str, str]]]:
    if option in ("-m", "--model"):
        *taken, fragment = fragment.split(",")
        return _pick(fragment, [name for name in _answering() if name not in taken], "model")
    if option in ("-c", "--chat"):
        from groqnb.session import session

        return _pick(fragment, list(session.conversations), "chat")
    if option == "--image":
        from groqnb.magics.images import candidates

        return _pick(fragment, candidates(names), "image")
    if option == "--preset":
        from groqnb.magics.presets import names as presets

        return _pick(fragment, presets(), "preset")
    if option == "--guard":
        return _pick(fragment, ["block", "redact", "warn"], "value")
    if option == "--audio":
        from groqnb.magics import audio as magic_audio

        return _pick(fragment, magic_audio.candidates(names), "audio")
    if option == "--as":
        from groqnb.magics import typed as magic_typed

        return _pick(fragment, magic_typed.candidates(names), "type")
    if option == "--tools":
        from groqnb.magics import tools as magic_tools

        *taken, fragment = fragment.split(",")
        left = [name for name in magic_tools.candidates(names) if name not in taken]
        return _pick(fragment, left, "function")
    if option == "--df":
        from groqnb.magics import context as magic_context

        return _pick(fragment, magic_context.candidates(names), "table")
    if option == "--doc":
        from groqnb.magics import documents as magic_documents

        return _pick(fragment, magic_documents.candidates(names), "document")
    if option in ("-p", "--param"):
        return _parameter(fragment, line)
    return fragment, []


def _parameter(fragment: str, line: str) -> tuple[str, list[tuple[str, str]]]:
    """Names of parameters; behind the `=` the values, those of the line's model."""
    from groqnb.magics.checks import choices_of
    from groqnb.magics.params import INNER, SHORT

    name, sign, value = fragment.partition("=")
    if not sign:
        from groqnb.types.chat import ChatParams

        known = sorted({*ChatParams.__annotations__} - _NOT_OFFERED | {*SHORT})
        dotted = INNER if "." in fragment else ()
        return _pick(fragment, [f"{name}=" for name in (*known, *dotted)], "param")
    if name.rpartition(".")[2] in ("answering_model", "reasoning_model"):
        return _pick(value, _answering(), "model")
    from groqnb.session import session

    named = re.findall(r"(?:^|\s)(?:-m|--model)[\s=]+([^\s,]+)", line)
    choices = choices_of(name, named[-1] if named else session.default_model)
    taken: list[str] = []
    if name.rpartition(".")[2] == "enabled_tools":
        *taken, value = value.split(",")
    return _pick(value, [word for word in choices if word not in taken], "value")


def _voices(match: re.Match[str]) -> tuple[str, list[tuple[str, str]]]:
    """The voices of the model that is named before, else of the one that speaks by default."""
    from groqnb import catalog
    from groqnb.speaking.speak import MODEL

    model = re.search(r"\bmodel\s*=\s*[\"']([^\"']+)[\"']", match["before"])
    voices = catalog.voices(model[1] if model else MODEL)
    return _pick(match["voice"], voices, "voice")


def _models() -> list[str]:
    from groqnb.session import session

    return session.known_models()


def _answering() -> list[str]:
    """Those that answer questions: no model of the catalogue that hears or speaks instead."""
    from groqnb import catalog

    found = ((name, catalog.find(name)) for name in _models())
    not_these = ("transcription", "speech")
    return [name for name, info in found if info is None or info.kind not in not_these]


def _names(expression: str, names: Mapping[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    if any(expression.count(quote) % 2 for quote in "\"'"):
        return "", []  # within a text
    match = _OPEN_NAME.search(expression)
    dotted = match.group() if match else ""
    path, _, fragment = dotted.rpartition(".")
    if not path:
        known = [*(n for n in names if not n.startswith("_")), *dir(builtins), *keyword.kwlist]
        return _pick(fragment, known if fragment else known[: -len(keyword.kwlist)], "name")
    value = names.get(path.split(".")[0])
    for part in path.split(".")[1:]:
        # Looked up without running anything: a property could be slow, or do something.
        value = inspect.getattr_static(value, part, None)
        if hasattr(type(value), "__get__"):  # a property: its value is not known
            return fragment, []
    found: list[str] = []
    if value is not None:
        with suppress(Exception):  # of the object's own `__dir__`
            found = [name for name in dir(value) if not name.startswith("_")]
    return _pick(fragment, found, "name")


def _pick(fragment: str, words: Iterable[str], kind: str) -> tuple[str, list[tuple[str, str]]]:
    """The words that start with the fragment, or for a model's id, whose bare name does."""
    low = fragment.lower()
    starts = [word for word in words if word.lower().startswith(low)]
    if kind == "model":
        rest = [word for word in words if word not in starts and low in word.lower()]
        starts += rest
    return fragment, [(word, kind) for word in dict.fromkeys(starts)]
