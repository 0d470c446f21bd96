"""Speaking: every documented voice, format, rate and speed; what is said can be heard again."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from typing import Any

import groq
import httpx
import openai
import pytest

import groqnb
from groqnb import catalog
from groqnb.local import weights
from groqnb.local.process import Engine
from tests import speech

pytestmark = pytest.mark.engine

HELLO = {"model": "playai-tts", "voice": "Fritz-PlayAI", "input": "Hello."}
LONG = (
    "The ferry to the island leaves at noon. It takes about forty minutes, and there is a small "
    "kitchen on board. Children travel free of charge. Bicycles are welcome on the lower deck. "
    "When the wind is strong, the captain may decide to wait. In that case a bus brings everybody "
    "back to the station. Please listen to the radio in the morning. We hope to see you again "
    "soon, and we wish you a quiet afternoon by the sea. Do not forget your coat."
)


@pytest.fixture(scope="module", autouse=True)
def _voices() -> None:
    for file in weights.group("speech"):
        weights.ensure(file.key)


@pytest.fixture(scope="module")
def local(engine: Engine) -> Iterator[groqnb.Groq]:
    """This package's own client."""
    with groqnb.Groq(base_url=engine.base_url, api_key=engine.api_key, timeout=240) as client:
        yield client


def test_what_is_spoken_is_heard_again(groq_client: groq.Groq) -> None:
    """Text to speech to text: at most one word in twelve is wrong, British or American.

    When this was written none was, of 41; with all nineteen voices it was one of 779.
    """
    said = (
        "A quick brown fox jumps over the lazy dog. Doctor Brown paid for two tickets, and the "
        "train to the mountains leaves at half past nine tomorrow morning. Would you like some "
        "tea with your breakfast, or a glass of water?"
    )
    for voice in ("Arista-PlayAI", "Basil-PlayAI"):
        spoken = groq_client.audio.speech.create(
            model="playai-tts", voice=voice, input=said, response_format="wav", sample_rate=24000
        ).read()
        heard = groq_client.audio.transcriptions.create(
            model="whisper-large-v3", file=("said.wav", spoken), language="en"
        )
        assert speech.word_error_rate(said, heard.text) <= 1 / 12, heard.text


@pytest.mark.parametrize(
    ("kind", "rate", "heard_rate", "media"),
    [
        ("flac", 8000, 8000, "audio/flac"),
        ("flac", 44100, 44100, "audio/flac"),
        ("mp3", 16000, 16000, "audio/mpeg"),
        ("mp3", 32000, 32000, "audio/mpeg"),
        ("ogg", None, 48000, "audio/ogg"),
        ("wav", 22050, 22050, "audio/wav"),
        ("wav", 24000, 24000, "audio/wav"),
    ],
)
def test_every_format_comes_at_the_rate_asked_for(
    http: httpx.Client, kind: str, rate: int | None, heard_rate: int, media: str
) -> None:
    """48,000 Hz unless said; FFmpeg reads each, and it holds a second of sound."""
    body = {**HELLO, "response_format": kind, "sample_rate": rate}
    reply = http.post("/audio/speech", json=body)
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == media
    found, sound = speech.decoded(reply.content)
    assert found == heard_rate
    assert 0.5 < len(sound) / found < 3
    assert abs(sound).max() > 2000


def test_mp3_at_48_khz_is_what_comes_unasked(http: httpx.Client) -> None:
    """The reference's default. The headers say who spoke, with which of its voices."""
    reply = http.post("/audio/speech", json=HELLO)
    assert reply.headers["content-type"] == "audio/mpeg"
    assert speech.decoded(reply.content)[0] == 48_000
    assert reply.headers.get_list("x-groqnb-model") == ["kokoro-82M-v1.0-int8"]
    assert reply.headers["x-groqnb-voice"] == "am_michael"
    assert reply.headers["x-ratelimit-limit-tokens"] == "1200"


def test_mulaw_is_one_bare_byte_a_sample(http: httpx.Client) -> None:
    """G.711, as telephones take it; its rate is in the type."""
    body = {**HELLO, "response_format": "mulaw", "sample_rate": 8000}
    reply = http.post("/audio/speech", json=body)
    assert reply.headers["content-type"] == "audio/basic; rate=8000"
    assert 0.5 < len(reply.content) / 8000 < 3
    # Silence is 0xFF in it.
    assert reply.content[:50].count(0xFF) + reply.content[:50].count(0x7F) > 25


