"""POST /responses, by the official openai package, by groqnb's own client and by plain HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Literal

import httpx
import openai
import pydantic
import pytest

from groqnb import AsyncGroq, BadRequestError, Groq
from groqnb.local.process import Engine
from groqnb.types.response_events import StatusEvent, TextDelta
from groqnb.types.responses import OutputFunctionCall

pytestmark = pytest.mark.engine

MODEL = "llama-3.3-70b-versatile"
# The fields of the documentation's response object, and those of its example.
DOCUMENTED = {
    "background",
    "created_at",
    "error",
    "id",
    "incomplete_details",
    "instructions",
    "log_id",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "object",
    "output",
    "parallel_tool_calls",
    "previous_response_id",
    "reasoning",
    "service_tier",
    "status",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "usage",
    "user",
}
TOOL = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
TEXT_EVENTS = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
]


def post(http: httpx.Client, **body: Any) -> httpx.Response:
    return http.post("/responses", json={"model": MODEL, "input": "Say hello.", **body})


def without_repeats(names: list[str]) -> list[str]:
    return [name for place, name in enumerate(names) if name not in names[:place]]


def read_stream(reply: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    """The events of a stream, with the names that stand beside their data."""
    found = []
    for block in reply.text.split("\n\n"):
        if block:
            name, data = block.split("\n")
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


@pytest.fixture(scope="module")
def client(engine: Engine) -> Groq:
    return Groq(base_url=engine.base_url, api_key=engine.api_key, max_retries=0, timeout=240)


def test_the_reply_has_every_documented_field_and_no_other(
    http: httpx.Client, engine: Engine
) -> None:
    reply = post(http, max_output_tokens=60)
    body = reply.json()
    assert set(body) == DOCUMENTED
    assert body["object"] == "response"
    assert body["id"].startswith("resp_")
    assert body["model"] == MODEL
    assert body["previous_response_id"] is None
    assert body["reasoning"] == {"effort": None, "summary": None}
    (message,) = body["output"]
    assert set(message) == {"type", "id", "status", "role", "content"}
    assert message["id"].startswith("msg_")
    (part,) = message["content"]
    assert part == {"type": "output_text", "text": part["text"], "annotations": []}
    usage = body["usage"]
    assert set(usage["input_tokens_details"]) == {"cached_tokens", "reasoning_tokens"}
    assert set(usage["output_tokens_details"]) == {"cached_tokens", "reasoning_tokens"}
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 0
    assert reply.headers["x-groqnb-engine"] == "local"
    assert reply.headers["x-groqnb-model"] == engine.model
    assert reply.headers["x-request-id"].startswith("req_")


def test_what_the_request_says_is_repeated(http: httpx.Client) -> None:
    given: dict[str, Any] = {
        "instructions": "Be brief.",
        "max_output_tokens": 4,
        "metadata": {"topic": "groß"},
        "parallel_tool_calls": False,
        "store": False,
        "temperature": 0.5,
        "text": {"format": {"type": "text"}},
        "tool_choice": "none",
        "tools": [TOOL],
        "top_p": 0.9,
        "truncation": "auto",
        "user": "someone",
    }
    body = post(http, **given).json()
    assert {name: body[name] for name in given} == given


def test_what_the_request_leaves_out_has_its_documented_default(http: httpx.Client) -> None:
    """null is the same as leaving it out, for the unsupported parameters too."""
    nothing: dict[str, object] = dict.fromkeys(
        [
            "include",
            "instructions",
            "max_output_tokens",
            "metadata",
            "parallel_tool_calls",
            "previous_response_id",
            "prompt_cache_key",
            "reasoning",
            "safety_identifier",
            "service_tier",
            "store",
            "stream",
            "temperature",
            "text",
            "tool_choice",
            "tools",
            "top_p",
            "truncation",
            "user",
        ]
    )
    nothing |= {"include": [], "background": False}  # as packages of OpenAI's send it
    body = post(http, **{**nothing, "max_output_tokens": 4}).json()
    assert (body["temperature"], body["top_p"], body["parallel_tool_calls"]) == (1, 1, True)
    assert (body["tools"], body["tool_choice"], body["metadata"]) == ([], "auto", {})
    assert (body["truncation"], body["store"], body["service_tier"]) == (
        "disabled",
        False,
        "default",
    )
    assert body["text"] == {"format": {"type": "text"}}


def test_the_effort_is_the_documented_default_of_a_model_that_reasons(http: httpx.Client) -> None:
    body = post(http, model="openai/gpt-oss-20b", max_output_tokens=4).json()
    assert body["reasoning"] == {"effort": "medium", "summary": None}


def test_an_answer_that_is_cut_off_is_incomplete(http: httpx.Client) -> None:
    body = post(http, input="Tell a long story.", max_output_tokens=3).json()
    assert body["status"] == body["output"][0]["status"] == "incomplete"
    assert body["incomplete_details"] == {"reason": "max_output_tokens"}
    assert body["usage"]["output_tokens"] == 3


def test_instructions_stand_before_the_input(http: httpx.Client) -> None:
    """They cost the tokens of a system message, and change the answer."""
    plain = post(http, temperature=0, max_output_tokens=8).json()
    told = post(http, temperature=0, max_output_tokens=8, instructions="Only say: moo.").json()
    same = post(
        http,
        temperature=0,
        max_output_tokens=8,
        input=[
            {"role": "developer", "content": "Only say: moo."},
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "Say hello."}],
            },
        ],
    ).json()
    assert told["usage"]["input_tokens"] != plain["usage"]["input_tokens"]
    assert told["usage"]["input_tokens"] == same["usage"]["input_tokens"]
    assert told["output"][0]["content"] == same["output"][0]["content"]


def test_openai_package_creates(openai_client: openai.OpenAI) -> None:
    response = openai_client.responses.create(
        model="openai/gpt-oss-20b", input="Tell me a fun fact about the moon in one sentence."
    )
    assert response.output_text
    assert response.status in ("completed", "incomplete")
    assert response.usage is not None
    assert response.usage.input_tokens_details.cached_tokens >= 0
    assert response.error is None


def test_openai_package_goes_on_with_what_was_said(openai_client: openai.OpenAI) -> None:
    """The way that OpenAI documents: role and content of each item of the output."""
    history: list[Any] = [{"role": "user", "content": "My name is Ada."}]
    first = openai_client.responses.create(model=MODEL, input=history, max_output_tokens=12)
    history += [{"role": item.role, "content": item.content} for item in first.output]  # type: ignore[union-attr]
    history.append({"role": "user", "content": "What is my name?"})
    second = openai_client.responses.create(model=MODEL, input=history, max_output_tokens=12)
    assert second.usage is not None
    assert first.usage is not None
    assert second.usage.input_tokens > first.usage.input_tokens + 12


def test_openai_package_streams_the_events_in_order(openai_client: openai.OpenAI) -> None:
    """The deltas make up the text of the finished response; the numbers count up from 0."""
    stream = openai_client.responses.create(model=MODEL, input="Hi", stream=True, temperature=0)
    events = list(stream)
    assert without_repeats([event.type for event in events]) == [
        *TEXT_EVENTS,
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.output_text == text != ""
    assert last.response.usage is not None
    assert last.response.usage.output_tokens > 0


def test_openai_package_stream_helper(openai_client: openai.OpenAI) -> None:
    with openai_client.responses.stream(
        model=MODEL, input="Hi", temperature=0, max_output_tokens=200
    ) as stream:
        snapshots = [e.snapshot for e in stream if e.type == "response.output_text.delta"]
        final = stream.get_final_response()
    assert snapshots[-1] == final.output_text
    assert final.output_parsed is None


class Review(pydantic.BaseModel):
    product: str
    rating: int
    sentiment: Literal["positive", "negative"]


def test_openai_package_parses_structured_text(openai_client: openai.OpenAI) -> None:
    """The answer fits the schema by construction; reasoning is an item of its own before it."""
    response = openai_client.responses.parse(
        model="openai/gpt-oss-20b",
        input="The headphones are great: five stars!",
        text_format=Review,
        reasoning={"effort": "low"},
        temperature=0,
    )
    assert isinstance(response.output_parsed, Review)
    assert [item.type for item in response.output] == ["reasoning", "message"]
    assert json.loads(response.output_text) == response.output_parsed.model_dump()
    assert response.usage is not None
    assert response.usage.output_tokens_details.reasoning_tokens > 0


def test_structured_text_that_is_cut_off_is_an_error(http: httpx.Client) -> None:
    """Never a piece of JSON; and the limit has its name from this endpoint."""
    reply = post(http, temperature=0, text={"format": {"type": "json_object"}}, max_output_tokens=2)
    assert reply.status_code == 400
    assert "`max_output_tokens`" in reply.json()["error"]["message"]


def test_a_failure_in_the_middle_of_a_stream_is_a_failed_response(http: httpx.Client) -> None:
    reply = post(
        http,
        temperature=0,
        text={"format": {"type": "json_object"}},
        max_output_tokens=2,
        stream=True,
    )
    assert reply.status_code == 200
    name, last = read_stream(reply)[-1]
    assert name == "response.failed"
    assert last["response"]["status"] == "failed"
    assert last["response"]["error"]["message"]


def test_a_schema_that_cannot_be_kept_is_refused_by_its_path(http: httpx.Client) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "cat"}}}
    form = {"type": "json_schema", "name": "n", "schema": schema}
    reply = post(http, model="openai/gpt-oss-20b", text={"format": form})
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "text.format.schema.properties.a.type"


WEATHER: Any = {
    "type": "function",
    "name": "temperature_in",
    "description": "The temperature in a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["Oslo", "Rome"]}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
ASK: Any = {"role": "user", "content": "How warm is it in Rome?"}


@pytest.mark.parametrize("model", [MODEL, "openai/gpt-oss-20b"])
def test_openai_package_calls_a_function_and_brings_its_result(
    openai_client: openai.OpenAI, model: str
) -> None:
    """The way that OpenAI documents: the output goes into the next input as it is."""
    history: list[Any] = [ASK]
    response = openai_client.responses.create(
        model=model, input=history, tools=[WEATHER], tool_choice="required", temperature=0
    )
    history += response.output
    (call,) = (item for item in response.output if item.type == "function_call")
    assert call.name == "temperature_in"
    assert call.call_id.startswith("call_")
    assert json.loads(call.arguments)["city"] in ("Oslo", "Rome")
    history.append({"type": "function_call_output", "call_id": call.call_id, "output": "19 °C"})
    told = openai_client.responses.create(
        model=model, input=history, tools=[WEATHER], tool_choice="none", max_output_tokens=300
    )
    assert "message" in [item.type for item in told.output]
    assert told.tools[0].to_dict() == WEATHER


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "function", "name": "temperature_in"},
        {"type": "function", "function": {"name": "temperature_in"}},
    ],
    ids=["flat", "nested"],
)
def test_openai_package_streams_a_call(openai_client: openai.OpenAI, choice: Any) -> None:
    """A named function may be flat, as OpenAI has it, or nested, as Groq documents it."""
    events = list(
        openai_client.responses.create(
            model=MODEL, input=[ASK], tools=[WEATHER], tool_choice=choice, stream=True
        )
    )
    assert without_repeats([event.type for event in events]) == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    pieces = [e.delta for e in events if e.type == "response.function_call_arguments.delta"]
    last = events[-1]
    assert last.type == "response.completed"
    (call,) = last.response.output
    assert call.type == "function_call"
    assert "".join(pieces) == call.arguments
    assert json.loads(call.arguments)["city"] in ("Oslo", "Rome")


@pytest.mark.parametrize("model", ["openai/gpt-oss-20b", "qwen/qwen3-32b"])
def test_reasoning_streams_before_the_answer(http: httpx.Client, model: str) -> None:
    """It is an item of its own and never stands in the text, whatever chat does by default."""
    asked = {"model": model, "temperature": 0, "max_output_tokens": 60}
    events = read_stream(post(http, stream=True, **asked))
    stems = [name.removeprefix("response.").removesuffix(".delta") for name, _ in events]
    assert stems.index("reasoning_text") < stems.index("reasoning_text.done")
    assert stems.index("reasoning_text.done") < stems.index("output_text")
    reasoning, message = events[-1][1]["response"]["output"]
    assert set(reasoning) == {"type", "id", "summary", "content"}
    assert reasoning["summary"] == []
    assert reasoning["content"][0]["text"]
    assert "<think>" not in message["content"][0]["text"]


def test_groqnb_client_calls_a_function_and_brings_its_result(client: Groq) -> None:
    asked = client.responses.create(
        model="openai/gpt-oss-20b", input=[ASK], tools=[WEATHER], tool_choice="required"
    )
    call = next(item for item in asked.output if isinstance(item, OutputFunctionCall))
    assert json.loads(call.arguments)["city"] in ("Oslo", "Rome")
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "19 °C"}
    told = client.responses.create(
        model=MODEL,
        input=[ASK, *asked.output, result],
        tools=[WEATHER],
        tool_choice="none",
        max_output_tokens=40,
    )
    assert told.output_text


async def _async_stream(engine: Engine) -> tuple[str, str]:
    async with openai.AsyncOpenAI(base_url=engine.base_url, api_key=engine.api_key) as client:
        text = ""
        stream = await client.responses.create(model=MODEL, input="Hi", stream=True, temperature=0)
        async for event in stream:
            if event.type == "response.output_text.delta":
                text += event.delta
        whole = await client.responses.create(model=MODEL, input="Hi", temperature=0)
        return text, whole.output_text


def test_openai_package_async(engine: Engine) -> None:
    """The text of a stream is the text of the whole reply."""
    text, whole = asyncio.run(_async_stream(engine))
    assert text == whole


def test_a_stream_by_plain_http(http: httpx.Client) -> None:
    """Each event has its name beside its data, and the last one ends the stream: no [DONE]."""
    reply = post(http, stream=True, max_output_tokens=3)
    assert reply.headers["content-type"].startswith("text/event-stream")
    events = read_stream(reply)
    assert all(name == data["type"] for name, data in events)
    assert without_repeats([name for name, _ in events]) == [*TEXT_EVENTS, "response.incomplete"]
    first, last = events[0][1]["response"], events[-1][1]["response"]
    assert set(first) == set(last) == DOCUMENTED
    assert (first["status"], first["output"], first["usage"]) == ("in_progress", [], None)
    assert (first["id"], first["created_at"]) == (last["id"], last["created_at"])
    done = dict(events)["response.output_item.done"]
    assert last["output"] == [done["item"]]
    added = dict(events)["response.output_item.added"]["item"]
    assert added == {**done["item"], "status": "in_progress", "content": []}
    for name, data in events[3:-2]:
        assert data["item_id"] == added["id"], name
        assert (data["output_index"], data["content_index"]) == (0, 0)


def test_groqnb_client_creates_and_streams(client: Groq) -> None:
    whole = client.responses.create(model=MODEL, input="Hi", temperature=0)
    with client.responses.create(model=MODEL, input="Hi", temperature=0, stream=True) as stream:
        events = list(stream)
    assert "".join(e.delta for e in events if isinstance(e, TextDelta)) == whole.output_text != ""
    last = events[-1]
    assert isinstance(last, StatusEvent)
    assert last.response.output_text == whole.output_text
    assert whole.headers["x-groqnb-engine"] == "local"
    assert stream.ttft is not None
    assert not stream.interrupted
    assert whole.log_id is not None
    assert whole.model_extra == {}


def test_groqnb_async_client_creates_and_streams(engine: Engine) -> None:
    async def main() -> tuple[str, str]:
        async with AsyncGroq(
            base_url=engine.base_url, api_key=engine.api_key, timeout=240
        ) as client:
            whole = await client.responses.create(model=MODEL, input="Hi", temperature=0)
            stream = await client.responses.create(
                model=MODEL, input="Hi", temperature=0, stream=True
            )
            text = ""
            async for event in stream:
                if isinstance(event, TextDelta):
                    text += event.delta
            return whole.output_text, text

    whole, text = asyncio.run(main())
    assert whole == text != ""


def test_groqnb_client_goes_on_with_an_output(client: Groq) -> None:
    first = client.responses.create(model=MODEL, input="Hi", max_output_tokens=8)
    question = {"role": "user", "content": "Go on."}
    second = client.responses.create(
        model=MODEL,
        input=[{"role": "user", "content": "Hi"}, *first.output, question],
        max_output_tokens=8,
    )
    assert second.output_text
    with pytest.raises(BadRequestError, match="leave `type` out"):
        client.responses.create(model=MODEL, input=[first.output[0].model_dump(), question])


MESSAGE = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}
DEEP: Any = {}
for _ in range(200):
    DEEP = {"a": DEEP}
MALFORMED: list[tuple[dict[str, Any], str]] = [
    ({"input": None}, "input"),
    ({"input": []}, "input"),
    ({"input": 5}, "input"),
    ({"input": {"role": "user", "content": "x"}}, "input"),
    ({"input": "\ud800"}, "input"),
    ({"input": ["x"]}, "input[0]"),
    ({"input": [{"content": "x"}]}, "input[0].role"),
    ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
    ({"input": [{"role": "user"}]}, "input[0].content"),
    ({"input": [{"role": "user", "content": 5}]}, "input[0].content"),
    ({"input": [{"role": "user", "content": []}]}, "input[0].content"),
    ({"input": [{"role": "user", "content": ["x"]}]}, "input[0].content[0]"),
    ({"input": [{"role": "user", "content": [{"text": "x"}]}]}, "input[0].content[0].type"),
    (
        {"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
        "input[0].content[0].type",
    ),
    (
        {"input": [{"role": "user", "content": [{"type": "input_text"}]}]},
        "input[0].content[0].text",
    ),
    ({"input": [{**MESSAGE, "role": "assistant"}]}, "input[0].role"),
    ({"input": [{**MESSAGE, "status": "done"}]}, "input[0].status"),
    ({"input": [{**MESSAGE, "id": 5}]}, "input[0].id"),
    ({"input": [{"type": "bogus"}]}, "input[0].type"),
    ({"input": [{"type": "item_reference"}]}, "input[0].id"),
    ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
    ({"input": [{"type": "function_call", "name": "f", "arguments": "{}"}]}, "input[0].call_id"),
    ({"input": [{"type": "function_call", "call_id": "c", "arguments": "{}"}]}, "input[0].name"),
    ({"input": [{"type": "function_call", "call_id": "c", "name": "f"}]}, "input[0].arguments"),
    ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
    ({"input": [{"type": "function_call_output", "call_id": "c"}]}, "input[0].output"),
    (
        {"input": [{"type": "function_call_output", "call_id": "c", "output": {}}]},
        "input[0].output",
    ),
    ({"input": [{"type": "reasoning", "summary": []}]}, "input"),
    ({"instructions": 5}, "instructions"),
    ({"model": None}, "model"),
    ({"model": 5}, "model"),
    ({"model": "whisper-large-v3"}, "model"),
    ({"max_output_tokens": 0}, "max_output_tokens"),
    ({"max_output_tokens": "9"}, "max_output_tokens"),
    ({"max_output_tokens": 10**9}, "max_output_tokens"),
    ({"metadata": []}, "metadata"),
    ({"metadata": {str(number): "" for number in range(17)}}, "metadata"),
    ({"metadata": {"a": "\udfff"}}, "metadata"),
    ({"metadata": DEEP}, "metadata"),
    ({"parallel_tool_calls": "yes"}, "parallel_tool_calls"),
    ({"reasoning": "low"}, "reasoning"),
    ({"model": "openai/gpt-oss-20b", "reasoning": {"effort": "default"}}, "reasoning.effort"),
    ({"reasoning": {"effort": "low"}}, "reasoning.effort"),
    ({"reasoning": {"summary": "auto"}}, "reasoning.summary"),
    ({"service_tier": "on_demand"}, "service_tier"),
    ({"store": True}, "store"),
    ({"store": "no"}, "store"),
    ({"stream": "no"}, "stream"),
    ({"temperature": 2.1}, "temperature"),
    ({"temperature": True}, "temperature"),
    ({"top_p": -0.1}, "top_p"),
    ({"text": "text"}, "text"),
    ({"text": {"format": "text"}}, "text.format"),
    ({"text": {"format": {}}}, "text.format.type"),
    ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
    ({"text": {"verbosity": "low"}}, "text.verbosity"),
    (
        {"text": {"format": {"type": "json_schema", "name": "a b", "schema": {}}}},
        "text.format.name",
    ),
    (
        {"text": {"format": {"type": "json_schema", "name": "a", "schema": []}}},
        "text.format.schema",
    ),
    ({"text": {"format": {"type": "json_schema", "name": "a", "schema": {}}}}, "text.format"),
    ({"tool_choice": "any"}, "tool_choice"),
    ({"tool_choice": {"type": "file_search"}}, "tool_choice.type"),
    ({"tools": {}}, "tools"),
    ({"tools": [TOOL] * 129}, "tools"),
    ({"tools": ["f"]}, "tools[0]"),
    ({"tools": [{"name": "f"}]}, "tools[0].type"),
    ({"tools": [{"type": "web_search_preview"}]}, "tools[0].type"),
    ({"tools": [{"type": "function"}]}, "tools[0].name"),
    ({"tools": [{**TOOL, "name": "a b"}]}, "tools[0].name"),
    ({"tools": [{**TOOL, "name": "f" * 65}]}, "tools[0].name"),
    ({"tools": [{**TOOL, "parameters": []}]}, "tools[0].parameters"),
    ({"tools": [{**TOOL, "strict": 1}]}, "tools[0].strict"),
    ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools[0].name"),
    ({"truncation": "off"}, "truncation"),
    ({"user": 5}, "user"),
    ({"previous_response_id": "resp_1"}, "previous_response_id"),
    ({"include": ["message.output_text.logprobs"]}, "include"),
    ({"safety_identifier": "x"}, "safety_identifier"),
    ({"prompt_cache_key": "x"}, "prompt_cache_key"),
    ({"messages": []}, "messages"),
    ({"max_tokens": 5}, "max_tokens"),
]


@pytest.mark.parametrize(("wrong", "param"), MALFORMED, ids=lambda value: str(value)[:60])
def test_malformed_requests_are_refused_by_name(
    http: httpx.Client, wrong: dict[str, Any], param: str
) -> None:
    """A 400 with the documented error object, which names the field as the request does."""
    body = {"model": MODEL, "input": "x", **wrong}
    reply = http.post("/responses", content=json.dumps(body).encode())
    assert reply.status_code == 400, reply.text
    error = reply.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert error["message"]
    assert "response_format" not in error["message"]


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"', b"{", b"\xff"])
def test_a_body_that_is_no_object_is_refused(http: httpx.Client, body: bytes) -> None:
    reply = http.post("/responses", content=body)
    assert reply.status_code == 400
    assert reply.json()["error"]["message"]


def test_an_unknown_model_is_a_404_with_near_names(http: httpx.Client) -> None:
    reply = post(http, model="gpt-oss")
    assert reply.status_code == 404
    assert "openai/gpt-oss" in reply.json()["error"]["message"]


def test_input_longer_than_the_context_is_refused(http: httpx.Client) -> None:
    error = post(http, input="word " * 20_000).json()["error"]
    assert (error["code"], error["param"]) == ("context_length_exceeded", "input")


def test_without_a_key_nothing_is_answered(engine: Engine) -> None:
    reply = httpx.post(
        f"{engine.base_url}/responses", json={"model": MODEL, "input": "x"}, timeout=60
    )
    assert reply.status_code == 401
    assert httpx.get(f"{engine.base_url}/responses", timeout=60).status_code == 401


def test_only_post_is_allowed(http: httpx.Client) -> None:
    assert http.get("/responses").status_code == 405


def test_code_is_run_as_in_chat(http: httpx.Client) -> None:
    """The reasoning tells what was run, and the message answers with it."""
    tool = {"type": "code_interpreter", "container": {"type": "auto"}}
    text = "Run this:\n```python\nprint(1312 * 3333)\n```"
    reply = post(
        http, model="openai/gpt-oss-20b", input=text, tools=[tool], tool_choice="required"
    ).json()
    thoughts, message = reply["output"]
    assert "4372896" in thoughts["content"][0]["text"]
    assert (message["type"], reply["tools"]) == ("message", [tool])


def test_a_hosted_tool_runs_and_the_message_says_what_it_found(http: httpx.Client) -> None:
    tool = {"type": "browser_search"}
    reply = post(
        http,
        model="openai/gpt-oss-20b",
        input="How does pandas read a CSV file?",
        tools=[tool],
        tool_choice="required",
        max_output_tokens=60,
    ).json()
    assert reply["status"] in ("completed", "incomplete")
    assert {item["type"] for item in reply["output"]} <= {"reasoning", "message"}
    assert reply["output"][-1]["type"] == "message"
    assert reply["tools"] == [tool]
