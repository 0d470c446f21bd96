"""Forms with a file in them, encoded while they are sent.

The length is known before the first byte goes out, so a server can refuse what is too large, and
the file is never in memory as a whole. Each attempt reads it again from its start.

Encoding as browsers do it (WHATWG HTML, multipart/form-data): UTF-8, with quotes and line ends in
names percent-encoded.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from pydantic_core import to_json

__all__ = ["FileContent", "Form", "Multipart"]

PIECE = 256 * 1024


@dataclass(frozen=True)
class FileContent:
    """A file to send.

    Attributes:
        name: the name the server is told.
        content: bytes, a path, or an open file that can be rewound.
        size: in bytes; no more and no less is sent.
        type: its media type.
    """

    name: str
    content: bytes | os.PathLike[str] | IO[bytes] = field(repr=False)
    size: int
    type: str = "application/octet-stream"

    def open(self) -> _Pieces:
        """Starts to read it, from its first byte."""
        if isinstance(self.content, bytes):
            return _Bytes(self)
        return _File(self)


class _Pieces:
    """A file being read."""

    def __init__(self, file: FileContent) -> None:
        self.file = file
        self.done = 0

    def read(self) -> bytes:
        """The next piece; empty at the end."""
        piece = self._read(min(PIECE, self.file.size - self.done))
        self.done += len(piece)
        if not piece and self.done < self.file.size:
            raise OSError(
                f"{self.file.name} became shorter while it was sent: "
                f"{self.done:,} of {self.file.size:,} bytes are left of it."
            )
        return piece

    def _read(self, size: int) -> bytes:
        raise NotImplementedError

    def close(self) -> None:
        """Closes what was opened here."""


class _Bytes(_Pieces):
    def _read(self, size: int) -> bytes:
        content = self.file.content
        assert isinstance(content, bytes)
        return content[self.done : self.done + size]


class _File(_Pieces):
    def __init__(self, file: FileContent) -> None:
        super().__init__(file)
        content: Any = file.content
        self._own = isinstance(content, os.PathLike)
        self._handle: IO[bytes] = open(content, "rb") if self._own else content  # noqa: SIM115
        self._handle.seek(0)

    def _read(self, size: int) -> bytes:
        return self._handle.read(size) if size else b""

    def close(self) -> None:
        if self._own:
            self._handle.close()


@dataclass(frozen=True)
class Form:
    """Says that a call's body goes out as a form, with a file where there is one.

    `progress` is told how many bytes of the file went out so far, and how many there are; it
    starts again at 0 when the call is sent again.
    """

    file: FileContent | None = None
    progress: Callable[[int, int], object] | None = None


class Multipart:
    """One attempt's form: `for piece in form`, or `async for`.

    ```python
    form = Multipart({"purpose": "batch"}, Form(FileContent("a.jsonl", b"{}", 2)))
    form.length == sum(map(len, form))  # True
    ```
    """

    def __init__(self, fields: Mapping[str, Any], form: Form) -> None:
        boundary = f"groqnb-{os.urandom(16).hex()}"
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._form = form
        dashes = f"--{boundary}".encode()
        lines = []
        for name, value in _flat(fields):
            lines += [dashes, b'Content-Disposition: form-data; name="%s"' % _quoted(name), b""]
            lines.append(value)
        file = form.file
        if file is not None:
            names = (_quoted("file"), _quoted(file.name))
            lines += [
                dashes,
                b'Content-Disposition: form-data; name="%s"; filename="%s"' % names,
                b"Content-Type: %s" % file.type.encode("ascii", "replace"),
                b"",
                b"",
            ]
        self._head = b"\r\n".join(lines)
        self._tail = b"%s--\r\n" % (dashes if not self._head else b"\r\n" + dashes)
        size = 0 if file is None else file.size
        self.length = len(self._head) + size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        if self._form.file is not None:
            pieces = self._form.file.open()
            try:
                while piece := pieces.read():
                    yield piece
                    self._tell(pieces)
            finally:
                pieces.close()
        yield self._tail

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """As `__iter__`, with the disk read in a thread: other tasks go on meanwhile."""
        from asyncio import to_thread

        yield self._head
        if self._form.file is not None:
            pieces = await to_thread(self._form.file.open)
            try:
                while piece := await to_thread(pieces.read):
                    yield piece
                    self._tell(pieces)
            finally:
                pieces.close()
        yield self._tail

    def _tell(self, pieces: _Pieces) -> None:
        # Called when the piece was handed to the network, not when it was read.
        if self._form.progress is not None:
            self._form.progress(pieces.done, pieces.file.size)


def _flat(fields: Mapping[str, Any]) -> Iterable[tuple[str, bytes]]:
    """Names and values as a form has them: a list is its name with [] once for each element."""
    for name, value in fields.items():
        if isinstance(value, (list, tuple, set, frozenset)):
            listed = name if name.endswith("[]") else f"{name}[]"
            for one in value:
                yield listed, _plain(one)
        elif value is not None:
            yield name, _plain(value)


def _plain(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    return to_json(value)


def _quoted(name: str) -> bytes:
    # A name from the file system may hold bytes that are no UTF-8; they become question marks.
    escaped = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    return escaped.encode("utf-8", "replace")
