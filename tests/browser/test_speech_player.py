"""The speech player in a real browser: heard, sought, slowed, saved, spoken again."""

from __future__ import annotations

import base64
import hashlib
import io
import sys
import wave
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).parents[1]))

from test_speech_player import wav

from .barriers import barriers
from .blank_page import BlankPage, BlankPages
from .tabs import Tabs

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

VOICES = ["Fritz-PlayAI", "Gail-PlayAI"]
ABOUT = {
    "voice": VOICES[0],
    "facts": "Fritz-PlayAI · playai-tts · 8.0 s · wav",
    "seconds": 8.0,
    "format": "wav",
    "text": "Hello there.",
    "characters": 12,
}
STATE = {
    "autoplay": False,
    "error": "",
    "_about": ABOUT,
    "_voices": VOICES,
    "_spoken": VOICES[:1],
    "_estimate": "12 characters, about $0.0006, playai-tts",
    "_job": "",
    "_gn_offers": {"sound": {"size": 128_044, "mime": "audio/wav", "version": "1"}},
    "_gn_key": "",
}
# The kernel's part: the sound, in one piece.
KERNEL = """(data) => {
  const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
  fake.answers['gn-get'] = ({ id }) => {
    fake.say({ kind: 'gn-reply', id, value: fake.state._gn_offers.sound }, [bytes]);
  };
  const { version, ...offer } = fake.state._gn_offers.sound;
  fake.set('_gn_offers', { sound: { ...offer, size: bytes.length, version: version + '+' } });
}"""
READY = "!document.querySelector('.gw-speech-play').disabled && document.querySelector('audio')"


@pytest.fixture
def player(blank_page: BlankPages) -> Callable[..., BlankPage]:
    """Open a player whose kernel is the page's own script, with 8 seconds of sound."""

    def opened(**given: Any) -> BlankPage:
        page = blank_page("speech_player", STATE | {"_gn_offers": {}} | given)
        page.page.evaluate("offers => { fake.state._gn_offers = offers }", STATE["_gn_offers"])
        page.page.evaluate(KERNEL, base64.b64encode(wav(8)).decode())
        page.page.wait_for_function(f"{READY}.duration > 7")
        return page

    return opened


def at(page: Page) -> float:
    seconds: float = page.evaluate("document.querySelector('audio').currentTime")
    return seconds


def test_it_plays_pauses_and_seeks_by_keyboard(player: Callable[..., BlankPage]) -> None:
    """Space anywhere in it, arrows, Home and End on the waveform, which says where it is."""
    page = player()
    keyboard, slider = page.page.keyboard, page.page.get_by_role("slider", name="Position")
    slider.focus()
    keyboard.press("ArrowRight")
    keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "2.0 of 8.0 seconds")
    keyboard.press("End")
    assert at(page.page) == pytest.approx(8, abs=0.05)
    keyboard.press("Home")
    keyboard.press("PageUp")
    assert at(page.page) == pytest.approx(0.8, abs=0.05)
    keyboard.press("Space")
    expect(page.button("Pause")).to_be_visible()
    page.page.wait_for_function("document.querySelector('audio').currentTime > 1.2")
    keyboard.press("Space")
    expect(page.button("Play")).to_be_visible()
    expect(page.widget).to_contain_text("/ 0:08")


def test_the_waveform_is_that_of_the_sound_and_is_clicked_to_seek(
    player: Callable[..., BlankPage],
) -> None:
    page = player()
    canvas = page.page.locator(".gw-speech-seek canvas")
    # As high everywhere as a tone is loud, and none of it played yet.
    page.page.wait_for_function(
        """() => {
          const canvas = document.querySelector('.gw-speech-seek canvas');
          if (!canvas.width) return false;
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          return data.filter((value, index) => index % 4 === 3 && value > 0).length
            > 0.3 * canvas.width * canvas.height;
        }"""
    )
    box = canvas.bounding_box()
    assert box is not None
    canvas.click(position={"x": box["width"] * 3 / 4, "y": box["height"] / 2})
    assert at(page.page) == pytest.approx(6, abs=0.2)


def test_speed_changes_and_the_file_is_downloaded_as_it_came(
    player: Callable[..., BlankPage],
) -> None:
    page = player()
    page.page.get_by_label("Speed").select_option("1.5×")
    assert page.page.evaluate("document.querySelector('audio').playbackRate") == 1.5
    with page.page.expect_download() as download:
        page.page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "Fritz-PlayAI.wav"
    assert download.value.path().read_bytes() == wav(8)


