"""`expect=`: a line after a map that says how many answers are those of a column."""

from __future__ import annotations

import asyncio
from typing import Any

import pandas as pd
import pytest
from row_server import MODEL, TYPED_MODEL, RowServer, said

import groqnb

FRAME = pd.DataFrame(
    {
        "text": ["a", "b", "c", "d", "e"],
        "truth": ["good", "bad", "good", "bad", None],
        "keep": [True, False, True, True, False],
    },
    index=[9, 9, 8, 7, 6],
)
ANSWERS = {"a": "good", "b": "good", "c": "good", "d": 400, "e": "bad"}


def answer(body: dict[str, Any], before: int) -> Any:
    return ANSWERS[said(body)]


@pytest.mark.filterwarnings("ignore::groqnb.RowsFailed")
def test_classify_tells_its_accuracy_and_where_to_read_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The line is evaluate's, and what it names gives the same; the frame carries nothing more."""
    with RowServer(answer) as server:
        options: dict[str, Any] = {"model": MODEL, "client": server.client(), "from_": "text"}
        out = FRAME.groq.classify(["good", "bad"], expect="truth", **options)
        told = capsys.readouterr().out
        twin = asyncio.run(FRAME.groq.aclassify(["good", "bad"], expect="truth", **options))
    assert told == (
        "label beside truth: accuracy 66.7%: 2 of 3 rows are right; 1 without an answer, not "
        "counted; 1 without an expected label, not counted. "
        "All of it: .groq.evaluate('label', expected='truth')\n"
    )
    assert capsys.readouterr().out == told
    assert list(out.columns) == ["text", "truth", "keep", "label", "label_error"]
    assert out.attrs == {}
    assert str(out.groq.evaluate("label", expected="truth")) in told
    assert twin["label"].tolist() == out["label"].tolist()


def test_map_and_extract_are_held_against_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """Text exactly as it is; a form field by field."""
    frame = pd.DataFrame({"n": [1, 2, 3], "double": [2, 4, 7], "word": ["2", "4", "6"]})

    def doubled(body: dict[str, Any], before: int) -> Any:
        twice = int(said(body)) * 2
        return f'{{"value": {twice}, "odd": "no"}}' if "response_format" in body else str(twice)

    with RowServer(doubled) as server:
        options: dict[str, Any] = {"model": TYPED_MODEL, "client": server.client()}
        frame.groq.map("{n}", expect="word", **options)
        assert "answer beside word: accuracy 100.0%: 3 of 3" in capsys.readouterr().out
        form = {"value": int, "odd": str}
        frame.groq.extract(form, prompt="{n}", expect={"value": "double"}, **options)
        assert "value beside double: accuracy 66.7%: 2 of 3" in capsys.readouterr().out
        with pytest.warns(UserWarning, match="odd beside double: The answers are str"):
            out = frame.groq.extract(form, prompt="{n}", expect={"odd": "double"}, **options)
    assert out["value"].tolist() == [2, 4, 6]  # what cannot be compared costs no answer


def test_a_filter_tells_precision_and_recall(capsys: pytest.CaptureFixture[str]) -> None:
    """Of what is kept and what should be, before the rows that are left out are gone."""
    yes = {"a": "yes", "b": "yes", "c": "no", "d": "yes", "e": "no"}
    with RowServer(lambda body, before: yes[said(body)]) as server:
        kept = FRAME.groq.filter("{text}", expect="keep", model=MODEL, client=server.client())
    assert kept["text"].tolist() == ["a", "b", "d"]
    told = capsys.readouterr().out
    assert "filter beside keep: accuracy 60.0%: 3 of 5 rows are right." in told
    assert "66.7% should be kept (precision), of those that should be 66.7% are (recall)" in told


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rows: rows.classify(["good", "bad"], from_="text", expect="thruth"), "Did you"),
        (lambda rows: rows.classify(["x", "y"], from_="text", expect="truth"), "not among"),
        (lambda rows: rows.map("{text}", into="truth", expect="truth"), "would replace"),
        (lambda rows: rows.map("{text}", expect=["good"]), "name of a column"),
        (lambda rows: rows.filter("{text}", expect="truth"), "True and False, or of yes and no"),
        (lambda rows: rows.extract({"a": int, "b": int}, from_="text", expect="truth"), "a dict"),
        (
            lambda rows: rows.extract({"a": int}, from_="text", expect={"c": "truth"}),
            "no field; there are a",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_sent(
    call: Any, message: str
) -> None:
    """A wrong column or label is told before rows are paid for."""
    with pytest.raises(groqnb.ParameterError, match=message):
        call(FRAME.groq)
