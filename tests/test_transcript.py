"""What `groqnb.transcribe` gives: frames, flags, retry, subtitles, saving, drawing, display."""

from __future__ import annotations

import itertools
import json
import os
import re
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hearing_world import RATE, TALK, Hearing, wav

from groqnb import ParameterError
from groqnb.hearing.quality import Thresholds, confidence, reasons
from groqnb.hearing.stitching import HeardSegment, HeardWord
from groqnb.hearing.subtitles import cues, srt, vtt
from groqnb.hearing.transcript import Transcript
from groqnb.long_audio import transcribe
from groqnb.render.transcripts import transcript_bundle

DOUBTFUL = "We are met on"


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GROQNB_DATA_DIR", str(tmp_path / "data"))


def doubtful(number: int, text: str) -> dict[str, float]:
    """The server is not sure of one sentence."""
    return {"avg_logprob": -0.9} if DOUBTFUL in text else {}


def made(**options: Any) -> tuple[Hearing, Transcript]:
    server = Hearing()
    server.quality = doubtful
    return server, transcribe(wav(TALK.samples), client=server.client(), **options)


def plain(*segments: HeardSegment, words: Any = (), **fields: Any) -> Transcript:
    """A transcript without a recording."""
    fields = {"name": "talk.wav", "model": "whisper-large-v3", "task": "transcribe", **fields}
    return Transcript(
        language="English", duration=9.0, cost=0.0, thresholds=Thresholds(),
        _segments=segments, _words=words, **fields,
    )  # fmt: skip


# --- frames and flags -----------------------------------------------------------------------------


def test_frames_have_types_that_can_be_reckoned_with() -> None:
    """Times and quality are floats, texts strings; also where there is nothing."""
    _, talk = made()
    for transcript in (talk, plain()):
        assert {str(kind) for kind in transcript.words.dtypes[["start", "end"]]} == {"float64"}
        kinds = transcript.segments.dtypes.astype(str).to_dict()
        assert kinds.pop("text") in ("string", "str")
        assert kinds.pop("part") == "int64"
        assert set(kinds.values()) == {"float64"}


def test_flags_name_the_segment_and_the_reason() -> None:
    """One sentence is doubtful, and it is the one that is flagged, under its own index."""
    _, talk = made()
    assert len(talk.flags) == 1
    assert DOUBTFUL in talk.flags["text"].iloc[0]
    assert talk.flags["reasons"].iloc[0] == "unsure of its words"
    assert talk.segments["text"][talk.flags.index[0]] == talk.flags["text"].iloc[0]


def test_thresholds_can_be_changed_before_and_after() -> None:
    """They say what is flagged, by name; None looks at no such thing."""
    _, talk = made(thresholds={"avg_logprob": None})
    assert talk.flags.empty
    talk.thresholds.avg_logprob = -0.05
    assert len(talk.flags) == len(talk.segments)
    with pytest.raises(AttributeError):
        talk.thresholds.avg_logprop = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"avg_logprob": -0.51}, ["unsure of its words"]),
        ({"avg_logprob": -0.49}, []),
        ({"no_speech_prob": 0.7}, ["perhaps no speech"]),
        ({"compression_ratio": 2.5}, ["repeats itself"]),
        ({"compression_ratio": 0.4}, []),
        ({}, []),
        ({"avg_logprob": -1, "no_speech_prob": 0.9, "compression_ratio": 3.0}, 3),
    ],
)
def test_reasons_follow_the_documentation(values: dict[str, float], why: Any) -> None:
    """avg_logprob below -0.5, high no_speech_prob, high compression_ratio; unknown is no reason."""
    found = reasons(HeardSegment(0, 1, "Hm", **values), Thresholds())
    assert (len(found) if isinstance(why, int) else found) == why


def test_an_odd_text_is_flagged_where_that_is_wished() -> None:
    """A low compression ratio is normal for short texts, so it counts on demand."""
    limits = Thresholds(compression_ratio_low=0.5)
    assert reasons(HeardSegment(0, 1, "Hm", compression_ratio=0.4), limits) == ["odd text"]


