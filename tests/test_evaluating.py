"""Answers beside labels that are known to be right: every number, and what is told."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import groqnb
from groqnb.render.evaluations import evaluation_bundle
from groqnb.types.errors import ParameterError

FRAME = pd.DataFrame(
    {
        "text": list("abcdefgh"),
        "truth": ["cat", "cat", "cat", "dog", "dog", "owl", "owl", None],
        "label": ["cat", "cat", "dog", "dog", "cat", "dog", None, "cat"],
    },
    index=[5, 5, 6, 7, 8, 9, 10, 11],
)


def test_the_numbers_are_those_found_by_hand() -> None:
    """Six rows are judged and three are right; the two that cannot be are counted apart."""
    found = FRAME.groq.evaluate("label", expected="truth")
    assert (found.right, found.judged, found.failed, found.unlabelled) == (3, 6, 1, 1)
    assert found.accuracy == 0.5
    assert found.confusion.to_dict("index") == {
        "cat": {"cat": 2, "dog": 1, "owl": 0},
        "dog": {"cat": 1, "dog": 1, "owl": 0},
        "owl": {"cat": 0, "dog": 1, "owl": 0},
    }
    scores = found.to_frame()
    assert scores["support"].to_dict() == {"cat": 3, "dog": 2, "owl": 1}
    assert scores["precision"]["cat"] == pytest.approx(2 / 3)
    assert scores["recall"]["dog"] == pytest.approx(1 / 2)
    assert scores["f1"]["dog"] == pytest.approx(2 / 5)
    assert math.isnan(scores["precision"]["owl"])
    assert scores["recall"]["owl"] == scores["f1"]["owl"] == 0


def test_mistakes_are_whole_rows_with_their_index() -> None:
    """Of a frame its own rows, of two series both values; rows that failed are none."""
    found = FRAME.groq.evaluate("label", expected="truth")
    assert found.mistakes["text"].to_dict() == {6: "c", 8: "e", 9: "f"}
    both = groqnb.evaluate(FRAME["label"], FRAME["truth"])
    assert list(both.mistakes.index) == [6, 8, 9]
    assert both.mistakes.loc[6].to_dict() == {"expected": "cat", "predicted": "dog"}


def test_an_answer_that_is_none_of_the_labels_is_a_mistake() -> None:
    """It has a column of its own, and takes from no label's precision."""
    found = groqnb.evaluate(["a", "A.", "b"], ["a", "a", "b"], labels=["b", "a"])
    assert found.accuracy == pytest.approx(2 / 3)
    assert list(found.confusion.columns) == ["b", "a", "(other)"]
    assert list(found.confusion.loc["a"]) == [0, 1, 1]
    assert list(found.to_frame()["precision"]) == [1, 1]


def test_the_order_of_a_categorical_stays() -> None:
    """Also of a label that nobody gave."""
    said = pd.Series(pd.Categorical(["hot", "cold"], categories=["hot", "warm", "cold"]))
    found = groqnb.evaluate(said, pd.Series(["hot", "warm"]))
    assert list(found.confusion.index) == ["hot", "warm", "cold"]
    assert str(found) == "accuracy 50.0%: 1 of 2 rows are right"


def test_numbers_and_truth_values_are_labels_too() -> None:
    """Nullable columns are compared with plain ones by value."""
    said = pd.Series([1, None, 3], dtype="Int64")
    assert groqnb.evaluate(said, pd.Series([1, 2, 4])).accuracy == 0.5
    flags = pd.Series([True, False, None], dtype="boolean")
    assert groqnb.evaluate(flags, pd.Series([True, True, True])).right == 1


