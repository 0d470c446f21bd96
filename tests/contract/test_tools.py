"""Tool calls: when they come, what their arguments are, and how they stream."""

from __future__ import annotations

import json
from typing import Any

import groq
import httpx
import jsonschema
import openai
import pytest

MODEL = "llama-3.3-70b-versatile"
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
    "required": ["city", "unit"],
}
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather for a city",
        "parameters": PARAMETERS,
    },
}
TIME: Any = {
    "type": "function",
    "function": {
        "name": "get_time",
        "description": "Get the current time in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
QUESTION: Any = [{"role": "user", "content": "What is the weather in Paris in celsius?"}]
NAMED: Any = {"type": "function", "function": {"name": "get_time"}}


def ask(http: httpx.Client, **body: Any) -> httpx.Response:
    wanted = {"model": MODEL, "messages": QUESTION, "tools": [WEATHER, TIME], "temperature": 0}
    return http.post("/chat/completions", json={**wanted, "max_completion_tokens": 120, **body})


def calls(reply: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    assert reply.status_code == 200, reply.text
    choice = reply.json()["choices"][0]
    made = choice["message"].get("tool_calls") or []
    assert (choice["finish_reason"] == "tool_calls") is bool(made)
    for call in made:
        assert call["id"].startswith("call_")
        assert call["type"] == "function"
    return [(c["function"]["name"], json.loads(c["function"]["arguments"])) for c in made]


def test_a_question_for_a_tool_gets_a_call_with_valid_arguments(http: httpx.Client) -> None:
    """Left to itself (`auto`) the engine calls the function that the question is about."""
    ((name, arguments),) = calls(ask(http))
    assert name == "get_weather"
    jsonschema.validate(arguments, PARAMETERS)


def test_small_talk_gets_words(http: httpx.Client) -> None:
    """`auto` does not call a function where none is asked for."""
    hello = [{"role": "user", "content": "Tell me a joke, please."}]
    assert calls(ask(http, messages=hello, max_completion_tokens=10)) == []


def test_none_calls_nothing_and_required_calls_something(http: httpx.Client) -> None:
    """Whatever the question."""
    assert calls(ask(http, tool_choice="none", max_completion_tokens=10)) == []
    hello = [{"role": "user", "content": "Hello."}]
    forced = ask(http, messages=hello, tool_choice="required", parallel_tool_calls=False)
    assert len(calls(forced)) == 1


def test_a_named_function_is_the_one_called(http: httpx.Client) -> None:
    """Though the question is about another."""
    assert calls(ask(http, tool_choice=NAMED))[0][0] == "get_time"


def test_one_call_at_a_time_when_parallel_calls_are_off(http: httpx.Client) -> None:
    """`parallel_tool_calls: false` bounds the calls to one."""
    both = [{"role": "user", "content": "The weather in Paris and in Rome, in celsius?"}]
    assert len(calls(ask(http, messages=both, parallel_tool_calls=False))) == 1


def test_a_result_leads_to_an_answer_in_words(http: httpx.Client) -> None:
    """The call and its result go back as messages."""
    first = ask(http).json()["choices"][0]["message"]
    result = {
        "role": "tool",
        "tool_call_id": first["tool_calls"][0]["id"],
        "content": '{"temperature": 19}',
    }
    reply = ask(http, messages=[*QUESTION, first, result], max_completion_tokens=40)
    assert calls(reply) == []
    assert reply.json()["choices"][0]["message"]["content"].strip()


def test_groq_package_streams_a_call_in_pieces(groq_client: groq.Groq) -> None:
    """Name and id come first, the arguments piece by piece, the reason at the end."""
    stream = groq_client.chat.completions.create(
        model=MODEL, messages=QUESTION, tools=[WEATHER], tool_choice="required", stream=True
    )
    pieces, reasons, names = "", [], []
    for chunk in stream:
        for call in chunk.choices[0].delta.tool_calls or []:
            assert call.index == 0
            if call.function and call.function.name:
                names.append(call.function.name)
            pieces += (call.function and call.function.arguments) or ""
        reasons.append(chunk.choices[0].finish_reason)
    assert names == ["get_weather"]
    jsonschema.validate(json.loads(pieces), PARAMETERS)
    assert reasons[-1] == "tool_calls"


def test_openai_package_reads_the_same_call(openai_client: openai.OpenAI) -> None:
    reply = openai_client.chat.completions.create(
        model=MODEL, messages=QUESTION, tools=[WEATHER], tool_choice="required"
    )
    (call,) = reply.choices[0].message.tool_calls or []
    assert call.type == "function"
    jsonschema.validate(json.loads(call.function.arguments), PARAMETERS)


def test_the_older_functions_are_called_too(http: httpx.Client) -> None:
    """`functions` and `function_call`, deprecated and documented."""
    body = {"tools": None, "functions": [WEATHER["function"]]}
    reply = ask(http, **body, function_call={"name": "get_weather"})
    choice = reply.json()["choices"][0]
    assert choice["finish_reason"] == "function_call"
    jsonschema.validate(json.loads(choice["message"]["function_call"]["arguments"]), PARAMETERS)


@pytest.mark.parametrize(
    "changes",
    [
        {"tool_choice": {"type": "function", "function": {"name": "nobody"}}},
        {"tools": [], "tool_choice": "required"},
        {"tools": [WEATHER] * 129},
        {"tools": [{"type": "function", "function": {"name": "two words"}}]},
        {"tools": [{"type": "teapot"}]},
        {"model": "groq/compound"},
    ],
)
def test_what_makes_no_sense_is_a_400(http: httpx.Client, changes: dict[str, Any]) -> None:
    """Unknown names, too many tools, bad names, unknown kinds, custom tools of systems."""
    reply = ask(http, **changes)
    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "invalid_request_error"
