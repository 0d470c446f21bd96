"""Transcripts of pieces that overlap, joined so that no word is there twice and none is lost.

Where two pieces overlap, both have the same words at about the same times. The words of one are
aligned with those of the other, by what they are and when they are said, and at one word that both
have, the transcript goes over from the first to the second: the one nearest to the cut, for there
both are farthest from where their sound ends. Where they have no word in common, times decide.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

__all__ = ["HeardSegment", "HeardWord", "Part", "join_text", "joined"]

_FAR = 1.0  # s: the times of a word in two transcripts differ by less
_NEAR = 0.25  # s: what is said so close to each other is the same sound


@dataclass(frozen=True)
class HeardWord:
    """A word, and when it is said, in seconds of the whole recording."""

    word: str
    start: float
    end: float

    @property
    def middle(self) -> float:
        """The time it is said at."""
        return (self.start + self.end) / 2


@dataclass(frozen=True)
class HeardSegment:
    """A piece of text, with its times in seconds of the whole recording and its quality."""

    start: float
    end: float
    text: str
    avg_logprob: float | None = None
    no_speech_prob: float | None = None
    compression_ratio: float | None = None
    temperature: float | None = None
    part: int = 0


@dataclass(frozen=True)
class Part:
    """What was heard in a piece of the recording, whose own part is from `begins` to `ends`."""

    begins: float
    ends: float
    words: Sequence[HeardWord] = ()
    segments: Sequence[HeardSegment] = field(default=())


def joined(parts: Sequence[Part]) -> tuple[list[HeardSegment], list[HeardWord]]:
    """The segments and words of all parts, in order, each once.

    ```python
    segments, words = joined(parts)
    " ".join(word.word for word in words)
    ```
    """
    first = [0] * len(parts)
    last = [len(part.words) for part in parts]
    for left in range(len(parts) - 1):
        before, after = parts[left].words[first[left] :], parts[left + 1].words
        kept, begins = _switch(before, after, parts[left].ends)
        last[left], first[left + 1] = first[left] + kept, begins
    segments: list[HeardSegment] = []
    words: list[HeardWord] = []
    # What lies beyond the ends, as the times of a last segment may, has no other part to be in.
    ends = list(parts)
    if ends:
        ends[0] = replace(ends[0], begins=float("-inf"))
        ends[-1] = replace(ends[-1], ends=float("inf"))
    for part, low, high in zip(ends, first, last, strict=True):
        words += part.words[low:high]
        segments += _segments(part, low, high)
    return segments, words


def _switch(before: Sequence[HeardWord], after: Sequence[HeardWord], cut: float) -> tuple[int, int]:
    """How many words of `before` are kept, and with which of `after` it goes on."""
    if not before or not after:
        return len(before), 0
    low, high = after[0].start - _FAR, before[-1].end + _FAR
    skipped = next((i for i, word in enumerate(before) if word.end >= low), len(before))
    reached = next((i for i, word in enumerate(after) if word.start > high), len(after))
    pairs = _aligned(before[skipped:], after[:reached])
    if pairs:
        known = set(pairs)

        def badness(pair: tuple[int, int]) -> float:
            i, j = pair
            # A word that both have may be chance; two in a row are none.
            alone = (i - 1, j - 1) not in known and (i + 1, j + 1) not in known
            at = (before[skipped + i].middle + after[j].middle) / 2
            return abs(at - cut) + (2.0 if alone else 0.0)

        i, j = min(pairs, key=badness)
        return skipped + i + 1, j + 1
    kept = sum(word.middle < cut for word in before)
    begins = sum(word.middle < cut for word in after)
    # The word at the cut, which each may have put to the other side of it.
    if kept and begins < len(after) and _same(before[kept - 1], after[begins]):
        begins += 1
    elif kept < len(before) and begins and _same(before[kept], after[begins - 1]):
        kept += 1
    return kept, begins


def _same(one: HeardWord, other: HeardWord) -> bool:
    """Whether two words without a letter in common may be one sound, heard differently."""
    shared = min(one.end, other.end) - max(one.start, other.start)
    shorter = min(one.end - one.start, other.end - other.start)
    return abs(one.middle - other.middle) < _NEAR and shared > shorter / 2


def _aligned(before: Sequence[HeardWord], after: Sequence[HeardWord]) -> list[tuple[int, int]]:
    """The pairs of equal words, in order, that agree best in what is said and when."""
    left, right = [_letters(w.word) for w in before], [_letters(w.word) for w in after]
    width = len(after) + 1
    scores = [[0.0] * width for _ in range(len(before) + 1)]
    for i in range(len(before) - 1, -1, -1):
        row, below = scores[i], scores[i + 1]
        for j in range(len(after) - 1, -1, -1):
            best = max(below[j], row[j + 1])
            gain = _gain(left[i], right[j], before[i].middle - after[j].middle)
            row[j] = max(best, gain + below[j + 1]) if gain else best
    pairs, i, j = [], 0, 0
    while i < len(before) and j < len(after):
        gain = _gain(left[i], right[j], before[i].middle - after[j].middle)
        if gain and scores[i][j] == gain + scores[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif scores[i][j] == scores[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _gain(one: str, other: str, apart: float) -> float:
    """What it is worth to take two words for the same: more the nearer they are to each other."""
    if one != other or not one or abs(apart) >= _FAR:
        return 0.0
    return 1.0 - 0.9 * abs(apart) / _FAR


def _letters(word: str) -> str:
    plain = unicodedata.normalize("NFKC", word).casefold()
    return "".join(c for c in plain if c.isalnum() or unicodedata.category(c).startswith("M"))


# --- segments -------------------------------------------------------------------------------------


def _segments(part: Part, low: int, high: int) -> list[HeardSegment]:
    """The part's segments with the words from `low` up to `high` alone."""
    if not part.words:
        return [
            segment
            for segment in part.segments
            if part.begins <= (segment.start + segment.end) / 2 < part.ends
            or (segment.start < part.begins and segment.end > part.ends)
        ]
    if low == 0 and high == len(part.words):
        return list(part.segments)
    found: list[HeardSegment] = []
    owned = _owned(part)
    for segment, (start, stop) in zip(part.segments, owned, strict=True):
        if start == stop:
            middle = (segment.start + segment.end) / 2
            if part.begins <= middle < part.ends:
                found.append(segment)
            continue
        keep_from, keep_to = max(start, low), min(stop, high)
        if keep_from >= keep_to:
            continue
        if (keep_from, keep_to) == (start, stop):
            found.append(segment)
        else:
            kept = part.words[keep_from:keep_to]
            text = _cut_text(segment.text, part.words[start:stop], keep_from - start, len(kept))
            begin = segment.start if keep_from == start else kept[0].start
            end = segment.end if keep_to == stop else kept[-1].end
            found.append(replace(segment, text=text, start=begin, end=max(begin, end)))
    return found


