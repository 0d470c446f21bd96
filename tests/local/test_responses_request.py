"""Responses requests made at random: each is accepted or refused, and no reply is not JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groqnb.local.chat_events import Done, ReasoningDelta, TextDelta, ToolCallDelta
from groqnb.local.refusal import Refusal
from groqnb.local.responses_events import Progress
from groqnb.local.responses_input import read_input
from groqnb.local.responses_request import in_own_words, read_response_request

LOCAL = "local-model"
WORDS = st.sampled_from(
    ["message", "function", "function_call", "function_call_output", "reasoning", "text", "user",
     "assistant", "input_text", "output_text", "json_schema", "json_object", "auto", "f", "low",
     "flex", "name", "messages[9]", "\ud800", ""]
)  # fmt: skip
NAMES = st.sampled_from(
    ["type", "role", "content", "text", "call_id", "output", "name", "arguments", "format", "id",
     "schema", "effort", "summary", "function", "parameters", "status", "strict"]
)  # fmt: skip
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | WORDS
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["input", "instructions", "max_output_tokens", "metadata", "model", "parallel_tool_calls",
     "reasoning", "service_tier", "store", "stream", "temperature", "text", "tool_choice", "tools",
     "top_p", "truncation", "user", "include", "odd"]
)  # fmt: skip
BODIES = st.builds(
    lambda base, more: {**base, **more},
    st.sampled_from([{}, {"model": LOCAL}, {"model": LOCAL, "input": "x"}]),
    st.dictionaries(FIELDS, VALUES, max_size=4),
)
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


@settings(max_examples=600, deadline=None)
@given(body=BODIES)
def test_any_object_is_accepted_or_refused_by_a_documented_status(body: dict[str, Any]) -> None:
    """What is accepted can be written into the reply."""
    refused: Refusal | None = None
    try:
        request = read_response_request(body, LOCAL)
    except Refusal as refusal:
        refused = refusal
    if refused is not None:
        assert refused.status in (400, 404, 413, 501)
        assert refused.message
        return
    json.dumps(request.echo, ensure_ascii=False, allow_nan=False).encode()
    assert len(request.origins) >= 1


@pytest.mark.parametrize("word", ["messages[0]", "messages[99]", f"messages[{'9' * 20}"])
def test_a_value_that_looks_like_a_place_is_refused_like_any_other(word: str) -> None:
    """A refusal quotes it; it is not taken for the name of an item."""
    body = {"model": LOCAL, "input": "Hi", "text": {"format": {"type": word}}}
    with pytest.raises(Refusal) as caught:
        read_response_request(body, LOCAL)
    assert (caught.value.status, caught.value.param) == (400, "text.format.type")


def test_items_become_messages_and_refusals_name_the_items() -> None:
    """Calls in a row are one message, so later messages have other numbers than their items."""
    body = {
        "model": LOCAL,
        "instructions": "Be brief.",
        "input": [
            {"role": "user", "content": "Weather in Oslo and Rome?"},
            {"role": "assistant", "content": [{"type": "output_text", "text": "Let me look."}]},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "7"},
        ],
    }
    talk = read_input(body)
    assert [message["role"] for message in talk.messages] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]
    assert talk.messages[2]["content"] == [{"type": "text", "text": "Let me look."}]
    assert [call["id"] for call in talk.messages[2]["tool_calls"]] == ["c1", "c2"]
    assert talk.messages[3]["tool_call_id"] == "c1"
    assert talk.origins == ["instructions", "input[0]", "input[1]", "input[4]"]
    told = in_own_words(
        Refusal(400, "`messages[3].content` and `response_format` are wrong.", param="messages[3]"),
        talk.origins,
    )
    assert told.message == "`input[4].content` and `text.format` are wrong."
    assert told.param == "input[4]"


def test_reasoning_goes_with_what_the_assistant_says_next() -> None:
    part = {"type": "reasoning_text", "text": "Hm."}
    talk = read_input(
        {
            "input": [
                {"type": "reasoning", "id": "rs_1", "summary": [], "content": [part]},
                {"role": "assistant", "content": "Hello"},
            ]
        }
    )
    assert talk.messages == [{"role": "assistant", "content": "Hello", "reasoning": "Hm."}]


def names(progress: Progress, *events: Any) -> tuple[list[str], dict[str, Any]]:
    """The names of all events, and the response of the last one."""
    made = [*progress.begin()]
    for event in events:
        made.extend(progress.take(event))
    assert [event["sequence_number"] for event in made] == list(range(len(made)))
    return [event["type"].removeprefix("response.") for event in made], made[-1]["response"]


def test_reasoning_text_and_calls_become_items_in_the_order_they_came() -> None:
    told, response = names(
        Progress({"id": "resp_1"}),
        ReasoningDelta("Hm"),
        ReasoningDelta("."),
        TextDelta("Hello"),
        ToolCallDelta(0, "call_a", "f", ""),
        ToolCallDelta(0, arguments='{"x":'),
        ToolCallDelta(0, arguments="1}"),
        ToolCallDelta(1, "call_b", "g", "{}"),
        Done("tool_calls", {**USAGE, "completion_tokens_details": {"reasoning_tokens": 1}}),
    )
    call = ["output_item.added", "function_call_arguments.delta"]
    done = ["function_call_arguments.done", "output_item.done"]
    part = ["output_item.added", "content_part.added"]
    assert told == [
        *("created", "in_progress"),
        *(*part, "reasoning_text.delta", "reasoning_text.delta"),
        *("reasoning_text.done", "content_part.done", "output_item.done"),
        *(*part, "output_text.delta"),
        *("output_text.done", "content_part.done", "output_item.done"),
        *(*call, "function_call_arguments.delta", *done),
        *(*call, *done),
        "completed",
    ]
    reasoning, message, first, second = response["output"]
    assert reasoning["summary"] == []
    assert reasoning["content"] == [{"type": "reasoning_text", "text": "Hm."}]
    assert message["content"][0]["text"] == "Hello"
    assert (first["call_id"], first["name"], first["arguments"]) == ("call_a", "f", '{"x":1}')
    assert (second["call_id"], second["status"]) == ("call_b", "completed")
    assert response["usage"]["output_tokens_details"]["reasoning_tokens"] == 1


@pytest.mark.parametrize(
    ("events", "kinds", "status"),
    [
        ([Done("stop", USAGE)], ["message"], "completed"),
        ([ReasoningDelta("Hm"), Done("stop", USAGE)], ["reasoning", "message"], "completed"),
        ([ReasoningDelta("Hm"), Done("length", USAGE)], ["reasoning"], "incomplete"),
        ([TextDelta("He"), Done("length", USAGE)], ["message"], "incomplete"),
        (
            [ToolCallDelta(0, "c", "f", "{}"), Done("tool_calls", USAGE)],
            ["function_call"],
            "completed",
        ),
    ],
)
def test_a_completed_response_always_answers(
    events: list[Any], kinds: list[str], status: str
) -> None:
    """With a call or a message, be it an empty one; one that was cut off has what came."""
    _, response = names(Progress({"id": "resp_1"}), *events)
    assert [item["type"] for item in response["output"]] == kinds
    assert response["status"] == status
    assert (response["incomplete_details"] is None) == (status == "completed")


def test_an_answer_that_cannot_be_finished_ends_with_a_failed_response() -> None:
    progress = Progress({"id": "resp_1"})
    list(progress.begin())
    list(progress.take(TextDelta("He")))
    event = progress.fail(Refusal(500, "It broke."))
    assert event["type"] == "response.failed"
    assert event["response"]["status"] == "failed"
    assert event["response"]["error"] == {"code": "server_error", "message": "It broke."}
    assert event["response"]["output"][0]["status"] == "incomplete"
