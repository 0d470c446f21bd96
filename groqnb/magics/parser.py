"""The grammar of `%%groq` and `%groq`, parsed without IPython.

How a line falls into words stands in `groqnb.magics.words`.

```python
>>> parse_cell('-m openai/gpt-oss-20b -s "be brief" -p temperature=0 -o answer').model
'openai/gpt-oss-20b'

```
"""

from __future__ import annotations

import json
import keyword
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from groqnb.magics.options import COMMANDS, OPTIONS, Option, did_you_mean, near
from groqnb.magics.params import canonical, refuse_typed_key
from groqnb.magics.words import GrammarError, Word, drop_semicolon, next_word

__all__ = [
    "Ask",
    "Command",
    "GrammarError",
    "Param",
    "json_value",
    "model_names",
    "parse_cell",
    "parse_line",
]


# These have an option of their own, or are set by the magic itself.
_RESERVED = {
    "model": "use -m MODEL",
    "messages": "the cell's body is the prompt; use -s for a system message and -c for a chat",
    "stream": "answers stream by default; --no-stream turns that off",
    "stream_options": "the magic asks for the usage itself",
}


@dataclass(frozen=True)
class Param:
    """The value of one `-p NAME=VALUE`, as written (`raw`) and without its quotes (`text`)."""

    raw: str
    text: str

    def value(self) -> Any:
        """The value: JSON (or Python's True, False, None) where it is that, else the text."""
        for source in dict.fromkeys((self.raw, self.text)):
            try:
                return json_value(source)
            except ValueError:
                continue
        return self.text


@dataclass(frozen=True)
class Ask:
    """A question: the parsed options of `%%groq`, or of `%groq ask` with its text.

    `params` are by their full names, which may have dots: see `groqnb.magics.params`.
    """

    text: str = ""
    model: str | None = None
    system: str | None = None
    out: str | None = None
    chat: str | None = None
    params: dict[str, Param] = field(default_factory=dict)
    images: list[str] = field(default_factory=list)
    audio: list[str] = field(default_factory=list)
    fig: bool = False
    kind: str | None = None
    df: list[str] = field(default_factory=list)
    cells: str | None = None
    err: bool = False
    docs: list[str] = field(default_factory=list)
    prefill: str | None = None
    tools: str | None = None
    guard: str | None = None
    preset: str | None = None
    dry_run: bool = False
    raw: bool = False
    no_stream: bool = False
    replay: bool = False
    help: bool = False


@dataclass(frozen=True)
class Command:
    """A command of `%groq`: its name ("state" for a bare `%groq`) and the rest of the line.

    `names` are what {{ }} in it may use.
    """

    name: str
    argument: str = ""
    names: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


def json_value(text: str) -> Any:
    """`text` as JSON, with Python's spelling of true, false and null.

    Raises ValueError when it is neither.
    """
    spelled = {"True": True, "False": False, "None": None}
    if text in spelled:
        return spelled[text]

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def model_names(text: str) -> list[str]:
    """The models that `-m a,b,c` names, each once.

    ```python
    >>> model_names("llama-3.1-8b-instant, qwen/qwen3-32b,")
    ['llama-3.1-8b-instant', 'qwen/qwen3-32b']

    ```
    """
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


_BY_NAME = {name: option for option in OPTIONS for name in option.names}


