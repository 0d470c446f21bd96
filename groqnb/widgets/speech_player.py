"""`groqnb.SpeechPlayer`: a spoken text, to be heard and spoken again. Docs: Text to Speech."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from traitlets import Bool, Dict, List, Unicode

from groqnb import catalog
from groqnb.render.html import Child
from groqnb.types.errors import ParameterError
from groqnb.types.new_file import NewFile
from groqnb.widgets.base import Widget
from groqnb.widgets.recorder_result import estimate_text
from groqnb.widgets.speech_take import Take, excerpt, facts, take_of, told

if TYPE_CHECKING:
    from groqnb.client import Groq
    from groqnb.speaking.spoken import Spoken
    from groqnb.types.audio import Speech

__all__ = ["SpeechPlayer"]


class SpeechPlayer(Widget, static="speech_player"):
    """Plays a spoken text: waveform, speed, download; and speaks it again with other voices.

    `audio` is the bytes of a sound file, a path, or what `client.audio.speech.create` or
    `groqnb.speak` returned.
    `format` is "flac", "mp3", "ogg" or "wav", which the bytes tell by themselves, or "mulaw", which
    bare bytes do not. With `text`, `voice` and `model` other voices can be chosen: what that costs
    stands beside the button, and nothing is sent before it is pressed. `voices` are those to choose
    from, by default the model's. `speak` makes the sound of a voice, a function from its name to
    what `audio` takes; by default one call of `client` (else of the magics' client). With
    `autoplay=True` it plays as soon as it is seen, where the browser lets it.

    Keys: space plays and pauses; on the waveform the arrows, Home and End seek.

    Attributes:
        value: the file's bytes, of the voice that is chosen.
        format, voice: its kind, and who speaks.
        duration: seconds, None where only a browser can tell.
        takes: the bytes by voice, of all voices that have spoken.

    Raises ParameterError for what is no sound, and for unknown keywords.

    ```python
    speech = client.audio.speech.create(
        model="playai-tts", voice="Fritz-PlayAI", input="Hello.", response_format="wav"
    )
    groqnb.SpeechPlayer(speech, text="Hello.", voice="Fritz-PlayAI", model="playai-tts")
    ```
    """

    asks: ClassVar[frozenset[str]] = frozenset({"choose", "speak"})
    shows_result: ClassVar[bool] = True

    autoplay = Bool(False).tag(sync=True)
    _about: Dict[str, Any] = Dict({}).tag(sync=True)
    _voices: List[str] = List([]).tag(sync=True)
    _spoken: List[str] = List([]).tag(sync=True)
    _estimate = Unicode("").tag(sync=True)
    _job = Unicode("").tag(sync=True)

    def __init__(
        self,
        audio: bytes | str | os.PathLike[str] | Speech | Spoken,
        format: str | None = None,
        *,
        text: str = "",
        voice: str = "",
        model: str = "",
        voices: Sequence[str] | None = None,
        sample_rate: int | None = None,
        speak: Callable[[str], Any] | None = None,
        client: Groq | None = None,
        autoplay: bool = False,
        **unknown: Any,
    ) -> None:
        take = take_of(audio, format, voice, sample_rate)
        self.text, self.model = text, model
        self._rate, self._speak, self._client = sample_rate, speak, client
        self._takes = {voice: take}
        self._take = take
        self._asking = threading.Lock()
        super().__init__(autoplay=autoplay, **unknown)
        known = list(voices if voices is not None else catalog.voices(model))
        if voice and voice not in known:
            known.insert(0, voice)
        able = bool(text.strip()) and (speak is not None or bool(model))
        self._set(_voices=known if able else [voice] if voice else [])
        self._show(take)

    # -- what is there

    @property
    def value(self) -> bytes:
        """The bytes of the sound file."""
        return self._take.data

    @property
    def format(self) -> str:
        """Its kind: "flac", "mp3", "mulaw", "ogg" or "wav"."""
        return self._take.format

    @property
    def voice(self) -> str:
        """Who speaks; "" where nobody said."""
        return self._take.voice

    @property
    def duration(self) -> float | None:
        """Seconds; None for a compressed sound without the extra "audio"."""
        return self._take.seconds

    @property
    def takes(self) -> dict[str, bytes]:
        """The bytes by voice, of all that have spoken."""
        with self._lock:
            return {voice: take.data for voice, take in self._takes.items()}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the sound to a file, which is there whole or not at all; returns the path.

        Raises OSError.
        """
        new = NewFile(path)
        try:
            new.file.write(self.value)
            return new.finish()
        except BaseException:
            new.give_up()
            raise

    # -- other voices

    def speak(self, voice: str) -> SpeechPlayer:
        """Let another voice speak the text, and play that from now on; returns the player.

        A voice that has spoken already costs nothing. Raises ParameterError where text or model is
        not known or another voice is being asked, and what the call raises; what there was stays.

        ```python
        player.speak("Celeste-PlayAI").save("celeste.wav")
        ```
        """
        with self._lock:
            before = self._takes.get(voice)
        if before is not None:
            self._show(before)
            return self
        if not self.text.strip():
            raise ParameterError("What was said is not known.", hint="Pass text=.")
        if self._speak is None and not self.model:
            raise ParameterError("The model is not known.", hint="Pass model=.")
        if not self._asking.acquire(blocking=False):
            raise ParameterError("A voice is being asked already.", hint="Wait for it.")
        try:
            self._set(error="", _job=voice)
            made = (self._speak or self._call)(voice)
            take = take_of(made, self._take.format, voice, self._rate)
            with self._lock:
                self._takes[voice] = take
            self._show(take)
            return self
        finally:
            self._set(_job="")
            self._asking.release()

    def _call(self, voice: str) -> Speech:
        from groqnb.session import session

        client = self._client if self._client is not None else session.client()
        options: dict[str, Any] = {"response_format": self._take.format}
        if self._rate is not None:
            options["sample_rate"] = self._rate
        return client.audio.speech.create(model=self.model, voice=voice, input=self.text, **options)

    # -- what the page asks

    def _ask_choose(self, content: Mapping[str, Any]) -> bool:
        with self._lock:
            take = self._takes.get(str(content["voice"]))
        if take is not None:
            self._show(take)
        return take is not None

    def _ask_speak(self, content: Mapping[str, Any]) -> None:
        voice = str(content["voice"])
        if voice not in self._voices:
            raise ParameterError(f"{voice!r} is none of the voices.")
        self._in_background(lambda: self.speak(voice))

    # -- within

    def _show(self, take: Take) -> None:
        with self._lock:
            self._take = take
            self._offer("sound", take.playable, take.mime)
            self._set(
                _about={
                    "voice": take.voice,
                    "facts": facts(take, self.model),
                    "seconds": take.seconds,
                    "format": take.format,
                    "text": excerpt(self.text),
                    "characters": len(self.text),
                },
                _spoken=list(self._takes),
                _estimate=self._estimated(),
            )
        self._show_result()

    def _estimated(self) -> str:
        """What another voice would cost, for people."""
        from groqnb.catalog.cost import PricesUnreadable, cost
        from groqnb.session import session

        if len(self._voices) < 2:
            return ""
        target = self._client.target if self._client is not None else session.target
        try:
            price = cost(self.model, characters=len(self.text))
        except PricesUnreadable:
            price = None
        return f"{len(self.text):,} characters, {estimate_text(target.kind, self.model, price)}"

    def _result(self) -> tuple[Sequence[Child], str]:
        return told(self._take, self.text, self.model)

    def _summary(self) -> str:
        return facts(self._take, self.model).replace(" · ", ", ")
