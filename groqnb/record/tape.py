"""A record in use: which answer an attempt gets, and what is added.

Identical requests are answered in the order in which they were recorded, and from the last on with
the last. Each run of a cell begins at the first again: running a cell twice gives the same output.
What only reads, as looking at a batch does, goes on where it was.

In the mode "auto" an unknown request is made and kept. So is one that the same run of a cell has
made before for the first time: a loop that asks the same five times wants five answers.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from groqnb.ledger.place import here
from groqnb.record.file import RecordFile, Signature
from groqnb.record.nearest import difference, nearest
from groqnb.record.request import key_of, request_of
from groqnb.record.scrub import scrubber
from groqnb.record.take import Take
from groqnb.types.errors import ReplayError

if TYPE_CHECKING:
    from groqnb.types.secret import Secret
    from groqnb.wire.call import Call

__all__ = ["Mode", "Tape"]

Mode = Literal["auto", "strict", "record"]


_LOADED = object()


class _Entry:
    """A recorded exchange; `born` is the run of a cell that made it, `_LOADED` where none did."""

    __slots__ = ("born", "exchange", "used")

    def __init__(self, exchange: Mapping[str, Any], born: object = _LOADED) -> None:
        self.exchange = exchange
        self.born = born
        self.used = born is not _LOADED


class Tape:
    """The record at `path`. Raises ReplayError for a file that is none."""

    def __init__(self, path: Path, mode: Mode, *, timing: bool = False) -> None:
        self.path = path
        self.name = path.name
        self.mode: Mode = mode
        self.timing = timing
        self.since = time.time()
        self.replayed = 0
        self.added = 0
        self.closed = False
        self._file = RecordFile(path)
        self._lock = threading.RLock()
        self._entries: dict[str, list[_Entry]] = {}
        self._places: dict[str, tuple[object, int]] = {}
        self._anew: set[str] = set()  # in the mode "record": what was asked again already
        self._outdated = False
        self._readonly = False
        self._warned: set[str] = set()
        self._seen: Signature | None = (0, -1, 0)
        self._load()

    @property
    def keeps_all(self) -> bool:
        """True where failures that pass by themselves are kept, too."""
        return self.mode == "record"

    @property
    def size(self) -> int:
        """How many exchanges it holds."""
        return sum(map(len, self._entries.values()))

    @property
    def unused(self) -> int:
        """How many of them nobody asked for."""
        return sum(not entry.used for found in self._entries.values() for entry in found)

    def _load(self) -> None:
        """Reads the file where somebody else has changed it; the lock is held."""
        now = self._file.signature()
        if now == self._seen:
            return
        exchanges = self._file.load()
        self._seen = now
        # Several may be alike to the letter: the same question, asked again and answered alike.
        mine: dict[str, list[_Entry]] = {}
        for entry in (entry for found in self._entries.values() for entry in found):
            mine.setdefault(_text(entry.exchange), []).append(entry)
        self._entries = {}
        for exchange in exchanges:
            found = self._entries.setdefault(key_of(exchange["request"]), [])
            if exchange.get("again"):
                found.clear()
                self._outdated = True
            alike = mine.get(_text(exchange))
            found.append(alike.pop(0) if alike else _Entry(exchange))
        if self._readonly:  # what could not be written is here alone
            for entry in (entry for alike in mine.values() for entry in alike):
                if entry.born is not _LOADED:
                    key = key_of(entry.exchange["request"])
                    self._entries.setdefault(key, []).append(entry)

    # --- what the wire asks ---

    def take(self, call: Call[Any], where: str, key_source: str | None, key: Secret | None) -> Take:
        """A call that is about to be made, with `key`."""
        request = request_of(call, scrubber(key))
        return Take(self, request, key_of(request), where, key_source)

    def knows(self, take: Take) -> bool:
        """True when the next attempt of this call is answered from here."""
        with self._lock:
            if self.mode == "strict":
                return True
            self._load()
            return self._next(take) is not None

    def find(self, take: Take) -> Mapping[str, Any] | None:
        """The exchange that answers the next attempt of a call; None where it is to be made.

        Raises ReplayError in the mode "strict" where there is none.
        """
        with self._lock:
            self._load()
            found = self._next(take)
            if found is None:
                if self.mode == "strict":
                    raise self._unknown(take.request)
                return None
            place, at = found
            self._places[take.key] = (place, at + 1)
            entries = self._entries[take.key]
            entry = entries[min(at, len(entries) - 1)]
            entry.used = True
            self.replayed += 1
            return entry.exchange

    def _next(self, take: Take) -> tuple[object, int] | None:
        entries = self._entries.get(take.key)
        if self.mode == "record" or not entries:
            return None
        place = _run(take.request)
        before, at = self._places.get(take.key, (place, 0))
        if before != place:
            at = 0
        if at >= len(entries) and self.mode == "auto" and entries[-1].born == place:
            return None
        return place, at

    def _unknown(self, request: Mapping[str, Any]) -> ReplayError:
        what = f"{request['method']} {request['path']}"
        known = [entry.exchange["request"] for found in self._entries.values() for entry in found]
        near = nearest(request, known)
        if near is None:
            told = f"Nothing is recorded of {what}." if known else "It is empty."
        else:
            told = f"Beside the nearest recorded one, {difference(near, request)}."
        return ReplayError(
            f"{self.name} has no answer to this request ({what}). {told}",
            hint="To record it: %groq replay on, or groqnb.replay(mode='auto').",
        )

    # --- what is added ---

    def add(self, take: Take, exchange: dict[str, Any]) -> None:
        """Keeps an exchange; never raises for a file that cannot be written."""
        with self._lock:
            entries = self._entries.setdefault(take.key, [])
            if self.mode == "record" and take.key not in self._anew:
                self._anew.add(take.key)
                if entries:
                    exchange = {"again": True, **exchange}
                    entries.clear()
                    self._outdated = True
            place = _run(take.request)
            entries.append(_Entry(exchange, place))
            self._places[take.key] = (place, len(entries))
            self.added += 1
            self._write(exchange)

    def _write(self, exchange: Mapping[str, Any]) -> None:
        known = self._seen[1] if self._seen else 0
        try:
            size, now = self._file.append(exchange)
        except (OSError, ReplayError) as error:
            reason = error.strerror if isinstance(error, OSError) else error.message
            self._readonly = True
            self._warn(f"The record {self.path} cannot be written: {reason}")
            return
        if size == known:  # else somebody has added to it, which is to be read yet
            self._seen = now

    def too_large(self, request: Mapping[str, Any]) -> None:
        """Says that a reply was not kept."""
        self._warn(
            f"A reply of {request['path']} is larger than a record keeps; it was passed on only."
        )

    def _warn(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            warnings.warn(text, stacklevel=2)

    def close(self) -> None:
        """Is in use no longer: drops from the file what was recorded anew since."""
        with self._lock:
            self.closed = True
            if self._outdated and not self._readonly:
                self._outdated = False
                try:
                    self._file.rewrite(_newest)
                except (OSError, ReplayError):
                    return  # it is only longer than it need be
                self._seen = self._file.signature()


def _text(exchange: Mapping[str, Any]) -> str:
    return json.dumps(exchange, sort_keys=True)


def _newest(exchanges: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kept: dict[str, list[dict[str, Any]]] = {}
    order: list[dict[str, Any]] = []
    for exchange in exchanges:
        found = kept.setdefault(key_of(exchange["request"]), [])
        if exchange.pop("again", False):
            found.clear()
        found.append(exchange)
        order.append(exchange)
    living = {id(exchange) for found in kept.values() for exchange in found}
    return [exchange for exchange in order if id(exchange) in living]


def _run(request: Mapping[str, Any]) -> object:
    """What identical requests are counted in: the run of a cell, or all of the process."""
    if request["method"] != "POST":
        return "always"
    return here()[1], _message()


def _message() -> str | None:
    """The front end's id of the run: some, as nbval does, count all runs as the first."""
    module = sys.modules.get("IPython.core.getipython")
    shell: Any = module.get_ipython() if module is not None else None
    parent = getattr(shell, "get_parent", None)
    header = (parent() or {}).get("header") if callable(parent) else None
    return None if header is None else header.get("msg_id")
