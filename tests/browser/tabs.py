"""Notebooks opened in tabs of one browser, and what every page of ours must keep to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from .notebook_page import NotebookPage

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from .lab import Lab


class Tabs:
    """Call it with a notebook's path, or the sources of code cells, to open them in a new tab.

    At the end the pages must have thrown no error, logged none, and asked no other machine.
    """

    def __init__(self, browser: Browser, lab: Lab, name: str) -> None:
        self._browser = browser
        self._lab = lab
        self._name = name
        self._opened: list[NotebookPage] = []

    def __enter__(self) -> Tabs:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        for notebook in self._opened:
            notebook.close()
        if kind is None:
            for notebook in self._opened:
                notebook.heard.must_be_quiet()

    def __call__(
        self, cells: Path | list[str], *, kernel: bool = True, front: str = "lab", **options: Any
    ) -> NotebookPage:
        """Open a copy of the notebook in JupyterLab, or in Notebook 7 (`front="notebook"`).

        `options` are those of a browser context.
        """
        options = {"viewport": {"width": 1200, "height": 900}} | options
        notebook = NotebookPage(self._browser.new_context(**options), self._lab)
        self._opened.append(notebook)
        file = f"{self._name}_{len(self._opened)}.ipynb"
        if isinstance(cells, Path):
            self._lab.add(cells, file)
        else:
            write_notebook(self._lab.notebooks / file, cells)
        return notebook.open(file, kernel=kernel, front=front)

    def reopen(self, notebook: NotebookPage) -> NotebookPage:
        """Save a notebook and open it anew in Lab: not trusted, and with no kernel to start."""
        content = json.loads(notebook.save().read_text(encoding="utf-8"))
        # Of a kernel that is not here, so none is started; and changed, so it is not the one that
        # Lab signed when it saved it.
        content["metadata"]["kernelspec"] = {
            "name": "gone",
            "display_name": "",
            "language": "gone",
        }
        content["metadata"].pop("language_info", None)
        copy = self._lab.home / f"reopened_{notebook.name}"
        copy.write_text(json.dumps(content), encoding="utf-8")
        return self(copy, kernel=False)

    def pictures(self, folder: Path) -> None:
        """A picture of every tab, to see why a test failed."""
        for number, notebook in enumerate(self._opened):
            notebook.picture(folder / f"failed_{self._name}_{number}.png")


def write_notebook(path: Path, sources: list[str]) -> None:
    """Write a notebook of these code cells."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(notebook, path)
