"""How long a recording is, read from the head of its file: WAV, FLAC and Ogg tell it there."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groqnb.wire.multipart import FileContent

__all__ = ["seconds_in", "seconds_of"]

_HEAD = 64 * 1024  # bytes


def seconds_of(file: FileContent) -> float | None:
    """Seconds of sound in a file that is sent; None for a kind that does not tell."""
    content = file.content
    try:
        if isinstance(content, bytes):
            head = content[:_HEAD]
        elif isinstance(content, os.PathLike):
            with open(content, "rb") as opened:
                head = opened.read(_HEAD)
        else:
            # The user's own file: it stays where it was.
            place = content.tell()
            content.seek(0)
            head = content.read(_HEAD)
            content.seek(place)
    except (OSError, ValueError):
        return None
    return seconds_in(head, file.size)


def seconds_in(head: bytes, size: int) -> float | None:
    """Seconds of sound in a file of `size` bytes that begins with `head`, or None.

    ```python
    >>> seconds_in(b"no sound", 8) is None
    True

    ```
    """
    try:
        if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
            return _wav(head, size)
        if head[:4] == b"fLaC":
            return _flac(head)
    except (struct.error, ZeroDivisionError, IndexError):
        pass
    return None


def _wav(head: bytes, size: int) -> float | None:
    at, rate = 12, 0
    while at + 8 <= len(head):
        name, length = head[at : at + 4], struct.unpack_from("<I", head, at + 4)[0]
        if name == b"fmt ":
            rate = struct.unpack_from("<I", head, at + 16)[0]
        elif name == b"data":
            # A recorder that was writing when it stopped leaves a length that says too much.
            return float(min(length, size - at - 8) / rate)
        at += 8 + length + length % 2
    return None


def _flac(head: bytes) -> float | None:
    # STREAMINFO is always the first block: 20 bits of rate, 3 + 5 of form, 36 of samples.
    packed = int.from_bytes(head[18:26], "big")
    rate, samples = packed >> 44, packed & (1 << 36) - 1
    return samples / rate if samples else None
