"""JupyterLab and a headless browser, started once for the tests of this folder."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from . import media
from .blank_page import BlankPages
from .chromium import FLAGS, NoBrowser, demanded, find
from .lab import Lab
from .tabs import Tabs

FAILED = pytest.StashKey[bool]()

if TYPE_CHECKING:
    from playwright.sync_api import Browser


# Package scope, not session: Playwright's sync interface keeps an event loop running in this
# thread, and the asyncio tests of the other folders could not start theirs.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Callable[..., Browser]]:
    """Start browsers with flags; skips where there is none, fails for that in CI."""
    try:
        executable = find()
    except NoBrowser as missing:
        if demanded():
            pytest.fail(f"the browser tests must run in CI, but {missing}", pytrace=False)
        pytest.skip(str(missing))
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        started = []

        def start(*flags: str) -> Browser:
            launched = playwright.chromium.launch(executable_path=executable, args=[*FLAGS, *flags])
            started.append(launched)
            return launched

        yield start
        for launched in started:
            launched.close()


@pytest.fixture(scope="package")
def browser(chromium: Callable[..., Browser], tmp_path_factory: pytest.TempPathFactory) -> Browser:
    """A headless Chrome or Chromium with a microphone and a camera that play files; see media.py.

    A page may use them where its context has the permissions "microphone" and "camera".
    """
    return chromium(*media.flags(tmp_path_factory.mktemp("media")))


@pytest.fixture(scope="package")
def bare_browser(chromium: Callable[..., Browser]) -> Browser:
    """One without any microphone or camera."""
    return chromium()


@pytest.fixture
def blank_page(browser: Browser) -> Iterator[BlankPages]:
    """Open a widget's script in an empty page, without Jupyter; see BlankPages."""
    with BlankPages(browser) as pages:
        yield pages


@pytest.fixture(params=["lab", "notebook"])
def front(request: pytest.FixtureRequest) -> str:
    """JupyterLab, then Notebook 7: ``open_notebook(cells, front=front)``."""
    name: str = request.param
    return name


@pytest.fixture(scope="package")
def lab(browser: Browser) -> Iterator[Lab]:
    """A JupyterLab of the tests' own; at the end none of its processes may be left."""
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="session")
def small_model() -> None:
    """The small model's weights are on this machine, so that no test waits for a download."""
    from groqnb.local import weights

    weights.ensure("small")


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
) -> Iterator[Tabs]:
    """Open notebooks, each in a tab of its own, for one test; see Tabs."""
    with Tabs(browser, lab, re.sub(r"\W+", "_", request.node.name)) as tabs:
        yield tabs
        if request.node.stash.get(FAILED, False):
            tabs.pictures(shots)


@pytest.fixture(scope="module")
def open_for_all(browser: Browser, lab: Lab, request: pytest.FixtureRequest) -> Iterator[Tabs]:
    """Open notebooks that stay open for all tests of a module; see Tabs."""
    with Tabs(browser, lab, request.module.__name__.rpartition(".")[2]) as tabs:
        yield tabs


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report
