"""Speech to text and text to speech. Docs: API Reference, Audio; Speech to Text; Text to Speech."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from groqnb.types.base import Model, Reply
from groqnb.types.chat import RequestOptions, XGroq
from groqnb.types.errors import ResponseError
from groqnb.types.files import FileInput, UploadOptions
from groqnb.types.new_file import NewFile

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "Segment",
    "Speech",
    "SpeechFormat",
    "SpeechParams",
    "TextFormat",
    "Transcription",
    "TranscriptionParams",
    "TranslationParams",
    "VerboseTranscription",
    "Word",
]

TextFormat = Literal["json", "text", "verbose_json"]
SpeechFormat = Literal["flac", "mp3", "mulaw", "ogg", "wav"]


class TranslationParams(UploadOptions, total=False):
    """What a translation takes beside `model` and `response_format`. Docs: Create translation.

    Either `file` or `url` is needed; `url` is an http(s) address or audio in Base64.
    """

    file: FileInput | None
    language: str | None
    prompt: str | None
    temperature: float | None
    url: str | None


class TranscriptionParams(TranslationParams, total=False):
    """What a transcription takes beside `model` and `response_format`. Docs: Create transcription.

    `timestamp_granularities` needs the response format "verbose_json".
    """

    timestamp_granularities: Sequence[Literal["word", "segment"]] | None


class SpeechParams(RequestOptions, total=False):
    """What speech takes beside the required parameters. Docs: Create speech, Request Body.

    `sample_rate` is in Hz, `speed` goes from 0.5 to 5.
    """

    response_format: SpeechFormat | None
    sample_rate: Literal[8000, 16000, 22050, 24000, 32000, 44100, 48000] | None
    speed: float | None


class Word(Model):
    """A word and when it was said, in seconds."""

    word: str
    start: float
    end: float


class Segment(Model):
    """A part of a transcript, with its times in seconds and what tells of its quality."""

    id: int | None = None
    text: str
    start: float
    end: float
    seek: int | None = None
    tokens: list[int] | None = None
    temperature: float | None = None
    avg_logprob: float | None = None
    compression_ratio: float | None = None
    no_speech_prob: float | None = None


class Transcription(Reply):
    """What was said; `print` shows the text.

    ```python
    print(client.audio.transcriptions.create(model="whisper-large-v3", file="talk.m4a"))
    ```
    """

    text: str
    x_groq: XGroq | None = None

    @classmethod
    def from_body(cls, body: bytes, headers: Mapping[str, str]) -> Self:
        """As every reply; with the response format "text" it comes as bare text."""
        if not headers.get("content-type", "").startswith("text/plain"):
            return super().from_body(body, headers)
        reply = cls(text=body.decode(errors="replace"))
        object.__setattr__(reply, "_headers", headers)
        return reply

    def __str__(self) -> str:
        return self.text


class VerboseTranscription(Transcription):
    """What was said, with times.

    `segments` and `words` are None where their granularity was not asked for; `duration` is in
    seconds.
    """

    task: str | None = None
    language: str | None = None
    duration: float | None = None
    segments: list[Segment] | None = None
    words: list[Word] | None = None


class Speech(Reply):
    """Spoken text: the bytes of an audio file.

    ```python
    speech = client.audio.speech.create(
        model="playai-tts", voice="Fritz-PlayAI", input="Hello.", response_format="wav"
    )
    speech.save("hello.wav")
    ```
    """

    content: bytes

    @classmethod
    def from_body(cls, body: bytes, headers: Mapping[str, str]) -> Self:
        """The audio as it came. Raises ResponseError where there is none."""
        kind = headers.get("content-type", "")
        if not body or kind.startswith(("text/", "application/json")):
            what = "no bytes at all" if not body else f"{kind.partition(';')[0]}, not audio"
            raise ResponseError(
                f"The reply holds {what}.", body=body[:2000].decode(errors="replace")
            )
        speech = cls(content=_with_length(body))
        object.__setattr__(speech, "_headers", headers)
        return speech

    @property
    def media_type(self) -> str | None:
        """What the server says it is, such as "audio/wav"."""
        return self.headers.get("content-type", "").partition(";")[0].strip() or None

    def read(self) -> bytes:
        """The same as `content`."""
        return self.content

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes it to a file, which is there whole or not at all; returns the path."""
        new = NewFile(path)
        try:
            new.file.write(self.content)
            return new.finish()
        except BaseException:
            new.give_up()
            raise

    # The name it has in the official package, and so in the documentation's examples.
    write_to_file = save

    def __repr__(self) -> str:
        return f"Speech({self.media_type or 'audio'}, {len(self.content):,} bytes)"


# A wav that is sent while it is made cannot tell its length: RIFF and, after a header of the
# usual size, data, each with the largest number there is.
_UNKNOWN = b"\xff\xff\xff\xff"
_HEADER = 44


def _with_length(body: bytes) -> bytes:
    """A wav of unknown length, whose end is known by now, with its length in its header."""
    if body[:4] != b"RIFF" or body[4:8] != _UNKNOWN or body[36:44] != b"data" + _UNKNOWN:
        return body
    size = len(body) - _HEADER
    lengths = (size + _HEADER - 8).to_bytes(4, "little"), size.to_bytes(4, "little")
    return b"".join((b"RIFF", lengths[0], body[8:40], lengths[1], body[_HEADER:]))
