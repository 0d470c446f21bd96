"""The last calls of this notebook, kept in memory alone, so that they can be exported."""

from __future__ import annotations

import copy
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from groqnb.ledger.place import here

if TYPE_CHECKING:
    from groqnb.wire.call import Call

__all__ = ["Kept", "Recent"]

MOST_CALLS = 200
MOST_CHARACTERS = 64_000_000


class Kept(NamedTuple):
    """A call that was answered: the cell's number, the request, and the id that came back."""

    cell: int
    call: Call[Any]
    target: str
    reply_id: str | None
    weight: int


class Recent:
    """The last calls of a notebook; a program without IPython keeps none."""

    def __init__(self) -> None:
        self._calls: deque[Kept] = deque()
        self._weight = 0
        self._lock = threading.Lock()

    def note(self, event: Any) -> None:
        """A call has ended; of one that failed nothing is kept."""
        call = getattr(event, "sent_call", None)
        cell = None if call is None else here()[1]
        if call is None or cell is None:
            return
        # What the user does with the messages afterwards is no part of what was sent.
        body = copy.deepcopy(call.body)
        weight = _weight(body) + _file_weight(call)
        identity = getattr(event.reply, "id", None)
        kept = Kept(
            cell,
            replace(call, body=body),
            event.target,
            identity if isinstance(identity, str) else None,
            weight,
        )
        with self._lock:
            self._calls.append(kept)
            self._weight += weight
            while len(self._calls) > MOST_CALLS or (
                self._weight > MOST_CHARACTERS and len(self._calls) > 1
            ):
                self._weight -= self._calls.popleft().weight

    def calls(self) -> list[Kept]:
        """The calls, oldest first."""
        with self._lock:
            return list(self._calls)

    def clear(self) -> None:
        """Forgets them."""
        with self._lock:
            self._calls.clear()
            self._weight = 0


def _weight(value: Any) -> int:
    """About how many characters it holds."""
    if isinstance(value, (str, bytes)):
        return len(value)
    if isinstance(value, Mapping):
        return sum(map(_weight, value.values()))
    if isinstance(value, (list, tuple)):
        return sum(map(_weight, value))
    return 1


def _file_weight(call: Call[Any]) -> int:
    file = call.form.file if call.form is not None else None
    return file.size if file is not None and isinstance(file.content, bytes) else 0
