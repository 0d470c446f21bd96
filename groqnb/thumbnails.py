"""A small picture of a notebook, as SVG: a figure or a picture that it shows, or an answer."""

from __future__ import annotations

import base64
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

__all__ = ["thumbnail"]

WIDTH, HEIGHT = 240, 150
# The same in light and dark, as a photograph is.
_PAPER, _INK, _QUIET, _EDGE = "#ffffff", "#24292f", "#57606a", "#d0d7de"
_MONO = "ui-monospace, Menlo, Consolas, monospace"
_PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+\.png)\)")


@dataclass(frozen=True)
class _Style:
    """How lines are printed; `most` characters fit into one."""

    font: str
    size: float
    most: int
    ink: str = _INK


_ROWS = 8  # of code and answer together
_CODE = _Style(_MONO, 10, 36, _QUIET)
_TABLE = _Style(_MONO, 9, 40)
_PROSE = _Style("system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", 11.5, 34)


def thumbnail(cells: Sequence[Any], folder: Path | None = None) -> bytes:
    """An SVG of 240 × 150 for the cells of a notebook, as they stand in its file.

    A figure is taken as it is, in the SVG, so nothing is drawn again and nothing is lost. Without
    one it is the first PNG of `folder`, the notebook's, that its text shows; without that, the
    first answer.

    Example::

        import json
        from pathlib import Path
        from groqnb.thumbnails import thumbnail

        cells = json.loads(Path("notebooks/12_charts.ipynb").read_text())["cells"]
        Path("charts.svg").write_bytes(thumbnail(cells))
    """
    size = {"width": str(WIDTH), "height": str(HEIGHT), "viewBox": f"0 0 {WIDTH} {HEIGHT}"}
    picture = ElementTree.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **size})
    edge = {"width": str(WIDTH - 1), "height": str(HEIGHT - 1), "rx": "6"}
    paper = {"x": "0.5", "y": "0.5", **edge, "fill": _PAPER, "stroke": _EDGE}
    ElementTree.SubElement(picture, "rect", paper)
    figure = _first_figure(cells)
    shown = None if figure or folder is None else _first_picture(cells, folder)
    if figure:
        _place(picture, figure, "xMidYMid meet")
    elif shown:
        # Its beginning, large enough to be recognised.
        _place(picture, shown, "xMinYMin slice")
    else:
        _write(picture, *_first_answer(cells))
    return ElementTree.tostring(picture, encoding="unicode").encode()


def _place(picture: ElementTree.Element, png: str, fit: str) -> None:
    place = {"x": "8", "y": "8", "width": str(WIDTH - 16), "height": str(HEIGHT - 16)}
    href = f"data:image/png;base64,{png}"
    ElementTree.SubElement(picture, "image", {**place, "preserveAspectRatio": fit, "href": href})


def _first_figure(cells: Sequence[Any]) -> str | None:
    for cell in cells:
        for output in cell.get("outputs", ()):
            found = output.get("data", {}).get("image/png")
            if found:
                return "".join(found).replace("\n", "")
    return None


def _first_picture(cells: Sequence[Any], folder: Path) -> str | None:
    """The first picture in the text that is a file of the folder, or of one in it."""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            for name in _PICTURE.findall("".join(cell["source"])):
                path = (folder / name).resolve()
                if path.is_relative_to(folder.resolve()) and path.is_file():
                    return base64.b64encode(path.read_bytes()).decode()
    return None


def _first_answer(cells: Sequence[Any]) -> tuple[list[str], list[str], bool]:
    """The code of the first cell that shows something, what it shows, and whether as a table.

    Where no cell shows anything it is the first code alone.
    """
    first: list[str] = []
    for cell in cells:
        if cell["cell_type"] == "code":
            code = _telling("".join(cell["source"]).splitlines())
            first = first or code
            for output in reversed(cell.get("outputs", ())):
                data = output.get("data", {})
                told = "".join(output.get("text") or data.get("text/plain") or "")
                # Who answered, and how fast, stands below an answer.
                answer = told.partition("\n\n— ")[0].rstrip().splitlines()
                if answer:
                    return code, answer, "dataframe" in "".join(data.get("text/html", ""))
    return first, [], False


def _telling(lines: list[str]) -> list[str]:
    """The lines of code after those that only get ready, without empty ones."""
    ready = ("%load_ext", "import ", "from ")
    for number, line in enumerate(lines):
        if line.strip() and not line.startswith(ready):
            return [line for line in lines[number:] if line.strip()]
    return []


def _write(picture: ElementTree.Element, code: list[str], answer: list[str], table: bool) -> None:
    """A cell in small: its code, and below a line what it shows; more of the one or the other."""
    if table:
        rows, style = [re.sub(" {3,}", "  ", line.rstrip("\\").strip()) for line in answer], _TABLE
    else:
        rows = [part for line in answer for part in textwrap.wrap(line, _PROSE.most) or [""]]
        style = _PROSE
    above = len(code) if not rows else max(2, _ROWS - len(rows))
    y = _print(picture, code[: min(above, _ROWS)], 20, _CODE)
    if rows:
        rule = {"x1": "12", "x2": str(WIDTH - 12), "y1": f"{y - 7:g}", "y2": f"{y - 7:g}"}
        ElementTree.SubElement(picture, "line", {**rule, "stroke": _EDGE})
        _print(picture, rows, y + 10, style)


def _print(picture: ElementTree.Element, lines: list[str], y: float, style: _Style) -> float:
    """Lines from `y` on, as many as there is room for; where the next would stand."""
    for line in lines:
        if y > HEIGHT - 8:
            break
        cut = line if len(line) <= style.most else line[: style.most - 1] + "…"
        place = {"x": "12", "y": f"{y:g}", "fill": style.ink, "xml:space": "preserve"}
        font = {"font-family": style.font, "font-size": f"{style.size:g}"}
        ElementTree.SubElement(picture, "text", {**place, **font}).text = cut
        y += style.size * 1.4
    return y
