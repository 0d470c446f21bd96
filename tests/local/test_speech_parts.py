"""The parts that hear and speak, each by itself and without its model."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from groqnb import catalog
from groqnb.local import languages, mouth, on_demand, weights
from groqnb.local.ears import Ears
from groqnb.local.errors import DiskFull
from groqnb.local.on_demand import OnDemand
from groqnb.local.parts import hearing, phonemes, recording, sound_files, speaking
from groqnb.local.refusal import Refusal
from groqnb.local.spending import cost
from tests import speech

NEVER = threading.Event()


@pytest.fixture(scope="module")
def espeak() -> phonemes.Phonemes:
    return phonemes.Phonemes()


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("wav", "pcm_s16le", 16_000),
        ("flac", "flac", 44_100),
        ("mp3", "libmp3lame", 22_050),
        ("ogg", "libopus", 48_000),
        ("mp4", "aac", 44_100),
        ("ipod", "aac", 32_000),
        ("webm", "libopus", 48_000),
        ("mpegts", "mp2", 48_000),
        ("mpeg", "mp2", 44_100),
    ],
)
def test_every_documented_kind_of_file_becomes_16_khz_mono(
    container: str, codec: str, rate: int
) -> None:
    """As long as it was, and it sounds the same: its loudness follows the original's."""
    sound = speech.samples()[: 3 * speech.RATE]
    file = io.BytesIO(speech.encoded(sound, container, codec, rate=rate))
    read = recording.read(file, 60, NEVER)
    assert read.seconds == pytest.approx(3, abs=0.15)
    loud = [
        np.abs(np.asarray(part[: 2 * speech.RATE], np.float32)).reshape(-1, 3200).mean(axis=1)
        for part in (sound, read.samples)
    ]
    assert np.corrcoef(*loud)[0, 1] > 0.9


def test_too_long_a_recording_is_refused_before_it_fills_the_disk() -> None:
    """The reading stops at the limit."""
    file = io.BytesIO(speech.encoded(speech.silence(60), "flac", "flac"))
    with pytest.raises(recording.Unreadable, match="longer than") as caught:
        recording.read(file, 30, NEVER)
    assert caught.value.code == "audio_too_long"


def test_a_playlist_opens_no_other_file() -> None:
    """FFmpeg knows such formats; here they are no audio."""
    for text in (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", b"ffconcat version 1.0\nfile /a\n"):
        with pytest.raises(recording.Unreadable, match="cannot be decoded"):
            recording.read(io.BytesIO(text), 60, NEVER)


def test_a_long_recording_is_cut_where_it_is_quiet() -> None:
    """In the last half minute of five, which no word crosses."""
    noise = np.random.default_rng(7).normal(0, 3000, 400 * recording.RATE).astype(np.int16)
    quiet = round(283.4 * recording.RATE)
    noise[quiet : quiet + recording.RATE] = 0
    end = hearing._end_of_stretch(noise, 0)
    assert quiet < end < quiet + recording.RATE
    assert hearing._end_of_stretch(noise, end) == len(noise)


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("It costs $25.50 today.", "twˈɛnti fˈIv dˈɑləɹz ænd fˈɪfti sˈɛnts"),
        ("Dr. Smith is in.", "dˈɑktəɹ smˈɪθ"),
        ("Well, that is it!", "wˈɛl, "),
        ("See fig. 3, e.g. this one.", "fˌɔɹɛɡzˈæmpᵊl ðˈɪs"),
        ("At 3:45 p.m. we go.", "θɹˈi fˈɔɹTi fˈIv pˌiˈɛm"),
    ],
)
def test_numbers_and_abbreviations_are_read(
    espeak: phonemes.Phonemes, text: str, inside: str
) -> None:
    """And punctuation stays, for the voice pauses by it."""
    assert inside in espeak.of(text, "en-us")


def test_every_sound_that_is_made_of_a_text_is_one_of_kokoro_s(espeak: phonemes.Phonemes) -> None:
    """Anything else would be left out of the speech without a word."""
    texts = [*speech.SPOKEN.values(), "A bottle, a prison, rhythm; measure joy: church? Loch!"]
    for voice in ("en-us", "en", "fr"):
        for text in texts:
            unknown = set(espeak.of(text, voice)) - set(speaking._SYMBOLS)
            assert not unknown, (voice, unknown)


def test_an_unknown_voice_of_espeak_is_an_error(espeak: phonemes.Phonemes) -> None:
    """It would go on in the language before."""
    with pytest.raises(RuntimeError, match="no voice 'xx-yy'"):
        espeak.of("Hello", "xx-yy")


def test_passages_lose_nothing() -> None:
    """Whatever the text: sentences, one endless word, lines; the first passage is short."""
    sentence = "Here is a sentence, and it has some words. "
    for text in (sentence * 40, "x" * 3000, "one\ntwo\n\nthree. " * 50, "word " * 500, "Hi"):
        found = list(mouth.passages(text))
        assert "".join("".join(found).split()) == "".join(text.split())
        assert all(len(passage) <= 280 for passage in found)
    assert len(next(mouth.passages(sentence * 40))) < 130


def test_sounds_come_in_pieces_that_kokoro_can_take() -> None:
    """Cut between words where it can be."""
    sounds = "həlˈO wˈɜɹld, " * 100
    found = speaking.pieces(sounds)
    assert all(0 < len(piece) <= 510 for piece in found)
    assert " ".join(found) == sounds.strip()
    assert [len(piece) for piece in speaking.pieces("ə" * 1100)] == [510, 510, 80]


