"""The hub between calls and those who listen to them; what they hear is in `wire.events`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groqnb.wire.call import Call
    from groqnb.wire.events import Event

__all__ = ["Events"]

_log = logging.getLogger("groqnb")


Gate = Callable[[int, "Call[Any]", str], object]
"""Is asked before a call goes out: its number, the call, the target's kind. What it raises is what
the call ends with; nothing is sent then, and no event is published."""


class Events:
    """The hub between calls and those who listen.

    ```python
    events = Events()
    stop = events.subscribe(print)
    client = Groq(events=events)
    stop()  # listens no longer
    ```

    Subscribers are called in the thread of the call, in order; what they raise is logged under
    the logger `groqnb` and goes no further.

    Attributes:
        gate: is asked before a call goes out, and may refuse it, as a budget does.
    """

    def __init__(self) -> None:
        # Replaced whole, never changed: publishing reads it without the lock.
        self._subscribers: tuple[tuple[Callable[[Event], object], frozenset[str]], ...] = ()
        self._lock = threading.Lock()
        self.gate: Gate | None = None

    def __bool__(self) -> bool:
        """True when somebody listens."""
        return bool(self._subscribers)

    def wanted(self, kind: str) -> bool:
        """True when somebody listens to events of this class, such as "Retried"."""
        for _, kinds in self._subscribers:  # noqa: SIM110 - several times a call: no generator
            if not kinds or kind in kinds:
                return True
        return False

    def subscribe(
        self, listener: Callable[[Event], object], kinds: Iterable[str] = ()
    ) -> Callable[[], None]:
        """Calls `listener` with every event from now on; call the result to end that.

        `kinds` are the names of the events' classes that it wants to hear of, by default all.
        """
        entry = (listener, frozenset(kinds))
        with self._lock:
            self._subscribers = (*self._subscribers, entry)

        def unsubscribe() -> None:
            with self._lock:
                kept = list(self._subscribers)
                if entry in kept:
                    kept.remove(entry)
                self._subscribers = tuple(kept)

        return unsubscribe

    def hears(self, listener: Callable[[Event], object]) -> bool:
        """True when `listener` is subscribed."""
        return any(known == listener for known, _ in self._subscribers)

    def publish(self, event: Event) -> None:
        """Tells every subscriber."""
        kind = type(event).__name__
        for listener, kinds in self._subscribers:
            if kinds and kind not in kinds:
                continue
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - a listener's fault must never break a call
                _log.warning("a subscriber to groqnb's events failed", exc_info=True)
