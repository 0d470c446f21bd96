"""One call's way through its events: numbers it, keeps its times, tells the hub."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from typing import Any

from groqnb.wire.call import Call
from groqnb.wire.hub import Events
from groqnb.wire.tap import Take

__all__ = ["Trace"]

_numbers = itertools.count(1)


class Trace:
    """Tells the hub what happens to one call. Nothing is built while nobody listens."""

    __slots__ = ("_call", "_ended", "_events", "_sent", "_start", "_stream", "_target",
                 "headers", "number", "request_id", "retries", "tape", "ttft")  # fmt: skip

    def __init__(self, events: Events, call: Call[Any], target: str, *, stream: bool) -> None:
        self._events = events
        self._call = call
        self._target = target
        self._stream = stream
        self.number = next(_numbers)
        self._start = self._sent = time.monotonic()
        self._ended = False
        self.headers: Mapping[str, str] = {}
        self.request_id: str | None = None
        self.retries = 0
        self.ttft: float | None = None
        self.tape: Take | None = None  # where a record is switched on

    @property
    def request(self) -> Mapping[str, Any]:
        """The body that is sent; empty where there is none."""
        return self._call.body or {}

    @property
    def played(self) -> bool:
        """True where the last attempt was answered from a record."""
        return self.tape is not None and self.tape.played

    def _publish(self, kind: str, **more: Any) -> None:
        # Imported here: while nobody listens, the events' classes need not be made.
        from groqnb.wire import events

        call = self._call
        self._events.publish(
            getattr(events, kind)(
                call=self.number,
                path=call.path,
                model=call.model,
                target="replay" if self.played else self._target,
                at=time.monotonic(),
                time=time.time(),
                **more,
            )
        )

    def _seconds(self) -> float:
        if self.tape is not None and self.tape.played:
            return self.tape.seconds()
        return time.monotonic() - self._start

    def _ends(self) -> bool:
        """True the first time: a call has one end, whoever reports it first."""
        first, self._ended = not self._ended, True
        return first and bool(self._events)

    def sent(self, attempt: int) -> None:
        """The request goes out."""
        self.retries = attempt
        self._sent = time.monotonic()
        if self._events.wanted("Sent"):
            self._publish("Sent", attempt=attempt, stream=self._stream)

    def retried(self, attempt: int, error: Exception, delay: float) -> None:
        """The attempt failed and will be repeated."""
        if self._events.wanted("Retried"):
            self._publish("Retried", attempt=attempt, error=error, delay=delay)

    def first_token(self) -> None:
        """The first token came."""
        # What is recorded and what is replayed must tell the same time.
        tape = self.tape
        self.ttft = time.monotonic() - self._sent if tape is None else tape.seconds()
        if self._events.wanted("FirstToken"):
            self._publish("FirstToken", ttft=self.ttft)

    def finished(self, usage: Any, reply: Any = None, chunks: Sequence[bytes] = ()) -> None:
        """The answer is complete."""
        if self.tape is not None:
            self.tape.ended("finished")
        if self._ends():
            self._publish(
                "Finished",
                seconds=self._seconds(),
                usage=usage,
                headers=self.headers,
                request_id=self.request_id,
                ttft=self.ttft,
                retries=self.retries,
                request=self._call.body,
                reply=reply,
                chunks=chunks,
                sent_call=self._call,
            )

    def failed(self, error: Exception, received: int = 0) -> None:
        """The call ended with an error."""
        if self.tape is not None:
            self.tape.ended("failed")
        if self._ends():
            self._publish(
                "Failed",
                seconds=self._seconds(),
                error=error,
                received=received,
                headers=self.headers,
                retries=self.retries,
                request=self._call.body,
            )

    def interrupted(
        self,
        received: int = 0,
        usage: Any = None,
        reply: Any = None,
        chunks: Sequence[bytes] = (),
    ) -> None:
        """This side ended the call."""
        if self.tape is not None:
            self.tape.ended("interrupted")
        if self._ends():
            self._publish(
                "Interrupted",
                seconds=self._seconds(),
                received=received,
                ttft=self.ttft,
                usage=usage,
                headers=self.headers,
                request_id=self.request_id,
                retries=self.retries,
                request=self._call.body,
                reply=reply,
                chunks=chunks,
                sent_call=self._call,
            )
