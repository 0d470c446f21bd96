"""Speak the cookbook's meeting and the questions to its voice assistant: `data/*.mp3`.

    python tests/refresh_talks.py

The people and their shop do not exist, and what they say is ours; the engine's voices say it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from groqnb.local import weights
from groqnb.local.parts import speaking
from groqnb.local.parts.phonemes import Phonemes
from groqnb.local.parts.sound_files import Writer
from tests import speech

VOICES = {"Anna": "af_heart", "Ben": "am_michael", "Clara": "af_bella"}
PAUSE = 0.35  # seconds between two speakers
RATE = 16_000
QUESTIONS = {
    "question_1": [("Clara", "I have a bicycle. What should I check before a long ride?")],
    "question_2": [("Clara", "And which of these is the most important?")],
}
MEETING = [
    ("Anna", "Good morning. Today is Monday, the second of March. Let us begin with the sale."),
    ("Ben", "The summer sale should start on the first of June. Last year we were too late."),
    (
        "Anna",
        "Agreed, the sale starts on the first of June. Ben, please order the posters by Friday.",
    ),
    ("Ben", "I will order two hundred posters by Friday."),
    ("Clara", "The new web shop is almost ready. I will finish the payment page by Wednesday."),
    ("Anna", "Good. Then it is decided: the web shop opens on the twentieth of March."),
    ("Clara", "One more thing. The roof of the workshop is leaking again."),
    ("Anna", "I will call the roofer tomorrow. We decide to spend nine hundred euros at most."),
    ("Anna", "Thank you all, and goodbye."),
]


def main() -> None:
    """Write the files."""
    model, voices = (weights.ensure(file.key).path for file in weights.group("speaking"))
    kokoro, phonemes = speaking.Kokoro(model, voices, 2), Phonemes()
    pause = np.zeros(int(PAUSE * speaking.RATE), np.float32)
    for talk, said in {**QUESTIONS, "meeting": MEETING}.items():
        parts = []
        for name, text in said:
            sounds = speaking.pieces(phonemes.of(text, "en-us"), 250)
            parts += [*(kokoro.say(piece, VOICES[name], 1.1) for piece in sounds), pause]
        sound = np.concatenate(parts)
        writer = Writer("mp3", RATE, speaking.RATE)
        path = speech.DATA / f"{talk}.mp3"
        path.write_bytes(writer.add(sound) + writer.end())
        print(f"{path.name}: {len(sound) / speaking.RATE:.1f} s, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
