"""POST /chat/completions, by the official packages and by plain HTTP."""

from __future__ import annotations

import json
import re
from typing import Any

import groq
import httpx
import openai
import pytest

from groqnb.local.process import Engine

pytestmark = pytest.mark.engine

MODEL = "llama-3.3-70b-versatile"
HELLO: list[Any] = [{"role": "user", "content": "Say hello."}]


def post(http: httpx.Client, **body: Any) -> httpx.Response:
    return http.post("/chat/completions", json={"model": MODEL, "messages": HELLO, **body})


def events(reply: httpx.Response) -> list[str]:
    return [event for event in reply.text.split("\n\n") if event]


def test_groq_package_completes(groq_client: groq.Groq, engine: Engine) -> None:
    """The model asked for is echoed; the fingerprint names the one that answered."""
    reply = groq_client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=8)
    assert reply.model == MODEL
    assert reply.system_fingerprint == f"fp_local_{engine.model}"
    assert reply.choices[0].message.role == "assistant"
    assert reply.choices[0].message.content
    assert reply.x_groq is not None
    assert reply.x_groq.id.startswith("req_")


def test_groq_package_streams(groq_client: groq.Groq) -> None:
    """Role first, text piece by piece, the reason and the usage in the last chunk."""
    chunks = list(
        groq_client.chat.completions.create(
            model=MODEL, messages=HELLO, max_tokens=12, stream=True, seed=3
        )
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[0].x_groq is not None
    assert chunks[0].x_groq.id.startswith("req_")
    assert sum(bool(chunk.choices[0].delta.content) for chunk in chunks) > 3
    assert chunks[-1].choices[0].finish_reason == "length"
    assert chunks[-1].x_groq is not None
    assert chunks[-1].x_groq.usage is not None
    assert all(chunk.choices[0].finish_reason is None for chunk in chunks[:-1])


def test_openai_package_completes_and_streams_the_same(openai_client: openai.OpenAI) -> None:
    """With one seed, the text of the stream is the text of the whole reply."""
    whole = openai_client.chat.completions.create(
        model="openai/gpt-oss-20b", messages=HELLO, max_completion_tokens=12, seed=7
    )
    with openai_client.chat.completions.create(
        model="openai/gpt-oss-20b",
        messages=HELLO,
        max_completion_tokens=12,
        seed=7,
        stream=True,
        stream_options={"include_usage": True},
    ) as stream:
        chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert whole.usage is not None
    assert 0 < chunks[-1].usage.completion_tokens == whole.usage.completion_tokens <= 12


async def _streamed_async(engine: Engine) -> str:
    root = engine.base_url.removesuffix("/openai/v1")
    async with groq.AsyncGroq(base_url=root, api_key=engine.api_key, timeout=240) as client:
        stream = await client.chat.completions.create(
            model=MODEL, messages=HELLO, max_tokens=6, stream=True
        )
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


def test_groq_package_streams_async(engine: Engine) -> None:
    """The asynchronous client too."""
    import asyncio

    assert asyncio.run(_streamed_async(engine))


def test_frames_of_the_stream_are_exact(http: httpx.Client) -> None:
    """Each event is one `data:` line; the last is [DONE]."""
    reply = post(http, stream=True, max_tokens=4)
    assert reply.headers["content-type"].startswith("text/event-stream")
    found = events(reply)
    assert all(re.fullmatch(r"data: [^\n]+", event) for event in found)
    assert found[-1] == "data: [DONE]"
    assert reply.text.endswith("data: [DONE]\n\n")
    chunks = [json.loads(event[6:]) for event in found[:-1]]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    assert "usage" not in chunks[0]
    assert chunks[0]["x_groq"]["id"] == reply.headers["x-request-id"]


def test_include_usage_adds_one_chunk_and_null_elsewhere(http: httpx.Client) -> None:
    """The extra chunk has no choices; the others carry `usage: null`."""
    reply = post(http, stream=True, max_tokens=3, stream_options={"include_usage": True})
    chunks = [json.loads(event[6:]) for event in events(reply)[:-1]]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == 3
    assert all(chunk["usage"] is None for chunk in chunks[:-1])


def test_usage_has_counts_that_add_up_and_times(http: httpx.Client) -> None:
    """Counts are the runtime's; the times are those the documentation names."""
    usage = post(http, max_tokens=5).json()["usage"]
    assert usage["completion_tokens"] == 5
    assert usage["total_tokens"] == usage["prompt_tokens"] + 5
    assert usage["queue_time"] >= 0
    assert usage["total_time"] == pytest.approx(usage["prompt_time"] + usage["completion_time"])
    assert usage["completion_time"] > 0


def test_every_reply_carries_the_marks_of_the_engine(http: httpx.Client, engine: Engine) -> None:
    """Good replies and refusals alike name the engine, its weights and the request."""
    for reply in (post(http, max_tokens=1), post(http, n=2), http.get("/nothing")):
        assert reply.headers["x-groqnb-engine"] == "local"
        assert reply.headers["x-groqnb-model"] == engine.model
        assert reply.headers["x-request-id"].startswith("req_")


def test_rate_limit_headers_are_the_models_and_in_the_documented_format(
    http: httpx.Client,
) -> None:
    """Requests a day, tokens a minute, durations such as 1m26.4s."""
    headers = post(http, max_tokens=2).headers
    assert headers["x-ratelimit-limit-requests"] == "1000"
    assert headers["x-ratelimit-limit-tokens"] == "12000"
    assert int(headers["x-ratelimit-remaining-requests"]) < 1000
    assert int(headers["x-ratelimit-remaining-tokens"]) < 12000
    for kind in ("requests", "tokens"):
        assert re.fullmatch(r"(\d+h)?(\d+m)?\d+(\.\d+)?m?s", headers[f"x-ratelimit-reset-{kind}"])
    assert "retry-after" not in headers


def test_the_local_model_answers_to_its_own_name(http: httpx.Client, engine: Engine) -> None:
    """Its id from the list works as `model`, in any case."""
    reply = post(http, model=engine.model.upper(), max_tokens=1)
    assert reply.status_code == 200
    assert reply.json()["model"] == engine.model.upper()


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": ["hello"]}, "messages[0]"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "sound"}]}]},
            "messages[0].content[0].type",
        ),
        ({"messages": [{"role": "user", "content": "x", "name": "Ann"}]}, "messages[0].name"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"model": None}, "model"),
        ({"model": 5}, "model"),
        ({"model": "whisper-large-v3"}, "model"),
        ({"model": "playai-tts"}, "model"),
        ({"logprobs": True}, "logprobs"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"n": 2}, "n"),
        ({"n": 0}, "n"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": -1}, "temperature"),
        ({"temperature": "warm"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"temperature": 10**400}, "temperature"),
        ({"top_p": 1.5}, "top_p"),
        ({"frequency_penalty": 3}, "frequency_penalty"),
        ({"presence_penalty": -3}, "presence_penalty"),
        ({"seed": 1.5}, "seed"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": "many"}, "max_completion_tokens"),
        ({"max_completion_tokens": 32769}, "max_completion_tokens"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": [1]}, "stop[0]"),
        ({"stop": 1}, "stop"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"service_tier": "gold"}, "service_tier"),
        ({"user": 5}, "user"),
        ({"metadata": []}, "metadata"),
        ({"response_format": {"type": "yaml"}}, "response_format.type"),
        ({"response_format": {}}, "response_format.type"),
        ({"response_format": "json_object"}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a b"}}},
            "response_format.json_schema.name",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "ab"}}},
            "response_format",
        ),
        ({"tools": [{"type": "hammer"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        (
            {"tools": [{"type": "function", "function": {"name": "x" * 65}}]},
            "tools[0].function.name",
        ),
        ({"tools": [{"type": "function", "function": {"name": "f"}}] * 129}, "tools"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"reasoning_effort": "low"}, "reasoning_effort"),
        ({"reasoning_effort": "huge"}, "reasoning_effort"),
        ({"reasoning_format": "parsed"}, "reasoning_format"),
        ({"reasoning_format": "hidden", "include_reasoning": True}, "reasoning_format"),
        ({"model": "openai/gpt-oss-20b", "reasoning_effort": "none"}, "reasoning_effort"),
        ({"model": "openai/gpt-oss-20b", "reasoning_format": "hidden"}, "reasoning_format"),
        (
            {
                "model": "qwen/qwen3-32b",
                "reasoning_format": "raw",
                "response_format": {"type": "json_object"},
            },
            "reasoning_format",
        ),
        ({"search_settings": {"country": "france"}}, "search_settings"),
        ({"search_settings": {"country": 5}}, "search_settings.country"),
        ({"documents": [{}]}, "documents[0].text"),
        ({"temprature": 1}, "temprature"),
    ],
)
def test_what_the_documentation_rules_out_is_a_400_that_names_the_field(
    http: httpx.Client, changes: dict[str, Any], param: str
) -> None:
    """Type, range, exclusions and unsupported fields, each with the error object."""
    body = {"model": MODEL, "messages": HELLO, "max_tokens": 1, **changes}
    reply = http.post("/chat/completions", json=body)
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    # The message is a sentence, not a dump.
    assert 10 < len(error["message"]) < 300


@pytest.mark.parametrize(
    "changes",
    [
        {"temperature": 0},
        {"temperature": 2},
        {"top_p": 0},
        {"frequency_penalty": 2, "presence_penalty": -2},
        {"metadata": {"a": "b"}, "store": True, "user": "me"},
        {"seed": -1},
        {"seed": 2**80},
        {"stop": None, "temperature": None, "stream": None, "n": None, "tools": None},
        {"stop": ""},
        {"service_tier": "flex"},
        {"tools": [], "functions": []},
        {"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "none"},
        {"model": "qwen/qwen3-32b", "reasoning_effort": "none"},
        {"model": "qwen/qwen3-32b", "reasoning_format": "hidden"},
        {"model": "openai/gpt-oss-120b", "include_reasoning": False},
        {"messages": [{"role": "developer", "content": "Be brief."}, *HELLO]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]},
        {"response_format": {"type": "text"}},
    ],
)
def test_what_the_documentation_allows_is_answered(
    http: httpx.Client, changes: dict[str, Any]
) -> None:
    """The edges of each range, nulls, and what is accepted without effect."""
    reply = post(http, max_tokens=1, **changes)
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize(
    "changes",
    [
        {"tools": [{"type": "mcp", "server_url": "https://a.b", "server_label": "a"}]},
        {"model": "meta-llama/llama-guard-4-12b"},
    ],
)
def test_what_the_engine_cannot_do_is_a_501_not_an_invention(
    http: httpx.Client, changes: dict[str, Any]
) -> None:
    """A documented feature that is missing here is named."""
    reply = post(http, max_tokens=1, **changes)
    assert reply.status_code == 501
    assert reply.json()["error"]["code"] == "not_implemented"


def test_images_are_checked_as_documented(http: httpx.Client) -> None:
    """Six images are a 400, more than 4 MB in base64 a 413, any on a text model a 400."""

    def ask(model: str, urls: list[str]) -> httpx.Response:
        parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
        return post(http, model=model, messages=[{"role": "user", "content": parts}])

    scout = "meta-llama/llama-4-scout-17b-16e-instruct"
    assert ask(scout, ["https://a/b.png"] * 6).status_code == 400
    assert ask(scout, ["data:image/jpeg;base64," + "A" * 4_100_000]).status_code == 413
    assert ask(MODEL, ["https://a/b.png"]).status_code == 400
    assert ask(scout, ["file:///etc/passwd"]).status_code == 400


def test_unknown_model_is_a_404_with_near_names(http: httpx.Client) -> None:
    """A typo is answered by what was probably meant."""
    reply = post(http, model="llama-3.3-70b-versatil")
    assert reply.status_code == 404
    error = reply.json()["error"]
    assert error["code"] == "model_not_found"
    assert "`llama-3.3-70b-versatile`" in error["message"]


def test_too_long_messages_are_a_400_that_names_both_numbers(http: httpx.Client) -> None:
    """The window is the local model's; the message says so."""
    reply = post(http, messages=[{"role": "user", "content": "word " * 9000}])
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert error["code"] == "context_length_exceeded"
    assert "8192" in error["message"]


def test_json_mode_gives_an_object_or_an_error(http: httpx.Client) -> None:
    """A cut-off object is never passed on as a result."""
    ask = {
        "messages": [{"role": "user", "content": "A person with a name, as JSON."}],
        "response_format": {"type": "json_object"},
        "temperature": 0,
    }
    good = post(http, max_tokens=200, **ask)
    if good.status_code == 200:
        assert isinstance(json.loads(good.json()["choices"][0]["message"]["content"]), dict)
    else:
        assert good.json()["error"]["code"] == "json_validate_failed"
    cut = post(http, max_tokens=3, **ask)
    assert cut.status_code == 400
    assert cut.json()["error"]["code"] == "json_validate_failed"
    assert cut.json()["error"]["failed_generation"].startswith("{")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"temperature": NaN}',
        b"[" * 100_000,
        b'{"model": "llama-3.1-8b-instant", "messages": [{"role": "user", "content": "\\ud800"}]}',
    ],
)
def test_a_body_that_is_no_proper_json_object_is_a_400(http: httpx.Client, body: bytes) -> None:
    """Broken, deep, not UTF-8, not an object, not text."""
    reply = http.post(
        "/chat/completions", content=body, headers={"Content-Type": "application/json"}
    )
    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "invalid_request_error"
