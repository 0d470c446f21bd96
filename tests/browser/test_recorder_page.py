"""The recorder's script in an empty page, with a microphone that plays a file and no kernel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

import groqnb
from groqnb.widgets import sounds

from . import media
from .blank_page import BlankPage, BlankPages
from .notebook_page import Heard

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

STATE: dict[str, Any] = {
    "max_seconds": 600,
    "stop_on_silence": 0,
    "bitrate": 64_000,
    "processing": False,
}
ANSWERS = {"gn-finish": {"seconds": 1.5, "size": 12_345}}


@pytest.fixture
def recorder(blank_page: BlankPages) -> Callable[..., BlankPage]:
    """Open a recorder with other settings than usual."""

    def open_(permissions: tuple[str, ...] = ("microphone",), **state: Any) -> BlankPage:
        return blank_page("recorder", STATE | state, ANSWERS, permissions=list(permissions))

    return open_


def status(page: BlankPage) -> Any:
    return page.page.get_by_role("status")


def alert(page: BlankPage) -> Any:
    return page.page.get_by_role("alert")


def test_what_is_recorded_arrives_and_sounds_like_the_source(
    recorder: Callable[..., BlankPage],
) -> None:
    """Record, pause, resume, stop: the bytes that were sent are the sound that was played."""
    page = recorder()
    expect(page.button("Pause")).to_be_hidden()
    page.button("Record").click()
    media.recorded(page.page, 3)
    page.button("Pause").click()
    expect(status(page)).to_have_text("Paused")
    page.button("Resume").click()
    media.recorded(page.page, 4)
    page.button("Stop").click()
    expect(status(page)).to_contain_text("in Python as .value")
    (data,) = page.uploaded()
    finish = page.asked("gn-finish")[-1]
    assert finish["size"] == len(data)
    assert finish["meta"]["origin"] == finish["upload"]
    assert abs(sounds.length(data) - finish["meta"]["seconds"]) < 0.5
    assert max(finish["meta"]["peaks"]) > 30
    # It went in small pieces while there was recording, not at the end.
    assert len(page.sent("gn-piece")) >= 3
    import numpy as np

    heard = np.frombuffer(sounds.to_wav(data, 16_000)[44:], "<i2") / 32768
    seconds = [heard[start : start + 16_000] for start in range(0, len(heard) - 16_000, 8_000)]
    assert max(media.likeness(second, media.sweeps()[::3]) for second in seconds) > 0.9


def test_the_longest_time_and_silence_end_a_recording(recorder: Callable[..., BlankPage]) -> None:
    """It stops by itself, and says why; the countdown is there before."""
    page = recorder(max_seconds=1)
    page.page.evaluate(
        """() => { window.told = ""; const timer = document.querySelector("[role=timer]");
        const look = () => (told ||= timer.textContent);
        new MutationObserver(look).observe(timer, { childList: true }); }"""
    )
    page.button("Record").click()
    expect(status(page)).to_contain_text("The longest time, 1.0 s, was reached.")
    assert "left" in page.page.evaluate("told")
    assert page.asked("gn-finish")[-1]["meta"]["seconds"] >= 1
    # The microphone plays eight seconds, and then silence.
    page = recorder(stop_on_silence=1)
    page.button("Record").click()
    expect(status(page)).to_contain_text("Stopped after 1 s of silence.")
    assert 8 <= page.asked("gn-finish")[-1]["meta"]["seconds"] < 30


def test_it_is_used_by_keyboard_alone(recorder: Callable[..., BlankPage]) -> None:
    """Space records and stops, P pauses, Esc stops; the page around hears none of it."""
    page = recorder()
    page.page.evaluate("() => { window.keys = []; onkeydown = (event) => keys.push(event.key); }")
    page.widget.focus()
    page.page.keyboard.press("Space")
    media.recorded(page.page, 1)
    page.page.keyboard.press("p")
    expect(page.widget).to_have_attribute("data-state", "paused")
    page.page.keyboard.press("p")
    expect(page.widget).to_have_attribute("data-state", "recording")
    page.page.keyboard.press("Escape")
    expect(status(page)).to_contain_text(".value")
    page.page.keyboard.press("Space")
    media.recorded(page.page, 1)
    page.page.keyboard.press("Space")
    page.wait_asked("gn-finish", 2)
    assert page.page.evaluate("keys") == []


def test_a_discarded_recording_is_never_finished(recorder: Callable[..., BlankPage]) -> None:
    """Discard while recording forgets it, here and in the kernel, and frees the microphone."""
    page = recorder()
    page.button("Record").click()
    media.recorded(page.page, 1)
    page.button("Discard").click()
    expect(status(page)).to_have_text("Discarded")
    page.wait_asked("gn-drop")
    assert page.asked("gn-finish") == []
    expect(page.button("Play")).to_be_hidden()
    expect(page.button("Record")).to_be_enabled()


def test_a_refused_microphone_is_told_with_what_to_do(recorder: Callable[..., BlankPage]) -> None:
    """Nobody asks before Record; refused, the recorder says how to allow it, and files work."""
    page = recorder(permissions=())
    page.page.evaluate(
        """() => { window.asks = 0; const media = navigator.mediaDevices;
        const ask = media.getUserMedia.bind(media);
        media.getUserMedia = (wish) => (asks++, ask(wish)); }"""
    )
    page.page.wait_for_timeout(200)
    assert page.page.evaluate("asks") == 0
    page.button("Record").click()
    expect(alert(page)).to_contain_text("did not allow the microphone. Allow it in the site")
    assert page.page.evaluate("asks") == 1
    expect(page.button("Record")).to_be_enabled()
    expect(page.button("Use a file…")).to_be_enabled()


def test_without_a_microphone_a_file_does(
    blank_page: BlankPages, bare_browser: Browser, tmp_path: Path
) -> None:
    """No device: it says so; a file that is chosen or dropped goes to the kernel byte for byte."""
    page = blank_page("recorder", STATE, ANSWERS, browser=bare_browser, permissions=["microphone"])
    for browser in ("Chromium", "WebKit"):
        if browser == "WebKit":
            page.page.evaluate(media.AS_WEBKIT)
        page.button("Record").click()
        expect(alert(page)).to_contain_text("No microphone was found. Plug one in")
    path = media.write_wav(tmp_path / "tone.wav", media.sweeps())
    page.page.locator("input[type=file]").set_input_files(path)
    expect(status(page)).to_contain_text("tone.wav: 1.5 s")
    assert page.uploaded() == [path.read_bytes()]
    assert page.asked("gn-finish")[-1]["meta"]["name"] == "tone.wav"
    expect(alert(page)).to_be_hidden()


def test_the_file_that_was_chosen_last_is_the_sound(
    recorder: Callable[..., BlankPage], tmp_path: Path
) -> None:
    """Also where an earlier, larger one is still on its way: that one is given up."""
    page = recorder()
    large = media.write_wav(tmp_path / "large.wav", media.sweeps())
    small = media.write_wav(tmp_path / "small.wav", media.sweeps()[:4000])
    page.page.evaluate("fake.silent(true)")
    files = page.page.locator("input[type=file]")
    files.set_input_files(large)
    expect(status(page)).to_contain_text("large.wav: Sending")
    page.page.wait_for_function("fake.sent.some(({ kind }) => kind === 'gn-piece')")
    first = page.sent("gn-piece")[0]["id"]
    files.set_input_files(small)
    assert page.wait_asked("gn-drop") == {"upload": first}
    page.page.evaluate("fake.silent(false)")
    expect(status(page)).to_contain_text("small.wav: 1.5 s")
    assert {each["meta"]["name"] for each in page.asked("gn-finish")} == {"small.wav"}


def test_the_microphone_is_free_when_the_view_goes(recorder: Callable[..., BlankPage]) -> None:
    """Clearing the output while recording ends every track, and keeps what had arrived."""
    page = recorder()
    page.page.evaluate(
        """() => { window.tracks = []; const media = navigator.mediaDevices;
        const ask = media.getUserMedia.bind(media);
        media.getUserMedia = async (wish) => { const stream = await ask(wish);
          tracks.push(...stream.getTracks()); return stream; }; }"""
    )
    page.button("Record").click()
    media.recorded(page.page, 1)
    page.page.evaluate("fake.close()")
    assert page.page.evaluate("tracks.map((track) => track.readyState)") == ["ended"]
    keep = page.wait_asked("keep")
    assert keep["upload"] == page.asked("started")[-1]["upload"]


def test_pieces_that_get_lost_are_sent_again(recorder: Callable[..., BlankPage]) -> None:
    """A connection that drops everything for a while costs nothing: all of it arrives."""
    page = recorder(_gn_patience=[100, 400])
    page.button("Record").click()
    media.recorded(page.page, 1)
    page.page.evaluate("fake.silent(true)")
    before = len(page.sent("gn-piece"))
    media.recorded(page.page, 3)
    page.button("Stop").click()
    page.page.wait_for_function(
        "n => fake.sent.filter(({ kind }) => kind === 'gn-piece').length > n + 4", arg=before
    )
    assert page.asked("gn-finish") == []
    page.page.evaluate("fake.silent(false)")
    expect(status(page)).to_contain_text(".value")
    assert sounds.length(page.uploaded()[0]) > 2.5


def test_the_loopback_page_records_into_the_same_object(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, shots: Path
) -> None:
    """Where a front end refuses the microphone, a tab of its own records into Python."""
    monkeypatch.setattr("groqnb.widgets.loopback.refuse_remote", lambda: None)
    rec = groqnb.AudioRecorder(processing=False)
    url = rec._open_page()
    context = browser.new_context(permissions=["microphone"], color_scheme="dark")
    page, heard = context.new_page(), Heard()
    page.on("pageerror", lambda error: heard.errors.append(str(error)))
    page.on("request", lambda request: heard.requests.append(request.url))
    page.on("console", lambda line: line.type == "error" and heard.console.append(line.text))
    page.goto(url)
    page.get_by_role("button", name="Record", exact=True).click()
    media.recorded(page, 2)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("status")).to_contain_text("in Python as .value")
    assert rec.format == "webm"
    assert 1.5 < rec.duration < 20
    rec.trim(0.5, 1.5)
    expect(page.get_by_role("button", name="Undo the trim")).to_be_visible()
    # What was cut in Python comes from there when it is played.
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    page.screenshot(path=shots / "loopback.png")
    heard.must_be_quiet()
    page.close(run_before_unload=True)
    context.close()
    rec.close()


def test_an_insecure_page_offers_the_tab(blank_page: BlankPages) -> None:
    """Where the front end can never record, the widget itself offers the page that can."""
    url = "http://127.0.0.1:9/secret/"
    page = blank_page("recorder", STATE, ANSWERS | {"gn-page": {"url": url}})
    page.page.evaluate("Object.defineProperty(window, 'isSecureContext', { value: false })")
    page.button("Record").click()
    expect(alert(page)).to_contain_text("only to https:// pages and to localhost")
    page.button("Record in a browser tab").click()
    link = page.page.get_by_role("link", name="Open the page in a browser")
    expect(link).to_have_attribute("href", url)
    expect(link).to_have_attribute("rel", "noopener")
