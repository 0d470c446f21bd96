"""The speech player without a page: what it takes, keeps, saves, and how other voices are asked."""

from __future__ import annotations

import io
import json
import threading
import wave
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from test_widget_base import Sample

import groqnb
from groqnb.speaking.spoken import Spoken
from groqnb.types.audio import Speech
from groqnb.types.errors import ParameterError

DATA = Path(__file__).parents[1] / "notebooks" / "data" / "speech_en.flac"


def wav(seconds: float = 0.5, rate: int = 8000, high: float = 440) -> bytes:
    """A tone."""
    samples = 0.5 * np.sin(2 * np.pi * high * np.arange(int(seconds * rate)) / rate)
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return made.getvalue()


class Player(groqnb.SpeechPlayer):
    """A player whose page is the test."""

    hear, ask, send = Sample.hear, Sample.ask, Sample.send

    def __init__(self, *given: Any, **options: Any) -> None:
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        super().__init__(*given, **options)

    def wait(self) -> None:
        """Wait for what goes on in the background."""
        for thread in threading.enumerate():
            if thread.name == "groqnb-Player":
                thread.join(60)
                assert not thread.is_alive()


# --- what it takes ---


def test_bytes_a_path_and_a_reply_are_taken(tmp_path: Path) -> None:
    """What the bytes are counts; the sound is what came, and can be saved."""
    data = wav()
    (tmp_path / "a.wav").write_bytes(data)
    reply = Speech.from_body(data, {"content-type": "audio/wav"})
    for source in (data, bytearray(data), tmp_path / "a.wav", str(tmp_path / "a.wav"), reply):
        player = groqnb.SpeechPlayer(source)
        assert (player.value, player.format, player.duration) == (data, "wav", 0.5)
    assert groqnb.SpeechPlayer(data, "mp3").format == "wav"
    assert player.save(tmp_path / "b.wav").read_bytes() == data
    compressed = groqnb.SpeechPlayer(DATA, voice="v")
    assert compressed.format == "flac"
    assert compressed.duration == pytest.approx(17.1, abs=0.2)
    assert compressed.takes == {"v": DATA.read_bytes()}


def test_who_spoke_in_place_of_the_model_is_told() -> None:
    """A local engine's reply, and what `groqnb.speak` gave, name the model that answered."""
    headers = {"content-type": "audio/wav", "x-groqnb-engine": "local", "x-groqnb-model": "Kokoro"}
    reply = Speech.from_body(wav(), headers)
    said = Spoken(wav(), "wav", "Hi.", "v", "playai-tts", answered="Kokoro")
    for source in (reply, said):
        player = groqnb.SpeechPlayer(source, voice="v", model="playai-tts")
        assert "v · playai-tts · local engine · Kokoro" in player._about["facts"]
        assert "local engine · Kokoro" in player._result_bundle()["text/plain"]
        assert "local engine · Kokoro" in player._result_bundle()["text/html"]