def test_confidence_is_the_likelihood_of_an_average_token() -> None:
    """0 is certain, -0.69 is a half; nothing said is nothing known."""
    assert confidence(HeardSegment(0, 1, "a", avg_logprob=0.0)) == 1.0
    assert confidence(HeardSegment(0, 1, "a", avg_logprob=-0.6931)) == pytest.approx(0.5, abs=1e-3)
    assert confidence(HeardSegment(0, 1, "a")) is None


# --- retry ----------------------------------------------------------------------------------------


def test_retry_sends_the_flagged_stretch_alone_with_another_prompt_and_model() -> None:
    """What comes back surer takes its place; the rest stays, and so does the first transcript."""
    server, talk = made()
    flagged = talk.flags.iloc[0]
    server.quality = lambda number, text: {"avg_logprob": -0.05}
    better = talk.retry(prompt="battle-field", model="whisper-large-v3")
    assert len(server.heard) == 2
    assert server.fields[1]["prompt"] == "battle-field"
    assert server.fields[1]["model"] == "whisper-large-v3"
    start, stop = server.heard[1]
    assert start <= flagged["start"] + 0.01
    assert stop >= flagged["end"] - 0.1
    assert stop - start < flagged["end"] - flagged["start"] + 1
    assert better.flags.empty
    assert len(talk.flags) == 1
    assert better.text == talk.text
    assert list(better.words["word"]) == list(talk.words["word"])
    assert better.words["start"].is_monotonic_increasing
    assert better.cost is not None
    assert talk.cost is not None
    assert better.cost > talk.cost


def test_retry_keeps_what_was_better_before() -> None:
    """A second hearing that is less sure is left out, but for keep="always"."""
    server, talk = made()
    server.quality = lambda number, text: {"avg_logprob": -2.0}
    assert talk.retry().segments["avg_logprob"].min() == -0.9
    assert talk.retry(keep="always").segments["avg_logprob"].min() == -2.0


def test_retry_of_nothing_asks_nobody() -> None:
    """No flags, no request."""
    server, talk = made(thresholds={"avg_logprob": None})
    assert talk.retry().text == talk.text
    assert len(server.heard) == 1


def test_retry_takes_flagged_neighbours_together_and_several_stretches_apart() -> None:
    """Two flagged in a row are one request; those elsewhere are their own."""
    server = Hearing()
    server.quality = lambda number, text: (
        {"avg_logprob": -0.9} if re.search("We are met|We have come|The world", text) else {}
    )
    talk = transcribe(wav(TALK.samples), client=server.client())
    assert len(talk.flags) == 3
    server.quality = lambda number, text: {}
    better = talk.retry()
    assert len(server.heard) == 3
    assert better.flags.empty
    assert better.text == talk.text


def test_retry_refuses_what_makes_no_sense() -> None:
    """Unknown ways, a transcript without its recording."""
    _, talk = made()
    with pytest.raises(ParameterError, match="'better' or 'always'"):
        talk.retry(keep="worse")
    with pytest.raises(ParameterError, match="not at hand"):
        plain(HeardSegment(0, 1, "a")).retry()


# --- subtitles ------------------------------------------------------------------------------------


def test_subtitles_can_be_read_in_time() -> None:
    """Lines of 42 characters, two at most, 7 seconds at most, in order, and every word is there."""
    _, talk = made()
    shown = cues(talk._segments, talk._words)
    for cue in shown:
        assert len(cue.lines) <= 2
        assert all(0 < len(line) <= 42 for line in cue.lines)
        assert 0 < cue.end - cue.start <= 7.001
    assert all(a.end <= b.start for a, b in itertools.pairwise(shown))
    assert " ".join(line for cue in shown for line in cue.lines) == talk.text


