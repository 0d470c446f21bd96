"""/openai/v1/audio/transcriptions, /audio/translations, /audio/speech.

Docs: "Create transcription", "Create translation", "Create speech"; "Speech to Text", "Text to
Speech". Whisper hears (`ears`), Kokoro speaks (`mouth`); the reply's header `x-groqnb-model` names
which of them it was, whichever model was asked for. What they need comes with the extras "speech"
and "voice", and is fetched at the first request (`groqnb setup speech` does it ahead of time).

verbose_json has every documented field, each worked out by Whisper. `language` is the language
that is spoken, by its English name, in translations too. `segments` or `words` are null where
only the other one was asked for; `temperature` is the one that was needed in the end.

Nothing can be heard in: a damaged file, one without audio, less than 0.01 s, silence alone. Each
is a 400 that says so. More than 25 MB must come by `url`, which may lead to 25 MB on the free plan
(`--plan free`) and to 100 MB else.

Speech is sent while it is made. A wav tells its length first: a short one is sent when it is
whole, a longer one with the length "unknown" (0xFFFFFFFF), which players understand. "mulaw" is
bare G.711; "ogg" is Opus. Above speed 2 the voice is made faster afterwards. `playai-tts-arabic`
is a 501: no voice here speaks Arabic.
"""

from __future__ import annotations

import base64
import binascii
import io
import math
from collections.abc import AsyncGenerator
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from groqnb.local import ears, mouth
from groqnb.local.audio_request import (
    LARGEST_UPLOAD,
    Fields,
    HearingRequest,
    estimated_tokens,
    read_fields,
    read_hearing,
    read_speech,
)
from groqnb.local.bodies import json_body, json_reply
from groqnb.local.closing import ClosingStream
from groqnb.local.disconnect import unless_gone
from groqnb.local.ears import Ears
from groqnb.local.image_fetch import AUDIO, TooLarge, fetch
from groqnb.local.languages import LANGUAGES
from groqnb.local.mouth import Mouth, Speaking
from groqnb.local.parts.hearing import Heard
from groqnb.local.parts.sound_files import MEDIA_TYPES
from groqnb.local.public_address import BadUrl
from groqnb.local.quota import Quota
from groqnb.local.refusal import Refusal, bad_request, not_served

__all__ = ["LARGEST_BY_URL", "answer", "routes"]

#: The largest file behind a `url`, in bytes, where no plan limits it further.
LARGEST_BY_URL = 100_000_000

_MODEL = "x-groqnb-model"


def routes(hearing: Ears, speaking: Mouth, quota: Quota) -> list[Route]:
    """The endpoints."""

    def hears(path: str) -> Route:
        async def hear(request: Request) -> Response:
            quota.check_spending()
            given = await read_fields(request)
            try:
                wanted = read_hearing(path, given)
                work = _hear(wanted, hearing, quota)
                reply = _reply(await unless_gone(request, work), wanted, request.state.request_id)
            finally:
                given.close()
            headers = {_MODEL: ears.NAME, **quota.headers(wanted.info)}
            if wanted.format == "text":
                return PlainTextResponse(reply["text"], headers=headers)
            return json_reply(reply, headers=headers)

        return Route(path, hear, methods=["POST"])

    async def speak(request: Request) -> Response:
        quota.check_spending()
        wanted = read_speech(await json_body(request))
        if wanted.voice not in mouth.VOICES:
            raise not_served("speech in Arabic (no voice on this machine speaks it)", "model")
        speaking.require()
        quota.admit(wanted.info, estimated_tokens(wanted.text), characters=len(wanted.text))
        voice = mouth.VOICES[wanted.voice]
        pieces = speaking.speak(
            Speaking(wanted.text, voice, wanted.format, wanted.rate, wanted.speed)
        )
        # Only now is it known that there is something to be sent.
        first = await unless_gone(request, anext(pieces))
        headers = {_MODEL: mouth.NAME, "x-groqnb-voice": voice, **quota.headers(wanted.info)}
        kind = MEDIA_TYPES[wanted.format]
        if wanted.format == "mulaw":
            kind = f"{kind}; rate={wanted.rate}"
        return ClosingStream(_with_first(first, pieces), headers, kind)

    return [
        hears("/audio/transcriptions"),
        hears("/audio/translations"),
        Route("/audio/speech", speak, methods=["POST"]),
    ]


async def answer(
    endpoint: str, body: dict[str, Any], hearing: Ears, quota: Quota, request_id: str
) -> dict[str, Any]:
    """The reply to a line of a batch. Raises Refusal."""
    if "file" in body:
        raise bad_request("`file` is not supported in batches; give a `url`.", "file")
    wanted = read_hearing(endpoint.removeprefix("/v1"), Fields(body))
    return _reply(await _hear(wanted, hearing, quota), wanted, request_id)


async def _hear(wanted: HearingRequest, hearing: Ears, quota: Quota) -> Heard:
    def admit(seconds: float) -> None:
        quota.admit(wanted.info, 0, audio_seconds=math.ceil(seconds))

    hearing.require()
    file = wanted.file
    if file is None:
        assert wanted.url is not None
        most = LARGEST_UPLOAD if quota.enforced else LARGEST_BY_URL
        file = io.BytesIO(await _fetched(wanted.url, most, private=hearing.private))
    return await hearing.hear(file, wanted.listening, admit)


async def _fetched(url: str, most: int, *, private: bool) -> bytes:
    """The bytes behind a URL. Raises a 400 or a 413."""
    if url.startswith("data:"):
        text = "".join(url.partition(",")[2].split()).translate(_URL_ALPHABET)
        try:
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            raise bad_request(
                "`url` cannot be used: what follows `base64,` is not valid base64.", "url"
            ) from None
    try:
        return await fetch(url, most, private=private, kind=AUDIO)
    except TooLarge as error:
        raise Refusal(
            413, f"`url` cannot be used: {error}.", code="request_too_large", param="url"
        ) from None
    except BadUrl as error:
        raise bad_request(f"`url` cannot be fetched: {error}.", "url", "invalid_url") from None


# Base64 for URLs is taken as well.
_URL_ALPHABET = str.maketrans("-_", "+/")


def _reply(heard: Heard, wanted: HearingRequest, request_id: str) -> dict[str, Any]:
    """The documented object."""
    told = {"text": heard.text, "x_groq": {"id": request_id}}
    if wanted.format != "verbose_json":
        return told
    return {
        "task": "translate" if wanted.listening.translate else "transcribe",
        "language": LANGUAGES.get(heard.language, heard.language) or None,
        "duration": round(heard.seconds, 3),
        "text": heard.text,
        "segments": heard.segments if wanted.segments else None,
        "words": heard.words if wanted.listening.words else None,
        "x_groq": told["x_groq"],
    }


async def _with_first(
    first: bytes, others: AsyncGenerator[bytes, None]
) -> AsyncGenerator[bytes, None]:
    try:
        yield first
        async for piece in others:
            yield piece
    finally:
        await others.aclose()
