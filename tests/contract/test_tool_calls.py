"""Tool calls beyond the plain case: several at once, histories, cuts, schemas, other modes."""

from __future__ import annotations

import json
from typing import Any

import httpx
import openai
import pytest
from jsonschema import Draft202012Validator

from tests.contract.documented_schemas import closed
from tests.contract.test_tools import MODEL, NAMED, QUESTION, TIME, WEATHER, ask, calls

TWO_CITIES: Any = [
    {"role": "user", "content": "Get the current weather for Paris, and the time in Oslo?"}
]


def tool(parameters: Any, **more: Any) -> dict[str, Any]:
    function = {"name": "f", "description": "Do it", "parameters": parameters, **more}
    return {"type": "function", "function": function}


def chunks(reply: httpx.Response) -> list[dict[str, Any]]:
    assert reply.status_code == 200, reply.text
    return [json.loads(line[6:]) for line in reply.text.split("\n\n") if line[6:7] == "{"]


def test_several_calls_come_at_once_where_the_model_may(http: httpx.Client) -> None:
    """Parallel calls, streamed: an index for each, names and ids once, arguments whole."""
    found: dict[int, dict[str, Any]] = {}
    for chunk in chunks(ask(http, messages=TWO_CITIES, stream=True, max_completion_tokens=250)):
        for call in chunk["choices"][0]["delta"].get("tool_calls", []):
            if "id" in call:
                assert call["index"] not in found
                found[call["index"]] = {"name": call["function"]["name"], "text": ""}
            found[call["index"]]["text"] += call["function"]["arguments"]
    assert list(found) == list(range(len(found)))
    assert {"get_weather", "get_time"} <= {call["name"] for call in found.values()}
    assert all(isinstance(json.loads(call["text"]), dict) for call in found.values())


def test_models_without_parallel_calls_make_one(http: httpx.Client) -> None:
    """gpt-oss has tools, and no parallel ones."""
    reply = ask(http, messages=TWO_CITIES, model="openai/gpt-oss-20b", reasoning_effort="low")
    assert len(calls(reply)) == 1
    assert reply.json()["choices"][0]["message"]["reasoning"].strip()


@pytest.mark.parametrize(
    "parameters",
    [
        None,
        {},
        {"type": "object", "properties": {}},
        {"properties": {"a": {"type": "boolean"}}},
        closed(
            kind={"enum": ["a", "b"]}, at={"type": "object", "properties": {"x": {"type": "null"}}}
        ),
        {**closed(n={"$ref": "#/$defs/n"}), "$defs": {"n": {"type": "integer", "maximum": 9}}},
        {"type": "object", "additionalProperties": {"type": "boolean"}},
    ],
)
def test_arguments_follow_the_parameters_whatever_they_are(
    http: httpx.Client, parameters: Any
) -> None:
    """None at all, nested, with references, a map."""
    several = [{"role": "user", "content": "Do it for this, and that."}]
    for messages in (QUESTION, several):
        reply = ask(http, messages=messages, tools=[tool(parameters)], tool_choice="required")
        for _, arguments in calls(reply):
            Draft202012Validator(parameters or {}).validate(arguments)


@pytest.mark.parametrize(
    ("bad", "param"),
    [
        (tool({"type": "object", "properties": {"a": {"not": {}}}}), "properties.a.not"),
        (tool({"type": "array"}), "type"),
        (tool({"type": "object", "properties": {"a": {}}}, strict=True), "additionalProperties"),
    ],
)
def test_parameters_that_cannot_be_kept_are_refused_by_their_place(
    http: httpx.Client, bad: Any, param: str
) -> None:
    """As in structured outputs; `strict` on a function means the same rules."""
    reply = ask(http, tools=[TIME, bad])
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == f"tools[1].function.parameters.{param}"


def test_a_call_that_is_cut_off_is_an_error(http: httpx.Client) -> None:
    """No half arguments, in a stream neither."""
    body: dict[str, Any] = {"tool_choice": NAMED, "max_completion_tokens": 2}
    reply = ask(http, **body)
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert error["code"] == "tool_use_failed"
    assert json.loads(error["failed_generation"])["name"] == "get_time"
    last = chunks(ask(http, **body, stream=True))[-1]
    assert last["error"]["code"] == "tool_use_failed"


