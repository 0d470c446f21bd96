"""A question with its parameters as code that runs as it is: a `%%groq` cell, or Python."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pprint import pformat
from typing import Any

from groqnb.magics.parser import GrammarError, parse_cell

__all__ = ["as_magic", "as_python"]

_WIDTH = 88


def as_magic(
    *,
    model: str,
    prompt: str,
    system: str | None = None,
    params: Mapping[str, Any] | None = None,
    images: Sequence[str] = (),
) -> str | None:
    """The question as a `%%groq` cell; None where its options fit into no line.

    `images` are paths and addresses.

    ```python
    >>> print(as_magic(model="m", prompt="Why?", params={"temperature": 0.5}))
    %%groq -m m -p temperature=0.5
    Why?

    ```
    """
    params = params or {}
    options = ["-m", _quoted(model)]
    if system:
        options += ["-s", _quoted(system)]
    for name, value in params.items():
        options += ["-p", f"{name}={json.dumps(value, ensure_ascii=False)}"]
    for image in images:
        options += ["--image", _quoted(image)]
    if any("{{" in text for text in (prompt, system or "", *images)):
        options.append("--raw")
    line = " ".join(options)
    # What the parser reads must be what was meant, or there is no cell.
    try:
        read = parse_cell(line)
    except GrammarError:
        return None
    same = (
        read.model == model
        and read.system == (system or None)
        and read.images == list(images)
        and {name: param.value() for name, param in read.params.items()} == dict(params)
    )
    fits = same and "\n" not in line and prompt.strip() and not line.endswith(";")
    return f"%%groq {line}\n{prompt}" if fits else None


def as_python(
    *,
    model: str,
    prompt: str,
    system: str | None = None,
    params: Mapping[str, Any] | None = None,
    images: Sequence[str] = (),
) -> str:
    """The question as Python, streamed and shown; `images` are paths and addresses.

    ```python
    >>> print(as_python(model="m", prompt="Why?"))
    import groqnb
    <BLANKLINE>
    client = groqnb.Groq()
    stream = client.chat.completions.create(
        model='m',
        messages=[{'role': 'user', 'content': 'Why?'}],
        stream=True,
        stream_options={'include_usage': True},
    )
    answer = groqnb.show(stream)

    ```
    """
    lines = ["import groqnb"]
    content = _literal(prompt, 8)
    if images:
        lines.append("from groqnb.images import to_parts")
        content = f"[{{'type': 'text', 'text': {content}}}, *to_parts({_arguments(images)})]"
    messages = [f"{{'role': 'user', 'content': {content}}}"]
    if system:
        messages.insert(0, f"{{'role': 'system', 'content': {_literal(system, 8)}}}")
    said = f"[{messages[0]}]"
    if len(messages) > 1 or len(said) > _WIDTH:
        said = "[\n" + "".join(f"        {message},\n" for message in messages) + "    ]"
    arguments = {
        "model": repr(model),
        "messages": said,
        **{name: _literal(value, 4) for name, value in (params or {}).items()},
        "stream": "True",
        "stream_options": "{'include_usage': True}",
    }
    lines += [
        "",
        "client = groqnb.Groq()",
        "stream = client.chat.completions.create(",
        *(f"    {name}={value}," for name, value in arguments.items()),
        ")",
        "answer = groqnb.show(stream)",
    ]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """`text` as one word of an options line."""
    plain = text and not any(each.isspace() or each in "'\"{[" for each in text)
    if plain and not text.startswith("-"):
        return text
    for quote in ('"', "'"):
        if quote not in text:
            return f"{quote}{text}{quote}"
    return '"' + text.replace('"', '\\"') + '"'


def _arguments(images: Sequence[str]) -> str:
    return ", ".join(map(repr, images))


def _literal(value: Any, indent: int) -> str:
    text = pformat(value, width=_WIDTH - indent, sort_dicts=False)
    return text.replace("\n", "\n" + " " * indent)
