"""Several calls in one answer, streamed and answered: by our loop, and by the official packages."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import groq
import openai
import pytest

import groqnb
from groqnb import AsyncGroq, Groq
from groqnb.tools.turns import ToolRun
from tests.contract.test_tool_calls import TWO_CITIES
from tests.contract.test_tools import MODEL, TIME, WEATHER

RESULTS = {"get_weather": '{"celsius": 21}', "get_time": '"12:30"'}
BODY: dict[str, Any] = {"model": MODEL, "tools": [WEATHER, TIME]}


def put_together(found: dict[int, dict[str, Any]], chunk: Any) -> None:
    """As a program that uses the packages does it: by index, piece by piece."""
    for piece in (chunk.choices[0].delta.tool_calls or ()) if chunk.choices else ():
        call = found.setdefault(
            piece.index, {"type": "function", "function": {"name": "", "arguments": ""}}
        )
        call["id"] = piece.id or call["id"]
        call["function"]["name"] += piece.function.name or ""
        call["function"]["arguments"] += piece.function.arguments or ""


def with_results(found: dict[int, dict[str, Any]]) -> list[Any]:
    """The conversation with what the functions gave; every call has an id of its own."""
    calls = [call for _, call in sorted(found.items())]
    assert len({call["id"] for call in calls}) == len(calls) >= 2
    assert set(RESULTS) <= {call["function"]["name"] for call in calls}
    for call in calls:
        assert isinstance(json.loads(call["function"]["arguments"]), dict)
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": RESULTS[call["function"]["name"]]}
        for call in calls
    ]
    return [*TWO_CITIES, {"role": "assistant", "content": "", "tool_calls": calls}, *results]


@pytest.mark.parametrize("package", ["groq", "openai"])
def test_the_packages_stream_several_calls_and_get_an_answer(
    groq_client: groq.Groq, openai_client: openai.OpenAI, package: str
) -> None:
    """Both halves of the round trip are streamed."""
    client: Any = groq_client if package == "groq" else openai_client
    found: dict[int, dict[str, Any]] = {}
    stream = client.chat.completions.create(
        **BODY, messages=TWO_CITIES, stream=True, max_completion_tokens=250
    )
    for chunk in stream:
        put_together(found, chunk)
    answered = client.chat.completions.create(
        **BODY,
        messages=with_results(found),
        tool_choice="none",
        stream=True,
        max_completion_tokens=20,
    )
    pieces = [chunk.choices[0].delta.content or "" for chunk in answered if chunk.choices]
    assert "".join(pieces).strip()


def test_the_packages_await_several_runs_at_once(engine: Any) -> None:
    """Two conversations with parallel calls, side by side on one event loop."""

    async def ask(client: Any) -> list[Any]:
        found: dict[int, dict[str, Any]] = {}
        stream = await client.chat.completions.create(
            **BODY, messages=TWO_CITIES, stream=True, max_completion_tokens=250
        )
        async for chunk in stream:
            put_together(found, chunk)
        return with_results(found)

    async def main() -> None:
        root = engine.base_url.removesuffix("/openai/v1")
        async with (
            groq.AsyncGroq(base_url=root, api_key=engine.api_key, timeout=240) as one,
            openai.AsyncOpenAI(base_url=engine.base_url, api_key=engine.api_key) as other,
        ):
            came = await asyncio.gather(ask(one), ask(other))
            assert all(len(each) >= 4 for each in came)

    asyncio.run(main())


def get_weather(city: str) -> dict[str, int]:
    """Get the current weather for a city."""
    return {"celsius": 21}


async def get_time(city: str) -> str:
    """Get the current time in a city."""
    return "12:30"


OPTIONS: dict[str, Any] = {
    "model": MODEL,
    "messages": TWO_CITIES,
    "tools": [get_weather, get_time],
    "tool_choice": "required",
    "rounds": 1,
    "max_completion_tokens": 100,
    "temperature": 0,
}


def check(run: ToolRun, kinds: list[str]) -> None:
    assert run.rounds == 2
    assert run.exhausted
    assert run.steps
    assert all(step.round == 1 for step in run.steps)
    assert kinds.count("call") == kinds.count("result") == len(run.steps)
    assert kinds.count("answer") == 2
    roles = [message["role"] for message in run.messages]
    assert roles[: 2 + len(run.steps)] == ["user", "assistant", *["tool"] * len(run.steps)]


def test_a_run_is_streamed_step_by_step(engine: Any) -> None:
    """Every event of a real run: calls, results, and the text of the answer in words."""
    client = Groq(base_url=engine.base_url, api_key=engine.api_key, timeout=240)
    stream = groqnb.run_tools(client, stream=True, **OPTIONS)
    events = list(stream)
    check(stream.run, [event.type for event in events])
    text = "".join(event.text for event in events if event.type == "text" and event.round == 2)
    assert text == stream.run.text


def test_a_run_is_awaited_step_by_step(engine: Any) -> None:
    """The same on an event loop, with an async tool."""

    async def main() -> None:
        async with AsyncGroq(
            base_url=engine.base_url, api_key=engine.api_key, timeout=240
        ) as client:
            stream = groqnb.arun_tools(client, stream=True, **OPTIONS)
            kinds = [event.type async for event in stream]
            check(stream.run, kinds)

    asyncio.run(main())
