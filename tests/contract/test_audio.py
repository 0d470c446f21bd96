"""Hearing: recordings in, documented objects out, and a 400 for all that cannot be heard."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import groq
import httpx
import numpy as np
import openai
import pytest

import groqnb
from groqnb.local import weights
from groqnb.local.process import Engine
from tests import speech
from tests.contract.test_batches import create as create_batch
from tests.contract.test_batches import over, records, until

pytestmark = pytest.mark.engine

HEAR = ["/audio/transcriptions", "/audio/translations"]
WAV = ("a.wav", b"RIFF0000WAVE")
NAME = "whisper-base-ct2"


@pytest.fixture(scope="module", autouse=True)
def _whisper() -> None:
    for file in weights.group("hearing"):
        weights.ensure(file.key)


@pytest.fixture(scope="module")
def local(engine: Engine) -> Iterator[groqnb.Groq]:
    """This package's own client."""
    with groqnb.Groq(base_url=engine.base_url, api_key=engine.api_key, timeout=240) as client:
        yield client


def ask(http: httpx.Client, path: str = HEAR[0], file: Any = WAV, **values: Any) -> httpx.Response:
    data = {"model": "whisper-large-v3", **values}
    files = {"file": file} if file else {"x": (None, "")}
    if not file:
        # Something must make it a form.
        files = {name: (None, str(value)) for name, value in data.items()}
        data = {}
    data = {name: value for name, value in data.items() if value is not None}
    return http.post(path, files=files, data=data)


def refused(http: httpx.Client, *given: Any, **values: Any) -> tuple[int, dict[str, Any]]:
    reply = ask(http, *given, **values)
    assert reply.status_code != 200, reply.text
    return reply.status_code, reply.json()["error"]


def test_json_is_the_text_and_the_request_s_id(http: httpx.Client) -> None:
    """And the headers say who heard it, and what is left of the limits."""
    reply = ask(http, file=("a.wav", speech.greeting()))
    assert reply.status_code == 200, reply.text
    assert set(reply.json()) == {"text", "x_groq"}
    assert reply.json()["x_groq"] == {"id": reply.headers["x-request-id"]}
    assert speech.words(reply.json()["text"]) == speech.words(
        "Good morning and welcome to the harbor"
    )
    assert reply.headers.get_list("x-groqnb-model") == [NAME]
    assert reply.headers["x-ratelimit-limit-requests"] == "2000"


def test_text_is_bare_text(http: httpx.Client) -> None:
    """Of the type text/plain."""
    reply = ask(http, file=("a.wav", speech.greeting()), response_format="text")
    assert reply.headers["content-type"].startswith("text/plain")
    assert reply.text.startswith("Good morning")


