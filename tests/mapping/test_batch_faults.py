"""Batches that go wrong: refused lines, broken files, ends before the end, lost connections."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from map_batch_server import MODEL, BatchServer, echo, said

import groqnb
from groqnb.batching import sending
from groqnb.types.errors import (
    APIConnectionError,
    BadRequestError,
    NotFoundError,
    RateLimitError,
)
from groqnb.wire.retry import without_waiting


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is waited for."""
    monkeypatch.setattr(sending, "_SETTLES", 0.0)
    with without_waiting():
        yield


def options(server: BatchServer, **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "client": server.client(), "tier": "batch", "progress": False, **more}


def frame(*values: Any) -> pd.DataFrame:
    return pd.DataFrame({"n": values})


def test_lines_that_fail_are_errors_of_their_rows_and_only_they_are_sent_again() -> None:
    """Type, message and request id stand beside the row; the same call sends the failed ones."""

    def answer(line: dict[str, Any]) -> Any:
        fails = {"row 1": 400, "row 2": 503, "row 3": "expired", "row 4": None}
        return fails.get(said(line), echo(line))

    with BatchServer(answer) as server:
        with pytest.warns(groqnb.RowsFailed, match="4 of 5 rows have no answer"):
            out = frame(0, 1, 2, 3, 4).groq.map("row {n}", **options(server))
        errors = list(out["answer_error"])
        assert out["answer"][0] == "re: row 0"
        assert errors[0] is None
        assert (errors[1].type, errors[1].message) == ("BadRequestError", "refused with 400")
        assert errors[1].request_id.startswith("req_batch_0000")
        assert errors[2].type == "InternalServerError"
        assert "not executed in time" in errors[3].message
        assert "batch_0000 has no line for this row" in errors[4].message
        server.answer = echo
        out = frame(0, 1, 2, 3, 4).groq.map("row {n}", **options(server))
        assert list(out["answer"]) == [f"re: row {n}" for n in range(5)]
        assert server.lines == {"row 0": 1, **{f"row {n}": 2 for n in range(1, 5)}}


def test_errors_raise_where_that_is_asked_for() -> None:
    """errors="raise" raises the class that the same request alone would have raised."""
    with BatchServer(lambda line: 400) as server, pytest.raises(BadRequestError, match="400") as it:
        frame(1).groq.map("row {n}", **options(server, errors="raise"))
    assert it.value.status_code == 400
    assert it.value.request_id == "req_batch_0000_0"


@pytest.mark.parametrize(
    ("status", "words"), [("expired", "expired before"), ("cancelled", "was cancelled before")]
)
def test_batches_that_end_early_give_what_they_have(status: str, words: str) -> None:
    """Rows without an answer say how their batch ended; the same call sends these again."""
    with BatchServer(lambda line: None if said(line) == "row 2" else echo(line)) as server:
        server.ends = status
        with pytest.warns(groqnb.RowsFailed):
            out = frame(1, 2).groq.map("row {n}", **options(server))
        assert out["answer"][0] == "re: row 1"
        assert words in out["answer_error"][1].message
        server.answer, server.ends = echo, "completed"
        out = frame(1, 2).groq.map("row {n}", **options(server))
        assert list(out["answer"]) == ["re: row 1", "re: row 2"]
        assert server.lines == {"row 1": 1, "row 2": 2}


@pytest.mark.parametrize("shape", ["list", "object"])
def test_a_batch_that_fails_its_validation(shape: str) -> None:
    """The line that is to blame has its own words, the others those of the batch."""
    problems: Any = [{"code": "invalid", "message": "The line is odd.", "line": 2}]
    with BatchServer() as server:
        server.ends = "failed"
        server.problems = problems if shape == "list" else {"object": "list", "data": problems}
        with pytest.warns(groqnb.RowsFailed):
            out = frame(1, 2).groq.map("row {n}", **options(server))
    assert out["answer_error"][1].message == "The line is odd."
    assert "failed as a whole: The line is odd." in out["answer_error"][0].message


def test_answers_that_do_not_fit_are_errors() -> None:
    """What the judge does not take is no answer, and is sent again by the same call."""
    with BatchServer(lambda line: "maybe") as server:
        with pytest.warns(groqnb.RowsFailed, match="none of the labels"):
            out = frame("a").groq.classify(["yes", "no"], from_="n", **options(server))
        assert out["label"].isna().all()
        server.answer = lambda line: "Yes."
        out = frame("a").groq.classify(["yes", "no"], from_="n", **options(server))
    assert list(out["label"]) == ["yes"]


def test_odd_lines_in_the_output_harm_no_other() -> None:
    """Garbage, lines of other ids, bodies that are no replies: the rest is taken in."""
    other = {"id": "x", "custom_id": "of-someone-else", "response": None, "error": None}
    body = {"status_code": 200, "request_id": "r", "body": {"surprise": 1}}

    def answer(line: dict[str, Any]) -> Any:
        if said(line) == "row 1":
            return b'{"custom_id": "' + line["custom_id"].encode() + b'", "resp'
        if said(line) == "row 2":
            return json.dumps(other).encode() + b"\n\xff\xfe\n\n[]\n"
        if said(line) == "row 3":
            return json.dumps(
                {"id": "y", "custom_id": line["custom_id"], "response": body}
            ).encode()
        return echo(line)

    with BatchServer(answer) as server, pytest.warns(groqnb.RowsFailed):
        out = frame(0, 1, 2, 3, 4).groq.map("row {n}", **options(server))
    assert [one for one in out["answer"] if not pd.isna(one)] == ["re: row 0", "re: row 4"]
    assert "lines could not be read" in out["answer_error"][1].message
    assert out["answer_error"][3].message == "The reply is not what was promised."


