"""The usage ledger: one row for every call, whatever its end, kept on this machine alone.

No prompt, answer or key is in it. It lies in the user's data folder (`GROQNB_DATA_DIR` names
another), and several kernels may write to it at once. `GROQNB_LEDGER=off` keeps none;
`GROQNB_LEDGER=texts` keeps what is asked and answered, too, and still no key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groqnb.wire.call import Call
    from groqnb.wire.hub import Events

__all__ = ["keep"]

_ENDS = ("Finished", "Failed", "Interrupted")


def keep(events: Events) -> None:
    """Keep a row of every call that ends in `events`; twice is the same as once.

    The calls are subject to this process's budget, too.
    """
    if not events.hears(_note):
        events.subscribe(_note, _ENDS)
    if events.gate is None:
        events.gate = _admit


def _admit(number: int, call: Call[Any], target: str) -> None:
    from groqnb.ledger.watch import watch

    watch.admit(number, call, target)


def _note(event: Any) -> None:
    # What writes is loaded when a first call has ended: a client that is only made needs nothing.
    from groqnb.ledger.recorder import record
    from groqnb.ledger.watch import watch

    watch.note(event, record(event))
