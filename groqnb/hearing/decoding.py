"""Any recording as blocks of 16 kHz mono, 16 bits a sample: what the speech models work on."""

from __future__ import annotations

import re
import wave
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import IO, TYPE_CHECKING, Any

from groqnb.hearing.extras import load_av
from groqnb.hearing.sources import Source
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.int16]

__all__ = ["RATE", "Sound", "decoded"]

RATE = 16_000  # Hz

_BLOCK = 20 * RATE  # samples read at a time
_LOOK = 16  # frames
# A recording with more damaged packets in a row than this has nothing more to say.
_MOST_DAMAGED = 2_000


@dataclass
class Sound:
    """A recording that is being decoded.

    `length` is in seconds, as its file says, None where it does not say; where it is not `sure`,
    the sound may be shorter or longer and be whole. `damaged` counts the packets that could not be
    decoded and were left out. `blocks` can be iterated over once.
    """

    name: str
    length: float | None
    blocks: Iterator[Samples] = field(repr=False)
    damaged: int = 0
    sure: bool = True


def decoded(source: Source) -> Sound:
    """The first audio track of a recording. Raises ParameterError, at once or while it is read.

    ```python
    sound = decoded(source_of("talk.mp4"))
    total = sum(len(block) for block in sound.blocks) / RATE
    ```
    """
    if source.samples is not None:
        return _from_array(source)
    file = source.open()
    try:
        return _from_wav(source, file) or _from_container(source, file)
    except BaseException:
        file.close()
        raise


def _from_array(source: Source) -> Sound:
    import numpy as np

    array, rate = source.samples, source.rate
    # Floats are from -1 to 1; those that are far from it are taken for 16-bit numbers, and so are
    # wide integers that 16 bits can hold: as wide ones they would be silence.
    scale = 32767.0
    if array.dtype.kind == "f" and max(array.max(), -array.min()) > 8.0:
        scale = 1.0
    wide = array.dtype.kind == "i" and array.dtype.itemsize > 2
    small = wide and array.max() < 1 << 15 and array.min() >= -(1 << 15)

    def blocks() -> Iterator[Samples]:
        step = rate * 20
        for start in range(0, len(array), step):
            block = array[start : start + step]
            if block.dtype.kind == "f":
                block = np.clip(block * scale, -32768, 32767).astype(np.int16)
            elif small:
                block = block.astype(np.int16)
            yield _mono(_as_int16(block))

    length = len(array) / rate
    return Sound(source.subject, length, _resampled(blocks(), rate))


def _as_int16(block: Any) -> Any:
    """Whole numbers of any width as 16 bits."""
    import numpy as np

    if block.dtype == np.int16:
        return block
    bits = block.dtype.itemsize * 8
    middle = 1 << (bits - 1) if block.dtype.kind == "u" else 0
    values = block.astype(np.int64) - middle
    return (values << (16 - bits) if bits < 16 else values >> (bits - 16)).astype(np.int16)


def _mono(block: Any) -> Samples:
    import numpy as np

    if block.ndim == 1:
        mono: Samples = np.ascontiguousarray(block)
        return mono
    return block.mean(axis=1).astype(np.int16)  # type: ignore[no-any-return]


