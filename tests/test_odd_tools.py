"""Tools of odd functions: options in a call, hidden coroutines, types that are known late."""

from __future__ import annotations

import asyncio
import functools
import json
import math
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from both_worlds import KEY, MODEL, completion
from chat_server import ChatServer
from test_tools import Server, asks

import groqnb
from groqnb import AsyncGroq, Groq, ParameterError
from groqnb.tools.loop import ToolRun
from groqnb.tools.tool import ArgumentError

if TYPE_CHECKING:
    from nowhere import Weather  # type: ignore[import-not-found]


def double(number: int) -> int:
    return 2 * number


def settings(name: str, sent: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A server that asks for one call of a tool, and answers then."""

    def answers(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if sent is not None:
            sent.append(body)
        reply = completion("Ok")
        if body["messages"][-1]["role"] != "tool":
            call = {"name": name, "arguments": '{"number": 4}'}
            reply["choices"][0]["message"] = {
                "role": "assistant",
                "tool_calls": [{"id": "1", "type": "function", "function": call}],
            }
        return httpx.Response(200, json=reply)

    return {"api_key": KEY, "where": "cloud", "transport": httpx.MockTransport(answers)}


def sync(tool: Any) -> ToolRun:
    client = Groq(**settings(tool.__name__))
    return groqnb.run_tools(client, model=MODEL, messages="Hello", tools=[tool])


def awaited(tool: Any) -> ToolRun:
    async def main() -> ToolRun:
        async with AsyncGroq(**settings(tool.__name__)) as client:
            return await groqnb.arun_tools(client, model=MODEL, messages="Hello", tools=[tool])

    return asyncio.run(main())


def test_options_beside_the_function_hold() -> None:
    """Above all `effects`: without it nobody would be asked before it runs."""
    made = groqnb.tool(double, name="twice", effects=True, timeout=5)
    assert (made.name, made.effects, made.timeout) == ("twice", True, 5)
    assert groqnb.tool(made) is made


def test_options_for_what_is_a_tool_already_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"double is a tool already\. Give its options where"):
        groqnb.tool(groqnb.tool(double), effects=True)


def test_what_cannot_be_called_is_no_tool() -> None:
    with pytest.raises(ParameterError, match="A tool is a function, not str"):
        groqnb.tool("double")  # type: ignore[call-overload]


@pytest.mark.parametrize("timeout", [None, "5", 0, -1, math.nan, True])
def test_a_timeout_that_is_no_time_is_refused_at_once(timeout: Any) -> None:
    with pytest.raises(ParameterError, match=r"timeout is .*; it is a number of seconds above 0"):
        groqnb.tool(timeout=timeout)(double)


@pytest.mark.parametrize("way", [sync, awaited])
def test_a_tool_may_take_for_ever(way: Callable[[Any], ToolRun]) -> None:
    assert way(groqnb.tool(timeout=math.inf)(double)).steps[0].value == 8


def test_a_method_in_its_class_is_no_tool_yet() -> None:
    """The error says that the object's method is one."""

    class Shop:
        def order(self, number: int) -> int:
            return number

    with pytest.raises(ParameterError, match=r"groqnb\.tool\(thing\.order\)"):
        groqnb.tool(Shop.order)
    assert groqnb.tool(Shop().order)(3) == 3


def test_what_a_function_returns_need_not_be_known() -> None:
    """Its type may be imported for type checkers alone."""

    @groqnb.tool
    def forecast(days: int) -> Weather:
        return days

    class Station:
        def measure(self, days: int) -> Weather:
            return days

    assert forecast.arguments('{"days": 2}') == {"days": 2}
    assert groqnb.tool(Station().measure).arguments('{"days": 2}') == {"days": 2}


def test_the_type_of_a_parameter_must_be_known() -> None:
    def forecast(weather: Weather) -> None: ...

    with pytest.raises(ParameterError, match="'Weather' is not defined"):
        groqnb.tool(forecast)


def test_a_default_that_json_does_not_have_is_not_sent() -> None:
    """`Infinity` in a request is no JSON, and would be refused."""

    def cheapest(most: float = math.inf, least: float = math.nan, count: int = 3) -> None: ...

    parameters = groqnb.tool(cheapest)["function"]["parameters"]
    assert json.loads(json.dumps(parameters, allow_nan=False))["properties"] == {
        "most": {"type": "number"},
        "least": {"type": "number"},
        "count": {"type": "integer", "default": 3},
    }


@pytest.mark.parametrize("way", [sync, awaited])
def test_an_async_function_behind_a_plain_decorator_is_awaited(
    way: Callable[[Any], ToolRun],
) -> None:
    async def halve(number: int) -> float:
        await asyncio.sleep(0)
        return number / 2

    @functools.wraps(halve)
    def logged(*args: Any, **kwargs: Any) -> Any:
        return halve(*args, **kwargs)

    step = way(logged).steps[0]
    assert (step.result, step.value) == ("2.0", 2)


@pytest.mark.parametrize("way", [sync, awaited])
def test_the_items_of_an_async_generator_are_its_result(way: Callable[[Any], ToolRun]) -> None:
    async def count(number: int) -> AsyncIterator[int]:
        while True:
            number += 1
            yield number

    step = way(count).steps[0]
    assert step.result.startswith("[5,6,7,")
    assert len(step.value) == 10_000


def test_the_items_of_an_iterable_are_checked_before_the_call() -> None:
    """So are they shown to whoever confirms the call."""

    def add(numbers: Iterable[int]) -> int:
        return sum(numbers)

    made = groqnb.tool(add)
    assert made.arguments('{"numbers": ["1", 2]}') == {"numbers": [1, 2]}
    with pytest.raises(ArgumentError, match="valid integer"):
        made.arguments('{"numbers": ["one"]}')


def test_a_message_of_a_reply_goes_on_with_tools() -> None:
    """As in `create`, which takes it as it is."""
    sent: list[dict[str, Any]] = []
    client = Groq(**settings("double", sent))
    first = client.chat.completions.create(model=MODEL, messages=[{"role": "tool", "content": ""}])
    messages = [{"role": "user", "content": "Hi"}, first.choices[0].message]
    groqnb.run_tools(client, model=MODEL, messages=messages, tools=[double])
    assert [message["role"] for message in sent[-1]["messages"]][:2] == ["user", "assistant"]


@pytest.mark.parametrize("messages", [None, 5, {"role": "user", "content": "Hi"}, ["Hi"]], ids=str)
def test_messages_that_are_none_are_refused(messages: Any) -> None:
    """With what to write, by the loop as by a single call."""
    client = Groq(**settings("double"))
    with pytest.raises(ParameterError, match=r"not a (list|dict)\. Write \[\{'role'"):
        groqnb.run_tools(client, model=MODEL, messages=messages, tools=[double])
    with pytest.raises(ParameterError, match=r"not a (list|dict)\. Write \[\{'role'"):
        client.chat.completions.create(model=MODEL, messages=messages)


def test_answers_with_tools_tell_the_server_that_gave_them() -> None:
    """As those of the magics do, below the answer."""
    url = "http://127.0.0.1:8000/v1"
    client = Groq(**{**settings("double"), "where": url})
    run = groqnb.run_tools(client, model=MODEL, messages="Hello", tools=[double])
    assert [(answer.where, answer.url) for answer in run.answers] == [("url", url)] * 2


SLOWLY: dict[str, Any] = {"model": MODEL, "messages": "count 100000 every 0.01", "stream": True}


def test_another_thread_can_end_a_stream_that_is_read() -> None:
    """The reader comes to its end, what had come is kept, and the server sees it."""
    begun = threading.Event()
    with ChatServer() as server, Groq(base_url=server.url, api_key=KEY) as client:
        stream = groqnb.run_tools(client, tools=[double], **SLOWLY)

        def read() -> None:
            for _ in stream:
                begun.set()

        reader = threading.Thread(target=read)
        reader.start()
        assert begun.wait(60)
        while reader.is_alive():
            stream.close()
            reader.join(0.05)
        assert server.hung_up.wait(60)
    assert stream.run.stopped
    assert stream.run.text.startswith("w0 ")


def test_another_task_can_end_a_stream_that_is_read() -> None:
    """As another thread can without `await`."""

    async def main() -> ToolRun:
        with ChatServer() as server:
            async with AsyncGroq(base_url=server.url, api_key=KEY) as client:
                stream = groqnb.arun_tools(client, tools=[double], **SLOWLY)
                begun = asyncio.Event()

                async def read() -> None:
                    async for _ in stream:
                        begun.set()

                reader = asyncio.create_task(read())
                await begun.wait()
                await stream.close()
                await asyncio.wait_for(reader, 60)
                return stream.run

    run = asyncio.run(main())
    assert run.stopped
    assert run.text.startswith("w0 ")


def test_a_stream_that_is_ended_while_a_tool_runs_asks_no_more() -> None:
    """The tool comes to its end, its result is kept, and the model hears nothing of it."""
    running, goes_on = threading.Event(), threading.Event()

    def slow(number: int) -> int:
        running.set()
        goes_on.wait(60)
        return number

    server = Server(asks(("slow", {"number": 4})), completion("Ok"))
    client = Groq(**server.settings())
    stream = groqnb.run_tools(client, model=MODEL, messages="Hi", tools=[slow], stream=True)
    reader = threading.Thread(target=list, args=(stream,))
    reader.start()
    assert running.wait(60)
    stream.close()
    goes_on.set()
    reader.join(60)
    assert not reader.is_alive()
    assert [step.value for step in stream.run.steps] == [4]
    assert (stream.run.stopped, len(server.sent)) == (True, 1)
