"""A multipart form, read as it arrives: fields into memory, the file to wherever it goes.

Docs: "Upload file", "Create transcription". Only `file` may be a file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from starlette.requests import Request

from groqnb.local import fields
from groqnb.local.refusal import Refusal, bad_request

__all__ = ["Form", "megabytes", "read_form"]

_LARGEST_FIELD = 1_000_000
_MOST_FIELDS = 100
_WRITE_AT = 1 << 20
# How much more than allowed is read and thrown away: a client that is still sending cannot read
# the refusal.
_DRAINED = 50_000_000


@dataclass
class Form:
    """What a form held. `values` has each field's values in their order.

    `filename` is None without a file; `size` is the file's, in bytes.
    """

    values: dict[str, list[str]] = field(default_factory=dict)
    filename: str | None = None
    size: int = 0

    def one(self, name: str) -> str | None:
        """The value of a field that may be given once. Raises a 400 when it is given twice."""
        values = self.values.get(name, [])
        if len(values) > 1:
            raise bad_request(f"`{name}` is given {len(values)} times.", name)
        return values[0] if values else None


def megabytes(size: int) -> str:
    """A size as the limits are written.

    >>> megabytes(25_000_000)
    '25 MB'
    """
    return f"{size / 1_000_000:g} MB"


async def read_form(
    request: Request,
    open_sink: Callable[[], BinaryIO],
    largest: int,
    large_fields: Mapping[str, int] | None = None,
) -> Form:
    """Read the whole form; the file's bytes go to `open_sink()`, which the caller closes.

    `large_fields` says how many bytes a field may have that may have more than a megabyte.
    Raises a 400 for what is no form, a 413 when the file has more than `largest` bytes.
    """
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser

    reader = _Reader(open_sink, largest, large_fields or {})
    size = 0
    try:
        parser = MultipartParser(_boundary(request), reader.callbacks())
        async for chunk in request.stream():
            size += len(chunk)
            if size > largest + _DRAINED:
                raise reader.too_large()
            if chunk:
                parser.write(chunk)
            if reader.pending_size >= _WRITE_AT:
                await asyncio.to_thread(reader.flush)
        parser.finalize()
    except FormParserError as error:
        raise bad_request(f"The multipart form is malformed: {error}") from None
    if not reader.ended:
        raise bad_request("The multipart form ends before its last boundary.")
    if reader.form.size > largest:
        raise reader.too_large()
    await asyncio.to_thread(reader.flush)
    return reader.form


def _boundary(request: Request) -> bytes:
    from python_multipart.multipart import parse_options_header

    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data":
        raise bad_request("The body must be a form: Content-Type multipart/form-data.")
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise bad_request("The Content-Type of the form names no boundary.")
    return boundary


class _Reader:
    """Follows the parser through the parts of a form."""

    def __init__(
        self, open_sink: Callable[[], BinaryIO], largest: int, large_fields: Mapping[str, int]
    ) -> None:
        self.form = Form()
        self.ended = False
        self.pending_size = 0
        self._pending: list[bytes] = []
        self._open_sink = open_sink
        self._sink: BinaryIO | None = None
        self._largest = largest
        self._large_fields = large_fields
        self._header = b""
        self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._is_file = False
        self._text: list[bytes] = []
        self._text_size = 0

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._part_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def too_large(self) -> Refusal:
        return Refusal(
            413,
            f"The file is larger than {megabytes(self._largest)}.",
            code="request_too_large",
            param="file",
        )

    def flush(self) -> None:
        """Write what came since the last time. Runs in a thread: a disk may be slow."""
        pending, self._pending, self.pending_size = self._pending, [], 0
        if pending:
            if self._sink is None:
                self._sink = self._open_sink()
            self._sink.write(b"".join(pending))

    def _part_begin(self) -> None:
        self._headers = {}

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header = self._value = b""

    def _headers_finished(self) -> None:
        from python_multipart.multipart import parse_options_header

        _, options = parse_options_header(
            self._headers.get(b"content-disposition", b"").decode("latin-1")
        )
        if b"name" not in options:
            raise bad_request("A part of the multipart form has no name.")
        self._name = _text(options[b"name"], "name")
        self._text, self._text_size = [], 0
        self._is_file = b"filename" in options
        if not self._is_file:
            if sum(map(len, self.form.values.values())) >= _MOST_FIELDS:
                raise bad_request(f"The form has more than {_MOST_FIELDS} fields.")
            return
        if self._name != "file":
            raise bad_request(f"`{self._name}` may not be a file; `file` is one.", self._name)
        if self.form.filename is not None:
            raise bad_request("`file` is given twice.", "file")
        self.form.filename = _text(options[b"filename"], "file")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self.form.size += end - start
            if self.form.size <= self._largest:
                self._pending.append(data[start:end])
                self.pending_size += end - start
            return
        self._text_size += end - start
        most = self._large_fields.get(self._name, _LARGEST_FIELD)
        if self._text_size > most:
            raise bad_request(f"`{self._name}` is longer than {megabytes(most)}.", self._name)
        self._text.append(data[start:end])

    def _part_end(self) -> None:
        if not self._is_file:
            text = _text(b"".join(self._text), self._name)
            self.form.values.setdefault(self._name, []).append(text)

    def _end(self) -> None:
        self.ended = True


def _text(raw: bytes, name: str) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise bad_request(f"`{fields.shown(name)}` is not UTF-8 text.") from None
    return text
