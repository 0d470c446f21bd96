"""What rows may be: columns with any name, missing values, live sources; and what is refused."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import BaseModel
from row_server import MODEL, RowServer, said

import groqnb
from groqnb.types.errors import ParameterError


def options(server: RowServer, **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "client": server.client(), "progress": False, **more}


@pytest.mark.parametrize(
    "name",
    ["order id", " text", "text ", "a{b}", "}", "time: start", "photo:image", "{}", 5, ("a", "b")],
)
def test_a_column_of_any_name_can_be_read(name: Any) -> None:
    """`from_` is the column's name, whatever stands in it, and no prompt."""
    frame = pd.DataFrame({"n": ["it broke"]})
    frame.columns = pd.Index([name], tupleize_cols=False)
    with RowServer(lambda body, before: "bad") as server:
        out = frame.groq.classify(["good", "bad"], from_=name, **options(server))
    assert out["label"].tolist() == ["bad"]
    assert said(server.bodies[0]) == "it broke"


def test_spaces_around_a_columns_name_are_let_be_in_a_prompt() -> None:
    """As files of commas have them; of two such columns the one that is named exactly is meant."""
    with RowServer() as server:
        out = pd.DataFrame({" text": ["a"]}).groq.map("{text}", **options(server))
        assert out["answer"].tolist() == ["re: a"]
        both = pd.DataFrame({" text": ["a"], "text": ["b"]})
        assert both.groq.map("{text}", **options(server))["answer"].tolist() == ["re: b"]
        with pytest.raises(ParameterError, match="2 columns 'text'"):
            pd.DataFrame({" text": [1], "text ": [2]}).groq.map("{text}", **options(server))
        with pytest.raises(ParameterError, match="would replace the column ' text'"):
            pd.DataFrame({" text": ["a"]}).groq.map("{text}", into=" text", **options(server))


def test_a_series_may_give_columns_of_any_name() -> None:
    """A field called `value` is a field like others, and so is a column of that name."""
    series = pd.Series(["a"], name="x}y")
    with RowServer(lambda body, before: '{"value": 3}') as server:
        assert series.groq.extract({"value": int}, **options(server))["value"].tolist() == [3]
        both = series.groq.map("say {value} {}", into="value", **options(server))
    assert list(both.columns) == ["value", "value_error"]
    assert said(server.bodies[-1]) == "say a a"


def test_values_that_are_missing_are_not_asked_about() -> None:
    """None, NaN, NA and NaT, of plain rows and in dicts: no model is asked what "nan" means."""
    missing = [None, float("nan"), pd.NA, pd.NaT]
    with RowServer() as server:
        plain = list(groqnb.map("say {}", pd.Series(["a", *missing]), **options(server)))
        dicts = [{"t": "a", "other": None}, *({"t": value} for value in missing)]
        named = list(groqnb.map("say {t}", dicts, **options(server)))
    assert plain == named == ["re: say a", None, None, None, None]
    assert server.asked == {"say a": 1}


class Ticket(BaseModel):
    """A row with names."""

    text: str
    n: int


def test_rows_may_have_names_in_many_ways() -> None:
    """Named tuples, series, rows of a database, models: no object's repr is asked about."""
    frame = pd.DataFrame({"text": ["a"], "n": [1]})
    database = sqlite3.connect(":memory:")
    database.row_factory = sqlite3.Row
    rows = [
        *frame.itertuples(),
        *(row for _, row in frame.iterrows()),
        *database.execute("SELECT 'a' AS text, 1 AS n"),
        Ticket(text="a", n=1),
        {"text": "a", "n": 1},
    ]
    with RowServer() as server:
        assert list(groqnb.map("{text}: {n}", rows, **options(server))) == ["re: a: 1"] * 5
        with pytest.raises(ParameterError, match=r"no 'txt'. Did you mean 'text'"):
            list(groqnb.map("{txt}", rows[:1], **options(server)))
        assert list(groqnb.map("{path}", [Path("x")], **options(server))) == ["re: x"]
    database.close()


async def none() -> AsyncIterator[str]:
    yield "a"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (pd.DataFrame({"text": ["a"]}), r"has columns.*df\.groq\.map"),
        (5, "of type int, which has none"),
        (None, "of type NoneType"),
        (none(), r"Async rows are for groqnb\.amap"),
    ],
)
def test_what_is_no_source_of_rows_is_refused_at_once(rows: Any, message: str) -> None:
    """A frame too: going through one gives the names of its columns."""
    with pytest.raises(ParameterError, match=message):
        groqnb.map("say {}", rows, model=MODEL)


def test_a_prompt_that_is_the_same_for_every_row_is_refused() -> None:
    with pytest.raises(ParameterError, match="the same for every one"):
        groqnb.map("Say hello.", ["a", "b"], model=MODEL)


