"""Batches looked at again and again, in a thread of its own, until all have ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from groqnb.types.batches import BatchCard
from groqnb.types.errors import (
    APIConnectionError,
    GroqnbError,
    InternalServerError,
    LocalEngineError,
    NotFoundError,
    RateLimitError,
    ResponseError,
)
from groqnb.watching.pace import Pace

if TYPE_CHECKING:
    from groqnb.client import Groq

__all__ = ["FIRST_PAUSE", "LONGEST_PAUSE", "Follower", "next_pause", "passes"]

FIRST_PAUSE = 1.0  # s between two looks, at first
LONGEST_PAUSE = 30.0
_SHARE = 60.0  # one that goes on for long is looked at so many times in its age, at most
_AT_ONCE = 50  # ids in one call


def next_pause(pause: float, news: bool, age: float) -> float:
    """Seconds to the next look, after one that brought news or none; `age` is how long we watch.

    ```python
    >>> next_pause(4.0, news=False, age=10), next_pause(4.0, news=True, age=10)
    (6.0, 2.0)
    >>> next_pause(30.0, news=True, age=3600)
    30.0

    ```
    """
    shortest = min(max(FIRST_PAUSE, age / _SHARE), LONGEST_PAUSE)
    return min(max(pause / 2 if news else pause * 1.5, shortest), LONGEST_PAUSE)


def passes(error: GroqnbError) -> bool:
    """True for a failure that may be gone at the next look."""
    kinds = (
        APIConnectionError,
        InternalServerError,
        RateLimitError,
        ResponseError,
        LocalEngineError,
    )
    return isinstance(error, kinds) or getattr(error, "status_code", None) in (408, 498)


class Follower:
    """Follows the batches with these `ids`, or all that are `wanted`, and tells of each look.

    `more` gives ids that may come later; it is asked at each look. `known` are batches as they are
    now.

    Attributes:
        batches: as they were seen last; those not seen yet are not in it.
        missing: the ids that the server does not know, with what it said.
        trouble: the failure of the last look, None when it went well.
        looked_at: when the last look that went well ended, in seconds since 1970.
        next_at: when the next one is due; None where none is.

    ```python
    follower = Follower(client, ids=["batch_01"], tell=lambda: print(follower.batches))
    follower.start()
    follower.stop()
    ```
    """

    def __init__(
        self,
        client: Groq,
        *,
        ids: Sequence[str] = (),
        wanted: Callable[[BatchCard], bool] | None = None,
        more: Callable[[], Sequence[str]] = tuple,
        known: Sequence[BatchCard] = (),
        tell: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.trouble: GroqnbError | None = None
        self.looked_at: float | None = None
        self.next_at: float | None = None
        self.first_look = threading.Event()
        self._client, self._wanted, self._more = client, wanted, more
        self._tell, self._clock = tell, clock
        self._ids = list(dict.fromkeys(ids))
        self._seen = {one.id: one for one in known}
        self.missing: dict[str, NotFoundError] = {}
        self._paces: dict[str, Pace] = {}
        self._whole = wanted is not None  # the next look goes through the whole list
        self._began = clock()
        self._lock = threading.RLock()
        self._looking = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._halted = False

    @property
    def batches(self) -> list[BatchCard]:
        """As they were seen last, in the order in which they were named; else the newest first."""
        with self._lock:
            found = [self._seen[each] for each in self._ids if each in self._seen]
        if self._wanted is not None:
            found.sort(key=lambda one: one.created_at or 0, reverse=True)
        return found

    @property
    def ids(self) -> list[str]:
        """The ids that are followed, ended ones too."""
        with self._lock:
            return list(self._ids)

    @property
    def over(self) -> bool:
        """True when nothing that is followed will change any more."""
        with self._lock:
            return not self._whole and not self._left()

    @property
    def running(self) -> bool:
        """True while the thread looks on."""
        return self._thread is not None

    def left(self, batch: BatchCard) -> tuple[float, float] | None:
        """Seconds that a batch may still take, at least and at most; None: nobody can tell."""
        counts = batch.request_counts
        with self._lock:
            pace = self._paces.get(batch.id)
            if pace is None or counts is None or batch.status != "in_progress":
                return None
            return pace.left(counts.total, self._clock(), batch.in_progress_at)

    # --- looking ---

    def start(self) -> None:
        """Look now, and go on while there is something to see; returns at once."""
        with self._lock:
            self._halted = False
            self._wake.set()
            if self._thread is None and not self.over:
                self._thread = threading.Thread(
                    target=self._run, name="groqnb-batches", daemon=True
                )
                self._thread.start()

    def stop(self) -> None:
        """Look no more; `start` goes on."""
        with self._lock:
            self._halted = True
            self._wake.set()

    def search(self) -> None:
        """Let there be a next look, also for new batches, in the whole list where it is needed."""
        with self._lock:
            self._whole = True

    def look(self) -> bool:
        """Look now, in this thread; True where something is new. Raises what a call raises."""
        with self._looking:
            with self._lock:
                self._ids += [each for each in self._more() if each not in self._ids]
                before = dict(self._seen)
            cards = self._listed() if self._wanted is not None else []
            had = {one.id for one in cards}
            cards += self._asked_by_id([each for each in self._left() if each not in had])
            with self._lock:
                # What was taken meanwhile, of a cancelling, is newer than what was asked before it.
                fresh = [one for one in cards if self._seen.get(one.id) is before.get(one.id)]
                changed = [self.take(card) for card in fresh]
                self._whole = False
                self.trouble, self.looked_at = None, self._clock()
        self.first_look.set()
        return any(changed)

    def take(self, card: BatchCard) -> bool:
        """Keep a batch as it is now; True where that is new."""
        with self._lock:
            if card.id not in self._ids:
                self._ids.append(card.id)
            before = self._seen.get(card.id)
            if before is not None and before.ended and not card.ended:
                return False  # an answer that was long on its way: nothing that has ended goes on
            self._seen[card.id] = card
            if card.status == "in_progress" and card.request_counts is not None:
                done = card.request_counts.completed + card.request_counts.failed
                self._paces.setdefault(card.id, Pace()).note(self._clock(), done)
            return before is None or before.model_dump() != card.model_dump()

    def _left(self) -> list[str]:
        """The ids of what is not over yet."""
        with self._lock:
            ended = {one.id for one in self._seen.values() if one.ended}
            return [each for each in self._ids if each not in ended and each not in self.missing]

    def _listed(self) -> list[BatchCard]:
        """What the list has that is wanted, or known already: all of it, or its first page."""
        assert self._wanted is not None
        with self._lock:
            whole, known = self._whole, set(self._ids)
        page = self._client.batches.list()
        found = [one for one in (page if whole else page.data) if self._wanted(one)]
        found += [one for one in page.data if one.id in known and not self._wanted(one)]
        return found

    def _asked_by_id(self, ids: list[str]) -> list[BatchCard]:
        if len(ids) == 1:
            return self._retrieved(ids)
        found: list[BatchCard] = []
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            try:
                page = self._client.batches.list(id=some)
            except NotFoundError:
                # One of them is not known, and the answer does not say which.
                found += self._retrieved(some)
                continue
            found += page.data
            had = {one.id for one in page.data}
            found += self._retrieved([each for each in some if each not in had])
        return found

    def _retrieved(self, ids: list[str]) -> list[BatchCard]:
        found: list[BatchCard] = []
        for each in ids:
            try:
                found.append(self._client.batches.retrieve(each))
            except NotFoundError as error:
                with self._lock:
                    self.missing[each] = error
        return found

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while self._goes_on():
            self._wake.clear()
            news, wait = False, 0.0
            try:
                news = self.look()
            except GroqnbError as error:
                self._fail(error)
                wait = getattr(error, "retry_after", None) or 0.0
            except Exception as error:  # noqa: BLE001 - a closed client, or a mistake of ours
                self._fail(GroqnbError(f"{type(error).__name__}: {error}"))
            pause = next_pause(pause, news, self._clock() - self._began)
            if not self._goes_on(max(pause, wait)):
                break
            self._tell()
            self._wake.wait(max(pause, wait))
        self._tell()

    def _goes_on(self, seconds: float | None = None) -> bool:
        """Whether the thread looks again, `seconds` from now; where it does not, it is no more."""
        with self._lock:
            ends = self._halted
            if seconds is not None:
                # Who asked for a look meanwhile gets it, however the last one ended.
                hopeless = self.trouble is not None and not passes(self.trouble)
                ends = ends or self.over or (hopeless and not self._wake.is_set())
            if ends:
                self._thread, self.next_at = None, None
            elif seconds is not None:
                self.next_at = self._clock() + seconds
            return not ends

    def _fail(self, error: GroqnbError) -> None:
        with self._lock:
            self.trouble = error
        self.first_look.set()