def test_subtitles_stand_when_their_words_are_said() -> None:
    """A cue begins with its first word, to the tenth of a second."""
    _, talk = made()
    starts = [start for _, start, _ in TALK.words]
    for cue in cues(talk._segments, talk._words):
        assert min(abs(cue.start - start) for start in starts) < 0.15


def test_srt_is_numbered_and_parsed_back() -> None:
    """Numbers from 1, times with commas, a blank line between cues."""
    _, talk = made()
    blocks = talk.to_srt().strip().split("\n\n")
    for number, block in enumerate(blocks, start=1):
        first, times, *lines = block.split("\n")
        assert first == str(number)
        assert re.fullmatch(r"\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}", times)
        assert 1 <= len(lines) <= 2


@pytest.mark.parametrize("text", [" a --> b & c < d\n\nWEBVTT", " <script>alert(1)</script>"])
def test_nothing_that_is_said_can_break_the_file(text: str) -> None:
    """Arrows, tags and blank lines in the text stay text."""
    segments = [HeardSegment(3661.5, 3665.25, text)]
    made_vtt, made_srt = vtt(segments, []), srt(segments, [])
    assert made_vtt.startswith("WEBVTT\n\n01:01:01.500 --> 01:01:05.250\n")
    assert made_vtt.count("-->") == made_srt.count("-->") == 1
    assert "<" not in made_vtt
    assert "\n\n\n" not in made_vtt + made_srt
    assert made_srt.count("\n\n") == 0


def test_scripts_without_spaces_are_broken_too() -> None:
    """Japanese takes two columns a character, and lines end anywhere."""
    text = "今日はとても良い天気ですね。明日も晴れるでしょうか。" * 4
    for cue in cues([HeardSegment(0, 30, text)], []):
        assert all(len(line) <= 21 for line in cue.lines)


def test_words_without_times_are_spread_over_their_segment() -> None:
    """Translations have no words: cues follow each other through the segment."""
    text = " " + "a few plain words " * 20
    shown = cues([HeardSegment(10, 40, text)], [])
    assert len(shown) > 3
    assert shown[0].start == 10
    assert shown[-1].end == pytest.approx(40, abs=0.1)


def test_hours_without_a_full_stop_are_cut_into_cues() -> None:
    """A transcript without punctuation is no reason to take for ever, or to show it all at once."""
    words = [HeardWord("word", i / 2, i / 2 + 0.4) for i in range(6_000)]
    text = " word" * len(words)
    shown = cues([HeardSegment(0, 3_000, text)], words)
    assert len(shown) > 400
    assert max(cue.end - cue.start for cue in shown) <= 7.001


@pytest.mark.parametrize("start", [10.8875, 10.8884, 10.8885, 10.8886, 2.0005, 2.0015])
def test_no_cue_ends_when_it_begins_as_it_is_written(start: float) -> None:
    """Players show none of a length of nothing; times between two milliseconds are rounded."""
    found = [HeardSegment(start, start, " One."), HeardSegment(start, start + 9, " Two.")]
    for line in srt(found, []).splitlines():
        if "-->" in line:
            begins, ends = line.split(" --> ")
            assert begins < ends


def test_no_words_make_no_cues() -> None:
    """An empty transcript is an empty, valid file."""
    assert (srt([], []), vtt([], [])) == ("", "WEBVTT\n")


# --- saving, drawing, showing ---------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["txt", "srt", "vtt", "json", "csv"])
def test_the_ending_says_how_it_is_saved(ending: str, tmp_path: Path) -> None:
    """Text, subtitles, the API's own form, a table."""
    talk = plain(HeardSegment(0.5, 2, " Hello, you.", -0.1), words=[HeardWord("Hello", 0.5, 1)])
    path = talk.save(tmp_path / f"talk.{ending}")
    content = path.read_text(encoding="utf-8")
    assert "Hello, you." in content
    if ending == "json":
        assert json.loads(content)["segments"][0]["avg_logprob"] == -0.1


