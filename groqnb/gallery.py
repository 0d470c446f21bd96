"""The gallery of the cookbook: a page with a picture, the minutes and the features of each.

All of it is read from the notebooks themselves: the title and what you get from the first cell,
the picture from what it shows, the features from the code. The themes are the headings of the
cookbook's own ``README.md`` under which a notebook is named first.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from groqnb import __all__ as PUBLIC
from groqnb.thumbnails import thumbnail

__all__ = ["GALLERY", "Notebook", "gallery", "notebooks"]

GALLERY = "gallery.md"
PICTURES = "gallery"

_WORDS_A_MINUTE = 180
_MINUTES_A_CELL = 0.5  # run it, look at it
_MOST_FEATURES = 4
_NO_THEME = "The notebooks"
# Markdown has no widths; a word as wide as this keeps a place for the pictures.
_WIDE = "&nbsp;" * 36
_INTRODUCTION = """# The groqnb cookbook

{count} notebooks, each on one thing. They run without a key and without a network: answers then come from a small model on this machine.
Click a title to open it. If you are new here, begin with [{title}]({name}).
"""  # noqa: E501

# What a notebook's code names of groqnb; `{}` is what the pattern found.
_FEATURES: tuple[tuple[str, str], ...] = (
    (r"^%%groq\b(?=[^\n]*\s--([a-z-]+))", "%%groq --{}"),
    (r"^%groq[ \t]+([a-z]+)", "%groq {}"),
    (r"\bgroqnb\.([A-Za-z]\w+)", "groqnb.{}"),
    (r"\b(Chart\.\w+)\(", "groqnb.{}"),
    (r"\bchart(?:s\[[^]]+\])?\.(plot|to_frame)\(", "chart.{}"),
    (r"\b((?:caching|migration|patterns)\.\w+)\(", "groqnb.{}"),
    (r"\bclient\.((?:audio|chat|responses|models|files|batches|fine_tunings)[\w.]*)\(", "{}"),
    (r"\.groq\.(\w+)\(", "df.groq.{}"),
    (r"(?<![\w.])(%%groq)\b", "{}"),
    (r"^ *(?:import|from) (openai|instructor|langchain_openai|litellm|dask|mcp)\b", "{}"),
)
_EVERYWHERE = {"groqnb.Groq", "%groq help", "%groq doctor"}


@dataclass(frozen=True)
class Notebook:
    """One notebook of the cookbook, as the gallery shows it."""

    name: str
    title: str
    gives: str
    minutes: int
    features: tuple[str, ...]
    theme: str
    picture: bytes


def notebooks(folder: Path) -> list[Notebook]:
    """The notebooks of a cookbook in the order of their numbers.

    Example::

        from groqnb.cookbook import source
        from groqnb.gallery import notebooks

        for notebook in notebooks(source()):
            print(notebook.minutes, notebook.title)
    """
    themes = _themes(folder / "README.md")
    found = [
        _read(path, themes.get(path.name, _NO_THEME)) for path in sorted(folder.glob("*.ipynb"))
    ]
    used_by = Counter(feature for notebook in found for feature in notebook.features)

    def distinct(features: Sequence[str]) -> tuple[str, ...]:
        # What few others have tells most of what a notebook is about.
        return tuple(sorted(features, key=used_by.__getitem__)[:_MOST_FEATURES])

    return [replace(notebook, features=distinct(notebook.features)) for notebook in found]


def gallery(folder: Path) -> dict[str, bytes]:
    """The gallery's files by their names: the page in Markdown, and its pictures.

    Example::

        from groqnb.cookbook import source
        from groqnb.gallery import gallery

        print(gallery(source())["gallery.md"].decode())
    """
    found = notebooks(folder)
    if not found:
        return {}
    first = found[0]
    parts = [_INTRODUCTION.format(count=len(found), title=first.title, name=first.name)]
    for theme in dict.fromkeys(notebook.theme for notebook in found):
        parts.append(f"## {theme}\n")
        parts.append(f"| {_WIDE} | | Minutes | Uses |\n|:--|:--|--:|:--|")
        parts += [_row(notebook) for notebook in found if notebook.theme == theme]
        parts[-1] += "\n"
    page = "\n".join(parts)
    pictures = {_picture_name(notebook): notebook.picture for notebook in found}
    return {GALLERY: page.encode(), **pictures}


def _row(notebook: Notebook) -> str:
    title, _, more = notebook.title.partition(": ")
    about = (
        f"{more}{'' if more.endswith(('?', '!')) else '.'} {notebook.gives}"
        if more
        else notebook.gives
    )
    uses = " ".join(_unbroken(feature) for feature in notebook.features)
    cells = (
        f"[![{_cell(title)}]({_picture_name(notebook)})]({notebook.name})",
        f"**[{_cell(title)}]({notebook.name})**: {_cell(about)}",
        str(notebook.minutes),
        _cell(uses),
    )
    return f"| {' | '.join(cells)} |"


def _unbroken(feature: str) -> str:
    """As code. Browsers would break a line between two hyphens; one that is copied stays whole.

    Around the code `nobr` would do nothing, since JupyterLab has a rule for the lines of code.
    """
    if "-" not in feature:
        return f"`{feature}`"
    return f'<code class="literal"><nobr>{feature}</nobr></code>'


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _picture_name(notebook: Notebook) -> str:
    return f"{PICTURES}/{notebook.name.removesuffix('.ipynb')}.svg"


def _read(path: Path, theme: str) -> Notebook:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    prose = [_source(cell) for cell in cells if cell["cell_type"] == "markdown"]
    code = [_source(cell) for cell in cells if cell["cell_type"] == "code"]
    title, _, rest = (prose[0] if prose else path.stem).partition("\n")
    words = sum(len(text.split()) for text in prose)
    minutes = words / _WORDS_A_MINUTE + len(code) * _MINUTES_A_CELL
    return Notebook(
        name=path.name,
        title=title.lstrip("# ").strip(),
        gives=_first_sentence(rest),
        minutes=math.ceil(minutes),
        features=_features("\n".join(code)),
        theme=theme,
        picture=thumbnail(cells, path.parent),
    )


def _source(cell: Any) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _first_sentence(text: str) -> str:
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    return re.split(r"(?<=[.!?])\s", paragraph, maxsplit=1)[0]


def _features(code: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for pattern, form in _FEATURES:
        for match in re.finditer(pattern, code, flags=re.MULTILINE):
            found.setdefault(form.format(match[1]))
    return tuple(name for name in found if _tells(name))


def _tells(feature: str) -> bool:
    """Whether it tells something of a notebook: no error that it meets, nothing of the inside."""
    of, _, name = feature.partition(".")
    if of == "groqnb" and "." not in name and (name not in PUBLIC or name.endswith("Error")):
        return False
    return feature not in _EVERYWHERE


def _themes(table: Path) -> dict[str, str]:
    """The heading under which the table names each notebook first; none without a table."""
    themes: dict[str, str] = {}
    heading = ""
    try:
        lines = table.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return themes
    for line in lines:
        if line.startswith("## "):
            heading = line[3:].strip()
        elif heading:
            for name in re.findall(r"\]\((\d\d_\w+\.ipynb)\)", line):
                themes.setdefault(name, heading)
    return themes
