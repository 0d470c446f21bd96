"""What batches cost, in the ledger: once for each batch, by its models."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

import groqnb
from groqnb.ledger import recorder
from groqnb.ledger.batch_rows import ENDPOINT, Used, known_costs, note_used

LINE = {"prompt_tokens": 100, "completion_tokens": 10, "cost": 0.001, "price": "docs, 2026"}


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GROQNB_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("GROQNB_LEDGER", raising=False)


def used(*lines: dict[str, object]) -> Used:
    made = Used()
    for line in lines:
        made.add(line)
    return made


def test_what_a_batch_used_is_in_the_ledger_once_by_its_models() -> None:
    """Read again, in this kernel or another, its results are no second cost."""
    ended = time.time() - 60
    models = {"llama-3.1-8b-instant": used(LINE, LINE), "openai/gpt-oss-20b": used(LINE)}
    for _ in range(2):
        note_used("batch_1", models, where="cloud", ended_at=ended)
        recorder._stores.clear()
    rows = groqnb.usage()
    assert list(rows.endpoint) == [ENDPOINT] * 2
    assert list(rows.model) == list(models)
    assert list(rows.prompt_tokens) == [200, 100]
    assert list(rows.cost) == pytest.approx([0.002, 0.001])
    assert abs(rows.time[0].timestamp() - ended) < 1
    assert known_costs() == {"batch_1": pytest.approx(0.003)}
    assert known_costs(ended - 1) == known_costs()
    assert known_costs(ended + 1) == {}


def test_a_sum_in_which_a_price_is_missing_is_not_known() -> None:
    note_used("batch_2", {"m": used(LINE, {**LINE, "cost": None})}, where="cloud", ended_at=None)
    assert math.isnan(known_costs()["batch_2"])


def test_the_local_engine_costs_nothing_and_says_so() -> None:
    note_used("batch_3", {"m": used({**LINE, "cost": 0.0})}, where="local", ended_at=None)
    assert list(groqnb.usage().price) == ["the local engine costs nothing"]
    assert known_costs() == {"batch_3": 0.0}


def test_without_a_ledger_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQNB_LEDGER", "off")
    note_used("batch_4", {"m": used(LINE)}, where="cloud", ended_at=None)
    assert known_costs() == {}


def test_a_ledger_that_cannot_be_read_knows_no_costs(tmp_path: Path) -> None:
    (tmp_path / "usage.sqlite").write_bytes(b"no database at all" * 100)
    assert known_costs() == {}
