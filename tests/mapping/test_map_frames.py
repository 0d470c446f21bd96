"""`df.groq`, `series.groq` and `groqnb.map`: what goes in, what comes out, and what is refused."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import inspect
import json
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator, Iterator
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pytest
from pydantic import BaseModel, Field
from row_server import MODEL, TYPED_MODEL, RowServer, said

import groqnb
from groqnb.mapping.judges import Labels
from groqnb.types.errors import ParameterError, ResponseError

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)


def options(server: RowServer, **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "client": server.client(), **more}


def test_order_and_index_stay_and_doubles_are_asked_once() -> None:
    """Also with an index that has doubles; equal rows have equal answers for one request."""
    frame = pd.DataFrame({"text": ["b", "a", "b"], "n": [1, 2, 3]}, index=[7, 7, 3])
    with RowServer() as server:
        out = frame.groq.map("Say {text}", into="said", **options(server))
    assert list(out.index) == [7, 7, 3]
    assert list(out.columns) == ["text", "n", "said", "said_error"]
    assert list(out["said"]) == ["re: Say b", "re: Say a", "re: Say b"]
    assert out["said_error"].isna().all()
    assert server.asked == {"Say b": 1, "Say a": 1}
    assert list(frame.columns) == ["text", "n"]


def test_rows_with_a_missing_value_are_not_asked() -> None:
    """No answer and no error: there was nothing to ask."""
    frame = pd.DataFrame({"a": ["x", None, "y"], "b": [1.0, 2.0, float("nan")], "c": [None] * 3})
    with RowServer() as server:
        out = frame.groq.map("{a} {b}", **options(server))
    assert server.asked == {"x 1.0": 1}
    assert list(out["answer"].isna()) == [False, True, True]
    assert out["answer_error"].isna().all()


def test_an_empty_frame_has_the_new_columns() -> None:
    frame = pd.DataFrame({"text": pd.Series([], dtype="string")})
    with RowServer() as server:
        out = frame.groq.map("{text}", **options(server))
    assert list(out.columns) == ["text", "answer", "answer_error"]
    assert not server.asked


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("{txt}", "no column 'txt'. Did you mean 'text'"),
        ("{Text}", "Did you mean 'text'"),
        ("nothing", "names no column"),
        ("{text} {", "single '{'"),
        ("} {text}", "single '}'"),
        ("{text:picture}", "no kind 'picture'"),
        ("{}", "write {name}"),
        ("  ", "empty"),
        ('{"label": {text}}', "doubled"),
    ],
)
def test_a_wrong_prompt_is_refused_before_anything_is_sent(prompt: str, message: str) -> None:
    frame = pd.DataFrame({"text": ["a"], "order id": [1]})
    with RowServer() as server:
        with pytest.raises(ParameterError) as caught:
            frame.groq.map(prompt, **options(server))
        assert message in str(caught.value)
        assert not server.asked


def test_braces_are_doubled_and_names_may_have_spaces() -> None:
    frame = pd.DataFrame({"order id": [12], "n": [1]})
    with RowServer() as server:
        frame.groq.map('{{"id": {order id}}} {n}', **options(server))
    assert list(server.asked) == ['{"id": 12} 1']


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"temprature": 1}, "Did you mean 'temperature'"),
        ({"temperature": 3}, "temperature is 3"),
        ({"concurrency": 0}, "concurrency is 0"),
        ({"limits": {"RPX": 3}}, "no limit 'RPX'"),
        ({"limits": {"ASH": 3}}, "no limit 'ASH'"),
        ({"errors": "ignore"}, "errors is 'ignore'"),
        ({"resume": "a\nb"}, "resume is"),
        ({"max_wait": -1}, "max_wait is -1"),
        ({"model": []}, "a model's id"),
        ({"client": "gsk"}, "client is a Groq()"),
        ({"stream": True}, "no option 'stream'"),
    ],
)
def test_wrong_options_are_refused_with_what_is_allowed(
    wrong: dict[str, Any], message: str
) -> None:
    frame = pd.DataFrame({"text": ["a"]})
    with RowServer() as server:
        with pytest.raises(ParameterError) as caught:
            frame.groq.map("{text}", **options(server, **wrong))
        assert message in str(caught.value)
        assert not server.asked


def test_system_prompt_tools_and_parameters_go_with_every_row() -> None:
    """What the model calls is the answer then, as a list of calls."""
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    with RowServer(lambda body, before: {"content": None, "tool_calls": [call]}) as server:
        out = pd.DataFrame({"text": ["a"]}).groq.map(
            "{text}",
            system="Be {brief}.",
            tools=tools,
            seed=5,
            extra_body={"new": 1},
            **options(server),
        )
    (body,) = server.bodies
    assert body["messages"][0] == {"role": "system", "content": "Be {brief}."}
    assert (body["tools"], body["seed"], body["new"]) == (tools, 5, 1)
    assert out["answer"][0] == [{"id": "1", "name": "f", "arguments": '{"a": 1}'}]


def test_what_is_called_is_not_lost_behind_what_is_said() -> None:
    """A model may say that it looks, and look: the calls are the answer."""
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    with RowServer(lambda body, before: {"content": "I look.", "tool_calls": [call]}) as server:
        for _ in range(2):  # the second time from the disk
            (answer,) = groqnb.map("{}", ["a"], **options(server))
            assert answer == [{"id": "1", "name": "f", "arguments": "{}"}]


def test_new_columns_of_one_name_are_refused() -> None:
    """A field that is called as the column of errors is."""
    with RowServer() as server, pytest.raises(ParameterError, match="'extract_error'"):
        pd.DataFrame({"text": ["a"]}).groq.extract(
            {"extract_error": str}, from_="text", **options(server)
        )


def test_pictures_stand_where_the_prompt_has_them(tmp_path: Path) -> None:
    """Paths, bytes and addresses; a picture that is not there is an error of its row alone."""
    path = tmp_path / "one.png"
    path.write_bytes(PNG)
    frame = pd.DataFrame({"photo": [path, PNG, "https://example.org/a.png", tmp_path / "no.png"]})
    with RowServer() as server, pytest.warns(groqnb.RowsFailed):
        out = frame.groq.map("Before {photo:image} after", **options(server))
    assert list(out["answer"][:3]) == ["re: Before [image] after"] * 3
    assert "no.png" in str(out["answer_error"][3])
    urls = {body["messages"][0]["content"][1]["image_url"]["url"] for body in server.bodies}
    inline = "data:image/png;base64," + base64.b64encode(PNG).decode()
    assert urls == {inline, "https://example.org/a.png"}


def test_a_series_gives_a_series_or_a_frame() -> None:
    """`{}` is the value; with `into` the errors stand beside the answers."""
    series = pd.Series(["a", "b"], index=[5, 5], name="text")
    with RowServer(lambda body, before: 400 if said(body) == "b" else "ok") as server:
        with pytest.warns(groqnb.RowsFailed):
            out = series.groq.map("{}", **options(server))
        with pytest.warns(groqnb.RowsFailed):
            both = series.groq.map("{text}", into="said", **options(server))
    assert list(out.index) == [5, 5]
    assert list(out.isna()) == [False, True]
    assert out.attrs["errors"][5].type == "BadRequestError"
    assert list(both.columns) == ["said", "said_error"]


def test_a_cell_can_be_run_again() -> None:
    """Mapping a frame that has the columns already replaces them."""
    frame = pd.DataFrame({"text": ["a"]})
    with RowServer() as server:
        once = frame.groq.map("{text}", **options(server))
        twice = once.groq.map("{text}", **options(server))
        with pytest.raises(ParameterError, match="would replace the column"):
            frame.groq.map("{text}", into="text", **options(server))
    pd.testing.assert_frame_equal(once, twice)


# --- typed answers ---


class Mood(Enum):
    GOOD = "good"
    BAD = "bad"


class Person(BaseModel):
    name: str
    age: int | None
    mood: Mood
    tags: list[str]
    share: float = Field(ge=0, le=1)
    known: bool


PERSON = {"name": "Ada", "age": 36, "mood": "good", "tags": ["a"], "share": 0.5, "known": True}


def test_extract_gives_typed_columns() -> None:
    """A column for each field, with the type that pandas has for it, missing values too."""
    nobody = {**PERSON, "age": None, "name": "?"}

    def answer(body: dict[str, Any], before: int) -> Any:
        return json.dumps(nobody if "second" in said(body) else PERSON)

    frame = pd.DataFrame({"text": ["first", "second", None]}, index=[1, 1, 2])
    with RowServer(answer) as server, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = frame.groq.extract(Person, from_="text", **options(server, model=TYPED_MODEL))
    kinds = {name: str(out[name].dtype) for name in PERSON}
    assert kinds == {
        "name": "string",
        "age": "Int64",
        "mood": "category",
        "tags": "object",
        "share": "Float64",
        "known": "boolean",
    }
    assert out["age"].tolist() == [36, pd.NA, pd.NA]
    assert out["mood"].tolist()[:2] == ["good", "good"]
    assert out["tags"].tolist()[0] == ["a"]
    sent = server.bodies[0]["response_format"]
    assert sent["type"] == "json_schema"
    assert sent["json_schema"]["schema"]["additionalProperties"] is False


def test_extract_takes_names_and_types_and_a_prompt() -> None:
    with RowServer(lambda body, before: '{"n": 3}') as server:
        out = pd.DataFrame({"a": ["x"], "b": ["y"]}).groq.extract(
            {"n": int}, prompt="How many in {a} and {b}?", **options(server)
        )
    assert out["n"].tolist() == [3]
    (body,) = server.bodies
    assert said(body) == "How many in x and y?"
    # A model that keeps to no schema is told it, and asked for JSON.
    assert body["response_format"] == {"type": "json_object"}
    assert '"n"' in body["messages"][0]["content"]


def test_an_answer_that_does_not_fit_is_repaired_once() -> None:
    """The model is shown what was wrong; a second failure is the row's error."""

    def answer(body: dict[str, Any], before: int) -> Any:
        if len(body["messages"]) > 1:
            assert "does not fit" in said(body)
            return '{"n": 3}' if "good" in body["messages"][0]["content"] else '{"n": "five"}'
        return '{"n": "many"}'

    frame = pd.DataFrame({"text": ["good", "bad"]})
    with RowServer(answer) as server, pytest.warns(groqnb.RowsFailed):
        out = frame.groq.extract({"n": int}, from_="text", **options(server, model=TYPED_MODEL))
    assert out["n"].tolist() == [3, pd.NA]
    assert out["extract_error"][1].type == "ResponseError"
    assert "n:" in out["extract_error"][1].message
    assert len(server.bodies) == 4


