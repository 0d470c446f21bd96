"""The hub between calls and those who listen to them; what they hear is in `wire.events`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groqnb.wire.events import Event

__all__ = ["Events"]

_log = logging.getLogger("groqnb")


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
    """

    def __init__(self) -> None:
        # Replaced whole, never changed: publishing reads it without the lock.
        self._subscribers: tuple[Callable[[Event], object], ...] = ()
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        """True when somebody listens."""
        return bool(self._subscribers)

    def subscribe(self, listener: Callable[[Event], object]) -> Callable[[], None]:
        """Calls `listener` with every event from now on; call the result to end that."""
        with self._lock:
            self._subscribers = (*self._subscribers, listener)

        def unsubscribe() -> None:
            with self._lock:
                kept = list(self._subscribers)
                if listener in kept:
                    kept.remove(listener)
                self._subscribers = tuple(kept)

        return unsubscribe

    def publish(self, event: Event) -> None:
        """Tells every subscriber."""
        for listener in self._subscribers:
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - a listener's fault must never break a call
                _log.warning("a subscriber to groqnb's events failed", exc_info=True)