def test_verbose_json_has_every_documented_field_worked_out(groq_client: groq.Groq) -> None:
    """Read by the official package; the whole clip is understood, every word in its time."""
    heard: Any = groq_client.audio.transcriptions.create(
        file=("talk.flac", speech.recording("en")),
        model="whisper-large-v3-turbo",
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert speech.word_error_rate(speech.SPOKEN["en"], heard.text) <= 0.05
    assert (heard.task, heard.language) == ("transcribe", "English")
    assert heard.duration == pytest.approx(17.1, abs=0.05)
    assert heard.x_groq["id"].startswith("req_")
    assert "".join(segment["text"] for segment in heard.segments).strip() == heard.text
    documented = {
        "id": int,
        "seek": int,
        "start": float,
        "end": float,
        "text": str,
        "tokens": list,
        "temperature": float,
        "avg_logprob": float,
        "compression_ratio": float,
        "no_speech_prob": float,
    }
    for number, segment in enumerate(heard.segments):
        assert {name: type(value) for name, value in segment.items()} == documented
        assert segment["id"] == number
        assert segment["seek"] == 0
        assert all(isinstance(token, int) for token in segment["tokens"])
        assert -1 < segment["avg_logprob"] < 0
        assert 0 <= segment["no_speech_prob"] < 0.6
        assert 0.5 < segment["compression_ratio"] < 2.4
    times = [time for word in heard.words for time in (word["start"], word["end"])]
    assert times == sorted(times)
    assert times[-1] <= heard.duration
    assert all(set(word) == {"word", "start", "end"} for word in heard.words)
    assert " ".join(word["word"] for word in heard.words) == heard.text
    # "boat" is the second word of the second sentence, which begins after 2.4 s.
    boat = next(word for word in heard.words if word["word"] == "boat")
    assert boat["start"] == pytest.approx(2.9, abs=0.4)


@pytest.mark.parametrize(
    ("asked", "segments", "words"),
    [([], True, False), (["word"], False, True), (["segment"], True, False)],
)
def test_granularities_choose_what_has_times(
    http: httpx.Client, asked: list[str], segments: bool, words: bool
) -> None:
    """Segments unless said; what was not asked for is null."""
    reply = ask(
        http,
        file=("a.wav", speech.greeting()),
        response_format="verbose_json",
        **{"timestamp_granularities[]": asked or None},
    ).json()
    assert bool(reply["segments"]) is segments
    assert bool(reply["words"]) is words


def test_the_language_is_found_out_or_taken_from_the_request(http: httpx.Client) -> None:
    """French is heard as French; told that English is Russian, Whisper writes Russian."""
    french = ("a.flac", speech.recording("fr"))
    found = ask(http, file=french, response_format="verbose_json").json()
    assert found["language"] == "French"
    assert speech.word_error_rate(speech.SPOKEN["fr"], found["text"]) <= 0.15
    english = ("a.wav", speech.greeting())
    told = ask(http, file=english, response_format="verbose_json", language="ru").json()
    assert told["language"] == "Russian"
    assert re.search("[а-я]", told["text"])


def test_a_translation_is_english(groq_client: groq.Groq) -> None:
    """Whisper's own; `language: en`, which the documents pass, is the text's language."""
    heard: Any = groq_client.audio.translations.create(
        file=("a.flac", speech.recording("fr")),
        model="whisper-large-v3",
        response_format="verbose_json",
        extra_body={"language": "en"},
    )
    assert (heard.task, heard.language) == ("translate", "French")
    said = set(speech.words(heard.text))
    assert {"museum", "sea", "boats"} <= said, heard.text
    assert all(set(segment) >= {"id", "avg_logprob"} for segment in heard.segments)


@pytest.mark.parametrize("prompt", ["Harbor, Grace.", "The harbor, and Grace at the counter."])
@pytest.mark.parametrize("asked", [["word"], ["segment"]])
def test_a_prompt_takes_nothing_away_and_adds_nothing(
    http: httpx.Client, prompt: str, asked: list[str]
) -> None:
    """No sentence is left out at the end, and none is said again in the silence behind it."""
    reply = ask(
        http,
        file=("talk.flac", speech.recording("en")),
        language="en",
        prompt=prompt,
        response_format="verbose_json",
        **{"timestamp_granularities[]": asked},
    )
    heard = reply.json()
    assert speech.word_error_rate(speech.SPOKEN["en"], heard["text"]) <= 0.05
    last = heard["words" if asked == ["word"] else "segments"][-1]
    assert 15 < last["end"] <= heard["duration"]


def test_a_prompt_spells_names(http: httpx.Client) -> None:
    """ "Grace" becomes the spelling that the prompt has."""
    counter = speech.wav(speech.samples()[round(12.6 * speech.RATE) : round(15.4 * speech.RATE)])
    plain = ask(http, file=("a.wav", counter)).json()["text"]
    led = ask(http, file=("a.wav", counter), prompt="Our staff: Grayce, Anne and Tom.")
    assert "Grace" in plain
    assert "Grayce" in led.json()["text"]


def test_the_temperature_that_was_used_is_told(http: httpx.Client) -> None:
    """0 unless said, higher ones as they are asked for."""
    for asked in (None, "0.4"):
        reply = ask(
            http,
            file=("a.wav", speech.greeting()),
            response_format="verbose_json",
            temperature=asked,
        ).json()
        assert reply["segments"][0]["temperature"] == float(asked or 0)


def test_openai_package_hears_a_video(openai_client: openai.OpenAI) -> None:
    """The first audio track of an mp4, which is brought to 16 kHz."""
    sound = speech.samples()[: round(2.4 * speech.RATE)]
    content = speech.encoded(sound, "mp4", "aac", rate=44_100, video=True)
    heard = openai_client.audio.transcriptions.create(
        model="whisper-large-v3", file=("talk.mp4", content)
    )
    assert "welcome to the harbor" in heard.text


def test_own_client_types_what_was_heard(local: groqnb.Groq) -> None:
    """Segments and words are objects, from a file with any name that is right."""
    heard = local.audio.transcriptions.create(
        model="whisper-large-v3",
        file=("a.wav", speech.greeting()),
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert heard.segments is not None
    assert heard.words is not None
    assert heard.segments[0].avg_logprob is not None
    assert heard.words[-1].end <= (heard.duration or 0)
    assert heard.x_groq is not None
    english = local.audio.translations.create(
        model="whisper-large-v3", file=("a.wav", speech.greeting()), response_format="text"
    )
    assert english.text.startswith("Good morning")


def stereo_of_one_side() -> bytes:
    """A wav whose right channel is silent."""
    left = speech.samples()[: round(2.4 * speech.RATE)]
    both = np.stack([left, np.zeros_like(left)], axis=1)
    return speech.wav(both, channels=2)


def test_stereo_is_mixed_down(http: httpx.Client) -> None:
    """Speech on one side only is heard."""
    assert "harbor" in ask(http, file=("a.wav", stereo_of_one_side())).json()["text"]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.wav", b"RIFF0000WAVE", "invalid_audio"),
        ("a.mp3", b"This is a text, not a song. " * 100, "invalid_audio"),
        ("a.mp4", b"\x00" * 5000, "invalid_audio"),
        ("a.ogg", b"#EXTM3U\nfile:///etc/hostname\n", "invalid_audio"),
        ("a.wav", speech.wav(speech.samples()[:80]), "audio_too_short"),
        ("a.wav", speech.wav(speech.silence(3)), "audio_silent"),
        ("a.wav", speech.wav(speech.silence(0)), "invalid_audio"),
    ],
)
def test_what_cannot_be_heard_is_a_400_that_says_why(
    http: httpx.Client, name: str, content: bytes, code: str
) -> None:
    """Damaged, no sound at all, a playlist, 0.005 seconds, silence."""
    status, error = refused(http, file=(name, content))
    assert (status, error["param"], error["code"]) == (400, "file", code)


