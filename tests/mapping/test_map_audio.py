"""Recordings in rows: `{clip:audio}` is transcribed once, and the question asks about its text."""

from __future__ import annotations

import json
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from forms import read_form
from row_server import KEY, MODEL, said

import groqnb
from groqnb.local.process import Engine
from groqnb.wire.retry import without_waiting

WAV = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00"


class Ears:
    """A server that hears and answers: `heard` counts recordings, `asked` questions.

    `instead` may answer a recording by its last word, `broken` questions by their text.
    """

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.instead: dict[str, httpx.Response] = {}
        self.broken: set[str] = set()
        self._lock = threading.Lock()

    def client(self) -> groqnb.Groq:
        transport = httpx.MockTransport(self._answer)
        return groqnb.Groq(base_url="http://ears.test", api_key=KEY, transport=transport)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/audio/transcriptions"):
            form = read_form(request.headers["content-type"], request.read())
            (word,) = [part.content[len(WAV) :].decode() for part in form if part.name == "file"]
            with self._lock:
                self.heard[word] += 1
            return self.instead.get(word) or httpx.Response(200, json={"text": f" {word}. "})
        text = said(json.loads(request.read()))
        with self._lock:
            self.asked[text] += 1
        if text in self.broken:
            return httpx.Response(400, json={"error": {"message": "no", "type": "test"}})
        reply = {"id": "c", "model": MODEL, "choices": [{"message": {"content": f"re: {text}"}}]}
        return httpx.Response(200, json=reply)


def clip(folder: Path, word: str) -> str:
    path = folder / f"{word}.wav"
    path.write_bytes(WAV + word.encode())
    return str(path)


def refused(status: int, headers: dict[str, str] | None = None) -> httpx.Response:
    error = {"error": {"message": "I cannot hear this", "type": "test"}}
    return httpx.Response(status, json=error, headers=headers)


def test_recordings_stand_among_texts_and_each_is_heard_once(tmp_path: Path) -> None:
    """Paths, bytes, one twice, missing values, no such file, one that the server refuses."""
    ears = Ears()
    ears.instead["noise"] = refused(400)
    hello = clip(tmp_path, "hello")
    frame = pd.DataFrame(
        {
            "name": ["Ann", "Bob", "Cid", None, "Eve", "Flo", "Gus"],
            "clip": [
                hello,
                hello,  # another question about the same recording
                None,
                clip(tmp_path, "unasked"),
                str(tmp_path / "none.wav"),
                WAV + b"bytes",
                Path(clip(tmp_path, "noise")),
            ],
        }
    )
    with pytest.warns(groqnb.RowsFailed, match="2 of 7 rows have no answer"):
        out = frame.groq.map("{name} says {clip:audio}", model=MODEL, client=ears.client())
    assert [None if pd.isna(answer) else answer for answer in out["answer"]] == [
        "re: Ann says hello.", "re: Bob says hello.", None, None, None, "re: Flo says bytes.", None
    ]  # fmt: skip
    errors = [error and f"{error.type}: {error.message}" for error in out["answer_error"]]
    assert [error is None for error in errors] == [True, True, True, True, False, True, False]
    assert errors[4].startswith("ParameterError: There is no recording")
    assert errors[6] == "BadRequestError: I cannot hear this."
    assert ears.heard == {"hello": 1, "bytes": 1, "noise": 1}


def test_a_transcript_outlives_what_was_asked_about_it(tmp_path: Path) -> None:
    """It is on disk before its row has an answer: for a row that failed, and another prompt."""
    ears = Ears()
    ears.broken.add("Topic? one.")
    frame = pd.DataFrame({"clip": [clip(tmp_path, "one"), clip(tmp_path, "two")]})
    options: dict[str, Any] = {"model": MODEL, "client": ears.client(), "resume": "clips"}
    with pytest.warns(groqnb.RowsFailed):
        frame.groq.map("Topic? {clip:audio}", **options)
    ears.broken.clear()
    out = frame.groq.map("Topic? {clip:audio}", **options)
    assert out["answer"].tolist() == ["re: Topic? one.", "re: Topic? two."]
    assert ears.asked == {"Topic? one.": 2, "Topic? two.": 1}
    frame.groq.map("Mood? {clip:audio}", samples=3, **options)
    assert ears.asked["Mood? two."] == 3
    assert ears.heard == {"one": 1, "two": 1}
    (tmp_path / "two.wav").write_bytes(WAV + b"new")  # the same name, and not the same recording
    assert frame.groq.map("Topic? {clip:audio}", **options)["answer"][1] == "re: Topic? new."
    assert ears.heard == {"one": 1, "two": 1, "new": 1}


