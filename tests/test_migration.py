"""The migration check of calls that are no questions; those are in tests/contract."""

from __future__ import annotations

from typing import Any

import pytest

from groqnb.migration import check_call


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, []),
        ({"voice": "alloy"}, ["There is no voice 'alloy'."]),
        ({"model": "tts-1"}, ["The model tts-1 is not known."]),
        (
            {"model": "tts-1", "voice": "nova"},
            ["The model tts-1 is not known.", "There is no voice 'nova'."],
        ),
        ({"model": "playai-tts-arabic"}, ["There is no voice 'Fritz-PlayAI'."]),
    ],
    ids=str,
)
def test_speech_is_checked_as_speech(changes: dict[str, Any], told: list[str]) -> None:
    """Its model and its voice; advice for questions is none for it."""
    call = {"model": "playai-tts", "input": "Hi", "voice": "Fritz-PlayAI", "speed": 1}
    found = check_call({**call, **changes})
    assert [each.what for each in found] == told
    assert all(
        each.effect == "refused" and "PlayAI" in each.instead.replace("playai-tts speaks", "PlayAI")
        for each in found
    )


def test_an_address_of_a_recording_is_a_transcription() -> None:
    """So a model that hears is named, and none that writes."""
    (found,) = check_call(model="gpt-4o-transcribe", url="https://example.com/talk.mp3")
    assert (found.place, found.instead) == ("model", "whisper-large-v3-turbo transcribes.")
