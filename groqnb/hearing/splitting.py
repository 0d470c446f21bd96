"""Long sound in pieces that overlap, cut where it is quietest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from groqnb.hearing.decoding import RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.int16]

__all__ = ["Envelope", "Piece", "pieces", "quietest"]

_FRAME = RATE // 50  # 20 ms, in which speech hardly changes
_PAUSE = 20  # frames: 0.4 s, which is a pause between words, and no consonant
_EARLIEST = 0.6  # of a piece's length: from there on a pause is looked for
_TAIL = 0.15  # of a piece's length: an end no longer than this stays with what is before it


@dataclass(frozen=True)
class Piece:
    """A part of a recording; times in seconds of the whole.

    `start` and `stop` are where its sound begins and ends, `begins` and `ends` what of it is its
    own: the rest is also in its neighbours. `loudest` is from 0 to 1.
    """

    index: int
    start: float
    stop: float
    begins: float
    ends: float
    loudest: float
    samples: Samples = field(repr=False)

    @property
    def seconds(self) -> float:
        """How long its sound is."""
        return self.stop - self.start


@dataclass
class Envelope:
    """How loud a recording is, 20 times a second, from 0 to 1: what a waveform is drawn from."""

    step: float = 0.05
    loudness: list[Any] = field(default_factory=list)
    _rest: Any = None  # samples of a step that is not full yet

    def add(self, samples: Samples) -> None:
        """The next samples."""
        import numpy as np

        size = int(RATE * self.step)
        if self._rest is not None and len(self._rest):
            samples = np.concatenate((self._rest, samples))
        whole = len(samples) // size * size
        if whole:
            rows = samples[:whole].reshape(-1, size)
            high, low = rows.max(axis=1).astype("int32"), rows.min(axis=1).astype("int32")
            self.loudness.append((abs(high).clip(min=abs(low)) / 32768).astype("float32"))
        self._rest = samples[whole:].copy()

    def values(self) -> Any:
        """All of it as one array."""
        import numpy as np

        last = [] if self._rest is None or not len(self._rest) else [_loudest(self._rest)[None]]
        known = [*self.loudness, *last]
        return np.concatenate(known) if known else np.zeros(0, "float32")


def _loudest(samples: Samples) -> Any:
    import numpy as np

    if not len(samples):
        return np.float32(0)
    return np.float32(max(int(samples.max()), -int(samples.min())) / 32768)


def pieces(
    blocks: Iterable[Samples], *, seconds: float, overlap: float, envelope: Envelope | None = None
) -> Iterator[Piece]:
    """Cuts sound into pieces of about `seconds`, each `overlap` seconds of which two share.

    Holds little more than one piece, however long the sound is.

    ```python
    for piece in pieces(decoded(source).blocks, seconds=300, overlap=4):
        print(piece.begins, piece.ends)
    ```
    """
    import numpy as np

    target, half = int(seconds * RATE), int(overlap / 2 * RATE)
    most = int(target * (1 + _TAIL)) + half
    # The sound from `start` on; what comes before `begins` is the neighbour's too.
    room = np.empty(half + most + target, np.int16)
    held = start = begins = index = 0
    for block in blocks:
        if envelope is not None:
            envelope.add(block)
        if held + len(block) > len(room):
            room = np.concatenate((room[:held], np.empty(len(block) + target, np.int16)))
        room[held : held + len(block)] = block
        held += len(block)
        while held - (begins - start) >= most:
            own = begins - start
            first = own + int(target * _EARLIEST)
            cut = start + first + quietest(room[first : own + target])
            stop = min(cut + half, start + held)
            yield _piece(index, start, stop, begins, cut, room[: stop - start].copy())
            index, begins = index + 1, cut
            gone = max(cut - half, start) - start
            # numpy copies what overlaps itself rightly.
            room[: held - gone] = room[gone:held]
            start, held = start + gone, held - gone
    if held > begins - start:
        stop = start + held
        yield _piece(index, start, stop, begins, stop, room[:held].copy())


def _piece(index: int, start: int, stop: int, begins: int, ends: int, samples: Samples) -> Piece:
    times = (start / RATE, stop / RATE, begins / RATE, ends / RATE)
    return Piece(index, *times, float(_loudest(samples)), samples)


def quietest(samples: Samples) -> int:
    """The middle of the quietest 0.4 s, as a number of samples; of several the last.

    ```python
    quietest(numpy.concatenate([speech, numpy.zeros(16_000, "int16"), speech]))
    ```
    """
    import numpy as np

    frames = len(samples) // _FRAME
    if frames <= _PAUSE:
        return len(samples) // 2
    rows = samples[: frames * _FRAME].reshape(frames, _FRAME).astype(np.float32)
    power = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    sums = np.concatenate(([0.0], np.cumsum(power)))
    pauses = sums[_PAUSE:] - sums[:-_PAUSE]
    # What is within 1 dB of the quietest is as good, and the later the longer the piece.
    limit = pauses.min() * 1.26 + _PAUSE * _FRAME
    best = int(np.flatnonzero(pauses <= limit)[-1])
    return (best + _PAUSE // 2) * _FRAME
