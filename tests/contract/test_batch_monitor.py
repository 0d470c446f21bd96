"""`groqnb.batches` and `groqnb.BatchMonitor` on a real engine, with a model that answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import groqnb
from groqnb.local.process import Engine

pytestmark = pytest.mark.engine

MODEL = "llama-3.1-8b-instant"


@pytest.fixture
def client(engine: Engine) -> Iterator[groqnb.Groq]:
    with groqnb.Groq(base_url=engine.base_url, api_key=engine.api_key, timeout=240) as made:
        yield made


def begin(client: groqnb.Groq, count: int, **metadata: str) -> Any:
    """A batch of so many requests; the first one names a model that there is not."""
    lines = []
    for number in range(count):
        body = {
            "model": MODEL if number else "no-such-model",
            "messages": [{"role": "user", "content": f"Say {number}"}],
            "max_completion_tokens": 2,
        }
        url = "/v1/chat/completions"
        lines.append({"custom_id": f"r{number}", "method": "POST", "url": url, "body": body})
    content = "\n".join(map(json.dumps, lines)).encode()
    file = client.files.create(file=("in.jsonl", content), purpose="batch")
    return client.batches.create(
        input_file_id=file.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata=metadata or None,
    )


def until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 240
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_real_batch_is_followed_to_its_results(client: groqnb.Groq) -> None:
    """Answers and errors are one table, and the list of batches has it with all its times."""
    batch = begin(client, 4, name="four")
    monitor = groqnb.BatchMonitor(batch, client=client)
    try:
        until(lambda: monitor.state["batches"][0]["ended"])
        assert monitor.value.status == "completed"
        results = monitor.results().set_index("custom_id").sort_index()
        assert list(results.index) == ["r0", "r1", "r2", "r3"]
        assert "no-such-model" in results.error["r0"]
        assert results.text.notna().tolist() == [False, True, True, True]
        assert (results.completion_tokens.dropna() <= 2).all()
        assert "four" in repr(monitor)
    finally:
        monitor.close()
    assert groqnb.BatchMonitor(name="four", client=client).value[-1].id == batch.id
    row = groqnb.batches(client=client).set_index("id").loc[batch.id]
    assert (row.status, row.total, row.completed, row.failed) == ("completed", 4, 3, 1)
    assert row.created_at <= row.in_progress_at <= row.ended_at <= row.expires_at
    assert row.seconds >= 0
    assert row.metadata == {"name": "four"}


def test_a_real_batch_is_cancelled_and_the_rest_is_not_answered(client: groqnb.Groq) -> None:
    batch = begin(client, 3000)
    monitor = groqnb.BatchMonitor(batch.id, client=client)
    try:
        assert monitor.cancel().status in ("cancelling", "cancelled")
        until(lambda: monitor.value.ended)
        assert monitor.value.status == "cancelled"
        assert len(monitor.results().query("error.isna()")) < 3000
    finally:
        monitor.close()
    assert batch.id in list(groqnb.batches("cancelled", client=client).id)
