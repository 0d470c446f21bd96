"""Rows that are asked several times: what most answers say, with how much of them agrees."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import BaseModel
from row_server import KEY, MODEL, TYPED_MODEL, RowServer, said

import groqnb
from groqnb.mapping.judges import AnyText
from groqnb.mapping.question import Question
from groqnb.mapping.results import RowError, RowResult
from groqnb.mapping.samples import vote
from groqnb.tally import same
from groqnb.wire.retry import without_waiting


def by_seed(answers: dict[str, list[Any]], first: int = 0) -> Any:
    """An answer of the server's that depends on the text and on the seed alone."""

    def answer(body: dict[str, Any], before: int) -> Any:
        return answers[said(body)][body["seed"] - first]

    return answer


def test_each_row_is_asked_so_often_and_most_answers_win() -> None:
    """Five samples a row at temperature 0.7, seeds that count up, the share of the most."""
    answers = {
        "a": ["Rome", "rome.", "Paris", " ROME ", "Oslo"],
        "b": ["x", "y", "y", "x", "z"],  # as often as another: what came first
    }
    with RowServer(by_seed(answers, 10)) as server:
        frame = pd.DataFrame({"text": ["a", None, "b", "a"]}, index=[3, 3, 1, 0])
        out = frame.groq.map(
            "{text}", into="said", samples=5, seed=10, model=MODEL, client=server.client()
        )
    assert list(out.columns) == ["text", "said", "said_agreement", "said_error"]
    assert list(out.index) == [3, 3, 1, 0]
    assert out["said"].fillna("-").tolist() == ["Rome", "-", "x", "Rome"]
    assert out["said_agreement"].fillna(-1).tolist() == [0.6, -1, 0.4, 0.6]
    assert str(out["said_agreement"].dtype) == "Float64"
    assert out["said_error"].isna().all()
    assert server.asked == {"a": 5, "b": 5}  # equal rows are asked five times, not ten
    assert {body["temperature"] for body in server.bodies} == {0.7}
    for text in "ab":
        seeds = sorted(body["seed"] for body in server.bodies if said(body) == text)
        assert seeds == [10, 11, 12, 13, 14]


def test_a_temperature_of_the_users_own_is_kept_and_no_seed_is_made_up() -> None:
    """Only what is given is sent beside the temperature."""
    with RowServer() as server:
        list(
            groqnb.map("{}", ["a"], samples=2, temperature=0.2, model=MODEL, client=server.client())
        )
    assert [body["temperature"] for body in server.bodies] == [0.2, 0.2]
    assert not any("seed" in body for body in server.bodies)


def test_labels_and_filters_are_voted_on() -> None:
    """`classify` and `filter` have their agreement; three of five decide."""
    answers = {"a": ["good", "bad", "Good.", "bad", "good"], "b": ["bad"] * 5}
    with RowServer(by_seed(answers)) as server:
        frame = pd.DataFrame({"text": ["a", "b"]})
        options: dict[str, Any] = {
            "samples": 5,
            "seed": 0,
            "model": MODEL,
            "client": server.client(),
        }
        out = frame.groq.classify(["good", "bad"], from_="text", **options)
        series = frame["text"].groq.classify(["good", "bad"], **options)
    assert out["label"].tolist() == ["good", "bad"]
    assert out["label_agreement"].tolist() == [0.6, 1.0]
    assert list(series.columns) == ["label", "label_agreement", "label_error"]
    yes = {"a": ["yes", "no", "yes"], "b": ["no", "no", "yes"]}
    with RowServer(by_seed(yes)) as server:
        options = {"samples": 3, "seed": 0, "model": MODEL, "client": server.client()}
        kept = frame.groq.filter("{text}", **options)
        values = frame["text"].groq.filter("{}", **options)
    assert kept["text"].tolist() == ["a"]
    assert kept["filter_agreement"].tolist() == [pytest.approx(2 / 3)]
    assert values.tolist() == ["a"]
    assert values.attrs["agreement"] == {0: pytest.approx(2 / 3)}