def test_an_answer_that_was_cut_off_says_what_to_raise() -> None:
    cut = {"content": '{"n": ', "finish_reason": "length"}
    with RowServer(lambda body, before: dict(cut)) as server, pytest.warns(groqnb.RowsFailed):
        out = pd.DataFrame({"text": ["a"]}).groq.extract(
            {"n": int}, from_="text", **options(server, max_completion_tokens=2)
        )
    assert "raise max_completion_tokens" in out["extract_error"][0].message
    assert len(server.bodies) == 1


def test_a_limit_that_leaves_no_word_of_an_answer_is_an_error() -> None:
    """As where reasoning took all of it; what was cut off later is an answer."""
    texts: dict[str, Any] = {"a": "", "b": "A few wo"}

    def cut(body: dict[str, Any], before: int) -> dict[str, Any]:
        return {"content": texts[said(body)], "finish_reason": "length"}

    with RowServer(cut) as server, pytest.warns(groqnb.RowsFailed):
        out = pd.DataFrame({"text": ["a", "b"]}).groq.map("{text}", into="x", **options(server))
    assert out["x"].isna().tolist() == [True, False]
    assert out["x"][1] == "A few wo"
    assert "max_completion_tokens" in str(out["x_error"][0])
    assert out["x_error"][1] is None