@pytest.mark.parametrize("kind", sound_files.FORMATS)
def test_a_file_grows_as_samples_come(kind: str) -> None:
    """Some of it is there before the last sample is, whatever the format."""
    sound = (0.4 * np.sin(np.arange(48_000) / 9)).astype(np.float32)
    writer = sound_files.Writer(kind, 24_000, 24_000)
    first = b"".join(writer.add(sound) for _ in range(8))
    assert len(first) > 8000
    whole = first + writer.add(sound) + writer.end()
    if kind == "wav":
        whole = sound_files.wav_header(24_000, len(whole)) + whole
    if kind == "mulaw":
        assert len(whole) == 9 * 48_000
        return
    rate, read = speech.decoded(whole)
    assert len(read) / rate == pytest.approx(18, abs=0.1)


def test_faster_speech_is_not_higher() -> None:
    """A tone stays at its pitch."""
    tone = np.sin(2 * np.pi * 440 * np.arange(48_000) / 24_000).astype(np.float32)
    stretcher = sound_files.Stretcher(2.0, 24_000)
    fast = np.concatenate([stretcher.add(tone), stretcher.add(None)])
    assert len(fast) == pytest.approx(24_000, rel=0.05)
    middle = fast[4000:20_000]
    peak = int(np.abs(np.fft.rfft(middle * np.hanning(len(middle)))).argmax())
    assert peak * 24_000 / len(middle) == pytest.approx(440, abs=5)


def test_every_documented_voice_has_one_of_its_own() -> None:
    """No two documented voices sound the same."""
    assert tuple(mouth.VOICES) == catalog.voices("playai-tts")
    assert len(set(mouth.VOICES.values())) == len(mouth.VOICES)
    assert set(mouth.VOICES.values()) <= set(speaking.VOICES)


def test_languages_have_names() -> None:
    """A hundred of them, and what ISO calls otherwise."""
    assert len(languages.LANGUAGES) == 100
    assert languages.whisper_code("jv") == "jw"
    assert languages.whisper_code("qq") is None


def test_audio_costs_by_the_second_and_as_ten_at_least() -> None:
    """And speech by the character."""
    whisper, voice = catalog.find("whisper-large-v3"), catalog.find("playai-tts")
    assert cost(whisper, audio_seconds=3600) == pytest.approx(0.111)
    assert cost(whisper, audio_seconds=1) == pytest.approx(0.111 / 360)
    assert cost(whisper) == 0
    assert voice is not None
    price = (voice.price and voice.price.per_million_characters) or 0
    assert cost(voice, characters=500_000) == pytest.approx(price / 2)


def test_espeak_finds_its_data_behind_a_long_path(tmp_path: Path) -> None:
    """It cuts paths off after 160 characters, which an environment deep in a home exceeds."""
    script = (
        "import os, sys, espeakng_loader\n"
        "from groqnb.local.parts.phonemes import Phonemes\n"
        "deep = os.path.join(sys.argv[1], *['x' * 50] * 4)\n"
        "os.makedirs(deep)\n"
        "data = os.path.join(deep, 'espeak-ng-data')\n"
        "os.symlink(espeakng_loader.get_data_path(), data)\n"
        "espeakng_loader.get_data_path = lambda: data\n"
        "print(ascii(Phonemes().of('Hello', 'en-us')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ascii("həlˈO")


def test_a_part_that_could_not_be_loaded_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request hears why; the next one may be lucky."""
    monkeypatch.setattr(weights, "group", lambda _: ())
    outcomes: list[Exception | str] = [DiskFull("The disk is full.", "Free some."), "loaded"]

    def load(_: object) -> str:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def run() -> None:
        part = OnDemand("hearing", load)
        with pytest.raises(Refusal, match=r"could not be loaded: The disk is full\. Free some"):
            await part.get()
        assert await part.get() == "loaded"
        assert await part.get() == "loaded"

    asyncio.run(run())


def test_a_request_does_not_wait_for_a_download_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A 503 says how far it is and when to come again; the download goes on, once for all."""
    monkeypatch.setattr(weights, "group", lambda _: ())
    monkeypatch.setattr(on_demand, "_PATIENCE", 0.01)
    ready, loads = threading.Event(), []

    def load(_: object) -> str:
        loads.append(1)
        assert ready.wait(60)
        return "loaded"

    async def run() -> None:
        part = OnDemand("speaking", load)
        for _ in range(2):
            with pytest.raises(Refusal, match="groqnb setup speaking") as caught:
                await part.get()
            assert caught.value.status == 503
            assert caught.value.headers["retry-after"] == "15"
        ready.set()
        monkeypatch.setattr(on_demand, "_PATIENCE", 60)
        assert await part.get() == "loaded"
        assert len(loads) == 1

    asyncio.run(run())


@pytest.mark.parametrize(
    ("module", "package", "room", "extra"),
    [
        (hearing, "faster_whisper", Ears, "speech"),
        (recording, "av", Ears, "speech"),
        (speaking, "onnxruntime", mouth.Mouth, "speech"),
        (phonemes, "espeakng_loader", mouth.Mouth, "voice"),
    ],
)
def test_a_missing_package_is_a_501_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, module: object, package: str, room: type, extra: str
) -> None:
    """So that what can be installed is installed, and the GPL's only by who wants it."""
    monkeypatch.setattr(
        module,
        "find_spec",
        lambda name: None if name == package else importlib.util.find_spec(name),
    )
    with pytest.raises(Refusal, match=rf'{package}.*pip install "groqnb\[{extra}\]"') as caught:
        room().require()
    assert (caught.value.status, caught.value.code) == (501, "not_implemented")