def test_a_row_that_no_line_can_hold_is_its_own_error() -> None:
    """Half of a surrogate pair is no text; the other rows are sent."""
    with BatchServer() as server:
        out = list(groqnb.map("row {}", ["a", "\ud800", "b"], **options(server)).results())
    assert [row.value for row in out] == ["re: row a", None, "re: row b"]
    assert out[1].error is not None
    assert out[1].error.type == "ParameterError"


@pytest.mark.parametrize("samples", [1, 2])
def test_a_row_without_the_names_of_the_prompt_is_its_own_error(samples: int) -> None:
    """It is no line of any file, and told as others are."""
    rows = [{"a": 1}, {"b": 2}, {"a": None}]
    with BatchServer() as server:
        with pytest.warns(groqnb.RowsFailed, match="1 of 3 rows have no answer"):
            out = groqnb.map("row {a}", rows, **options(server, samples=samples)).to_frame()
        assert server.lines == {"row 1": samples}
    assert out["answer"].fillna("-").tolist() == ["re: row 1", "-", "-"]
    assert [error and error.type for error in out["error"]] == [None, "ParameterError", None]


class Breaks:
    """Fails the first requests of a kind."""

    def __init__(self, moment: str, method: str, path: str, fault: Any, times: int = 1) -> None:
        self.wanted = (moment, method, path)
        self.fault, self.times = fault, times

    def __call__(self, *seen: str) -> Any:
        if seen[:2] == self.wanted[:2] and seen[2].startswith(self.wanted[2]) and self.times:
            self.times -= 1
            return self.fault
        return None


@pytest.mark.parametrize(
    "fault",
    [
        Breaks("before", "POST", "/files", 500),
        Breaks("before", "POST", "/files", 429),
        Breaks("after", "POST", "/files", "reset"),
        Breaks("before", "POST", "/batches", 503),
        Breaks("before", "POST", "/batches", 429),
        Breaks("before", "POST", "/batches", "reset"),
        Breaks("after", "POST", "/batches", "reset"),
        Breaks("after", "POST", "/batches", 500),
        Breaks("before", "GET", "/batches/", "reset", 9),
        Breaks("before", "GET", "/batches/", 500, 9),
        Breaks("before", "GET", "/files/", 503),
        Breaks("before", "GET", "/files/", "reset"),
    ],
    ids=lambda fault: f"{fault.fault} {' '.join(fault.wanted)}",
)
def test_failures_that_pass_send_nothing_twice(fault: Breaks) -> None:
    """An upload refused, an answer lost, a watch interrupted: each row is in one batch."""
    times = fault.times
    with BatchServer(fault=fault) as server:
        out = frame(1, 2).groq.map("row {n}", **options(server))
        assert list(out["answer"]) == ["re: row 1", "re: row 2"]
        assert server.lines == {"row 1": 1, "row 2": 1}
        assert len(server.batches) == 1
    assert fault.times == 0
    fault.times = times


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Breaks("before", "POST", "/batches", 400, 99), BadRequestError),
        (Breaks("before", "POST", "/batches", 429, 99), RateLimitError),
        (Breaks("before", "POST", "/files", "reset", 99), APIConnectionError),
        (Breaks("after", "POST", "/batches", "reset", 99), None),
        (Breaks("before", "GET", "/batches/", "reset", 99), APIConnectionError),
    ],
    ids=lambda case: " ".join(case.wanted) if isinstance(case, Breaks) else "",
)
def test_failures_that_stay_are_raised_and_the_same_call_goes_on(
    fault: Breaks, kind: type[Exception] | None
) -> None:
    """What was done until then is not done again."""
    times = fault.times
    with BatchServer(fault=fault) as server:
        if kind is not None:
            with pytest.raises(kind):
                frame(1, 2).groq.map("row {n}", **options(server))
        fault.times = 0
        out = frame(1, 2).groq.map("row {n}", **options(server))
        assert list(out["answer"]) == ["re: row 1", "re: row 2"]
        assert server.lines == {"row 1": 1, "row 2": 1}
    fault.times = times


def test_a_batch_that_the_server_does_not_know_is_not_sent_again() -> None:
    """With the key of another organisation nothing is paid for twice: an error says so."""
    with BatchServer() as server:
        server.looks = 9
        frame(1).groq.map("row {n}", **options(server, wait=False))
        kept = dict(server.batches)
        server.batches.clear()
        with pytest.raises(NotFoundError, match="another organisation"):
            frame(1).groq.map("row {n}", **options(server))
        server.batches.update(kept)
        server.looks = 1
        assert list(frame(1).groq.map("row {n}", **options(server))["answer"]) == ["re: row 1"]
        assert server.lines == {"row 1": 1}


def test_results_that_are_gone_are_told() -> None:
    """Files are kept for a month; later the rows say so, and are sent again by the same call."""
    with BatchServer() as server:
        server.looks = 2
        frame(1).groq.map("row {n}", **options(server, wait=False))
        server.retrieve("batch_0000")
        server.contents.pop(server.batches["batch_0000"]["output_file_id"])
        with pytest.warns(groqnb.RowsFailed, match="no longer on the server"):
            frame(1).groq.map("row {n}", **options(server))
        assert list(frame(1).groq.map("row {n}", **options(server))["answer"]) == ["re: row 1"]


def test_the_file_is_gone_when_the_batch_is_to_start() -> None:
    """A file that the server has lost is made anew by the same call."""
    fault = Breaks("before", "POST", "/batches", 404)
    with BatchServer(fault=fault) as server:
        with pytest.raises(NotFoundError):
            frame(1).groq.map("row {n}", **options(server))
        assert list(frame(1).groq.map("row {n}", **options(server))["answer"]) == ["re: row 1"]
        assert server.count("POST", "/files") == 2
