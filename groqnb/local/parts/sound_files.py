"""Samples as an audio file in each documented format, written as they come; faster speech.

All by PyAV (FFmpeg). A file is sent while it is made, so nothing in it can be set right at the
end: see `Writer` on what that means for wav.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Sound = NDArray[np.float32]

__all__ = ["FORMATS", "MEDIA_TYPES", "UNKNOWN_LENGTH", "Stretcher", "Writer", "wav_header"]

#: What FFmpeg calls the container and the codec of each format.
FORMATS = {
    "flac": ("flac", "flac"),
    "mp3": ("mp3", "libmp3lame"),
    "mulaw": ("mulaw", "pcm_mulaw"),
    "ogg": ("ogg", "libopus"),
    "wav": ("s16le", "pcm_s16le"),
}
MEDIA_TYPES = {
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "mulaw": "audio/basic",
    "ogg": "audio/ogg",
    "wav": "audio/wav",
}
# Opus knows five rates; for another the next higher one is taken.
_OPUS_RATES = (8000, 12_000, 16_000, 24_000, 48_000)
#: The size in the header of a wav that is sent before its length is known.
UNKNOWN_LENGTH = 0xFFFFFFFF


class _Pipe:
    """A file that only grows; FFmpeg sees that it cannot go back in it."""

    def __init__(self) -> None:
        self._written = io.BytesIO()

    def write(self, data: bytes) -> int:
        return self._written.write(data)

    def take(self) -> bytes:
        taken = self._written.getvalue()
        self._written = io.BytesIO()
        return taken


class Writer:
    """Writes one file: `add` samples, then `end`; each gives the bytes that are ready.

    `rate` is the file's sample rate, `made_at` that of the samples. A "wav" begins with no
    header: `wav_header` makes it. "mulaw" has none at all (G.711, one byte a sample). "ogg" holds
    Opus, which has no 22,050, 32,000 and 44,100 Hz: the next higher rate is taken there.
    """

    def __init__(self, kind: str, rate: int, made_at: int) -> None:
        import av

        container, codec = FORMATS[kind]
        if kind == "ogg":
            rate = min(known for known in _OPUS_RATES if known >= rate)
        self._pipe = _Pipe()
        self._made_at = made_at
        self._count = 0
        # No file is ever at hand when mp3 tells its length in a frame of its own.
        options = {"write_xing": "0"} if kind == "mp3" else {}
        self._container: Any = av.open(self._pipe, "w", format=container, options=options)
        self._stream: Any = self._container.add_stream(codec, rate=rate, layout="mono")

    def add(self, sound: Sound) -> bytes:
        """Samples between -1 and 1."""
        import av
        import numpy as np

        if len(sound):
            whole = (np.clip(sound, -1, 1) * 32767).astype(np.int16).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(whole, "s16", "mono")
            frame.sample_rate = self._made_at
            frame.pts = self._count
            self._count += len(sound)
            self._container.mux(self._stream.encode(frame))
        return self._pipe.take()

    def end(self) -> bytes:
        """The rest of the file."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._pipe.take()


class Stretcher:
    """Makes speech faster by `factor`, above 1, without making it higher."""

    def __init__(self, factor: float, rate: int) -> None:
        import av.filter

        self._rate = rate
        self._count = 0
        self._graph = av.filter.Graph()
        source = self._graph.add_abuffer(format="flt", layout="mono", sample_rate=rate)
        tempo = self._graph.add("atempo", f"{factor:.6f}")
        source.link_to(tempo)
        tempo.link_to(self._graph.add("abuffersink"))
        self._graph.configure()

    def add(self, sound: Sound | None) -> Sound:
        """The next samples, and what comes of them; None ends it."""
        import av
        import numpy as np

        if sound is None:
            self._graph.push(None)
        elif len(sound):
            frame = av.AudioFrame.from_ndarray(sound.reshape(1, -1), "flt", "mono")
            frame.sample_rate = self._rate
            frame.pts = self._count
            self._count += len(sound)
            self._graph.push(frame)
        made: list[Sound] = [np.zeros(0, np.float32)]
        while True:
            try:
                pulled: Any = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return np.concatenate(made)
            made.append(pulled.to_ndarray().reshape(-1))


def wav_header(rate: int, size: int = UNKNOWN_LENGTH) -> bytes:
    """The 44 bytes before 16-bit mono samples that have `size` bytes."""
    whole = UNKNOWN_LENGTH if size == UNKNOWN_LENGTH else size + 36
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", whole, b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16, b"data", size),
    )
