"""Transcripts of pieces that overlap become one: no word twice, none lost."""

from __future__ import annotations

import itertools
import random

import pytest
from hearing_world import TALK, bare, heard

from groqnb.hearing.stitching import HeardSegment, HeardWord, Part, join_text, joined

HALF = 2.0  # s of overlap on each side of a cut


def part(begins: float, ends: float, duration: float, seed: int) -> Part:
    """What a model hears from `begins` to `ends` and a little around it."""
    start, stop = max(0.0, begins - HALF), min(duration, ends + HALF)
    words = [
        HeardWord(each["word"], start + each["start"], start + each["end"])
        for each in heard(TALK.words, start, stop, seed=seed)
    ]
    return Part(begins, ends, words, sentences(words))


def sentences(words: list[HeardWord]) -> list[HeardSegment]:
    found: list[list[HeardWord]] = []
    for word in words:
        if not found or found[-1][-1].word.endswith("."):
            found.append([])
        found[-1].append(word)
    return [
        HeardSegment(some[0].start, some[-1].end, " " + " ".join(word.word for word in some))
        for some in found
    ]


def test_no_word_is_doubled_and_none_is_lost_at_a_thousand_cuts() -> None:
    """At 1,000 cuts anywhere, in the middle of words too, the whole transcript comes out."""
    chance = random.Random(20261126)
    truth = [word for word, _, _ in TALK.words]
    cuts = 0
    while cuts < 1000:
        borders = [0.0]
        while (following := borders[-1] + chance.uniform(8.0, 20.0)) < TALK.duration - 5:
            borders.append(following)
        borders.append(TALK.duration)
        parts = [
            part(begins, ends, TALK.duration, seed=chance.randrange(1 << 30))
            for begins, ends in itertools.pairwise(borders)
        ]
        segments, words = joined(parts)
        assert [word.word for word in words] == truth, borders
        assert bare(join_text(s.text for s in segments).split()) == bare(truth), borders
        cuts += len(borders) - 2


def test_words_without_a_common_one_are_split_by_their_times() -> None:
    """Two hearings that agree on nothing: the cut decides, and the word at it is there once."""
    before = [HeardWord("one", 0, 1), HeardWord("too", 9.6, 10.2), HeardWord("tree", 10.5, 11)]
    after = [HeardWord("two", 9.7, 10.35), HeardWord("three", 10.5, 11), HeardWord("four", 14, 15)]
    _, words = joined([Part(0, 10, before), Part(10, 20, after)])
    assert [word.word for word in words] == ["one", "too", "three", "four"]


def test_a_word_that_each_puts_beyond_the_cut_is_not_lost() -> None:
    """The first says it is after the cut, the second that it is before: it is kept."""
    before = [HeardWord("one", 0, 1), HeardWord("too", 9.8, 10.4)]
    after = [HeardWord("two", 9.6, 10.2), HeardWord("four", 14, 15)]
    _, words = joined([Part(0, 10, before), Part(10, 20, after)])
    assert [word.word for word in words] == ["one", "too", "four"]


def test_a_word_said_many_times_is_there_as_often() -> None:
    """ "No, no, no, no": equal words are told apart by when they are said."""
    said = [HeardWord("no", at, at + 0.4) for at in (7.0, 7.6, 8.2, 8.8, 9.4, 10.0, 10.6, 11.2)]
    before = [HeardWord("Oh", 1, 2), *said]
    after = [HeardWord(w.word, w.start + 0.1, w.end + 0.1) for w in said[2:]]
    _, words = joined([Part(0, 10, before), Part(10, 20, [*after, HeardWord("way", 15, 16)])])
    assert [word.word for word in words] == ["Oh", *["no"] * 8, "way"]


def test_a_part_without_words_leaves_its_neighbours_theirs() -> None:
    """A silent part in the middle takes nothing away."""
    first = Part(0, 10, [HeardWord("one", 9, 11)])
    last = Part(20, 30, [HeardWord("two", 19, 21)])
    _, words = joined([first, Part(10, 20), last])
    assert [word.word for word in words] == ["one", "two"]


@pytest.mark.parametrize("count", [0, 1])
def test_few_parts_need_no_stitching(count: int) -> None:
    """None gives nothing, one is itself."""
    only = Part(0, 5, [HeardWord("Hi", 0, 1)], [HeardSegment(0, 1, " Hi.")])
    segments, words = joined([only] * count)
    assert [s.text for s in segments] == [" Hi."] * count
    assert len(words) == count


def test_segments_are_cut_with_their_punctuation() -> None:
    """A sentence across the cut becomes two segments that make the sentence together."""
    words = [
        HeardWord(w, i, i + 0.8) for i, w in enumerate(["Well", "then", "we", "go", "home", "now"])
    ]
    text = " Well, then: we go home now!"
    before = Part(0, 3, words, [HeardSegment(0, 5.8, text, avg_logprob=-0.2)])
    after = Part(3, 6, words[1:], [HeardSegment(1, 5.8, " then: we go home now!")])
    segments, _ = joined([before, after])
    assert join_text(segment.text for segment in segments) == text.strip()
    assert segments[0].avg_logprob == -0.2
    assert segments[0].end <= segments[1].start + 0.8


def test_segments_alone_are_taken_by_where_their_middle_is() -> None:
    """Without words, as translations come, each part has the segments of its own stretch."""
    parts = [
        Part(0, 10, (), [HeardSegment(0, 4, " One."), HeardSegment(5, 11, " Two.")]),
        Part(10, 20, (), [HeardSegment(10, 14, " Three."), HeardSegment(15, 40, " Four.")]),
    ]
    segments, words = joined(parts)
    assert [segment.text for segment in segments] == [" One.", " Two.", " Three.", " Four."]
    assert words == []


@pytest.mark.parametrize(
    ("texts", "whole"),
    [
        ([" One.", " Two."], "One. Two."),
        (["One.", "Two."], "One. Two."),
        (["今日は", "晴れです。"], "今日は晴れです。"),
        (["안녕", "하세요"], "안녕 하세요"),
        (["", " "], ""),
    ],
)
def test_texts_are_joined_as_their_script_is_written(texts: list[str], whole: str) -> None:
    """Spaces between words where there are such, none in Chinese and Japanese."""
    assert join_text(texts) == whole
