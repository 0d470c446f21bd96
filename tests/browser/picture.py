"""Make the README's picture from the real thing: the cookbook's first answer in JupyterLab.

Run it from the repository's root, with the path of the PNG to write::

    python -m tests.browser.picture answer.png

The cells are those of ``notebooks/00_start.ipynb``, the answer is the default local model's own.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from playwright.sync_api import FloatRect, sync_playwright

from .chromium import FLAGS, NoBrowser, find
from .lab import Lab
from .notebook_page import NotebookPage
from .tabs import Tabs

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "00_start.ipynb"
WIDTH, HEIGHT, MARGIN = 860, 900, 8
MOST_BYTES = 200_000
# A reader sees neither which cell is selected, nor its toolbar, nor where the mouse is.
UNSELECTED = """
.jp-cell-toolbar, .jp-Cell .jp-Collapser, .jp-Notebook-footer { display: none !important; }
.jp-InputPrompt { color: #616161 !important; opacity: 1 !important; }
.jp-Cell { box-shadow: none !important; border-color: transparent !important; }
"""


def main(arguments: list[str] | None = None) -> int:
    """Write the picture; 0 when it is done, 1 when something is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("png", type=Path)
    path = parser.parse_args(arguments).png
    try:
        browser_path = find()
    except NoBrowser as missing:
        print(missing, file=sys.stderr)
        return 1
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        size = {"width": WIDTH, "height": HEIGHT}
        with Lab(model="default") as lab, Tabs(browser, lab, "first_answer") as open_notebook:
            notebook = open_notebook(_first_cells(), viewport=size, device_scale_factor=2)
            _take(notebook, path)
        browser.close()
    size_now = path.stat().st_size
    print(f"{path}: {size_now / 1000:.0f} kB")
    return 0 if size_now <= MOST_BYTES else 1


def _first_cells() -> list[str]:
    """The notebook's code cells up to its first question."""
    sources = []
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            sources.append("".join(cell["source"]))
            if sources[-1].startswith("%%groq"):
                break
    return sources


def _take(notebook: NotebookPage, path: Path) -> None:
    page = notebook.page
    page.evaluate("jupyterapp.commands.execute('application:toggle-left-area')")
    last = len(_first_cells()) - 1
    for index in range(last + 1):
        # The model is fetched, where it is not there yet, while this runs.
        notebook.run(index, seconds=900)
    page.add_style_tag(content=UNSELECTED)
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(500)
    boxes = [notebook.element(index).bounding_box() for index in (0, last)]
    top, bottom = boxes
    assert top is not None
    assert bottom is not None
    clip: FloatRect = {
        "x": top["x"] - MARGIN,
        "y": top["y"] - MARGIN,
        "width": top["width"] + 2 * MARGIN,
        "height": bottom["y"] + bottom["height"] - top["y"] + 2 * MARGIN,
    }
    page.screenshot(path=path, clip=clip)


if __name__ == "__main__":
    sys.exit(main())
