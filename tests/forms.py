"""Forms read back by the standard library, which knows nothing of how they were written."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from typing import NamedTuple

__all__ = ["Part", "read_form"]


class Part(NamedTuple):
    name: str
    content: bytes
    filename: str | None
    type: str


def read_form(content_type: str, body: bytes) -> list[Part]:
    """The parts of a multipart/form-data body, in order."""
    head = f"Content-Type: {content_type}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    assert message.get_content_type() == "multipart/form-data"
    assert not message.defects
    parts = []
    for part in message.iter_parts():
        assert part.get_content_disposition() == "form-data"
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        name = part.get_param("name", header="content-disposition")
        filename = part.get_filename()
        parts.append(Part(str(name), content, filename, part.get_content_type()))
    return parts
