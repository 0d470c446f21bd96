"""`groqnb.transcribe`: recordings of any length and kind, as text with times.

Docs: Speech to Text; Working with Larger Audio Files; Create transcription; Create translation.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from groqnb import catalog
from groqnb.hearing.checks import MODELS, check_numbers, checked, granularities
from groqnb.hearing.quality import Thresholds
from groqnb.types.errors import ParameterError
from groqnb.wire import tap

if TYPE_CHECKING:
    from groqnb.client import Groq
    from groqnb.hearing.decoding import Sound
    from groqnb.hearing.recipe import Recipe
    from groqnb.hearing.sending import Answered
    from groqnb.hearing.splitting import Piece
    from groqnb.hearing.transcript import Transcript

__all__ = ["transcribe"]

_PART = {"local": 60.0}  # s: an engine on this machine needs minutes for what the cloud has at once
_USUAL_PART = 300.0
_SHORTEST = 0.01  # s, as documented


def transcribe(
    source: Any,
    *,
    model: str | None = None,
    task: Literal["transcribe", "translate"] = "transcribe",
    language: str | None = None,
    prompt: str | None = None,
    temperature: float | None = None,
    timestamp_granularities: Sequence[Literal["word", "segment"]] = ("word", "segment"),
    response_format: Literal["verbose_json", "json", "text"] = "verbose_json",
    sample_rate: int | None = None,
    thresholds: Thresholds | Mapping[str, float | None] | None = None,
    part_seconds: float | None = None,
    overlap_seconds: float = 4.0,
    concurrency: int = 4,
    max_wait: float = 3600.0,
    resume: bool = True,
    progress: bool | Callable[[float, float | None], None] = True,
    client: Groq | None = None,
    **unknown: Any,
) -> Transcript:
    """Write down what is said in a recording of any length, or translate it to English.

    The recording is made 16 kHz mono, cut at silences into parts that overlap, and sent as FLAC,
    several parts at a time, inside the rate limits. What comes back is joined by the times of the
    words: none is there twice, and none is lost. Finished parts are kept on disk until all are
    there: after an interrupt or a crash the same call goes on from there. Parts without any sound
    are not sent.

    Args:
        source: a path, an http(s) or data: URL, bytes, an open binary file, a recorder or whatever
            holds bytes as `.value`, or a numpy array. Anything that FFmpeg reads; of a video, the
            first track of audio.
        model: by default whisper-large-v3-turbo, and whisper-large-v3 for translations.
        task: "transcribe", or "translate" to English.
        language: of the recording, as ISO-639-1 ("en"); it makes the result better and faster.
        prompt: names and spellings that may come up, in the recording's language; 224 tokens.
        temperature: 0 to 1; 0 is the API's default, and recommended.
        timestamp_granularities: "word", "segment" or both. Translations have segments only.
        response_format: "verbose_json"; with "json" or "text" there are no times inside parts.
        sample_rate: of a numpy array, in Hz.
        thresholds: from where on segments are flagged, such as {"avg_logprob": -0.3}.
        part_seconds: about how long a part is, 10 to 750; 300 by default, 60 for the local engine
            and while a record is on.
        overlap_seconds: how much of its sound a part shares with the next.
        concurrency: how many parts are sent at a time, 1 to 16.
        max_wait: seconds that a part may wait for the limits.
        resume: False keeps nothing on disk, and does not look there.
        progress: show a bar when it takes longer than two seconds; or a function that is told how
            many seconds of the recording are done, and of how many (None where it is not known).
        client: by default that of the magics.

    Raises ParameterError for what cannot be transcribed (no audio in it, damaged, shorter than
    0.01 s, silent), FetchError for a URL that does not answer, MissingExtra without
    `groqnb[audio]`, and what a call raises.

    ```python
    talk = groqnb.transcribe("talk.mp4", language="en")
    print(talk.text)
    talk.save("talk.srt")
    ```

    Docs: Speech to Text.
    """
    if unknown:
        _refuse(unknown)
    limits = Thresholds.of(thresholds)
    if task not in MODELS:
        raise ParameterError(f"task is {task!r}; it is 'transcribe' or 'translate'.")
    check_numbers(part_seconds, overlap_seconds, concurrency, max_wait)
    if client is None:
        from groqnb.session import session

        client = session.client()
    from groqnb.engine_parts import fetch_for
    from groqnb.hearing.recipe import Recipe

    recipe = Recipe(
        client,
        task,
        model or MODELS[task],
        language,
        prompt,
        temperature,
        response_format,
        granularities(timestamp_granularities),
    )
    checked(recipe)
    fetch_for(client, "hearing")
    # A record answers wherever calls would go: it must be asked for the same parts there.
    place = "local" if tap.current is not None else client.target.kind
    seconds = part_seconds or _PART.get(place, _USUAL_PART)
    # Without times of words there is nothing to align by: such parts do not overlap.
    aligned = "timestamp_granularities" in recipe.params and "word" in recipe.granularities
    overlap = min(overlap_seconds, seconds / 3) if aligned else 0.0
    return _run(
        source, sample_rate, recipe, limits, seconds, overlap,
        concurrency=concurrency, max_wait=max_wait, resume=resume, progress=progress,
    )  # fmt: skip


def _run(
    source: Any, sample_rate: int | None, recipe: Recipe, limits: Thresholds,
    seconds: float, overlap: float,
    *, concurrency: int, max_wait: float, resume: bool,
    progress: bool | Callable[[float, float | None], None],
) -> Transcript:  # fmt: skip
    from groqnb.hearing.decoding import decoded
    from groqnb.hearing.extras import load_av, load_numpy
    from groqnb.hearing.kept import Kept, default_folder
    from groqnb.hearing.progress import Bar
    from groqnb.hearing.sending import Work, send_all
    from groqnb.hearing.sources import source_of
    from groqnb.hearing.splitting import Envelope, pieces

    load_numpy()
    load_av()
    opened = source_of(source, sample_rate)
    sound, envelope = decoded(opened), Envelope()
    cut = _checked_pieces(
        sound.name, pieces(sound.blocks, seconds=seconds, overlap=overlap, envelope=envelope)
    )
    # What is not asked again would be missing in a record, which keeps finished parts as well.
    folder = default_folder() if resume and tap.current is None else None
    kept = Kept(folder, recipe.asked)
    with Bar(opened.name, sound.length, shown=progress) as bar:
        work = Work(
            recipe.ask, _pace(recipe), kept, concurrency, max_wait,
            tell=lambda done: bar.add(done.piece[3] - done.piece[2]), idle=bar.idle,
            is_free=recipe.is_recorded,
        )  # fmt: skip
        try:
            answers = send_all(cut, work)
        except KeyboardInterrupt:
            if resume:
                print("Interrupted. The same call goes on from there.", file=sys.stderr)
            raise
        finally:
            kept.tell()
    if all(answer.reply is None for answer in answers):
        raise ParameterError(
            f"{sound.name} is silent: nothing in it is louder than -60 dB.",
            hint="Was the microphone muted?",
        )
    _warn_of_damage(sound, answers[-1].piece[1])
    made = _transcript(opened, recipe, limits, envelope, answers)
    kept.drop(answer.key for answer in answers if answer.key)
    return made


def _warn_of_damage(sound: Sound, read: float) -> None:
    missing = (sound.length or 0.0) - read if sound.sure else 0.0
    if missing > max(1.0, 0.01 * read):
        what = f"it should last {sound.length:.1f} s, and {read:.1f} s of it could be read"
    elif sound.damaged:
        what = f"{sound.damaged:,} packets of it could not be decoded"
    else:
        return
    warnings.warn(f"{sound.name} is damaged or cut off: {what}.", stacklevel=4)


def _transcript(
    opened: Any, recipe: Recipe, limits: Thresholds, envelope: Any, answers: list[Answered]
) -> Transcript:
    from groqnb.hearing.recipe import part_of
    from groqnb.hearing.stitching import joined
    from groqnb.hearing.transcript import Transcript

    segments, words = joined([part_of(answer) for answer in answers])
    replies = [answer.reply for answer in answers if answer.reply is not None]
    languages = [str(reply["language"]) for reply in replies if reply.get("language")]
    return Transcript(
        name=opened.name,
        model=recipe.model,
        task=recipe.task,
        language=max(languages, key=languages.count) if languages else recipe.language,
        duration=answers[-1].piece[1],
        cost=recipe.cost(answers),
        thresholds=limits,
        parts=len(replies),
        resumed=sum(answer.kept for answer in answers),
        answered=str(replies[0].get("answered") or ""),
        where=recipe.where(replies[0]),
        _segments=segments,
        _words=words if "word" in recipe.granularities else [],
        _envelope=envelope,
        _source=opened,
        _recipe=recipe,
    )


def _checked_pieces(name: str, cut: Iterator[Piece]) -> Iterable[Piece]:
    """The pieces, once it is sure that there is sound enough in them."""
    first = next(cut, None)
    if first is None:
        raise ParameterError(f"{name} holds no sound.")
    if first.seconds < _SHORTEST:
        raise ParameterError(
            f"{name} lasts {first.seconds:.4f} s; at least {_SHORTEST} s are needed."
        )
    return chain([first], cut)


def _pace(recipe: Recipe) -> Any:
    from groqnb.hearing.pace import Pace

    known = catalog.find(recipe.model)
    cloud = recipe.client.target.kind == "cloud"
    # Other servers have limits of their own, and say so when they are reached.
    return Pace(dict(known.limits) if known is not None and cloud else {})


def _refuse(unknown: Mapping[str, Any]) -> None:
    from difflib import get_close_matches
    from inspect import signature

    known = [name for name in signature(transcribe).parameters if name not in ("source", "unknown")]
    name = next(iter(unknown))
    near = get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(known)}."
    raise ParameterError(f"transcribe has no parameter {name!r}.", hint=hint)
