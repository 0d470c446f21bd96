"""JupyterLab and a headless browser, started once for the tests of this folder."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .chromium import FLAGS, NoBrowser, demanded, find
from .lab import Lab
from .notebook_page import NotebookPage

if TYPE_CHECKING:
    from playwright.sync_api import Browser

OpenNotebook = Callable[..., NotebookPage]
VIEW = {"width": 1200, "height": 900}


# Package scope, not session: Playwright's sync interface keeps an event loop running in this
# thread, and the asyncio tests of the other folders could not start theirs.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless Chrome or Chromium; skips where there is none, fails for that in CI."""
    try:
        executable = find()
    except NoBrowser as missing:
        if demanded():
            pytest.fail(f"the browser tests must run in CI, but {missing}", pytrace=False)
        pytest.skip(str(missing))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def lab(browser: Browser) -> Iterator[Lab]:
    """A JupyterLab of the tests' own; at the end none of its processes may be left."""
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for pictures: `GROQNB_SHOTS`, or one of pytest's temporary ones."""
    named = os.environ.get("GROQNB_SHOTS")
    if named is None:
        return tmp_path_factory.mktemp("shots")
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def open_notebook(
    browser: Browser, lab: Lab, shots: Path, request: pytest.FixtureRequest
) -> Iterator[OpenNotebook]:
    """Open a notebook (a file, or the sources of code cells) in a tab of its own.

    Afterwards the page must have thrown no error, logged none, and asked nobody off the machine.
    """
    opened: list[NotebookPage] = []
    name = re.sub(r"\W+", "_", request.node.name)

    def open_one(cells: Path | list[str], *, kernel: bool = True) -> NotebookPage:
        context = browser.new_context(viewport=VIEW)
        context.set_default_timeout(30_000)
        notebook = NotebookPage(context, lab)
        opened.append(notebook)
        file = f"{name}_{len(opened)}.ipynb"
        if isinstance(cells, Path):
            lab.add(cells, file)
        else:
            write_notebook(lab.notebooks / file, cells)
        return notebook.open(file, kernel=kernel)

    yield open_one
    for number, notebook in enumerate(opened):
        if getattr(request.node, "failed", False):
            notebook.picture(shots / f"failed_{name}_{number}.png")
        notebook.page.context.close()
    lab.end_kernels()
    for notebook in opened:
        heard = notebook.heard
        assert not heard.errors, f"the page threw: {heard.errors}"
        assert not heard.console, f"the page logged errors: {heard.console}"
        assert not heard.abroad, f"the page asked other machines: {heard.abroad}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    if report.when == "call":
        item.failed = report.failed
    return report


def write_notebook(path: Path, sources: list[str]) -> None:
    """Write a notebook of these code cells."""
    import nbformat

    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(notebook, path)
