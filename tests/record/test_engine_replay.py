"""The local engine's answers, recorded and replayed: a real stream, and a refusal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import groqnb
from groqnb import Groq
from groqnb.local.process import Engine

pytestmark = pytest.mark.engine

MODEL = "llama-3.3-70b-versatile"


def test_a_stream_of_the_engine_is_readable_in_the_file_and_the_same_again(
    engine: Engine, tmp_path: Path
) -> None:
    """Most of its events are kept as the words they add, and come back as they were."""
    path = tmp_path / "x.replay.json"

    def said(client: Groq) -> tuple[list[str], float | None]:
        stream = client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Count from one to ten, in words."}],
            max_completion_tokens=30,
            temperature=0,
            stream=True,
        )
        return [chunk.model_dump_json() for chunk in stream], stream.ttft

    with groqnb.replay(path):
        first = said(Groq(base_url=engine.base_url, api_key=engine.api_key, timeout=240))
    with groqnb.replay(path, "strict"):
        assert said(Groq(base_url="http://127.0.0.1:9/v1", api_key="another")) == first
    text = path.read_text(encoding="utf-8")
    assert engine.api_key not in text
    events = json.loads(text)[1]["reply"]["events"]
    words = [event for event in events if isinstance(event, str)]
    assert len(words) >= len(events) // 2 > 2


def test_a_refusal_of_the_engine_is_the_same_again(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "x.replay.json"

    def told(client: Groq) -> str:
        with pytest.raises(groqnb.NotFoundError) as caught:
            client.chat.completions.create(
                model="no-such-model", messages=[{"role": "user", "content": "Hi"}]
            )
        return caught.value.message

    with groqnb.replay(path):
        first = told(Groq(base_url=engine.base_url, api_key=engine.api_key, timeout=240))
    with groqnb.replay(path, "strict"):
        assert told(Groq(base_url="http://127.0.0.1:9/v1", api_key="another")) == first