class Person(BaseModel):
    name: str
    age: int | None


def test_forms_are_voted_on_field_by_field() -> None:
    """Each field has the value that most samples give it, and an agreement of its own."""
    answers = {
        "t": [
            '{"name": "Ann", "age": 41}',
            '{"name": "ann", "age": null}',
            '{"name": "Anna", "age": 14}',
            '{"name": "Bob", "age": 14}',
        ]
    }
    for form in (Person, {"name": str, "age": int | None}):
        with RowServer(by_seed(answers)) as server:
            out = pd.DataFrame({"text": ["t"]}).groq.extract(
                form,
                prompt="{text}",
                samples=4,
                seed=0,
                model=TYPED_MODEL,
                client=server.client(),
                resume=False,
            )
        assert list(out.columns) == [
            "text",
            "name",
            "age",
            "name_agreement",
            "age_agreement",
            "extract_error",
        ]
        assert out["name"].tolist() == ["Ann"]
        assert out["age"].tolist() == [14]
        assert out["age"].dtype == "Int64"
        assert out["name_agreement"].tolist() == [0.5]
        assert out["age_agreement"].tolist() == [0.5]


def test_failed_samples_agree_with_none_and_are_asked_again() -> None:
    """Two of four fail: the others decide, the share is of all four, and a warning counts them."""
    broken = {"now": True}

    def answer(body: dict[str, Any], before: int) -> Any:
        text, sample = said(body), body["seed"]
        if broken["now"] and (text == "c" or (text == "a" and sample >= 2)):
            return 400
        return "yes"

    frame = pd.DataFrame({"text": ["a", "b", "c"]})
    with RowServer(answer) as server:
        options: dict[str, Any] = {
            "samples": 4,
            "seed": 0,
            "model": MODEL,
            "client": server.client(),
            "into": "x",
        }
        with pytest.warns(groqnb.RowsFailed) as told:
            out = frame.groq.map("{text}", **options)
        words = " ".join(str(warning.message) for warning in told)
        assert "1 of 3 rows have no answer: BadRequestError 1" in words
        assert "1 of 3 rows were decided without 2 of their samples, which failed" in words
        assert out["x"].fillna("-").tolist() == ["yes", "yes", "-"]
        assert out["x_agreement"].fillna(-1).tolist() == [0.5, 1.0, -1]
        assert [error and error.type for error in out["x_error"]] == [None, None, "BadRequestError"]
        broken["now"] = False
        before = server.asked.copy()
        out = frame.groq.map("{text}", **options)
    assert server.asked - before == {"a": 2, "c": 4}
    assert out["x_agreement"].tolist() == [1.0, 1.0, 1.0]


def test_faults_that_pass_cost_no_sample() -> None:
    """Resets, garbage and 500s of a first try: every sample of every row votes all the same."""
    faults = ["reset", 500, "garbage", None]
    seen: Counter[tuple[str, int]] = Counter()

    def answer(body: dict[str, Any], before: int) -> Any:
        which = (said(body), body["seed"])
        seen[which] += 1
        fault = faults[(int(which[0]) + which[1]) % 4]
        return fault if fault is not None and seen[which] == 1 else f"re {which[0]}"

    rows = [str(n) for n in range(60)]
    with RowServer(answer) as server, without_waiting():
        table = groqnb.map(
            "{}", rows, samples=3, seed=0, model=MODEL, client=server.client(), retries=9
        ).to_frame()
    assert table["answer"].tolist() == [f"re {row}" for row in rows]
    assert table["agreement"].tolist() == [1.0] * 60
    assert table["prompt_tokens"].tolist() == [30] * 60  # of all three
    assert len(seen) == 180


def test_more_samples_go_on_from_fewer() -> None:
    """A row asked once at this temperature is the first sample; three are the first of five."""
    with RowServer() as server:
        options: dict[str, Any] = {"model": MODEL, "client": server.client(), "temperature": 0.7}
        counts = []
        for samples in (None, 3, 5, 2):
            before = server.asked.total()
            mapped = groqnb.map("{}", ["a", "b"], samples=samples, **options)
            assert list(mapped) == ["re: a", "re: b"]
            counts.append(server.asked.total() - before)
    assert counts == [2, 4, 4, 0]


