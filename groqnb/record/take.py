"""One call before a record: answered from it, or made and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from groqnb.record.reply import (
    MOST_BYTES,
    Told,
    kept_body,
    kept_break,
    kept_headers,
    pieces,
    played_body,
    played_break,
    played_events,
)
from groqnb.record.scrub import scrubber
from groqnb.record.sources import AsyncKept, AsyncPlayed, Kept, Played
from groqnb.types.errors import ReplayError
from groqnb.types.secret import Secret
from groqnb.wire.exchange import Broken, RawReply
from groqnb.wire.failures import Scene

if TYPE_CHECKING:
    from groqnb.record.tape import Tape

__all__ = ["Take"]

_CLOUD = "https://api.groq.com/openai/v1"
# What passes by itself, or lies with who asks, would be no good answer the next time.
_PASSING = frozenset({401, 403, 408, 409, 425, 429, 498})


class Take:
    """One call; its attempts come one after the other."""

    def __init__(
        self,
        tape: Tape,
        request: dict[str, Any],
        key: str,
        where: str,
        key_source: str | None,
    ) -> None:
        self.request = request
        self.key = key
        self.played = False
        self.pause = 0.0
        self._tape = tape
        self._where = where
        self._key_source = key_source
        self._exchange: Mapping[str, Any] = {}
        self._started = time.monotonic()
        self._at = 0.0
        self._commit: Callable[[str], None] | None = None

    @property
    def scene(self) -> Scene:
        """Where the recorded reply came from."""
        kind = self._exchange.get("where", self._where)
        url = self._exchange.get("server", _CLOUD if kind == "cloud" else "")
        return Scene(kind, url, None, self._key_source)

    def seconds(self) -> float:
        """From sending the last attempt to what came last."""
        return self._at

    def known(self) -> bool:
        """True when the call will be answered from the record."""
        return self._tape.knows(self)

    # --- from the record ---

    def play(self, *, stream: bool, waits: bool) -> RawReply | Broken | None:
        """The recorded outcome of an attempt; None where it is to be made. Raises ReplayError."""
        self._started, self._at = time.monotonic(), 0.0
        self.played = self._tape.mode == "strict"  # also where it finds none
        found = self._tape.find(self)
        self.played = found is not None
        self.pause = 0.0
        if found is None:
            return None
        self._exchange = found
        try:
            return self._outcome(found, stream, waits)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise ReplayError(
                f"{self._tape.name} has a reply that cannot be read: {error}.",
                hint="Mend it by hand, or delete the exchange: the call is then made again.",
            ) from None

    def _outcome(self, found: Mapping[str, Any], stream: bool, waits: bool) -> RawReply | Broken:
        timing = self._tape.timing
        if "reply" not in found:
            self._at = float(found.get("seconds", 0.0))
            self.pause = self._at if timing else 0.0
            return played_break(found["broken"])
        reply = found["reply"]
        headers = Told(reply.get("headers", {}), self._added(found))
        status = int(reply["status"])
        if stream and 200 <= status < 300:
            if "events" in reply:
                blocks, times = played_events(reply)
            else:
                body = played_body(reply)
                headers.tell("content-length", str(len(body)))
                blocks = list(pieces(body))
                times = [float(reply.get("seconds", 0.0))] * len(blocks)
            broken = played_break(reply["broken"]) if "broken" in reply else None
            headers.tell("x-groqnb-seconds", f"{times[-1] if times else 0.0:g}")
            kind = AsyncPlayed if waits else Played
            return RawReply(status, headers, b"", kind(self.arrive, blocks, times, broken, timing))
        self._at = float(reply.get("seconds", 0.0))
        self.pause = self._at if timing else 0.0
        headers.tell("x-groqnb-seconds", f"{self._at:g}")
        return RawReply(status, headers, played_body(reply))

    def arrive(self, at: float) -> None:
        """Something came, `at` seconds after the attempt was sent."""
        self._at = at

    def _added(self, exchange: Mapping[str, Any]) -> dict[str, str]:
        """What the headers of a reply tell of its record, whether it is made or replayed."""
        added = {
            "x-groqnb-record": self._tape.name,
            "x-groqnb-where": str(exchange.get("where", self._where)),
        }
        if "server" in exchange:
            added["x-groqnb-server"] = str(exchange["server"])
        return added

    # --- into the record ---

    def keep(
        self, outcome: RawReply | Broken, key: Secret | None, base_url: str, *, waits: bool
    ) -> RawReply | Broken:
        """Records the outcome of an attempt; what it returns takes its place."""
        scrub = scrubber(key)
        exchange: dict[str, Any] = {"request": self.request, "where": self._where}
        if self._where == "url":
            exchange["server"] = scrub.text(base_url)
        exchange["recorded"] = time.strftime("%Y-%m-%d", time.gmtime())
        self._at = self.since()
        if isinstance(outcome, Broken):
            if self._tape.keeps_all:
                self.add({**exchange, "seconds": self._at, "broken": kept_break(outcome, scrub)})
            return outcome
        headers = Told(outcome.headers, self._added(exchange))
        reply: dict[str, Any] = {
            "status": outcome.status,
            "headers": kept_headers(outcome.headers, scrub),
        }
        exchange["reply"] = reply
        if outcome.opened is not None:
            kind = AsyncKept if waits else Kept
            kept = kind(self, outcome.opened, headers, exchange, scrub)
            self._commit = kept.commit
            return RawReply(outcome.status, headers, b"", kept)
        headers.tell("x-groqnb-seconds", f"{self._at:g}")
        if self._tape.keeps_all or not _passes(outcome.status):
            if len(outcome.body) > MOST_BYTES:
                self.too_large()
            else:
                reply["seconds"] = self._at
                content_type = outcome.headers.get("content-type", "")
                reply |= kept_body(outcome.body, content_type, scrub)
                self.add(exchange)
        return RawReply(outcome.status, headers, outcome.body)

    def since(self) -> float:
        """Seconds since the attempt was sent, as a record tells them."""
        return round(time.monotonic() - self._started, 3)

    def too_large(self) -> None:
        """The reply is larger than a record keeps."""
        self._tape.too_large(self.request)

    def add(self, exchange: dict[str, Any]) -> None:
        """Adds an exchange to the record."""
        self._tape.add(self, exchange)

    def ended(self, how: str) -> None:
        """The call has ended: a stream is kept now, unless this side ended it."""
        commit, self._commit = self._commit, None
        if commit is not None and (how == "finished" or (how == "failed" and self._tape.keeps_all)):
            commit(how)


def _passes(status: int) -> bool:
    return status in _PASSING or status >= 500
