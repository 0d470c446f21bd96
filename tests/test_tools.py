"""Tools from Python functions: how they are described, called, and what the loop does."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import enum
import functools
import json
import threading
from collections.abc import Callable
from typing import Any, Literal

import httpx
import pytest
from both_worlds import KEY, MODEL, answering, completion
from pydantic import BaseModel

import groqnb
from groqnb import AsyncGroq, Groq, ParameterError
from groqnb.tools.docstrings import described
from groqnb.tools.loop import ToolRun
from groqnb.tools.results import MOST_CHARACTERS, text_of
from groqnb.tools.tool import ArgumentError, as_tools


class Unit(enum.Enum):
    CELSIUS = "C"
    FAHRENHEIT = "F"


class Place(BaseModel):
    lat: float
    lon: float = 0.0


@dataclasses.dataclass
class Span:
    first: datetime.date
    last: datetime.date | None = None


@groqnb.tool
def weather(
    city: str,
    span: Span | None = None,
    unit: Unit = Unit.CELSIUS,
    place: Place | None = None,
    days: list[int] | None = None,
    mood: Literal["short", "long"] = "short",
    schema: int = 3,
) -> dict[str, Any]:
    """The weather of a city.

    Args:
        city (str): its name,
            in English
        schema: a name that pydantic's classes have too

    Returns:
        nothing of use
    """
    return {"city": city, "unit": unit, "schema": schema, "mood": mood}


def test_a_function_is_described_by_its_signature_and_docstring() -> None:
    """Names, types, defaults and remarks arrive; required is what has no default."""
    function = weather["function"]
    assert weather["type"] == "function"
    assert function["name"] == "weather"
    assert function["description"] == "The weather of a city."
    parameters = function["parameters"]
    assert parameters["required"] == ["city"]
    assert parameters["additionalProperties"] is False
    assert parameters["properties"]["city"] == {
        "type": "string",
        "description": "its name, in English",
    }
    assert parameters["properties"]["schema"] == {
        "type": "integer",
        "default": 3,
        "description": "a name that pydantic's classes have too",
    }
    assert parameters["properties"]["mood"]["enum"] == ["short", "long"]
    assert parameters["$defs"]["Unit"]["enum"] == ["C", "F"]
    assert "title" not in json.dumps(parameters)


def test_a_tool_is_still_the_function_and_is_sent_as_it_is() -> None:
    """It can be called, printed, put into JSON, and found in a dict."""
    assert weather("Paris", schema=5) == {
        "city": "Paris",
        "unit": Unit.CELSIUS,
        "schema": 5,
        "mood": "short",
    }
    assert weather.__doc__ is not None
    assert repr(weather).startswith("<tool weather(city, span, unit")
    assert json.loads(json.dumps(weather))["function"]["name"] == "weather"
    assert {weather: 1}[weather] == 1


def test_arguments_become_values_of_the_declared_types() -> None:
    """Dates, enums, dataclasses and models are built; what is left out keeps its default."""
    given = weather.arguments(
        '{"city": "Paris", "span": {"first": "2026-01-02"}, "unit": "F", "place": {"lat": 1}}'
    )
    assert given == {
        "city": "Paris",
        "span": Span(datetime.date(2026, 1, 2)),
        "unit": Unit.FAHRENHEIT,
        "place": Place(lat=1),
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not JSON"),
        ("[]", "should be"),
        ("{}", "city: Field required"),
        ('{"city": 5}', "city: Input should be a valid string"),
        ('{"city": "a", "place": {"lat": "x"}}', "place.lat"),
        ('{"city": "a", "colour": 1}', "colour: Extra inputs"),
        ('{"city": "a", "unit": "K"}', "unit"),
    ],
)
def test_hostile_arguments_are_refused_by_place(text: str, told: str) -> None:
    """The function is never called with what does not fit."""
    with pytest.raises(ArgumentError) as raised:
        weather.arguments(text)
    assert told in str(raised.value)


def test_a_strict_tool_is_in_the_subset_and_null_means_the_default() -> None:
    """Every parameter is required then; the changes are told."""

    @groqnb.tool(strict=True, name="sum-up", description="Sums up.")
    def total(numbers: list[int], start: int = 10) -> int:
        return sum(numbers, start)

    function = total["function"]
    assert (function["name"], function["description"], function["strict"]) == (
        "sum-up",
        "Sums up.",
        True,
    )
    assert function["parameters"]["required"] == ["numbers", "start"]
    assert total.changes
    assert total.arguments('{"numbers": [1], "start": null}') == {"numbers": [1]}


@pytest.mark.parametrize(
    "docstring",
    [
        "Adds.\n\nArgs:\n    a: the first\n    b (int): the second:\n        a number\n\n"
        "Returns:\n    c: x",
        "Adds.\n\nParameters\n----------\na : int\n    the first\nb\n    the second:\n"
        "    a number\n\nReturns\n-------\nc : int\n    x",
        "Adds.\n\n:param a: the first\n:param int b: the second:\n    a number\n:returns: c",
    ],
    ids=["google", "numpy", "sphinx"],
)
def test_three_styles_of_docstrings_are_read(docstring: str) -> None:
    """The summary, and each parameter, whatever the style."""
    assert described(docstring) == ("Adds.", {"a": "the first", "b": "the second: a number"})


def no_types(a) -> int:  # type: ignore[no-untyped-def]
    return 1


def many(*numbers: int) -> int:
    return 1


def unknown(a: Callable[[int], int]) -> int:
    return 1


@pytest.mark.parametrize("function", [no_types, many, unknown, lambda a: a])
def test_a_signature_that_cannot_be_described_is_refused(function: Any) -> None:
    """The error names the function, or says what to write."""
    with pytest.raises(ParameterError):
        groqnb.tool(function)


@pytest.mark.parametrize(
    "given",
    [
        5,
        None,
        [{"type": "function", "function": {"description": "nameless"}}],
        [{"type": "function", "function": "weather"}],
    ],
    ids=str,
)
def test_odd_things_in_the_place_of_tools_are_refused(given: Any) -> None:
    """With what to write, and no KeyError from within."""
    with pytest.raises(ParameterError, match=r"of functions|no name"):
        as_tools(given)


def test_what_is_no_tool_is_refused() -> None:
    """So are two tools of one name."""
    with pytest.raises(ParameterError, match="not str"):
        as_tools(["weather"])
    with pytest.raises(ParameterError, match="Two tools"):
        as_tools([weather, weather])


def test_results_become_texts_for_the_model() -> None:
    """Tables, figures, bytes and odd objects are told in words; nothing long is sent whole."""
    import pandas as pd
    from matplotlib.figure import Figure

    table = text_of(pd.DataFrame({"a": range(1000), "b": "x"}))
    assert table.startswith("A table of 1,000 rows and 2 columns, the first 20 as CSV")
    assert "19,x" in table
    assert "20,x" not in table
    figure = Figure()
    axis = figure.subplots()
    axis.set_title("Sales")
    axis.set_xlabel("month")
    assert text_of(figure) == (
        "A figure with the title 'Sales ( over month)'; it goes to the user."
    )
    assert text_of(b"1234") == "4 bytes"
    assert text_of(Place(lat=1)) == '{"lat":1.0,"lon":0.0}'
    assert text_of({"when": datetime.date(2026, 1, 2)}) == '{"when":"2026-01-02"}'
    assert "object at" in text_of({"what": object()})
    assert text_of(float("nan")) == '"NaN"'
    loop: list[Any] = []
    loop.append(loop)
    assert text_of(loop) == "[[...]]"
    long = text_of("x" * 10_000_000)
    assert len(long) < MOST_CHARACTERS + 100
    assert "10,000,000 characters" in long


def test_odd_results_become_texts_that_can_be_sent() -> None:
    """Numbers of numpy, tables and figures in lists, endless iterators, broken characters."""
    import itertools

    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

    assert text_of({"n": np.int64(3), "x": [np.float64(1.5)]}) == '{"n":3,"x":[1.5]}'
    assert text_of(np.array([[1, 2], [3, 4]])) == "[[1,2],[3,4]]"
    assert len(text_of(np.zeros(1_000_000))) < 100
    assert text_of((Figure(), pd.DataFrame({"a": [1]}))) == (
        '["A figure","A table of 1 rows and 1 columns as CSV; columns: a (int64)\\na\\n1\\n"]'
    )
    assert text_of(n * n for n in range(3)) == "[0,1,4]"
    assert len(text_of(itertools.count())) < MOST_CHARACTERS + 100
    assert text_of("name\udcff.txt") == "name?.txt"
    assert text_of(None) == "null"
    assert text_of({"a": b"x" * 10_000_000}).startswith('{"a":"xx')


def asks(*calls: tuple[str, Any], text: str | None = None) -> dict[str, Any]:
    """The JSON of an answer that calls tools."""
    body = completion()
    body["choices"][0]["message"] = {
        "role": "assistant",
        "content": text,
        "tool_calls": [
            {
                "id": f"call_{index}",
                "type": "function",
                "function": {
                    "name": name,
                    "arguments": given if isinstance(given, str) else json.dumps(given),
                },
            }
            for index, (name, given) in enumerate(calls)
        ],
    }
    body["choices"][0]["finish_reason"] = "tool_calls"
    return body


Came = tuple[ToolRun, list[dict[str, Any]]]
Run = Callable[..., Came]


def pieces(body: dict[str, Any]) -> str:
    """An answer as a stream: its text in two pieces, each call in two."""
    message = body["choices"][0]["message"]
    text = message.get("content") or ""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": text[:3]}]
    deltas.append({"content": text[3:]})
    for index, call in enumerate(message.get("tool_calls") or ()):
        name, given = call["function"]["name"], call["function"]["arguments"]
        first = {"name": name, "arguments": given[:2]}
        deltas.append({"tool_calls": [{**call, "index": index, "function": first}]})
        deltas.append({"tool_calls": [{"index": index, "function": {"arguments": given[2:]}}]})
    base = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    chunks = [{**base, "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    last = {"index": 0, "delta": {}, "finish_reason": body["choices"][0]["finish_reason"]}
    chunks.append({**base, "choices": [last]})
    return "".join(f"data: {json.dumps(each)}\n\n" for each in chunks) + "data: [DONE]\n\n"


class Server:
    """Answers with these bodies in turn, the last one again and again, streamed where asked to."""

    def __init__(self, *bodies: dict[str, Any] | httpx.Response) -> None:
        self.left = list(bodies)
        self.sent: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        self.sent.append(asked)
        body = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        if isinstance(body, httpx.Response):
            return body
        if asked.get("stream"):
            headers = {"content-type": "text/event-stream"}
            return httpx.Response(200, headers=headers, text=pieces(body))
        return httpx.Response(200, json=body)

    def settings(self) -> dict[str, Any]:
        transport = httpx.MockTransport(self)
        return {"api_key": KEY, "where": "cloud", "transport": transport, "max_retries": 0}


def whole(server: Server, options: dict[str, Any]) -> ToolRun:
    return groqnb.run_tools(Groq(**server.settings()), **options)


def streamed(server: Server, options: dict[str, Any]) -> ToolRun:
    stream = groqnb.run_tools(Groq(**server.settings()), stream=True, **options)
    for _ in stream:
        pass
    return stream.run


def awaited(server: Server, options: dict[str, Any], *, stream: bool = False) -> ToolRun:
    async def main() -> ToolRun:
        async with AsyncGroq(**server.settings()) as client:
            if stream:
                return await groqnb.arun_tools(client, stream=True, **options)
            return await groqnb.arun_tools(client, **options)

    return asyncio.run(main())


def streamed_awaited(server: Server, options: dict[str, Any]) -> ToolRun:
    return awaited(server, options, stream=True)


WAYS = [pytest.param(way, id=way.__name__) for way in (whole, streamed, awaited, streamed_awaited)]


@pytest.fixture(params=WAYS)
def run(request: pytest.FixtureRequest) -> Run:
    """What comes of a server that answers with these bodies, and what was sent: in four ways."""

    def act(bodies: list[dict[str, Any]], tools: list[Any], **options: Any) -> Came:
        server = Server(*bodies)
        options = {"model": MODEL, "messages": "Hello", "tools": tools, **options}
        return request.param(server, options), server.sent

    return act


def test_the_loop_gives_results_to_the_model_until_it_answers(run: Run) -> None:
    """Calls are carried out, their results are sent in order, and the last answer is kept."""
    heard: list[str] = []
    came, sent = run(
        [
            asks(("weather", {"city": "Paris"}), ("weather", {"city": "Rome"}), text="Looking."),
            asks(("weather", {"city": "Oslo"})),
            completion("All warm."),
        ],
        [weather],
        temperature=0.5,
        on_step=lambda step: heard.append(step.arguments["city"]),
    )
    assert came.text == "All warm."
    assert (came.rounds, came.stopped, came.exhausted) == (3, False, False)
    assert [step.arguments["city"] for step in came.steps] == ["Paris", "Rome", "Oslo"]
    assert sorted(heard) == ["Oslo", "Paris", "Rome"]
    assert [body["temperature"] for body in sent] == [0.5] * 3
    assert all(body["tools"][0]["function"]["name"] == "weather" for body in sent)
    roles = [message["role"] for message in sent[2]["messages"]]
    assert roles == ["user", "assistant", "tool", "tool", "assistant", "tool"]
    results = [message for message in sent[1]["messages"] if message["role"] == "tool"]
    assert [json.loads(message["content"])["city"] for message in results] == ["Paris", "Rome"]
    assert [message["tool_call_id"] for message in results] == ["call_0", "call_1"]
    assert came.messages[-1] == {"role": "assistant", "content": "All warm."}
    frame = came.steps.to_frame()
    assert frame["round"].tolist() == [1, 1, 2]
    assert frame["error"].isna().all()


def test_calls_of_one_turn_run_side_by_side(run: Run) -> None:
    """Each waits for the other: one after the other they would never end."""
    meet = threading.Barrier(3, timeout=30)

    def left(n: int) -> str:
        meet.wait()
        return "left"

    async def right(n: int) -> str:
        await asyncio.to_thread(meet.wait)
        return "right"

    def middle() -> str:
        meet.wait()
        return "middle"

    came, _ = run(
        [asks(("left", {"n": 1}), ("right", {"n": 2}), ("middle", "")), completion("Done")],
        [left, right, middle],
    )
    assert [step.result for step in came.steps] == ["left", "right", "middle"]


def test_what_goes_wrong_in_a_tool_is_a_result_of_it(run: Run) -> None:
    """Errors, bad arguments, unknown names and odd exits are told, and the loop goes on."""

    def broken(n: int) -> int:
        raise ValueError(f"no {n}")

    def leaves() -> None:
        raise SystemExit(3)

    came, sent = run(
        [
            asks(
                ("broken", {"n": 7}),
                ("broken", {"n": "x"}),
                ("nowhere", {}),
                ("leaves", {}),
                ("broken", "{"),
            ),
            completion("Sorry."),
        ],
        [broken, leaves],
    )
    errors = [step.error for step in came.steps]
    assert errors[0] == "ValueError: no 7"
    assert "n: Input should be a valid integer" in str(errors[1])
    assert errors[2] == "There is no tool 'nowhere'; there are: broken, leaves."
    assert errors[3] == "SystemExit: 3"
    assert "not JSON" in str(errors[4])
    told = [m["content"] for m in sent[1]["messages"] if m["role"] == "tool"]
    assert [json.loads(text)["error"] for text in told] == errors
    assert came.text == "Sorry."


DEEP = "[" * 100_000 + "]" * 100_000
NINES = "9" * 10_000


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (DEEP, "recursion limit"),
        (f'{{"city": {DEEP}}}', "recursion limit"),
        (f'{{"city": {NINES}}}', "out of range"),
        ('{"city": "a"} and more', "trailing characters"),
        ('{"city": "a", "days": [1, "x", {}]}', "days[1]"),
        ('{"city": null}', "city"),
        ("null", "should be an object"),
        ("\x00", "not JSON"),
    ],
    ids=lambda text: text[:20],
)
def test_whatever_a_model_gives_as_arguments_is_a_result(run: Run, given: str, told: str) -> None:
    """Depth, size and shape do not matter: the model is told, and the loop goes on."""
    came, sent = run([asks(("weather", given)), completion("Sorry.")], [weather])
    assert told in str(came.steps[0].error)
    assert came.text == "Sorry."
    assert sent[1]["messages"][-1]["content"] == came.steps[0].result


def test_a_tool_whose_error_or_value_has_no_text_does_not_hang() -> None:
    """What cannot be printed is told by its kind."""

    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError("no text")

    def fails() -> None:
        raise Silent

    def gives() -> object:
        return Odd()

    server = Server(asks(("fails", {}), ("gives", {})), completion("Ok"))
    came = whole(server, {"model": MODEL, "messages": "Hello", "tools": [fails, gives]})
    assert [step.error for step in came.steps] == ["Silent", "RuntimeError: no text"]


def test_partials_and_objects_can_be_tools() -> None:
    """What has a signature and types, and is given a name."""

    class Shop:
        def __call__(self, article: str) -> float:
            return 24.5

    third = functools.partial(weather.function, unit=Unit.CELSIUS)
    made = [groqnb.tool(name="third")(third), groqnb.tool(name="shop")(Shop())]
    assert made[0]["function"]["parameters"]["required"] == ["city"]
    assert made[1].arguments('{"article": "bell"}') == {"article": "bell"}
    with pytest.raises(ParameterError, match="name"):
        groqnb.tool(Shop())


def test_a_tool_that_hangs_is_given_up(run: Run) -> None:
    """The others' results are kept, and the model hears of it."""
    forever = threading.Event()

    @groqnb.tool(timeout=0.3)
    def hangs() -> None:
        forever.wait(60)

    came, _ = run(
        [asks(("hangs", {}), ("weather", {"city": "Rome"})), completion("Ok")], [hangs, weather]
    )
    forever.set()
    assert "longer than 0.3 s" in str(came.steps[0].error)
    assert came.steps[1].error is None
    assert came.text == "Ok"


