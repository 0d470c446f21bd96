"""A text that was spoken: the sound, what it cost, how it is played and saved."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groqnb.speaking.joining import FORMATS, decoded, encoded, length
from groqnb.types.errors import ParameterError
from groqnb.types.new_file import NewFile

if TYPE_CHECKING:
    from groqnb.widgets.speech_player import SpeechPlayer

__all__ = ["ENDINGS", "Spoken"]

#: The formats, by the endings of files.
ENDINGS = {**{f".{name}": name for name in FORMATS}, ".ulaw": "mulaw", ".oga": "ogg"}


@dataclass(eq=False, repr=False)
class Spoken:
    """A spoken text, as `groqnb.speak` gives it. As the value of a cell it is a player.

    Attributes:
        audio: the bytes of the sound file.
        format: "flac", "mp3", "mulaw", "ogg" or "wav".
        text, voice, model: what was said, and who was asked to say it.
        answered: the model that did, as the local engine says; else "".
        cost: US dollars; 0 for the local engine, None where the price is not known.
        parts: in how many requests it was spoken.

    ```python
    said = groqnb.speak("Hello.", voice="Fritz-PlayAI")
    said.save("hello.mp3")
    ```
    """

    audio: bytes
    format: str
    text: str
    voice: str
    model: str
    cost: float | None = None
    parts: int = 1
    answered: str = ""
    sample_rate: int | None = None
    _again: Callable[[str], Spoken] | None = None
    _autoplay: bool = False
    _player: Any = field(default=None)

    @cached_property
    def duration(self) -> float | None:
        """Seconds; None for a compressed sound without the extra "audio"."""
        return length(self.audio, self.format, self.sample_rate)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to a file, whole or not at all; another ending means another format.

        Returns the path. Raises ParameterError for an ending that is none of the formats',
        OSError where the file cannot be written, MissingExtra without `groqnb[audio]` for
        another format.

        ```python
        said.save("hello.ogg")
        ```
        """
        ending = Path(path).suffix.lower()
        wanted = ENDINGS.get(ending)
        if wanted is None:
            raise ParameterError(
                f"Speech is not saved as {ending or 'a file without an ending'}.",
                hint=f"Name it {', '.join(f'.{name}' for name in FORMATS)}.",
            )
        content = self.audio
        if wanted != self.format:
            content = encoded(decoded(self.audio, self.format, self.sample_rate), wanted)
        new = NewFile(path)
        try:
            new.file.write(content)
            return new.finish()
        except BaseException:
            new.give_up()
            raise

    def player(self) -> SpeechPlayer:
        """The widget that plays it: waveform, speed, download, other voices.

        Raises ImportError where widgets are not installed.

        ```python
        said.player()
        ```
        """
        from groqnb.widgets.speech_player import SpeechPlayer

        if self._player is None:
            self._player = SpeechPlayer(
                self,
                self.format,
                text=self.text,
                voice=self.voice,
                model=self.model,
                sample_rate=self.sample_rate,
                speak=self._again,
                autoplay=self._autoplay,
            )
        player: SpeechPlayer = self._player
        return player

    def _ipython_display_(self, **_: Any) -> None:
        try:
            shown = self.player()
        except ImportError:
            from groqnb.render.html import page
            from groqnb.render.stream import current_shell, publish
            from groqnb.widgets.speech_take import take_of, told

            take = take_of(self.audio, self.format, self.voice, self.sample_rate)
            parts, plain = told(take, self.text, self.model)
            publish(current_shell(), {"text/html": page(*parts), "text/plain": plain})
            return
        shown._ipython_display_()

    def __repr__(self) -> str:
        seconds = f"{self.duration:.1f} s of " if self.duration is not None else ""
        return f"Spoken({self.voice}, {seconds}{self.format}, {len(self.audio):,} bytes)"