def _owned(part: Part) -> list[tuple[int, int]]:
    """For each segment, which of the part's words are in it: from, up to."""
    ranges, position = [], 0
    for number, segment in enumerate(part.segments):
        start = position
        final = number == len(part.segments) - 1
        border = float("inf") if final else (segment.end + part.segments[number + 1].start) / 2
        while position < len(part.words) and part.words[position].middle < border:
            position += 1
        ranges.append((start, position))
    return ranges


def _cut_text(text: str, words: Sequence[HeardWord], first: int, count: int) -> str:
    """The part of a segment's text with `count` words from the word `first` on.

    Words come without the punctuation and the spaces around them; the text has both.
    """
    starts, position, lowered = [], 0, text.casefold()
    for word in words:
        needle = word.word.strip().casefold()
        at = lowered.find(needle, position) if needle else position
        if at < 0 or len(lowered) != len(text):
            kept = words[first : first + count]
            return join_text(each.word for each in kept)
        starts.append(at)
        position = at + len(needle)
    begin = 0 if first == 0 else starts[first]
    end = len(text) if first + count >= len(words) else starts[first + count]
    return text[begin:end].strip() if first else text[begin:end].rstrip()


def join_text(texts: Iterable[str]) -> str:
    """Texts of segments or words in a row, with spaces between them where the script has them."""
    whole = ""
    for text in texts:
        if not text:
            continue
        spaced = not whole or whole[-1].isspace() or text[0].isspace()
        if spaced or _is_wide(whole[-1]) or _is_wide(text[0]):
            whole += text
        else:
            whole += " " + text
    return whole.strip()


def _is_wide(character: str) -> bool:
    """Chinese and Japanese are written without spaces."""
    return unicodedata.east_asian_width(character) in "WF" and not (
        "\uac00" <= character <= "\ud7a3"  # Korean has spaces
    )
