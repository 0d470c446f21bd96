"""Responses: what is sent, and what comes back as items and as events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from both_worlds import World, answering, both

from groqnb import ParameterError, RateLimitError, StreamError
from groqnb.types.response_events import (
    ArgumentsDelta,
    OutputItemEvent,
    ReasoningDelta,
    ResponseEvent,
    StatusEvent,
    TextDelta,
)
from groqnb.types.responses import (
    OutputFunctionCall,
    OutputItem,
    OutputMessage,
    OutputReasoning,
    Response,
)
from groqnb.wire.events import Finished

STORY = (
    "When the stars blinked awake, Luna the unicorn curled her mane and whispered wishes to the "
    "sleeping pine trees. She galloped through a field of moonlit daisies under the starry sky, "
    "leaving a trail of magic in her wake."
)
# The example response of the documentation.
DOCUMENTED: dict[str, Any] = {
    "id": "resp_01k1x6w9ane6d8rfxm05cb45yk",
    "object": "response",
    "status": "completed",
    "created_at": 1754400695,
    "output": [
        {
            "type": "message",
            "id": "msg_01k1x6w9ane6eb0650crhawwy",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": STORY, "annotations": []}],
        }
    ],
    "previous_response_id": None,
    "model": "llama-3.3-70b-versatile",
    "reasoning": {"effort": None, "summary": None},
    "max_output_tokens": None,
    "instructions": None,
    "text": {"format": {"type": "text"}},
    "tools": [],
    "tool_choice": "auto",
    "truncation": "disabled",
    "metadata": {},
    "temperature": 1,
    "top_p": 1,
    "user": None,
    "service_tier": "default",
    "log_id": "log_01k1x6w9ane6d8rfxm05cb45yk",
    "error": None,
    "incomplete_details": None,
    "usage": {
        "input_tokens": 82,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 266,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 348,
    },
    "parallel_tool_calls": True,
    "store": False,
}
CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "weather",
    "arguments": '{"city": "Oslo"}',
    "status": "completed",
}
THOUGHT = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [],
    "content": [{"type": "reasoning_text", "text": "Let me see."}],
}
MODEL = "openai/gpt-oss-20b"
IMAGE = {"type": "input_image", "image_url": "https://example.com/a.png"}


def sse(events: Sequence[dict[str, Any]], *, names: bool = True) -> bytes:
    """A stream's bytes; each event carries its name twice, as OpenAI sends it."""
    lines = []
    for number, event in enumerate(events):
        head = f"event: {event['type']}\n" if names else ""
        lines.append(f"{head}data: {json.dumps({'sequence_number': number, **event})}\n\n")
    return "".join(lines).encode()


def state(name: str, **more: Any) -> dict[str, Any]:
    response = {**DOCUMENTED, "status": name, "output": [], "usage": None, **more}
    return {"type": f"response.{name}", "response": response}


def piece(name: str, delta: str) -> dict[str, Any]:
    place = {"item_id": "item_1", "output_index": 0, "content_index": 0}
    return {"type": f"response.{name}.delta", **place, "delta": delta}


BEGIN = [{**state("in_progress"), "type": "response.created"}, state("in_progress")]
END = state("completed", output=DOCUMENTED["output"], usage=DOCUMENTED["usage"])


def streaming(body: bytes, seen: list[httpx.Request] | None = None) -> httpx.MockTransport:
    headers = {"content-type": "text/event-stream", "x-request-id": "req_9"}
    return answering(httpx.Response(200, headers=headers, content=body), seen=seen)


def collect(world: World, client: Any, into: list[Any]) -> Any:
    """Streams a response into a list; returns the stream."""
    if world.name == "sync":
        stream = client.responses.create(model=MODEL, input="Hello", stream=True)
        into.extend(stream)
        return stream

    async def main() -> Any:
        stream = await client.responses.create(model=MODEL, input="Hello", stream=True)
        async for event in stream:
            into.append(event)
        return stream

    return asyncio.run(main())


@both
def test_the_documented_response_is_typed_and_kept_whole(world: World) -> None:
    seen: list[httpx.Request] = []
    reply = httpx.Response(200, json=DOCUMENTED, headers={"x-request-id": "req_1"})
    client = world.client(transport=answering(reply, seen=seen))
    response = world.run(client, lambda c: c.responses.create(model="gpt-oss", input="A story"))
    assert isinstance(response, Response)
    assert response.output_text == STORY
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (82, 266)
    assert (response.usage.prompt_tokens, response.usage.completion_tokens) == (82, 266)
    assert response.request_id == "req_1"
    assert response.log_id == DOCUMENTED["log_id"]
    assert response.model_dump(exclude_unset=True) == DOCUMENTED
    assert seen[0].url.path == "/openai/v1/responses"
    assert json.loads(seen[0].content) == {"model": "gpt-oss", "input": "A story"}


