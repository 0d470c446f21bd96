"""Maps with the local engine: real HTTP, the real small model, its few seats."""

from __future__ import annotations

import pandas as pd
import pytest

import groqnb
from groqnb.local.process import Engine

pytestmark = pytest.mark.engine


def test_rows_are_labelled_extracted_and_filtered_for_real(engine: Engine) -> None:
    """Every row has a label, typed values, a decision; more rows than the engine has seats."""
    client = groqnb.Groq(base_url=engine.base_url, api_key=engine.api_key, timeout=300)
    frame = pd.DataFrame({"text": [f"The {thing} broke." for thing in ["bell", "lock", "pump"]]})
    options = {"client": client, "model": "openai/gpt-oss-20b", "temperature": 0}
    labels = frame.groq.classify(["damage", "praise"], from_="text", **options)
    assert labels["label"].notna().all(), labels["label_error"].tolist()
    typed = frame.groq.extract({"broken": bool, "count": int | None}, from_="text", **options)
    assert str(typed["broken"].dtype) == "boolean"
    assert typed["extract_error"].isna().all(), typed["extract_error"].tolist()
    kept = frame.groq.filter("Is something broken? {text}", **options)
    assert "filter_error" not in kept
    many = groqnb.map("Count to {}", range(10), max_completion_tokens=4, **options)
    assert all(isinstance(answer, str) for answer in many)


def test_a_key_that_the_engine_refuses_ends_the_map(engine: Engine) -> None:
    client = groqnb.Groq(base_url=engine.base_url, api_key="gsk_" + "0" * 40, timeout=240)
    with pytest.raises(groqnb.AuthenticationError):
        list(groqnb.map("{}", ["a"], client=client))