def test_mulaw_is_kept_as_it_came_and_made_wav_for_the_browser() -> None:
    """Bare, and in a WAV file; the samples are those that FFmpeg makes of it."""
    av = pytest.importorskip("av")
    made = io.BytesIO()
    with av.open(made, "w", format="wav") as target:
        coded = target.add_stream("pcm_mulaw", rate=16000, layout="mono")
        tone = (20000 * np.sin(np.arange(16000) / 7)).astype("<i2")[None]
        frame = av.AudioFrame.from_ndarray(tone, "s16", "mono")
        frame.sample_rate = 16000
        for packet in [*coded.encode(frame), *coded.encode(None)]:
            target.mux(packet)
    file = made.getvalue()
    with av.open(io.BytesIO(file)) as source:
        frames = [each.to_ndarray()[0] for each in source.decode(audio=0)]
    expected = np.concatenate(frames).astype("<i2").tobytes()
    bare = file[file.index(b"data") + 8 :][:16000]
    for player in (
        groqnb.SpeechPlayer(file),
        groqnb.SpeechPlayer(bare, format="mulaw", sample_rate=16000),
    ):
        assert (player.format, player.duration) == ("mulaw", 1.0)
        with wave.open(io.BytesIO(player._take.playable)) as played:
            assert played.getframerate() == 16000
            assert played.readframes(99999) == expected
    assert groqnb.SpeechPlayer(bare, format="mulaw").duration == pytest.approx(1 / 3, abs=0.001)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"audio": b""}, "no bytes came"),
        ({"audio": b"<html>"}, "no sound file. Bare mulaw must be named"),
        ({"audio": wav(), "format": "aac"}, "one of flac, mp3, mulaw, ogg, wav"),
        ({"audio": 3}, "is a int, not the bytes"),
        ({"audio": wav(), "txt": "x"}, "Did you mean 'text'"),
    ],
)
def test_what_cannot_be_played_is_refused_in_words(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        groqnb.SpeechPlayer(**given)


# --- other voices ---


def test_another_voice_is_asked_once_and_kept() -> None:
    """With model, text, format and rate of the first; going back costs nothing."""
    asked: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        return httpx.Response(200, content=wav(0.25), headers={"content-type": "audio/wav"})

    client = groqnb.Groq(api_key="gsk_test", transport=httpx.MockTransport(answer))
    player = Player(
        wav(),
        text="Hello there.",
        voice="Fritz-PlayAI",
        model="playai-tts",
        sample_rate=8000,
        client=client,
    )
    player.ask("speak", {"voice": "Gail-PlayAI"}, ask="1")
    player.wait()
    assert asked == [
        {
            "input": "Hello there.",
            "model": "playai-tts",
            "voice": "Gail-PlayAI",
            "response_format": "wav",
            "sample_rate": 8000,
        }
    ]
    assert (player.voice, player.duration, player._job) == ("Gail-PlayAI", 0.25, "")
    assert list(player.takes) == player._spoken == ["Fritz-PlayAI", "Gail-PlayAI"]
    version = player._gn_offers["sound"]["version"]
    assert player.ask("choose", {"voice": "Fritz-PlayAI"}, ask="2")[-1]["value"] is True
    assert (player.voice, player.value) == ("Fritz-PlayAI", wav())
    assert player._gn_offers["sound"]["version"] != version
    player.speak("Gail-PlayAI")
    assert len(asked) == 1
    assert player.ask("choose", {"voice": "Chip-PlayAI"}, ask="3")[-1]["value"] is False


def test_a_voice_that_fails_changes_nothing_and_is_told() -> None:
    def fail(voice: str) -> bytes:
        raise ParameterError(f"{voice} has lost its voice.")

    player = Player(wav(), text="Hello.", voice="a", voices=["a", "b"], speak=fail)
    player.ask("speak", {"voice": "b"}, ask="1")
    player.wait()
    assert player.error == "b has lost its voice."
    assert (player.voice, player._job, list(player.takes)) == ("a", "", ["a"])
    with pytest.raises(ParameterError, match="lost its voice"):
        player.speak("b")
    (reply,) = player.ask("speak", {"voice": "c"}, ask="2")
    assert "none of the voices" in reply["error"]


def test_a_function_may_speak_in_place_of_one_call() -> None:
    player = groqnb.SpeechPlayer(wav(), text="Hi.", voice="a", voices=["a", "b"], speak=_spoken)
    assert player.speak("b") is player
    assert (player.voice, player.duration) == ("b", 0.1)


def _spoken(voice: str) -> bytes:
    return wav(0.1)


@pytest.mark.parametrize(
    ("options", "words"),
    [({"model": "playai-tts"}, "What was said"), ({"text": "Hello."}, "The model is not known")],
)
def test_without_text_or_model_there_is_no_choice(options: dict[str, Any], words: str) -> None:
    player = groqnb.SpeechPlayer(wav(), voice="a", **options)
    assert player._voices == ["a"]
    with pytest.raises(ParameterError, match=words):
        player.speak("b")


def test_what_another_voice_costs_stands_there_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By the user's prices, unknown without one, free on the local engine; never sent for it."""
    monkeypatch.setenv("GROQNB_PRICES", str(tmp_path / "prices.json"))
    cloud = groqnb.Groq(api_key="gsk_test", transport=httpx.MockTransport(httpx.Response))
    options = {"text": "word " * 200, "voice": "Fritz-PlayAI", "model": "playai-tts"}
    told = groqnb.SpeechPlayer(wav(), client=cloud, **options)._estimate
    assert told == "1,000 characters, price not known, playai-tts"
    (tmp_path / "prices.json").write_text(
        '{"models": {"playai-tts": {"per_million_characters": 50}}}'
    )
    told = groqnb.SpeechPlayer(wav(), client=cloud, **options)._estimate
    assert told == "1,000 characters, about $0.05, playai-tts"
    local = groqnb.Groq(where="local")
    assert "free" in groqnb.SpeechPlayer(wav(), client=local, **options)._estimate
    assert len(groqnb.SpeechPlayer(wav(), client=local, **options)._voices) == 19


# --- what is saved ---


def test_a_short_sound_is_saved_with_the_notebook_and_a_long_one_named() -> None:
    player = groqnb.SpeechPlayer(wav(), text="<b>Hello</b>", voice="a", model="m")
    bundle = player._result_bundle()
    assert bundle["text/html"].count('<audio controls src="data:audio/wav;base64,') == 1
    assert "<b>" not in bundle["text/html"]
    assert bundle["text/plain"] == "Speech: a · m · 0.5 s · wav · 8 kB\n<b>Hello</b>"
    middle = groqnb.SpeechPlayer(wav(10, 24000))
    assert "data:audio/mpeg;base64," in middle._result_bundle()["text/html"]
    assert len(middle._result_bundle()["text/html"]) < len(middle.value) / 3
    long = groqnb.SpeechPlayer(wav(130))
    bundle = long._result_bundle()
    assert "<audio" not in bundle["text/html"]
    assert "keep it with .save(path)" in bundle["text/html"]
    assert len(bundle["text/html"]) < 3000
    assert repr(player) == "SpeechPlayer(a, m, 0.5 s, wav, 8 kB)"


def test_its_state_is_small_however_long_text_and_sound_are() -> None:
    player = groqnb.SpeechPlayer(wav(60), text="word " * 2000, voice="Fritz-PlayAI", model="m")
    state = {name: value for name, value in player.get_state().items() if name[:2] != "_e"}
    state.pop("_css")
    assert len(json.dumps(state, default=str)) < 5000
