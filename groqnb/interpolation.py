"""`{{expression}}` in a prompt becomes the value of a Python expression.

Strict: an undefined name or a failing expression is an error, never silently left in the text.
Single braces, JSON and LaTeX pass untouched, since only two braces in a row mean anything; what
is in two braces, is no Python, and holds a TeX command (`{{n}\\choose{k}}`) is taken for TeX.

```python
>>> interpolate("{{2 + 2}} of {'a': 1}", {})
"4 of {'a': 1}"

```
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any

from groqnb.magics.options import did_you_mean, near

__all__ = ["InterpolationError", "as_text", "interpolate", "value_of"]

_TEX = re.compile(r"\\[A-Za-z]")
_RAW = "--raw sends braces as they are."


class InterpolationError(ValueError):
    """An expression in `{{ }}` that cannot be put in; its text names it and says why."""


@dataclass(frozen=True)
class _Found:
    start: int
    end: int
    source: str
    code: CodeType


def interpolate(text: str, names: Mapping[str, Any]) -> str:
    """`text` with every `{{expression}}` replaced by its value as text.

    Raises InterpolationError.
    """
    parts, position = [], 0
    for found in _expressions(text):
        parts += [text[position : found.start], as_text(_evaluate(found, names))]
        position = found.end
    return "".join([*parts, text[position:]])


def value_of(text: str, names: Mapping[str, Any]) -> Any:
    """The object itself when `text` is one `{{expression}}` and no more, else the text.

    ```python
    >>> value_of("{{stops}}", {"stops": ["a", "b"]})
    ['a', 'b']

    ```
    """
    found = list(_expressions(text))
    if len(found) == 1 and (found[0].start, found[0].end) == (0, len(text)):
        return _evaluate(found[0], names)
    return interpolate(text, names)


def as_text(value: Any) -> str:
    """`value` as it stands in a prompt: str(), but tables without columns left out or wrapped.

    pandas' own str() drops columns beyond the width of a terminal; rows are cut at 60 and the size
    is stated, as pandas does.
    """
    if type(value).__module__.partition(".")[0] == "pandas":
        if type(value).__name__ == "DataFrame":
            cut = len(value) > 60
            return str(value.to_string(max_rows=60, show_dimensions=cut))
        if type(value).__name__ == "Series":
            return str(value.to_string(max_rows=60, length=len(value) > 60))
    return str(value)


def _expressions(text: str) -> Iterator[_Found]:
    position = 0
    while (start := text.find("{{", position)) >= 0:
        # In a longer run of braces the innermost two count: {{{x}}} is a brace around {{x}}.
        while text.startswith("{{", start + 1):
            start += 1
        found = _compile(text, start)
        if found is None:
            position = start + 2
        else:
            yield found
            position = found.end


def _compile(text: str, start: int) -> _Found | None:
    """The shortest `{{…}}` at `start` that is an expression; None for TeX."""
    problem = ""
    first_end = end = text.find("}}", start + 2)
    while end >= 0:
        source = text[start + 2 : end]
        if not source.strip():
            raise InterpolationError(f"{{{{{source}}}}} holds no expression. {_RAW}")
        try:
            # The brackets let an expression run over several lines.
            code = compile(f"({source}\n)", "<{{ }}>", "eval")
        except (SyntaxError, ValueError) as error:
            problem = problem or getattr(error, "msg", None) or str(error)
        else:
            return _Found(start, end + 2, source.strip(), code)
        # A second candidate is only worth a look while brackets or quotes are open.
        following = text.find("}}", end + 1)
        end = following if following >= 0 and following - start < 2000 else -1
    if first_end < 0:
        line = text[start : start + 40].splitlines()[0]
        raise InterpolationError(f"`{line}` opens {{{{ and never closes it. {_RAW}")
    source = text[start + 2 : first_end]
    if _TEX.search(source):
        return None
    raise InterpolationError(
        f"{{{{{_short(source)}}}}} is not a Python expression ({problem}). {_RAW}"
    )


def _evaluate(found: _Found, names: Mapping[str, Any]) -> Any:
    try:
        return eval(found.code, dict(names))
    except NameError as error:
        name = error.name or ""
        if name in names or not name:
            reason = str(error)
        else:
            known = [n for n in [*names, *dir(builtins)] if not n.startswith("_")]
            reason = f"the name {name!r} is not defined.{did_you_mean(near(name, known))} {_RAW}"
        raise InterpolationError(f"{{{{{_short(found.source)}}}}}: {reason}") from None
    except Exception as error:  # noqa: BLE001 - whatever the user's expression raises is told
        reason = f"{type(error).__name__}: {_short(str(error), 200)}"
        raise InterpolationError(f"{{{{{_short(found.source)}}}}} failed with {reason}") from None


def _short(text: str, most: int = 60) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