def test_the_documented_response_has_no_field_without_a_type() -> None:
    response = Response.model_validate(DOCUMENTED)
    assert response.model_extra == {}
    message = response.output[0]
    assert isinstance(message, OutputMessage)
    assert message.model_extra == {}
    assert message.content[0].model_extra == {}


def test_items_are_of_the_class_that_their_type_names_and_unknown_ones_survive() -> None:
    odd = {"type": "web_search_call", "id": "ws_1", "action": {"query": "groq"}}
    response = Response.model_validate({"id": "resp_1", "output": [THOUGHT, CALL, odd]})
    thought, call, other = response.output
    assert isinstance(thought, OutputReasoning)
    assert thought.text == "Let me see."
    assert isinstance(call, OutputFunctionCall)
    assert json.loads(call.arguments) == {"city": "Oslo"}
    assert type(other) is OutputItem
    assert other.action == {"query": "groq"}
    assert response.output_text == ""
    assert response.model_dump(exclude_unset=True)["output"] == [THOUGHT, CALL, odd]


def test_every_documented_parameter_is_sent_and_none_is_left_out() -> None:
    seen: list[httpx.Request] = []
    client = World("sync").client(
        transport=answering(httpx.Response(200, json=DOCUMENTED), seen=seen)
    )
    tool = {"type": "function", "name": "f", "parameters": {"type": "object"}}
    given: dict[str, Any] = {
        "instructions": "Be brief.",
        "max_output_tokens": 9,
        "metadata": {"a": "b"},
        "parallel_tool_calls": False,
        "reasoning": {"effort": "low"},
        "service_tier": "flex",
        "store": False,
        "temperature": 0.5,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "top_p": 0.9,
        "truncation": "disabled",
        "user": "u",
    }
    client.responses.create(
        model=MODEL, input="x", tools=iter([tool]), extra_body={"verbosity": "low"}, **given
    )
    client.responses.create(model=MODEL, input="x", stream=None, **dict.fromkeys(given))
    sent = json.loads(seen[0].content)
    assert sent == {"model": MODEL, "input": "x", "tools": [tool], "verbosity": "low", **given}
    assert json.loads(seen[1].content) == {"model": MODEL, "input": "x"}


def test_an_earlier_output_goes_back_in_the_form_that_the_api_takes() -> None:
    """Messages without their type, which the API refuses for the assistant; no reasoning."""
    seen: list[httpx.Request] = []
    client = World("sync").client(
        transport=answering(httpx.Response(200, json=DOCUMENTED), seen=seen)
    )
    earlier = Response.model_validate(
        {"id": "resp_1", "output": [THOUGHT, DOCUMENTED["output"][0], CALL]}
    )
    question = {"role": "user", "content": "And in Oslo?"}
    result = {"type": "function_call_output", "call_id": "call_1", "output": "7"}
    client.responses.create(model=MODEL, input=[question, *earlier.output, result])
    said = {"role": "assistant", "content": STORY}
    assert json.loads(seen[0].content)["input"] == [question, said, CALL, result]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"input": []}, "input is empty"),
        ({"input": {"role": "user"}}, "of the type dict"),
        ({"input": None}, "of the type NoneType"),
        ({"tools": {"type": "function"}}, "tools is of the type dict"),
        ({"input": [{"role": "user", "content": [IMAGE] * 6}]}, "6 images; .* at most 5"),
        ({"model": " "}, "The model is missing"),
        ({"temperature": 2.5}, "it goes from 0 to 2"),
        ({"top_p": -1}, "it goes from 0 to 1"),
        ({"max_output_tokens": 0}, "it is at least 1"),
        ({"store": True}, "cannot be stored"),
        ({"metadata": {str(number): "" for number in range(17)}}, "at most 16"),
        ({"tools": [{"type": "function", "name": "f"}] * 129}, "at most 128"),
        ({"max_tokens": 5}, "max_output_tokens"),
        ({"previous_response_id": "resp_1"}, "There is no parameter"),
    ],
)
def test_what_the_api_is_sure_to_refuse_is_not_sent(wrong: dict[str, Any], message: str) -> None:
    seen: list[httpx.Request] = []
    client = World("sync").client(transport=answering(httpx.Response(500), seen=seen))
    with pytest.raises(ParameterError, match=message):
        client.responses.create(**{"model": MODEL, "input": "x", **wrong})
    assert seen == []


