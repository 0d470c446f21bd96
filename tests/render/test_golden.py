"""Every kind of answer looks as it was agreed on, in HTML and as text.

`python -m tests.render.rewrite` writes the golden files anew; look at what changed, then commit it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from groqnb.render.html import page
from groqnb.render.message import LiveView, answer_bundle, live_footer
from groqnb.types.answer import Answer

from .kinds import KINDS, SIZES

GOLDEN = Path(__file__).with_name("golden")
USUAL_SIZE = 1_800
STYLE = re.compile(r"<style>.*?</style>")


def html_of(answer: Answer) -> str:
    """What a notebook shows, without its style; an element a line, so that diffs are short."""
    bare = STYLE.sub("", answer_bundle(answer)["text/html"])
    return re.sub(r"(</(?:div|summary|tr|li|thead|ul|ol|p|pre)>)(?=<)", r"\1\n", bare) + "\n"


def text_of(answer: Answer) -> str:
    """What stands in a terminal and in diffs."""
    return answer_bundle(answer)["text/plain"] + "\n"


@pytest.mark.parametrize("kind", KINDS)
def test_it_looks_as_agreed(kind: str) -> None:
    assert html_of(KINDS[kind]) == (GOLDEN / f"{kind}.html").read_text(encoding="utf-8")
    assert text_of(KINDS[kind]) == (GOLDEN / f"{kind}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_small(kind: str) -> None:
    assert len(html_of(KINDS[kind]).encode()) <= SIZES.get(kind, USUAL_SIZE)
    assert len(answer_bundle(KINDS[kind])["text/html"]) <= SIZES.get(kind, USUAL_SIZE) + 2_500


def test_every_golden_file_belongs_to_a_kind() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_it_looks_the_same_while_it_streams(kind: str) -> None:
    """But for colours in code, and what only the end can tell: verdicts, citations."""
    answer = KINDS[kind]
    view = LiveView()
    live = view.html(answer, live_footer("b"))
    whole = view.answer(answer)

    def parts(source: str) -> str:
        source = STYLE.sub("", source)
        source = re.sub(r'<div class="gn-foot.*', "", source)
        return re.sub(r'<span class="[a-z0-9]{1,2}">(.*?)</span>', r"\1", source)

    if answer.verdict is None and not answer.annotations and "json" not in kind:
        assert parts(live) == parts(whole)


def test_the_whole_style_sheet_is_small() -> None:
    names = re.findall(
        r"gn-[a-z-]+",
        (Path(page.__code__.co_filename).parent / "static" / "answer.css").read_text(),
    )
    assert len(page(" ".join(["highlight", *names]))) < 6_000