def test_an_endless_loop_is_ended_by_an_answer_without_tools(run: Run) -> None:
    """After the last round the model is asked once more, with tool_choice none."""
    came, sent = run([asks(("weather", {"city": "Rome"}), text="Again.")], [weather], rounds=3)
    assert came.exhausted
    assert len(sent) == 4
    assert [body.get("tool_choice") for body in sent] == [None, None, None, "none"]
    assert len(came.steps) == 3
    assert came.text == "Again."


def test_tool_choice_counts_for_the_first_turn(run: Run) -> None:
    """Otherwise a forced tool would be called for ever."""
    _, sent = run(
        [asks(("weather", {"city": "Rome"})), completion("Ok")], [weather], tool_choice="required"
    )
    assert [body.get("tool_choice") for body in sent] == ["required", None]


def test_a_model_without_parallel_calls_is_told_so(run: Run) -> None:
    """The catalogue knows which; to others goes what the caller says."""
    _, sent = run([completion()], [weather], model="openai/gpt-oss-20b")
    assert sent[0]["parallel_tool_calls"] is False
    _, sent = run([completion()], [weather])
    assert "parallel_tool_calls" not in sent[0]
    for said in (True, False):
        _, sent = run([completion()], [weather], parallel_tool_calls=said)
        assert sent[0]["parallel_tool_calls"] is said


