"""AudioRecorder in Python: what it holds, cuts, saves, and has written down."""

from __future__ import annotations

import io
import json
import sys
import wave
from pathlib import Path
from typing import Any

import pytest

import groqnb
from groqnb import AudioRecorder, ParameterError
from groqnb.widgets import sounds

DATA = Path(__file__).parents[1] / "notebooks" / "data" / "speech_en.flac"


def tone(seconds: float = 2.0, rate: int = 16_000, channels: int = 1) -> bytes:
    """A WAV file: a ramp that starts anew each 200 samples, louder in its second half."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        count = int(seconds * rate)
        steps = ((i % 200 - 100) * (60 if i < count // 2 else 240) for i in range(count))
        file.writeframes(
            b"".join(step.to_bytes(2, "little", signed=True) * channels for step in steps)
        )
    return made.getvalue()


def coded(data: bytes, container: str, codec: str, rate: int) -> bytes:
    """The sound as another kind of file."""
    import av

    made = io.BytesIO()
    with av.open(io.BytesIO(data)) as source, av.open(made, "w", format=container) as target:
        stream: Any = target.add_stream(codec, rate=rate, layout="mono")
        resampler = av.AudioResampler(stream.format, stream.layout, rate)
        for frame in source.decode(audio=0):
            for part in resampler.resample(frame):
                target.mux(stream.encode(part))
        target.mux(stream.encode(None))
    return made.getvalue()


KINDS = {
    "wav": ("wav", "pcm_s16le", 44_100),
    "flac": ("flac", "flac", 44_100),
    "webm": ("webm", "libopus", 48_000),
    "ogg": ("ogg", "libopus", 48_000),
    "mp3": ("mp3", "libmp3lame", 44_100),
    "m4a": ("ipod", "aac", 44_100),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_is_measured_cut_and_made_wav(kind: str) -> None:
    """By its bytes the kind is known; length, a part of it and WAV come out right."""
    rec = AudioRecorder(value=coded(tone(3), *KINDS[kind]))
    assert rec.format == kind
    assert rec.duration == pytest.approx(3, abs=0.1)
    whole = rec.value
    assert rec.trim(1, 2).duration == pytest.approx(1, abs=0.13)
    assert rec.format == kind
    with wave.open(io.BytesIO(rec.to_wav(16_000))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        assert file.getnframes() / 16_000 == pytest.approx(1, abs=0.13)
    assert rec.trim().value == whole


def test_a_cut_is_the_part_that_was_asked_for() -> None:
    """WAV and FLAC are cut at the sample."""
    source = tone(2)
    part = sounds.cut(source, 0.25, 1.5)
    assert part[44:] == source[44 + 8_000 : 44 + 48_000]
    lossless = coded(source, "flac", "flac", 16_000)
    assert sounds.to_wav(sounds.cut(lossless, 0.25, 1.5), 16_000) == part


def test_a_stereo_file_is_no_louder_as_mono() -> None:
    """Mixing two channels to one keeps the loudness."""
    one, two = (sounds.loudness(tone(3, channels=n)) for n in (1, 2))
    assert max(one) == pytest.approx(max(two), abs=2)
    assert len(one) == 400
    assert sum(one[:200]) * 3 < sum(one[200:])


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (
            lambda: AudioRecorder(max_second=3),
            r"no option 'max_second'. Did you mean 'max_seconds'",
        ),
        (lambda: AudioRecorder(max_seconds=0), "max_seconds"),
        (lambda: AudioRecorder(value=b"<html>"), "no sound file that can be used. It must be webm"),
        (lambda: AudioRecorder(value=b"fLaC" + bytes(99)), "This sound cannot be read"),
        (lambda: AudioRecorder().save("a.wav"), "There is no sound yet. Press Record"),
        (lambda: AudioRecorder().to_wav(), "There is no sound yet"),
        (lambda: AudioRecorder().transcribe(), "There is no sound yet"),
        (lambda: AudioRecorder().recover(), "No recording was cut off"),
        (lambda: AudioRecorder(value=tone()).to_wav(1), "rate is 1; it goes from 4000"),
        (lambda: AudioRecorder(value=tone()).trim(3, 4), "nothing would be left"),
        (lambda: AudioRecorder(value=tone()).save("a.mp3"), "Name it .wav or .flac."),
    ],
)
def test_mistakes_are_told_with_what_to_do(use: Any, message: str) -> None:
    """Each raises ParameterError and says what is allowed."""
    with pytest.raises(ParameterError, match=message):
        use()


def test_it_is_saved_as_it_is_or_made_wav_and_flac(tmp_path: Path) -> None:
    """Its own kind byte for byte; another kind where the ending asks for it."""
    rec = AudioRecorder.from_file(DATA)
    assert rec.save(tmp_path / "a.flac").read_bytes() == DATA.read_bytes()
    made = AudioRecorder(value=rec.save(tmp_path / "a.wav"))
    assert made.format == "wav"
    assert made.duration == pytest.approx(rec.duration, abs=0.01)
    assert AudioRecorder(value=made.save(tmp_path / "b.flac")).format == "flac"


def test_its_text_is_stable_and_tells_what_it_holds() -> None:
    """No address in it, so that a notebook's outputs are the same each time."""
    assert repr(AudioRecorder()) == "AudioRecorder(empty)"
    rec = AudioRecorder(value=DATA)
    assert repr(rec) == "AudioRecorder(17.1 s, flac)"
    rec.clear()
    assert (rec.value, rec.format, rec.duration, repr(rec)) == (
        b"",
        "",
        0.0,
        "AudioRecorder(empty)",
    )


