"""The course of one call, without I/O: send, look at the outcome, wait, send again.

`exchange` is a generator. It yields what is to be done next, `Attempt` or `Pause`, and is sent
the outcome of each attempt. The sync and the async sender do what it says, each in its own way,
so the rules stand here once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

from groqnb.types.errors import APIConnectionError, APIError
from groqnb.wire.call import Call
from groqnb.wire.failures import Scene, connection_error, status_error
from groqnb.wire.retry import RetryPolicy
from groqnb.wire.trace import Trace

__all__ = ["Attempt", "Broken", "Pause", "RawReply", "SourceBroken", "Step", "exchange"]


class Attempt:
    """Send the request."""

    __slots__ = ()


class Pause:
    """Wait so many seconds before the next attempt."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class RawReply:
    """A reply as it came. `opened` is set for a stream that began; its body is still to come."""

    __slots__ = ("body", "headers", "opened", "status")

    def __init__(
        self, status: int, headers: Mapping[str, str], body: bytes, opened: Any = None
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.opened = opened


class Broken:
    """No reply came. `kind` is connect, tls, timeout, cut, decode or protocol."""

    __slots__ = ("kind", "reason", "timeout")

    def __init__(self, kind: str, reason: str, timeout: float | None = None) -> None:
        self.kind = kind
        self.reason = reason
        self.timeout = timeout


class SourceBroken(Exception):
    """The body of a stream broke; carries what a failed attempt would have as its outcome."""

    def __init__(self, broken: Broken) -> None:
        super().__init__(broken.reason)
        self.broken = broken


Step = Attempt | Pause


def exchange(
    call: Call[Any], policy: RetryPolicy, scene: Callable[[], Scene], trace: Trace
) -> Generator[Step, RawReply | Broken | None, RawReply]:
    """The steps of one call; returns the reply, or raises what the call ends with.

    `scene` is asked only when something failed: where a call goes is known once it went there.

    Raises APIStatusError, APIConnectionError, APITimeoutError, or LocalEngineError.
    """
    waited = 0.0
    for number in range(policy.max_retries + 1):
        trace.sent(number)
        outcome = yield Attempt()
        if isinstance(outcome, RawReply):
            if 200 <= outcome.status < 300:
                return outcome
            refusal = status_error(
                outcome.status, outcome.headers, outcome.body, scene(), call.model
            )
            refusal.retries = number
            error: APIError = refusal
        elif isinstance(outcome, Broken):
            failure = connection_error(outcome.kind, outcome.reason, outcome.timeout, scene())
            if not isinstance(failure, APIConnectionError):
                raise failure
            error = failure
        else:
            raise TypeError(f"an attempt has an outcome, not {outcome!r}")
        wait = policy.delay(error, number, waited)
        if wait is None or (call.once and not _surely_undone(outcome)):
            raise error
        waited += wait
        trace.retried(number, error, wait)
        yield Pause(wait)
    raise AssertionError("the last attempt returns or raises")


def _surely_undone(outcome: RawReply | Broken) -> bool:
    """True where the server cannot have begun: it was not reached, or it refused at the door."""
    if isinstance(outcome, RawReply):
        return outcome.status in (429, 498, 503)
    return outcome.kind in ("connect", "tls")
