"""A widget that holds one sound file: measured, trimmed, saved, offered to its page."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlets import Dict

from groqnb.hearing.extras import MissingExtra
from groqnb.types.errors import ParameterError
from groqnb.types.new_file import NewFile
from groqnb.widgets import sounds
from groqnb.widgets.base import Widget

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["SoundHolder"]

_LONG = 600.0  # s from which on looking for the peaks takes seconds


class SoundHolder(Widget):
    """What `AudioRecorder` has apart from recording and transcribing."""

    _trimmed = Dict({}).tag(sync=True)

    def __init__(self, **options: Any) -> None:
        self._original = self._sound = b""
        self._seconds = 0.0
        super().__init__(**options)

    def _sound_changed(self) -> None:
        """There is another sound now, or none."""

    @property
    def value(self) -> bytes:
        """The sound file's bytes; b"" while there is none."""
        return self._sound

    @property
    def format(self) -> str:
        """The kind of file: "webm", "m4a", "ogg", "wav", "flac" or "mp3"; "" for none."""
        return sounds.kind(self._sound) or ""

    @property
    def duration(self) -> float:
        """Seconds of sound; 0.0 for none."""
        return self._seconds

    def load(self, source: bytes | str | os.PathLike[str]) -> Self:
        """Take a sound file in place of a recording; a path or bytes. Returns the recorder.

        Raises ParameterError for what is no sound, OSError for a path that cannot be read.

        ```python
        rec.load("talk.mp3").duration
        ```
        """
        data = (
            source if isinstance(source, bytes) else Path(os.path.expanduser(source)).read_bytes()
        )
        name = "" if isinstance(source, bytes) else Path(source).name
        self._take(data, {"name": name})
        return self

    def trim(self, start: float = 0.0, end: float | None = None) -> Self:
        """Keep only what lies between two moments, in seconds; without them the whole again.

        Compressed sound is cut at packets, 20 to 60 ms apart, and not encoded anew. Returns the
        recorder. Raises ParameterError where nothing would be left, MissingExtra.

        ```python
        rec.trim(0.5, 3).duration
        ```
        """
        whole = self._need(self._original)
        length = _length(whole, self._seconds)
        last = length if end is None else min(end, length)
        if not 0 <= start < last:
            raise ParameterError(
                f"From {start:g} s to {last:g} s nothing would be left.",
                hint=f"The recording is {length:.1f} s long.",
            )
        if start == 0 and last == length:
            self._set_sound(whole, length)
            self._set(_trimmed={})
        else:
            part = sounds.cut(whole, start, last)
            self._set_sound(part, sounds.length(part))
            self._set(_trimmed={"start": start, "end": last})
        return self

    def clear(self) -> None:
        """Forget the sound and its transcript."""
        self._original = b""
        self._set(_trimmed={})
        self._set_sound(b"", 0.0)

    def to_wav(self, rate: int = 16_000) -> bytes:
        """The sound as a WAV file: mono, 16 bits a sample, `rate` Hz.

        Raises ParameterError while there is no sound, MissingExtra without `groqnb[audio]`.

        ```python
        wav = rec.to_wav(16_000)
        ```
        """
        if not isinstance(rate, int) or not 4_000 <= rate <= 192_000:
            raise ParameterError(f"rate is {rate!r}; it goes from 4000 to 192000 Hz.")
        return sounds.to_wav(self._need(self._sound), rate)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the sound to a file, which is there whole or not at all; returns the path.

        With its own ending (`.format`) the bytes are written as they are; ``.wav`` and ``.flac``
        are made where it is something else. Raises ParameterError for any other ending.

        ```python
        rec.save("note.wav")
        ```
        """
        data, target = self._need(self._sound), Path(os.path.expanduser(path))
        ending = target.suffix.lower().lstrip(".")
        own = {self.format} | ({"mp4"} if self.format == "m4a" else set())
        if ending == "wav" and ending not in own:
            data = sounds.to_wav(data, 48_000)
        elif ending == "flac" and ending not in own:
            data = sounds.to_flac(data)
        elif ending not in own:
            names = dict.fromkeys((self.format, "wav", "flac"))
            raise ParameterError(
                f"The sound is {self.format}, and the file is to be {ending or 'without ending'}.",
                hint=f"Name it {' or '.join(f'.{name}' for name in names)}.",
            )
        new = NewFile(target)
        try:
            new.file.write(data)
            return new.finish()
        except BaseException:
            new.give_up()
            raise

    # -- within

    def _take(self, data: bytes, meta: Mapping[str, Any]) -> None:
        """A new sound, from the page or from a file."""
        found = sounds.kind(data)
        if found is None:
            raise ParameterError(
                f"{meta.get('name') or 'This'} is no sound file that can be used.",
                hint=f"It must be {', '.join(sounds.MIMES)}.",
            )
        told = float(meta.get("seconds") or 0)
        seconds = _length(data, told)
        with self._lock:
            self._original = data
            self._set(_trimmed={})
            origin, peaks = str(meta.get("origin", "")), list(meta.get("peaks") or [])
            self._set_sound(data, seconds, origin, [int(peak) for peak in peaks[:1000]])

    def _set_sound(
        self, data: bytes, seconds: float, origin: str = "", peaks: Sequence[int] = ()
    ) -> None:
        with self._lock:
            self._sound, self._seconds = data, seconds
            if not data:
                self._offer("sound", None)
            else:
                about: dict[str, Any] = {
                    "seconds": seconds,
                    "format": self.format,
                    "origin": origin,
                }
                # The page that recorded it has drawn the waveform already.
                late = not peaks and seconds > _LONG
                about["peaks"] = list(peaks) or ([] if late else _loudness(data))
                self._offer("sound", data, sounds.MIMES[self.format], **about)
                if late:
                    self._in_background(lambda: self._draw_late(data))
            self._set(error="")
        self._sound_changed()

    def _draw_late(self, data: bytes) -> None:
        """Add the waveform of a long file, when it is known, to what the page was offered."""
        peaks = _loudness(data)
        with self._lock:
            if self._sound is data:
                offer = self._gn_offers["sound"] | {"peaks": peaks}
                self._gn_offers = self._gn_offers | {"sound": offer}

    def _need(self, sound: bytes) -> bytes:
        if not sound:
            raise ParameterError(
                "There is no sound yet.",
                hint="Press Record, drop a file on the widget, or pass value=.",
            )
        return sound


def _length(data: bytes, told: float) -> float:
    """Measured, or as the page told where nothing here can measure it."""
    try:
        return sounds.length(data)
    except MissingExtra:
        if told:
            return told
        raise


def _loudness(data: bytes) -> list[int]:
    try:
        return sounds.loudness(data)
    except MissingExtra:
        return []