def test_the_history_may_hold_calls_of_functions_that_are_gone(http: httpx.Client) -> None:
    """Several calls and results, an unknown id, the older form, no tools in the request."""
    call = {"id": "call_1", "type": "function", "function": {"name": "gone", "arguments": "{}"}}
    history = [
        *QUESTION,
        {"role": "assistant", "content": None, "tool_calls": [call, {**call, "id": "call_2"}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "19"},
        {"role": "tool", "tool_call_id": "call_9", "content": [{"type": "text", "text": "20"}]},
        {"role": "assistant", "function_call": {"name": "gone", "arguments": "not JSON"}},
        {"role": "function", "name": "gone", "content": None},
    ]
    for tools in (None, [WEATHER]):
        reply = ask(
            http, messages=history, tools=tools, tool_choice="none", max_completion_tokens=5
        )
        assert reply.status_code == 200, reply.text


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "assistant", "tool_calls": [3]}, "tool_calls[0]"),
        ({"role": "assistant", "tool_calls": [{"id": "a"}]}, "tool_calls[0].function"),
        (
            {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f"}}]},
            "tool_calls[0].function.arguments",
        ),
        ({"role": "assistant", "tool_calls": [{"function": {}}]}, "tool_calls[0].id"),
        ({"role": "tool", "content": "19"}, "tool_call_id"),
        ({"role": "assistant", "function_call": {}}, "content"),
    ],
)
def test_a_malformed_call_in_the_history_is_a_400(
    http: httpx.Client, message: Any, param: str
) -> None:
    """The field at fault is named."""
    reply = ask(http, messages=[*QUESTION, message])
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == f"messages[1].{param}"


def test_without_validation_no_specific_function_can_be_required(http: httpx.Client) -> None:
    """`disable_tool_validation`; `required` still holds."""
    assert ask(http, disable_tool_validation=True, tool_choice=NAMED).status_code == 400
    assert calls(ask(http, disable_tool_validation=True, tool_choice="required"))


def test_json_mode_and_tools_go_together(http: httpx.Client) -> None:
    """A call where one is asked for, an object where none is; or an error, if it has no end."""
    form = {"type": "json_object"}
    assert calls(ask(http, response_format=form))
    talk = [{"role": "user", "content": "Tell me a joke as JSON."}]
    reply = ask(http, messages=talk, response_format=form, max_completion_tokens=60)
    if reply.status_code == 400:
        assert reply.json()["error"]["code"] == "json_validate_failed"
    else:
        assert isinstance(json.loads(reply.json()["choices"][0]["message"]["content"]), dict)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"tools": [{"type": "browser_search"}]}, 400),
        ({"tools": [{"type": "mcp"}]}, 400),
        ({"tools": [{"type": "mcp", "server_url": "https://a.example"}]}, 501),
        ({"tools": [TIME, TIME]}, 400),
        ({"functions": [TIME["function"]]}, 400),
        ({"model": "meta-llama/llama-guard-4-12b"}, 400),
    ],
)
def test_tools_that_are_not_here_are_told_from_wrong_ones(
    http: httpx.Client, changes: dict[str, Any], status: int
) -> None:
    """501 for what is documented and missing, 400 for what is wrong."""
    assert ask(http, **changes).status_code == status


def test_openai_streams_calls_through_its_own_helper(openai_client: openai.OpenAI) -> None:
    """The package puts the pieces together and parses the arguments."""
    with openai_client.chat.completions.stream(
        model=MODEL, messages=QUESTION, tools=[WEATHER], tool_choice="required"
    ) as stream:
        kinds = {event.type for event in stream}
        message = stream.get_final_completion().choices[0].message
    assert "tool_calls.function.arguments.delta" in kinds
    assert message.tool_calls
    assert isinstance(json.loads(message.tool_calls[0].function.arguments), dict)