def test_the_model_for_recordings_may_be_asked_alone(tmp_path: Path) -> None:
    """A column of transcripts: equal rows once, and nothing again."""
    ears = Ears()
    one = clip(tmp_path, "one")
    series = pd.Series([one, clip(tmp_path, "two"), one], name="clip")
    options: dict[str, Any] = {"model": "whisper-large-v3", "client": ears.client()}
    for _ in range(2):
        assert series.groq.map("{:audio}", **options).tolist() == ["one.", "two.", "one."]
    assert ears.heard == {"one": 1, "two": 1}
    assert not ears.asked


def test_a_recording_that_is_refused_for_now_is_heard_by_the_same_call_later(
    tmp_path: Path,
) -> None:
    """A limit that resets late is its row's error; the others go on, and are not heard again."""
    ears = Ears()
    ears.instead["two"] = refused(429, {"retry-after": "9999"})
    names = ["one", "two", "three", "four"]
    frame = pd.DataFrame({"clip": [clip(tmp_path, name) for name in names]})
    options: dict[str, Any] = {"model": MODEL, "client": ears.client(), "concurrency": 1}
    with pytest.warns(groqnb.RowsFailed):
        out = frame.groq.map("{clip:audio}", **options)
    assert out["answer_error"].notna().tolist() == [False, True, False, False]
    assert out["answer_error"][1].type == "RateLimitError"
    ears.instead.clear()
    out = frame.groq.map("{clip:audio}", **options)
    assert out["answer"].tolist() == [f"re: {name}." for name in names]
    assert ears.heard == {"one": 1, "two": 2, "three": 1, "four": 1}


@pytest.mark.parametrize(("status", "retries"), [(500, 4), (429, 0)])
def test_a_recording_is_sent_again_as_a_row_is(tmp_path: Path, status: int, retries: int) -> None:
    """`retries` counts for it too, and a rate limit is waited for and is no fault of its row."""
    ears = Ears()
    told = refused(status, {"retry-after": "1"} if status == 429 else None)
    ears.instead = Passing(one=[told] * 4)
    frame = pd.DataFrame({"clip": [clip(tmp_path, "one")]})
    with without_waiting():
        out = frame.groq.map("{clip:audio}", model=MODEL, client=ears.client(), retries=retries)
    assert out["answer"].tolist() == ["re: one."]
    assert ears.heard == {"one": 5}


class Passing(dict[str, Any]):
    """Answers instead, each given once."""

    def __init__(self, **answers: list[httpx.Response]) -> None:
        super().__init__(answers)

    def get(self, word: str, default: Any = None) -> Any:
        left = super().get(word)
        return left.pop() if left else default


@pytest.mark.engine
def test_a_real_recording_is_heard_and_asked_about(engine: Engine, tmp_path: Path) -> None:
    """The engine on this machine hears, answers, and hears once for two questions."""
    pytest.importorskip("faster_whisper", reason="hearing is not installed: groqnb[speech]")
    speech = pytest.importorskip("tests.speech")
    path = tmp_path / "greeting.wav"
    path.write_bytes(speech.greeting())
    client = groqnb.Groq(base_url=engine.base_url, api_key=engine.api_key, timeout=300)
    rows = pd.DataFrame({"clip": [str(path)] * 2, "ask": ["Who speaks?", "Where?"]})
    out = rows.groq.map(
        "{ask} {clip:audio}",
        model="openai/gpt-oss-20b",
        client=client,
        max_completion_tokens=8,
        resume=tmp_path / "kept.sqlite",
    )
    assert out["answer_error"].isna().all(), out["answer_error"].tolist()
    import sqlite3

    connection = sqlite3.connect(tmp_path / "kept.sqlite")
    texts = connection.execute("SELECT text FROM answers WHERE model LIKE 'whisper%'").fetchall()
    connection.close()
    assert len(texts) == 1
    assert "good morning" in texts[0][0].casefold()
