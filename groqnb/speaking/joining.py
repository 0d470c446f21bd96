"""Sound files of speech: WAV read and mended, several made one, other formats made of it.

Parts of a long text are asked for as WAV and joined sample by sample: compressed files begin and
end with a little silence of their own, which would be heard as gaps.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groqnb.types.errors import ParameterError, ResponseError

__all__ = ["FORMATS", "Pcm", "decoded", "encoded", "joined", "length", "mended", "read_wav"]

#: The documented formats.
FORMATS = ("flac", "mp3", "mulaw", "ogg", "wav")

_CODECS = {"flac": "flac", "mp3": "libmp3lame", "mulaw": "pcm_mulaw", "ogg": "libopus"}
_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
_PCM = (1, 0xFFFE)  # the numbers of plain samples in a WAV header
_HEADER = 44


@dataclass(frozen=True)
class Pcm:
    """Plain samples: `rate` in Hz, `width` in bytes for one sample of one channel."""

    data: bytes
    rate: int
    channels: int = 1
    width: int = 2

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.data) / (self.rate * self.channels * self.width)


def read_wav(file: bytes) -> Pcm | None:
    """The samples of a WAV file, whatever lengths its header promises; None for another file.

    Files that were sent while they were made say zero, or the largest number there is.
    """
    if file[:4] != b"RIFF" or file[8:12] != b"WAVE":
        return None
    at, found = 12, None
    while at + 8 <= len(file):
        name, size = file[at : at + 4], int.from_bytes(file[at + 4 : at + 8], "little")
        if name == b"fmt " and at + 24 <= len(file):
            code, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", file, at + 8)
            if code not in _PCM or not (channels and rate and bits % 8 == 0 and bits):
                return None
            found = (rate, channels, bits // 8)
        elif name == b"data" and found is not None:
            rate, channels, width = found
            body = file[at + 8 :]
            if 0 < size <= len(body):
                body = body[:size]
            return Pcm(body[: len(body) // (channels * width) * channels * width], *found)
        at += 8 + size + size % 2
    return None


def write_wav(sound: Pcm) -> bytes:
    """A WAV file, with a header that is true."""
    block = sound.channels * sound.width
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", _HEADER - 8 + len(sound.data), b"WAVE", b"fmt ", 16,
        1, sound.channels, sound.rate, sound.rate * block, block, sound.width * 8,
        b"data", len(sound.data),
    )  # fmt: skip
    return head + sound.data


def mended(file: bytes) -> bytes:
    """The file, with a true header where it is a WAV whose header is not: players rely on it."""
    sound = read_wav(file)
    if sound is None or file[4:8] == (len(file) - 8).to_bytes(4, "little"):
        return file
    return write_wav(sound)


def joined(files: Sequence[bytes]) -> Pcm:
    """One sound of several WAV files, sample after sample. Raises ResponseError."""
    sounds = [read_wav(file) for file in files]
    first = sounds[0]
    for sound in sounds:
        if sound is None or first is None:
            raise ResponseError("A part of the speech is no WAV file of plain samples.")
        shape = (sound.rate, sound.channels, sound.width)
        if shape != (first.rate, first.channels, first.width):
            raise ResponseError("The parts of the speech differ in rate or channels.")
    assert first is not None
    data = b"".join(sound.data for sound in sounds if sound is not None)
    return Pcm(data, first.rate, first.channels, first.width)


def decoded(file: bytes, format: str, rate: int | None = None) -> Pcm:
    """The samples of a file, 16 bits each. `rate` is that of bare mulaw.

    Raises ParameterError for what is no sound, MissingExtra without `groqnb[audio]`.
    """
    sound = read_wav(file)
    if sound is not None and sound.width == 2:
        return sound
    from groqnb.hearing.extras import load_av

    av = load_av()
    bare = format == "mulaw" and sound is None and file[:4] != b"RIFF"
    options = {"format": "mulaw", "options": {"sample_rate": str(rate or 48000)}} if bare else {}
    data = bytearray()
    try:
        with av.open(io.BytesIO(file), **options) as container:
            track = container.streams.audio[0]
            layout = "mono" if track.channels == 1 else "stereo"
            resampler = av.AudioResampler(format="s16", layout=layout, rate=track.rate)
            for frame in container.decode(track):
                frame.pts = None
                for piece in resampler.resample(frame):
                    data += piece.to_ndarray().tobytes()
            for piece in resampler.resample(None):
                data += piece.to_ndarray().tobytes()
            return Pcm(bytes(data), track.rate, 1 if layout == "mono" else 2)
    except (av.error.FFmpegError, IndexError, OSError):
        raise ParameterError("This is no sound that can be read.") from None


def encoded(sound: Pcm, format: str) -> bytes:
    """A file of a documented format. Raises MissingExtra without `groqnb[audio]`, but for WAV."""
    if format == "wav":
        return write_wav(sound)
    from groqnb.hearing.extras import load_av, load_numpy

    av, numpy = load_av(), load_numpy()
    if sound.width != 2:
        sound = decoded(write_wav(sound), "wav")
    rate = sound.rate
    if format == "ogg" and rate not in _OPUS_RATES:
        rate = 48_000
    layout = "mono" if sound.channels == 1 else "stereo"
    made = io.BytesIO()
    with av.open(made, "w", format=format) as container:
        stream = container.add_stream(_CODECS[format], rate=rate, layout=layout)
        # The encoder says itself how many samples it takes at a time, once it is open.
        stream.codec_context.open()
        resampler = av.AudioResampler(
            format=stream.format, layout=layout, rate=rate, frame_size=stream.frame_size or None
        )
        samples = numpy.frombuffer(sound.data, "<i2")[None, :]
        step = sound.rate * sound.channels * 20
        for start in range(0, samples.shape[1], step):
            block = numpy.ascontiguousarray(samples[:, start : start + step])
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout=layout)
            frame.sample_rate = sound.rate
            _mux(container, stream, resampler.resample(frame))
        _mux(container, stream, resampler.resample(None))
        container.mux(stream.encode(None))
    return made.getvalue()


def _mux(container: Any, stream: Any, frames: Any) -> None:
    for frame in frames:
        container.mux(stream.encode(frame))


def length(file: bytes, format: str, rate: int | None = None) -> float | None:
    """Seconds; None where only the extra "audio" could tell."""
    from groqnb.hearing.extras import MissingExtra

    sound = read_wav(file)
    if sound is not None:
        return sound.seconds
    if format == "mulaw" and file[:4] != b"RIFF":
        return len(file) / (rate or 48_000)
    try:
        return decoded(file, format, rate).seconds
    except MissingExtra:
        return None
