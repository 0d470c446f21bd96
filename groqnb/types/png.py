"""PNG images as they come in replies: base64 text, which may be no picture at all."""

from __future__ import annotations

import binascii
from base64 import b64decode

__all__ = ["png_bytes", "png_size"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_bytes(source: object) -> bytes | None:
    """The bytes of a PNG from base64 text (a data URL, too) or bytes; None for anything else.

    ```python
    >>> png_bytes("not a picture") is None
    True

    ```
    """
    data = source
    if isinstance(source, str):
        text = source.partition(",")[2] if source[:5].lower() == "data:" else source
        try:
            data = b64decode(text)
        except (binascii.Error, ValueError):
            return None
    if isinstance(data, (bytes, bytearray)) and png_size(data) is not None:
        return bytes(data)
    return None


def png_size(data: bytes | bytearray) -> tuple[int, int] | None:
    """Width and height in pixels, as the file's first bytes say; None when it is no PNG."""
    if len(data) < 33 or not data.startswith(_SIGNATURE) or data[12:16] != b"IHDR":
        return None
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    return (width, height) if width and height else None
