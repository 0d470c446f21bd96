"""Speech to text: Whisper (base, multilingual, 8-bit), run by the package faster-whisper.

Two cores take 0.1 to 0.3 s for a second of speech; clear English comes out with one to two words
wrong in a hundred, other languages worse, and translations into English rougher still. A long
recording is heard in stretches of a few minutes, cut where it is quiet, so that memory stays
bounded.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groqnb.local.parts.recording import QUIET, RATE, Recording

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["GivenUp", "Heard", "Listening", "Whisper", "missing_package"]

_STRETCH = 300  # s
_LOOK_BACK = 30  # s of a stretch in which a quiet place is looked for
_WINDOW = 30  # s that the model hears at a time
_LEFT_OUT = 0.5  # s of speech behind the last word that are worth another look
_BLOCK = RATE // 5
# What a segment must reach, else it is heard again at the next temperature.
_TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


class GivenUp(Exception):
    """Nobody wants the result any more."""


@dataclass(frozen=True)
class Listening:
    """What is wanted of a recording. `language` is Whisper's code; None: it finds out."""

    translate: bool = False
    language: str | None = None
    prompt: str | None = None
    temperature: float = 0.0
    words: bool = False


@dataclass
class Heard:
    """What was heard. Times are in seconds; `seek` is in hundredths of a second."""

    language: str
    seconds: float
    segments: list[dict[str, Any]] = field(default_factory=list)
    words: list[dict[str, Any]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The whole transcript."""
        return "".join(segment["text"] for segment in self.segments).strip()


def missing_package() -> str | None:
    """The package of the extra "speech" that is not installed, None when it is."""
    return "faster_whisper" if find_spec("faster_whisper") is None else None


class Whisper:
    """The model, loaded. `files` are its model.bin, config.json and the like. Not thread-safe."""

    def __init__(self, files: Mapping[str, Path], threads: int) -> None:
        # Read when the runtime is imported first: threads that spin while they wait would starve
        # the language model beside them.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        from faster_whisper import WhisperModel

        self._model = WhisperModel(
            "whisper-base",
            device="cpu",
            compute_type="int8",
            cpu_threads=threads,
            files={name: path.read_bytes() for name, path in files.items()},
        )
        self.languages = frozenset(self._model.supported_languages)

    def tokens(self, text: str) -> int:
        """How many tokens a prompt has."""
        ids: list[int] = self._model.hf_tokenizer.encode(
            " " + text.strip(), add_special_tokens=False
        ).ids
        return len(ids)

    def hear(self, recording: Recording, wanted: Listening, given_up: threading.Event) -> Heard:
        """The transcript. Raises GivenUp soon after `given_up` is set."""
        heard = Heard(wanted.language or "", recording.seconds)
        start = 0
        while start < len(recording.samples):
            end = _end_of_stretch(recording.samples, start)
            self._stretch(recording.samples[start:end], start, wanted, heard, given_up)
            start = end
        return heard

    def _stretch(
        self,
        samples: NDArray[np.int16],
        start: int,
        wanted: Listening,
        heard: Heard,
        given_up: threading.Event,
    ) -> None:
        import numpy as np

        if given_up.is_set():
            raise GivenUp
        if np.abs(samples.astype(np.int32)).max() < QUIET:
            # In pure silence it hears what was said most often in its training.
            return
        # Behind the first stretch goes what was said last, as within one.
        before = " ".join(filter(None, (wanted.prompt, heard.text[-400:])))
        end = self._listen(samples, start, before, wanted, heard, given_up)
        rest = samples[end:]
        # Led by a prompt it may stop in the middle of a window, and would leave out the rest of it.
        if before and end > 0 and len(rest) < _WINDOW * RATE and _speech(rest) >= _LEFT_OUT:
            self._listen(rest, start + end, "", wanted, heard, given_up)

    def _listen(
        self,
        samples: NDArray[np.int16],
        start: int,
        prompt: str,
        wanted: Listening,
        heard: Heard,
        given_up: threading.Event,
    ) -> int:
        """Add what is said in `samples`; how many of them its last word ends behind."""
        segments, info = self._model.transcribe(
            _floats(samples),
            language=heard.language or None,
            task="translate" if wanted.translate else "transcribe",
            beam_size=5,
            temperature=_TEMPERATURES if wanted.temperature == 0 else [wanted.temperature],
            initial_prompt=prompt or None,
            # In a single window there is nothing to go on from; in the silence at its end the
            # model would only say its last sentence again.
            condition_on_previous_text=len(samples) > _WINDOW * RATE,
            word_timestamps=wanted.words,
        )
        heard.language = heard.language or info.language
        offset = start / RATE
        end = 0.0
        for segment in segments:
            if given_up.is_set():
                raise GivenUp
            heard.segments.append(_segment(segment, len(heard.segments), offset))
            heard.words += [_word(word, offset) for word in segment.words or ()]
            end = float(segment.end)
        return min(int(end * RATE), len(samples))


def _floats(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    import numpy as np

    floats: NDArray[np.float32] = samples.astype(np.float32) / np.float32(32768)
    return floats


def _speech(samples: NDArray[np.int16]) -> float:
    """How many seconds of it are speech, by the detector that comes with faster-whisper."""
    from faster_whisper.vad import get_speech_timestamps

    found = get_speech_timestamps(_floats(samples)) if len(samples) else []
    return sum(int(part["end"]) - int(part["start"]) for part in found) / RATE


def _end_of_stretch(samples: NDArray[np.int16], start: int) -> int:
    """Where the stretch from `start` ends: in the quietest place of its last part."""
    import numpy as np

    end = start + _STRETCH * RATE
    if end >= len(samples):
        return len(samples)
    first = end - _LOOK_BACK * RATE
    blocks = samples[first:end].astype(np.float32).reshape(-1, _BLOCK)
    return first + int((blocks**2).mean(axis=1).argmin()) * _BLOCK + _BLOCK // 2


def _segment(segment: Any, number: int, offset: float) -> dict[str, Any]:
    """A segment with every documented field, in plain numbers."""
    return {
        "id": number,
        "seek": int(segment.seek + offset * 100),
        "start": round(float(segment.start) + offset, 3),
        "end": round(float(segment.end) + offset, 3),
        "text": segment.text,
        "tokens": [int(token) for token in segment.tokens],
        "temperature": float(segment.temperature),
        "avg_logprob": float(segment.avg_logprob),
        "compression_ratio": float(segment.compression_ratio),
        "no_speech_prob": float(segment.no_speech_prob),
    }


def _word(word: Any, offset: float) -> dict[str, Any]:
    return {
        "word": word.word.strip(),
        "start": round(float(word.start) + offset, 3),
        "end": round(float(word.end) + offset, 3),
    }
