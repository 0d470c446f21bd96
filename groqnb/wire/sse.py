"""Server-sent events, decoded without I/O from reads of any size.

Bytes are cut at line ends only, so a read may end in the middle of a character, of a line or of
a CR LF pair. Events whose data is one line, which is all that a chat stream sends, take a short
way; everything else of the format (CR and CR LF line ends, comments, several data lines, names,
a byte order mark) takes the long one.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["SSEDecoder", "ServerEvent"]

# A named tuple made so takes half the time, and a stream makes one for each chunk.
_new = tuple.__new__

_MARK = b"\xef\xbb\xbf"


class ServerEvent(NamedTuple):
    """One event: its data, and its name, empty when the server gave none."""

    data: bytes
    name: str = ""


class SSEDecoder:
    """Takes reads, gives events.

    ```python
    decoder = SSEDecoder()
    decoder.feed(b"data: a\\n\\ndata:")  # [ServerEvent(data=b'a', name='')]
    decoder.feed(b" b\\n\\n")  # [ServerEvent(data=b'b', name='')]
    ```
    """

    __slots__ = ("_after_cr", "_at_start", "_parts")

    def __init__(self) -> None:
        # What follows the last blank line, in pieces: joined only when its event is complete,
        # so a large event costs no more than its size.
        self._parts: list[bytes] = []
        self._at_start = True
        self._after_cr = False

    def feed(self, read: bytes) -> list[ServerEvent]:
        """The events that are complete with this read."""
        if self._at_start:
            read = self._without_mark(read)
        if self._after_cr and read:
            # The other half of a CR LF pair; its CR has counted already.
            self._after_cr = False
            if read[:1] == b"\n":
                read = read[1:]
        if b"\r" in read:
            self._after_cr = read.endswith(b"\r")
            read = read.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if not read:
            return []
        parts = self._parts
        across = bool(parts) and read[:1] == b"\n" and parts[-1][-1:] == b"\n"
        if not across and b"\n\n" not in read:
            parts.append(read)
            return []
        if parts:
            parts.append(read)
            read = b"".join(parts)
        blocks = read.split(b"\n\n")
        rest = blocks.pop()
        self._parts = [rest] if rest else []
        events = []
        for block in blocks:
            if block[:6] == b"data: " and len(block) > 6 and b"\n" not in block:
                events.append(_new(ServerEvent, (block[6:], "")))
            elif (event := _parse(block)) is not None:
                events.append(event)
        return events

    def finish(self) -> list[ServerEvent]:
        """The event that the end of the stream cut off before its blank line, if any."""
        event = _parse(b"".join(self._parts))
        self._parts = []
        return [] if event is None else [event]

    def _without_mark(self, read: bytes) -> bytes:
        """The read without a byte order mark, which may itself be split over reads."""
        read = b"".join((*self._parts, read))
        if len(read) < len(_MARK) and _MARK.startswith(read):
            self._parts = [read] if read else []
            return b""
        self._parts = []
        self._at_start = False
        return read.removeprefix(_MARK)


def _parse(block: bytes) -> ServerEvent | None:
    """The event that some lines make; None where they carry no data."""
    data: list[bytes] = []
    name = ""
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value.decode(errors="replace")
    joined = b"\n".join(data)
    return ServerEvent(joined, name) if joined else None
