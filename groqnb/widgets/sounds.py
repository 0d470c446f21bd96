"""Sound files as bytes: their kind and length, how loud they are when, parts of them, WAV of them.

PCM in WAV needs nothing else; everything else needs the extra "audio".
"""

from __future__ import annotations

import io
import wave
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from groqnb.hearing.extras import load_av, load_numpy
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MIMES", "cut", "kind", "length", "loudness", "to_flac", "to_wav"]

MIMES = {
    "webm": "audio/webm",
    "ogg": "audio/ogg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
}
"""The kinds of sound files, and what browsers call them."""

_STEPS = 400  # values of a waveform


def kind(data: bytes) -> str | None:
    """What kind of sound file it is, by its bytes: a key of `MIMES`, or None.

    ```python
    >>> kind(b"RIFF\\x00\\x00\\x00\\x00WAVEfmt "), kind(b"<html>")
    ('wav', None)

    ```
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "wav"
    if data[:4] == b"\x1a\x45\xdf\xa3":
        return "webm"
    if data[:4] == b"OggS":
        return "ogg"
    if data[:4] == b"fLaC":
        return "flac"
    if data[4:8] == b"ftyp":
        return "m4a"
    if data[:3] == b"ID3" or (len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2):
        return "mp3"
    return None


def length(data: bytes) -> float:
    """How long it is, in seconds, by what is in it and not by what its header says.

    Raises ParameterError for what is no sound, MissingExtra without `groqnb[audio]`.
    """
    plain = _pcm(data)
    if plain is not None:
        return len(plain.samples) / plain.width / plain.rate
    start = end = None
    with _opened(data) as (container, stream):
        for packet in container.demux(stream):
            if packet.pts is not None:
                start = packet.pts if start is None else min(start, packet.pts)
                end = max(end or 0, packet.pts + (packet.duration or 0))
        if start is None or end is None:
            raise ParameterError("There is no sound in this file.")
        return float((end - start) * stream.time_base)


def loudness(data: bytes, steps: int = _STEPS) -> list[int]:
    """The peaks of `steps` parts that are equally long, 0 to 100: what a waveform shows.

    Raises ParameterError, MissingExtra.
    """
    numpy = load_numpy()
    peaks = []
    # Some 5 ms each, so that an hour's samples never stand in memory together.
    for block in _blocks(data, 16_000):
        short = -len(block) % 80
        wide = numpy.pad(numpy.abs(block.astype("i4")), (0, short)).reshape(-1, 80)
        peaks.append(wide.max(axis=1))
    if not peaks:
        return []
    fine = numpy.concatenate(peaks)
    edges = numpy.linspace(0, len(fine), min(steps, len(fine)) + 1).astype(int)
    return [int(100 * value / 32768) for value in numpy.maximum.reduceat(fine, edges[:-1])]


def to_wav(data: bytes, rate: int) -> bytes:
    """Mono, 16 bits a sample, at `rate` Hz. Raises ParameterError, MissingExtra."""
    plain = _pcm(data)
    if plain is not None and (plain.rate, plain.width, plain.channels) == (rate, 2, 1):
        return _wav(plain.samples, rate)
    return _wav(b"".join(block.tobytes() for block in _blocks(data, rate)), rate)


def to_flac(data: bytes) -> bytes:
    """As FLAC, with its own rate and channels. Raises ParameterError, MissingExtra."""
    return _flac(data, 0, None)


def cut(data: bytes, start: float, end: float) -> bytes:
    """The part from `start` to `end`, in seconds, in the same kind of file.

    Nothing is encoded anew: compressed sound is cut where its packets begin, some 20 to 60 ms
    apart; WAV and FLAC at the sample. Raises ParameterError, MissingExtra.
    """
    plain = _pcm(data)
    if plain is not None:
        first, last = (int(at * plain.rate) * plain.width for at in (start, end))
        return _wav(plain.samples[first:last], plain.rate, plain.width, plain.channels)
    if kind(data) == "flac":
        return _flac(data, start, end)
    av, made = load_av(), io.BytesIO()
    container_of = {"m4a": "ipod", "mp3": "mp3", "ogg": "ogg"}.get(kind(data) or "", "webm")
    with _opened(data) as (source, stream), av.open(made, "w", format=container_of) as target:
        copy = target.add_stream_from_template(stream)
        shift = None
        for packet in source.demux(stream):
            if packet.pts is None:
                continue
            at = float(packet.pts * stream.time_base)
            if at + float((packet.duration or 0) * stream.time_base) <= start or at >= end:
                continue
            shift = packet.pts if shift is None else shift
            packet.pts -= shift
            packet.dts = packet.pts
            packet.stream = copy
            target.mux(packet)
    if shift is None:
        raise ParameterError("Nothing would be left.")
    return made.getvalue()


class _Pcm:
    """The samples of a WAV file; `width` is bytes for one sample of all channels."""

    def __init__(self, file: wave.Wave_read) -> None:
        self.rate, self.channels = file.getframerate(), file.getnchannels()
        self.width = file.getsampwidth() * self.channels
        self.samples = file.readframes(file.getnframes())


def _pcm(data: bytes) -> _Pcm | None:
    if kind(data) != "wav":
        return None
    try:
        with wave.open(io.BytesIO(data)) as file:
            return _Pcm(file) if file.getframerate() else None
    except (wave.Error, EOFError):
        return None  # not PCM, or damaged: FFmpeg knows


def _wav(samples: bytes, rate: int, width: int = 2, channels: int = 1) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width // channels)
        file.setframerate(rate)
        file.writeframes(samples)
    return made.getvalue()


def _flac(data: bytes, start: float, end: float | None) -> bytes:
    av, made = load_av(), io.BytesIO()
    with _opened(data) as (source, stream), av.open(made, "w", format="flac") as target:
        coded = target.add_stream("flac", rate=stream.rate, layout=stream.layout.name)
        at = 0
        for frame in source.decode(stream):
            samples, rate = frame.to_ndarray(), frame.sample_rate
            packed = not frame.format.is_planar
            lanes = len(frame.layout.channels) if packed else 1
            first = max(0, round(start * rate) - at)
            last = frame.samples if end is None else min(frame.samples, round(end * rate) - at)
            at += frame.samples
            if last <= first:
                continue
            kept = samples[:, first * lanes : last * lanes].copy()
            part = av.AudioFrame.from_ndarray(kept, frame.format.name, frame.layout.name)
            part.sample_rate = rate
            for packet in coded.encode(part):
                target.mux(packet)
        for packet in coded.encode(None):
            target.mux(packet)
    return made.getvalue()


def _blocks(data: bytes, rate: int) -> Iterator[Any]:
    """Mono samples of 16 bits at `rate`, as numpy arrays."""
    av = load_av()
    load_numpy()
    # Whole numbers: mixing floats of two channels to one makes them louder.
    resampler = av.AudioResampler("s16", "mono", rate)
    with _opened(data) as (container, stream):
        for frame in container.decode(stream):
            frame.pts = None  # gaps in the times are no silence here
            for made in resampler.resample(frame):
                yield made.to_ndarray()[0]
        for made in resampler.resample(None):
            yield made.to_ndarray()[0]


@contextmanager
def _opened(data: bytes) -> Iterator[tuple[Any, Any]]:
    """A container and its first track of sound; what FFmpeg finds wrong is a ParameterError."""
    av = load_av()
    try:
        with av.open(io.BytesIO(data)) as container:
            if not container.streams.audio:
                raise ParameterError("There is no sound in this file.")
            yield container, container.streams.audio[0]
    except av.error.FFmpegError as error:
        raise ParameterError(
            f"This sound cannot be read ({error.strerror or error}).",
            hint="Is it whole, and is it a sound file?",
        ) from None
