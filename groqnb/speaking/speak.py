"""`groqnb.speak`: texts of any length, spoken.

Docs: Text to Speech; Create speech.
"""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from groqnb import catalog
from groqnb.speaking.joining import FORMATS, encoded, joined, mended
from groqnb.speaking.passages import passages
from groqnb.speaking.spoken import ENDINGS, Spoken
from groqnb.types.errors import ParameterError, ResponseError
from groqnb.types.new_file import NewFile
from groqnb.wire import tap

if TYPE_CHECKING:
    from groqnb.client import Groq
    from groqnb.hearing.splitting import Piece
    from groqnb.types.audio import SpeechFormat

__all__ = ["MODEL", "speak", "voice_of"]

MODEL = "playai-tts"
_VOICE = "Fritz-PlayAI"  # the one of the documentation's examples
_RATES = (8000, 16000, 22050, 24000, 32000, 44100, 48000)


def speak(
    text: str,
    *,
    voice: str | None = None,
    model: str = MODEL,
    format: SpeechFormat | None = None,
    sample_rate: Literal[8000, 16000, 22050, 24000, 32000, 44100, 48000] | None = None,
    speed: float | None = None,
    save: str | os.PathLike[str] | None = None,
    autoplay: bool = False,
    concurrency: int = 2,
    max_wait: float = 600.0,
    resume: bool = True,
    client: Groq | None = None,
    **unknown: Any,
) -> Spoken:
    """Speak a text; the result plays as the value of a cell.

    Texts over the documented 10,000 characters are split behind sentences, spoken part by part and
    joined sample by sample, without gaps. Finished parts of such a text are kept on disk until all
    are there: after an interrupt or a crash the same call goes on from there.

    Args:
        text: what to say.
        voice: one of the model's, "Fritz-PlayAI" by default; its first name is enough.
        model: playai-tts for English, playai-tts-arabic for Arabic.
        format: "flac", "mp3", "mulaw", "ogg" or "wav"; by default as `save` ends, else wav.
        sample_rate: in Hz; 48,000 by the API's default.
        speed: 0.5 to 5; 1 by default.
        save: a file to write it to as well.
        autoplay: play it as soon as it is seen, where the browser lets it.
        concurrency: how many parts are spoken at a time.
        max_wait: seconds that a part may wait for the limits.
        resume: False keeps nothing on disk, and does not look there.
        client: by default that of the magics.

    Raises ParameterError for what the API is sure to refuse, OSError where `save` cannot be
    written, MissingExtra where joining needs `groqnb[audio]`, and what a call raises.

    ```python
    groqnb.speak("The train leaves at nine.", voice="Celeste", save="train.mp3")
    ```

    Docs: Text to Speech.
    """
    if unknown:
        _refuse(unknown)
    chosen = format or _format_of(save)
    _check(text, chosen, sample_rate, speed, concurrency, max_wait)
    name = voice_of(voice, model)
    if client is None:
        from groqnb.session import session

        client = session.client()
    from groqnb.engine_parts import fetch_for

    parts = passages(text, catalog.limit("speech_input_chars"))
    _check_means(chosen, save, len(parts))
    fetch_for(client, "speaking")
    params: dict[str, Any] = {"model": model, "voice": name}
    params |= {"sample_rate": sample_rate} if sample_rate is not None else {}
    params |= {"speed": speed} if speed is not None else {}
    call = _Call(client, params, parts)
    if len(parts) == 1:
        reply = client.audio.speech.create(input=text, response_format=chosen, **params)
        audio, told = mended(reply.content), _told(client, reply.headers)
    else:
        files, told = call.all(concurrency, max_wait, resume)
        try:
            whole = joined(files)
        except ResponseError:
            call.forget()  # what does not fit together would not do so the next time
            raise
        audio = encoded(whole, chosen)

    def again(other: str) -> Spoken:
        return speak(
            text, voice=other, model=model, format=chosen, sample_rate=sample_rate, speed=speed,
            concurrency=concurrency, max_wait=max_wait, resume=resume, client=client,
        )  # fmt: skip

    said = Spoken(
        audio, chosen, text, name, model, _cost(told["where"], model, text), len(parts),
        told["answered"], sample_rate, again, autoplay,
    )  # fmt: skip
    if save is not None:
        said.save(save)
    # Only now: were the disk full, the same call would find the parts again.
    call.forget()
    return said


def _check_means(format: str, save: str | os.PathLike[str] | None, parts: int) -> None:
    """Refuse what cannot be made or saved before anything is paid. Raises as `speak` does."""
    made = {format} if parts > 1 else set()
    if save is not None:
        NewFile(save).give_up()
        if _format_of(save) != format:
            made |= {_format_of(save)}
    if made - {"wav"} or (made and format != "wav"):
        from groqnb.hearing.extras import load_av, load_numpy

        load_numpy()
        load_av()


