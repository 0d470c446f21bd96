"""Transcripts as subtitles: SubRip (srt) and WebVTT.

Two lines of at most 42 characters, no cue longer than 7 seconds: what viewers can read. Cues break
at pauses and behind sentences; their times are those of the words where these are known, else they
are spread over the segment by the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from groqnb.hearing.stitching import HeardSegment, HeardWord, join_text

__all__ = ["Cue", "cues", "srt", "vtt"]

LINE = 42  # columns
_LONGEST = 7.0  # s
_SHORTEST = 0.7  # s on the screen, where the next cue lets it
_PAUSE = 1.0  # s
_MOST = 60  # words: transcripts without any full stop are cut all the same
_ENOUGH = 20  # columns: a sentence shorter than this does not end a cue
_SENTENCE = re.compile(r"[.!?…。！？][\"'”’»)\]]*$")


@dataclass(frozen=True)
class Cue:
    """A text of one or two lines, and when it is on the screen, in seconds."""

    start: float
    end: float
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Token:
    text: str
    start: float
    end: float


def srt(segments: Sequence[HeardSegment], words: Sequence[HeardWord]) -> str:
    """As a SubRip file.

    ```python
    >>> print(srt([HeardSegment(0.5, 2.0, " Hello.")], []))
    1
    00:00:00,500 --> 00:00:02,000
    Hello.
    <BLANKLINE>

    ```
    """
    blocks = []
    for number, cue in enumerate(cues(segments, words), start=1):
        # The format has no escapes; an arrow would look like the line of times.
        text = "\n".join(line.replace("-->", "→") for line in cue.lines)
        times = f"{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}"
        blocks.append(f"{number}\n{times}\n{text}\n")
    return "\n".join(blocks)


def vtt(segments: Sequence[HeardSegment], words: Sequence[HeardWord]) -> str:
    """As a WebVTT file, with `&`, `<` and `>` escaped.

    ```python
    >>> print(vtt([HeardSegment(0.5, 2.0, " 1 < 2.")], []))
    WEBVTT
    <BLANKLINE>
    00:00:00.500 --> 00:00:02.000
    1 &lt; 2.
    <BLANKLINE>

    ```
    """
    blocks = ["WEBVTT\n"]
    for cue in cues(segments, words):
        text = "\n".join(
            line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            for line in cue.lines
        )
        blocks.append(f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{text}\n")
    return "\n".join(blocks)


def _clock(seconds: float, point: str) -> str:
    milliseconds = max(0, round(seconds * 1000))
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"


def cues(segments: Sequence[HeardSegment], words: Sequence[HeardWord]) -> list[Cue]:
    """The cues, in order; none begins before the one in front of it has ended."""
    found = [part for some in _sentences(_tokens(segments, words)) for part in _parts(some)]
    made: list[Cue] = []
    for number, tokens in enumerate(found):
        following = found[number + 1][0].start if number + 1 < len(found) else float("inf")
        # Rounded as it is written: a cue that ends when it begins is never shown.
        start = round(max(tokens[0].start, made[-1].end if made else 0.0), 3)
        end = max(tokens[-1].end, min(start + _SHORTEST, following))
        end = max(min(end, max(following, start)), start + 0.001)
        made.append(Cue(start, round(end, 3), _lines([token.text for token in tokens])))
    return made


def _sentences(tokens: Iterable[_Token]) -> Iterator[list[_Token]]:
    """Up to the end of a sentence or a pause; a very short sentence stays with the next."""
    some: list[_Token] = []
    for token in tokens:
        if some:
            text = join_text(each.text for each in some)
            ended = _SENTENCE.search(text) is not None and (
                _width(text) >= _ENOUGH or not _fits([*some, token])
            )
            if ended or token.start - some[-1].end > _PAUSE or len(some) >= _MOST:
                yield some
                some = []
        some.append(token)
    if some:
        yield some


def _parts(tokens: list[_Token]) -> list[list[_Token]]:
    """A sentence in as few cues as it needs, about as long as each other."""
    for count in range(1, len(tokens)):
        parts = _split(tokens, count)
        if all(map(_fits, parts)):
            return parts
    return [[token] for token in tokens]


def _split(tokens: list[_Token], count: int) -> list[list[_Token]]:
    """Split where equal parts would end, or behind a comma near there."""
    total = len(join_text(token.text for token in tokens))
    ends = [len(join_text(token.text for token in tokens[: i + 1])) for i in range(len(tokens))]
    cuts = [0]
    for number in range(1, count):
        aim, slack = total * number / count, total / count / 4

        def badness(i: int, aim: float = aim, slack: float = slack) -> float:
            comma = tokens[i - 1].text[-1] in ",;:—、，；"
            return abs(ends[i - 1] - aim) - (slack if comma else 0.0)

        left = range(cuts[-1] + 1, len(tokens) - (count - number) + 1)
        cuts.append(min(left, key=badness))
    return [tokens[a:b] for a, b in zip(cuts, [*cuts[1:], len(tokens)], strict=True)]


def _fits(tokens: Sequence[_Token]) -> bool:
    lines = _lines([token.text for token in tokens])
    return tokens[-1].end - tokens[0].start <= _LONGEST and all(_width(x) <= LINE for x in lines)


def _tokens(segments: Sequence[HeardSegment], words: Sequence[HeardWord]) -> Iterator[_Token]:
    position = 0
    for segment in segments:
        texts = [piece for text in segment.text.split() for piece in _short(text)]
        inside: list[HeardWord] = []
        while position < len(words) and words[position].middle <= segment.end + 0.01:
            if words[position].middle >= segment.start - 0.01:
                inside.append(words[position])
            position += 1
        yield from _timed(texts, segment, inside)


def _short(text: str) -> Iterator[str]:
    """A word, or what has no spaces, as pieces that fit a line."""
    limit = LINE // 4 if any(_width(c) > 1 for c in text) else LINE
    while _width(text) > limit:
        cut = next(i for i in range(1, len(text) + 1) if _width(text[:i]) >= limit)
        yield text[:cut]
        text = text[cut:]
    if text:
        yield text


def _timed(
    texts: Sequence[str], segment: HeardSegment, words: Sequence[HeardWord]
) -> Iterator[_Token]:
    """Texts with the times of the words that have their letters, else spread by their length."""
    total = sum(map(len, texts)) or 1
    spans = _spans(words)
    letters = sum(len(_bare(text)) for text in texts)
    known = bool(spans) and len(spans) == letters
    done = passed = 0
    length = segment.end - segment.start
    for text in texts:
        count = len(_bare(text))
        if known and count:
            start, end = spans[passed][0], spans[passed + count - 1][1]
        else:
            start = segment.start + length * done / total
            end = segment.start + length * (done + len(text)) / total
        passed += count
        done += len(text)
        yield _Token(text, start, max(start, end))


def _spans(words: Sequence[HeardWord]) -> list[tuple[float, float]]:
    """For each letter of the words, the times of its word."""
    return [(word.start, word.end) for word in words for _ in _bare(word.word)]


def _bare(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


def _width(text: str) -> int:
    """Columns on the screen: Chinese and Japanese characters take two."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _lines(texts: Sequence[str]) -> tuple[str, ...]:
    """One line where it fits, else two that are about as long as each other."""
    whole = join_text(texts)
    if _width(whole) <= LINE or len(texts) < 2:
        return (whole,)
    splits = [(join_text(texts[:i]), join_text(texts[i:])) for i in range(1, len(texts))]
    return min(splits, key=lambda pair: max(map(_width, pair)))
