"""What passes between page and kernel beside bytes: replies sent again, errors in words."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from groqnb.render.failures import MOST_LINE, short_message
from groqnb.render.plain import clean
from groqnb.types.errors import GroqnbError, ParameterError

__all__ = ["Replies", "plain_error"]

_KEPT = 200


class Replies:
    """The replies to the last questions, so that one that is asked twice is carried out once.

    ```python
    >>> replies = Replies()
    >>> replies.begin("a"), replies.begin("a")
    (None, {})
    >>> replies.end("a", {"value": 1})
    >>> replies.begin("a")
    {'value': 1}

    ```
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def begin(self, ask: str) -> dict[str, Any] | None:
        """None for a new question; {} while it is worked on; its reply afterwards."""
        with self._lock:
            if ask in self._kept:
                return self._kept[ask]
            self._kept[ask] = {}
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return None

    def end(self, ask: str, reply: dict[str, Any]) -> None:
        """Keep the reply to a question."""
        with self._lock:
            if ask in self._kept:
                self._kept[ask] = reply


def plain_error(error: Exception) -> str:
    """An error as a person on the page needs it: what is wrong, and what to do next.

    ```python
    >>> plain_error(ParameterError("There is no sound.", hint="Record some first."))
    'There is no sound. Record some first.'

    ```
    """
    if isinstance(error, ParameterError):
        return clean(str(error))[:MOST_LINE]
    if isinstance(error, GroqnbError):
        said = short_message(error)
        return f"{said} {clean(error.hint)}" if error.hint else said
    return clean(f"{type(error).__name__}: {error}")[:MOST_LINE]
