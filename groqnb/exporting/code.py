"""From calls to a script on the official package: what is asked, how it is asked, what is printed.

The script holds no secret: what looks like one, or is called one, is read from the environment.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic_core import to_json

from groqnb.context import known_secrets
from groqnb.exporting.known import KNOWN, METHODS
from groqnb.exporting.text import Expr, literal
from groqnb.record.scrub import HIDDEN, Scrubber, is_secret_name
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    from groqnb.ledger.recent import Kept
    from groqnb.wire.call import Call
    from groqnb.wire.multipart import FileContent

__all__ = ["Package", "Script", "beside", "blocks", "is_exported"]

Package = Literal["groq", "openai"]

_LARGE = 20_000  # bytes that are written into a script; what is larger lies beside it


def is_exported(call: Call[Any]) -> bool:
    """True for the calls that a script makes: questions, audio, files and batches that are made."""
    return call.method == "POST" and call.path in METHODS and not call.root


@dataclass
class Script:
    """A script that grows call by call; `text` is its source, `files` are to lie beside it."""

    package: Package = "groq"
    stem: str | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    _lines: list[str] = field(default_factory=list)
    _imports: set[str] = field(default_factory=set)
    _variables: dict[str, str] = field(default_factory=dict)
    _ids: dict[str, str] = field(default_factory=dict)
    _helpers: dict[str, str] = field(default_factory=dict)
    _names: dict[str, int] = field(default_factory=dict)

    def say(self, comment: str) -> None:
        """Adds a comment."""
        self._lines += ["", f"# {comment}"]

    def ask(self, kept: Kept, messages: Expr | None = None) -> tuple[str, dict[str, Any]]:
        """Adds the call alone; the name of what it returns, and its body. Raises ParameterError.

        `messages` stand in the place of the call's own.
        """
        call = kept.call
        body = {**(call.body or {}), **({} if messages is None else {"messages": []})}
        given = self.clean(body)
        if messages is not None:
            given["messages"] = messages
        streams = bool(given.get("stream"))
        name = self._name(call.path, streams=streams)
        arguments = self._arguments(call, given)
        if call.path == "/responses" and self.package == "groq":
            self._add_post(name, given, arguments, streams=streams)
        else:
            self._add_call(f"{name} = client.{METHODS[call.path]}", arguments)
        if kept.reply_id is not None and call.path == "/files":
            self._ids[kept.reply_id] = name
        return name, given

    def add(self, *lines: str) -> None:
        """Adds lines as they are."""
        self._lines += lines

    def text(self) -> str:
        """The source."""
        client = {
            "groq": ["client = Groq()  # its key comes from GROQ_API_KEY"],
            "openai": [
                'server = os.environ.get("GROQ_BASE_URL", "https://api.groq.com")',
                'key = os.environ["GROQ_API_KEY"]',
                'client = OpenAI(base_url=f"{server}/openai/v1", api_key=key)',
            ],
        }[self.package]
        if self.package == "openai":
            self._imports.add("os")
        needed = ", ".join(["GROQ_API_KEY", *sorted(self._variables)])
        plain = [
            line if line.startswith("from") else f"import {line}" for line in sorted(self._imports)
        ]
        plain.sort(key=lambda line: line.startswith("from"))
        maker = "from groq import Groq" if self.package == "groq" else "from openai import OpenAI"
        head = [
            f'"""Exported by groqnb from a notebook; it needs `pip install {self.package}`.',
            "",
            f"Set these in the environment first: {needed}.",
            '"""',
            "",
            *plain,
            *([""] if plain else []),
            maker,
        ]
        if "Stream" in self._helpers:
            head[-1] = "from groq import Groq, Stream"
        helpers = [line for name, line in self._helpers.items() if name != "Stream"]
        body = "\n".join([*client, *self._lines])
        return "\n".join([*head, *helpers, "", body, ""])

    # --- values ---

    def clean(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body as JSON's types, with secrets read from the environment and files beside it."""
        plain = json.loads(to_json(body))
        scrub = Scrubber(known_secrets())
        cleaned = self._without(plain, scrub.value(plain), ())
        return dict(cleaned)

    def _without(self, value: Any, clean: Any, path: tuple[str, ...]) -> Any:
        if isinstance(value, dict):
            return {n: self._without(one, clean[n], (*path, n)) for n, one in value.items()}
        if isinstance(value, list):
            pairs = zip(value, clean, strict=True)
            return [self._without(one, other, path) for one, other in pairs]
        if not isinstance(value, str):
            return value
        if value != clean:
            return self._secret(path, value) if clean == HIDDEN else clean
        if value in self._ids and path[-1:] == ("input_file_id",):
            return Expr(f"{self._ids[value]}.id")
        return self._data(value) if value.startswith("data:") else value

    def _secret(self, path: tuple[str, ...], value: str) -> Expr:
        """Where the environment has this secret, or is to have it."""
        known = [n for n, v in os.environ.items() if v == value and n.isidentifier()]
        words = ["MCP" if word == "headers" else word for word in path[-2:]]
        made = re.sub(r"\W+", "_", "_".join(words)).strip("_").upper()
        name = base = min(known, default=made or "SECRET")
        # Two servers have two keys, though both are called alike.
        number = 1
        while self._variables.setdefault(name, value) != value:
            number += 1
            name = f"{base}_{number}"
        self._imports.add("os")
        return Expr(f'os.environ["{name}"]')

    def _data(self, url: str) -> str:
        """A picture: a file beside the script, or written into it where it is small."""
        head, _, data = url.partition(";base64,")
        try:
            content = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            return url
        if len(url) <= 300 or base64.b64encode(content).decode() != data:
            return url
        kind = head.removeprefix("data:")
        if self.stem is None and len(url) <= _LARGE:
            return url
        name = self._beside(f"image.{re.sub(r'[^a-z0-9]', '', kind.partition('/')[2])}", content)
        self._imports |= {"base64", "from pathlib import Path"}
        self._helpers["data_url"] = (
            "\n\ndef data_url(name: str, kind: str) -> str:\n"
            '    """A file beside this script as a URL that holds its content."""\n'
            "    content = base64.b64encode(Path(__file__).with_name(name).read_bytes())\n"
            '    return f"data:{kind};base64,{content.decode()}"\n'
        )
        return Expr(f"data_url({literal(name)}, {literal(kind)})")

    def _beside(self, name: str, content: bytes) -> str:
        """Puts a file beside the script; its name there."""
        if self.stem is None:
            raise ParameterError(
                f"What was sent has a file of {len(content):,} bytes, too large to be shown.",
                hint="Name a file for the script; the other one is put beside it.",
            )
        for known, other in self.files.items():
            if other == content:
                return known
        plain = re.sub(r"[^\w.-]", "_", os.path.basename(name)) or "file"
        stem, dot, ending = plain.rpartition(".")
        number = len(self.files) + 1
        named = f"{self.stem}_{number}_{stem or ending}{dot + ending if stem else ''}"
        self.files[named] = content
        return named

    def _file(self, file: FileContent) -> Expr:
        """A file that was sent: from where it lies, or beside the script."""
        content = file.content
        path: Any = content if isinstance(content, os.PathLike) else getattr(content, "name", None)
        self._imports.add("from pathlib import Path")
        if isinstance(path, (str, os.PathLike)) and os.path.isfile(path):
            where = f"Path({literal(os.fspath(path))})"
        else:
            read = content if isinstance(content, bytes) else _read(file)
            if len(read) <= 200:
                return Expr(f"({literal(file.name)}, {read!r})")
            where = f"Path(__file__).with_name({literal(self._beside(file.name, read))})"
        return Expr(f"({literal(file.name)}, {where}.read_bytes())")

    # --- the call ---

    def _arguments(self, call: Call[Any], body: dict[str, Any]) -> dict[str, Any]:
        known = KNOWN[self.package].get(call.path, "").split()
        arguments = {name: value for name, value in body.items() if name in known}
        more = {name: value for name, value in body.items() if name not in known}
        if call.form is not None and call.form.file is not None:
            arguments = {"file": self._file(call.form.file), **arguments}
        elif self.package == "openai" and call.path in (
            "/audio/transcriptions",
            "/audio/translations",
        ):
            raise ParameterError(
                "The openai package transcribes files only, and this call names a URL.",
                hint="Export it for the groq package.",
            )
        if more:
            arguments["extra_body"] = more
        scrub = Scrubber(known_secrets())
        headers = {
            name: self._secret((name,), value)
            if is_secret_name(name) or scrub.text(value) != value
            else value
            for name, value in (call.headers or {}).items()
        }
        if headers:
            arguments["extra_headers"] = headers
        if call.timeout is not None and call.timeout < float("inf"):
            arguments["timeout"] = call.timeout
        return arguments

    def _add_call(self, function: str, arguments: Mapping[str, Any]) -> None:
        self._lines.append(f"{function}(")
        self._lines += [f"    {name}={literal(value, 1)}," for name, value in arguments.items()]
        self._lines.append(")")

    def _add_post(
        self, name: str, body: Any, arguments: Mapping[str, Any], *, streams: bool
    ) -> None:
        """The groq package has no method for responses; it sends them all the same."""
        self._lines += [
            f"{name} = client.post(",
            '    "/openai/v1/responses",',
            f"    body={literal(body, 1)},",
            "    cast_to=object,",
        ]
        options = {
            plain: arguments[ours]
            for plain, ours in (("headers", "extra_headers"), ("timeout", "timeout"))
            if ours in arguments
        }
        if options:
            self._lines.append(f"    options={literal(options, 1)},")
        if streams:
            self._helpers["Stream"] = ""
            self._lines += ["    stream=True,", "    stream_cls=Stream[object],"]
        self._lines.append(")")

    def _name(self, path: str, *, streams: bool) -> str:
        known = {"/files": "file", "/batches": "batch", "/audio/speech": "speech"}
        kind = known.get(path, "stream" if streams else "reply")
        number = self._names[kind] = self._names.get(kind, 0) + 1
        return kind if number == 1 else f"{kind}_{number}"


def _read(file: FileContent) -> bytes:
    try:
        pieces = file.open()
        try:
            return b"".join(iter(pieces.read, b""))
        finally:
            pieces.close()
    except (OSError, ValueError):
        raise ParameterError(
            f"The file {file.name} that was sent cannot be read any more.",
            hint="Pass paths, not open files, to calls that are to be exported.",
        ) from None


def blocks(calls: Iterable[Kept]) -> list[tuple[int, list[Kept]]]:
    """The calls by the cell that made them, in order."""
    found: list[tuple[int, list[Kept]]] = []
    for kept in calls:
        if found and found[-1][0] == kept.cell:
            found[-1][1].append(kept)
        else:
            found.append((kept.cell, [kept]))
    return found


def beside(path: Path, files: Mapping[str, bytes]) -> None:
    """Writes what lies beside a script. Raises OSError."""
    for name, content in files.items():
        path.with_name(name).write_bytes(content)
