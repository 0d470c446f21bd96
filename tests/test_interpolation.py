"""{{expression}} is replaced, strictly; everything else passes untouched."""

from __future__ import annotations

from contextlib import suppress

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groqnb.interpolation import InterpolationError, interpolate, value_of

NAMES = {"name": "Ada", "numbers": [1, 2, 3], "n": 3, "frame": pd.DataFrame({"a": [1, 2]})}


def refused(text: str) -> str:
    with pytest.raises(InterpolationError) as caught:
        interpolate(text, NAMES)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Hello {{name}}!", "Hello Ada!"),
        ("{{ name }}{{n}}", "Ada3"),
        ("{{numbers[0] + 1}}", "2"),
        ("{{', '.join(str(x) for x in numbers)}}", "1, 2, 3"),
        ("{{sum(x * n for x in numbers)}}", "18"),
        ("{{ {'k': {'j': 2}}['k']['j'] }}", "2"),
        ("{{'}}'}}", "}}"),
        ("{{'{{'}}", "{{"),
        ('{{f"{n:.2f}"}}', "3.00"),
        ("{{{name}}}", "{Ada}"),
        ('{"a": {{n}}}', '{"a": 3}'),
        ("{{n\n+ 1}}", "4"),
        ("{{n # a remark\n}}", "3"),
        ("{{None}}", "None"),
        ("{{len(numbers)}} items", "3 items"),
    ],
)
def test_expressions_are_replaced_by_their_values(text: str, result: str) -> None:
    assert interpolate(text, NAMES) == result


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        '{"a": {"b": {"c": [1, {"d": 2}]}}}',
        "{x} and {100} and {}",
        "def f(): return {'a': {1: 2}}",
        r"\frac{a}{b} + \mathbb{R}",
        r"{{n}\choose{k}}",
        r"$\left\{{\bf x}\right\}$ {{\bf x}}",
        "closing }} only",
        "it's 100 %",
        "",
    ],
)
def test_braces_json_and_latex_pass_untouched(text: str) -> None:
    assert interpolate(text, NAMES) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{{nmae}}", "{{nmae}}: the name 'nmae' is not defined. Did you mean name"),
        ("{{zzz}}", "the name 'zzz' is not defined."),
        ("${{ secrets.X }}", "--raw sends braces as they are."),
        ("{{lenn(numbers)}}", "Did you mean len"),
        ("{{frame.b}}", "AttributeError"),
        ("{{1 / 0}}", "ZeroDivisionError: division by zero"),
        ("{{numbers[9]}}", "IndexError"),
        ("{{}}", "holds no expression"),
        ("{{ }}", "holds no expression"),
        ("{{1,2},{3}}", "is not a Python expression"),
        ("{{x = 1}}", "is not a Python expression"),
        ("{{import os}}", "is not a Python expression"),
        ("a {{ b", "never closes it"),
        ("{{name", "--raw"),
    ],
)
def test_mistakes_are_told_shortly(text: str, told: str) -> None:
    message = refused(text)
    assert told in message
    assert len(message) < 400


def test_a_long_error_of_an_expression_is_cut() -> None:
    assert len(refused("{{numbers.index('" + "x" * 5000 + "')}}")) < 400


def test_names_that_an_expression_binds_stay_in_it() -> None:
    names = {"n": 1}
    assert interpolate("{{(m := n + 1) * m}}", names) == "4"
    assert names == {"n": 1}


def test_a_frame_comes_with_all_its_columns_and_its_size_when_rows_are_cut() -> None:
    wide = pd.DataFrame({f"column_{i}": range(100) for i in range(40)})
    text = interpolate("{{wide}}", {"wide": wide})
    assert all(f"column_{i}" in text for i in range(40))
    assert "[100 rows x 40 columns]" in text
    assert len(text.splitlines()) < 70


def test_a_small_frame_and_a_series_are_plain_tables() -> None:
    assert interpolate("{{frame}}", NAMES) == "   a\n0  1\n1  2"
    assert interpolate("{{frame.a}}", NAMES) == "0    1\n1    2"
    assert "Length: 100" in interpolate("{{s}}", {"s": pd.Series(range(100))})


def test_one_expression_alone_gives_the_object_itself() -> None:
    assert value_of("{{numbers}}", NAMES) is NAMES["numbers"]
    assert value_of("{{n}}{{n}}", NAMES) == "33"
    assert value_of("plain", NAMES) == "plain"


@given(st.text(st.characters(exclude_characters="{"), max_size=60))
def test_text_without_an_opening_brace_is_never_changed(text: str) -> None:
    assert interpolate(text, {}) == text


@given(st.text("{}ab'\"\\\n 1", max_size=30))
def test_no_text_does_anything_but_fill_in_or_be_refused(text: str) -> None:
    with suppress(InterpolationError):
        interpolate(text, {"a": 1, "b": 2})


@given(st.text(max_size=30), st.text(st.characters(exclude_characters="{}"), max_size=30))
def test_values_are_put_in_as_they_are_and_not_looked_at_again(value: str, around: str) -> None:
    assert interpolate(around + "{{x}}" + around, {"x": value}) == around + value + around
