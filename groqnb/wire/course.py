"""What is known of a download, without I/O: how far it is, and how it goes on after a break."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from groqnb.types.errors import APIConnectionError, APIError, StreamError
from groqnb.wire.call import Call
from groqnb.wire.exchange import Broken, RawReply, SourceBroken
from groqnb.wire.retry import RetryPolicy
from groqnb.wire.trace import Trace

__all__ = ["Course", "LineCutter"]


class Course:
    """How far a download is, and whether it can go on after a break."""

    def __init__(self, call: Call[Any], raw: RawReply, policy: RetryPolicy, trace: Trace) -> None:
        self.trace = trace
        trace.headers = raw.headers
        self.done = 0
        self.total = _length(raw.headers)
        self._call = call
        self._policy = policy
        self._etag = raw.headers.get("etag")
        self._packed = "content-encoding" in raw.headers
        self._skip = 0
        self._breaks = 0
        self._waited = 0.0

    def took(self, read: bytes) -> bytes:
        """What is new in a read."""
        if self._skip:
            skipped = min(self._skip, len(read))
            self._skip -= skipped
            read = read[skipped:]
        self.done += len(read)
        return read

    def end(self) -> None:
        """The body is over. Raises SourceBroken where something is missing."""
        if self._skip or (self.total is not None and self.done < self.total):
            raise SourceBroken(Broken("cut", ""))

    def again(self, broken: Broken) -> tuple[Call[Any], float]:
        """The call for the rest, and the seconds to wait before it. Raises StreamError."""
        of = "" if self.total is None else f" of {self.total:,}"
        why = "fell silent for too long" if broken.kind == "timeout" else "broke"
        error = StreamError(
            f"The download {why} after {self.done:,}{of} bytes.", hint="Ask for the file again."
        )
        wait = self._policy.delay(APIConnectionError(broken.reason), self._breaks, self._waited)
        if wait is None or self._packed or broken.kind == "decode":
            raise error
        self.trace.retried(self._breaks, error, wait)
        self._breaks += 1
        self._waited += wait
        headers = {**(self._call.headers or {}), "Range": f"bytes={self.done}-"}
        if self._etag and not self._etag.startswith("W/"):
            headers["If-Range"] = self._etag
        return replace(self._call, headers=headers), wait

    def lost(self, error: APIError) -> StreamError:
        """The error for a break after which the rest could not be had."""
        return StreamError(
            f"The download broke after {self.done:,} bytes and could not go on: {error.message}",
            hint=error.hint,
        )

    def rejoin(self, raw: RawReply) -> None:
        """Looks at the reply to `again`'s call. Raises StreamError where it does not fit."""
        if raw.status == 206:
            part = re.fullmatch(
                r"bytes (\d+)-\d+/(\d+|\*)", raw.headers.get("content-range", "").strip()
            )
            fits = part is not None and int(part[1]) == self.done
            if part is not None and part[2] != "*":
                fits = fits and self.total in (None, int(part[2]))
        else:
            # The server knows no ranges and begins again: what is here already is passed over.
            fits = raw.headers.get("etag") == self._etag and _length(raw.headers) == self.total
            self._skip = self.done
        if not fits:
            raise StreamError(
                f"The file is another one since the download broke after {self.done:,} bytes.",
                hint="Ask for it again.",
            )


def _length(headers: Mapping[str, str]) -> int | None:
    text = headers.get("content-length", "")
    return int(text) if text.isdecimal() and "content-encoding" not in headers else None


class LineCutter:
    """Cuts pieces into lines at line feeds only: JSON texts may hold U+2028 and its like."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def feed(self, piece: bytes) -> list[str]:
        """The lines that are complete with this piece."""
        first, *rest = piece.split(b"\n")
        self._parts.append(first)
        if not rest:
            return []
        lines = [b"".join(self._parts), *rest[:-1]]
        self._parts = [rest[-1]]
        return [_text(line) for line in lines]

    def finish(self) -> list[str]:
        """The last line, where no line feed ends it."""
        line = b"".join(self._parts)
        return [_text(line)] if line else []


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode()
