"""Requests to the audio endpoints: read, and held against every documented rule.

Docs: "Create transcription", "Create translation", "Create speech"; "Speech to Text", "Text to
Speech".
"""

from __future__ import annotations

import math
import re
import tempfile
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from starlette.requests import Request

from groqnb import catalog
from groqnb.catalog import ModelInfo
from groqnb.local import fields
from groqnb.local.bodies import json_body
from groqnb.local.languages import whisper_code
from groqnb.local.multipart import Form, read_form
from groqnb.local.parts.hearing import Listening
from groqnb.local.refusal import bad_request, unknown_model

__all__ = [
    "LARGEST_UPLOAD",
    "SPEECH_FORMAT",
    "SPEECH_RATE",
    "HearingRequest",
    "SpeechRequest",
    "estimated_tokens",
    "read_fields",
    "read_hearing",
    "read_speech",
]

#: The largest file that may be sent along, in bytes; larger ones go by `url`.
LARGEST_UPLOAD = 25_000_000
#: The reference says mp3, the guide wav, for `response_format` of speech: the reference counts.
SPEECH_FORMAT = "mp3"
#: In Hz.
SPEECH_RATE = 48_000

_AUDIO_ENDINGS = ("flac", "mp3", "mp4", "mpeg", "mpga", "mpg", "m4a", "ogg", "wav", "webm")
_TEXT_FORMATS = ("json", "text", "verbose_json")
_SPEECH_FORMATS = ("flac", "mp3", "mulaw", "ogg", "wav")
_SAMPLE_RATES = (8000, 16000, 22050, 24000, 32000, 44100, 48000)
_GRANULARITIES = "timestamp_granularities[]"
_LANGUAGE = re.compile("[a-z]{2}")
_PIECE = re.compile(r"\w+|[^\w\s]")
# A token of Whisper's covers no more letters of a word than this, but for rare words.
_TOKEN_LETTERS = 12


@dataclass(frozen=True)
class HearingRequest:
    """A right transcription or translation. `file` is None where there is a `url`."""

    info: ModelInfo
    listening: Listening
    format: str
    segments: bool
    file: BinaryIO | None
    url: str | None


@dataclass(frozen=True)
class SpeechRequest:
    """A right request for speech; `rate` is in Hz."""

    info: ModelInfo
    text: str
    voice: str
    format: str
    rate: int
    speed: float


@dataclass
class Fields:
    """The fields of a form, or of a JSON body, and the file that came along."""

    values: dict[str, Any]
    file: BinaryIO | None = field(default=None, repr=False)

    def close(self) -> None:
        """Let the file go."""
        if self.file is not None:
            self.file.close()