@pytest.mark.parametrize("form", [{}, {"n": 3}, int, {"n": dict[str, int]}])
def test_a_form_that_cannot_be_is_refused(form: Any) -> None:
    with RowServer() as server, pytest.raises(ParameterError):
        pd.DataFrame({"text": ["a"]}).groq.extract(form, from_="text", **options(server))
    assert not server.asked


@pytest.mark.filterwarnings("ignore:The model is told")
@pytest.mark.parametrize(
    ("kind", "told", "dtype", "values"),
    [
        (date, ["1066-10-14", "9999-12-31"], "datetime64[us]", ["1066-10-14", "9999-12-31"]),
        (
            datetime,
            ["2024-01-01T00:00:00.5", "0001-01-01T00:00:00"],
            "datetime64[us]",
            ["2024-01-01 00:00:00.500000", "0001-01-01 00:00:00"],
        ),
        (
            datetime,
            ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00+02:00"],
            "datetime64[us, UTC]",
            ["2024-01-01 00:00:00+00:00", "2023-12-31 22:00:00+00:00"],
        ),
        (
            datetime,
            ["2024-01-01T00:00:00", "2024-01-01T00:00:00Z"],
            "object",
            ["2024-01-01 00:00:00", "2024-01-01 00:00:00+00:00"],
        ),
        (int, [10**30, 1], "object", [str(10**30), "1"]),
    ],
)
def test_answers_that_no_usual_column_holds_lose_no_row(
    kind: Any, told: list[Any], dtype: str, values: list[str]
) -> None:
    """Dates long ago, moments of several time zones, numbers of thirty digits, missing ones."""

    def answer(body: dict[str, Any], before: int) -> Any:
        return json.dumps({"x": told[int(said(body)[-1])]})

    frame = pd.DataFrame({"n": [0, 1, None]}, dtype="Int64")
    with RowServer(answer) as server:
        out = frame.groq.extract({"x": kind}, from_="n", **options(server))
    assert str(out["x"].dtype) == dtype
    assert [
        str(value).removesuffix(" 00:00:00") if kind is date else str(value)
        for value in out["x"][:2]
    ] == values
    assert out["x"].isna().tolist() == [False, False, True]