@pytest.mark.parametrize("voice", catalog.voices("playai-tts"))
def test_every_documented_voice_speaks(http: httpx.Client, voice: str) -> None:
    """Each by a voice of Kokoro's own, which is named."""
    body = {**HELLO, "voice": voice, "input": "Yes.", "response_format": "wav"}
    reply = http.post("/audio/speech", json={**body, "sample_rate": 24000})
    assert reply.status_code == 200, reply.text
    assert reply.headers["x-groqnb-voice"][:3] in ("af_", "am_", "bf_", "bm_")
    assert len(reply.content) > 20_000


def test_speed_makes_it_shorter(groq_client: groq.Groq) -> None:
    """From half as fast to five times as fast, which is beyond what the model itself can do."""
    lengths = []
    for speed in (0.5, 1, 2, 5):
        spoken = groq_client.audio.speech.create(
            model="playai-tts",
            voice="Gail-PlayAI",
            input="Seven small boats went out.",
            response_format="wav",
            sample_rate=16000,
            speed=speed,
        ).read()
        with wave.open(io.BytesIO(spoken)) as file:
            lengths.append(file.getnframes() / 16000)
    assert lengths == sorted(lengths, reverse=True)
    assert 2 < lengths[0] / lengths[2] < 6
    assert 1.8 < lengths[2] / lengths[3] < 3.2


def test_long_speech_is_sent_while_it_is_made(groq_client: groq.Groq) -> None:
    """The beginning comes before the end is spoken; the wav says that its length is unknown."""
    with groq_client.audio.speech.with_streaming_response.create(
        model="playai-tts",
        voice="Arista-PlayAI",
        input=LONG,
        response_format="wav",
        sample_rate=16000,
    ) as reply:
        pieces = list(reply.iter_bytes())
    whole = b"".join(pieces)
    assert whole[:8] == b"RIFF\xff\xff\xff\xff"
    assert whole[40:44] == b"\xff\xff\xff\xff"
    rate, sound = speech.decoded(whole)
    assert rate == 16_000
    assert len(pieces) > 2
    assert 20 < len(sound) / rate < 45


def test_own_client_knows_how_long_a_streamed_wav_is(local: groqnb.Groq) -> None:
    """Its bytes are all there, so its header is set right: Python's `wave` reads it."""
    spoken = local.audio.speech.create(
        model="playai-tts",
        voice="Arista-PlayAI",
        input=LONG,
        response_format="wav",
        sample_rate=8000,
        speed=5,
    )
    with wave.open(io.BytesIO(spoken.content)) as file:
        assert 4 < file.getnframes() / file.getframerate() < 10
        assert len(spoken.content) == 44 + 2 * file.getnframes()


def test_openai_package_speaks(openai_client: openai.OpenAI) -> None:
    """Its formats that are documented here too."""
    spoken: Any = openai_client.audio.speech.create(**HELLO, response_format="flac")  # type: ignore[call-overload]
    assert spoken.read()[:4] == b"fLaC"


def test_a_text_without_anything_to_say_is_a_400(http: httpx.Client) -> None:
    """Punctuation alone; it is told before any audio is sent."""
    reply = http.post("/audio/speech", json={**HELLO, "input": "… — !"})
    assert reply.status_code == 400
    assert "nothing that can be spoken" in reply.json()["error"]["message"]


def test_arabic_is_a_501_that_says_why(http: httpx.Client) -> None:
    """No voice here speaks it, and none pretends to."""
    for voice in catalog.voices("playai-tts-arabic"):
        body = {"model": "playai-tts-arabic", "voice": voice, "input": "مرحبا"}
        reply = http.post("/audio/speech", json=body)
        error = reply.json()["error"]
        assert (reply.status_code, error["code"]) == (501, "not_implemented")
        assert "Arabic" in error["message"]


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
    reply = http.post("/audio/speech", json={**HELLO, **change})
    assert (reply.status_code, reply.json()["error"].get("param")) == (status, param)


def test_a_listener_who_leaves_ends_the_work(http: httpx.Client) -> None:
    """Ten thousand characters are given up; the next text is spoken in its turn."""
    body = {**HELLO, "input": (LONG + " ") * 22, "response_format": "mulaw", "sample_rate": 8000}
    assert 9_500 < len(str(body["input"])) <= 10_000
    with http.stream("POST", "/audio/speech", json=body) as reply:
        assert next(reply.iter_raw())
    assert http.post("/audio/speech", json=HELLO).status_code == 200
