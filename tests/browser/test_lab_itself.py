"""The instruments themselves: what they report of a page is what happened there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import chromium
import pytest

pytestmark = pytest.mark.browser

GROW = """
import time
from IPython.display import HTML, display

handle = display(HTML("<p>0</p>"), display_id=True)
for step in range(1, 400):
    handle.update(HTML("<p>" + " ".join(map(str, range(step))) + "</p>"))
    time.sleep(0.05)
"""


def test_growth_is_seen_and_lab_interrupts(open_notebook) -> None:
    """The watcher sees a display grow in one output, and Lab's button ends the cell."""
    notebook = open_notebook([GROW])
    notebook.watch(0)
    notebook.start(0)
    notebook.page.wait_for_function("probe.watching.moments.length > 10")
    assert notebook.interrupt() < 0.5
    notebook.wait()
    moments = notebook.watched()
    lengths = [len(moment.text) for moment in moments if moment.areas == 1]
    assert len(lengths) >= 10
    assert lengths == sorted(set(lengths))
    assert notebook.outputs(0)[-1]["ename"] == "KeyboardInterrupt"
    assert notebook.kernel("print(6 * 7)") == "42"


def test_errors_and_requests_to_other_machines_are_heard(open_notebook) -> None:
    """A request off the machine, an error thrown and an error logged each fail a test."""
    notebook = open_notebook(["1"])
    notebook.page.evaluate("fetch('http://elsewhere.invalid/').catch(() => 0)")
    notebook.page.evaluate("setTimeout(() => { throw new Error('thrown') })")
    notebook.page.wait_for_timeout(100)
    heard = notebook.heard
    assert heard.abroad == ["http://elsewhere.invalid/"]
    assert heard.errors == ["thrown"]
    assert ["ERR_NAME_NOT_RESOLVED" in line for line in heard.console] == [True]
    # The fixture would rightly fail this test for them.
    for kept in (heard.requests, heard.errors, heard.console):
        kept.clear()


@pytest.mark.parametrize(("ci", "outcome"), [("", "2 skipped"), ("true", "2 errors")])
def test_a_missing_browser_skips_here_and_fails_in_ci(ci: str, outcome: str) -> None:
    """Without Chrome or Chromium the tests skip and say why; in CI that is a failure."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-rsE",
        "-k",
        "seen or heard",
    ]
    done = subprocess.run(
        [*command, __file__],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"CI": ci, "GROQNB_CHROME": "/no/such/chrome"},
    )
    assert outcome in done.stdout
    assert "GROQNB_CHROME is '/no/such/chrome', and there is no such program" in done.stdout


def test_no_browser_anywhere_is_said_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no browser is found, the message says what to install or to set."""
    monkeypatch.delenv("GROQNB_CHROME", raising=False)
    monkeypatch.setattr(chromium, "_places", lambda: iter([Path("/no/such/chrome")]))
    with pytest.raises(chromium.NoBrowser, match="install one, .* or set GROQNB_CHROME"):
        chromium.find()
