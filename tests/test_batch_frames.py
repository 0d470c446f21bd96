"""Batches and their results as DataFrames: `groqnb.batches`, and what `BatchMonitor` reads."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest
from batch_server import START, BatchServer, batch_json, output, refused

import groqnb
from groqnb.types.batches import BatchCard
from groqnb.watching.pace import Pace
from groqnb.watching.results import COLUMNS, results_of


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GROQNB_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("GROQNB_LEDGER", raising=False)


def five() -> BatchServer:
    """Five batches on three pages, the last one the newest."""
    states = ["completed", "failed", "in_progress", "completed", "validating"]
    batches = [
        batch_json(f"batch_{number}", status, created_at=START + number, counts=(number, 1, 10))
        for number, status in enumerate(states)
    ]
    return BatchServer(*batches)


# --- groqnb.batches ---


def test_all_pages_are_there_the_newest_first_with_times_in_utc() -> None:
    frame = groqnb.batches(client=five().client())
    assert list(frame.id) == [f"batch_{number}" for number in (4, 3, 2, 1, 0)]
    assert list(frame.completed) == [4, 3, 2, 1, 0]
    assert frame.created_at[0] == pd.Timestamp(START + 4, unit="s", tz="UTC")
    assert frame.ended_at.isna().tolist() == [True, False, True, False, False]
    assert frame.seconds[4] == 120
    assert math.isnan(frame.seconds[0])
    assert frame.completion_window.unique().tolist() == ["24h"]


def test_rows_are_chosen_by_status_and_number() -> None:
    client = five().client()
    assert list(groqnb.batches("completed", client=client).id) == ["batch_3", "batch_0"]
    some = groqnb.batches(["completed", "failed"], limit=2, client=client)
    assert list(some.id) == ["batch_3", "batch_1"]


def test_without_batches_the_columns_are_there_with_their_types() -> None:
    empty, full = (
        groqnb.batches(client=BatchServer().client()),
        groqnb.batches(client=five().client()),
    )
    assert len(empty) == 0
    assert empty.dtypes.astype(str).to_dict() == full.dtypes.astype(str).to_dict()


def test_a_status_that_there_is_not_names_the_nearest() -> None:
    with pytest.raises(groqnb.ParameterError, match="Did you mean 'completed'"):
        groqnb.batches("complete")
    for limit in (0, 1.5, True):
        with pytest.raises(groqnb.ParameterError, match="whole number from 1"):
            groqnb.batches(limit=limit)  # type: ignore[arg-type]
    with pytest.raises(groqnb.ParameterError, match="client is of type str"):
        groqnb.batches(client="cloud")  # type: ignore[arg-type]


def test_errors_of_the_file_are_told_with_their_lines() -> None:
    problems = [{"line": n, "message": f"bad {n}", "code": "x"} for n in range(1, 26)]
    server = BatchServer(batch_json(status="failed", errors={"data": problems}))
    (told,) = groqnb.batches(client=server.client()).errors
    assert told.startswith("line 1: bad 1; line 2: bad 2; ")
    assert told.endswith("; and 5 more")


# --- results ---


def finished() -> BatchServer:
    """A batch with two answers and an error."""
    server = BatchServer(
        batch_json(status="completed", output_file_id="file_out", error_file_id="file_err")
    )
    server.files["file_out"] = "\n".join([output("a", "Paris"), output("b", "Rome")]).encode()
    server.files["file_err"] = refused("c", "No such model.").encode()
    return server


def test_results_are_a_row_for_each_line_answers_and_errors_together() -> None:
    server = finished()
    frame = results_of(server.client(), [BatchCard(**server.batches["batch_1"])])
    assert list(frame.custom_id) == ["a", "b", "c"]
    assert list(frame.text.fillna("-")) == ["Paris", "Rome", "-"]
    assert list(frame.error.fillna("-")) == ["-", "-", "No such model."]
    assert list(frame.status_code) == [200, 200, 400]
    # 1,000 tokens in at $0.59 and 100 out at $0.79 a million, half of it.
    assert frame.cost[0] == pytest.approx((1000 * 0.59 + 100 * 0.79) / 1e6 / 2)
    assert frame.body[1]["choices"][0]["message"]["content"] == "Rome"


def test_what_results_used_is_known_from_then_on() -> None:
    """`cost` of `groqnb.batches` is there once the results were read, and counts once."""
    server = finished()
    client = server.client()
    assert math.isnan(groqnb.batches(client=client).cost[0])
    for _ in range(2):
        frame = results_of(client, [BatchCard(**server.batches["batch_1"])])
    assert groqnb.batches(client=client).cost[0] == pytest.approx(frame.cost.sum())
    usage = groqnb.usage()
    assert usage.cost[usage.endpoint == "batches.results"].sum() == pytest.approx(frame.cost.sum())


def test_a_budget_learns_what_a_batch_cost_from_its_results() -> None:
    """It takes the place of the estimate that was counted when the batch was started."""
    server = finished()
    client = server.client()
    budget = groqnb.budget(5)
    frame = results_of(client, [BatchCard(**server.batches["batch_1"])])
    assert budget.spent == pytest.approx(frame.cost.sum())
    results_of(client, [BatchCard(**server.batches["batch_1"])])
    assert budget.spent == pytest.approx(frame.cost.sum())


def test_odd_lines_are_rows_too() -> None:
    """One that expired, a transcription, a body that is plain text."""
    server = finished()
    lines = [
        {"custom_id": "x", "response": None, "error": {"code": "batch_expired"}},
        {"custom_id": "y", "response": {"status_code": 200, "body": {"text": "Hello."}}},
        {"custom_id": "z", "response": {"status_code": 200, "body": "plain"}},
    ]
    server.files["file_err"] = "\n".join(map(json.dumps, lines)).encode()
    frame = results_of(server.client(), [BatchCard(**server.batches["batch_1"])]).iloc[2:]
    assert list(frame.text.fillna("-")) == ["-", "Hello.", "plain"]
    assert list(frame.error.fillna("-")) == ["batch_expired", "-", "-"]


def test_a_batch_without_lines_has_an_empty_frame_with_all_columns() -> None:
    server = BatchServer(batch_json(status="cancelled"))
    frame = results_of(server.client(), [BatchCard(**server.batches["batch_1"])])
    assert (list(frame.columns), len(frame)) == (list(COLUMNS), 0)


def test_results_of_what_has_not_ended_or_has_failed_are_refused() -> None:
    server = BatchServer(batch_json())
    client = server.client()
    with pytest.raises(groqnb.ParameterError, match=r"is in_progress.*batches\.wait"):
        results_of(client, [BatchCard(**server.batches["batch_1"])])
    failed = batch_json(status="failed", errors=[{"line": 3, "message": "no JSON"}])
    with pytest.raises(groqnb.GroqnbError, match="batch_1 failed: line 3: no JSON"):
        results_of(client, [BatchCard(**failed)])


# --- the time that is left ---


def paced(*changes: tuple[float, int]) -> Pace:
    pace = Pace()
    for at, done in changes:
        pace.note(at, done)
    return pace


def test_time_left_is_a_range_where_the_pace_has_changed() -> None:
    """Ten a minute at first, then twenty: what is left takes from three to five minutes or so."""
    pace = paced((600, 100), (660, 120), (720, 140))
    assert pace.left(200, 720, began=0) == pytest.approx((180, 308.6), rel=0.01)


def test_a_pause_makes_the_later_end_later() -> None:
    pace = paced((10, 10), (20, 20), (30, 30))
    assert pace.left(60, 30, began=0) == pytest.approx((30, 30))
    low, high = pace.left(60, 60, began=0) or (0, 0)
    assert low == pytest.approx(30)
    assert high > 59


@pytest.mark.parametrize(
    ("changes", "total", "now", "began"),
    [
        ((), 10, 5, 0),
        (((0, 0),), 10, 5, 0),
        (((0, 0), (5, 2)), 10, 5, 0),  # two are too few
        (((0, 0), (5, 10)), 10, 5, 0),  # none is left
        (((5, 4),), 10, 5, None),  # seen once, and nobody knows since when it runs
        (((0, 0), (5, 50), (6, 100)), 1000, 400, 0),  # from 11 s to an hour says nothing
    ],
)
def test_where_nobody_can_tell_nothing_is_told(
    changes: tuple[tuple[float, int], ...], total: int, now: float, began: float | None
) -> None:
    assert paced(*changes).left(total, now, began) is None
