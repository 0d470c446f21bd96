"""A server that hears: it knows a recording and its transcript, and answers by what it is sent.

The recording is noise where there are words, and all but silence between them. A piece of it is
found again by its samples, which FLAC leaves as they are; the answer is what a model would hear of
that stretch: its words with times that are a little off, those at the edges cut or missing.
"""

from __future__ import annotations

import io
import json
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from forms import read_form

from groqnb import Groq

__all__ = ["RATE", "TALK", "Hearing", "Talk", "bare", "samples_of", "wav"]

RATE = 16_000
KEY = "gsk_" + "SecretSecret" * 4


class Talk:
    """A transcript and a recording of it."""

    def __init__(self, words: list[tuple[str, float, float]], duration: float) -> None:
        self.words, self.duration = words, duration
        noise = np.random.default_rng(7).normal(0, 3, int(duration * RATE))
        sound = np.random.default_rng(8).normal(0, 3000, len(noise))
        for _, start, end in words:
            low, high = int(start * RATE), int(end * RATE)
            noise[low:high] += sound[low:high]
        self.samples = noise.clip(-32768, 32767).astype(np.int16)

    @property
    def text(self) -> str:
        return " ".join(word for word, _, _ in self.words)

    def repeated(self, times: int) -> Talk:
        """The same words again and again; the sound is another one each time."""
        words = [
            (word, start + turn * self.duration, end + turn * self.duration)
            for turn in range(times)
            for word, start, end in self.words
        ]
        return Talk(words, self.duration * times)


def _real() -> Talk:
    known = json.loads(Path(__file__).with_name("speech_words.json").read_text(encoding="utf-8"))
    return Talk([(word, start, end) for word, start, end in known["words"]], known["duration"])


#: 95 seconds of real speech's words and times.
TALK = _real()


def bare(words: Any) -> list[str]:
    """Words without their signs, in small letters: what two hearings of them have in common."""
    return ["".join(c for c in word.lower() if c.isalnum()) for word in words]


def wav(samples: Any, rate: int = RATE, channels: int = 1) -> bytes:
    """A WAV file."""
    import wave

    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((channels, 2, rate, 0, "NONE", ""))
        writer.writeframes(np.asarray(samples, "<i2").tobytes())
    return file.getvalue()


def samples_of(sound: bytes) -> Any:
    """The samples of an audio file, as they are in it; its rate must be 16 kHz."""
    import av

    with av.open(io.BytesIO(sound)) as container:
        assert container.streams.audio[0].rate == RATE
        assert container.streams.audio[0].channels == 1
        blocks = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    return np.concatenate(blocks)


class Hearing:
    """The server. `heard` holds the stretches that it was sent, `fields` the form of each.

    `before` is asked before each answer and may answer instead, with the request's number.
    """

    def __init__(self, talk: Talk = TALK, **settings: Any) -> None:
        self.talk = talk
        self.heard: list[tuple[float, float]] = []
        self.fields: list[dict[str, Any]] = []
        self.files: list[bytes] = []
        self.paths: list[str] = []
        self.settings = settings
        self.before: Callable[[int], httpx.Response | None] = lambda number: None
        self.quality: Callable[[int, str], dict[str, float]] = lambda number, text: {}
        self.headers: dict[str, str] = {}
        self._lock = threading.Lock()

    def client(self, **settings: Any) -> Groq:
        settings = {"where": "cloud", "api_key": KEY, **self.settings, **settings}
        return Groq(transport=httpx.MockTransport(self._answer), **settings)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        form = read_form(request.headers["content-type"], request.read())
        fields: dict[str, Any] = {}
        sound = b""
        for part in form:
            if part.name == "file":
                assert part.filename == "part.flac"
                sound = part.content
            elif part.name.endswith("[]"):
                fields.setdefault(part.name, []).append(part.content.decode())
            else:
                fields[part.name] = part.content.decode()
        start, stop = self._place(samples_of(sound))
        with self._lock:
            number = len(self.heard)
            self.heard.append((start, stop))
            self.fields.append(fields)
            self.files.append(sound)
            self.paths.append(request.url.path)
        instead = self.before(number)
        if instead is not None:
            return instead
        reply = self.reply(start, stop, number)
        shape = fields.get("response_format")
        if shape == "text":
            return httpx.Response(200, text=reply["text"], headers=self.headers)
        if shape == "json":
            return httpx.Response(200, json={"text": reply["text"]}, headers=self.headers)
        granularities = fields.get("timestamp_granularities[]", ["segment"])
        if "word" not in granularities:
            del reply["words"]
        return httpx.Response(200, json=reply, headers=self.headers)

    def _place(self, samples: Any) -> tuple[float, float]:
        # The beginning may be silence that the decoder of an array clipped; a stretch is unique.
        whole = self.talk.samples.tobytes()
        probe = min(len(samples) // 2, 4000)
        at = whole.find(samples[probe : probe + 400].tobytes())
        while at % 2:
            at = whole.find(samples[probe : probe + 400].tobytes(), at + 1)
        assert at >= 0, "this is no piece of the recording"
        start = at // 2 - probe
        return start / RATE, (start + len(samples)) / RATE

    def reply(self, start: float, stop: float, number: int) -> dict[str, Any]:
        """What is heard from `start` to `stop`."""
        words = heard(self.talk.words, start, stop, seed=number)
        segments: list[dict[str, Any]] = []
        for word in words:
            if not segments or segments[-1]["text"].rstrip().endswith((".", "!", "?")):
                segments.append({"id": len(segments), "start": word["start"], "text": ""})
            segments[-1]["text"] += f" {word['word']}"
            segments[-1]["end"] = word["end"]
        usual = {"avg_logprob": -0.1, "no_speech_prob": 0.01, "compression_ratio": 1.5}
        for segment in segments:
            segment |= {"seek": 0, "tokens": [1], "temperature": 0.0, **usual}
            segment |= self.quality(number, segment["text"])
        return {
            "task": "transcribe",
            "language": "English",
            "duration": stop - start,
            "text": "".join(segment["text"] for segment in segments),
            "segments": segments,
            "words": words,
            "x_groq": {"id": "req_1"},
        }


def heard(
    words: list[tuple[str, float, float]], start: float, stop: float, *, seed: int
) -> list[dict[str, Any]]:
    """The words of a stretch as a model tells them: times from its start, a little off."""
    chance = random.Random(seed)
    found: list[dict[str, Any]] = []
    last = 0.0
    for word, begin, end in words:
        inside = min(end, stop) - max(begin, start)
        if inside <= 0.5 * (end - begin):
            continue  # less than half of it is no word
        if inside < end - begin:
            word = word[: max(1, len(word) // 2)]  # a word that is cut is heard as another
        at = max(last, max(begin, start) - start + chance.uniform(-0.08, 0.08))
        until = max(at, min(end, stop) - start + chance.uniform(-0.08, 0.08))
        found.append({"word": word, "start": round(at, 3), "end": round(until, 3)})
        last = at
    return found
