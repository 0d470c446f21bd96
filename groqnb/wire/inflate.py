"""Bodies that came compressed, decompressed read by read."""

from __future__ import annotations

import zlib

__all__ = ["ACCEPTED", "InflateError", "Inflater"]

ACCEPTED = "gzip, deflate"


class InflateError(Exception):
    """The body is not what its content-encoding says."""


class Inflater:
    """Takes compressed reads, gives plain ones. Knows gzip, and deflate with or without its head.

    ```python
    Inflater("gzip").feed(gzip.compress(b"hello"))  # b'hello'
    ```
    """

    def __init__(self, encoding: str) -> None:
        if encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
            raise InflateError(f"unknown content-encoding {encoding!r}")
        # 32: recognises the heads of both gzip and zlib.
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._raw_possible = encoding.strip().lower() == "deflate"

    def feed(self, read: bytes) -> bytes:
        """What this read adds. Raises InflateError."""
        plain = b""
        while read:
            if self._inflate.eof:
                # gzip allows several members, one after the other.
                self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
            try:
                plain += self._inflate.decompress(read)
            except zlib.error as error:
                if not self._raw_possible:
                    raise InflateError(str(error)) from None
                # Some servers send deflate without the head that the standard asks for.
                self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
                self._raw_possible = False
                continue
            self._raw_possible = False
            read = self._inflate.unused_data
        return plain

    def finish(self) -> bytes:
        """The rest; raises InflateError for a body that was cut."""
        if not self._inflate.eof:
            raise InflateError("the body ends too early")
        return b""
