"""What a user has at hand, as something that can be opened: a path, a URL, bytes, a recorder, …"""

from __future__ import annotations

import base64
import binascii
import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote_to_bytes

from groqnb.types.errors import ParameterError

__all__ = ["Source", "source_of"]

# Where objects that hold a recording keep its bytes: recorders and players, what groqnb.speak
# gives, replies of `client.audio.speech`, IPython's Audio.
_HOLDERS = ("value", "audio", "content", "data")

_KINDS = "a path, a URL, bytes, an open binary file, a recorder, or a numpy array with sample_rate="


@dataclass(frozen=True)
class Source:
    """A recording that can be opened, more than once where it is no stream.

    `name` is for people; `open` gives a new binary file at its beginning; `samples` are those of a
    numpy array, with `rate` in Hz, and there is nothing to open then.
    """

    name: str
    open: Callable[[], Any]
    samples: Any = None
    rate: int = 0

    @property
    def subject(self) -> str:
        """The name at the beginning of a sentence."""
        return f"The {self.name[4:]}" if self.name.startswith("the ") else self.name


def source_of(source: Any, sample_rate: int | None = None) -> Source:
    """The recording in `source`; a URL is downloaded first. Raises ParameterError.

    ```python
    source_of("talk.mp3").name  # 'talk.mp3'
    ```
    """
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(source, numpy.ndarray):
        return _from_array(source, sample_rate)
    if sample_rate is not None and (isinstance(source, list) or hasattr(source, "__array__")):
        raise ParameterError(
            f"Samples come as a numpy array, not as a {type(source).__name__}.",
            hint="Pass numpy.asarray(samples).",
        )
    if sample_rate is not None:
        raise ParameterError(
            "sample_rate= belongs to a numpy array; a file tells its own rate.",
            hint="Leave it out.",
        )
    if isinstance(source, str):
        return _from_text(source.strip())
    if isinstance(source, os.PathLike):
        return _from_path(Path(os.fspath(source)))
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _from_bytes(bytes(source), "the recording")
    if callable(getattr(source, "read", None)):
        return _from_file(source)
    return _from_holder(source)


def _from_holder(source: Any) -> Source:
    kind = type(source).__name__
    for name in _HOLDERS:
        held = None if isinstance(source, type) else getattr(source, name, None)
        if isinstance(held, (bytes, bytearray, memoryview)):
            if not held:
                raise ParameterError(f"The {kind} holds no sound yet.", hint="Record something.")
            return _from_bytes(bytes(held), "the recording")
    if getattr(source, "value", source) is None:
        raise ParameterError(f"The {kind} holds no sound yet.", hint="Record something.")
    raise ParameterError(f"An object of type {kind} is no recording.", hint=f"Pass {_KINDS}.")


def _from_bytes(data: bytes, name: str) -> Source:
    if not data:
        raise ParameterError("The recording is empty: it has no bytes.")
    return Source(name, lambda: io.BytesIO(data))


def _from_text(text: str) -> Source:
    start = text[:12].lower()
    if start.startswith(("http://", "https://")):
        from groqnb.hearing.fetching import fetched

        return fetched(text)
    if start.startswith("data:"):
        head, comma, body = text.partition(",")
        try:
            if not comma:
                raise ValueError
            data = unquote_to_bytes(body)
            if head.lower().endswith(";base64"):
                data = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            raise ParameterError("The data: URL is not valid.") from None
        return _from_bytes(data, "the recording")
    if "://" in text[:32]:
        shown = text.partition("://")[0]
        raise ParameterError(f"Recordings come from http(s) addresses, not from {shown}://.")
    return _from_path(Path(os.path.expanduser(text)))


def _from_path(path: Path) -> Source:
    try:
        if path.is_dir():
            raise ParameterError(f"{path} is a folder, not a recording.")
        if path.stat().st_size == 0:
            raise ParameterError(f"{path} is empty: it has no bytes.")
    except FileNotFoundError:
        near = _near(path)
        hint = f"Did you mean {near}?" if near else f"This notebook's folder is {_here()}."
        raise ParameterError(f"There is no file {path}.", hint=hint) from None
    except (OSError, ValueError) as error:
        if isinstance(error, ParameterError):
            raise
        raise _unreadable(path, error) from None

    def open_it() -> IO[bytes]:
        try:
            return path.open("rb")
        except OSError as error:
            raise _unreadable(path, error) from None

    return Source(path.name, open_it)


def _unreadable(path: Path, error: Exception) -> ParameterError:
    shown = str(path)
    if len(shown) > 200:
        shown = f"{shown[:80]}…"
    reason = getattr(error, "strerror", None) or str(error)
    return ParameterError(f"{shown} cannot be read: {reason}.")


def _near(path: Path) -> str:
    from difflib import get_close_matches

    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    found = get_close_matches(path.name, names, n=1)
    return str(path.with_name(found[0])) if found else ""


def _here() -> str:
    try:
        return Path.cwd().name or os.sep
    except OSError:
        return "gone"


def _from_file(file: Any) -> Source:
    if isinstance(file, io.TextIOBase):
        raise ParameterError("The file is open as text.", hint='Open it with open(path, "rb").')
    name = getattr(file, "name", None)
    name = os.path.basename(name) if isinstance(name, str) and name else "the file"
    try:
        file.seek(0)
        # Buffered: whoever asks for so many bytes gets as many, however the file is read.
        return Source(name, lambda: io.BufferedReader(_Borrowed(file)))
    except ValueError:  # closed
        raise ParameterError("The file is closed.", hint="Pass its path.") from None
    except (AttributeError, OSError):
        # A pipe, or a reply of urllib: it goes to a file, for it may be longer than the memory.
        from groqnb.hearing.fetching import spooled

        return spooled(file, name)


class _Borrowed(io.RawIOBase):
    """A user's open file, which closing this one does not close."""

    def __init__(self, file: Any) -> None:
        try:
            file.seek(0)
        except ValueError:
            raise ParameterError("The file was closed meanwhile.", hint="Pass its path.") from None
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        if not isinstance(data, bytes):
            raise ParameterError("The file does not give bytes.", hint='Open it with mode "rb".')
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._file.seek(offset, whence)
        return int(self._file.tell())

    def tell(self) -> int:
        return int(self._file.tell())


def _from_array(array: Any, rate: int | None) -> Source:
    import numpy as np

    if rate is None:
        raise ParameterError(
            "A numpy array needs its sample rate.", hint="For example sample_rate=16_000."
        )
    if isinstance(rate, bool) or not isinstance(rate, (int, np.integer)):
        raise ParameterError(f"sample_rate is {rate!r}; it is a whole number of Hz.")
    if not 1_000 <= rate <= 768_000:
        raise ParameterError(f"sample_rate is {rate}; it goes from 1,000 to 768,000 Hz.")
    if array.ndim == 2 and array.shape[0] < array.shape[1]:
        array = array.T  # channels came first
    if array.ndim not in (1, 2) or array.size == 0 or (array.ndim == 2 and array.shape[1] > 32):
        raise ParameterError(
            f"An array of shape {array.shape} is no sound.",
            hint="One value for each sample, or one row for each.",
        )
    if array.dtype.kind not in "iuf":
        raise ParameterError(f"An array of {array.dtype} is no sound; floats or integers are.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ParameterError("The array holds values that are no numbers (NaN or infinity).")

    def nothing() -> IO[bytes]:
        raise AssertionError("an array is not opened")

    return Source("the array", nothing, array, int(rate))
