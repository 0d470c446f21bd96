"""The flagged segments of a transcript, heard again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from groqnb.hearing.checks import checked
from groqnb.hearing.decoding import RATE, decoded
from groqnb.hearing.kept import Kept
from groqnb.hearing.pace import Pace
from groqnb.hearing.quality import reasons
from groqnb.hearing.recipe import part_of
from groqnb.hearing.sending import Work, send_all
from groqnb.hearing.splitting import Piece
from groqnb.hearing.stitching import HeardSegment, HeardWord
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    from groqnb.hearing.quality import Thresholds
    from groqnb.hearing.sources import Source
    from groqnb.hearing.transcript import Transcript

__all__ = ["retried"]

_MARGIN = 0.3  # s of sound around a segment, where its neighbours leave so much
_LONGEST = 300.0  # s in one request
_LEAST = 0.1  # s


def retried(
    transcript: Transcript,
    keep: str,
    prompt: str | None,
    model: str | None,
    language: str | None,
    temperature: float | None,
) -> Transcript:
    """A new transcript, with what was heard better in the flagged segments' places."""
    recipe, source = transcript._recipe, transcript._source
    if keep not in ("better", "always"):
        raise ParameterError(f"keep is {keep!r}; it is 'better' or 'always'.")
    if recipe is None or source is None:
        raise ParameterError("The recording of this transcript is not at hand.")
    given: dict[str, Any] = {
        "prompt": prompt, "model": model, "language": language, "temperature": temperature
    }  # fmt: skip
    recipe = replace(recipe, **{name: value for name, value in given.items() if value is not None})
    checked(recipe)
    groups = list(_groups(transcript))
    if not groups:
        return replace(transcript)
    spans = [_span(transcript, first, last) for first, last in groups]
    work = Work(recipe.ask, Pace({}), Kept(None, {}))
    answers = send_all(_pieces(source, spans), work)
    segments: list[HeardSegment] = list(transcript._segments)
    words: list[HeardWord] = list(transcript._words)
    for (first, last), (start, stop), answer in reversed(
        list(zip(groups, spans, answers, strict=True))
    ):
        part = part_of(answer)
        if not part.segments and answer.reply is None:
            continue
        old = segments[first:last]
        new = [replace(segment, part=old[0].part) for segment in part.segments]
        if keep == "always" or _is_better(new, old, transcript.thresholds):
            segments[first:last] = new
            before = [word for word in words if word.middle < start]
            after = [word for word in words if word.middle >= stop]
            words = [*before, *part.words, *after]
    spent = recipe.cost(answers)
    known = spent is not None and transcript.cost is not None
    return replace(
        transcript,
        model=recipe.model,
        cost=transcript.cost + spent if known else None,  # type: ignore[operator]
        _segments=segments,
        _words=words,
        _recipe=recipe,
    )


def _groups(transcript: Transcript) -> Iterator[tuple[int, int]]:
    """Flagged segments side by side: from, up to."""
    segments = transcript._segments
    first: int | None = None
    for number, segment in enumerate(segments):
        if not reasons(segment, transcript.thresholds):
            if first is not None:
                yield first, number
                first = None
        elif first is None:
            first = number
        elif segment.end - segments[first].start > _LONGEST:
            yield first, number
            first = number
    if first is not None:
        yield first, len(segments)


def _span(transcript: Transcript, first: int, last: int) -> tuple[float, float]:
    """From when to when the sound of some segments lasts, with what silence is around it."""
    segments = transcript._segments
    before = segments[first - 1].end if first else 0.0
    after = segments[last].start if last < len(segments) else transcript.duration
    start, stop = segments[first].start, min(segments[last - 1].end, transcript.duration)
    start = max(start - _MARGIN, min(before, start), 0.0)
    stop = min(stop + _MARGIN, max(after, stop))
    return start, max(stop, start + _LEAST)


def _pieces(source: Source, spans: Sequence[tuple[float, float]]) -> Iterator[Piece]:
    """The sound of the spans, which are in order, in one pass through the recording."""
    import numpy as np

    blocks = decoded(source).blocks
    held, at = np.zeros(0, np.int16), 0
    for index, (start, stop) in enumerate(spans):
        low, high = round(start * RATE), round(stop * RATE)
        while at + len(held) < high:
            block = next(blocks, None)
            if block is None:
                break
            # What lies before the span is not needed any more.
            gone = min(len(held), max(0, low - at))
            held, at = np.concatenate((held[gone:], block)), at + gone
        samples = held[max(0, low - at) : max(0, high - at)].copy()
        loudest = float(np.abs(samples.astype(np.int32)).max(initial=0)) / 32768
        yield Piece(index, start, stop, start, stop, loudest, samples)


def _is_better(
    new: Sequence[HeardSegment], old: Sequence[HeardSegment], limits: Thresholds
) -> bool:
    """Fewer reasons to doubt it, or as many and surer of its words."""
    doubts = [sum(bool(reasons(each, limits)) for each in some) / max(len(some), 1)
              for some in (new, old)]  # fmt: skip
    if not new or doubts[0] != doubts[1]:
        return bool(new) and doubts[0] < doubts[1]
    return _sure(new) > _sure(old)


def _sure(segments: Sequence[HeardSegment]) -> float:
    """The average logprob, weighted by the length of the text."""
    total = sum(len(each.text) for each in segments) or 1
    return sum((each.avg_logprob or 0.0) * len(each.text) for each in segments) / total