def test_another_voice_is_spoken_only_on_request_and_its_cost_told_before(
    player: Callable[..., BlankPage],
) -> None:
    page = player()
    speak = page.button("Speak with this voice")
    expect(speak).to_be_hidden()
    page.page.get_by_label("Voice").select_option("Gail-PlayAI")
    expect(speak).to_be_visible()
    expect(page.widget).to_contain_text("about $0.0006")
    assert page.asked("speak") == []
    speak.click()
    assert page.wait_asked("speak") == {"voice": "Gail-PlayAI"}
    page.set("_job", "Gail-PlayAI")
    expect(page.button("Gail-PlayAI speaks …")).to_be_disabled()
    page.set("_spoken", VOICES)
    page.set("_about", ABOUT | {"voice": "Gail-PlayAI"})
    page.set("_job", "")
    expect(page.page.get_by_label("Voice")).to_have_value("Gail-PlayAI")
    expect(speak).to_be_hidden()
    # One that has spoken is played at once.
    page.page.get_by_label("Voice").select_option("Fritz-PlayAI ✓")
    assert page.wait_asked("choose") == {"voice": "Fritz-PlayAI"}


def test_a_load_that_fails_late_keeps_the_sound_that_came_after_it(
    player: Callable[..., BlankPage],
) -> None:
    """Two voices follow each other closely, and the first one's sound is gone by then."""
    page = player()
    before = page.page.evaluate("document.querySelector('audio').src")
    page.page.evaluate("fake.silent(true)")
    for version in ("a", "b"):
        offer = {"size": len(wav(2)), "mime": "audio/wav", "version": version}
        page.set("_gn_offers", {"sound": offer})
    first, second = [each["id"] for each in page.sent("gn-ask") if each["what"] == "gn-get"][-2:]
    page.say({"kind": "gn-reply", "id": first, "error": "gone"})
    page.page.evaluate(
        """([id, value, data]) => {
          const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
          fake.say({ kind: 'gn-reply', id, value }, [bytes]);
        }""",
        [second, offer, base64.b64encode(wav(2)).decode()],
    )
    page.page.wait_for_function(
        "before => document.querySelector('audio').src !== before", arg=before
    )
    page.page.wait_for_function("document.querySelector('audio').duration < 3")
    expect(page.page.get_by_role("alert")).to_be_hidden()
    expect(page.page.get_by_role("status")).to_have_text("")


def test_the_waveform_of_a_sound_before_is_not_drawn_over_that_of_a_newer_one(
    player: Callable[..., BlankPage],
) -> None:
    """A long sound takes longer to decode than a short one that is loaded after it."""
    page = player()
    page.page.evaluate(
        """() => {
          const own = OfflineAudioContext.prototype.decodeAudioData;
          const held = new Promise((done) => (window.release = done));
          let first = true;
          window.decoded = 0;
          OfflineAudioContext.prototype.decodeAudioData = async function (data) {
            const late = first;
            first = false;
            if (late) await held;
            const sound = await own.call(this, data);
            setTimeout(() => (window.decoded += 1), 100);
            return sound;
          };
        }"""
    )
    silence = wav(8)[:44] + bytes(len(wav(8)) - 44)
    for count, sound in enumerate((wav(8), silence)):
        before = page.page.evaluate("document.querySelector('audio').src")
        page.page.evaluate(KERNEL, base64.b64encode(sound).decode())
        page.page.wait_for_function(
            "before => document.querySelector('audio').src !== before", arg=before
        )
        page.page.wait_for_function("count => window.decoded >= count", arg=count)
    page.page.evaluate("release()")
    page.page.wait_for_function("window.decoded === 2")
    ink = page.page.evaluate(
        """() => {
          const canvas = document.querySelector('.gw-speech-seek canvas');
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          const inked = data.filter((value, index) => index % 4 === 3 && value > 0).length;
          return inked / (canvas.width * canvas.height);
        }"""
    )
    assert ink < 0.2


def test_it_has_no_barriers(player: Callable[..., BlankPage]) -> None:
    page = player(error="Something went wrong.")
    page.page.get_by_label("Voice").select_option("Gail-PlayAI")
    assert barriers(page.page, ".gw") == []