def test_a_literal_is_a_category() -> None:
    with RowServer(lambda body, before: '{"size": "small"}') as server:
        out = pd.DataFrame({"text": ["a"]}).groq.extract(
            {"size": Literal["small", "large"]}, from_="text", **options(server)
        )
    assert list(out["size"].cat.categories) == ["small", "large"]


@pytest.mark.parametrize(("model", "answer"), [(TYPED_MODEL, '{"label": "bad"}'), (MODEL, " Bad.")])
def test_classify_gives_one_of_the_labels(model: str, answer: str) -> None:
    """By a schema where the model keeps to one, by instruction and reading elsewhere."""
    with RowServer(lambda body, before: answer) as server:
        out = pd.DataFrame({"text": ["a", None]}).groq.classify(
            {"good": "praise", "bad": "complaints"}, from_="text", **options(server, model=model)
        )
    assert out["label"].tolist()[0] == "bad"
    assert list(out["label"].cat.categories) == ["good", "bad"]
    (body,) = server.bodies
    assert "complaints" in body["messages"][0]["content"]
    enum = body.get("response_format", {}).get("json_schema", {}).get("schema", {})
    assert bool(enum) == (model == TYPED_MODEL)


def test_what_is_no_label_is_an_error_after_one_repair() -> None:
    odd = RowServer(lambda body, before: "perhaps good, perhaps bad")
    with odd as server, pytest.warns(groqnb.RowsFailed):
        out = pd.DataFrame({"text": ["a"]}).groq.classify(
            ["good", "bad"], from_="text", **options(server)
        )
    assert out["label"].isna().all()
    assert "none of the labels" in out["label_error"][0].message
    assert len(server.bodies) == 2


