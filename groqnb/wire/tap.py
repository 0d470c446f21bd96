"""Where calls meet a record: the one that is switched on, or none.

It is here, and not in a client, because replay holds for every client of the process: those of the
magics, of the user and of the library. `groqnb.record` sets it; while it is None a call pays for
one look at it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from groqnb.types.secret import Secret
    from groqnb.wire.call import Call
    from groqnb.wire.exchange import Broken, RawReply
    from groqnb.wire.failures import Scene

__all__ = ["Take", "Tape", "answers", "current"]


class Take(Protocol):
    """One call before a record."""

    @property
    def played(self) -> bool:
        """True when the last attempt was answered from the record."""

    @property
    def pause(self) -> float:
        """Seconds to wait before its reply is used, where times are replayed too."""

    @property
    def scene(self) -> Scene:
        """Where the recorded reply came from."""

    def seconds(self) -> float:
        """From sending the last attempt to what came last."""

    def known(self) -> bool:
        """True when the call will be answered from the record."""

    def play(self, *, stream: bool, waits: bool) -> RawReply | Broken | None:
        """The recorded outcome of an attempt; None where it is to be made. Raises ReplayError.

        The source of a stream is for async code where `waits`.
        """

    def keep(
        self, outcome: RawReply | Broken, key: Secret | None, base_url: str, *, waits: bool
    ) -> RawReply | Broken:
        """Records the outcome of an attempt; what it returns takes its place."""

    def ended(self, how: str) -> None:
        """The call has ended: "finished", "failed" or "interrupted"."""


class Tape(Protocol):
    """A record; `since` is when it was switched on, in Unix seconds."""

    since: float

    def take(self, call: Call[Any], where: str, key_source: str | None, key: Secret | None) -> Take:
        """A call that is about to be made to `where`, with `key`: "cloud", "local" or "url"."""


current: Tape | None = None
"""The record that is switched on."""


def answers(call: Call[Any], where: str, key: Secret | None) -> bool:
    """Whether the record that is on answers a call, which no limit of a server's holds up then."""
    return current is not None and current.take(call, where, None, key).known()