# --- in Jupyter ---

PLAY = """import groqnb

def speak(voice):
    if voice == "c":
        raise groqnb.ParameterError("c is hoarse.")
    return open("low.wav", "rb").read()

player = groqnb.SpeechPlayer(
    "high.wav", text="Hello there.", voice="a", voices=["a", "b", "c"], speak=speak
)
player"""
HASH = """async () => {
  const blob = await (await fetch(document.querySelector('.gw-speech audio').src)).arrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', blob));
  return [...hash].map((each) => each.toString(16).padStart(2, '0')).join('');
}"""


def test_the_page_plays_the_kernels_bytes_and_the_notebook_keeps_them(
    open_notebook: Tabs, front: str
) -> None:
    """Also another voice's, chosen on the page; a voice that fails is told and nothing is lost."""
    notebook = open_notebook([PLAY], front=front)
    high, low = wav(1.5), wav(1.2, high=200)
    (notebook.lab.notebooks / "high.wav").write_bytes(high)
    (notebook.lab.notebooks / "low.wav").write_bytes(low)
    notebook.run(0)
    page = notebook.page
    group = page.get_by_role("group", name="Speech player")
    page.wait_for_function(f"{READY}.duration > 1")
    assert page.evaluate(HASH) == hashlib.sha256(high).hexdigest()
    group.get_by_label("Voice").select_option("b")
    group.get_by_role("button", name="Speak with this voice").click()
    expect(group.get_by_label("Voice").locator("option:checked")).to_have_text("b ✓")
    page.wait_for_function("document.querySelector('.gw-speech audio').duration < 1.3")
    assert page.evaluate(HASH) == hashlib.sha256(low).hexdigest()
    group.get_by_label("Voice").select_option("c")
    group.get_by_role("button", name="Speak with this voice").click()
    expect(group.get_by_role("alert")).to_have_text("c is hoarse.")
    assert notebook.kernel("print(player.voice, list(player.takes))") == "b ['a', 'b']"
    group.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('.gw-speech audio').currentTime > 0.2")
    _, saved = notebook.outputs(0)
    assert base64.b64encode(low).decode() in saved["data"]["text/html"]
    assert saved["data"]["text/plain"].startswith("Speech: b · 1.2 s · wav")
    expect(page.locator(".gn-speech")).to_be_hidden()


def test_reopened_untrusted_it_still_says_and_plays_what_was_spoken(open_notebook: Tabs) -> None:
    """Without a kernel: what was said and by whom, and the browser's own player with the sound."""
    notebook = open_notebook([PLAY])
    (notebook.lab.notebooks / "high.wav").write_bytes(wav(1.5))
    notebook.run(0)
    path = notebook.save()
    saved = nbformat.read(path, as_version=4)
    assert "widgets" not in saved.metadata
    saved.metadata = {"kernelspec": {"name": "gone", "display_name": "", "language": "gone"}}
    again_path = path.with_name("spoken_again.ipynb")
    nbformat.write(saved, again_path)
    again = open_notebook(again_path, kernel=False)
    assert not again.trusted(0)
    seen = again.seen(0)
    assert "“Hello there.”" in seen
    assert "a · 1.5 s · wav" in seen
    again.page.wait_for_function("document.querySelector('.gn-speech audio').duration > 1")


def test_it_has_no_barriers_in_either_theme(open_notebook: Tabs, shots: Path) -> None:
    notebook = open_notebook([PLAY])
    (notebook.lab.notebooks / "high.wav").write_bytes(speech())
    notebook.run(0)
    page = notebook.page
    page.wait_for_function(f"{READY}.duration > 1")
    page.get_by_role("slider", name="Position").press("PageUp")
    page.get_by_label("Voice").select_option("b")
    for theme in ("Dark", "Light"):
        notebook.theme(f"JupyterLab {theme}")
        notebook.picture(shots / f"speech_player_{theme.lower()}.png")
        assert barriers(page, ".gw") == []


def speech() -> bytes:
    """Tones that swell and fade as words do."""
    import numpy as np

    time = np.arange(8 * 8000) / 8000
    loud = np.abs(np.sin(time * 2.1) * np.sin(time * 0.7)) ** 1.5
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((loud * np.sin(1800 * time) * 20000).astype("<i2").tobytes())
    return made.getvalue()