@pytest.mark.parametrize(
    ("text", "label"),
    [("spam", "spam"), ("The label is: not spam.", "not spam"), ('"Not Spam"', "not spam")],
)
def test_labels_are_read_leniently(text: str, label: str) -> None:
    """Case, quotes and words around do not matter, and a longer label hides a shorter one."""
    assert Labels(["spam", "not spam"]).read(text) == label


def test_labels_of_a_set_are_the_same_question_in_every_process() -> None:
    """A set's order changes with the process; answers on disk are found all the same."""
    assert Labels({"c", "a", "b"}).identity == Labels(["a", "b", "c"]).identity


def test_labels_may_be_marks() -> None:
    """What is stripped from words is no label's whole text."""
    marks = Labels(["!", "?", "*"])
    assert [marks.read(text) for text in ("!", " ? ", "*")] == ["!", "?", "*"]
    with pytest.raises(ResponseError):
        marks.read("")


@pytest.mark.parametrize("labels", [["a"], ["a", "A"], ["a", ""], ["a", 1], "ab"])
def test_labels_that_cannot_be_told_apart_are_refused(labels: Any) -> None:
    with pytest.raises(ParameterError):
        Labels(labels)


def test_two_labels_in_one_answer_are_none() -> None:
    with pytest.raises(ResponseError):
        Labels(["spam", "ham"]).read("not spam but ham")


def test_filter_keeps_yes_and_loses_no_row_for_an_error() -> None:
    """Rows that could not be judged stay in, and say why."""
    said_of = {"q a": "yes", "q b": "no", "q c": "Yes."}
    frame = pd.DataFrame({"text": ["a", "b", "c"]}, index=[3, 3, 4])
    with RowServer(lambda body, before: said_of[said(body)]) as server:
        out = frame.groq.filter("q {text}", **options(server))
    assert out["text"].tolist() == ["a", "c"]
    assert list(out.index) == [3, 4]
    assert list(out.columns) == ["text"]
    with RowServer(lambda body, before: 400) as server, pytest.warns(groqnb.RowsFailed):
        out = frame.groq.filter("r {text}", **options(server))
    assert len(out) == 3
    assert out["filter_error"].notna().all()


# --- groqnb.map ---


def test_map_gives_answers_in_order_from_a_generator() -> None:
    """Whatever row is answered first."""
    with RowServer() as server:
        rows = ({"a": n, "b": "x"} for n in range(200))
        mapped = groqnb.map("{a}{b}", rows, concurrency=32, **options(server))
        assert list(mapped) == [f"re: {n}x" for n in range(200)]


def test_map_takes_no_more_than_its_window_from_a_source_without_end() -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield str(taken)

    with RowServer() as server:
        answers = iter(groqnb.map("{}", endless(), **options(server)))
        with contextlib.closing(answers):  # type: ignore[type-var]
            assert next(answers) == "re: 1"
            seen = taken
            assert seen <= 4096 + server.answered.total()  # those under way, and those that came


def test_the_rows_of_a_generator_are_taken_in_the_callers_thread() -> None:
    """A generator may hold what belongs to its thread, a database's connection for example."""
    import threading

    threads = set()

    def rows() -> Iterator[str]:
        for n in range(3):
            threads.add(threading.current_thread())
            yield str(n)

    with RowServer() as server:
        list(groqnb.map("{}", rows(), **options(server)))
    assert threads == {threading.current_thread()}


def test_an_error_in_the_users_generator_comes_through() -> None:
    def rows() -> Iterator[str]:
        yield "a"
        raise ZeroDivisionError("mine")

    with RowServer() as server, pytest.raises(ZeroDivisionError, match="mine"):
        list(groqnb.map("{}", rows(), **options(server)))


