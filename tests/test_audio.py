"""`client.audio`: forms that go out, typed transcripts and audio that come back."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from both_worlds import World, answering, both
from forms import read_form

from groqnb import ParameterError, ResponseError
from groqnb.types.audio import Speech, Transcription, VerboseTranscription

PLAIN = {"text": "Your transcribed text appears here...", "x_groq": {"id": "req_unique_id"}}
# Speech to Text, Understanding Metadata Fields; the top level is not in the documentation.
SEGMENT = {
    "id": 8,
    "seek": 3000,
    "start": 43.92,
    "end": 50.16,
    "text": " document that the functional specification",
    "tokens": [51061, 4166, 300],
    "temperature": 0,
    "avg_logprob": -0.097569615,
    "compression_ratio": 1.6637554,
    "no_speech_prob": 0.012814695,
}
VERBOSE = {
    "task": "transcribe",
    "language": "English",
    "duration": 50.2,
    "text": "document that",
    "segments": [SEGMENT],
    "words": [{"word": "document", "start": 43.92, "end": 44.3}],
    "x_groq": {"id": "req_1"},
}
SPOKEN = b"RIFF\x24\x00\x00\x00WAVEfmt "


def transcribe(
    world: World, reply: httpx.Response, kind: str = "transcriptions", **params: Any
) -> tuple[Any, list[Any], httpx.Request]:
    seen: list[httpx.Request] = []
    client = world.client(transport=answering(reply, seen=seen))
    params.setdefault("model", "whisper-large-v3")
    said = world.run(client, lambda c: getattr(c.audio, kind).create(**params))
    request = seen[0]
    return said, read_form(request.headers["content-type"], request.content), request


@both
@pytest.mark.parametrize("kind", ["transcriptions", "translations"])
def test_every_documented_parameter_goes_out_in_the_form(world: World, kind: str) -> None:
    params: dict[str, Any] = {
        "file": ("talk.m4a", b"\x00\x00\x00\x20ftypM4A sound"),
        "model": "whisper-large-v3-turbo",
        "language": "en",
        "prompt": "Groq, \u00fcber",
        "response_format": "verbose_json",
        "temperature": 0.2,
    }
    expected = {
        "model": "whisper-large-v3-turbo",
        "language": "en",
        "prompt": "Groq, \u00fcber",
        "response_format": "verbose_json",
        "temperature": "0.2",
    }
    if kind == "transcriptions":
        params["timestamp_granularities"] = iter(["word", "segment"])
    said, form, request = transcribe(
        world, httpx.Response(200, json=VERBOSE), kind, **params, extra_body={"newer": True}
    )
    assert request.url.path == f"/openai/v1/audio/{kind}"
    *fields, file = form
    assert (file.name, file.filename, file.type) == ("file", "talk.m4a", "audio/mp4")
    assert file.content == b"\x00\x00\x00\x20ftypM4A sound"
    sent = [(part.name, part.content.decode()) for part in fields]
    granularities = [value for name, value in sent if name == "timestamp_granularities[]"]
    assert granularities == (["word", "segment"] if kind == "transcriptions" else [])
    assert dict(sent) == {
        **expected,
        "newer": "true",
        **({"timestamp_granularities[]": "segment"} if granularities else {}),
    }
    assert isinstance(said, VerboseTranscription)
    assert said.segments is not None
    assert said.words is not None
    assert (said.segments[0].end, said.words[0].word) == (50.16, "document")
    assert said.model_extra == said.segments[0].model_extra == {}
    assert (said.request_id, said.duration) == ("req_1", 50.2)


@both
def test_json_and_text_give_the_same_thing(world: World) -> None:
    said, *_ = transcribe(world, httpx.Response(200, json=PLAIN), file=b"x")
    assert type(said) is Transcription
    assert str(said) == said.text == PLAIN["text"]
    assert said.request_id == "req_unique_id"
    reply = httpx.Response(200, text="Héllo.\n", headers={"x-request-id": "req_2"})
    said, *_ = transcribe(world, reply, file=b"x", response_format="text")
    assert type(said) is Transcription
    assert (said.text, said.request_id) == ("Héllo.\n", "req_2")


@both
def test_a_url_goes_out_without_a_file(world: World) -> None:
    said, form, _ = transcribe(
        world, httpx.Response(200, json=PLAIN), url="https://example.com/talk.mp3"
    )
    assert said.text
    assert [(part.name, part.content) for part in form] == [
        ("model", b"whisper-large-v3"),
        ("url", b"https://example.com/talk.mp3"),
    ]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"fLaC\x00\x00", "upload.flac"),
        (b"OggS\x00", "upload.ogg"),
        (b"ID3\x04", "upload.mp3"),
        (b"\xff\xfb\x90", "upload.mp3"),
        (b"\x1a\x45\xdf\xa3\x9f", "upload.webm"),
        (SPOKEN, "upload.wav"),
        (b"\x00\x00\x00\x20ftypM4A ", "upload.m4a"),
        (b"\x00\x00\x00\x20ftypisom", "upload.mp4"),
        (b"who knows", "upload"),
    ],
)
def test_bytes_without_a_name_get_the_ending_of_their_format(content: bytes, name: str) -> None:
    _, form, _ = transcribe(World("sync"), httpx.Response(200, json=PLAIN), file=content)
    assert form[-1].filename == name


@both
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "Neither file nor url"),
        ({"file": b"x", "url": "https://example.com/a.mp3"}, "exclude each other"),
        ({"file": b"x", "response_format": "srt"}, "'srt' is not supported"),
        ({"file": b"x", "temperature": 1.5}, r"temperature is 1\.5; it goes from 0 to 1"),
        ({"file": b"x", "temperature": float("nan")}, "it goes from 0 to 1"),
        ({"file": b"x", "timestamp_granularities": ["word"]}, "needs response_format='verbose"),
        (
            {
                "file": b"x",
                "response_format": "verbose_json",
                "timestamp_granularities": ["sentence"],
            },
            "holds 'sentence'",
        ),
        (
            {"file": b"x", "response_format": "verbose_json", "timestamp_granularities": "word"},
            "is a text, not a list",
        ),
        ({"file": b"x", "langage": "en"}, "Did you mean 'language'"),
    ],
)
def test_what_the_api_is_sure_to_refuse_is_not_sent(
    world: World, params: dict[str, Any], message: str
) -> None:
    client = world.client(transport=answering(AssertionError("sent")))
    with pytest.raises(ParameterError, match=message):
        world.run(client, lambda c: c.audio.transcriptions.create(model="m", **params))


def test_audio_above_100_mb_is_refused_and_above_25_mb_is_the_server_s_to_judge(
    tmp_path: Path,
) -> None:
    path = tmp_path / "talk.wav"
    client = World("sync").client(transport=answering(httpx.Response(200, json=PLAIN)))
    for size in (26, 101):
        with path.open("wb") as file:
            file.truncate(size * 1024 * 1024)
        if size == 26:
            client.audio.transcriptions.create(model="m", file=path)
        else:
            with pytest.raises(ParameterError, match=r"101\.0 MB; at most 100"):
                client.audio.transcriptions.create(model="m", file=path)


@both
def test_speech_is_audio_that_can_be_saved(world: World, tmp_path: Path) -> None:
    seen: list[httpx.Request] = []
    reply = httpx.Response(
        200, content=SPOKEN, headers={"content-type": "audio/wav", "x-request-id": "req_3"}
    )
    client = world.client(transport=answering(reply, seen=seen))
    params: dict[str, Any] = {
        "input": "Hello.",
        "model": "playai-tts",
        "voice": "Fritz-PlayAI",
        "response_format": "wav",
        "sample_rate": 16000,
        "speed": 1.5,
    }
    speech = world.run(client, lambda c: c.audio.speech.create(**params))
    assert isinstance(speech, Speech)
    assert json.loads(seen[0].content) == params
    assert seen[0].url.path == "/openai/v1/audio/speech"
    assert speech.content == speech.read() == SPOKEN
    assert (speech.media_type, speech.request_id) == ("audio/wav", "req_3")
    assert speech.headers["content-type"] == "audio/wav"
    assert repr(speech) == "Speech(audio/wav, 16 bytes)"
    path = tmp_path / "hello.wav"
    assert speech.save(path) == path
    # As the documentation's example has it.
    speech.write_to_file(path)
    assert path.read_bytes() == SPOKEN
    assert os.listdir(tmp_path) == ["hello.wav"]


@both
@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(200, content=b"", headers={"content-type": "audio/wav"}),
        httpx.Response(200, text="<html>Sign in</html>", headers={"content-type": "text/html"}),
        httpx.Response(200, json={"audio": "no"}),
    ],
    ids=["empty", "page", "json"],
)
def test_what_is_no_audio_is_never_saved_as_such(world: World, reply: httpx.Response) -> None:
    client = world.client(transport=answering(reply))
    with pytest.raises(ResponseError, match="The reply holds"):
        world.run(client, lambda c: c.audio.speech.create(input="a", model="m", voice="v"))


@both
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"input": ""}, "input is empty"),
        ({"input": "a" * 10_001}, "10,001 characters; at most 10,000"),
        ({"sample_rate": 11025}, r"sample_rate is 11025; it is one of 8000, "),
        ({"speed": 0.4}, r"speed is 0\.4; it goes from 0\.5 to 5"),
        ({"speed": 6}, r"speed is 6; it goes from 0\.5 to 5"),
        ({"volume": 1}, "no parameter 'volume'"),
    ],
)
def test_speech_that_the_api_is_sure_to_refuse_is_not_asked_for(
    world: World, params: dict[str, Any], message: str
) -> None:
    client = world.client(transport=answering(AssertionError("sent")))
    given = {"input": "a", "model": "m", "voice": "v", **params}
    with pytest.raises(ParameterError, match=message):
        world.run(client, lambda c: c.audio.speech.create(**given))


def test_10_000_characters_are_spoken() -> None:
    reply = httpx.Response(200, content=SPOKEN, headers={"content-type": "audio/wav"})
    client = World("sync").client(transport=answering(reply))
    client.audio.speech.create(input="ü" * 10_000, model="m", voice="v")
