"""From what a user passes as a file to what is sent."""

from __future__ import annotations

import io
import os
from typing import IO, Any

from groqnb.types.errors import ParameterError
from groqnb.wire.multipart import FileContent

__all__ = ["MB", "file_content"]

MB = 1024 * 1024

_TYPES = {
    "flac": "audio/flac",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "mpga": "audio/mpeg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "webm": "video/webm",
    "zip": "application/zip",
}

_SHAPES = "A file is a path, bytes, an open binary file, or (name, one of these[, media type])."


def file_content(value: Any, *, most: int | None, fallback: str = "upload") -> FileContent:
    """What to send for a parameter `file`.

    `most` is the largest size in bytes that the API takes under any plan, or None. `fallback`
    names bytes that have no name; where their first bytes tell the format, its ending is added.
    Raises ParameterError, and OSError for a path that cannot be read.

    ```python
    file_content(("talk.wav", b"RIFF..."), most=100 * MB).type  # 'audio/wav'
    ```
    """
    name = kind = None
    if isinstance(value, tuple):
        if len(value) not in (2, 3):
            raise ParameterError(f"file is a tuple of {len(value)}.", hint=_SHAPES)
        name, kind, value = value[0], (value[2] if len(value) == 3 else None), value[1]
        if not (name is None or isinstance(name, str)) or not (kind is None or _is_type(kind)):
            raise ParameterError("The file's name or media type is not a text.", hint=_SHAPES)
    content, size = _measured(value)
    if size == 0:
        raise ParameterError("The file is empty.")
    if most is not None and size > most:
        raise ParameterError(f"The file has {size / MB:,.1f} MB; at most {most // MB} are taken.")
    name = name or _name_of(value) or _guessed(content, fallback)
    if kind is None:
        ending = name.rpartition(".")[2].lower()
        kind = _TYPES.get(ending, "application/octet-stream")
    return FileContent(name, content, size, kind)


def _is_type(kind: object) -> bool:
    return isinstance(kind, str) and kind.isascii() and kind.isprintable()


def _measured(value: Any) -> tuple[bytes | os.PathLike[str] | IO[bytes], int]:
    if isinstance(value, (bytes, bytearray, memoryview)):
        content = bytes(value)
        return content, len(content)
    if isinstance(value, (str, os.PathLike)):
        from pathlib import Path

        path = Path(os.path.expanduser(os.fsdecode(value)))
        if path.is_dir():
            raise ParameterError(f"{path} is a folder, not a file.")
        return path, path.stat().st_size
    if isinstance(value, io.TextIOBase):
        raise ParameterError("The file is open as text.", hint='Open it with open(path, "rb").')
    if not callable(getattr(value, "read", None)):
        raise ParameterError(f"A {type(value).__name__} is no file.", hint=_SHAPES)
    try:
        # The whole file goes out, wherever it was read up to: as the official package does it.
        value.seek(0, os.SEEK_END)
        size = value.tell()
        value.seek(0)
    except (AttributeError, OSError):
        # A pipe or a reply of urllib: it could not be read twice, were it to be sent twice.
        content = value.read()
        if not isinstance(content, bytes):
            raise ParameterError("The file does not give bytes.", hint=_SHAPES) from None
        return content, len(content)
    return value, size


def _name_of(value: Any) -> str | None:
    if isinstance(value, (str, os.PathLike)):
        return os.path.basename(os.fsdecode(value)) or None
    name = getattr(value, "name", None)
    # A file opened by its descriptor has a number for a name.
    return os.path.basename(name) or None if isinstance(name, str) else None


_HEADS = (
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b"ID3", "mp3"),
    (0, b"\xff\xfb", "mp3"),
    (0, b"\xff\xf3", "mp3"),
    (0, b"\x1a\x45\xdf\xa3", "webm"),
    (0, b"PK\x03\x04", "zip"),
    (8, b"WAVE", "wav"),
    (4, b"ftypM4A", "m4a"),
    (4, b"ftyp", "mp4"),
)


def _guessed(content: bytes | os.PathLike[str] | IO[bytes], fallback: str) -> str:
    """A name for what has none: servers go by its ending."""
    if isinstance(content, bytes):
        head = content[:16]
    elif isinstance(content, os.PathLike):
        return fallback
    else:
        head = content.read(16)
        content.seek(0)
    for start, sign, ending in _HEADS:
        if head[start : start + len(sign)] == sign:
            return f"{fallback.partition('.')[0]}.{ending}"
    return fallback
