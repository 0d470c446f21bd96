"""`groqnb.speak` against a server that speaks: texts of any length, formats, joining, bad input."""

from __future__ import annotations

import io
import json
import os
import sys
import wave
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hearing_world import KEY, wav

from groqnb import BadRequestError, Groq, ParameterError, ResponseError
from groqnb.hearing.extras import MissingExtra
from groqnb.speaking.joining import FORMATS, Pcm, decoded, encoded, joined, length, mended, read_wav
from groqnb.speaking.passages import passages
from groqnb.speaking.speak import speak, voice_of
from groqnb.speaking.spoken import Spoken
from groqnb.wire.retry import without_waiting

RATE = 24_000


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data folder of the test's own; the folder of parts in it."""
    monkeypatch.setenv("GROQNB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data" / "speech"


def tone(text: str) -> Any:
    """What the server says for a text: two milliseconds for each character, one level for each."""
    levels = [ord(c) % 200 * 100 for c in text]
    return np.repeat(np.array(levels, np.int16), RATE // 500)


class Speaking:
    """The server; `bodies` holds what it was asked. `before` may answer instead."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.before: Any = lambda number: None

    def client(self, **settings: Any) -> Groq:
        settings = {"where": "cloud", "api_key": KEY, **settings}
        return Groq(transport=httpx.MockTransport(self._answer), **settings)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/openai/v1/audio/speech"
        body = json.loads(request.read())
        self.bodies.append(body)
        instead = self.before(len(self.bodies) - 1)
        if instead is not None:
            return instead  # type: ignore[no-any-return]
        kind = body["response_format"]
        sound = Pcm(tone(body["input"]).tobytes(), RATE)
        content = bytearray(encoded(sound, kind))
        if kind == "wav":
            # As servers do that send while they speak.
            content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
        return httpx.Response(
            200, content=bytes(content), headers={"content-type": f"audio/{kind}"}
        )


LONG = " ".join(f"This is the sentence with the number {n}." for n in range(600))


def test_a_short_text_is_one_request_with_what_was_asked_for() -> None:
    """Every documented parameter goes out; the bytes that come are the result's."""
    server = Speaking()
    said = speak(
        "Hello.",
        voice="Celeste-PlayAI",
        format="flac",
        sample_rate=24_000,
        speed=1.5,
        client=server.client(),
    )
    assert server.bodies == [
        {
            "input": "Hello.",
            "model": "playai-tts",
            "voice": "Celeste-PlayAI",
            "response_format": "flac",
            "sample_rate": 24_000,
            "speed": 1.5,
        }
    ]
    assert said.audio[:4] == b"fLaC"
    assert said.duration == pytest.approx(0.012, abs=0.001)
    assert (said.voice, said.model, said.parts) == ("Celeste-PlayAI", "playai-tts", 1)


def test_a_wav_that_lies_about_its_length_is_mended() -> None:
    """The standard library reads it, to its end."""
    said = speak("Hello.", client=Speaking().client())
    with wave.open(io.BytesIO(said.audio)) as file:
        assert file.getnframes() == len(tone("Hello."))
    assert said.duration == pytest.approx(0.012)
    assert said.format == "wav"


def test_a_long_text_is_split_at_sentences_and_joined_without_gaps() -> None:
    """25,000 characters are three requests; their samples follow each other with none between."""
    server = Speaking()
    said = speak(LONG, client=server.client())
    sent = sorted((body["input"] for body in server.bodies), key=LONG.index)
    assert said.parts == len(sent) == 3
    assert all(len(part) <= 10_000 and part.endswith(".") for part in sent)
    assert " ".join(sent) == LONG
    sound = read_wav(said.audio)
    assert sound is not None
    assert sound.data == b"".join(tone(part).tobytes() for part in sent)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_long_text_comes_in_every_format(kind: Any) -> None:
    """The parts are asked for as WAV, and made one file of the format."""
    server = Speaking()
    said = speak(LONG, format=kind, client=server.client())
    assert {body["response_format"] for body in server.bodies} == {"wav"}
    spoken = sum(len(body["input"]) for body in server.bodies) / 500
    rate = RATE if kind == "mulaw" else None
    assert length(said.audio, kind, rate) == pytest.approx(spoken, abs=0.1)


def test_a_failed_part_costs_that_part_alone(folder: Path) -> None:
    """The same call goes on from there; when all is spoken nothing is left on disk."""
    server = Speaking()
    server.before = lambda number: (
        httpx.Response(400, json={"error": {"message": "no"}}) if number == 2 else None
    )
    with pytest.raises(BadRequestError, match="2 finished parts are kept"):
        speak(LONG, client=server.client(), concurrency=1)
    assert len(list(folder.iterdir())) == 2
    server.before = lambda number: None
    said = speak(LONG, client=server.client())
    assert len(server.bodies) == 4
    assert said.duration == pytest.approx((len(LONG) - 2) / 500)
    assert list(folder.iterdir()) == []


def test_a_refusal_is_waited_for() -> None:
    """429 longer than the client's own patience."""
    server = Speaking()
    server.before = lambda number: (
        httpx.Response(429, headers={"retry-after": "70"}, json={"error": {"message": "slow"}})
        if number in (1, 2, 3)
        else None
    )
    with without_waiting():
        said = speak(LONG, client=server.client(), concurrency=1)
    assert said.parts == 3


def test_parts_that_differ_are_refused() -> None:
    """Another rate in the middle would change the voice."""
    with pytest.raises(ResponseError, match="differ in rate"):
        joined([wav(tone("a"), 24_000), wav(tone("a"), 48_000)])
    with pytest.raises(ResponseError, match="no WAV file"):
        joined([wav(tone("a")), b"ID3"])


@pytest.mark.parametrize("kind", FORMATS)
def test_saving_under_another_ending_converts(kind: Any, tmp_path: Path) -> None:
    """WAV becomes what the name says, and lasts as long."""
    said = speak("Hello, hello. " * 20, client=Speaking().client())
    path = said.save(tmp_path / f"said.{kind}")
    rate = RATE if kind == "mulaw" else None
    assert length(path.read_bytes(), kind, rate) == pytest.approx(0.56, abs=0.06)


def test_save_decides_the_format_and_writes_the_file(tmp_path: Path) -> None:
    """`save="said.ogg"` asks for ogg."""
    server = Speaking()
    said = speak("Hello.", save=tmp_path / "said.ogg", client=server.client())
    assert server.bodies[0]["response_format"] == "ogg"
    assert (tmp_path / "said.ogg").read_bytes() == said.audio


def test_a_full_disk_at_save_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OSError says so; the sound is still there, and so is what the file was before."""
    said = speak("Hello.", client=Speaking().client())
    path = tmp_path / "said.wav"
    path.write_bytes(b"before")

    def full(*_: Any) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr("groqnb.types.new_file.os.replace", full)
        with pytest.raises(OSError, match="No space left"):
            said.save(path)
    assert path.read_bytes() == b"before"
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["said.wav"]
    said.save(path)
    assert path.read_bytes() == said.audio


def test_a_file_that_cannot_be_written_is_told_before_anything_is_spoken(tmp_path: Path) -> None:
    """A folder that is not there: the error names the file that was asked for."""
    server = Speaking()
    with pytest.raises(OSError, match=r"no folder/said\.wav'$"):
        speak("Hello.", save=tmp_path / "no folder" / "said.wav", client=server.client())
    assert server.bodies == []


@pytest.mark.parametrize(
    "options", [{"format": "mp3"}, {"text": "Hello.", "format": "wav", "save": "said.mp3"}]
)
def test_a_missing_package_is_told_before_anything_is_spoken(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text of many parts is made MP3 here, and so is one that is saved as another format."""
    server = Speaking()
    client = server.client()
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtra, match="PyAV"):
        speak(**{"text": LONG, "client": client, **options})
    assert server.bodies == []


def test_a_disk_that_is_full_at_last_costs_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """The parts are there until the file is written: the same call asks for nothing."""
    server = Speaking()
    client = server.client()

    def full(*_: Any) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(Spoken, "save", full)
        with pytest.raises(OSError, match="No space left"):
            speak(LONG, save=tmp_path / "said.wav", client=client)
    assert len(server.bodies) == 3
    said = speak(LONG, save=tmp_path / "said.wav", client=client)
    assert len(server.bodies) == 3
    assert (tmp_path / "said.wav").read_bytes() == said.audio
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "name"),
    [("Fritz-PlayAI", "Fritz-PlayAI"), ("fritz", "Fritz-PlayAI"), ("CELESTE", "Celeste-PlayAI")],
)
def test_a_first_name_is_enough(given: str, name: str) -> None:
    """Whatever its case."""
    assert voice_of(given, "playai-tts") == name