def test_nothing_judged_is_told_and_no_number_is_made_up() -> None:
    found = groqnb.evaluate(pd.Series([None, None], dtype=object), pd.Series(["a", "b"]))
    assert math.isnan(found.accuracy)
    assert found.failed == 2
    assert repr(found) == "No row could be judged; 2 without an answer, not counted"
    assert groqnb.evaluate([], []).judged == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a"], ["a", "b"]), "1 predicted rows and 2 expected"),
        ((pd.Series(["a"], index=[1]), pd.Series(["a"], index=[2])), "different indexes"),
        ((["yes"], [True]), "none can be right"),
        (([["a"]], [["a"]]), "single values"),
        ((["a"], ["c"], ["a", "b"]), "not among the labels: 'c'"),
        ((["a"], ["a"], ["a", "a"]), "different"),
        (("abc", "abc"), "a series or a list"),
    ],
)
def test_what_does_not_belong_together_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        groqnb.evaluate(*arguments)


def test_a_wrong_column_is_told_with_the_near_one() -> None:
    with pytest.raises(ParameterError, match="Did you mean 'truth'"):
        FRAME.groq.evaluate("label", expected="truht")


VALUES = st.one_of(st.none(), st.sampled_from(["a", "b", "c", "d"]))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(VALUES, VALUES), max_size=40))
def test_every_number_is_that_of_counting_row_by_row(pairs: list[tuple[Any, Any]]) -> None:
    """Confusion, scores and mistakes, against loops that are too slow to be wrong."""
    said, true = [one for one, _ in pairs], [two for _, two in pairs]
    found = groqnb.evaluate(said, true)
    judged = [(s, t) for s, t in pairs if s is not None and t is not None]
    assert found.judged == len(judged)
    assert found.right == sum(s == t for s, t in judged)
    assert found.failed == sum(s is None and t is not None for s, t in pairs)
    assert found.unlabelled == true.count(None)
    assert len(found.mistakes) == found.judged - found.right
    labels = sorted({value for pair in judged for value in pair})
    assert list(found.confusion.index) == list(found.confusion.columns) == labels
    scores = found.to_frame()
    for label in labels:
        for other in labels:
            assert found.confusion.loc[label, other] == judged.count((other, label))
        hits = judged.count((label, label))
        said_so = sum(s == label for s, _ in judged)
        were_so = sum(t == label for _, t in judged)
        row = scores.loc[label]
        assert row["support"] == were_so
        for name, whole in (("precision", said_so), ("recall", were_so)):
            assert row[name] == pytest.approx(hits / whole) if whole else math.isnan(row[name])
        both = said_so + were_so
        assert row["f1"] == pytest.approx(2 * hits / both)


def test_it_is_shown_as_tables_and_what_models_said_is_escaped() -> None:
    """The text is the same every time, and names what was not judged."""
    found = FRAME.groq.evaluate("label", expected="truth")
    text = evaluation_bundle(found)["text/plain"]
    assert text == repr(found)
    first, _, scores = text.partition("\n\n")
    assert first == (
        "Accuracy 50.0%: 3 of 6 rows are right; 1 without an answer, not counted; "
        "1 without an expected label, not counted"
    )
    assert scores.splitlines()[:3] == [
        "Each label",
        "label  precision  recall    F1  rows",
        "cat         0.67    0.67  0.67     3",
    ]
    hostile = groqnb.evaluate(["<script>x</script>", "a"], ["a", "a"])
    assert "<script" not in evaluation_bundle(hostile)["text/html"]
    many = groqnb.evaluate([str(n) for n in range(99)], [str(n) for n in range(99)])
    assert "87 more labels" in repr(many)


def test_the_plot_shows_every_count_on_the_axes_it_is_given() -> None:
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    found = FRAME.groq.evaluate("label", expected="truth")
    figure, ax = plt.subplots()
    try:
        assert found.plot(ax=ax) is ax
        assert sorted(text.get_text() for text in ax.texts) == ["1", "1", "1", "1", "2"]
        assert [label.get_text() for label in ax.get_yticklabels()] == ["cat", "dog", "owl"]
        own = found.plot()
        assert own.figure is not figure
    finally:
        plt.close("all")
