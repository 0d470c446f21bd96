"""A small picture of a notebook, as SVG: the first figure that it shows, or its first code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

__all__ = ["thumbnail"]

WIDTH, HEIGHT = 240, 150
_LINES, _COLUMNS = 9, 34
# The same in light and dark, as a photograph is.
_PAPER, _INK, _QUIET, _EDGE = "#ffffff", "#24292f", "#57606a", "#d0d7de"


def thumbnail(cells: Sequence[Any]) -> bytes:
    """An SVG of 240 × 150 for the cells of a notebook, as they stand in its file.

    A figure is taken as it is, in the SVG, so nothing is drawn again and nothing is lost.

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
    if figure is not None:
        place = {"x": "8", "y": "8", "width": str(WIDTH - 16), "height": str(HEIGHT - 16)}
        ElementTree.SubElement(
            picture, "image", {**place, "href": f"data:image/png;base64,{figure}"}
        )
    else:
        _write_code(picture, _first_code(cells))
    return ElementTree.tostring(picture, encoding="unicode").encode()


def _first_figure(cells: Sequence[Any]) -> str | None:
    for cell in cells:
        for output in cell.get("outputs", ()):
            found = output.get("data", {}).get("image/png")
            if found:
                return "".join(found).replace("\n", "")
    return None


def _first_code(cells: Sequence[Any]) -> list[str]:
    """The first lines of code that are more than getting ready."""
    lines: list[str] = []
    for cell in cells:
        if cell["cell_type"] == "code":
            text = "".join(cell["source"]).splitlines()
            lines += [*text, ""]
    ready = ("%load_ext", "import ", "from ")
    while lines and (not lines[0].strip() or lines[0].startswith(ready)):
        lines.pop(0)
    return lines[:_LINES]


def _write_code(picture: ElementTree.Element, lines: Sequence[str]) -> None:
    style = {"font-family": "ui-monospace, Menlo, Consolas, monospace", "font-size": "10.5"}
    for row, line in enumerate(lines):
        cut = line if len(line) <= _COLUMNS else line[: _COLUMNS - 1] + "…"
        ink = _QUIET if line.startswith(("#", "%")) else _INK
        place = {"x": "12", "y": str(21 + row * 14.5), "fill": ink, "xml:space": "preserve"}
        ElementTree.SubElement(picture, "text", {**place, **style}).text = cut