async def read_fields(request: Request) -> Fields:
    """Read the request's body. Raises a 400, or a 413 for too large a file."""
    if request.headers.get("content-type", "").startswith("application/json"):
        body = await json_body(request)
        if not isinstance(body, dict):
            raise bad_request(f"The body must be a JSON object, not {fields.json_type(body)}.")
        if "file" in body:
            raise bad_request("`file` must be sent in a multipart form.", "file")
        return Fields(body)
    file: BinaryIO = tempfile.TemporaryFile(prefix="groqnb-upload-")  # noqa: SIM115
    try:
        # In base64 a file is a third larger.
        large = {"url": LARGEST_UPLOAD * 4 // 3 + 100}
        form = await read_form(request, lambda: file, LARGEST_UPLOAD, large)
        values: dict[str, Any] = {}
        for name, given in form.values.items():
            if name.removesuffix("[]") == "timestamp_granularities":
                values.setdefault(_GRANULARITIES, []).extend(given)
            else:
                values[name] = form.one(name)
        if "temperature" in values:
            values["temperature"] = _form_number(values["temperature"], "temperature")
        if not _check_file(form):
            file.close()
            return Fields(values)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return Fields(values, file)


def _check_file(form: Form) -> bool:
    if form.filename is None:
        return False
    ending = form.filename.rpartition(".")[2].lower() if "." in form.filename else ""
    if ending not in _AUDIO_ENDINGS:
        raise bad_request(
            f"`file` must be one of {', '.join(_AUDIO_ENDINGS)}, "
            f"not `{fields.shown(form.filename)}`.",
            "file",
            "invalid_file_format",
        )
    if form.size == 0:
        raise bad_request("The file is empty; audio has at least 0.01 seconds.", "file")
    return True


def _form_number(text: str | None, name: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise bad_request(f"`{name}` must be a number, not `{fields.shown(text)}`.", name)
    return value


def read_hearing(path: str, given: Fields) -> HearingRequest:
    """A request to `path`, held against the rules. Raises a 400 or a 404."""
    values = given.values
    translates = path == "/audio/translations"
    known = {"model", "url", "language", "prompt", "response_format", "temperature", "file"}
    if not translates:
        known |= {_GRANULARITIES, "timestamp_granularities"}
    for key in values:
        if key not in known:
            raise bad_request(f"The field `{fields.shown(key)}` is not supported.", key)
    info = _model(values, "transcription")
    if translates and not info.capabilities.get("translation"):
        raise bad_request(
            f"The model `{info.id}` does not translate; `whisper-large-v3` does.", "model"
        )
    _check_source(values, given.file is not None)
    language = fields.string(values, "language")
    if language is not None and not _LANGUAGE.fullmatch(language):
        raise bad_request("`language` must be an ISO-639-1 code such as `en`.", "language")
    if translates and language not in (None, "en"):
        raise bad_request("A translation is into English: `language` may be `en` only.", "language")
    if language is not None and whisper_code(language) is None:
        raise bad_request(f"Whisper does not know the language `{language}`.", "language")
    prompt = fields.string(values, "prompt")
    _check_prompt(prompt)
    shape = fields.choice(values, "response_format", _TEXT_FORMATS) or "json"
    temperature = fields.number(values, "temperature", 0, 1)
    times: list[str] = []
    for key in (_GRANULARITIES, "timestamp_granularities"):
        wanted = fields.strings(values, key)
        for each in wanted or ():
            fields.choice({key: each}, key, ("word", "segment"))
        if wanted and shape != "verbose_json":
            raise bad_request(f"`{key}` needs `response_format: verbose_json`.", key)
        times += wanted or []
    listening = Listening(
        translate=translates,
        # In a translation it is the language of the text, not of what is said.
        language=None if translates or language is None else whisper_code(language),
        prompt=prompt,
        temperature=temperature or 0.0,
        words="word" in times,
    )
    return HearingRequest(
        info=info,
        listening=listening,
        format=shape,
        segments=not times or "segment" in times,
        file=given.file,
        url=fields.string(values, "url"),
    )


def _model(values: dict[str, Any], kind: str) -> ModelInfo:
    name = fields.string(values, "model", required=True)
    assert name is not None
    info = catalog.find(name)
    fitting = [model.id for model in catalog.models() if model.kind == kind]
    if info is None:
        raise unknown_model(name, catalog.near(name, fitting))
    if info.kind != kind:
        raise bad_request(
            f"The model `{info.id}` is not for {kind}; these are: {', '.join(fitting)}.", "model"
        )
    return info


def _check_source(values: dict[str, Any], has_file: bool) -> None:
    if not has_file and values.get("file") is not None:
        raise bad_request("`file` must be a file: its part needs a filename.", "file")
    url = fields.string(values, "url")
    if has_file == (url is not None):
        which = "not both" if has_file else "and neither is there"
        raise bad_request(f"Either `file` or `url` must be given, {which}.", "file")
    if url is None or re.match(r"data:(audio|video)/[\w.+-]+(;[^,;]+)*;base64,", url):
        return
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise bad_request("`url` must be an http(s) URL, or audio as a base64 data URL.", "url")


def _check_prompt(prompt: str | None) -> None:
    most = catalog.limit("transcription_prompt_tokens")
    tokens = estimated_tokens(prompt or "")
    if tokens > most:
        raise bad_request(
            f"`prompt` has about {tokens} tokens (estimated from its words); "
            f"at most {most} are allowed.",
            "prompt",
        )


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has, by its words."""
    return sum(math.ceil(len(piece) / _TOKEN_LETTERS) for piece in _PIECE.findall(text))


def read_speech(body: object) -> SpeechRequest:
    """A request for speech, held against the rules. Raises a 400 or a 404."""
    if not isinstance(body, dict):
        raise bad_request(f"The body must be a JSON object, not {fields.json_type(body)}.")
    known = ("input", "model", "voice", "response_format", "sample_rate", "speed")
    for key in body:
        if key not in known:
            raise bad_request(f"The property `{fields.shown(key)}` is not supported.", key)
    info = _model(body, "speech")
    text = fields.string(body, "input", required=True)
    voice = fields.string(body, "voice", required=True)
    assert text is not None
    assert voice is not None
    most = catalog.limit("speech_input_chars")
    if not text.strip():
        raise bad_request("`input` is empty.", "input")
    if len(text) > most:
        raise bad_request(
            f"`input` may have at most {most:,} characters, not {len(text):,}.", "input"
        )
    voices = catalog.voices(info.id)
    if voice not in voices:
        near = catalog.near(voice, voices) or list(voices)
        raise bad_request(
            f"The model `{info.id}` has no voice `{fields.shown(voice)}`. "
            f"Choose one of: {', '.join(near)}.",
            "voice",
        )
    kind = fields.choice(body, "response_format", _SPEECH_FORMATS) or SPEECH_FORMAT
    rate = fields.integer(body, "sample_rate")
    if rate is not None and rate not in _SAMPLE_RATES:
        rates = ", ".join(map(str, _SAMPLE_RATES))
        raise bad_request(
            f"`sample_rate` must be one of {rates}, not {fields.shown(rate)}.", "sample_rate"
        )
    speed = fields.number(body, "speed", 0.5, 5)
    return SpeechRequest(info, text, voice, kind, rate or SPEECH_RATE, speed or 1.0)
