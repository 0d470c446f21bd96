"""The stop button of JupyterLab, pressed in the middle of an answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from .tabs import Tabs

pytestmark = pytest.mark.browser

LONG = """%%groq -p max_completion_tokens=900 -p temperature=0 -o story
Write a long story about a ship, a storm and an island. Do not stop before 700 words."""


def test_stop_keeps_what_has_come(open_notebook: Tabs, small_model: None, shots: Path) -> None:
    """Stopped, the kernel is idle at once; the text stays, marked; no traceback; all goes on."""
    notebook = open_notebook(["%load_ext groqnb", LONG, "%%groq -p max_completion_tokens=5\nHi"])
    notebook.run(0)
    notebook.watch(1, without="style, .gn-foot, .gn-live, .gn-stopped")
    notebook.start(1)
    notebook.page.wait_for_function(
        "probe.moments(1).length > 15 && probe.moments(1).at(-1).text.length > 200"
    )
    assert notebook.interrupt() < 0.5
    notebook.wait(5)
    moments = [moment for moment in notebook.watched(1) if moment.text.strip()]
    lengths = [len(moment.text) for moment in moments]
    assert lengths == sorted(set(lengths)), "the text did not grow from each paint to the next"
    assert {moment.areas for moment in moments} == {1}
    before = moments[-1].text.strip()
    assert len(before) > 200

    seen = notebook.seen(1)
    assert before[:100] in seen
    assert "stopped" in notebook.seen(1, ".gn-stopped")
    assert [output["output_type"] for output in notebook.outputs(1)] == ["display_data"]
    assert "Traceback" not in seen
    assert "KeyboardInterrupt" not in seen
    notebook.picture(shots / "stopped.png", 1)

    assert notebook.kernel("print(story.stopped, len(story.text) > 200)") == "True True"
    notebook.run(2)
    assert "local engine" in notebook.seen(2)


SHOWN = """import threading
import groqnb

@groqnb.tool
def count(word: str) -> int:
    "How many letters a word has."
    threading.Event().wait(120)
    return len(word)

run = groqnb.show(groqnb.run_tools(
    messages="How many letters has Banana?", tools=[count], tool_choice="required",
    max_completion_tokens=60, temperature=0, stream=True,
))"""


def test_stop_ends_a_run_of_tools_that_waits_for_one(
    open_notebook: Tabs, small_model: None, shots: Path
) -> None:
    """The call that was asked for stays on the page; no traceback, and the next cell runs."""
    notebook = open_notebook([SHOWN, "print(run.stopped, len(run.steps))"])
    notebook.start(0)
    notebook.page.wait_for_function("probe.seen(0, '.gn-tool').includes('count')", timeout=240_000)
    notebook.interrupt()
    notebook.wait(60)
    seen = notebook.seen(0)
    assert "count" in seen
    assert "stopped" in seen
    assert "Traceback" not in seen
    notebook.picture(shots / "stopped_tools.png", 0)
    notebook.run(1)
    assert notebook.seen(1).startswith("True")
