"""`groqnb.transcribe` against a server that hears: parts, limits, resuming, bad input."""

from __future__ import annotations

import io
import itertools
import math
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hearing_world import RATE, TALK, Hearing, Talk, bare, wav

import groqnb
from groqnb import BadRequestError, GroqnbError, ParameterError, RateLimitError
from groqnb.hearing import kept as kept_module
from groqnb.hearing.checks import LongPrompt
from groqnb.hearing.extras import MissingExtra
from groqnb.hearing.fetching import FetchError
from groqnb.long_audio import transcribe
from groqnb.wire.retry import without_waiting

FREE = {"x-ratelimit-limit-requests": "2000"}


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data folder of the test's own; the folder of parts in it."""
    monkeypatch.setenv("GROQNB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data" / "transcripts"


def encoded(samples: Any, format: str, codec: str, rate: int = RATE) -> bytes:
    """An audio file of some kind, written by FFmpeg."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format=format) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate = RATE
        resampler = av.AudioResampler(
            format=stream.format, layout="mono", rate=rate, frame_size=stream.frame_size or None
        )
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            piece.pts = None
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return file.getvalue()


def video(*, audio: bool) -> bytes:
    """Half a second of pictures, with or without a track of noise."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        pictures = container.add_stream("mpeg4", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 32, 32, "yuv420p"
        track = container.add_stream("flac", rate=RATE, layout="mono") if audio else None
        for _ in range(5):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode(None))
        if track is not None:
            sound = av.AudioFrame.from_ndarray(
                TALK.samples[None, : RATE // 2], format="s16", layout="mono"
            )
            sound.sample_rate = RATE
            sound.pts = 0
            container.mux(track.encode(sound))
            container.mux(track.encode(None))
    return file.getvalue()


def film(format: str, *, pictures: float, begins: float = 0.0) -> bytes:
    """Twelve seconds of sound in a film of so many seconds; it begins at `begins`."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format=format) as container:
        track = container.add_stream("mpeg4", rate=10)
        track.width, track.height, track.pix_fmt = 32, 32, "yuv420p"
        codec = "aac" if format == "mp4" else "flac"
        spoken = container.add_stream(codec, rate=RATE, layout="mono")
        spoken.codec_context.open()
        for number in range(int(pictures * 10)):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            frame.pts = number
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
        resampler = av.AudioResampler(
            format=spoken.format, layout="mono", rate=RATE, frame_size=spoken.frame_size or None
        )
        sound = av.AudioFrame.from_ndarray(SHORT[None, :], format="s16", layout="mono")
        sound.sample_rate = RATE
        at = int(begins * RATE)
        for piece in [*resampler.resample(sound), *resampler.resample(None)]:
            piece.pts, at = at, at + piece.samples
            container.mux(spoken.encode(piece))
        container.mux(spoken.encode(None))
    return file.getvalue()


# --- one part, and many ---------------------------------------------------------------------------


def test_a_short_recording_is_one_request_with_words_and_segments() -> None:
    """All of the documented parameters go out, and what comes back is in the result."""
    server = Hearing()
    talk = transcribe(
        wav(TALK.samples), client=server.client(), language="en", prompt="Liberty", temperature=0.2
    )
    assert server.paths == ["/openai/v1/audio/transcriptions"]
    assert server.fields == [
        {
            "model": "whisper-large-v3-turbo",
            "language": "en",
            "prompt": "Liberty",
            "temperature": "0.2",
            "response_format": "verbose_json",
            "timestamp_granularities[]": ["word", "segment"],
        }
    ]
    assert talk.text == TALK.text
    assert list(talk.words["word"]) == [word for word, _, _ in TALK.words]
    assert talk.duration == pytest.approx(TALK.duration, abs=0.01)
    assert (talk.language, talk.parts, talk.resumed) == ("English", 1, 0)
    assert list(talk.segments["avg_logprob"].unique()) == [-0.1]


def test_a_long_recording_comes_back_whole_from_its_parts() -> None:
    """Ten parts, cut at silences: every word is there once, at its time in the whole recording."""
    server = Hearing()
    talk = transcribe(wav(TALK.samples), client=server.client(), part_seconds=10)
    assert talk.parts == len(server.heard) > 8
    assert list(talk.words["word"]) == [word for word, _, _ in TALK.words]
    assert bare(talk.text.split()) == bare(TALK.text.split())
    off = talk.words["start"] - [start for _, start, _ in TALK.words]
    assert off.abs().max() < 0.2
    times = talk.words[["start", "end"]]
    assert times.equals(times.round(3))
    assert talk.segments["start"].is_monotonic_increasing
    assert talk.segments["end"].max() <= talk.duration + 0.1


def test_parts_overlap_and_are_cut_where_it_is_quiet() -> None:
    """No cut goes through a word, and neighbours share the overlap."""
    server = Hearing()
    transcribe(wav(TALK.samples), client=server.client(), part_seconds=15, overlap_seconds=3)
    parts = sorted(server.heard)
    for (_, stop), (start, _) in itertools.pairwise(parts):
        assert stop - start == pytest.approx(3, abs=0.01)
        cut = (start + stop) / 2
        assert not any(begin + 0.05 < cut < end - 0.05 for _, begin, end in TALK.words)


def test_at_most_so_many_requests_are_on_their_way_at_a_time() -> None:
    """`concurrency=2` is two at once, and not one."""
    server, together, most = Hearing(), [0], [0]
    both, lock = threading.Event(), threading.Lock()

    def before(number: int) -> None:
        with lock:
            together[0] += 1
            most[0] = max(most[0], together[0])
            if together[0] == 2:
                both.set()
        assert both.wait(60)
        with lock:
            together[0] -= 1

    server.before = before
    transcribe(wav(TALK.samples), client=server.client(), part_seconds=10, concurrency=2)
    assert most == [2]


def test_translations_go_to_their_own_endpoint_and_do_not_overlap() -> None:
    """There are no words to align by: each part has its own stretch and nothing else."""
    server = Hearing()
    talk = transcribe(wav(TALK.samples), task="translate", client=server.client(), part_seconds=20)
    assert set(server.paths) == {"/openai/v1/audio/translations"}
    assert server.fields[0] == {"model": "whisper-large-v3", "response_format": "verbose_json"}
    parts = sorted(server.heard)
    assert all(a[1] == pytest.approx(b[0]) for a, b in itertools.pairwise(parts))
    assert talk.words.empty
    assert bare(talk.text.split()) == bare(TALK.text.split())


@pytest.mark.parametrize("shape", ["json", "text"])
def test_plain_text_can_be_asked_for(shape: Any) -> None:
    """Then each part is one segment."""
    server = Hearing()
    talk = transcribe(
        wav(TALK.samples), response_format=shape, client=server.client(), part_seconds=30
    )
    assert bare(talk.text.split()) == bare(TALK.text.split())
    assert len(talk.segments) == talk.parts
    assert talk.flags.empty


def test_segments_alone_can_be_asked_for() -> None:
    """`timestamp_granularities=["segment"]` asks for no words, and has none."""
    server = Hearing()
    talk = transcribe(
        wav(TALK.samples), timestamp_granularities=["segment"], client=server.client()
    )
    assert server.fields[0]["timestamp_granularities[]"] == ["segment"]
    assert talk.words.empty
    assert talk.text == TALK.text


def test_silent_parts_are_not_sent() -> None:
    """A minute of silence between two words costs nothing."""
    server = Hearing(Talk([w for w in TALK.words if w[2] < 20 or w[1] > 80], TALK.duration))
    talk = transcribe(wav(server.talk.samples), client=server.client(), part_seconds=10)
    assert not any(start > 22 and stop < 78 for start, stop in server.heard)
    assert bare(talk.text.split()) == bare(server.talk.text.split())


def test_progress_may_be_told_to_a_function() -> None:
    """It hears how many seconds are done, up to all of them."""
    told: list[tuple[float, float | None]] = []
    transcribe(
        wav(TALK.samples),
        client=Hearing().client(),
        part_seconds=20,
        progress=lambda done, total: told.append((done, total)),
    )
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == pytest.approx(TALK.duration, abs=0.01)
    assert all(total == pytest.approx(TALK.duration, abs=0.01) for _, total in told)


# --- cost and limits ------------------------------------------------------------------------------


def test_the_cost_counts_ten_seconds_for_each_request_at_least() -> None:
    """3 seconds cost what 10 do; parts cost what was sent of them, overlaps too."""
    server = Hearing()
    short = transcribe(wav(TALK.samples[: 3 * RATE]), client=server.client())
    assert short.cost == pytest.approx(10 / 3600 * 0.04)
    talk = transcribe(wav(TALK.samples), client=server.client(), part_seconds=20)
    sent = sum(max(10.0, stop - start) for start, stop in server.heard[1:])
    assert talk.cost == pytest.approx(sent / 3600 * 0.04)
    assert sent > TALK.duration


def test_a_refusal_is_waited_for_and_nothing_is_lost() -> None:
    """429 beyond the client's own patience: the part goes again when the server says."""
    server = Hearing()

    def before(number: int) -> httpx.Response | None:
        if number in (1, 2, 3, 4):
            return httpx.Response(
                429, headers={"retry-after": "90"}, json={"error": {"message": "slow down"}}
            )
        return None

    server.before = before
    with without_waiting():
        talk = transcribe(wav(TALK.samples), client=server.client(), part_seconds=20)
    assert bare(talk.text.split()) == bare(TALK.text.split())


def test_a_wait_longer_than_allowed_raises_and_keeps_what_is_done(folder: Path) -> None:
    """The error says that the same call goes on from there, and so it does."""
    server = Hearing()
    server.before = lambda number: (
        httpx.Response(429, headers={"retry-after": "7200"}, json={"error": {"message": "no"}})
        if number >= 2
        else None
    )
    with without_waiting(), pytest.raises(RateLimitError, match="2 finished parts are kept"):
        transcribe(wav(TALK.samples), client=server.client(), part_seconds=20, concurrency=1)
    assert len(list(folder.iterdir())) == 2
    server.before = lambda number: None
    heard = len(server.heard)
    talk = transcribe(wav(TALK.samples), client=server.client(), part_seconds=20)
    assert talk.resumed == 2
    assert len(server.heard) == heard + talk.parts - 2
    assert bare(talk.text.split()) == bare(TALK.text.split())


# --- going on -------------------------------------------------------------------------------------


def test_a_failed_run_goes_on_where_it_failed_and_leaves_nothing_behind(folder: Path) -> None:
    """Finished parts are on disk until all of them are there; then they are gone."""
    server = Hearing()
    server.before = lambda number: (
        httpx.Response(400, json={"error": {"message": "broken"}}) if number == 3 else None
    )
    with pytest.raises(BadRequestError, match="3 finished parts are kept"):
        transcribe(wav(TALK.samples), client=server.client(), part_seconds=15, concurrency=1)
    assert len(list(folder.iterdir())) == 3
    server.before = lambda number: None
    again = transcribe(wav(TALK.samples), client=server.client(), part_seconds=15)
    assert again.resumed == 3
    assert list(again.words["word"]) == [word for word, _, _ in TALK.words]
    assert list(folder.iterdir()) == []


def test_an_interrupt_keeps_what_is_finished_and_the_same_call_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C in the middle: KeyboardInterrupt, and no finished part is asked for again."""
    from groqnb.hearing import sending

    server = Hearing()
    looked = itertools.count()
    third = threading.Event()

    def before(number: int) -> None:
        if number == 2:
            third.set()

    server.before = before
    real = sending._start

    def start(piece: Any, work: Any, came: Any) -> None:
        if next(looked) == 3:
            raise KeyboardInterrupt
        real(piece, work, came)

    with monkeypatch.context() as patch:
        patch.setattr(sending, "_start", start)
        with pytest.raises(KeyboardInterrupt):
            transcribe(wav(TALK.samples), client=server.client(), part_seconds=15, concurrency=1)
    assert third.wait(60)
    assert "goes on from there" in capsys.readouterr().err
    for thread in threading.enumerate():
        if thread.name.startswith("groqnb-transcribe"):
            thread.join(60)
    kept = len(list(folder.iterdir()))
    assert kept == 3
    again = transcribe(wav(TALK.samples), client=server.client(), part_seconds=15)
    assert again.resumed == kept
    assert len(server.heard) == again.parts


KILLED = """
import sys, threading
sys.path.insert(0, sys.argv[1])
from hearing_world import TALK, Hearing, wav
from groqnb.long_audio import transcribe
server = Hearing()
server.before = lambda number: threading.Event().wait() if number == 3 else None
transcribe(wav(TALK.samples), client=server.client(), part_seconds=15, concurrency=1)
"""


def test_a_killed_kernel_loses_what_was_on_its_way_and_nothing_else(folder: Path) -> None:
    """kill -9 at the fourth part: another process goes on with the three that were finished."""
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(Path(__file__).parent)])
    try:
        deadline = time.monotonic() + 60
        while not folder.is_dir() or len(list(folder.glob("*.json"))) < 3:
            assert child.poll() is None, "the child ended by itself"
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        child.kill()
        child.wait()
    server = Hearing()
    again = transcribe(wav(TALK.samples), client=server.client(), part_seconds=15)
    assert again.resumed == 3
    assert len(server.heard) == again.parts - 3
    assert list(again.words["word"]) == [word for word, _, _ in TALK.words]


@pytest.mark.parametrize(
    "changed",
    [
        {"prompt": "Other"},
        {"language": "en"},
        {"temperature": 0.5},
        {"model": "whisper-large-v3"},
    ],
)
def test_parts_of_another_question_are_not_taken(folder: Path, changed: dict[str, Any]) -> None:
    """Another prompt, language, temperature or model is heard anew."""
    server = Hearing()
    server.before = lambda number: (
        httpx.Response(400, json={"error": {"message": "broken"}}) if number == 2 else None
    )
    with pytest.raises(BadRequestError):
        transcribe(wav(TALK.samples), client=server.client(), part_seconds=30, concurrency=1)
    server.before = lambda number: None
    again = transcribe(wav(TALK.samples), client=server.client(), part_seconds=30, **changed)
    assert again.resumed == 0


def test_what_is_kept_holds_neither_the_key_nor_the_sound(folder: Path) -> None:
    """A kept part is what was heard in it, and nothing else."""
    server = Hearing()
    server.before = lambda number: (
        httpx.Response(400, json={"error": {"message": "broken"}}) if number == 2 else None
    )
    with pytest.raises(BadRequestError):
        transcribe(wav(TALK.samples), client=server.client(), part_seconds=30, concurrency=1)
    for path in folder.iterdir():
        content = path.read_bytes()
        assert b"gsk_" not in content
        assert len(content) < 20_000


def test_a_damaged_part_on_disk_is_heard_anew(folder: Path) -> None:
    """Half a file, as a crash of the machine may leave it, is no answer."""
    server = Hearing()
    server.before = lambda number: (
        httpx.Response(400, json={"error": {"message": "broken"}}) if number == 2 else None
    )
    with pytest.raises(BadRequestError):
        transcribe(wav(TALK.samples), client=server.client(), part_seconds=30, concurrency=1)
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:40])
    server.before = lambda number: None
    again = transcribe(wav(TALK.samples), client=server.client(), part_seconds=30)
    assert again.resumed == 0
    assert list(again.words["word"]) == [word for word, _, _ in TALK.words]


def test_a_full_disk_is_told_once_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts that cannot be kept are a warning; the transcript is complete."""

    class Full:
        def __init__(self, path: Any) -> None:
            raise OSError(28, os.strerror(28))

    monkeypatch.setattr(kept_module, "NewFile", Full)
    server = Hearing()
    with pytest.warns(UserWarning, match="No space left") as told:
        talk = transcribe(wav(TALK.samples), client=server.client(), part_seconds=20)
    assert len(told) == 1
    assert list(talk.words["word"]) == [word for word, _, _ in TALK.words]


@pytest.mark.parametrize("where", ["cloud", "local", "http://[::1]:9"])
def test_a_record_answers_wherever_calls_would_go_and_without_waiting(
    tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parts are the same, no limit holds them up, and who answered and the cost stay."""
    talk = TALK.repeated(2)
    path = tmp_path / "talk.replay.json"
    with groqnb.replay(path):
        first = transcribe(wav(talk.samples), client=Hearing(talk).client())
    assert first.parts > 1
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    monkeypatch.setattr("groqnb.hearing.pace.Pace.book", lambda *_: pytest.fail("it waits"))
    with groqnb.replay(path):
        again = transcribe(wav(talk.samples), client=groqnb.Groq(where=where))
    assert again.to_dict() == first.to_dict()
    assert (again.where, again.cost, again.parts) == ("cloud", first.cost, first.parts)


def test_what_is_sent_is_the_same_with_another_version_of_ffmpeg() -> None:
    """Records and kept parts know it by its bytes, so no version is among these."""
    import re

    from groqnb.hearing.flac import flac

    sent = flac(SHORT)
    assert sent == flac(SHORT)
    assert re.search(rb"Lav[fc]\d", sent) is None


def test_a_record_holds_the_parts_that_were_known_before_it_was_on(tmp_path: Path) -> None:
    """Whoever gets the record has not the parts on this disk."""
    server = Hearing()
    server.before = lambda number: httpx.Response(400, json={"error": {}}) if number == 1 else None
    with pytest.raises(BadRequestError):
        transcribe(wav(TALK.samples), client=server.client(), part_seconds=60, concurrency=1)
    server.before = lambda number: None
    with groqnb.replay(tmp_path / "talk.replay.json"):
        first = transcribe(wav(TALK.samples), client=server.client(), part_seconds=60)
    assert (first.parts, first.resumed) == (2, 0)
    with groqnb.replay(tmp_path / "talk.replay.json", "strict"):
        again = transcribe(wav(TALK.samples), client=server.client(), part_seconds=60, resume=False)
    assert again.text == first.text


def test_nothing_is_kept_without_resume(folder: Path) -> None:
    """`resume=False` writes nothing."""
    server = Hearing()
    server.before = lambda number: (
        httpx.Response(400, json={"error": {"message": "broken"}}) if number == 2 else None
    )
    with pytest.raises(BadRequestError):
        transcribe(wav(TALK.samples), client=server.client(), part_seconds=30, resume=False)
    assert not folder.exists()


# --- sources --------------------------------------------------------------------------------------


class Recorder:
    """What AudioRecorder is to transcribe: bytes as `.value`."""

    def __init__(self, value: bytes | None) -> None:
        self.value = value


SHORT = TALK.samples[: 12 * RATE]
WORDS = [word for word, _, end in TALK.words if end < 11]


@pytest.mark.parametrize(
    "make",
    [
        lambda: "talk.wav",
        lambda: Path("talk.wav"),
        lambda: wav(SHORT),
        lambda: bytearray(wav(SHORT)),
        lambda: open("talk.wav", "rb"),  # noqa: SIM115
        lambda: io.BytesIO(wav(SHORT)),
        lambda: Recorder(wav(SHORT)),
        lambda: wav(np.repeat(SHORT, 2), channels=2),
    ],
    ids=["name", "path", "bytes", "bytearray", "file", "BytesIO", "recorder", "stereo"],
)
def test_every_kind_of_source_is_heard_sample_by_sample(make: Any) -> None:
    """16 kHz WAV reaches the server unchanged, wherever it came from."""
    Path("talk.wav").write_bytes(wav(SHORT))
    server = Hearing()
    talk = transcribe(make(), client=server.client())
    assert list(talk.words["word"])[: len(WORDS)] == WORDS
    assert server.heard == [(0.0, 12.0)]


@pytest.mark.parametrize(
    "array",
    [
        SHORT,
        SHORT.astype(np.int32) << 16,
        SHORT / 32767.0,
        SHORT.astype(np.float32),
        SHORT.astype(np.int64),
        np.stack([SHORT, SHORT]),
        np.stack([SHORT, SHORT], axis=1),
    ],
    ids=["int16", "int32", "float", "large floats", "wide", "channels first", "channels last"],
)
def test_arrays_of_every_type_are_heard(array: Any) -> None:
    """Integers of any width, floats, one channel or two."""
    server = Hearing()
    transcribe(array, sample_rate=RATE, client=server.client())
    assert server.heard == [(0.0, 12.0)]


@pytest.mark.parametrize(
    ("format", "codec", "rate"),
    [
        ("flac", "flac", RATE),
        ("flac", "flac", 44_100),
        ("mp3", "libmp3lame", 44_100),
        ("ogg", "libopus", 48_000),
        ("webm", "libopus", 48_000),
        ("mp4", "aac", 22_050),
        ("wav", "pcm_s24le", 48_000),
        ("wav", "pcm_mulaw", 8_000),
    ],
)
def test_every_format_becomes_16_khz_mono(format: str, codec: str, rate: int) -> None:
    """What FFmpeg reads is sent with its length kept, and heard by what it sounds like."""
    server = Hearing()
    seen: list[int] = []
    server._place = lambda samples: (  # type: ignore[method-assign]
        seen.append(len(samples)),
        (0.0, len(samples) / RATE),
    )[1]
    data = encoded(SHORT, format, codec, rate)
    talk = transcribe(data, client=server.client())
    assert talk.duration == pytest.approx(12.0, abs=0.15)
    assert abs(seen[0] - 12 * RATE) < 0.15 * RATE


def test_an_array_of_another_rate_is_resampled() -> None:
    """48 kHz become 16."""
    server = Hearing()
    server._place = lambda samples: (0.0, len(samples) / RATE)  # type: ignore[method-assign]
    talk = transcribe(np.repeat(SHORT, 3), sample_rate=48_000, client=server.client())
    assert talk.duration == pytest.approx(12.0, abs=0.01)


def test_of_a_video_the_first_audio_track_is_heard() -> None:
    """A film of half a second has half a second of sound."""
    server = Hearing()
    transcribe(video(audio=True), client=server.client())
    assert server.heard == [(0.0, 0.5)]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("format", ["mp4", "matroska"])
def test_a_film_that_goes_on_without_sound_is_not_called_damaged(format: str) -> None:
    """Its length is that of the sound, and nobody is warned."""
    told: list[tuple[float, float | None]] = []
    talk = transcribe(
        film(format, pictures=30),
        client=_anything().client(),
        progress=lambda done, total: told.append((done, total)),
    )
    assert talk.duration == pytest.approx(12.0, abs=0.1)
    assert told[-1][1] == pytest.approx(12.0, abs=0.1)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("format", ["mp4", "matroska"])
def test_times_are_those_of_the_film_where_its_sound_begins_later(format: str) -> None:
    """Subtitles would come too early otherwise."""
    from groqnb.hearing.decoding import decoded
    from groqnb.hearing.sources import source_of

    sound = decoded(source_of(film(format, pictures=20, begins=5.0)))
    samples = np.concatenate(list(sound.blocks))
    assert not samples[: int(4.9 * RATE)].any()
    assert len(samples) / RATE == pytest.approx(17.0, abs=0.1)
    assert sound.length == pytest.approx(17.0, abs=0.1)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("loud_first", [True, False])
def test_an_mp3_that_does_not_say_how_long_it_is_is_heard_whole(
    loud_first: bool,
) -> None:
    """FFmpeg guesses too little or too much of it, and nobody is warned of that."""
    import av

    rng = np.random.default_rng(1)
    parts = [rng.normal(0, level, 30 * RATE).astype(np.int16) for level in (8000, 40)]
    samples = np.concatenate(parts if loud_first else parts[::-1])
    file = io.BytesIO()
    with av.open(file, "w", format="mp3", options={"write_xing": "0"}) as container:
        stream = container.add_stream(
            "libmp3lame", rate=44_100, layout="mono",
            options={"global_quality": "236", "flags": "+qscale"},
        )  # fmt: skip
        stream.codec_context.open()
        resampler = av.AudioResampler(
            format=stream.format, layout="mono", rate=44_100, frame_size=stream.frame_size
        )
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate = RATE
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    with av.open(io.BytesIO(file.getvalue())) as container:
        guessed = container.duration / av.time_base
    assert guessed < 55 if loud_first else guessed > 65
    talk = transcribe(file.getvalue(), client=_anything().client(), part_seconds=20)
    assert talk.duration == pytest.approx(60, abs=0.5)


def test_the_bar_stands_a_file_that_said_too_little_of_its_length(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is full then, and says how much there was."""
    from groqnb.hearing import progress

    monkeypatch.setattr(progress, "_PATIENCE", -1.0)
    with progress.Bar("talk.mp3", 10.0) as bar:
        bar.add(5.0)
        bar.add(8.0)
        bar.idle(0.0)
    assert "13/13 s" in capsys.readouterr().err


def _anything() -> Hearing:
    """A server that does not look at what it hears."""
    server = Hearing()
    server._place = lambda samples: (0.0, 1.0)  # type: ignore[method-assign]
    return server


def test_a_waveform_is_as_long_as_its_sound_however_it_is_read() -> None:
    """Blocks of any length, such as decoders give, add no time."""
    from groqnb.hearing.splitting import Envelope

    whole, read = Envelope(), Envelope()
    whole.add(SHORT)
    for start in range(0, len(SHORT), 1_237):
        read.add(SHORT[start : start + 1_237])
    assert len(whole.values()) == 12 * 20
    assert np.array_equal(whole.values(), read.values())


def test_a_wrong_ending_does_no_harm() -> None:
    """A FLAC called .mp3 is a FLAC."""
    Path("talk.mp3").write_bytes(encoded(SHORT, "flac", "flac"))
    server = Hearing()
    transcribe("talk.mp3", client=server.client())
    assert server.heard == [(0.0, 12.0)]


@pytest.mark.parametrize("promised", [0, 0xFFFFFFFF])
def test_a_header_that_was_written_before_the_sound_does_no_harm(promised: int) -> None:
    """WAV from a pipe says a length that is not true; what is there is heard."""
    data = bytearray(wav(SHORT))
    data[4:8] = data[40:44] = promised.to_bytes(4, "little")
    server = Hearing()
    transcribe(bytes(data), client=server.client())
    assert server.heard == [(0.0, 12.0)]


def test_a_url_is_downloaded(tmp_path: Path) -> None:
    """A path of a server, and a data: URL."""
    import base64

    with _serving(wav(SHORT)) as url:
        server = Hearing()
        talk = transcribe(f"{url}/a%20talk.wav", client=server.client())
        assert (talk.name, server.heard) == ("a talk.wav", [(0.0, 12.0)])
    text = base64.b64encode(wav(SHORT)).decode()
    transcribe(f"data:audio/wav;base64,{text}", client=server.client())
    assert len(server.heard) == 2


def test_an_address_with_letters_and_spaces_as_a_browser_shows_it_is_downloaded() -> None:
    """Its path is quoted on the way, what is quoted already is not quoted again."""
    with _serving(wav(SHORT)) as url:
        for path, name in (("größe 1.wav?of=ü", "größe 1.wav"), ("a%20talk.wav", "a talk.wav")):
            talk = transcribe(f"{url}/{path}", client=Hearing().client())
            assert talk.name == name


class _serving:
    """A web server with one file; paths with "missing", "page" or "cut" have their own answers."""

    def __init__(self, body: bytes) -> None:
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                return

            def do_GET(self) -> None:
                if "noise" in self.path:
                    self.wfile.write(b"no line of status\r\n\r\n")
                    return
                self.send_response(404 if "missing" in self.path else 200)
                kind = "text/html" if "page" in self.path else "audio/wav"
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[:1000] if "cut" in self.path else body)

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True

    def __enter__(self) -> str:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


# --- bad input ------------------------------------------------------------------------------------


def refused(source: Any, match: str, **options: Any) -> None:
    """It is refused in a sentence, and nothing was sent."""
    server = Hearing()
    with pytest.raises(ParameterError, match=match) as caught:
        transcribe(source, client=server.client(), **options)
    assert server.heard == []
    assert len(str(caught.value)) < 300


def test_what_is_no_recording_is_refused_shortly(tmp_path: Path) -> None:
    """Text, an empty file, a folder, a file that is not there, an object of another kind."""
    Path("notes.mp3").write_text("These are no sounds, they are words. " * 100)
    Path("empty.wav").write_bytes(b"")
    Path("talk.wav").write_bytes(wav(SHORT))
    refused("notes.mp3", "no audio or video that can be read|cannot be decoded|no audio track")
    refused("empty.wav", "is empty")
    refused(b"", "is empty")
    refused(tmp_path, "is a folder")
    refused("tolk.wav", "Did you mean .*talk.wav")
    refused(Recorder(None), "holds no sound yet")
    refused(Recorder(b""), "holds no sound yet")
    refused(3, "type int is no recording")
    refused(os.urandom(5000), "no audio or video that can be read|cannot be decoded|track")
    refused(io.StringIO("text"), "open as text")
    refused("ftp://example.org/a.wav", r"not from ftp://")
    refused("data:audio/wav;base64,@@", "not valid")


def test_a_playlist_does_not_lead_to_other_files() -> None:
    """A file that names another one is no recording; the other one is not opened."""
    Path("talk.wav").write_bytes(wav(SHORT))
    refused(b"ffconcat version 1.0\nfile talk.wav\n", "no audio or video|no audio track")
    place = Path("talk.wav").absolute().as_uri()
    refused(f"#EXTM3U\n#EXTINF:10,\n{place}\n#EXT-X-ENDLIST\n".encode(), "no audio or video")


def test_a_video_without_sound_is_refused() -> None:
    """It says what the file does hold."""
    refused(video(audio=False), "no audio track: it holds video only")


@pytest.mark.parametrize("samples", [80, 1])
def test_less_than_a_hundredth_of_a_second_is_refused(samples: int) -> None:
    """0.005 s are too short to be sent."""
    refused(wav(TALK.samples[:samples]), "at least 0.01 s")


def test_a_hundredth_of_a_second_is_enough() -> None:
    """The documented minimum is sent."""
    server = Hearing()
    server._place = lambda samples: (0.0, len(samples) / RATE)  # type: ignore[method-assign]
    loud = np.full(160, 5000, np.int16)
    assert transcribe(wav(loud), client=server.client()).duration == pytest.approx(0.01)


def test_silence_is_refused_and_costs_nothing() -> None:
    """A muted microphone: it says so, and asks nobody."""
    refused(wav(np.zeros(30 * RATE, np.int16)), "is silent.*microphone")


def test_a_cut_file_is_heard_as_far_as_it_goes() -> None:
    """Half of an MP3 is half of the words."""
    data = encoded(SHORT, "mp3", "libmp3lame")
    server = Hearing()
    server._place = lambda samples: (0.0, len(samples) / RATE)  # type: ignore[method-assign]
    with pytest.warns(UserWarning, match="should last 12.0 s"):
        talk = transcribe(data[: len(data) // 2], client=server.client())
    assert 5 < talk.duration < 7


def test_a_cut_film_is_refused() -> None:
    """An MP4 has its table of contents at its end; without it nothing can be read."""
    data = encoded(SHORT, "mp4", "aac")
    refused(data[: len(data) // 2], "cut off|no audio or video")


def test_damaged_places_are_left_out_and_told() -> None:
    """Bytes turned over in the middle: a warning, and the rest is heard."""
    data = bytearray(encoded(TALK.samples, "flac", "flac"))
    middle = len(data) // 2
    data[middle : middle + 80_000] = os.urandom(80_000)
    server = Hearing()
    server._place = lambda samples: (0.0, len(samples) / RATE)  # type: ignore[method-assign]
    with pytest.warns(UserWarning, match="damaged"):
        talk = transcribe(bytes(data), client=server.client())
    assert 60 < talk.duration < TALK.duration + 1


@pytest.mark.parametrize(
    ("path", "error", "match"),
    [
        ("missing.wav", FetchError, "answered with status 404"),
        ("page", ParameterError, "web page"),
        ("cut.wav", FetchError, "broke off after 1,000"),
        ("noise.wav", FetchError, "cannot be reached, or broke off"),
    ],
)
def test_a_url_without_a_recording_is_told_shortly(
    path: str, error: type[Exception], match: str
) -> None:
    """Status, web page, broken download."""
    with _serving(wav(SHORT)) as url, pytest.raises(error, match=match):
        transcribe(f"{url}/{path}", client=Hearing().client())


def test_a_host_that_is_not_there_is_told_without_the_rest_of_the_url() -> None:
    """What may be secret in an address is not repeated."""
    with pytest.raises(FetchError) as caught:
        transcribe("http://127.0.0.1:1/a.wav?token=secret", client=Hearing().client())
    assert "secret" not in str(caught.value)
    with pytest.raises(ParameterError) as refusal:
        transcribe("https://me:secret@example.org/a.wav", client=Hearing().client())
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"part_second": 30}, "Did you mean 'part_seconds'"),
        ({"part_seconds": 5}, "from 10 to 750"),
        ({"concurrency": 0}, "from 1 to 16"),
        ({"temperature": 2}, "from 0 to 1"),
        ({"task": "summarize"}, "'transcribe' or 'translate'"),
        ({"language": "English"}, "ISO-639-1"),
        ({"language": "fr", "task": "translate"}, "into English"),
        ({"model": "whisper-large-v3-turbo", "task": "translate"}, "does not translate"),
        ({"model": "llama-3.1-8b-instant"}, "does not hear; these do"),
        ({"response_format": "srt"}, r"\.to_srt\(\)"),
        ({"timestamp_granularities": ["letter"]}, "'word' and 'segment'"),
        ({"thresholds": {"avg_logprop": -1}}, "Did you mean 'avg_logprob'"),
        ({"thresholds": {"avg_logprob": "low"}}, "is a number"),
        ({"sample_rate": 16_000}, "belongs to a numpy array"),
    ],
)
def test_mistakes_in_parameters_are_refused_before_anything_is_read(
    options: dict[str, Any], match: str
) -> None:
    """Each says what is allowed."""
    refused(wav(SHORT), match, **options)


@pytest.mark.parametrize("package", ["av", "numpy"])
def test_a_missing_package_is_named_with_its_extra(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What to install is in the error, and nothing was sent."""
    server = Hearing()
    client = server.client()
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=r'pip install "groqnb\[audio\]"'):
        transcribe("talk.mp3", client=client)
    assert server.heard == []


def test_arrays_that_are_no_sound_are_refused() -> None:
    """No rate, odd shapes, texts, NaN, what is no array."""
    refused([1, 2, 3], "as a numpy array, not as a list", sample_rate=RATE)
    refused(SHORT, "needs its sample rate")
    refused(SHORT, "from 1,000", sample_rate=10)
    refused(np.zeros((3, 4, 5)), "is no sound", sample_rate=RATE)
    refused(np.array(["a"]), "is no sound", sample_rate=RATE)
    refused(np.array([0.1, math.nan]), "no numbers", sample_rate=RATE)
    refused(np.zeros(0), "is no sound", sample_rate=RATE)


def test_a_long_prompt_is_warned_of_before_it_is_sent() -> None:
    """More than 224 tokens: a warning, and the request goes out all the same."""
    server = Hearing()
    with pytest.warns(LongPrompt, match="at most 224"):
        transcribe(wav(SHORT), prompt="word " * 300, client=server.client())
    assert len(server.heard) == 1


def test_a_file_that_ends_badly_keeps_the_parts_before(folder: Path) -> None:
    """The source fails in the middle: its error is raised once the calls on their way are done."""

    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 60 * RATE * 2:
                raise GroqnbError("the disk is gone")
            return super().read(size)

    server = Hearing()
    with pytest.raises(GroqnbError, match="the disk is gone"):
        transcribe(Failing(wav(TALK.samples)), client=server.client(), part_seconds=15)
    assert len(list(folder.iterdir())) == len(server.heard) > 0


def test_three_hours_are_heard_in_bounded_memory() -> None:
    """A 3-hour file: every part is asked for, and never more than a few of them are held."""
    from groqnb.hearing.decoding import decoded
    from groqnb.hearing.sources import source_of
    from groqnb.hearing.splitting import pieces

    class Long(io.RawIOBase):
        """Three hours of WAV that stand in no memory."""

        head, size = wav(np.zeros(0)), 3 * 3600 * RATE * 2
        at = 0

        def readable(self) -> bool:
            return True

        def seekable(self) -> bool:
            return True

        def seek(self, offset: int, whence: int = 0) -> int:
            base = (0, self.at, self.size + 44)[whence]
            self.at = base + offset
            return self.at

        def tell(self) -> int:
            return self.at

        def readinto(self, buffer: Any) -> int:
            if self.at < 44:
                head = bytearray(self.head)
                head[4:8] = (self.size + 36).to_bytes(4, "little")
                head[40:44] = self.size.to_bytes(4, "little")
                data = bytes(head[self.at : self.at + len(buffer)])
            else:
                data = b"\x10\x01" * ((min(len(buffer), self.size + 44 - self.at) + 1) // 2)
                data = data[: min(len(buffer), self.size + 44 - self.at)]
            buffer[: len(data)] = data
            self.at += len(data)
            return len(data)

    sound = decoded(source_of(Long()))
    assert sound.length == pytest.approx(3 * 3600)
    total, longest = 0.0, 0.0
    for piece in pieces(sound.blocks, seconds=300, overlap=4):
        total += piece.ends - piece.begins
        longest = max(longest, piece.seconds)
    assert total == pytest.approx(3 * 3600)
    assert longest < 360
