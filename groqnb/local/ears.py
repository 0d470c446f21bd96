"""What the engine does with a recording: decode it, count it in, hear it.

One recording is heard at a time, by all cores; the others wait their turn, a batch's lines behind
everybody else's. A client that hangs up ends its work within a sentence or two.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from groqnb import catalog
from groqnb.local.on_demand import OnDemand
from groqnb.local.parts import hearing, recording, waiting
from groqnb.local.parts.hearing import GivenUp, Heard, Listening, Whisper
from groqnb.local.parts.recording import Recording, Unreadable
from groqnb.local.parts.seats import Seats
from groqnb.local.refusal import Refusal, bad_request

__all__ = ["NAME", "Ears"]

#: Which model hears: what the header `x-groqnb-model` says.
NAME = "whisper-base-ct2"

_LONGEST_HOURS = 4
_FILES = {
    "whisper": "model.bin",
    "whisper-words": "tokenizer.json",
    "whisper-vocabulary": "vocabulary.txt",
    "whisper-config": "config.json",
}


class Ears:
    """Hears recordings. What it needs is fetched and loaded at the first one.

    `private` lets URLs lead to this machine and its network: for tests, and for nothing else.
    """

    def __init__(self, *, private: bool = False) -> None:
        self.private = private
        self._whisper = OnDemand("hearing", _load)
        self._seats = Seats(1, 1)
        self._decoding = ThreadPoolExecutor(2, "decode")
        self._hearing = ThreadPoolExecutor(1, "hear")

    def require(self) -> None:
        """Raise a 501 when a package is missing."""
        missing = recording.missing_package() or hearing.missing_package()
        if missing is not None:
            raise Refusal(
                501,
                f"The local engine needs the package {missing!r} to hear. "
                'Install it with: pip install "groqnb[speech]"',
                type="not_implemented_error",
                code="not_implemented",
            )

    async def hear(
        self, file: BinaryIO, wanted: Listening, admit: Callable[[float], None]
    ) -> Heard:
        """What is said in `file`. `admit` gets its seconds and may raise a Refusal.

        Raises Refusal: 400 for a file without sound or too long a prompt, 501, 503.
        """
        self.require()
        given_up = threading.Event()
        loop = asyncio.get_running_loop()
        try:
            sound = await loop.run_in_executor(self._decoding, _read, file, given_up)
            admit(sound.seconds)
            whisper = await self._whisper.get()
            _check_prompt(whisper, wanted.prompt)
            async with self._seats.take(0):
                return await loop.run_in_executor(
                    self._hearing, whisper.hear, sound, wanted, given_up
                )
        except GivenUp:
            raise asyncio.CancelledError from None
        finally:
            given_up.set()


def _load(files: Mapping[str, Path]) -> Whisper:
    return Whisper({_FILES[key]: path for key, path in files.items()}, waiting.thread_count())


def _read(file: BinaryIO, given_up: threading.Event) -> Recording:
    try:
        return recording.read(file, _LONGEST_HOURS * 3600, given_up)
    except Unreadable as error:
        raise bad_request(str(error), "file", error.code) from None
    except OSError as error:
        traceback.print_exception(error, file=sys.stderr)
        raise Refusal(
            503,
            f"The audio cannot be decoded on this machine's disk: {error.strerror}.",
            type="service_unavailable_error",
        ) from None


def _check_prompt(whisper: Whisper, prompt: str | None) -> None:
    most = catalog.limit("transcription_prompt_tokens")
    tokens = whisper.tokens(prompt) if prompt else 0
    if tokens > most:
        raise bad_request(f"`prompt` has {tokens} tokens; at most {most} are allowed.", "prompt")