class _Options:
    """Collects options into the fields of an Ask."""

    def __init__(self, line: str, *, free_text: bool) -> None:
        self.line = line
        self.free_text = free_text  # text follows the options: an optional value needs its `=`
        self.fields: dict[str, Any] = {"params": {}}

    def take(self, word: Word) -> int:
        """Take the option at `word` and its value; the position after them."""
        option = _BY_NAME.get(word.name)
        if option is None:
            raise GrammarError(
                f"unknown option {word.name}.{did_you_mean(near(word.name, _BY_NAME))}"
                + (" (Text that starts with a dash: ask -- TEXT)" if self.free_text else "")
            )
        if option.field in self.fields and not option.repeat:
            raise GrammarError(f"{'/'.join(option.names)} is given twice")
        cut = len(word.name) + 1
        value = Param(word.raw[cut:], word.text[cut:]) if "=" in word.raw else None
        end = word.end
        if option.value is None:
            if value is not None:
                raise GrammarError(f"{word.name} takes no value")
            self.fields[option.field] = True
            return end
        if value is None and not (option.optional and self.free_text):
            following = next_word(self.line, end)
            stops = following is None or (
                following.is_option and (option.optional or following.name in _BY_NAME)
            )
            if following is not None and not stops:
                value, end = Param(following.raw, following.text), following.end
        if value is None and option.optional:
            value = Param("default", "default")
        if value is None or not value.text.strip():
            raise GrammarError(f"{word.name} needs a value: {word.name} {option.value}")
        if option.repeat and option.field != "params":
            self.fields.setdefault(option.field, []).append(value.text)
        elif option.repeat:
            self._add_param(word.name, value)
        else:
            self.fields[option.field] = _checked(option, word.name, value.text)
        return end

    def _add_param(self, option: str, pair: Param) -> None:
        written, sign, text = pair.text.partition("=")
        name = canonical(written) if sign else None
        if name is None:
            raise GrammarError(f"{option} needs NAME=VALUE, for example {option} temperature=0")
        root = name.partition(".")[0]
        if root in _RESERVED:
            raise GrammarError(f"{option} {written}=… is not for parameters: {_RESERVED[root]}")
        if name in self.fields["params"]:
            raise GrammarError(f"{option} {written}=… is given twice")
        # Quotes around the whole pair are gone from its text, and are no part of its value.
        inside = pair.raw.startswith(f"{written}=")
        value = Param(pair.raw[len(written) + 1 :] if inside else text, text)
        refuse_typed_key(name, value)
        self.fields["params"][name] = value


def _checked(option: Option, name: str, text: str) -> str:
    if option.field == "out" and (not text.isidentifier() or keyword.iskeyword(text)):
        raise GrammarError(f"{name} needs the name of a variable; {text!r} is none")
    if option.field == "model" and not text.strip(", "):
        raise GrammarError(f"{name} needs a model, or several: {name} MODEL,MODEL")
    return text


def parse_cell(line: str) -> Ask:
    """The options after `%%groq`. Raises GrammarError.

    ```python
    >>> parse_cell("-p temperature=0").params["temperature"].value()
    0

    ```
    """
    line = drop_semicolon(line)
    options, position = _Options(line, free_text=False), 0
    while (word := next_word(line, position)) is not None:
        if not word.is_option:
            if position == 0 and word.raw in [spec.name for spec in COMMANDS]:
                raise GrammarError(
                    f"`{word.raw}` is a command of the line magic: write %groq {word.raw}"
                )
            raise GrammarError(
                f"unexpected {word.raw!r}: the prompt goes below the first line, "
                "and values with spaces need quotes"
            )
        position = options.take(word)
    return Ask(**options.fields)


def _parse_ask(rest: str) -> Ask:
    options, position = _Options(rest, free_text=True), 0
    while rest[position:].lstrip().startswith("-"):
        word = next_word(rest, position)
        if word is None or not (word.is_option or word.raw == "--"):
            break
        position = word.end if word.raw == "--" else options.take(word)
        if word.raw == "--":
            break
    return Ask(text=rest[position:].strip(), **options.fields)


def parse_line(line: str) -> Ask | Command:
    """What stands after `%groq`: a question (`ask`), or a command. Raises GrammarError.

    ```python
    >>> parse_line("use local")
    Command(name='use', argument='local')
    >>> parse_line("ask it's a C: drive; isn't it?").text
    "it's a C: drive; isn't it?"

    ```
    """
    name, rest = [*line.split(None, 1), "", ""][:2]
    rest = rest.strip()
    if name == "ask":
        ask = _parse_ask(rest)
        if not ask.text and not ask.help:
            raise GrammarError("nothing to ask: write %groq ask TEXT")
        return ask
    name, rest = drop_semicolon(name).strip(), drop_semicolon(rest).strip()
    if not name:
        return Command("state")
    if name in ("-h", "--help") or rest == "--help":
        return Command("help")
    spec = next((spec for spec in COMMANDS if spec.name == name), None)
    if spec is None:
        if name.partition("=")[0] in _BY_NAME:
            raise GrammarError(f"{name} belongs to a question: %groq ask {name} … TEXT, or %%groq")
        found = did_you_mean(near(name, [known.name for known in COMMANDS]))
        raise GrammarError(f"unknown command {name!r}.{found} To ask something: %groq ask TEXT")
    word = None if spec.in_words else next_word(rest, 0)
    argument = word.text if word is not None and word.end == len(rest) else rest
    if spec.required and not argument:
        raise GrammarError(f"write %groq {spec.name} {spec.argument}")
    if argument and not spec.argument:
        raise GrammarError(f"%groq {spec.name} takes nothing after it")
    return Command(name, argument)
