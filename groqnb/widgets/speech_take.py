"""One spoken text as sound: its kind and length, a form that browsers play, what is saved of it."""

from __future__ import annotations

import os
import struct
import wave
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

from groqnb.hearing.extras import MissingExtra
from groqnb.render.html import Child, audio, el
from groqnb.render.message import badge
from groqnb.render.plain import clean
from groqnb.types.errors import ParameterError
from groqnb.widgets import sounds
from groqnb.widgets.recorder_result import seconds_text

__all__ = ["FORMATS", "Take", "excerpt", "facts", "take_of", "told"]

FORMATS = ("flac", "mp3", "mulaw", "ogg", "wav")
_MOST_SAVED = 200_000
"""Bytes of sound that are saved in a notebook."""

_SMALL = 64_000  # bytes; what is larger is saved as MP3, a third of it or less
_LONGEST_SAVED = 120.0  # s; beyond it not even MP3 is small

_LONGEST = 280  # characters of the text that are shown
_MULAW_RATE = 48_000  # Hz; what the documentation says where no rate is asked for
_MULAW = 7  # the number of this code in a WAV header


@dataclass(frozen=True)
class Take:
    """A text as one voice spoke it: the file as it came, and as a browser plays it.

    `seconds` is None where nothing here can tell it; `answered` is the model that spoke, where a
    local engine says it was another than the one asked.
    """

    voice: str
    data: bytes
    format: str
    seconds: float | None
    playable: bytes
    mime: str
    answered: str = ""

    @cached_property
    def saved(self) -> tuple[bytes, str] | None:
        """The sound for the notebook's file, and its media type; None where it is too large."""
        if len(self.playable) > _SMALL and (self.seconds or 0) <= _LONGEST_SAVED:
            from groqnb.speaking.joining import decoded, encoded

            with suppress(ParameterError, MissingExtra):
                small = encoded(decoded(self.playable, self.format), "mp3")
                if len(small) < len(self.playable):
                    return (small, sounds.MIMES["mp3"]) if len(small) <= _MOST_SAVED else None
        return (self.playable, self.mime) if len(self.playable) <= _MOST_SAVED else None


def take_of(source: Any, format: str | None, voice: str, rate: int | None = None) -> Take:
    """What was spoken, as bytes, a path, or what `client.audio.speech` or `groqnb.speak` gave.

    The bytes decide what it is; `format` is needed for bare mulaw alone, which has no header.
    Raises ParameterError for what is no sound, OSError for a path that cannot be read.
    """
    if format is not None and format not in FORMATS:
        raise ParameterError(
            f"format is {format!r}; it is one of {', '.join(FORMATS)}.",
            hint="Leave it out: most kinds are known by their bytes.",
        )
    if isinstance(source, (str, os.PathLike)):
        data = Path(os.path.expanduser(source)).read_bytes()
    else:
        data = getattr(source, "content", getattr(source, "audio", source))
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise ParameterError(
            f"audio is a {type(source).__name__}, not the bytes of a sound file.",
            hint="Pass bytes, a path, or what client.audio.speech.create returned.",
        )
    data = bytes(data)
    headers = getattr(source, "headers", None) or {}
    answered = str(getattr(source, "answered", "") or headers.get("x-groqnb-model", ""))
    found = sounds.kind(data)
    coded = _mulaw_in(data, rate or _MULAW_RATE, found, format)
    if coded is not None:
        playable, seconds = coded
        return Take(voice, data, "mulaw", seconds, playable, sounds.MIMES["wav"], answered)
    if found is None:
        raise ParameterError(
            "These bytes are no sound file." if data else "There is no sound: no bytes came.",
            hint="Bare mulaw must be named: format='mulaw'." if data else None,
        )
    return Take(voice, data, found, _seconds(data), data, sounds.MIMES[found], answered)


def _seconds(data: bytes) -> float | None:
    try:
        return sounds.length(data)
    except MissingExtra:
        return None  # the browser tells


def _mulaw_in(
    data: bytes, rate: int, found: str | None, format: str | None
) -> tuple[bytes, float] | None:
    """Mulaw as WAV of 16 bits, and its length in seconds; None for anything else."""
    if found == "wav":
        header = _wav_header(data)
        if header is None or header[0] != _MULAW:
            return None
        _, rate, start, end = header
        data = data[start:end]
    elif found is not None or format != "mulaw" or not data:
        return None
    low, high = _tables()
    samples = bytearray(2 * len(data))
    samples[0::2], samples[1::2] = data.translate(low), data.translate(high)
    made = BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(samples))
    return made.getvalue(), len(data) / rate


def _wav_header(data: bytes) -> tuple[int, int, int, int] | None:
    """The number of the code, the rate, and from where to where the sound is."""
    at, code, rate = 12, 0, 0
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name == b"fmt " and at + 24 <= len(data):
            code, _, rate = struct.unpack_from("<HHI", data, at + 8)
        elif name == b"data":
            return (code, rate, at + 8, min(len(data), at + 8 + size)) if rate else None
        at += 8 + size + size % 2
    return None


def _tables() -> tuple[bytes, bytes]:
    """The low and the high byte of the sample that each byte of mulaw stands for (G.711)."""
    samples = []
    for code in range(256):
        inverted = ~code & 0xFF
        size = ((inverted & 0x0F) * 8 + 0x84 << (inverted >> 4 & 7)) - 0x84
        samples.append((-size if inverted & 0x80 else size) & 0xFFFF)
    return bytes(each & 0xFF for each in samples), bytes(each >> 8 for each in samples)


def excerpt(text: str) -> str:
    """The beginning of a text, in one line."""
    line = " ".join(clean(text).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1].rstrip()}…"


def facts(take: Take, model: str) -> str:
    """Voice, model and who spoke in its place, length, kind and size, for people."""
    size = len(take.data)
    length = "" if take.seconds is None else seconds_text(take.seconds)
    amount = f"{size / 1e6:.1f} MB" if size >= 1_000_000 else f"{max(1, round(size / 1e3))} kB"
    stand_in = badge("local", take.answered) if take.answered else ""
    said = [take.voice, model, stand_in, length, take.format, amount]
    return " · ".join(clean(each) for each in said if each)


def told(take: Take, text: str, model: str) -> tuple[Sequence[Child], str]:
    """What is saved with the notebook: the sound itself where it is small, and what it is."""
    about = facts(take, model)
    shown = excerpt(text)
    parts: list[Child] = []
    if take.saved is not None:
        parts.append(el("p", audio(*take.saved, f"Speech: {about}")))
        note = "No sound? Trust this notebook, and it can be played."
    else:
        note = "Too large to be saved in the notebook: keep it with .save(path)."
    parts.append(el("p", el("small", f"{about}. {note}"), class_="gn-about"))
    if shown:
        parts.insert(0, el("p", f"“{shown}”"))
    plain = f"Speech: {about}" + (f"\n{shown}" if shown else "")
    return [el("div", *parts, class_="gn-speech")], plain
