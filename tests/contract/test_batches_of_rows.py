"""Maps through real batches of a real engine: the file that is made is one that it takes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import groqnb
from groqnb.batching import batch_ids
from groqnb.local.process import Engine

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQNB_DATA_DIR", str(tmp_path / "data"))


def test_rows_go_through_batches_and_back(engine: Engine) -> None:
    """Free text, and labels by a schema, beside their rows; what they used in the ledger."""
    client = groqnb.Groq(base_url=engine.base_url, api_key=engine.api_key, timeout=240)
    frame = pd.DataFrame({"text": ["one", "two", None, "one"]}, index=[3, 3, 1, 2])
    options = {"client": client, "tier": "batch", "progress": False, "temperature": 0}
    out = frame.groq.map(
        "Say {text}.", model="llama-3.1-8b-instant", max_completion_tokens=4, **options
    )
    assert list(out.index) == [3, 3, 1, 2]
    assert list(out["answer"].notna()) == [True, True, False, True]
    assert out["answer"].iloc[0] == out["answer"].iloc[3]
    assert out["answer_error"].isna().all()

    out = frame.groq.classify(
        ["a", "b"], from_="text", model="openai/gpt-oss-20b", resume="labels", **options
    )
    assert set(out["label"].dropna()) <= {"a", "b"}
    assert out["label"].notna().sum() == 3
    (batch_id,) = batch_ids("labels")
    batch = client.batches.retrieve(batch_id)
    assert (batch.status, batch.request_counts.total) == ("completed", 2)

    usage = groqnb.usage()
    assert (usage["endpoint"] == "batches.results").sum() >= 2