def ask(rec: AudioRecorder, what: str, **content: Any) -> Any:
    """What the recorder answers to its page."""
    replies: list[Any] = []
    rec._tell = lambda kind, buffers=(), **said: replies.append(said)  # type: ignore[method-assign]
    message = {"kind": "gn-ask", "id": f"{what} {content}", "what": what, "content": content}
    rec._handle_custom_msg(message, [])
    return replies[-1].get("error") or replies[-1]["value"]


def send(rec: AudioRecorder, data: bytes, upload: str = "u") -> None:
    rec._handle_custom_msg({"kind": "gn-piece", "id": upload, "offset": 0}, [memoryview(data)])


def test_a_recording_arrives_from_the_page() -> None:
    """What the page uploads becomes the value; its waveform is kept, its length is measured."""
    rec, data = AudioRecorder(), tone(2)
    send(rec, data)
    meta = {"origin": "u", "seconds": 99, "peaks": [1, 2, 3]}
    end = {"upload": "u", "name": "sound", "size": len(data), "meta": meta}
    assert ask(rec, "gn-finish", **end) == {"value": {"seconds": 2.0, "size": len(data)}}
    assert rec.value == data
    assert rec._gn_offers["sound"]["peaks"] == [1, 2, 3]
    assert ask(rec, "trim", start=0.5, end=1.5) == {"seconds": 1.0}
    ask(rec, "trim")
    assert rec.value == data
    ask(rec, "clear")
    assert rec.value == b""


def test_what_is_no_sound_is_refused_and_the_old_one_stays() -> None:
    """A wrong file that was dropped on the widget changes nothing."""
    rec = AudioRecorder(value=DATA)
    send(rec, b"hello")
    meta = {"origin": "u", "name": "a.txt"}
    end = {"upload": "u", "name": "sound", "size": 5, "meta": meta}
    assert "a.txt is no sound file" in ask(rec, "gn-finish", **end)
    assert rec.value == DATA.read_bytes()


