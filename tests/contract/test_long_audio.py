"""`groqnb.transcribe` and `groqnb.speak` with the local engine's real models, over real HTTP."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hearing_world import bare

from groqnb import Groq
from groqnb.local.process import Engine
from groqnb.long_audio import transcribe

DATA = Path(__file__).parent.parent.parent / "notebooks" / "data"
SAID = (
    "Good morning, and welcome to the harbor. Our boat leaves in twelve minutes, at half past "
    "nine. The weather is calm today: a light wind from the west, and hardly a cloud in the sky. "
    "Please keep your tickets ready. If you lose one, ask Grace at the counter. "
    "Have a pleasant journey!"
)


def wrong(heard: list[str], said: list[str]) -> int:
    """How many words must be put in, taken out or replaced (Levenshtein's distance)."""
    row = list(range(len(said) + 1))
    for i, word in enumerate(heard, start=1):
        left, row[0] = row[0], i
        for j, other in enumerate(said, start=1):
            left, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, left + (word != other))
    return row[-1]


@pytest.mark.engine
def test_a_recording_in_parts_is_heard_as_well_as_in_one(engine: Engine) -> None:
    """17 seconds in two parts that overlap: of 51 words 4 at most are wrong, none is doubled."""
    with Groq(base_url=engine.base_url, api_key=engine.api_key, timeout=240) as client:
        talk = transcribe(
            DATA / "speech_en.flac", part_seconds=10, language="en", client=client, progress=False
        )
    assert talk.parts == 2
    assert talk.answered.startswith("whisper")
    heard, said = bare(talk.words["word"]), bare(SAID.split())
    assert wrong(heard, said) <= 4, talk.text
    assert not any(a == b for a, b in itertools.pairwise(heard)), talk.text
    assert talk.words["start"].is_monotonic_increasing
    assert talk.words["end"].iloc[-1] <= talk.duration + 0.5
    assert talk.segments["avg_logprob"].between(-2, 0).all()