def test_voices_have_defaults_and_unknown_models_are_left_to_the_server() -> None:
    """Every speech model of the catalogue has one; a newer model's voice goes out as it is."""
    assert voice_of(None, "playai-tts") == "Fritz-PlayAI"
    assert voice_of(None, "playai-tts-arabic") == "Ahmad-PlayAI"
    assert voice_of("hannah", "acme/new-tts") == "hannah"


@pytest.mark.parametrize(
    ("text", "options", "match"),
    [
        ("", {}, "no text"),
        (" \n ", {}, "no text"),
        (3, {}, "no text"),
        ("Hi", {"voice": "Frits"}, "Did you mean Fritz-PlayAI"),
        ("Hi", {"voice": ""}, "is a name"),
        ("Hi", {"model": "acme/new-tts"}, "Pass voice="),
        ("Hi", {"format": "aac"}, "one of flac, mp3"),
        ("Hi", {"sample_rate": 11_025}, "one of 8000"),
        ("Hi", {"speed": 9}, "from 0.5 to 5"),
        ("Hi", {"save": "said.aac"}, "not saved as .aac"),
        ("Hi", {"response_format": "wav"}, "Did you mean 'format'"),
        ("Hi", {"voices": "x"}, "Did you mean 'voice'"),
    ],
)
def test_mistakes_are_refused_before_anything_is_sent(
    text: Any, options: dict[str, Any], match: str
) -> None:
    """Each says what is allowed."""
    server = Speaking()
    with pytest.raises(ParameterError, match=match):
        speak(text, client=server.client(), **options)
    assert server.bodies == []


