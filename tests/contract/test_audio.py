"""Audio: every documented rule is checked; what passes is a 501, never a made-up result."""

from __future__ import annotations

from typing import Any

import groq
import httpx
import pytest

pytestmark = pytest.mark.engine

HEAR = ["/audio/transcriptions", "/audio/translations"]
WAV = ("a.wav", b"RIFF0000WAVE")


def hear(
    http: httpx.Client, path: str = HEAR[0], file: Any = WAV, **values: Any
) -> tuple[int, dict[str, Any]]:
    data = {"model": "whisper-large-v3", **values}
    files = {"file": file} if file else {"x": (None, "")}
    if not file:
        # Something must make it a form.
        files = {name: (None, str(value)) for name, value in data.items()}
        data = {}
    data = {name: value for name, value in data.items() if value is not None}
    reply = http.post(path, files=files, data=data)
    return reply.status_code, reply.json()["error"]


@pytest.mark.parametrize("path", HEAR)
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"language": "en", "prompt": "names: Ada, Grace", "temperature": "0.4"},
        {"response_format": "verbose_json"},
        {"response_format": "text"},
    ],
)
def test_a_right_request_is_a_501_that_says_why(
    http: httpx.Client, path: str, values: dict[str, Any]
) -> None:
    """This engine does not hear; it says so, and invents nothing."""
    status, error = hear(http, path, **values)
    assert (status, error["code"]) == (501, "not_implemented")
    assert "no part installed" in error["message"]


@pytest.mark.parametrize("ending", ["flac", "mp3", "mp4", "mpeg", "mpga", "mpg", "m4a", "ogg"])
def test_every_documented_format_is_let_in(http: httpx.Client, ending: str) -> None:
    """By the ending of the file's name, in any case."""
    assert hear(http, file=(f"talk.v2.{ending.upper()}", b"x"))[0] == 501


@pytest.mark.parametrize(
    ("values", "status", "param"),
    [
        ({"model": None}, 400, "model"),
        ({"model": "whisper"}, 404, "model"),
        ({"model": "llama-3.1-8b-instant"}, 400, "model"),
        ({"file": ("a.txt", b"x")}, 400, "file"),
        ({"file": ("wav", b"x")}, 400, "file"),
        ({"file": ("a.wav", b"")}, 400, "file"),
        ({"file": None}, 400, "file"),
        ({"file": None, "url": "ftp://example.com/a.wav"}, 400, "url"),
        ({"file": None, "url": "a.wav"}, 400, "url"),
        ({"file": None, "url": "http://[::1/a.wav"}, 400, "url"),
        ({"url": "https://example.com/a.wav"}, 400, "file"),
        ({"language": "english"}, 400, "language"),
        ({"prompt": "word " * 225}, 400, "prompt"),
        ({"response_format": "srt"}, 400, "response_format"),
        ({"temperature": "1.1"}, 400, "temperature"),
        ({"temperature": "warm"}, 400, "temperature"),
        ({"temperature": "nan"}, 400, "temperature"),
        ({"timestamp_granularities[]": "word"}, 400, "timestamp_granularities[]"),
        (
            {"timestamp_granularities[]": "phrase", "response_format": "verbose_json"},
            400,
            "timestamp_granularities[]",
        ),
        ({"stream": "true"}, 400, "stream"),
    ],
)
def test_a_wrong_transcription_names_the_field(
    http: httpx.Client, values: dict[str, Any], status: int, param: str
) -> None:
    """Each rule by itself."""
    got, error = hear(http, **values)
    assert (got, error.get("param")) == (status, param)


@pytest.mark.parametrize(
    ("values", "param"),
    [
        ({"model": "whisper-large-v3-turbo"}, "model"),
        ({"language": "fr"}, "language"),
        (
            {"timestamp_granularities[]": "word", "response_format": "verbose_json"},
            "timestamp_granularities[]",
        ),
    ],
)
def test_a_translation_has_rules_of_its_own(
    http: httpx.Client, values: dict[str, Any], param: str
) -> None:
    """Turbo does not translate, the result is English, there are no word times."""
    got, error = hear(http, HEAR[1], **values)
    assert (got, error.get("param")) == (400, param)


@pytest.mark.parametrize("url", ["https://example.com/talk", "data:audio/wav;base64,UklGRg=="])
def test_a_url_takes_the_place_of_a_file(http: httpx.Client, url: str) -> None:
    """Of the web, or with the audio inside."""
    assert hear(http, file=None, url=url)[0] == 501


def test_more_than_25_megabytes_are_a_413(http: httpx.Client) -> None:
    """The free tier's limit for a file sent along."""
    assert hear(http, file=("a.wav", b"x" * 25_000_000))[0] == 501
    status, error = hear(http, file=("a.wav", b"x" * 25_000_001))
    assert (status, error["param"]) == (413, "file")


def test_groq_package_sends_what_is_understood(groq_client: groq.Groq) -> None:
    """Its forms pass all checks, word times and all, up to the 501."""
    with pytest.raises(groq.InternalServerError) as caught:
        groq_client.audio.transcriptions.create(
            file=WAV,
            model="whisper-large-v3-turbo",
            prompt="Specify context or spelling",
            response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
            language="en",
            temperature=0.0,
        )
    assert caught.value.status_code == 501
    with pytest.raises(groq.InternalServerError):
        groq_client.audio.translations.create(url="https://a.example/b", model="whisper-large-v3")
    with pytest.raises(groq.InternalServerError) as caught:
        groq_client.audio.speech.create(model="playai-tts", voice="Fritz-PlayAI", input="Hello")
    assert caught.value.status_code == 501


@pytest.mark.parametrize(
    ("change", "status", "param"),
    [
        ({"input": None}, 400, "input"),
        ({"input": "  "}, 400, "input"),
        ({"input": "x" * 10_001}, 400, "input"),
        ({"model": None}, 400, "model"),
        ({"model": "playai"}, 404, "model"),
        ({"model": "whisper-large-v3"}, 400, "model"),
        ({"voice": None}, 400, "voice"),
        ({"voice": "Nobody-PlayAI"}, 400, "voice"),
        ({"voice": "Amira-PlayAI"}, 400, "voice"),
        ({"response_format": "aac"}, 400, "response_format"),
        ({"sample_rate": 11025}, 400, "sample_rate"),
        ({"sample_rate": "48000"}, 400, "sample_rate"),
        ({"speed": 0.4}, 400, "speed"),
        ({"speed": 5.1}, 400, "speed"),
        ({"instructions": "softly"}, 400, "instructions"),
    ],
)
def test_wrong_speech_names_the_field(
    http: httpx.Client, change: dict[str, Any], status: int, param: str
) -> None:
    """Each rule by itself."""
    body = {"model": "playai-tts", "voice": "Fritz-PlayAI", "input": "Hello", **change}
    reply = http.post("/audio/speech", json=body)
    assert (reply.status_code, reply.json()["error"].get("param")) == (status, param)


@pytest.mark.parametrize(
    "change",
    [
        {"input": "x" * 10_000},
        {"model": "playai-tts-arabic", "voice": "Amira-PlayAI"},
        {"response_format": "mulaw", "sample_rate": 8000, "speed": 0.5},
    ],
)
def test_right_speech_is_a_501(http: httpx.Client, change: dict[str, Any]) -> None:
    """At the documented bounds."""
    body = {"model": "playai-tts", "voice": "Fritz-PlayAI", "input": "Hello", **change}
    reply = http.post("/audio/speech", json=body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (501, "not_implemented")
