"""Presets: options of `%%groq` under a name, in a text file that people can read and compare.

A line is `NAME = OPTIONS`; one that begins with `#` is a remark. Presets stand in
`groqnb-presets.txt` beside the notebook and in `presets.txt` in the user's folder for settings; the
former win. Five are built in, for the scenarios that the documentation has values for. Docs:
"Prompt Basics", "Quick presets".
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groqnb.types.errors import GroqnbError, ParameterError

__all__ = [
    "BUILT_IN",
    "FILE",
    "Preset",
    "delete",
    "find",
    "preset",
    "presets",
    "save",
    "told",
    "user_file",
]

FILE = "groqnb-presets.txt"
_NAME = re.compile(r"[A-Za-z][\w-]{0,39}")
_LINE = re.compile(r"\s*([^\s=#]+)\s*=(.*)")
_HEAD = "# Presets of groqnb: NAME = options of %%groq. Use one with %%groq --preset NAME.\n"
_MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Preset:
    """Options under a name. `place` is the file they stand in, None for those that are built in."""

    name: str
    options: str
    place: Path | None = None
    remark: str = ""


# Either temperature or top_p is to be set, not both.
BUILT_IN = {
    each.name: each
    for each in (
        Preset("factual", "-p temperature=0.2", remark="dates and numbers stay stable"),
        Preset("extraction", "-p temperature=0", remark="the same keys and values every time"),
        Preset("creative", "-p temperature=0.8", remark="vivid language, fresh ideas"),
        Preset("brainstorm", "-p temperature=0.7", remark="variety without nonsense"),
        Preset("code", "-p temperature=0.3", remark="fewer invented names in long code"),
    )
}


def user_file() -> Path:
    """The presets for all notebooks: in GROQNB_CONFIG_DIR, else in the user's folder."""
    folder = os.environ.get("GROQNB_CONFIG_DIR")
    if folder:
        return Path(folder) / "presets.txt"
    from platformdirs import user_config_path

    return user_config_path("groqnb", appauthor=False) / "presets.txt"


def presets() -> dict[str, Preset]:
    """All presets by name: built in, the user's, those of this folder. Raises GroqnbError.

    ```python
    groqnb.presets.presets()["factual"].options  # '-p temperature=0.2'
    ```
    """
    return {**BUILT_IN, **_read(user_file()), **_read(Path(FILE))}


def find(name: str) -> Preset:
    """The preset `name`. Raises ParameterError that offers others, GroqnbError for a bad file."""
    known = presets()
    if name not in known:
        from difflib import get_close_matches

        near = get_close_matches(name, known, n=2)
        offered = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(known)}"
        raise ParameterError(f"There is no preset {name!r}.", hint=offered)
    return known[name]


def preset(name: str) -> dict[str, Any]:
    """The parameters of the API that a preset sets, for `client.chat.completions.create`.

    Raises ParameterError for an unknown name or options with mistakes, GroqnbError for a file that
    cannot be read.

    ```python
    client.chat.completions.create(model=m, messages=q, **groqnb.preset("factual"))
    ```
    """
    from groqnb.magics.params import nested, value_from
    from groqnb.magics.parser import GrammarError, parse_cell

    options = find(name).options
    try:
        asked = parse_cell(options)
        params = {key: value_from(key, each, each.value()) for key, each in asked.params.items()}
        found = nested(params)
    except GrammarError as error:
        raise ParameterError(f"The preset {name!r} has a mistake: {error}") from None
    return {**({} if asked.model is None else {"model": asked.model}), **found}


def save(name: str, options: str, file: Path | None = None) -> Path:
    """Keep options under a name, in place of what was there; returns the file.

    `file` is the one beside the notebook by default. Raises ParameterError for a bad name,
    GroqnbError where the file cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise ParameterError(
            f"A preset cannot be called {name!r}.",
            hint="Begin with a letter; letters, digits, _ and - follow, up to 40.",
        )
    if len(options.strip().splitlines()) != 1:
        raise ParameterError("A preset is one line of options.")
    path = Path(FILE) if file is None else file
    _write(path, name, f"{name} = {options.strip()}")
    return path


def delete(name: str) -> Path:
    """Take a preset out of the file that it stands in; returns the file. Raises as `find` does."""
    found = find(name)
    if found.place is None:
        raise ParameterError(f"The preset {name!r} is built in: it cannot be deleted.")
    _write(found.place, name, None)
    return found.place


def _read(path: Path) -> dict[str, Preset]:
    found: dict[str, Preset] = {}
    for number, line in enumerate(_lines(path), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None or not _NAME.fullmatch(match[1]):
            raise GroqnbError(
                f"Line {number} of {path.name} is no preset: {line.strip()[:60]!r}.",
                hint="Write NAME = OPTIONS, or begin a remark with #.",
            )
        found[match[1]] = Preset(match[1], match[2].strip(), path)
    return found


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise GroqnbError(f"{path.name} is too large for a file of presets.")
        return path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise GroqnbError(f"The presets in {path} cannot be read: {why}.") from None


def _write(path: Path, name: str, line: str | None) -> None:
    """Replace the line of `name`, whatever else the file holds stays."""
    lines = _lines(path)
    kept = [each for each in lines if not _is_of(each, name)]
    text = "\n".join([*kept, *([] if line is None else [line])]) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.write_text(text if lines else _HEAD + text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise GroqnbError(f"The presets in {path} cannot be written: {error.strerror}.") from None


def _is_of(line: str, name: str) -> bool:
    match = _LINE.fullmatch(line)
    return match is not None and match[1] == name


def told(known: Iterable[Preset]) -> list[tuple[str, str]]:
    """Name and options of each, for people, with where they stand."""
    return [
        (each.name, f"{each.options}  ({each.remark or (each.place and each.place.name)})")
        for each in known
    ]