def test_a_video_without_sound_is_a_400(http: httpx.Client) -> None:
    """It says that there is no audio track."""
    import av

    with_sound = speech.encoded(speech.samples()[:16000], "matroska", "flac", video=True)
    assert ask(http, file=("a.webm", with_sound)).status_code == 200
    import io

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as made:
        stream: Any = made.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")
        made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    status, error = refused(http, file=("a.mp4", file.getvalue()))
    assert (status, error["code"]) == (400, "no_audio_track")


def test_a_file_that_breaks_off_gives_what_it_has(http: httpx.Client) -> None:
    """As a recorder leaves it that lost its power."""
    whole = speech.recording("en")
    reply = ask(http, file=("a.flac", whole[: len(whole) // 3]))
    assert "welcome to the harbor" in reply.json()["text"]


@pytest.mark.parametrize("ending", ["flac", "mp3", "mp4", "mpeg", "mpga", "mpg", "m4a", "ogg"])
def test_every_documented_format_is_let_in(http: httpx.Client, ending: str) -> None:
    """By the ending of the file's name, in any case; what is in it is looked at then."""
    assert refused(http, file=(f"talk.v2.{ending.upper()}", b"x"))[1]["code"] == "invalid_audio"


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
        ({"file": None, "url": "http://127.0.0.1:1/a.wav"}, 400, "url"),
        ({"file": None, "url": "http://169.254.169.254/latest"}, 400, "url"),
        ({"file": None, "url": "data:audio/wav;base64,&&&&"}, 400, "url"),
        ({"url": "https://example.com/a.wav"}, 400, "file"),
        ({"language": "english"}, 400, "language"),
        ({"language": "xx"}, 400, "language"),
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
    got, error = refused(http, **values)
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
    got, error = refused(http, HEAR[1], **values)
    assert (got, error.get("param")) == (400, param)


def test_a_prompt_is_counted_in_whisper_s_tokens(http: httpx.Client) -> None:
    """Long words that Whisper must spell have more of them than an estimate by words says."""
    long = "Llanfairpwll " * 100
    status, error = refused(http, file=("a.wav", speech.greeting()), prompt=long)
    assert (status, error["param"]) == (400, "prompt")
    assert "estimated" not in error["message"]


def test_audio_comes_inside_a_url(http: httpx.Client) -> None:
    """In base64 of either alphabet; more than a form's fields usually hold."""
    long = speech.wav(np.tile(speech.samples()[: round(2.4 * speech.RATE)], 1), 16_000)
    padded = long + b"\x00" * 1_500_000
    for text in (base64.b64encode(padded), base64.urlsafe_b64encode(padded)):
        reply = ask(http, file=None, url="data:audio/wav;base64," + text.decode())
        assert reply.status_code == 200, reply.text
        assert "harbor" in reply.json()["text"]


def test_more_than_25_megabytes_are_a_413(http: httpx.Client) -> None:
    """The limit for a file sent along."""
    assert refused(http, file=("a.wav", b"x" * 25_000_000))[1]["code"] == "invalid_audio"
    status, error = refused(http, file=("a.wav", b"x" * 25_000_001))
    assert (status, error["param"]) == (413, "file")


@pytest.fixture
def talk_url() -> Iterator[str]:
    """The greeting on a server of this machine; other paths are 30 MB of nothing."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(speech.greeting() if "talk" in self.path else bytes(30_000_000))

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_url_is_fetched_and_seconds_cost(
    serve: Callable[..., AbstractContextManager[Engine]], talk_url: str
) -> None:
    """From loopback with the switch for tests alone; 2.4 s cost as much as 10: 0.0003 USD."""
    options = ("--allow-private-image-urls", "--plan", "free", "--spend-limit", "0.0005")
    with serve(*options) as engine:
        headers = {"Authorization": f"Bearer {engine.api_key}"}
        with httpx.Client(base_url=engine.base_url, headers=headers, timeout=240) as http:
            status, error = refused(http, file=None, url=talk_url + "large")
            assert (status, error["param"]) == (413, "url")
            for _ in range(2):
                reply = ask(http, file=None, url=talk_url + "talk.wav")
                assert "harbor" in reply.json()["text"]
            status, error = refused(http, file=("a.wav", speech.greeting()))
            assert (status, error["code"]) == (400, "blocked_api_access")


def test_a_batch_s_lines_are_heard(http: httpx.Client) -> None:
    """Transcriptions and translations, by url; a line that cannot be heard fails by itself."""

    def row(number: int, task: str, content: bytes) -> dict[str, Any]:
        url = "data:audio/wav;base64," + base64.b64encode(content).decode()
        return {
            "custom_id": f"r{number}",
            "method": "POST",
            "url": f"/v1/audio/{task}",
            "body": {"model": "whisper-large-v3", "url": url, "response_format": "verbose_json"},
        }

    lines = [
        row(0, "transcriptions", speech.greeting()),
        row(1, "translations", speech.greeting()),
        row(2, "transcriptions", b"no audio"),
    ]
    batch = create_batch(http, lines, endpoint="/v1/audio/transcriptions")
    batch = until(http, batch["id"], over)
    assert batch["request_counts"] == {"total": 3, "completed": 2, "failed": 1}, batch
    for found in records(http, batch["output_file_id"]):
        body = found["response"]["body"]
        assert "welcome to the harbor" in body["text"]
        assert body["x_groq"]["id"] == found["response"]["request_id"]
        assert body["segments"]
    (failed,) = records(http, batch["error_file_id"])
    assert failed["response"]["body"]["error"]["code"] == "invalid_audio"


def test_a_client_that_hangs_up_does_not_keep_others_waiting(
    http: httpx.Client, engine: Engine
) -> None:
    """Ten minutes are given up after a moment; the next request is answered in its turn."""
    long = speech.encoded(np.tile(speech.samples(), 35), "flac", "flac")
    headers = {"Authorization": f"Bearer {engine.api_key}"}
    with (
        httpx.Client(
            base_url=engine.base_url, headers=headers, timeout=httpx.Timeout(240, read=3)
        ) as hasty,
        pytest.raises(httpx.ReadTimeout),
    ):
        ask(hasty, file=("a.flac", long))
    assert ask(http, file=("a.wav", speech.greeting())).status_code == 200