def test_saving_refuses_other_endings_and_survives_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clear error, the old file as it was, and the transcript still there."""
    talk = plain(HeardSegment(0, 1, " Hello."))
    with pytest.raises(ParameterError, match=r"\.docx"):
        talk.save(tmp_path / "talk.docx")
    path = tmp_path / "talk.txt"
    path.write_text("before")

    def full(*_: Any) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr("groqnb.types.new_file.os.replace", full)
        with pytest.raises(OSError, match="No space left"):
            talk.save(path)
    assert path.read_text() == "before"
    talk.save(path)
    assert path.read_text() == "Hello.\n"


def test_the_plot_colours_segments_by_confidence() -> None:
    """Into axes of one's own; the doubtful segment has another colour than the sure ones."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    _, talk = made()
    _, ax = plt.subplots()
    assert talk.plot(ax) is ax
    colours = {tuple(each.get_facecolor()[0]) for each in ax.collections}
    assert len(colours) == 3
    assert ax.get_xlim()[1] == pytest.approx(TALK.duration, abs=0.01)
    plt.close("all")


def test_the_plot_of_three_hours_is_light() -> None:
    """However long, a few thousand points are drawn."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    from groqnb.hearing.splitting import Envelope

    talk = plain(HeardSegment(0, 9, " Hello.", -0.1))
    talk._envelope, talk.duration = Envelope(), 3 * 3600.0
    for _ in range(180):
        talk._envelope.add(np.full(60 * RATE, 9000, np.int16))
    ax = talk.plot()
    assert len(ax.collections[0].get_paths()[0].vertices) < 10_000
    plt.close("all")


def test_it_is_shown_with_times_doubts_and_what_it_took() -> None:
    """In HTML and as text; nothing in it is an address of an object."""
    _, talk = made()
    bundle = transcript_bundle(talk)
    assert bundle == talk._repr_mimebundle_()
    for kind in ("text/html", "text/plain"):
        assert "unsure of its words" in bundle[kind]
        assert "whisper-large-v3-turbo" in bundle[kind]
        assert "1 segment flagged" in bundle[kind]
    assert bundle["text/plain"].startswith("[0:00] Force Corps")
    assert "0x" not in repr(talk) + bundle["text/plain"]


def test_what_was_said_is_only_text_on_the_page() -> None:
    """Tags that somebody spells out run nowhere."""
    talk = plain(HeardSegment(0, 1, " <script>alert(1)</script> <img src=x onerror=alert(1)>"))
    html = transcript_bundle(talk)["text/html"]
    assert "<script" not in html
    assert "<img" not in html


def test_a_transcript_of_many_hours_stays_small_on_the_page() -> None:
    """The first segments are seen, others folded, and of very many the rest is only counted."""
    talk = plain(*(HeardSegment(i, i + 1, f" Sentence {i}.") for i in range(5000)))
    bundle = transcript_bundle(talk)
    assert len(bundle["text/html"]) < 100_000
    assert "4,600 more segments are in .text" in bundle["text/html"]
    assert len(bundle["text/plain"]) < 2_000


def test_nothing_heard_is_said_so() -> None:
    """An empty transcript is no empty output."""
    for text in transcript_bundle(plain()).values():
        assert "No words were heard." in text


def test_other_servers_have_no_price() -> None:
    """A URL of one's own: the cost is not known; the local engine's is nothing."""
    server = Hearing(where=None, base_url="http://127.0.0.1:9/v1")
    talk = transcribe(wav(TALK.samples[: 12 * RATE]), client=server.client())
    assert talk.cost is None
    assert server.heard == [(0.0, 12.0)]


def test_a_reply_without_quality_is_no_error() -> None:
    """Fields that a server does not know are missing, and flag nothing."""
    server = Hearing()
    server.before = lambda number: httpx.Response(
        200, json={"text": "Hi.", "segments": [{"start": 0, "end": 1, "text": " Hi."}]}
    )
    talk = transcribe(wav(TALK.samples[: 12 * RATE]), client=server.client())
    assert talk.segments["avg_logprob"].isna().all()
    assert talk.flags.empty
    assert talk.text == "Hi."