CHILD = """
import pandas as pd, groqnb
frame = pd.DataFrame({"n": range(40)})
client = groqnb.Groq(base_url=URL, api_key=KEY)
frame.groq.map("row {n}", samples=3, model=MODEL, client=client, concurrency=6, resume=PATH)
"""


def kept_in(path: Path) -> int:
    """How many answers are on disk."""
    with contextlib.suppress(sqlite3.OperationalError):  # not made yet
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            found: int = connection.execute("SELECT count(*) FROM answers").fetchone()[0]
        connection.close()
        return found
    return 0


def test_a_killed_map_goes_on_with_the_samples_that_are_missing(tmp_path: Path) -> None:
    """kill -9 in the middle: no sample that is on disk is asked again, and every row has all."""
    path = tmp_path / "rows.sqlite"
    names = {"KEY": KEY, "MODEL": MODEL, "PATH": str(path)}
    killed = threading.Event()

    def answer(body: dict[str, Any], before: int) -> Any:
        if server.answered.total() >= 60:
            killed.wait(60)  # it cannot come through before it is killed
        return f"re: {said(body)}"

    with RowServer(answer) as server:
        code = "".join(f"{k} = {v!r}\n" for k, v in {**names, "URL": server.url}.items()) + CHILD
        with subprocess.Popen([sys.executable, "-c", code]) as child:
            server.wait_for(50)
            until = time.monotonic() + 60
            while not kept_in(path) and time.monotonic() < until:
                time.sleep(0.02)
            os.kill(child.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        killed.set()
        kept = kept_in(path)
        before = server.asked.total()
        out = pd.DataFrame({"n": range(40)}).groq.map(
            "row {n}", samples=3, model=MODEL, client=server.client(), resume=path
        )
        assert server.asked.total() - before == 120 - kept
        assert 0 < kept < 120
    assert out["answer"].tolist() == [f"re: row {n}" for n in range(40)]
    assert out["answer_agreement"].tolist() == [1.0] * 40


def test_an_interrupted_row_is_not_decided_by_the_samples_that_had_a_turn() -> None:
    """A row whose samples did not all have their turn says so, and has no answer yet."""
    stopped = RowResult(5, error=RowError("NotAsked", "The map was interrupted."))
    made = vote(1, [RowResult(3, value="a", text="a"), RowResult(4, value="a", text="a"), stopped])
    assert (made.number, made.value, made.agreement) == (1, None, None)
    assert made.error is not None
    assert made.error.type == "NotAsked"


def test_wrong_samples_are_refused() -> None:
    """A number that is none, and what is not voted on, with what is allowed."""
    frame = pd.DataFrame({"text": ["a"]})
    for wrong in (0, 101, 2.5, "3"):
        with pytest.raises(groqnb.ParameterError, match="whole number from 1 to 100"):
            frame.groq.map("{text}", samples=wrong, model=MODEL)
    with pytest.raises(groqnb.ParameterError, match="not voted on"):
        frame.groq.map("{text:audio}", samples=3, model="whisper-large-v3-turbo")


def test_the_first_samples_key_is_that_of_a_row_asked_once() -> None:
    """What earlier maps kept is found; every further sample has another key."""
    question = Question([MODEL], AnyText())
    keys = [question.key("text", sample)[0] for sample in range(4)]
    assert keys[0] == question.key("text")[0]
    assert len(set(keys)) == 4


def test_what_is_the_same_answer() -> None:
    """Case, spaces and marks do not count; numbers, truth and minus signs do."""
    assert same("The answer.") == same(" the  ANSWER")
    assert same(1) == same(1.0)
    assert same(True) != same(1)
    assert same("-5") != same("5")
    assert same(".5") != same("5")
    assert same(["A", {"b": 1}]) == same(("a", {"b": 1}))
    assert same("...") != same("")
