"""Prompts with columns in them: `"Classify: {text}"`.

`{name}` stands for the value of a column, `{}` for the row itself where rows are plain values.
`{photo:image}` puts a picture there, `{clip:audio}` what is said in a recording. A brace that is
meant is doubled, as in Python: `{{"label": …}}`. A name may hold spaces: `{order id}`.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

from groqnb.tally import fields_of
from groqnb.types.errors import ParameterError

__all__ = ["Content", "Field", "Picture", "Sound", "Template", "fill", "missing_column"]

Kind = Literal["text", "image", "audio"]
_KINDS: tuple[Kind, ...] = ("text", "image", "audio")


@dataclass(frozen=True)
class Field:
    """One `{name:kind}` of a template."""

    name: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Picture:
    """A picture at its place in a prompt, not read yet."""

    source: Any


@dataclass(frozen=True)
class Sound:
    """A recording at its place in a prompt, not transcribed yet."""

    source: Any


Content = str | list[str | Picture | Sound]
"""What a row asks: text, or text with pictures and recordings between."""


class Template:
    """A prompt that is the same for all rows but for what stands in braces.

    Raises ParameterError for single braces and unknown kinds, with the place.

    ```python
    >>> Template("Is {a} larger than {b}? Answer {{yes}} or {{no}}.").names
    ('a', 'b')

    ```
    """

    def __init__(self, text: str) -> None:
        if not isinstance(text, str) or not text.strip():
            raise ParameterError(
                "The prompt is empty.", hint='Write one, such as "Summarise: {text}".'
            )
        self.text = text
        self._take(_parse(text))

    def _take(self, pieces: Iterable[str | Field]) -> None:
        self._pieces = list(pieces)
        self.fields = tuple(piece for piece in self._pieces if isinstance(piece, Field))
        self.names = tuple(dict.fromkeys(field.name for field in self.fields))
        self.plain = all(field.kind == "text" for field in self.fields)

    @classmethod
    def of_column(cls, name: str, lead: str = "") -> Template:
        """`lead`, and the value of a column after it; its name may hold braces and colons."""
        made = cls("{}")
        made.text = f"{lead}{{{name}}}"
        made._take([lead, Field(name)] if lead else [Field(name)])
        return made

    def renamed(self, name: str) -> Template:
        """The same with this name in every pair of braces."""
        made = copy(self)
        made._take(
            piece if isinstance(piece, str) else Field(name, piece.kind) for piece in self._pieces
        )
        return made

    @property
    def form(self) -> str:
        """What it says beside the values: the same for `"Sum up {a}"` and `"Sum up {b}"`."""
        pieces = [piece if isinstance(piece, str) else [piece.kind] for piece in self._pieces]
        return json.dumps(pieces)

    def places(self, columns: Iterable[Hashable]) -> dict[str, int]:
        """Where the columns are, by the names in braces; spaces around a column's name are let be.

        Raises ParameterError for a name that is no column, with the near ones.
        """
        known = [str(column) for column in columns]
        found: dict[str, int] = {}
        for name in self.names:
            at = [place for place, one in enumerate(known) if one == name]
            if not at and name:
                at = [place for place, one in enumerate(known) if one.strip() == name]
            if not at:
                raise ParameterError(missing_column(name, known), hint=_advice(name))
            if len(at) > 1:
                raise ParameterError(
                    f"There are {len(at)} columns {name!r}.", hint="Rename all but one of them."
                )
            found[name] = at[0]
        return found

    def fill(self, values: Mapping[str, Any]) -> Content:
        """The prompt of one row."""
        if self.plain:
            return "".join(
                str(values[piece.name]) if isinstance(piece, Field) else piece
                for piece in self._pieces
            )
        parts: list[str | Picture | Sound] = []
        for piece in self._pieces:
            part: str | Picture | Sound
            if isinstance(piece, str):
                part = piece
            elif piece.kind == "image":
                part = Picture(values[piece.name])
            elif piece.kind == "audio":
                part = Sound(values[piece.name])
            else:
                part = str(values[piece.name])
            if isinstance(part, str) and parts and isinstance(parts[-1], str):
                parts[-1] += part
            else:
                parts.append(part)
        return parts


def fill(template: Template, row: Any) -> Content | None:
    """The prompt of a row that has names, or is a plain value for `{}`; None for a missing value.

    Raises ParameterError where the row has no such name.
    """
    fields = _named_values(row) if template.names != ("",) else None
    if isinstance(row, Mapping) or fields is not None:
        fields = row if fields is None else fields
        missing = [name for name in template.names if name not in fields]
        if missing:
            raise ParameterError(missing_column(missing[0], [str(name) for name in fields], "row"))
        if any(_is_missing(fields[name]) for name in template.names):
            return None
        return template.fill(fields)
    if _is_missing(row):
        return None
    if len(template.names) > 1:
        raise ParameterError(
            f"The prompt has {len(template.names)} names, and a row is one "
            f"{type(row).__name__}: rows must be dicts with these names."
        )
    return template.fill(dict.fromkeys(template.names, row))


def _named_values(row: Any) -> Mapping[str, Any] | None:
    """The values of a dict, named tuple, series, database's row, dataclass or pydantic model."""
    if isinstance(row, Mapping) or row is None or isinstance(row, (str, bytes, Real)):
        return row if isinstance(row, Mapping) else None
    if hasattr(row, "_asdict"):
        return dict(row._asdict())
    if hasattr(row, "keys") and hasattr(row, "__getitem__"):
        return {name: row[name] for name in row.keys()}  # noqa: SIM118 - a row of sqlite3 has values
    return fields_of(row)


