"""`client.audio`. Docs: API Reference, Audio; Speech to Text; Text to Speech."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, overload

from groqnb.api.resource import (
    AsyncSender,
    Resource,
    S,
    SyncSender,
    body_of,
    headers_of,
    shows_parameters,
)
from groqnb.api.uploads import MB, file_content
from groqnb.types.audio import (
    Speech,
    SpeechParams,
    TextFormat,
    Transcription,
    TranscriptionParams,
    TranslationParams,
    VerboseTranscription,
)
from groqnb.types.errors import ParameterError
from groqnb.wire.call import Call
from groqnb.wire.multipart import Form

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["Audio", "Speeches", "Transcriptions", "Translations"]

# The larger plan's limit; the smaller one's, 25 MB, is for the server to apply.
MOST_AUDIO_MB = 100
MOST_CHARACTERS = 10_000
SAMPLE_RATES = (8000, 16000, 22050, 24000, 32000, 44100, 48000)

_TRANSCRIPTION = frozenset(TranscriptionParams.__annotations__)
_TRANSLATION = frozenset(TranslationParams.__annotations__)
_SPEECH = frozenset(SpeechParams.__annotations__)


class Transcriptions(Resource[S]):
    """Speech to text, in the language that is spoken."""

    @overload
    def create(
        self: Transcriptions[SyncSender],
        *,
        model: str,
        response_format: Literal["verbose_json"],
        **params: Unpack[TranscriptionParams],
    ) -> VerboseTranscription: ...
    @overload
    def create(
        self: Transcriptions[SyncSender],
        *,
        model: str,
        response_format: TextFormat | None = None,
        **params: Unpack[TranscriptionParams],
    ) -> Transcription: ...
    @overload
    def create(
        self: Transcriptions[AsyncSender],
        *,
        model: str,
        response_format: Literal["verbose_json"],
        **params: Unpack[TranscriptionParams],
    ) -> Awaitable[VerboseTranscription]: ...
    @overload
    def create(
        self: Transcriptions[AsyncSender],
        *,
        model: str,
        response_format: TextFormat | None = None,
        **params: Unpack[TranscriptionParams],
    ) -> Awaitable[Transcription]: ...
    @shows_parameters(TranscriptionParams)
    def create(
        self, *, model: str, response_format: TextFormat | None = None, **params: Any
    ) -> Any:
        """Writes down what is said in a recording.

        Pass either `file`, a path, bytes, an open binary file, or a tuple of a name and one of
        these, or `url`. With `response_format="verbose_json"` the reply has `segments` and, where
        `timestamp_granularities` asks for them, `words`. `progress(done, total)` is told how the
        upload goes, in bytes.

        Raises ParameterError for what the API is sure to refuse, OSError for a path that cannot
        be read.

        ```python
        said = client.audio.transcriptions.create(
            model="whisper-large-v3-turbo",
            file="talk.m4a",
            response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
        )
        print(said.text, said.words[0].start)
        ```

        Docs: API Reference, Create transcription.
        """
        return self._sender.send(transcription_call(model, response_format, params))


class Translations(Resource[S]):
    """Speech to English text, from any language."""

    @overload
    def create(
        self: Translations[SyncSender],
        *,
        model: str,
        response_format: Literal["verbose_json"],
        **params: Unpack[TranslationParams],
    ) -> VerboseTranscription: ...
    @overload
    def create(
        self: Translations[SyncSender],
        *,
        model: str,
        response_format: TextFormat | None = None,
        **params: Unpack[TranslationParams],
    ) -> Transcription: ...
    @overload
    def create(
        self: Translations[AsyncSender],
        *,
        model: str,
        response_format: Literal["verbose_json"],
        **params: Unpack[TranslationParams],
    ) -> Awaitable[VerboseTranscription]: ...
    @overload
    def create(
        self: Translations[AsyncSender],
        *,
        model: str,
        response_format: TextFormat | None = None,
        **params: Unpack[TranslationParams],
    ) -> Awaitable[Transcription]: ...
    @shows_parameters(TranslationParams)
    def create(
        self, *, model: str, response_format: TextFormat | None = None, **params: Any
    ) -> Any:
        """Writes down in English what is said in a recording.

        `file`, `url` and `progress` are those of a transcription. Raises the same errors.

        ```python
        print(client.audio.translations.create(model="whisper-large-v3", file="interview.mp3"))
        ```

        Docs: API Reference, Create translation.
        """
        return self._sender.send(translation_call(model, response_format, params))


class Speeches(Resource[S]):
    """Text to speech."""

    @overload
    def create(
        self: Speeches[SyncSender],
        *,
        input: str,
        model: str,
        voice: str,
        **params: Unpack[SpeechParams],
    ) -> Speech: ...
    @overload
    def create(
        self: Speeches[AsyncSender],
        *,
        input: str,
        model: str,
        voice: str,
        **params: Unpack[SpeechParams],
    ) -> Awaitable[Speech]: ...
    @shows_parameters(SpeechParams)
    def create(self, *, input: str, model: str, voice: str, **params: Any) -> Any:
        """Speaks a text of at most 10,000 characters; the reply is an audio file.

        `response_format` is flac, mp3, mulaw, ogg or wav: name one, for the documentation tells
        of two different defaults.

        Raises ParameterError for what the API is sure to refuse.

        ```python
        client.audio.speech.create(
            model="playai-tts", voice="Fritz-PlayAI", input="Hello.", response_format="wav"
        ).save("hello.wav")
        ```

        Docs: API Reference, Create speech.
        """
        body = body_of(_SPEECH, params, {"input": input, "model": model, "voice": voice})
        _check_speech(body)
        return self._sender.send(
            Call(
                "POST",
                "/audio/speech",
                Speech,
                body=body,
                headers={"Accept": "*/*", **(headers_of(params) or {})},
                timeout=params.get("timeout"),
            )
        )


class Audio(Resource[S]):
    """`client.audio`: holds `transcriptions`, `translations` and `speech`."""

    @cached_property
    def transcriptions(self) -> Transcriptions[S]:
        """Speech to text, in the language that is spoken."""
        return Transcriptions(self._sender)

    @cached_property
    def translations(self) -> Translations[S]:
        """Speech to English text, from any language."""
        return Translations(self._sender)

    @cached_property
    def speech(self) -> Speeches[S]:
        """Text to speech."""
        return Speeches(self._sender)


def transcription_call(
    model: str, response_format: str | None, params: dict[str, Any]
) -> Call[Any]:
    """The request for a transcription. Raises ParameterError."""
    return _call("/audio/transcriptions", _TRANSCRIPTION, model, response_format, params)


def translation_call(model: str, response_format: str | None, params: dict[str, Any]) -> Call[Any]:
    """The request for a translation. Raises ParameterError."""
    return _call("/audio/translations", _TRANSLATION, model, response_format, params)


def _call(
    path: str,
    known: frozenset[str],
    model: str,
    response_format: str | None,
    params: dict[str, Any],
) -> Call[Any]:
    """The request for a transcription or translation. Raises ParameterError."""
    required = {"model": model}
    if response_format is not None:
        required["response_format"] = response_format
    body = body_of(known, params, required)
    progress, file = body.pop("progress", None), body.pop("file", None)
    if (file is None) == (body.get("url") is None):
        raise ParameterError(
            "Neither file nor url is there."
            if file is None
            else "file and url exclude each other.",
            hint="Pass one of the two.",
        )
    _check_text(body)
    content = None if file is None else file_content(file, most=MOST_AUDIO_MB * MB)
    return Call(
        "POST",
        path,
        VerboseTranscription if response_format == "verbose_json" else Transcription,
        body=body,
        headers={"Accept": "*/*", **(headers_of(params) or {})},
        timeout=params.get("timeout"),
        form=Form(content, progress),
    )


def _check_text(body: dict[str, Any]) -> None:
    shape = body.get("response_format", "json")
    if shape in ("srt", "vtt"):
        raise ParameterError(
            f"response_format {shape!r} is not supported.", hint="Use 'verbose_json' for times."
        )
    _check_range("temperature", body.get("temperature"), 0, 1)
    granularities = body.get("timestamp_granularities")
    if granularities is None:
        return
    if isinstance(granularities, str):
        raise ParameterError(
            "timestamp_granularities is a text, not a list.", hint='Write ["word"].'
        )
    granularities = body["timestamp_granularities"] = list(granularities)
    if shape != "verbose_json":
        raise ParameterError("timestamp_granularities needs response_format='verbose_json'.")
    for one in granularities:
        if one not in ("word", "segment"):
            raise ParameterError(
                f"timestamp_granularities holds {one!r}; it takes 'word' and 'segment'."
            )


def _check_speech(body: Mapping[str, Any]) -> None:
    said = body["input"]
    if not isinstance(said, str) or not said.strip():
        raise ParameterError("input is empty.", hint="It is the text to be spoken.")
    if len(said) > MOST_CHARACTERS:
        raise ParameterError(
            f"input has {len(said):,} characters; at most {MOST_CHARACTERS:,} are allowed.",
            hint="Speak it in parts.",
        )
    rate = body.get("sample_rate")
    if rate is not None and rate not in SAMPLE_RATES:
        rates = ", ".join(map(str, SAMPLE_RATES))
        raise ParameterError(f"sample_rate is {rate}; it is one of {rates}.")
    _check_range("speed", body.get("speed"), 0.5, 5)


def _check_range(name: str, value: Any, low: float, high: float) -> None:
    # `not <=` rather than `>`: NaN is in no range.
    if isinstance(value, (int, float)) and not low <= value <= high:
        raise ParameterError(f"{name} is {value}; it goes from {low:g} to {high:g}.")