@pytest.mark.parametrize("most", [1, 7, 40, 1000])
def test_passages_lose_nothing_and_are_short_enough(most: int) -> None:
    """Whatever the text: words without spaces, paragraphs, other scripts."""
    text = (
        "One. Two!  Is it?\n\nWell, a veryveryverylongword, and 今日は晴れです。明日は雨です。 End"
    )
    found = passages(text, most)
    assert all(0 < len(each) <= most for each in found)
    assert "".join("".join(found).split()) == "".join(text.split())


def test_passages_end_with_sentences_where_they_can() -> None:
    """Paragraphs, then sentences, then commas."""
    assert passages("One two. Three four. Five.", 22) == ["One two. Three four.", "Five."]
    assert passages("Well, then, my friend", 12) == ["Well, then,", "my friend"]
    assert passages("今日は晴れです。明日は雨です。", 10) == ["今日は晴れです。", "明日は雨です。"]


def test_a_true_header_is_left_alone_and_other_files_too() -> None:
    """Only what is wrong is mended."""
    good = wav(tone("ab"), RATE)
    assert mended(good) is good
    assert mended(b"fLaC...") == b"fLaC..."


def test_what_is_no_sound_cannot_be_decoded() -> None:
    """It says so in one sentence."""
    with pytest.raises(ParameterError, match="no sound that can be read"):
        decoded(b"words, words", "wav")
