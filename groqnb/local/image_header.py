"""What kind of image some bytes are, and how large, from their header alone: nothing is decoded.

A small file may unfold to gigabytes of pixels, so the size is known before a decoder sees it.
PNG, JPEG, WebP and GIF are what the engine looks at; the name of a file or the type that a data
URL declares counts for nothing.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["KINDS", "Header", "header"]

#: The kinds that are known, each with its media type.
KINDS = {"PNG": "image/png", "JPEG": "image/jpeg", "WebP": "image/webp", "GIF": "image/gif"}

# Start of frame: the segments of a JPEG that hold its size. C4, C8 and CC are something else.
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
# Segments without a length: TEM, restarts, start of image.
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True)
class Header:
    """The kind of an image, a key of KINDS, and its size in pixels."""

    kind: str
    width: int
    height: int

    @property
    def pixels(self) -> int:
        """How many pixels it has."""
        return self.width * self.height

    @property
    def media_type(self) -> str:
        """As in `image/png`."""
        return KINDS[self.kind]

    def __str__(self) -> str:
        return f"{self.kind}, {self.width}×{self.height}"


def header(data: bytes) -> Header | None:
    """What `data` begins to be; None for anything else, or where the header is broken.

    >>> str(header(b"GIF89a" + bytes([2, 0, 1, 0]) + b"..."))
    'GIF, 2×1'
    """
    try:
        found = _read(data)
    except (struct.error, IndexError):
        return None
    return found if found is not None and found.width > 0 and found.height > 0 else None


def _read(data: bytes) -> Header | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
        return Header("PNG", *struct.unpack_from(">II", data, 16))
    if data.startswith((b"GIF87a", b"GIF89a")):
        return Header("GIF", *struct.unpack_from("<HH", data, 6))
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp(data)
    return None


def _jpeg(data: bytes) -> Header | None:
    at = 2
    while True:
        if data[at] != 0xFF:
            return None
        while data[at] == 0xFF:  # any number of them may stand before a marker
            at += 1
        marker, at = data[at], at + 1
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 3)
            return Header("JPEG", width, height)
        if marker in (0xD9, 0xDA):  # the end, or the pixels, and no size before them
            return None
        if marker not in _JPEG_BARE:
            at += struct.unpack_from(">H", data, at)[0]


def _webp(data: bytes) -> Header | None:
    chunk = data[12:16] if len(data) >= 30 else b""
    if chunk == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        return Header("WebP", width, int.from_bytes(data[27:30], "little") + 1)
    if chunk == b"VP8L" and data[20] == 0x2F:
        bits = struct.unpack_from("<I", data, 21)[0]
        return Header("WebP", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return Header("WebP", width & 0x3FFF, height & 0x3FFF)
    return None
