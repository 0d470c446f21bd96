"""`groqnb.AudioRecorder`: record, listen, trim, transcribe. Docs: Speech to Text."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from traitlets import Bool, Float, Int, Unicode

from groqnb.render.html import Child
from groqnb.types.errors import ParameterError
from groqnb.widgets.recorder_result import estimate_text, lines, result_parts, seconds_text
from groqnb.widgets.sound_holder import SoundHolder

if TYPE_CHECKING:
    from groqnb.catalog.cost import Cost
    from groqnb.client import Groq
    from groqnb.hearing.transcript import Transcript

__all__ = ["AudioRecorder"]

_MODEL = "whisper-large-v3-turbo"


class AudioRecorder(SoundHolder, static="recorder"):
    """Records sound in the browser; the bytes are there in Python as soon as it stops.

    The browser asks for the microphone only when Record is pressed. What is recorded travels to
    the kernel while it is recorded, so that an hour is as safe as a minute. A sound file can be
    dropped on the widget in place of a recording, or given as `value`, a path or bytes, which
    needs no browser at all. With the focus on the widget, the space bar records and stops, P
    pauses, Esc stops. Where a notebook may not use the microphone, as in VS Code, the recorder
    offers a page in the browser that records into the same object; the kernel serves it on
    loopback.

    `max_seconds` ends a recording (10 minutes if not given); `stop_on_silence` ends it after so
    many seconds of silence, 0 for never. `bitrate` is in bits a second. `processing=False` turns
    the browser's cancellation of echo and noise off, and its control of the gain. `model`,
    `language` ("en") and `prompt` are for the transcription, which goes to `client`, that of the
    magics if there is none.

    Attributes:
        value: the sound file's bytes, b"" while there is none.
        format: its kind: "webm" (Chrome, Firefox), "m4a" (Safari), or that of the file; or "".
        duration: seconds.
        transcript: the last transcription, or None; `print(rec.transcript.text)`.

    Raises ParameterError for an unknown option and for a `value` that is no sound.

    ```python
    rec = groqnb.AudioRecorder(max_seconds=60)
    rec  # record something, then in another cell:

    rec.save("note.webm")
    print(rec.transcribe().text)
    ```
    """

    asks = frozenset({"started", "keep", "clear", "trim", "transcribe"})
    shows_result = True

    max_seconds = Float(600.0, min=1, max=14_400).tag(sync=True)
    stop_on_silence = Float(0.0, min=0, max=600).tag(sync=True)
    bitrate = Int(32_000, min=6_000, max=256_000).tag(sync=True)
    processing = Bool(True).tag(sync=True)
    _job = Unicode("").tag(sync=True)
    _estimate = Unicode("").tag(sync=True)

    def __init__(
        self,
        *,
        value: bytes | str | os.PathLike[str] | None = None,
        max_seconds: float = 600.0,
        stop_on_silence: float = 0.0,
        bitrate: int = 32_000,
        processing: bool = True,
        model: str = _MODEL,
        language: str | None = None,
        prompt: str | None = None,
        client: Groq | None = None,
        **unknown: Any,
    ) -> None:
        self.model, self.language, self.prompt = model, language, prompt
        self.transcript: Transcript | None = None
        self._client = client
        self._running: tuple[str, str] | None = None  # an upload that has begun, its type
        self._asking = threading.Lock()
        super().__init__(
            max_seconds=float(max_seconds),
            stop_on_silence=float(stop_on_silence),
            bitrate=bitrate,
            processing=processing,
            **unknown,
        )
        if value is not None:
            self.load(value)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], **options: Any) -> AudioRecorder:
        """A recorder that holds a sound file: the same as ``AudioRecorder(value=path)``."""
        return cls(value=path, **options)

    def recover(self) -> bytes:
        """Take what had arrived of a recording whose page is gone; `value` from then on.

        Raises ParameterError where there is none.
        """
        upload, _ = self._running or ("", "")
        data = self._uploads.peek(upload)
        if not data:
            raise ParameterError(
                "No recording was cut off.", hint="What is recorded stands in .value."
            )
        self._take(data, {})
        self._uploads.drop(upload)
        self._running = None
        return self._sound

    # -- the transcript

    def estimate(self) -> Cost | None:
        """What a transcription will cost, in US dollars; None where the price is not known.

        At least ten seconds are billed. The local engine costs nothing, whatever this says.
        """
        from groqnb.catalog.cost import cost

        return cost(self.model, audio_seconds=self._seconds)

    def transcribe(self, **params: Any) -> Transcript:
        """Have the sound written down, and wait for it: the transcript.

        It is shown under the widget and saved with the notebook, as that of the button is.
        `params` are those of `groqnb.transcribe`; `model`, `language`, `prompt` and `client` are
        the recorder's own if not given. Raises ParameterError while there is no sound, and what
        `groqnb.transcribe` raises.

        ```python
        rec.transcribe(language="en").text
        ```

        Docs: Speech to Text.
        """
        from groqnb.long_audio import transcribe

        sound = self._need(self._sound)
        given = {
            "model": self.model,
            "language": self.language,
            "prompt": self.prompt,
            "client": self._client,
        }
        if not self._asking.acquire(blocking=False):
            raise ParameterError("This recording is being transcribed already.")
        try:
            self._set(error="", _job=f"Transcribing {seconds_text(self._seconds)}…")
            made = transcribe(self, **(given | params))
            if sound is self._sound:  # else it was recorded anew meanwhile
                self._set_transcript(made)
            return made
        finally:
            self._set(_job="")
            self._asking.release()

    def _set_transcript(self, made: Transcript | None) -> None:
        self.transcript = made
        content = json.dumps(lines(made)).encode() if made is not None else None
        self._offer("transcript", content, "application/json")
        self._show_result()

    # -- what the page asks

    def _received(self, name: str, data: bytes, meta: Mapping[str, Any]) -> Any:
        if name != "sound":
            return super()._received(name, data, meta)
        self._take(data, meta)
        self._running = None
        return {"seconds": self._seconds, "size": len(data)}

    def _ask_started(self, content: Mapping[str, Any]) -> None:
        self._running = (str(content["upload"]), str(content.get("mime", "")))

    def _ask_keep(self, content: Mapping[str, Any]) -> None:
        """The widget's view went away while it recorded."""
        if self._running and self._running[0] == content.get("upload"):
            self.recover()

    def _ask_clear(self, content: Mapping[str, Any]) -> None:
        self.clear()

    def _ask_trim(self, content: Mapping[str, Any]) -> Any:
        self.trim(float(content.get("start") or 0), content.get("end"))
        return {"seconds": self._seconds}

    def _ask_transcribe(self, content: Mapping[str, Any]) -> None:
        self._need(self._sound)
        self._in_background(lambda: self.transcribe(progress=False))

    # -- within

    def _sound_changed(self) -> None:
        self._set(_estimate=self._estimated() if self._sound else "")
        self._set_transcript(None)

    def _estimated(self) -> str:
        from groqnb.catalog.cost import PricesUnreadable
        from groqnb.session import session

        target = self._client.target if self._client is not None else session.target
        try:
            price = self.estimate()
        except PricesUnreadable:  # no recording is lost for it
            price = None
        return estimate_text(target.kind, self.model, price)

    def _result(self) -> tuple[Sequence[Child], str]:
        return result_parts(self._sound, self.format, self._seconds, self.transcript)

    def _summary(self) -> str:
        return f"{seconds_text(self._seconds)}, {self.format}" if self._sound else "empty"
