"""Hostile text is harmless and readable wherever it stands: in every kind of answer and error."""

from __future__ import annotations

import json
import re
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_render import HOSTILE, harmless

from groqnb.render.message import LiveView, answer_bundle, live_footer
from groqnb.types.answer import Answer

from .hostile import TRICKS, hostile_answers, hostile_bundles

STYLE = re.compile(r"<style>.*?</style>")


def without_pictures(source: str) -> str:
    """The page without those pictures that it may hold: PNGs within it."""
    return re.sub(r'<img src="data:image/png;base64,[A-Za-z0-9+/=]+" alt="[^"<>]*">', "", source)


@pytest.mark.parametrize("hostile", [*HOSTILE, TRICKS])
def test_hostile_text_is_harmless_in_every_kind_of_answer(hostile: str) -> None:
    for name, bundle in hostile_bundles(hostile).items():
        harmless(without_pictures(bundle["text/html"]))
        assert bundle["text/plain"], name


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_harmless_while_it_streams(hostile: str) -> None:
    for answer in hostile_answers(hostile).values():
        harmless(without_pictures(LiveView().html(answer, live_footer("b"))))


@given(source=st.text("<>\"'&/=:![]()`$|*_#-\\\n\t abcjx{}[]:,\x00\x1b\u202e\ud800", max_size=60))
@settings(max_examples=60, deadline=None)
def test_random_text_is_harmless_in_every_kind_of_answer(source: str) -> None:
    for bundle in hostile_bundles(source).values():
        harmless(without_pictures(bundle["text/html"]))


def test_nothing_shown_turns_letters_around_or_commands_a_terminal() -> None:
    for name, bundle in hostile_bundles(TRICKS).items():
        for media, shown in bundle.items():
            odd = {c for c in shown if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"}
            odd |= {c for c in shown if unicodedata.bidirectional(c)[-1] in "EOIF" and c > "\u2000"}
            odd &= {*TRICKS} - {"\u200b", "\ufeff"}
            assert not odd, (name, media, odd)
            shown.encode()  # halves of characters cannot be sent


@pytest.mark.parametrize("text", ["word " * 200_000, "<b>" * 330_000, "\x1b[31m" * 200_000])
def test_a_megabyte_in_every_place_is_shown_in_part_and_soon(text: str) -> None:
    started = time.process_time()
    for name, answer in hostile_answers(text).items():
        shown = answer_bundle(Answer(**{**answer.__dict__, "text": "", "reasoning": None}))
        html = STYLE.sub("", shown["text/html"])
        assert len(html) < 1_000_000, name  # two dozen pieces, escaped
        assert len(shown["text/plain"]) < 300_000, name
    assert time.process_time() - started < 20


def test_deep_and_wide_json_is_shown_in_part() -> None:
    asked = {"type": "json_object"}
    deep: object = 1
    for _ in range(150):
        deep = {"a": [deep]}
    values = [
        deep,
        {str(i): i for i in range(50_000)},
        [{"a": i} for i in range(50_000)],
        [{str(i): 1 for i in range(5_000)}],
        [[[i] * 10] * 10 for i in range(1_000)],
    ]
    for value in values:
        shown = answer_bundle(Answer(text=json.dumps(value), response_format=asked))["text/html"]
        assert len(shown) < 200_000
        harmless(shown)
