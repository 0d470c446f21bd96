"""What is asked of every piece of a recording, and what of the replies becomes of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groqnb.api.audio import transcription_call, translation_call
from groqnb.hearing.sending import Answered
from groqnb.hearing.stitching import HeardSegment, HeardWord, Part
from groqnb.wire import tap

if TYPE_CHECKING:
    from groqnb.client import Groq

__all__ = ["Recipe", "part_of"]


@dataclass(frozen=True)
class Recipe:
    """A client, and what it is asked; the parameters are those of the API."""

    client: Groq
    task: str
    model: str
    language: str | None = None
    prompt: str | None = None
    temperature: float | None = None
    response_format: str = "verbose_json"
    granularities: tuple[str, ...] = ("word", "segment")

    @property
    def params(self) -> dict[str, Any]:
        """What goes to the API beside the sound."""
        given: dict[str, Any] = {
            "model": self.model,
            "language": self.language,
            "prompt": self.prompt,
            "temperature": self.temperature,
            "response_format": self.response_format,
        }
        if self.task == "transcribe" and self.response_format == "verbose_json":
            given["timestamp_granularities"] = list(self.granularities)
        return {name: value for name, value in given.items() if value is not None}

    @property
    def asked(self) -> dict[str, Any]:
        """What a kept part depends on beside its sound."""
        target = self.client.target
        server = os.environ.get("GROQNB_LOCAL_MODEL") if target.kind == "local" else target.base_url
        return {"task": self.task, **self.params, "where": target.kind, "server": server}

    def ask(self, sound: bytes) -> tuple[dict[str, Any], Any]:
        """The reply for a FLAC file, as plain values, and its headers."""
        audio = self.client.audio
        endpoint: Any = audio.transcriptions if self.task == "transcribe" else audio.translations
        reply = endpoint.create(file=("part.flac", sound), **self.params)
        plain = reply.model_dump(exclude_none=True)
        plain["answered"] = reply.headers.get("x-groqnb-model", "")
        # A record tells where its replies came from.
        plain["where"] = reply.headers.get("x-groqnb-where", self.client.target.kind)
        return plain, reply.headers

    def is_recorded(self, sound: bytes) -> bool:
        """Whether a record answers for a FLAC file, which no limits hold up then."""
        if tap.current is None:
            return False
        make = transcription_call if self.task == "transcribe" else translation_call
        given = {"file": ("part.flac", sound), **self.params}
        call = make(given.pop("model"), given.pop("response_format"), given)
        target = self.client.target
        return tap.answers(call, target.kind, target.secret)

    def where(self, reply: Mapping[str, Any]) -> str:
        """Who answered: "local", "cloud" or "url"."""
        return str(reply.get("where") or self.client.target.kind)

    def cost(self, answers: Iterable[Answered]) -> float | None:
        """US dollars for the requests; None where no price is known."""
        from groqnb.catalog.cost import PricesUnreadable, cost

        total = 0.0
        for answer in answers:
            if answer.reply is None or self.where(answer.reply) == "local":
                continue
            if self.where(answer.reply) != "cloud":
                return None
            try:
                found = cost(self.model, audio_seconds=answer.seconds)
            except PricesUnreadable:
                return None
            if found is None:
                return None
            total += found.usd
        return total


def part_of(answer: Answered) -> Part:
    """The words and segments of a reply, with the times of the whole recording."""
    start, _, begins, ends = answer.piece
    reply: Mapping[str, Any] = answer.reply or {}
    words = [
        HeardWord(str(each["word"]).strip(), _at(start, each["start"]), _at(start, each["end"]))
        for each in reply.get("words") or ()
    ]
    words.sort(key=lambda word: word.middle)
    segments = [_segment(each, start, answer.index) for each in reply.get("segments") or ()]
    text = str(reply.get("text") or "")
    if not segments and text.strip():
        # Only text was asked for, or words alone.
        segments = [HeardSegment(begins, ends, text, part=answer.index)]
    return Part(begins, ends, words, segments)


def _segment(each: Mapping[str, Any], offset: float, part: int) -> HeardSegment:
    return HeardSegment(
        _at(offset, each["start"]),
        _at(offset, each["end"]),
        str(each["text"]),
        avg_logprob=each.get("avg_logprob"),
        no_speech_prob=each.get("no_speech_prob"),
        compression_ratio=each.get("compression_ratio"),
        temperature=each.get("temperature"),
        part=part,
    )


def _at(offset: float, seconds: float) -> float:
    """A time of a part in the whole recording, to the millisecond: the model hears no finer."""
    return round(offset + seconds, 3)