def _from_wav(source: Source, file: IO[bytes]) -> Sound | None:
    """WAV of 16 bits is read as it is, without a decoder; None for everything else."""
    import numpy as np

    try:
        reader = wave.open(file)  # noqa: SIM115 - its blocks are read later
    except (wave.Error, EOFError):
        file.seek(0)
        return None
    channels, width, rate, frames = reader.getparams()[:4]
    if width != 2 or frames <= 0 or not 1_000 <= rate <= 768_000 or channels > 32:
        file.seek(0)
        return None

    def blocks() -> Iterator[Samples]:
        # Not `frames` of them: a header written before the sound may promise any number.
        with file:
            while data := reader.readframes(_BLOCK):
                data = data[: len(data) // (2 * channels) * 2 * channels]
                block = np.frombuffer(data, "<i2")
                yield _mono(block.reshape(-1, channels) if channels > 1 else block)

    # Headers of streams say the largest number there is.
    length = frames / rate if frames < (1 << 30) else None
    return Sound(source.subject, length, _resampled(blocks(), rate))


def _resampled(blocks: Iterable[Samples], rate: int) -> Iterator[Samples]:
    if rate == RATE:
        yield from blocks
        return
    av = load_av()
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    for block in blocks:
        frame = av.AudioFrame.from_ndarray(block[None, :], format="s16", layout="mono")
        frame.sample_rate = rate
        for out in resampler.resample(frame):
            yield out.to_ndarray()[0]
    for out in resampler.resample(None):
        yield out.to_ndarray()[0]


def _from_container(source: Source, file: IO[bytes]) -> Sound:
    """What FFmpeg can read: compressed audio, and video with a track of audio."""
    av = load_av()
    counted = _counts_its_frames(file)
    try:
        # Playlists and the like name other files and addresses: those are nobody's wish here.
        alone = {"protocol_whitelist": "none"}
        container = av.open(file, mode="r", metadata_errors="replace", options=alone)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise _no_audio(source, error) from None
    if not container.streams.audio:
        kinds = sorted({stream.type for stream in container.streams if stream.type})
        container.close()
        held = f"it holds {' and '.join(kinds)} only" if kinds else "it holds no track at all"
        raise ParameterError(f"{source.subject} has no audio track: {held}.")
    track = container.streams.audio[0]
    length, sure = _length(av, container, track)
    sure = sure and (counted or container.format.name != "mp3")
    sound = Sound(source.subject, length, iter(()), sure=sure)
    sound.blocks = _tracked(av, sound, container, track, file)
    return sound


def _counts_its_frames(file: IO[bytes]) -> bool:
    """Whether an MP3 says how long it is; of others FFmpeg guesses it from how they begin."""
    head = file.read(10)
    if head[:3] == b"ID3":
        size = 0
        for byte in head[6:]:
            size = size << 7 | byte & 0x7F
        file.seek(10 + size)
    frame = head + file.read(512)
    file.seek(0)
    return any(name in frame for name in (b"Xing", b"Info", b"VBRI"))


def _length(av: Any, container: Any, track: Any) -> tuple[float | None, bool]:
    """Until when the track lasts, in seconds from the container's beginning, and if that is sure.

    A container lasts as long as the longest of its tracks, which may be a video.
    """
    told = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", track.metadata.get("DURATION", ""))
    if told is not None:
        return int(told[1]) * 3600 + int(told[2]) * 60 + float(told[3]), True
    if "mp4" in container.format.name and track.duration:
        begins = float((track.start_time or 0) * track.time_base)
        begins -= (container.start_time or 0) / av.time_base
        return begins + float(track.duration * track.time_base), True
    length = container.duration / av.time_base if container.duration else None
    return length, not container.streams.video


def _late(av: Any, container: Any, frame: Any) -> int:
    """How many samples after the container's beginning the first of the sound's frames is."""
    if frame.time is None or not container.duration:
        return 0
    begins = frame.time - (container.start_time or 0) / av.time_base
    # Less is an encoder's delay; more than there is, a broken clock.
    return round(begins * RATE) if 0.1 < begins < container.duration / av.time_base else 0


def _tracked(av: Any, sound: Sound, container: Any, track: Any, file: IO[bytes]) -> Iterator[Any]:
    import numpy as np

    some: list[Any] = []
    held = total = 0
    with file, closing(container):
        frames = _frames(av, sound, container, track)
        first = next(frames, None)
        # The times are to be those of the video that the sound belongs to.
        late = 0 if first is None else _late(av, container, first)
        while late:
            yield np.zeros(min(late, _BLOCK), np.int16)
            late -= min(late, _BLOCK)
        for piece in _resampled_frames(av, chain([first] if first else [], frames)):
            some.append(piece)
            held += len(piece)
            if held >= _BLOCK:
                total += held
                yield np.concatenate(some)
                some, held = [], 0
    if some:
        total += held
        yield np.concatenate(some)
    if total == 0:
        raise ParameterError(
            f"{sound.name} cannot be decoded: it is damaged, or not what it claims to be."
        )


def _resampled_frames(av: Any, frames: Iterable[Any]) -> Iterator[Samples]:
    """The frames' samples; a second at a time goes to the resampler, which likes few large ones."""
    resampler: Any = None
    gathered = av.AudioFifo()

    def flush(*, ending: bool) -> Iterator[Samples]:
        nonlocal resampler, gathered
        frame = gathered.read() if gathered.samples else None
        with suppress(av.error.FFmpegError):
            if frame is not None:
                if resampler is None:
                    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
                frame.pts = None
                for out in resampler.resample(_halved(av, frame)):
                    yield out.to_ndarray()[0]
            if ending and resampler is not None:
                for out in resampler.resample(None):
                    yield out.to_ndarray()[0]
        if ending:
            resampler, gathered = None, av.AudioFifo()

    waiting = 0
    for frame in frames:
        # Timestamps with gaps in them would be refused.
        frame.pts = None
        try:
            gathered.write(frame)
        except ValueError:
            # The track changed its rate or its channels on the way.
            yield from flush(ending=True)
            gathered.write(frame)
        waiting += 1
        # Looked at now and then: there are a hundred thousand frames in an hour.
        if waiting >= _LOOK:
            waiting = 0
            if gathered.samples >= frame.sample_rate:
                yield from flush(ending=False)
    yield from flush(ending=True)


def _halved(av: Any, frame: Any) -> Any:
    """Stereo as most decoders give it made mono here, for the resampler takes longer to do it."""
    if frame.format.name != "fltp" or frame.layout.name != "stereo":
        return frame
    both = frame.to_ndarray()
    both[0] += both[1]
    both[0] *= 0.5
    mono = av.AudioFrame.from_ndarray(both[:1], format="fltp", layout="mono")
    mono.sample_rate = frame.sample_rate
    return mono


def _frames(av: Any, sound: Sound, container: Any, track: Any) -> Iterator[Any]:
    """The frames that can be decoded; what is damaged between them is counted and left out."""
    packets = container.demux(track)
    failed = 0
    while failed <= _MOST_DAMAGED:
        try:
            for packet in packets:
                yield from packet.decode()
                failed = 0
            return
        except (EOFError, av.error.EOFError):
            return
        except (av.error.FFmpegError, OSError):
            # A generator that has raised is at its end: demuxing goes on with a new one.
            packets = container.demux(track)
            sound.damaged += 1
            failed += 1


def _no_audio(source: Source, error: Exception) -> ParameterError:
    reason = str(getattr(error, "strerror", "") or "").lower()
    if "moov atom" in reason or "end of file" in reason:
        return ParameterError(f"{source.subject} is cut off: its end is missing.")
    return ParameterError(
        f"{source.subject} is no audio or video that can be read: it is damaged, or another kind "
        "of file.",
        hint="FFmpeg's formats are read: wav, mp3, m4a, flac, ogg, webm, mp4, mov, mkv and more.",
    )