def _is_missing(value: Any) -> bool:
    """True for None, NaN, and pandas' NA and NaT, without importing pandas."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, Real) and value != value


def missing_column(name: str, known: Sequence[str], what: str = "frame") -> str:
    """What to say of a name that is not among the known ones."""
    from difflib import get_close_matches

    if not name:
        return f"{{}} stands for a whole row, and this {what} has names: write {{name}}."
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    if not near:
        near = [one for one in known if one.lower() == name.lower()]
    told = f"There is no column {name!r}." if what == "frame" else f"A row has no {name!r}."
    if near:
        return f"{told} Did you mean {' or '.join(repr(one) for one in near)}?"
    shown = ", ".join(repr(one) for one in known[:12])
    return f"{told} There are {shown}{', …' if len(known) > 12 else ''}."


def _advice(name: str) -> str | None:
    if any(sign in name for sign in "\"'\n[") or ":" in name:
        return "A brace that is meant is doubled: {{ and }}."
    return None


def _parse(text: str) -> Iterable[str | Field]:
    """Texts and fields in turn."""
    plain: list[str] = []
    at = 0
    while at < len(text):
        sign = text[at]
        if sign in "{}" and text[at : at + 2] == sign * 2:
            plain.append(sign)
            at += 2
        elif sign == "{":
            end = text.find("}", at)
            inside = text[at + 1 : end] if end >= 0 else ""
            if end < 0 or "{" in inside:
                raise _stray("{", text, at)
            if plain:
                yield "".join(plain)
                plain = []
            yield _field(inside)
            at = end + 1
        elif sign == "}":
            raise _stray("}", text, at)
        else:
            step = at
            while step < len(text) and text[step] not in "{}":
                step += 1
            plain.append(text[at:step])
            at = step
    if plain:
        yield "".join(plain)


def _field(inside: str) -> Field:
    name, colon, kind = inside.rpartition(":")
    for known in _KINDS:
        if colon and kind.strip() == known:
            return Field(name.strip(), known)
    if colon and kind.strip().isidentifier() and name.strip():
        raise ParameterError(
            f"{{{inside}}}: there is no kind {kind.strip()!r}.",
            hint="There are {name}, {name:image} and {name:audio}.",
        )
    return Field(inside.strip())


def _stray(sign: str, text: str, at: int) -> ParameterError:
    around = text[max(0, at - 15) : at + 15].replace("\n", " ")
    return ParameterError(
        f"A single {sign!r} in the prompt, at …{around}…",
        hint="A brace that is meant is doubled: {{ and }}.",
    )
