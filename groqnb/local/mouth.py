"""What the engine does with a text that is to be spoken: sentence by sentence, sent as it is made.

Kokoro speaks, not PlayAI: each documented voice stands for one of Kokoro's of about its kind, and
the reply's headers say which (`x-groqnb-model`, `x-groqnb-voice`). There is no Arabic voice.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from groqnb.local.on_demand import OnDemand
from groqnb.local.parts import phonemes, sound_files, speaking, waiting
from groqnb.local.parts.phonemes import Phonemes
from groqnb.local.parts.sound_files import Stretcher, Writer
from groqnb.local.parts.speaking import Kokoro
from groqnb.local.refusal import Refusal, bad_request

__all__ = ["NAME", "VOICES", "Mouth", "Speaking", "passages"]

#: Which model speaks: what the header `x-groqnb-model` says.
NAME = "kokoro-82M-v1.0-int8"
#: Which of Kokoro's voices stands for a documented one; "b…" are British, "a…" American.
VOICES = {
    "Arista-PlayAI": "af_heart",
    "Atlas-PlayAI": "am_fenrir",
    "Basil-PlayAI": "bm_george",
    "Briggs-PlayAI": "am_eric",
    "Calum-PlayAI": "bm_lewis",
    "Celeste-PlayAI": "af_bella",
    "Cheyenne-PlayAI": "af_sarah",
    "Chip-PlayAI": "am_puck",
    "Cillian-PlayAI": "bm_fable",
    "Deedee-PlayAI": "af_sky",
    "Fritz-PlayAI": "am_michael",
    "Gail-PlayAI": "bf_emma",
    "Indigo-PlayAI": "af_nova",
    "Mamaw-PlayAI": "af_kore",
    "Mason-PlayAI": "am_liam",
    "Mikail-PlayAI": "bm_daniel",
    "Mitch-PlayAI": "am_echo",
    "Quinn-PlayAI": "af_aoede",
    "Thunder-PlayAI": "am_onyx",
}

_ACCENTS = {"a": "en-us", "b": "en", "f": "fr"}
# Above it Kokoro swallows sounds; the rest is made faster afterwards.
_FASTEST = 2.0
# A voice with a sentence or two to say sounds better than with one word; more makes one wait.
_FIRST_PASSAGE, _PASSAGE = 120, 280  # characters
_SENTENCE = re.compile(r".+?(?:[.!?…]+[\"'”’)\]]*(?=\s)|\n+|$)", re.S)
_SHORT = 400  # characters: a wav of so few is sent when its length is known


@dataclass(frozen=True)
class Speaking:
    """A text to be spoken. `voice` is one of Kokoro's, `rate` in Hz."""

    text: str
    voice: str
    format: str
    rate: int
    speed: float = 1.0


class Mouth:
    """Speaks. What it needs is fetched and loaded at the first text."""

    def __init__(self) -> None:
        self._kokoro = OnDemand("speaking", self._load)
        self._phonemes = Phonemes()
        # One passage at a time, of whichever text; a text whose reader is slow holds none up.
        self._thread = ThreadPoolExecutor(1, "speak")

    def require(self) -> None:
        """Raise a 501 when a package is missing."""
        for missing, extra in (
            (speaking.missing_package(), "speech"),
            (phonemes.missing_package(), "voice"),
        ):
            if missing is not None:
                raise Refusal(
                    501,
                    f"The local engine needs the package {missing!r} to speak. "
                    f'Install it with: pip install "groqnb[{extra}]"',
                    type="not_implemented_error",
                    code="not_implemented",
                )

    def _load(self, files: Mapping[str, Path]) -> Kokoro:
        # Whether there are phonemes to be had is told now, not in the middle of a reply.
        self._phonemes.of("ready", "en-us")
        return Kokoro(files["kokoro"], files["kokoro-voices"], waiting.thread_count())

    async def speak(self, wanted: Speaking) -> AsyncGenerator[bytes, None]:
        """The audio file, in pieces as they are made; the first one tells that all is well.

        Raises Refusal before the first: a 400 for a text without anything to be spoken, 501, 503.
        """
        self.require()
        kokoro = await self._kokoro.get()
        pieces = self._file(kokoro, wanted)
        loop = asyncio.get_running_loop()
        some = False
        whole = wanted.format == "wav" and len(wanted.text) <= _SHORT
        held: list[bytes] = []
        while (piece := await loop.run_in_executor(self._thread, next, pieces, None)) is not None:
            if wanted.format == "wav" and not some and not whole:
                piece = sound_files.wav_header(wanted.rate) + piece
            some = some or bool(piece)
            if whole:
                held.append(piece)
            elif piece:
                yield piece
        if not some:
            raise bad_request("`input` holds nothing that can be spoken.", "input")
        if whole:
            body = b"".join(held)
            yield sound_files.wav_header(wanted.rate, len(body)) + body

    def _file(self, kokoro: Kokoro, wanted: Speaking) -> Iterator[bytes]:
        """The file, passage by passage. Runs in the thread."""
        writer: Writer | None = None
        slow = min(wanted.speed, _FASTEST)
        stretcher = Stretcher(wanted.speed / slow, speaking.RATE) if wanted.speed > slow else None
        for passage in passages(wanted.text):
            sounds = self._phonemes.of(passage, _ACCENTS[wanted.voice[0]])
            for piece in speaking.pieces(sounds):
                sound = kokoro.say(piece, wanted.voice, slow)
                if not len(sound):
                    continue
                writer = writer or Writer(wanted.format, wanted.rate, speaking.RATE)
                yield writer.add(sound if stretcher is None else stretcher.add(sound))
        if writer is not None:
            last = b"" if stretcher is None else writer.add(stretcher.add(None))
            yield last + writer.end()


def passages(text: str) -> Iterator[str]:
    """`text` in passages of a few sentences, the first one short. Nothing of it is lost.

    >>> list(passages("One. Two! Is this three? " + "Yes. " * 60))[0]
    'One. Two! Is this three? Yes. Yes. Yes. Yes. Yes. Yes. Yes. Yes. Yes. Yes. Yes. Yes. Yes. \
Yes. Yes. Yes. Yes. Yes. Yes.'
    """
    most, gathered = _FIRST_PASSAGE, ""
    for sentence in _SENTENCE.findall(text):
        for part in _bounded(sentence.strip()):
            if gathered and len(gathered) + len(part) >= most:
                yield gathered
                most, gathered = _PASSAGE, ""
            gathered = f"{gathered} {part}" if gathered else part
    if gathered:
        yield gathered


def _bounded(sentence: str) -> Iterator[str]:
    """A sentence that is too long, cut at a comma or between words, else anywhere."""
    while len(sentence) > _PASSAGE:
        head = sentence[:_PASSAGE]
        cut = max(head.rfind(", "), head.rfind("; "), head.rfind(": ")) + 1
        cut = cut or head.rfind(" ") + 1 or _PASSAGE
        yield sentence[:cut].strip()
        sentence = sentence[cut:].strip()
    if sentence:
        yield sentence
