"""Rules of the documentation, each by the one request that would break it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests import speech

pytestmark = pytest.mark.engine

MODEL = "llama-3.3-70b-versatile"
HELLO = [{"role": "user", "content": "Hello"}]
SCOUT = "meta-llama/llama-4-scout-17b-16e-instruct"
QWEN, OSS = "qwen/qwen3-32b", "openai/gpt-oss-20b"


def function(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def pictures(count: int) -> dict[str, Any]:
    part = {"type": "image_url", "image_url": {"url": "https://a.invalid/b.png"}}
    return {"model": SCOUT, "messages": [{"role": "user", "content": [part] * count}]}


def after(*more: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [*HELLO, *more]}


FLAT = {"type": "function", "name": "f"}

# What is asked of chat, and the parameter that the 400 names (None: it is answered).
CHAT: dict[str, tuple[dict[str, Any], str | None]] = {
    "logprobs": ({"logprobs": False}, "logprobs"),
    "top_logprobs": ({"top_logprobs": 0}, "top_logprobs"),
    "logit_bias": ({"logit_bias": {}}, "logit_bias"),
    "name on a message": ({"messages": [{**HELLO[0], "name": "Ann"}]}, "messages[0].name"),
    "n 2": ({"n": 2}, "n"),
    "n 1": ({"n": 1}, None),
    "raw with JSON mode": (
        {"model": QWEN, "reasoning_format": "raw", "response_format": {"type": "json_object"}},
        "reasoning_format",
    ),
    "raw with tools": (
        {"model": QWEN, "reasoning_format": "raw", "tools": [function("f")]},
        "reasoning_format",
    ),
    "both reasoning flags": (
        {"model": QWEN, "reasoning_format": "parsed", "include_reasoning": True},
        "reasoning_format",
    ),
    "six images": (pictures(6), "messages"),
    "128 tools": ({"tools": [function(f"f{n}") for n in range(128)], "tool_choice": "none"}, None),
    "129 tools": ({"tools": [function(f"f{n}") for n in range(129)]}, "tools"),
    "name of 64": ({"tools": [function("f" * 64)], "tool_choice": "none"}, None),
    "name of 65": ({"tools": [function("f" * 65)]}, "tools[0].function.name"),
    "four stops": ({"stop": ["q1", "q2", "q3", "q4"]}, None),
    "five stops": ({"stop": ["q1", "q2", "q3", "q4", "q5"]}, "stop"),
    "tool without type": ({"tools": [{"function": {"name": "f"}}]}, "tools[0].type"),
    "tool message without id": (
        after({"role": "tool", "content": "x"}),
        "messages[1].tool_call_id",
    ),
    "empty assistant": (after({"role": "assistant"}), "messages[1].content"),
    "qwen's effort": ({"model": QWEN, "reasoning_effort": "low"}, "reasoning_effort"),
    "gpt-oss's effort": ({"model": OSS, "reasoning_effort": "default"}, "reasoning_effort"),
    "gpt-oss's format": ({"model": OSS, "reasoning_format": "parsed"}, "reasoning_format"),
    "stream_options alone": ({"stream_options": {"include_usage": True}}, "stream_options"),
    "temperature 0": ({"temperature": 0}, None),
    "max_tokens": ({"max_tokens": 1, "max_completion_tokens": None}, None),
    "metadata and store": ({"metadata": {"a": "b"}, "store": True}, None),
    "model in another case": ({"model": MODEL.upper()}, None),
}


@pytest.mark.parametrize("name", CHAT)
def test_a_rule_of_chat(http: httpx.Client, name: str) -> None:
    """A 400 that names the parameter, or an answer."""
    changes, param = CHAT[name]
    body = {"model": MODEL, "messages": HELLO, "max_completion_tokens": 1, **changes}
    reply = http.post("/chat/completions", json=body)
    assert reply.status_code == (200 if param is None else 400), reply.text
    if param is not None:
        assert reply.json()["error"]["param"] == param
        assert reply.json()["error"]["type"] == "invalid_request_error"


# What is asked of Responses, and what the reply's field of that name then says.
RESPONSES: dict[str, tuple[Any, Any]] = {
    "instructions": ("Be brief.", "Be brief."),
    "max_output_tokens": (2, 2),
    "metadata": ({str(n): "x" for n in range(16)}, {str(n): "x" for n in range(16)}),
    "parallel_tool_calls": (False, False),
    "service_tier": ("flex", "flex"),
    "store": (False, False),
    "temperature": (0.5, 0.5),
    "text": ({"format": {"type": "text"}}, {"format": {"type": "text"}}),
    "tool_choice": ("none", "none"),
    "tools": ([{**FLAT, "parameters": {"type": "object"}}],) * 2,
    "top_p": (0.5, 0.5),
    "truncation": ("auto", "auto"),
    "user": ("ann", "ann"),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_a_parameter_of_responses_is_told_in_the_reply(http: httpx.Client, name: str) -> None:
    """Each by itself; beside it, what is always null."""
    given, told = RESPONSES[name]
    body: dict[str, Any] = {"model": MODEL, "input": "Hi", "max_output_tokens": 1, name: given}
    if name == "tools":
        body["tool_choice"] = "none"
    reply = http.post("/responses", json=body)
    assert reply.status_code == 200, reply.text
    assert reply.json()[name] == told
    assert reply.json()["previous_response_id"] is None
    assert reply.json()["reasoning"]["summary"] is None


@pytest.mark.parametrize("effort", ["low", "medium", "high"])
def test_the_effort_of_a_response_is_told(http: httpx.Client, effort: str) -> None:
    """All three words, on a model that reasons."""
    body = {"model": OSS, "input": "Hi", "max_output_tokens": 2, "reasoning": {"effort": effort}}
    assert http.post("/responses", json=body).json()["reasoning"]["effort"] == effort


@pytest.mark.parametrize(
    "name",
    ["previous_response_id", "include", "safety_identifier", "prompt_cache_key"],
)
def test_what_responses_do_not_support_is_a_400(http: httpx.Client, name: str) -> None:
    """The four of the six that have no allowed value."""
    value = ["message.output_text.logprobs"] if name == "include" else "x"
    reply = http.post("/responses", json={"model": MODEL, "input": "Hi", name: value})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, name)


def test_the_reply_of_chat_has_every_documented_field(http: httpx.Client) -> None:
    """With the types that the reference gives, and the marks of its examples."""
    body = {"model": MODEL, "messages": HELLO, "max_completion_tokens": 2}
    reply = http.post("/chat/completions", json=body).json()
    assert reply["id"].startswith("chatcmpl-")
    assert (reply["object"], reply["model"]) == ("chat.completion", MODEL)
    assert isinstance(reply["created"], int)
    assert reply["system_fingerprint"].startswith("fp_")
    assert reply["x_groq"]["id"].startswith("req_")
    (choice,) = reply["choices"]
    assert set(choice) == {"index", "message", "logprobs", "finish_reason"}
    assert (choice["index"], choice["logprobs"], choice["finish_reason"]) == (0, None, "length")
    assert choice["message"]["role"] == "assistant"
    counts = {"prompt_tokens", "completion_tokens", "total_tokens"}
    times = {"queue_time", "prompt_time", "completion_time", "total_time"}
    assert counts | times <= set(reply["usage"])
    assert all(isinstance(reply["usage"][name], int) for name in counts)
    assert all(isinstance(reply["usage"][name], float) for name in times)


@pytest.mark.parametrize(("words", "status"), [(224, 200), (225, 400)])
def test_a_prompt_of_a_transcription_has_at_most_224_tokens(
    http: httpx.Client, words: int, status: int
) -> None:
    """The recording is heard with one, refused with more."""
    data = {"model": "whisper-large-v3", "prompt": "a " * words}
    reply = http.post(
        "/audio/transcriptions", files={"file": ("a.wav", speech.greeting())}, data=data
    )
    assert reply.status_code == status, reply.text


def test_audio_without_any_sound_is_a_400(http: httpx.Client) -> None:
    """It has at least 0.01 seconds."""
    data = {"model": "whisper-large-v3"}
    reply = http.post("/audio/transcriptions", files={"file": ("a.wav", b"")}, data=data)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "file")
