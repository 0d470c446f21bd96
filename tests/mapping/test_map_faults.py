"""Whatever happens to requests: no row is lost, none is there twice, every error is told."""

from __future__ import annotations

import copy
import pickle
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from row_server import MODEL, RowServer, said

import groqnb
from groqnb.wire.retry import without_waiting

FAULTS: list[Any] = [429, 500, 498, "reset", "garbage", "silence"]
ROWS = 500


def fault_of(prompt: str) -> Any:
    """One prompt in ten has each of the six faults; the others have none."""
    place = zlib.crc32(prompt.encode()) % 10
    return FAULTS[place] if place < len(FAULTS) else None


def test_five_hundred_rows_through_every_fault() -> None:
    """Ten of a hundred each: 429, 500, 498, reset, garbage, silence. All rows come through."""

    def answer(body: dict[str, Any], before: int) -> Any:
        prompt = said(body)
        if prompt.endswith("never"):
            return 400
        fault = fault_of(prompt)
        return fault if fault is not None and before == 0 else f"re: {prompt}"

    texts = [f"row {n}" for n in range(ROWS)] + [f"row {n} never" for n in range(10)]
    frame = pd.DataFrame({"text": texts})
    with RowServer(answer) as server, without_waiting():
        client = server.client(timeout=3.0)
        with pytest.warns(groqnb.RowsFailed, match="10 of 510 rows have no answer"):
            out = frame.groq.map(
                "{text}", into="said", model=MODEL, client=client, concurrency=48, retries=20
            )
    assert list(out.index) == list(frame.index)
    assert list(out["said"][:ROWS]) == [f"re: {text}" for text in texts[:ROWS]]
    assert out["said_error"][:ROWS].isna().all()
    for error in out["said_error"][ROWS:]:
        assert error.type == "BadRequestError"
        assert error.message == "refused with 400."
        assert error.request_id == "req_0"
    assert {fault_of(text) for text in texts[:ROWS]} == {*FAULTS, None}
    assert all(server.answered[text] >= 1 for text in texts[:ROWS])


def test_a_fault_that_stays_is_told_in_the_row() -> None:
    """After the retries the row has its error, and the others have their answers."""

    def answer(body: dict[str, Any], before: int) -> Any:
        return {"a": 503, "b": "garbage", "c": "reset"}.get(said(body), "fine")

    with RowServer(answer) as server, without_waiting():
        results = list(
            groqnb.map(
                "{}", ["a", "b", "c", "d"], model=MODEL, client=server.client(), retries=2
            ).results()
        )
    kinds = [None if row.error is None else row.error.type for row in results]
    assert kinds == ["InternalServerError", "ResponseError", "APIConnectionError", None]
    assert server.asked["a"] == 3


def test_tables_with_rows_that_failed_can_be_written_to_files(tmp_path: Path) -> None:
    """In the column of errors, and in what a series has beside it, they are texts of some kind."""
    with RowServer(lambda body, before: 400 if said(body) == "a" else "fine") as server:
        client = server.client()
        texts = pd.DataFrame({"text": ["a", "b"]})
        with pytest.warns(groqnb.RowsFailed):
            frame = texts.groq.map("{text}", model=MODEL, client=client)
        with pytest.warns(groqnb.RowsFailed):
            series = texts["text"].groq.map("{}", model=MODEL, client=client)
    told = "BadRequestError: refused with 400. (req_0)"
    frame.to_parquet(tmp_path / "frame.parquet")
    series.to_frame().to_parquet(tmp_path / "series.parquet")
    with closing(sqlite3.connect(tmp_path / "frame.db")) as database:
        frame.to_sql("rows", database)
        assert database.execute("select answer_error from rows").fetchall() == [(told,), (None,)]
    again = pd.read_parquet(tmp_path / "frame.parquet")
    assert again["answer_error"].isna().tolist() == [False, True]
    assert again["answer_error"][0] == told
    assert frame.to_dict("records")[0]["answer_error"].type == "BadRequestError"