@dataclass
class _Call:
    """The requests for the parts of a long text."""

    client: Groq
    params: Mapping[str, Any]
    parts: list[str]
    forget: Callable[[], None] = lambda: None

    def all(
        self, concurrency: int, max_wait: float, resume: bool
    ) -> tuple[list[bytes], dict[str, str]]:
        """The WAV files of the parts, in order, and who spoke them."""
        from groqnb.hearing.extras import load_numpy
        from groqnb.hearing.kept import Kept, default_folder
        from groqnb.hearing.pace import Pace
        from groqnb.hearing.sending import Work, send_all

        load_numpy()
        target = self.client.target
        known = catalog.find(self.params["model"])
        cloud = target.kind == "cloud" and known is not None
        limits = dict(known.limits) if known is not None and cloud else {}
        asked = {**self.params, "where": target.kind, "server": target.base_url}
        # What is not asked again would be missing in a record, which keeps finished parts as well.
        folder = default_folder("speech") if resume and tap.current is None else None
        kept = Kept(folder, asked)
        work = Work(self.ask, Pace(limits), kept, concurrency, max_wait, pack=_text_of)
        try:
            answers = send_all(self.pieces(), work)
        except KeyboardInterrupt:
            if resume:
                print("Interrupted. The same call goes on from there.", file=sys.stderr)
            raise
        finally:
            kept.tell()
        replies = [answer.reply or {} for answer in answers]
        self.forget = lambda: kept.drop(answer.key for answer in answers if answer.key)
        files = [base64.b64decode(reply["audio"]) for reply in replies]
        told = {name: str(replies[0].get(name) or "") for name in ("answered", "where")}
        return files, told

    def pieces(self) -> Iterator[Piece]:
        from groqnb.hearing.splitting import Piece

        for index, part in enumerate(self.parts):
            samples: Any = part.encode()
            yield Piece(index, 0.0, 0.0, 0.0, 0.0, 1.0, samples)

    def ask(self, text: bytes) -> tuple[dict[str, Any], Any]:
        reply = self.client.audio.speech.create(
            input=text.decode(), response_format="wav", **self.params
        )
        audio = base64.b64encode(reply.content).decode("ascii")
        return {"audio": audio, **_told(self.client, reply.headers)}, reply.headers


def _told(client: Groq, headers: Mapping[str, str]) -> dict[str, str]:
    """Which model spoke and where, as the reply says; a record says where that was."""
    where = headers.get("x-groqnb-where", client.target.kind)
    return {"answered": headers.get("x-groqnb-model", ""), "where": where}


def _text_of(piece: Any) -> bytes:
    text: bytes = piece.samples
    return text


def voice_of(voice: str | None, model: str) -> str:
    """The voice's whole name: "fritz" is "Fritz-PlayAI". Raises ParameterError.

    A voice of a model that the catalogue does not know is taken as it is.

    ```python
    >>> voice_of("celeste", "playai-tts")
    'Celeste-PlayAI'

    ```
    """
    known = catalog.voices(model)
    if voice is None:
        if not known:
            raise ParameterError(f"The voices of {model} are not known here.", hint="Pass voice=.")
        return _VOICE if _VOICE in known else known[0]
    if not isinstance(voice, str) or not voice.strip():
        raise ParameterError(f"voice is {voice!r}; it is a name.")
    if not known or voice in known:
        return voice
    low = voice.strip().lower()
    for name in known:
        if low in (name.lower(), name.partition("-")[0].lower()):
            return name
    from difflib import get_close_matches

    first = {name.partition("-")[0].lower(): name for name in known}
    near = [first[each] for each in get_close_matches(low.partition("-")[0], first, n=3)]
    hint = f"Did you mean {' or '.join(near)}?" if near else f"It has {', '.join(known)}."
    raise ParameterError(f"{model} has no voice {voice!r}.", hint=hint)


def _format_of(save: str | os.PathLike[str] | None) -> Any:
    if save is None:
        return "wav"
    ending = Path(save).suffix.lower()
    if ending not in ENDINGS:
        raise ParameterError(
            f"Speech is not saved as {ending or 'a file without an ending'}.",
            hint=f"Name it {', '.join(f'.{name}' for name in FORMATS)}.",
        )
    return ENDINGS[ending]


def _check(
    text: Any, format: Any, rate: Any, speed: Any, concurrency: Any, max_wait: Any
) -> None:  # fmt: skip
    if not isinstance(text, str) or not text.strip():
        raise ParameterError("There is no text to be spoken.")
    if format not in FORMATS:
        raise ParameterError(f"format is {format!r}; it is one of {', '.join(FORMATS)}.")
    if rate is not None and rate not in _RATES:
        rates = ", ".join(map(str, _RATES))
        raise ParameterError(f"sample_rate is {rate!r}; it is one of {rates}.")
    for name, value, low, high in (
        ("speed", speed, 0.5, 5.0),
        ("concurrency", concurrency, 1, 16),
        ("max_wait", max_wait, 0, float("inf")),
    ):
        if value is None and name == "speed":
            continue
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            raise ParameterError(f"{name} is {value!r}; it goes from {low:g} to {high:g}.")


def _cost(where: str, model: str, text: str) -> float | None:
    from groqnb.catalog.cost import PricesUnreadable, cost

    if where == "local":
        return 0.0
    try:
        found = cost(model, characters=len(text)) if where == "cloud" else None
    except PricesUnreadable:
        return None
    return None if found is None else found.usd


def _refuse(unknown: Mapping[str, Any]) -> None:
    from difflib import get_close_matches
    from inspect import signature

    known = [name for name in signature(speak).parameters if name not in ("text", "unknown")]
    name = next(iter(unknown))
    near = get_close_matches(name, [*known, "response_format"], n=1)
    near = ["format" if each == "response_format" else each for each in near]
    hint = f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(known)}."
    raise ParameterError(f"speak has no parameter {name!r}.", hint=hint)