@both
@pytest.mark.parametrize("names", [True, False], ids=["named", "unnamed"])
def test_a_stream_ends_with_its_last_event(world: World, names: bool) -> None:
    """There is no [DONE]: the finished response closes the stream, and tells the usage."""
    told: list[Any] = []
    seen: list[httpx.Request] = []
    made = [*BEGIN, piece("output_text", "Hel"), piece("output_text", "lo"), END]
    client = world.client(transport=streaming(sse(made, names=names), seen))
    client.events.subscribe(told.append)
    events: list[Any] = []
    stream = collect(world, client, events)
    assert [event.sequence_number for event in events] == [0, 1, 2, 3, 4]
    assert "".join(e.delta for e in events if isinstance(e, TextDelta)) == "Hello"
    assert isinstance(events[-1], StatusEvent)
    assert events[-1].response.output_text == STORY
    assert stream.request_id == "req_9"
    assert not stream.interrupted
    assert stream.ttft is not None
    finished = [event for event in told if isinstance(event, Finished)]
    assert [event.usage.prompt_tokens for event in finished] == [82]
    assert json.loads(seen[0].content)["stream"] is True


def test_what_follows_the_last_event_is_no_part_of_the_stream() -> None:
    body = sse([*BEGIN, END]) + b"data: [DONE]\n\n" + sse([piece("output_text", "more")])
    events: list[Any] = []
    collect(World("sync"), World("sync").client(transport=streaming(body)), events)
    assert [event.type for event in events] == [*(e["type"] for e in BEGIN), END["type"]]


def test_events_are_of_the_class_that_their_type_names_and_unknown_ones_survive() -> None:
    made = [
        *BEGIN,
        {"type": "response.output_item.added", "output_index": 0, "item": THOUGHT},
        piece("reasoning_text", "Hm"),
        piece("function_call_arguments", '{"ci'),
        {"type": "response.web_search_call.searching", "output_index": 1, "query": "groq"},
        END,
    ]
    events: list[Any] = []
    collect(World("sync"), World("sync").client(transport=streaming(sse(made))), events)
    assert [type(event) for event in events[2:6]] == [
        OutputItemEvent,
        ReasoningDelta,
        ArgumentsDelta,
        ResponseEvent,
    ]
    assert isinstance(events[2].item, OutputReasoning)
    assert events[5].query == "groq"


@both
def test_a_stream_that_breaks_off_says_so_and_keeps_what_came(world: World) -> None:
    client = world.client(transport=streaming(sse([*BEGIN, piece("output_text", "Hel")])))
    with pytest.raises(StreamError, match="before the answer was complete") as caught:
        collect(world, client, [])
    assert [event.type for event in caught.value.received][-1] == "response.output_text.delta"


@both
def test_a_response_that_fails_raises_with_the_servers_reason(world: World) -> None:
    failed = state("failed", error={"code": "server_error", "message": "The model is gone."})
    events: list[Any] = []
    with pytest.raises(StreamError, match=r"The model is gone\."):
        collect(world, world.client(transport=streaming(sse([*BEGIN, failed]))), events)
    assert events[-1].response.error.code == "server_error"


@both
@pytest.mark.parametrize("names", [True, False], ids=["named", "unnamed"])
def test_an_error_event_raises(world: World, names: bool) -> None:
    error = {"type": "error", "code": "rate_limit_exceeded", "message": "Slow down.", "param": None}
    client = world.client(transport=streaming(sse([*BEGIN, error], names=names)), max_retries=0)
    with pytest.raises((RateLimitError, StreamError), match="Slow down"):
        collect(world, client, [])


def test_an_incomplete_response_is_an_answer_with_its_reason() -> None:
    cut = state("incomplete", incomplete_details={"reason": "max_output_tokens"})
    events: list[Any] = []
    collect(World("sync"), World("sync").client(transport=streaming(sse([*BEGIN, cut]))), events)
    assert events[-1].response.incomplete_details.reason == "max_output_tokens"


def test_a_stream_left_early_is_interrupted() -> None:
    body = sse([*BEGIN, piece("output_text", "Hel")])
    client = World("sync").client(transport=streaming(body))
    with client.responses.create(model=MODEL, input="x", stream=True) as stream:
        next(stream)
    assert stream.interrupted
