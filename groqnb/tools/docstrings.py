"""What a docstring says of a function, and of each parameter."""

from __future__ import annotations

import inspect
import re

__all__ = ["described"]

_GOOGLE = re.compile(r"(Args|Arguments|Parameters|Params):\s*")
_HEADING = re.compile(r"[A-Z][A-Za-z ]*:\s*")
_ENDING = re.compile(r"(Returns|Raises|Yields|Examples?|Notes?):\s*")
_GOOGLE_ITEM = re.compile(r"(\*{0,2}\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)")
_NUMPY_ITEM = re.compile(r"(\*{0,2}\w+)\s*(?::.*)?")
_SPHINX_ITEM = re.compile(r":param\s+(?:[^:]*\s)?(\w+)\s*:\s*(.*)")


def described(docstring: str | None) -> tuple[str, dict[str, str]]:
    """The text before the first section, and what is said of each parameter.

    The styles of Google, numpy and Sphinx are understood.

    >>> described("Adds.\\n\\nArgs:\\n    a: the first number")
    ('Adds.', {'a': 'the first number'})
    """
    lines = inspect.cleandoc(docstring or "").splitlines()
    about: list[str] = []
    found: dict[str, list[str]] = {}
    place, item, indent = "about", "", 0
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if re.fullmatch(r"-{3,}", following.strip()) and line.strip():
            place = "numpy" if line.strip() in ("Parameters", "Other Parameters") else "else"
        elif re.fullmatch(r"-{3,}", line.strip()):
            indent = 0
        elif _GOOGLE.fullmatch(line):
            place, indent = "google", 0
        elif _ENDING.fullmatch(line) or (_HEADING.fullmatch(line) and place != "about"):
            place = "else"
        elif line.startswith(":"):
            sphinx = _SPHINX_ITEM.match(line)
            place, item = ("sphinx", sphinx[1]) if sphinx else ("else", "")
            if sphinx:
                found[item] = [sphinx[2]]
        elif place == "about":
            about.append(line)
        elif place != "else" and line.strip():
            depth = len(line) - len(line.lstrip())
            indent = indent or depth
            begun = None
            if place == "google" and depth == indent:
                begun = _GOOGLE_ITEM.fullmatch(line.strip())
            elif place == "numpy" and depth == 0:
                begun = _NUMPY_ITEM.fullmatch(line.strip())
            if begun:
                item = begun[1].lstrip("*")
                found[item] = [begun[2]] if place == "google" else []
            elif item in found:
                found[item].append(line.strip())
    return "\n".join(about).strip(), {name: " ".join(said).strip() for name, said in found.items()}
