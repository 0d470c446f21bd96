"""Recordings for tests: the cookbook's two, parts of them, other formats, other sounds."""

from __future__ import annotations

import io
import re
import wave
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

DATA = Path(__file__).parents[1] / "notebooks" / "data"
RATE = 16_000

#: What is said in the cookbook's recordings, word by word.
SPOKEN = {
    "en": (
        "Good morning, and welcome to the harbor. Our boat leaves in twelve minutes, at half past "
        "nine. The weather is calm today: a light wind from the west, and hardly a cloud in the "
        "sky. Please keep your tickets ready. If you lose one, ask Grace at the counter. Have a "
        "pleasant journey!"
    ),
    "fr": (
        "Bonjour à tous, et bienvenue au musée de la mer. La visite commence dans dix minutes. "
        "Nous verrons d'abord les grands bateaux, puis les vieilles cartes. Il est interdit de "
        "manger dans les salles. Merci de votre attention."
    ),
}
_NUMBERS = {
    "dr": "doctor",
    "9": "nine",
    "10": "ten",
    "12": "twelve",
    "dix": "ten",
    "9:30": "half past nine",
}

Sound = NDArray[np.int16]


def recording(language: str) -> bytes:
    """The cookbook's recording in "en" or "fr", as FLAC."""
    return (DATA / f"speech_{language}.flac").read_bytes()


@cache
def samples(language: str = "en") -> Sound:
    """The same as samples at 16 kHz."""
    with av.open(io.BytesIO(recording(language))) as container:
        parts = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    whole: Sound = np.concatenate(parts).astype(np.int16)
    return whole


def wav(sound: Sound, rate: int = RATE, channels: int = 1) -> bytes:
    """Samples as a wav file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as made:
        made.setnchannels(channels)
        made.setsampwidth(2)
        made.setframerate(rate)
        made.writeframes(sound.tobytes())
    return file.getvalue()


def silence(seconds: float) -> Sound:
    """Nothing to be heard."""
    return np.zeros(round(seconds * RATE), np.int16)


def greeting() -> bytes:
    """The first sentence, 2.4 s: "Good morning, and welcome to the harbor."."""
    return wav(samples()[: round(2.4 * RATE)])


def encoded(
    sound: Sound, container: str, codec: str, *, rate: int = RATE, video: bool = False
) -> bytes:
    """Samples in another format; with `video` a few frames of a picture go before them."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as made:
        picture: Any = None
        if video:
            picture = made.add_stream("mpeg4", rate=10)
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        stream: Any = made.add_stream(codec, rate=rate, layout="mono")
        if picture is not None:
            for _ in range(5):
                shown = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")
                made.mux(picture.encode(shown))
            made.mux(picture.encode(None))
        frame = av.AudioFrame.from_ndarray(sound.reshape(1, -1), "s16", "mono")
        frame.sample_rate = RATE
        frame.pts = 0
        made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    return file.getvalue()


def decoded(content: bytes) -> tuple[int, Sound]:
    """The sample rate and the samples of an audio file's first track."""
    with av.open(io.BytesIO(content)) as container:
        rate = container.streams.audio[0].rate
        resampler = av.AudioResampler("s16", "mono", rate)
        frames = [made for frame in container.decode(audio=0) for made in resampler.resample(frame)]
    return rate, np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])


def words(text: str) -> list[str]:
    """A text's words as they are said: small letters, numbers in words, no punctuation."""
    found = re.findall(r"[\w:']+", text.lower())
    return " ".join(_NUMBERS.get(word.strip(":"), word.strip(":")) for word in found).split()


def word_error_rate(said: str, heard: str) -> float:
    """How many words are wrong, missing or too many, for each word that was said."""
    wanted, got = words(said), words(heard)
    row = list(range(len(got) + 1))
    for number, word in enumerate(wanted, 1):
        before, row[0] = row[0], number
        for column, other in enumerate(got, 1):
            cost = min(row[column] + 1, row[column - 1] + 1, before + (word != other))
            before, row[column] = row[column], cost
    return row[-1] / len(wanted)
