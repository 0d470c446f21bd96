"""Hearing and speaking: the engine over HTTP against faster-whisper and onnxruntime themselves.

The numbers are milliseconds for a second of sound, so 1,000 is as fast as it is spoken; ours and
the peer's turns alternate, in processes of their own, and medians are compared. Ours includes
the upload, the decoding of the file, the phonemes, and the writing of the reply's audio file.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from groqnb.local import mouth, process, weights
from groqnb.local.parts import speaking
from groqnb.local.parts.phonemes import Phonemes
from tests import speech
from tests.benchmarks.table import Row, as_text

__all__ = ["rows"]

TURNS = 5
GOAL = 1.25
FILES = ("model.bin", "tokenizer.json", "vocabulary.txt", "config.json")


def _jobs() -> tuple[dict[str, Any], dict[str, Any]]:
    """What the peer does: the recording to hear, the sounds to say."""
    voices = np.fromfile(weights.entry("kokoro-voices").path, np.float32).reshape(-1, 510, 256)
    said = []
    for passage in mouth.passages(speech.SPOKEN["en"]):
        sounds = Phonemes().of(passage, "en-us")
        tokens = [speaking._SYMBOLS[sign] for sign in sounds if sign in speaking._SYMBOLS]
        style = voices[speaking.VOICES.index("af_heart"), len(tokens) - 1]
        said.append(([0, *tokens, 0], style.tolist()))
    return {"hear": str(speech.DATA / "speech_en.flac")}, {"say": said}


def rows(turns: int = TURNS) -> list[Row]:
    """One row for hearing 17 s of English, one for speaking them."""
    for file in weights.group("speech"):
        weights.ensure(file.key)
    heard = {
        name: str(file.path) for name, file in zip(FILES, weights.group("hearing"), strict=True)
    }
    paths = {"whisper": heard, "kokoro": str(weights.entry("kokoro").path)}
    seconds = len(speech.samples()) / speech.RATE
    engine = process.ensure("small")
    headers = {"Authorization": f"Bearer {engine.api_key}"}
    script = Path(__file__).with_name("bare_speech.py")
    found = []
    with (
        httpx.Client(base_url=engine.base_url, headers=headers, timeout=300) as http,
        subprocess.Popen(
            [sys.executable, str(script), json.dumps(paths)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as child,
    ):
        assert child.stdin is not None
        assert child.stdout is not None
        file = {"file": ("a.flac", speech.recording("en"))}
        talk = {"model": "playai-tts", "voice": "Arista-PlayAI", "input": speech.SPOKEN["en"]}
        asked: tuple[tuple[str, str, dict[str, Any]], ...] = (
            ("hearing", "transcriptions", {"files": file, "data": {"model": "whisper-large-v3"}}),
            ("speaking", "speech", {"json": {**talk, "response_format": "wav"}}),
        )
        for (name, path, request), job in zip(asked, _jobs(), strict=True):
            ours, peers = [], []
            # The first turn loads the models and is not counted.
            for turn in range(turns + 1):
                start = time.perf_counter()
                http.post(f"/audio/{path}", **request).raise_for_status()
                mine = time.perf_counter() - start
                child.stdin.write(json.dumps(job) + "\n")
                child.stdin.flush()
                theirs = float(child.stdout.readline())
                if turn:
                    ours.append(mine / seconds * 1000)
                    peers.append(theirs / seconds * 1000)
            mine, theirs = statistics.median(ours), statistics.median(peers)
            found.append(Row(f"engine, {name} a second of speech", mine, theirs, "ms", GOAL))
        child.kill()
    process.stop()
    return found


if __name__ == "__main__":
    print(as_text(rows()))