def test_what_had_arrived_of_a_lost_recording_can_be_had() -> None:
    """A page that went away while it recorded leaves what it had sent."""
    rec, data = AudioRecorder(), coded(tone(4), *KINDS["webm"])
    send(rec, data[: len(data) // 2], "lost")
    ask(rec, "started", upload="lost", mime="audio/webm")
    ask(rec, "keep", upload="another")
    assert rec.value == b""
    ask(rec, "keep", upload="lost")
    assert 1 < rec.duration < 3.5
    assert data.startswith(rec.value)


def test_fifty_megabytes_of_sound_are_taken() -> None:
    """An upload of 50 MB in pieces is held once, measured, and offered back in pieces."""
    rec, data = AudioRecorder(), tone(1, 50_000)
    data = sounds._wav(data[44:] * 500, 50_000)
    for at in range(0, len(data), 512 * 1024):
        piece = memoryview(data)[at : at + 512 * 1024]
        rec._handle_custom_msg({"kind": "gn-piece", "id": "u", "offset": at}, [piece])
    end = {"upload": "u", "name": "sound", "size": len(data), "meta": {"origin": "u"}}
    assert ask(rec, "gn-finish", **end)["value"]["seconds"] == 500
    assert len(rec._gn_offers["sound"]["peaks"]) == 400
    assert len(rec.value) == len(data) > 50_000_000


def test_the_waveform_of_a_long_file_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long file is there at once; its waveform follows, and the page need not load it anew."""
    monkeypatch.setattr("groqnb.widgets.sound_holder._LONG", 1.0)
    started: list[Any] = []
    monkeypatch.setattr(AudioRecorder, "_in_background", lambda self, run: started.append(run))
    rec = AudioRecorder(value=tone(3))
    before = rec._gn_offers["sound"]
    assert before["peaks"] == []
    started[0]()
    after = rec._gn_offers["sound"]
    assert len(after["peaks"]) == 400
    assert after["version"] == before["version"]


def test_without_pyav_recordings_are_still_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is needed for other formats alone; the error names it."""
    data = coded(tone(2), *KINDS["webm"])
    monkeypatch.setitem(sys.modules, "av", None)
    rec = AudioRecorder()
    send(rec, data)
    meta = {"origin": "u", "seconds": 2.1, "peaks": [5]}
    end = {"upload": "u", "name": "sound", "size": len(data), "meta": meta}
    assert ask(rec, "gn-finish", **end)["value"]["seconds"] == 2.1
    assert rec.value == data
    with pytest.raises(groqnb.GroqnbError, match=r'pip install "groqnb\[audio\]"'):
        rec.to_wav()
    assert AudioRecorder(value=tone(1)).to_wav(16_000) == tone(1)


def test_the_estimate_counts_ten_seconds_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    """The price of the catalogue, before anything is sent; the local engine is free."""
    monkeypatch.setenv("GROQ_API_KEY", "gsk_" + "x" * 20)
    rec = AudioRecorder(value=tone(2), model="whisper-large-v3")
    cost = rec.estimate()
    assert cost is not None
    assert cost.usd == pytest.approx(0.111 / 360)
    assert rec._estimate == "about $0.00031, whisper-large-v3"
    monkeypatch.delenv("GROQ_API_KEY")
    monkeypatch.setattr("groqnb.session.session.where", "local")
    assert AudioRecorder(value=tone(2))._estimate == "free: the local engine"


def test_a_file_of_prices_that_cannot_be_read_costs_no_recording(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is taken all the same, and says that the price is not known."""
    (tmp_path / "prices.json").write_text("{")
    monkeypatch.setenv("GROQNB_PRICES", str(tmp_path / "prices.json"))
    client = groqnb.Groq(api_key="gsk_" + "x" * 20, where="cloud")
    rec = AudioRecorder(client=client)
    assert rec._received("sound", tone(2), {}) == {"seconds": 2.0, "size": len(rec.value)}
    assert rec._estimate == "price not known, whisper-large-v3-turbo"


def test_the_saved_result_has_the_sound_and_escapes_what_was_said() -> None:
    """Small sound is in the notebook, large sound is not; hostile words do nothing."""
    rec = AudioRecorder(value=coded(tone(2), *KINDS["webm"]))
    html = rec._result_bundle()["text/html"]
    assert 'src="data:audio/webm;base64,' in html
    rec.transcript = Said("<script>alert(1)</script>")
    bundle = rec._result_bundle()
    assert "<script>" not in bundle["text/html"]
    assert "&lt;script&gt;" in bundle["text/html"]
    assert bundle["text/plain"] == "<script>alert(1)</script>"
    large = AudioRecorder(value=tone(30))
    assert "too large to be saved" in large._result_bundle()["text/html"]
    assert len(json.dumps(large._result_bundle())) < 10_000
    assert AudioRecorder()._result_bundle() == {"text/plain": "", "text/html": ""}


class Said:
    """A transcript of one segment."""

    model, answered, language, duration, where, cost = "whisper", "", "en", 2.0, "cloud", 0.0001

    def __init__(self, text: str) -> None:
        self.text = text

    def to_dict(self) -> dict[str, Any]:
        return {"segments": [{"start": 0.0, "end": 2.0, "text": self.text}]}
