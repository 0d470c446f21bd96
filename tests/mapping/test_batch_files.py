"""From rows to files of requests: so many lines in each, in a stream, with little memory."""

from __future__ import annotations

import itertools
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from map_batch_server import KEY, MODEL, BatchServer

import groqnb
from groqnb.batching.making import MOST_LINES, Made, files_of, make
from groqnb.batching.shards import Shards
from groqnb.batching.terms import Terms
from groqnb.mapping.interrupts import Interrupts
from groqnb.mapping.journal import Journal
from groqnb.mapping.judges import AnyText
from groqnb.mapping.question import Question

TEXT = "word " * 60


def made(path: Path, rows: Any) -> tuple[Made, Shards, Journal]:
    journal = Journal(path)
    question = Question([MODEL], AnyText())
    shards = Shards(journal.writer, question.name)
    numbered = ((number, content) for number, content in enumerate(rows))
    return make(numbered, question, Terms(), journal, shards, Interrupts()), shards, journal


def test_120_000_rows_are_three_files(tmp_path: Path) -> None:
    """At most 50,000 lines in a file, each row in one of them, each file as it is noted."""
    path = tmp_path / "rows.sqlite"
    result, _, journal = made(path, (f"row {number}" for number in range(120_000)))
    journal.close()
    assert [shard.lines for shard in result.shards] == [50_000, 50_000, 20_000]
    assert len(result.numbers) == 120_000
    files = sorted(files_of(path).iterdir(), key=lambda file: file.stat().st_size)
    assert sorted(shard.bytes for shard in result.shards) == [f.stat().st_size for f in files]
    with files[0].open("rb") as file:
        assert sum(1 for _ in file) == 20_000
    assert MOST_LINES == 50_000


def test_memory_does_not_hold_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of 45 MB are made with a few MB of memory."""
    monkeypatch.setattr("groqnb.batching.making.MOST_LINES", 5_000)
    rows = (f"{number} {TEXT * 10}" for number in range(15_000))
    tracemalloc.start()
    try:
        result, _, journal = made(tmp_path / "rows.sqlite", rows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    journal.close()
    assert len(result.shards) == 3
    assert sum(shard.bytes for shard in result.shards) > 45e6
    assert peak < 15e6


def test_files_stay_below_the_size_that_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that would grow too large is ended before the line that is too much."""
    monkeypatch.setattr("groqnb.batching.making.MOST_BYTES", 1000)
    result, _, journal = made(tmp_path / "rows.sqlite", (f"{n} {TEXT}" for n in range(7)))
    journal.close()
    assert all(shard.bytes <= 1000 for shard in result.shards)
    assert [shard.lines for shard in result.shards] == [2, 2, 2, 1]
    costs = [shard.estimate for shard in result.shards]
    assert len(set(costs[:3])) == 1


def test_a_row_larger_than_a_file_is_an_error_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groqnb.batching.lines.MOST_BYTES", 1000)
    result, _, journal = made(tmp_path / "rows.sqlite", ["a", "b" * 2000, "c"])
    journal.close()
    assert list(result.odd) == [1]
    assert [shard.lines for shard in result.shards] == [2]


def test_doubles_are_one_line_also_across_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that was in an earlier file of the call is in no later one."""
    monkeypatch.setattr("groqnb.batching.making.MOST_LINES", 3)
    rows = [str(n % 8) for n in range(1200)]
    result, shards, journal = made(tmp_path / "rows.sqlite", rows)
    assert [shard.lines for shard in result.shards] == [3, 3, 2]
    assert len(result.numbers) == 1200
    assert len(shards.open()) == 3
    journal.close()


def test_a_call_with_several_files_merges_their_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers of all batches stand in the order of the rows, lazily too."""
    monkeypatch.setattr("groqnb.batching.making.MOST_LINES", 400)
    with BatchServer() as server:
        rows = (f"{n}" for n in itertools.chain(range(1100), range(50)))
        client = groqnb.Groq(base_url=server.url, api_key=KEY)
        answers = list(groqnb.map("row {}", rows, model=MODEL, client=client, tier="batch"))
        assert len(server.batches) == 3
        assert set(server.lines.values()) == {1}
    assert answers == [f"re: row {n}" for n in itertools.chain(range(1100), range(50))]