def test_to_frame_has_errors_tokens_and_cost() -> None:
    """Rows that are None are not asked; the table tells of each row what it took."""
    rows = ["a", None, "bad"]
    odd = RowServer(lambda body, before: 400 if said(body) == "bad" else "ok")
    with odd as server, pytest.warns(groqnb.RowsFailed):
        table = groqnb.map("{}", rows, **options(server)).to_frame()
    assert table["answer"].tolist() == ["ok", pd.NA, pd.NA]
    assert table["prompt_tokens"].tolist()[0] == 10
    assert table["cost"].isna().tolist()[0], "an unknown server's price is not known, never 0"
    assert [error is None for error in table["error"]] == [True, True, False]


def test_one_text_is_no_list_of_rows() -> None:
    with pytest.raises(ParameterError, match="The rows are one str"):
        groqnb.map("{}", "abc")


def test_async_twins_work_inside_a_running_loop() -> None:
    """`await df.groq.amap(…)` and `async for … in groqnb.amap(…)`, with async rows too."""

    async def rows() -> AsyncIterator[str]:
        for n in range(20):
            await asyncio.sleep(0)
            yield str(n)

    async def main(server: RowServer) -> tuple[list[Any], list[Any], list[Any]]:
        frame = pd.DataFrame({"n": range(20)})
        mapped = await frame.groq.amap("f {n}", **options(server))
        plain = [one async for one in groqnb.amap("p {}", map(str, range(20)), **options(server))]
        lazy = [one async for one in groqnb.amap("l {}", rows(), **options(server))]
        return list(mapped["answer"]), plain, lazy

    with RowServer() as server:
        for letter, found in zip("fpl", asyncio.run(main(server)), strict=True):
            assert found == [f"re: {letter} {n}" for n in range(20)]


@pytest.mark.parametrize("name", ["map", "extract", "classify", "filter"])
def test_twins_have_the_same_parameters(name: str) -> None:
    """Completion knows the options of both, those of a chat completion among them."""
    for rows in (pd.DataFrame({"a": [1]}).groq, pd.Series([1]).groq):
        told = [inspect.signature(getattr(rows, one)).parameters for one in (name, f"a{name}")]
        assert list(told[0]) == list(told[1])
        assert {"temperature", "resume", "samples"} <= set(told[1])


def test_sync_maps_work_inside_a_running_loop() -> None:
    """As in a notebook, where a loop is always running."""

    async def main(server: RowServer) -> list[Any]:
        return list(pd.DataFrame({"n": [1]}).groq.map("{n}", **options(server))["answer"])

    with RowServer() as server:
        assert asyncio.run(main(server)) == ["re: 1"]


def test_every_call_of_a_map_is_a_row_of_the_ledger() -> None:
    """Rows of maps cost what calls cost, and are counted as they are."""
    with RowServer(lambda body, before: 500 if before == 0 else "ok") as server:
        from groqnb.wire.retry import without_waiting

        with without_waiting():
            list(groqnb.map("{}", ["a", "b"], **options(server)))
    used = groqnb.usage(model=MODEL)
    assert len(used) == 2
    assert used["retries"].tolist() == [1, 1]
    assert used["prompt_tokens"].tolist() == [10, 10]


@pytest.mark.parametrize("order", ["groqnb, pandas", "pandas, groqnb"])
def test_frames_have_groq_whichever_is_imported_first(order: str) -> None:
    """And importing groqnb alone imports no pandas."""
    code = (
        f"import sys; import {order.split(', ')[0]}; "
        f"print('pandas' in sys.modules); import {order.split(', ')[1]}; import pandas, groqnb; "
        "print(type(pandas.DataFrame({'a': [1]}).groq).__name__, type(pandas.Series([1]).groq))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first == str(order.startswith("pandas"))
    assert second == "FrameRows <class 'groqnb.series.SeriesRows'>"
