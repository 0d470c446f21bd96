"""Bytes from the page, in pieces, put together in order; no widget in sight.

A piece says where it belongs, and every answer says up to where all is there. So a piece that
comes twice is dropped, one that comes too early is asked for again, and after a lost connection
the page goes on where the answers had stopped.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from groqnb.types.errors import ParameterError

__all__ = ["LARGEST_PIECE", "Uploads"]

LARGEST_PIECE = 512 * 1024
"""Bytes in one message. A message of 11 MB drops a notebook's connection, and itself."""

_AT_ONCE = 8


@dataclass
class _Upload:
    data: bytearray = field(default_factory=bytearray)


class Uploads:
    """What is on its way; safe to use from several threads.

    `most` is how many bytes one upload may have.

    ```python
    >>> uploads = Uploads(most=100)
    >>> uploads.add("a", 0, b"hel"), uploads.add("a", 0, b"hel"), uploads.add("a", 9, b"far")
    (3, 3, 3)
    >>> uploads.add("a", 3, b"lo")
    5
    >>> uploads.finish("a", 5)
    b'hello'

    ```
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._open: dict[str, _Upload] = {}

    def add(self, upload: str, offset: int, piece: bytes) -> int:
        """Add a piece; how many bytes from the start are there now.

        Raises ParameterError where the upload grows too large; it is dropped then.
        """
        with self._lock:
            found = self._open.get(upload)
            if found is None:
                if len(self._open) >= _AT_ONCE:
                    # The oldest is one that a closed page has left behind.
                    del self._open[next(iter(self._open))]
                found = self._open[upload] = _Upload()
            have = len(found.data)
            if offset > have:
                return have
            new = piece[have - offset :]
            if have + len(new) > self.most:
                del self._open[upload]
                raise ParameterError(
                    f"More than {self.most:,} bytes cannot be sent at once.",
                    hint="Read a larger file in Python, from its path.",
                )
            found.data += new
            return len(found.data)

    def have(self, upload: str) -> int:
        """How many bytes from the start are there."""
        with self._lock:
            found = self._open.get(upload)
            return len(found.data) if found else 0

    def peek(self, upload: str) -> bytes:
        """What is there so far."""
        with self._lock:
            found = self._open.get(upload)
            return bytes(found.data) if found else b""

    def finish(self, upload: str, size: int) -> bytes | None:
        """All of it, or None where some is still missing."""
        with self._lock:
            found = self._open.get(upload)
            if size == 0 and found is None:
                return b""
            if found is None or len(found.data) != size:
                return None
            del self._open[upload]
            return bytes(found.data)

    def drop(self, upload: str) -> None:
        """Forget an upload that was given up."""
        with self._lock:
            self._open.pop(upload, None)