@pytest.mark.parametrize("samples", [1, 2])
def test_a_row_that_cannot_be_asked_is_an_error_as_others_are(samples: int) -> None:
    """It is told in the warning, and raised where errors are to be."""
    rows = [{"a": 1}, {"b": 2}, {"a": 3}]
    with RowServer() as server:
        known = options(server, samples=samples)
        with pytest.warns(groqnb.RowsFailed, match="1 of 3 rows have no answer: ParameterError"):
            table = groqnb.map("{a}", rows, **known).to_frame()
        assert table["answer"].fillna("-").tolist() == ["re: 1", "-", "re: 3"]
        assert "no 'a'" in table["error"][1].message
        with pytest.raises(ParameterError, match="no 'a'"):
            groqnb.map("{a}", rows, errors="raise", **known).to_frame()


def test_two_prompts_run_side_by_side() -> None:
    """Another prompt is another map: neither waits for the other, nor is it refused."""

    async def main(server: RowServer) -> list[list[str]]:
        frame = pd.DataFrame({"n": range(5)})
        maps = (frame.groq.amap(f"{word} {{n}}", **options(server)) for word in ("one", "two"))
        return [list(made["answer"]) for made in await asyncio.gather(*maps)]

    with RowServer() as server:
        assert asyncio.run(main(server)) == [
            [f"re: {word} {n}" for n in range(5)] for word in ("one", "two")
        ]


# --- async iteration ---


def test_an_answer_is_given_out_when_it_is_there() -> None:
    """It does not wait for the next row's."""
    go_on = threading.Event()
    in_time: list[bool] = []

    def answer(body: dict[str, Any], before: int) -> Any:
        if said(body) == "second":
            in_time.append(go_on.wait(30))
        return f"re: {said(body)}"

    async def main(server: RowServer) -> list[str]:
        got = []
        rows = ["first", "second"]
        async for one in groqnb.amap("{}", rows, **options(server, concurrency=1)):
            got.append(one)
            go_on.set()
        return got

    with RowServer(answer) as server:
        assert asyncio.run(main(server)) == ["re: first", "re: second"]
    assert in_time == [True]


@pytest.mark.parametrize("samples", [1, 2])
def test_an_async_source_may_wait_for_the_answers(samples: int) -> None:
    """As a conversation does: a row is sent and answered before the next one is there."""

    async def main(server: RowServer) -> list[str]:
        answered: asyncio.Queue[str] = asyncio.Queue()
        got = []

        async def rows() -> AsyncIterator[str]:
            text = "a"
            for _ in range(3):
                yield text
                text = await answered.get()

        async for one in groqnb.amap("{}", rows(), **options(server, samples=samples)):
            got.append(one)
            await answered.put(one)
        return got

    with RowServer(lambda body, before: f"{said(body)}+") as server:
        assert asyncio.run(asyncio.wait_for(main(server), 60)) == ["a+", "a++", "a+++"]


def test_a_cancelled_iteration_ends_its_requests_and_goes_on_later() -> None:
    """Whether it waits for an answer: the cancelling comes through, and no map runs on."""
    waiting, go_on = threading.Event(), threading.Event()

    def answer(body: dict[str, Any], before: int) -> Any:
        if said(body) == "3" and not go_on.is_set():
            waiting.set()
            go_on.wait(2.0)
        return f"re: {said(body)}"

    async def through(server: RowServer) -> list[str]:
        rows = (str(n) for n in range(9))
        return [one async for one in groqnb.amap("{}", rows, **options(server, concurrency=1))]

    async def main(server: RowServer) -> list[str]:
        task = asyncio.ensure_future(through(server))
        assert await asyncio.to_thread(waiting.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not any(thread.name == "groqnb-map" for thread in threading.enumerate())
        assert server.asked["4"] == 0
        go_on.set()
        return await through(server)

    with RowServer(answer) as server:
        assert asyncio.run(main(server)) == [f"re: {n}" for n in range(9)]
        assert server.asked["0"] == 1


def test_a_cancelled_iteration_does_not_wait_for_rows_that_never_come() -> None:
    """An async source that is silent, as an empty queue is, holds nothing up."""
    asked = threading.Event()

    async def rows() -> AsyncIterator[str]:
        yield "a"
        asked.set()
        await asyncio.Event().wait()

    async def main(server: RowServer) -> None:
        async def through() -> None:
            async for _ in groqnb.amap("{}", rows(), **options(server)):
                pass

        task = asyncio.ensure_future(through())
        assert await asyncio.to_thread(asked.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 60)

    with RowServer() as server:
        asyncio.run(main(server))


def test_the_source_of_a_loop_that_is_left_is_closed() -> None:
    """`break` ends the generator of rows with the map, at once."""
    closed: list[bool] = []

    def rows() -> Iterator[str]:
        try:
            for n in range(10_000):
                yield str(n)
        finally:
            closed.append(True)

    with RowServer() as server:
        for _ in groqnb.map("{}", rows(), **options(server)):
            break
    assert closed == [True]
