"""The instruments themselves: what they report of a page is what happened there."""

from __future__ import annotations

import pytest

from .tabs import Tabs

pytestmark = pytest.mark.browser

GROW = """
import time
from IPython.display import HTML, display

handle = display(HTML("<p>0</p>"), display_id=True)
for step in range(1, 400):
    handle.update(HTML("<p>" + " ".join(map(str, range(step))) + "</p>"))
    time.sleep(0.05)
"""


def test_growth_is_seen_and_lab_interrupts(open_notebook: Tabs) -> None:
    """The watcher sees a display grow in one output, and Lab's button ends the cell."""
    notebook = open_notebook([GROW])
    notebook.watch(0)
    notebook.start(0)
    notebook.page.wait_for_function("probe.moments(0).length > 10")
    assert notebook.interrupt() < 0.5
    notebook.wait()
    moments = notebook.watched(0)
    lengths = [len(moment.text) for moment in moments if moment.areas == 1]
    assert len(lengths) >= 10
    assert lengths == sorted(set(lengths))
    assert notebook.outputs(0)[-1]["ename"] == "KeyboardInterrupt"
    assert notebook.kernel("print(6 * 7)") == "42"


def test_errors_and_requests_to_other_machines_are_heard(open_notebook: Tabs) -> None:
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
