"""What happens to a call, told to whoever subscribes: ledger, meters, replay.

Every call sends Sent, then any number of Retried (each followed by another Sent), FirstToken for
streams, and in the end exactly one of Finished, Failed and Interrupted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from groqnb.wire.call import Call
from groqnb.wire.hub import Events

__all__ = [
    "Event",
    "Events",
    "Failed",
    "Finished",
    "FirstToken",
    "Interrupted",
    "Retried",
    "Sent",
]


@dataclass(frozen=True)
class Event:
    """What all events have.

    Attributes:
        call: the same number for all events of one call, unique in the process.
        path: the endpoint, such as "/chat/completions".
        model: the model asked for, where the endpoint has one.
        target: "cloud", "local" or "url".
        at: seconds on the monotonic clock.
        time: seconds since 1970.
    """

    call: int
    path: str
    model: str | None
    target: str
    at: float
    time: float


@dataclass(frozen=True)
class Sent(Event):
    """A request goes out; `attempt` is 0 for the first."""

    attempt: int
    stream: bool


@dataclass(frozen=True)
class Retried(Event):
    """An attempt failed with `error`; the next one follows in `delay` seconds."""

    attempt: int
    error: Exception
    delay: float


@dataclass(frozen=True)
class FirstToken(Event):
    """The first token of a stream came, `ttft` seconds after the request was sent."""

    ttft: float


@dataclass(frozen=True)
class Finished(Event):
    """The answer is complete. `seconds` is the whole time, waits between retries included.

    `request` is the body that was sent. `reply` is the whole reply; of a stream it is the chunk
    that told the usage, and `chunks` are the JSON texts of all of them. `sent_call` is the request
    as a value, with its headers and its file. What these hold may be private: nothing prints them.
    """

    seconds: float
    usage: Any
    headers: Mapping[str, str]
    request_id: str | None
    ttft: float | None
    retries: int
    request: Mapping[str, Any] | None = field(repr=False)
    reply: Any = field(repr=False)
    chunks: Sequence[bytes] = field(repr=False)
    sent_call: Call[Any] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Failed(Event):
    """The call ended with `error`, after `received` chunks of a stream; `request` was sent."""

    seconds: float
    error: Exception
    received: int
    headers: Mapping[str, str]
    retries: int
    request: Mapping[str, Any] | None = field(repr=False)


@dataclass(frozen=True)
class Interrupted(Event):
    """This side ended the call: Ctrl-C, a cancelled task, or a stream closed early."""

    seconds: float
    received: int
    ttft: float | None
    usage: Any
    headers: Mapping[str, str]
    request_id: str | None
    retries: int
    request: Mapping[str, Any] | None = field(repr=False)
    reply: Any = field(repr=False)
    chunks: Sequence[bytes] = field(repr=False)
    sent_call: Call[Any] | None = field(default=None, repr=False)
