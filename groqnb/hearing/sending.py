"""Pieces of sound, transcribed several at a time, within the limits, each kept when it is done."""

from __future__ import annotations

import contextvars
import queue
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from groqnb.hearing.flac import flac
from groqnb.hearing.kept import Kept
from groqnb.hearing.pace import Pace
from groqnb.hearing.splitting import Piece
from groqnb.types.errors import GroqnbError, RateLimitError
from groqnb.wire.retry import waiting_is_off

__all__ = ["SILENCE", "Answered", "Work", "send_all"]

#: What is not louder than this (0 to 1; -60 dB) is no speech, and is not sent.
SILENCE = 0.001

_LOOK = 0.1  # s between two looks at what has come
_UNSAID = 30.0  # s to wait after a refusal that does not say how long
_LEAST = 1.0  # s, whatever it says: the call itself has been sent again by then


@dataclass(frozen=True)
class Answered:
    """What came back for a piece: `reply` as the API's JSON, None where it is silent.

    `seconds` is how much sound was sent; `kept` whether it was known from an earlier run; `key`
    its name among the parts that are kept.
    """

    piece: tuple[float, float, float, float]  # start, stop, begins, ends
    index: int
    seconds: float
    reply: dict[str, Any] | None
    key: str = ""
    kept: bool = False


@dataclass
class Work:
    """How pieces are sent.

    `ask` makes the call for a packed piece and gives the reply's JSON and its headers; `tell` hears
    of every piece that is done, and `idle` is called several times a second with how many seconds
    the limits make everybody wait. `pack` makes of a piece what is sent; what `is_free` of the
    limits is not counted in them.
    """

    ask: Callable[[bytes], tuple[dict[str, Any], Any]]
    pace: Pace
    kept: Kept
    concurrency: int = 4
    max_wait: float = 3600.0
    tell: Callable[[Answered], None] = lambda answered: None
    idle: Callable[[float], None] = lambda waiting: None
    pack: Callable[[Piece], bytes] = lambda piece: flac(piece.samples)
    is_free: Callable[[bytes], bool] = lambda sound: False
    _stop: threading.Event = field(default_factory=threading.Event)
    _waiting_until: float = 0.0


class _Stopped(Exception):
    """Somebody else failed, or the user interrupted: nobody waits for the limits any more."""


def send_all(pieces: Iterable[Piece], work: Work) -> list[Answered]:
    """The answers, in order. Raises what a call raises, after those on their way have ended.

    An interrupt is raised at once; calls on their way end in the background, and are kept.
    """
    came: queue.SimpleQueue[Answered | BaseException] = queue.SimpleQueue()
    done: list[Answered] = []
    failure: BaseException | None = None
    running = 0

    def collect(until: int) -> None:
        nonlocal running, failure
        while running > until:
            try:
                found = came.get(timeout=_LOOK)
            except queue.Empty:
                work.idle(max(0.0, work._waiting_until - time.monotonic()))
                continue
            running -= 1
            if isinstance(found, Answered):
                done.append(found)
                work.tell(found)
            elif failure is None or isinstance(failure, _Stopped):
                failure = found
                work._stop.set()

    try:
        try:
            for piece in pieces:
                collect(work.concurrency - 1)
                if failure is not None:
                    break
                running += 1
                _start(piece, work, came)
        except Exception as error:  # noqa: BLE001 - raised again when all calls have ended
            # The recording cannot be read to its end: what is on its way is waited for.
            failure = failure or error
            work._stop.set()
        collect(0)
    except BaseException:
        work._stop.set()
        raise
    if failure is not None:
        if isinstance(failure, GroqnbError) and any(one.key for one in done):
            count = sum(bool(one.key) for one in done)
            failure.hint = (
                f"{failure.hint or ''} {count} finished part{'' if count == 1 else 's'} "
                "are kept: the same call goes on from there."
            ).strip()
        raise failure
    return sorted(done, key=lambda one: one.index)


def _start(piece: Piece, work: Work, came: Any) -> None:
    context = contextvars.copy_context()

    def run() -> None:
        try:
            came.put(_one(piece, work))
        except BaseException as error:  # noqa: BLE001 - whoever waits for it must hear of it
            came.put(error)

    name = f"groqnb-transcribe-{piece.index}"
    threading.Thread(target=context.run, args=(run,), name=name, daemon=True).start()


def _one(piece: Piece, work: Work) -> Answered:
    place = (piece.start, piece.stop, piece.begins, piece.ends)
    if piece.loudest <= SILENCE:
        return Answered(place, piece.index, 0.0, None)
    sound = work.pack(piece)
    key = work.kept.key(sound)
    known = work.kept.get(key)
    if known is not None:
        return Answered(place, piece.index, piece.seconds, known, key, kept=True)
    reply = _asked(sound, piece.seconds, work)
    stored = work.kept.put(key, reply)
    return Answered(place, piece.index, piece.seconds, reply, key if stored else "")


def _asked(sound: bytes, seconds: float, work: Work) -> dict[str, Any]:
    waited = 0.0
    while True:
        while not work.is_free(sound) and (wait := work.pace.book(seconds)):
            if waited + wait > work.max_wait:
                raise GroqnbError(
                    f"The limits of this model let the next part go in {_span(wait)} only.",
                    hint="Call again then, or pass max_wait= in seconds.",
                )
            waited += _sleep(wait, work)
        try:
            reply, headers = work.ask(sound)
        except RateLimitError as error:
            wait = max(_LEAST, _UNSAID if error.retry_after is None else error.retry_after)
            if waited + wait > work.max_wait:
                raise
            work.pace.refused(wait)
            continue
        with suppress(AttributeError):
            work.pace.learn(headers)
        return reply


def _sleep(seconds: float, work: Work) -> float:
    """Wait, unless all of it is stopped; how long that was meant to be."""
    if waiting_is_off():
        work.pace.skip(seconds)
        return seconds
    work._waiting_until = max(work._waiting_until, time.monotonic() + seconds)
    if work._stop.wait(seconds):
        raise _Stopped
    return seconds


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
