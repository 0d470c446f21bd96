"""Pictures and recordings in rows: which one it is, without reading it, and how it is sent."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from groqnb.images import to_part
from groqnb.mapping.template import Picture, Sound
from groqnb.types.errors import ParameterError

__all__ = ["name_of", "part_of", "sound_of"]


def name_of(piece: Picture | Sound) -> tuple[str, Picture | Sound]:
    """What tells a picture or recording from others, and the piece to go on with.

    A file is told by its path, size and time of change; an address by itself; what is in memory by
    its bytes, for which a figure or an array is made a picture now. Raises ParameterError.
    """
    source = piece.source
    if isinstance(source, os.PathLike):
        source = os.fspath(source)
    if isinstance(source, str):
        if source[:8].lower().startswith(("http://", "https://", "data:")):
            return source, piece
        path = Path(os.path.expanduser(source))
        try:
            found = path.stat()
        except (OSError, ValueError):
            what = "image" if isinstance(piece, Picture) else "recording"
            raise ParameterError(f"There is no {what} {source[:200]}.") from None
        return f"{path.resolve()} {found.st_size} {found.st_mtime_ns}", piece
    if isinstance(piece, Sound):
        return _digest(sound_of(piece)["file"][1]), piece
    if not isinstance(source, (bytes, bytearray, memoryview)):
        part = to_part(source)
        return _digest(str(part).encode()), Picture(part)
    return _digest(bytes(source)), piece


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def part_of(picture: Picture) -> dict[str, Any]:
    """The part of a message that shows the picture. Raises ParameterError."""
    source = picture.source
    if isinstance(source, (bytearray, memoryview)):
        source = bytes(source)
    return to_part(source)


def sound_of(sound: Sound) -> dict[str, Any]:
    """The parameters of a transcription that name the recording. Raises ParameterError.

    A recording is a path, an http(s) URL, bytes, or an object with `value` (bytes) and `format`,
    as an AudioRecorder is.
    """
    source = sound.source
    if isinstance(source, str) and source[:8].lower().startswith(("http://", "https://")):
        return {"url": source}
    if isinstance(source, (str, os.PathLike)):
        return {"file": source}
    if isinstance(source, (bytes, bytearray, memoryview)):
        return {"file": (None, bytes(source))}
    value = getattr(source, "value", None)
    if isinstance(value, bytes) and value:
        return {"file": (f"recording.{getattr(source, 'format', None) or 'wav'}", value)}
    raise ParameterError(
        f"A {type(source).__name__} is no recording; give a path, a URL, bytes, or a recorder "
        "that holds one."
    )
