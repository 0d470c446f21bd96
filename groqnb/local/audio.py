"""/openai/v1/audio/transcriptions, /audio/translations, /audio/speech.

Docs: "Create transcription", "Create translation", "Create speech"; "Speech to Text", "Text to
Speech". Every documented rule is checked. What passes is answered with a 501: this engine has no
part yet that hears or speaks, and it makes no result up.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from groqnb import catalog
from groqnb.catalog import ModelInfo
from groqnb.local import fields
from groqnb.local.bodies import json_body
from groqnb.local.multipart import Form, read_form
from groqnb.local.refusal import Refusal, bad_request, unknown_model

__all__ = ["LARGEST_UPLOAD", "SPEECH_FORMAT", "refuse", "routes"]

#: The largest file that may be sent along, in bytes (the free tier's; larger ones by `url`).
LARGEST_UPLOAD = 25_000_000
#: The reference says mp3, the guide wav, for `response_format` of speech: the reference counts.
SPEECH_FORMAT = "mp3"

_AUDIO_ENDINGS = ("flac", "mp3", "mp4", "mpeg", "mpga", "mpg", "m4a", "ogg", "wav", "webm")
_TEXT_FORMATS = ("json", "text", "verbose_json")
_SPEECH_FORMATS = ("flac", "mp3", "mulaw", "ogg", "wav")
_SAMPLE_RATES = (8000, 16000, 22050, 24000, 32000, 44100, 48000)
_GRANULARITIES = "timestamp_granularities[]"
_LANGUAGE = re.compile("[a-z]{2}")
_PIECE = re.compile(r"\w+|[^\w\s]")
# A token of Whisper's covers no more letters of a word than this, but for rare words.
_TOKEN_LETTERS = 12


def routes(check_spending: Callable[[], None]) -> list[Route]:
    """The endpoints. `check_spending` raises a 400 when nothing more may be spent."""

    def hearing(path: str) -> Route:
        async def hear(request: Request) -> Response:
            check_spending()
            values, has_file = await _read(request)
            _check_hearing(path, values, has_file)
            raise _no_part("hears")

        return Route(path, hear, methods=["POST"])

    async def speak(request: Request) -> Response:
        check_spending()
        _check_speech(await json_body(request))
        raise _no_part("speaks")

    return [
        hearing("/audio/transcriptions"),
        hearing("/audio/translations"),
        Route("/audio/speech", speak, methods=["POST"]),
    ]


def refuse(endpoint: str, body: dict[str, Any]) -> None:
    """The refusal for a line of a batch: what is wrong with it, else the 501. Always raises."""
    if "file" in body:
        raise bad_request("`file` is not supported in batches; give a `url`.", "file")
    _check_hearing(endpoint.removeprefix("/v1"), body, has_file=False)
    raise _no_part("hears")


def _no_part(does: str) -> Refusal:
    return Refusal(
        501,
        f"The local engine has no part installed that {does}. The request is right; "
        "send it to the Groq cloud with an API key.",
        type="not_implemented_error",
        code="not_implemented",
    )


async def _read(request: Request) -> tuple[dict[str, Any], bool]:
    """The fields of a form (or of a JSON body), and whether a proper file came along."""
    if request.headers.get("content-type", "").startswith("application/json"):
        body = await json_body(request)
        if not isinstance(body, dict):
            raise bad_request(f"The body must be a JSON object, not {fields.json_type(body)}.")
        if "file" in body:
            raise bad_request("`file` must be sent in a multipart form.", "file")
        return body, False
    form = await read_form(request, _Nowhere, LARGEST_UPLOAD)
    values: dict[str, Any] = {}
    for name, given in form.values.items():
        key = name.removesuffix("[]")
        if key == "timestamp_granularities":
            values.setdefault(_GRANULARITIES, []).extend(given)
        else:
            values[name] = form.one(name)
    if "temperature" in values:
        values["temperature"] = _form_number(values["temperature"], "temperature")
    return values, _check_file(form)


class _Nowhere(BinaryIO):
    """Takes a file whose bytes nothing reads yet."""

    def __init__(self) -> None:
        pass

    def write(self, data: Any, /) -> int:
        return len(data)


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


def _check_hearing(path: str, values: dict[str, Any], has_file: bool) -> None:
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
    _check_source(values, has_file)
    language = fields.string(values, "language")
    if language is not None and not _LANGUAGE.fullmatch(language):
        raise bad_request("`language` must be an ISO-639-1 code such as `en`.", "language")
    if translates and language not in (None, "en"):
        raise bad_request("A translation is into English: `language` may be `en` only.", "language")
    _check_prompt(fields.string(values, "prompt"))
    shape = fields.choice(values, "response_format", _TEXT_FORMATS) or "json"
    fields.number(values, "temperature", 0, 1)
    for key in (_GRANULARITIES, "timestamp_granularities"):
        wanted = fields.strings(values, key)
        for each in wanted or ():
            fields.choice({key: each}, key, ("word", "segment"))
        if wanted and shape != "verbose_json":
            raise bad_request(f"`{key}` needs `response_format: verbose_json`.", key)


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
    pieces = _PIECE.findall(prompt or "")
    tokens = sum(math.ceil(len(piece) / _TOKEN_LETTERS) for piece in pieces)
    if tokens > most:
        raise bad_request(
            f"`prompt` has about {tokens} tokens (estimated from its words); "
            f"at most {most} are allowed.",
            "prompt",
        )


def _check_speech(body: object) -> None:
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
    fields.choice(body, "response_format", _SPEECH_FORMATS)
    rate = fields.integer(body, "sample_rate")
    if rate is not None and rate not in _SAMPLE_RATES:
        rates = ", ".join(map(str, _SAMPLE_RATES))
        raise bad_request(
            f"`sample_rate` must be one of {rates}, not {fields.shown(rate)}.", "sample_rate"
        )
    fields.number(body, "speed", 0.5, 5)
