"""Audio and video files as sound: the first audio track, 16 kHz, mono, in a file of its own.

PyAV (FFmpeg) reads them as they are, whatever their name ends with. Only formats that hold all of
their sound themselves are let in: a playlist in a file would make FFmpeg open others.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["RATE", "Recording", "Unreadable", "missing_package", "read"]

#: Samples a second: what Whisper hears.
RATE = 16_000
#: What is quieter than this all the time (of 32,768; -60 dB) is silence.
QUIET = 33

_FORMATS = "aac,flac,matroska,mov,mp3,mp4,m4a,mpeg,mpegts,ogg,wav,w64,webm"
_SHORTEST = 0.01  # s


class Unreadable(Exception):
    """There is no sound in it that could be heard; `str()` says why, as a sentence."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Recording:
    """Sound: `samples` are 16-bit integers, read from the disk as they are looked at."""

    samples: NDArray[np.int16]

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / RATE


def missing_package() -> str | None:
    """The package of the extra "speech" that is not installed, None when both are."""
    return next((name for name in ("av", "numpy") if find_spec(name) is None), None)


def read(file: BinaryIO, most_seconds: float, given_up: threading.Event) -> Recording:
    """Decode `file`; ends early, with what it has, once `given_up` is set.

    Raises Unreadable: no audio, too short, too long, nothing but silence.
    """
    import numpy as np

    count, peak = 0, 0
    with tempfile.TemporaryFile(prefix="groqnb-sound-") as sink:
        for part in _parts(file):
            count += len(part)
            peak = max(peak, int(part.max()), -int(part.min()))
            if count > most_seconds * RATE:
                raise Unreadable(
                    f"The audio is longer than {most_seconds / 3600:g} hours; send it in parts.",
                    "audio_too_long",
                )
            sink.write(part.tobytes())
            if given_up.is_set():
                break
        if count < _SHORTEST * RATE:
            raise Unreadable(
                f"The audio has {count / RATE:.4g} seconds; it needs at least {_SHORTEST:g}.",
                "audio_too_short",
            )
        if peak < QUIET:
            raise Unreadable(
                "The audio holds nothing but silence (it never gets louder than -60 dB).",
                "audio_silent",
            )
        sink.flush()
        return Recording(np.memmap(sink, np.int16, "r", shape=(count,)))


def _parts(file: BinaryIO) -> Any:
    """The samples of the first audio track, a frame's at a time."""
    import av

    broken = Unreadable(
        "The file cannot be decoded: it is damaged, or neither audio nor video.",
        "invalid_audio",
    )
    try:
        container: Any = av.open(
            file, metadata_errors="ignore", options={"format_whitelist": _FORMATS}
        )
    except (av.error.FFmpegError, ValueError, EOFError):
        raise broken from None
    with container:
        if not container.streams.audio:
            raise Unreadable("The file has no audio track.", "no_audio_track")
        # What mono drops is done by whole numbers: with floats stereo came out wrong.
        resampler = av.AudioResampler("s16", "mono", RATE)
        some = False
        for frame in _frames(container):
            for made in _resampled(resampler, frame):
                some = True
                yield made
        if not some:
            raise broken


def _frames(container: Any) -> Any:
    """The frames that can be decoded, then None. A damaged place in a file is passed over."""
    import av

    try:
        for packet in container.demux(container.streams.audio[0]):
            with contextlib.suppress(av.error.InvalidDataError, av.error.EOFError):
                yield from packet.decode()
    except (av.error.FFmpegError, EOFError):
        # The rest cannot be read; what was before it counts.
        pass
    yield None


def _resampled(resampler: Any, frame: Any) -> Any:
    import av

    if frame is not None:
        frame.pts = None
    try:
        made = resampler.resample(frame)
    except (av.error.FFmpegError, ValueError):
        return
    for each in made:
        if each.samples:
            yield each.to_ndarray().reshape(-1)
