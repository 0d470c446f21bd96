"""The recorder in JupyterLab and Notebook 7, with a microphone that plays a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from .media import recorded, write_wav
from .notebook_page import NotebookPage
from .tabs import Tabs

pytestmark = pytest.mark.browser

TESTS = str(Path(__file__).parents[1])
SPEECH = Path(__file__).parents[2] / "notebooks" / "data" / "speech_en.flac"
# A server with one transcript stands in for the cloud; the recorder is asked as it is.
SETUP = f"""import sys
sys.path.insert(0, {TESTS!r})
import groqnb
from browser import media
from browser.speech_server import SpeechServer
server = SpeechServer()
client = groqnb.Groq(api_key="gsk_x", base_url=server.url)"""
RECORDER = "rec = groqnb.AudioRecorder(max_seconds=60, processing=False, client=client)\nrec"
LIKENESS = """import numpy as np
heard = np.frombuffer(rec.to_wav(16_000)[44:], "<i2") / 32768
windows = [heard[at : at + 16_000] for at in range(0, len(heard) - 16_000, 8_000)]
print(max(media.likeness(each, media.sweeps()[::3]) for each in windows))"""


def opened(open_notebook: Tabs, front: str = "lab", *cells: str) -> tuple[NotebookPage, Locator]:
    notebook = open_notebook([SETUP, RECORDER, *cells], front=front, permissions=["microphone"])
    notebook.run(0)
    notebook.run(1)
    return notebook, notebook.page.get_by_role("group", name="Audio recorder")


def button(group: Locator, name: str) -> Any:
    return group.get_by_role("button", name=name, exact=True)


def record(group: Locator, seconds: int = 2) -> None:
    button(group, "Record").click()
    recorded(group.page, seconds)
    button(group, "Stop").click()
    expect(group.get_by_role("status")).to_contain_text("in Python as .value")


def test_recorded_transcribed_and_saved(open_notebook: Tabs, front: str, shots: Path) -> None:
    """The sound in Python is the one that was played; the transcript is saved with the notebook."""
    notebook, group = opened(open_notebook, front)
    record(group)
    assert float(notebook.kernel(LIKENESS)) > 0.9
    assert notebook.kernel("print(rec.format, 1.5 < rec.duration < 20)") == "webm True"
    expect(group.get_by_text("price not known")).to_be_visible()
    button(group, "Transcribe").click()
    line = group.get_by_role("button", name="Good morning")
    expect(line).to_be_visible()
    notebook.picture(shots / f"recorder_{front}.png", 1)

    # A click on a part of the transcript plays that part, and stops at its end.
    line.evaluate(
        """line => { window.marks = []; new MutationObserver(() =>
        marks.push(line.getAttribute("aria-current"))).observe(line, { attributes: true }); }"""
    )
    line.click()
    notebook.page.wait_for_function("marks.includes('true') && marks.at(-1) === null")
    assert "Good morning" in notebook.kernel("print(rec.transcript.text)")
    saved = notebook.outputs(1)
    assert saved[0]["data"]["text/plain"] == "AudioRecorder(empty)"
    assert "Good morning" in saved[1]["data"]["text/html"]
    assert "data:audio/webm" in saved[1]["data"]["text/html"]


def test_reopened_untrusted_it_shows_what_was_said(open_notebook: Tabs, shots: Path) -> None:
    """Saved, closed, opened with no kernel and no trust: the transcript can be read."""
    notebook, group = opened(open_notebook)
    record(group)
    button(group, "Transcribe").click()
    expect(group.get_by_role("button", name="Good morning")).to_be_visible()
    again = open_notebook.reopen(notebook)
    assert not again.trusted(1)
    assert "Good morning" in again.seen(1)
    assert "run this cell to use it" in again.seen(1)
    again.picture(shots / "recorder_reopened.png", 1)


def test_two_recorders_keep_their_sounds_apart_and_hear_while_a_cell_runs(
    open_notebook: Tabs,
) -> None:
    """Two at once each have their own; what one records while a cell runs is there after it."""
    other = "two = groqnb.AudioRecorder(processing=False)\ntwo"
    busy = "import time\nwhile True:\n    time.sleep(0.05)"
    notebook, _ = opened(open_notebook, "lab", other, busy)
    notebook.run(2)
    groups = notebook.page.get_by_role("group", name="Audio recorder")
    notebook.start(3)
    for number in (0, 1):
        button(groups.nth(number), "Record").click()
    for number in (0, 1):
        recorded(notebook.page, 2 + 2 * number, number)
        button(groups.nth(number), "Stop").click()
    notebook.interrupt()
    notebook.wait()
    for number in (0, 1):
        expect(groups.nth(number).get_by_role("status")).to_contain_text("in Python as .value")
    assert (
        notebook.kernel("print(1 < rec.duration < two.duration, rec.value != two.value)")
        == "True True"
    )


def test_a_dropped_connection_loses_nothing(open_notebook: Tabs) -> None:
    """The network goes while it records and comes back: the whole recording arrives."""
    notebook, group = opened(open_notebook)
    button(group, "Record").click()
    recorded(notebook.page, 1)
    context = notebook.page.context
    context.set_offline(True)
    recorded(notebook.page, 3)
    button(group, "Stop").click()
    expect(group.get_by_role("status")).to_contain_text("Sending")
    context.set_offline(False)
    expect(group.get_by_role("status")).to_contain_text("in Python as .value", timeout=90_000)
    assert notebook.kernel("print(2.5 < rec.duration < 20)") == "True"
    # The page complained of the network rightly.
    notebook.heard.console.clear()
    notebook.heard.errors.clear()


def test_fifty_megabytes_go_both_ways(open_notebook: Tabs, tmp_path: Path) -> None:
    """A file of 50 MB that is dropped on the widget is in Python byte for byte, and plays."""
    import numpy as np

    path = write_wav(tmp_path / "long.wav", np.zeros(26_000_000, "f4"))
    notebook, group = opened(open_notebook)
    group.locator("input[type=file]").set_input_files(path)
    expect(group.get_by_role("status")).to_contain_text("long.wav: 9:01", timeout=120_000)
    assert notebook.kernel(f"print(rec.value == open({str(path)!r}, 'rb').read())") == "True"


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_it_has_no_barriers(open_notebook: Tabs, shots: Path, theme: str) -> None:
    """axe finds nothing wrong with names, roles and contrast, with a sound and a transcript."""
    from .barriers import barriers

    cell = f"rec = groqnb.AudioRecorder(value={str(SPEECH)!r}, client=client)\nrec"
    notebook = open_notebook([SETUP, cell, "transcript = rec.transcribe(progress=False)"])
    notebook.theme(theme)
    for index in range(3):
        notebook.run(index)
    group = notebook.page.get_by_role("group", name="Audio recorder")
    expect(group.get_by_role("button", name="Good morning")).to_be_visible()
    group.get_by_text("Trim", exact=True).click()
    notebook.scroll_to(1)
    assert barriers(notebook.page, ".gw") == []
    name = theme.split()[-1].lower()
    notebook.picture(shots / f"recorder_{name}.png", 1)