def test_parallel_calls_of_a_model_that_makes_one_are_refused(run: Run) -> None:
    """Before anything is sent; the models that can are named."""
    with pytest.raises(ParameterError, match="one call at a time") as raised:
        run([completion()], [weather], model="openai/gpt-oss-120b", parallel_tool_calls=True)
    assert "llama-3.3-70b-versatile" in str(raised.value)
    assert "gpt-oss-20b" not in str(raised.value)


@pytest.mark.parametrize("allowed", [True, False])
def test_a_tool_with_effects_is_confirmed_before_it_runs(run: Run, allowed: bool) -> None:
    """A refusal is a result; the function has not run then."""
    ran: list[str] = []

    @groqnb.tool(effects=True)
    def delete(path: str) -> str:
        ran.append(path)
        return "deleted"

    asked: list[Any] = []

    def confirm(tool: Any, arguments: Any) -> bool:
        asked.append((tool.name, dict(arguments)))
        return allowed

    came, _ = run(
        [asks(("delete", {"path": "a.txt"})), completion("Ok")], [delete], confirm=confirm
    )
    assert asked == [("delete", {"path": "a.txt"})]
    assert ran == (["a.txt"] if allowed else [])
    assert (came.steps[0].error is None) is allowed


def test_without_anybody_to_ask_an_effect_is_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No terminal and no front end means no."""

    def nobody(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", nobody)

    @groqnb.tool(effects=True)
    def delete() -> str:
        raise AssertionError("it ran")

    came, _ = run([asks(("delete", {})), completion("Ok")], [delete])
    assert came.steps[0].error == "The user did not allow this call."


def test_an_interrupt_keeps_what_had_come() -> None:
    """Steps and messages so far are there, and it is marked as stopped."""

    def second(step: Any) -> None:
        raise KeyboardInterrupt

    server = Server(asks(("weather", {"city": "Rome"})))
    options = {"model": MODEL, "messages": "Hello", "tools": [weather], "on_step": second}
    came = whole(server, options)
    assert came.stopped
    assert len(server.sent) == 1
    assert [step.arguments for step in came.steps] == [{"city": "Rome"}]
    assert came.messages[-1]["role"] == "assistant"
    assert came.rounds == 1


def test_tools_of_others_end_the_loop_with_their_calls(run: Run) -> None:
    """A plain schema is nobody's function: the caller carries it out."""
    plain = {"type": "function", "function": {"name": "lookup", "parameters": {"type": "object"}}}
    came, sent = run([asks(("lookup", {"id": 1}))], [plain, weather])
    assert len(sent) == 1
    assert came.answer.tool_calls[0].function.name == "lookup"


def test_every_call_is_counted_by_the_ledger() -> None:
    """Each round is a call of the client's like any other."""
    events: list[Any] = []
    client = Groq(
        api_key=KEY,
        where="cloud",
        transport=answering(
            httpx.Response(200, json=asks(("weather", {"city": "Rome"}))),
            httpx.Response(200, json=completion("Ok")),
        ),
    )
    client.events.subscribe(events.append)
    groqnb.run_tools(client, model=MODEL, messages="Hi", tools=[weather])
    assert [type(event).__name__ for event in events].count("Finished") == 2
