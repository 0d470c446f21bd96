"""What an option of the magics names: a variable, a file, an address."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from groqnb.magics.options import did_you_mean, near
from groqnb.types.errors import ParameterError

__all__ = ["files", "find", "named"]

_MOST_FILES = 50


def named(text: str, names: Mapping[str, Any]) -> Any:
    """The value of a variable, or of an attribute: `sales`, `box.sales`; None where there is none.

    ```python
    >>> named("n.real", {"n": 3})
    3

    ```
    """
    head, *rest = text.split(".")
    value = names.get(head)
    for part in rest:
        value = None if value is None else getattr(value, part, None)
    return value


def find(given: Any, names: Mapping[str, Any], known: Callable[[], Iterable[str]]) -> Any:
    """What an option names; anything that is no text is the thing itself.

    `known` are the names that are offered where there is none like this. Raises ParameterError.

    ```python
    find("rec", {"rec": recorder}, lambda: ["rec"])
    ```
    """
    if not isinstance(given, str):
        return given
    text = given.strip()
    if "://" in text[:32] or text[:5].lower() == "data:":
        return text
    if text.isidentifier() and text in names:
        value = names[text]
        return find(value, {}, known) if isinstance(value, str) else value
    path = Path(os.path.expanduser(text))
    try:
        if path.exists():
            return path
    except (OSError, ValueError):
        return text
    value = named(text, names) if "." in text else None
    if value is not None:
        return value
    raise ParameterError(
        f"there is no variable and no file {text!r}",
        hint=did_you_mean(near(text, known())).strip(),
    )


def files(endings: tuple[str, ...]) -> list[str]:
    """Files of this folder with one of the endings, by name."""
    try:
        found = [path for path in Path().iterdir() if path.suffix.lower() in endings]
    except OSError:
        return []
    return sorted(path.name for path in found)[:_MOST_FILES]