def test_an_error_of_a_row_is_its_text_with_its_parts() -> None:
    """A copy and a pickle have them as well."""
    error = groqnb.RowError("APITimeoutError", "No answer.", "req_1")
    for each in (error, pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert type(each) is groqnb.RowError
        assert f"{each}" == "APITimeoutError: No answer. (req_1)"
        assert (each.type, each.message, each.request_id) == (error.type, "No answer.", "req_1")
    assert repr(groqnb.RowError("A", "b")) == "RowError(type='A', message='b', request_id=None)"


def test_a_wrong_key_ends_the_map_at_once() -> None:
    """What every row would meet is raised, not written into ten thousand rows."""
    with RowServer(lambda body, before: 401) as server:
        frame = pd.DataFrame({"text": [f"row {n}" for n in range(10_000)]})
        with pytest.raises(groqnb.AuthenticationError):
            frame.groq.map("{text}", model=MODEL, client=server.client(), concurrency=8)
    assert server.asked.total() < 100


def test_a_limit_that_resets_late_ends_it_and_keeps_what_is_done(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The day's limit is no reason to wait for hours: what is there comes back."""

    def answer(body: dict[str, Any], before: int) -> Any:
        return "done" if int(said(body)) < 20 else 429

    frame = pd.DataFrame({"n": range(200)})
    with RowServer(answer) as server:
        out = frame.groq.map(
            "{n}", model=MODEL, client=server.client(), concurrency=4, max_wait=0.5
        )
    assert (out["answer"].notna()).sum() == 20
    assert {error.type for error in out["answer_error"][20:]} == {"NotAsked"}
    told = capsys.readouterr().out
    assert "20 of 200 rows are done" in told
    assert "goes on" in told


def test_one_exhausted_key_leaves_its_rows_to_the_other() -> None:
    """With two clients rows go on with the one whose limit is not used up."""
    with RowServer(lambda body, before: 429) as empty, RowServer() as full:
        answers = list(
            groqnb.map(
                "{}",
                [str(n) for n in range(30)],
                model=MODEL,
                client=[empty.client(), full.client()],
                max_wait=0.5,
            )
        )
    assert answers == [f"re: {n}" for n in range(30)]


def test_a_budget_stops_it_cleanly(capsys: pytest.CaptureFixture[str]) -> None:
    """A refused budget ends the map: what was answered is there, the rest says why it is not."""
    from groqnb.types.errors import BudgetError
    from groqnb.wire.hub import Events

    calls = []

    def gate(number: int, call: Any, target: str) -> None:
        calls.append(number)
        if len(calls) > 5:
            raise BudgetError("The budget is used up.")

    events = Events()
    events.gate = gate
    frame = pd.DataFrame({"n": range(50)})
    with RowServer() as server:
        out = frame.groq.map("{n}", model=MODEL, client=server.client(events=events), concurrency=1)
    assert out["answer"].notna().sum() == 5
    assert "The budget is used up" in capsys.readouterr().out


def test_errors_raise_raises_the_first_and_keeps_the_answers() -> None:
    """`errors="raise"` is for who wants an exception; answers until then are on disk."""
    with RowServer(lambda body, before: 400 if said(body) == "5" else "ok") as server:
        frame = pd.DataFrame({"n": range(10)})
        options: dict[str, Any] = {"model": MODEL, "client": server.client(), "concurrency": 1}
        with pytest.raises(groqnb.BadRequestError):
            frame.groq.map("{n}", errors="raise", **options)
        asked = server.asked.total()
        with pytest.warns(groqnb.RowsFailed):
            frame.groq.map("{n}", **options)
    assert server.asked["0"] == 1
    assert server.asked.total() <= asked + 6


def test_what_went_wrong_never_shows_the_key() -> None:
    """Neither an error in a row nor a warning holds the key that was sent."""
    from row_server import KEY

    frame = pd.DataFrame({"n": [1]})
    with RowServer(lambda body, before: 400) as server, pytest.warns(groqnb.RowsFailed) as told:
        out = frame.groq.map("{n}", model=MODEL, client=server.client())
    assert KEY not in str(out["answer_error"][0]) + "".join(str(one.message) for one in told)
