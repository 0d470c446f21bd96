"""Speak the cookbook's recordings, `data/speech_en.flac` and `data/speech_fr.flac`.

    python tests/refresh_speech.py

They are what the engine's voice says of the texts in `tests/speech.py`; French is a voice of
Kokoro's that no documented name stands for.
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

VOICES = {"en": ("en-us", "af_heart"), "fr": ("fr", "ff_siwis")}


def main() -> None:
    """Write both files."""
    model, voices = (weights.ensure(file.key).path for file in weights.group("speaking"))
    kokoro, phonemes = speaking.Kokoro(model, voices, 2), Phonemes()
    for language, text in speech.SPOKEN.items():
        accent, voice = VOICES[language]
        sounds = speaking.pieces(phonemes.of(text, accent), 250)
        sound = np.concatenate([kokoro.say(piece, voice, 1.0) for piece in sounds])
        writer = Writer("flac", speech.RATE, speaking.RATE)
        path = speech.DATA / f"speech_{language}.flac"
        path.write_bytes(writer.add(sound) + writer.end())
        print(f"{path.name}: {len(sound) / speaking.RATE:.1f} s, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
