"""The documentation's samples pin what the engine says: its replies have the samples' shape."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from groqnb.types.base import Model
from groqnb.types.chat import ChatCompletionChunk

from .test_docs_samples import sample, type_of, undeclared
from .test_fine_tunings import tuned as register

CHAT = {
    "model": "llama-3.1-8b-instant",
    "messages": [{"role": "user", "content": "Say yes."}],
    "max_completion_tokens": 3,
}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Oslo", "Rome"]}},
            "required": ["city"],
        },
    },
}
LINE = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": CHAT}

# What a sample has and the engine leaves out, with the reason.
LEFT_OUT = {
    "chat/completion": {"choices[].message.reasoning"},  # this model does not reason
    "chat/cached_tokens": {"usage.completion_tokens_details"},  # nor does the one that caches
    "batches/output_line": {"response.error"},  # the sample is misprinted: `error` is outside
}


def missing(wanted: Any, got: Any, place: str = "") -> Iterator[str]:
    """The places where `got` has no field of the sample, or one of another JSON type."""
    if wanted is None or got is None:
        return
    if isinstance(wanted, dict):
        if not isinstance(got, dict):
            yield f"{place} is no object"
            return
        for name, inner in wanted.items():
            where = f"{place}.{name}".lstrip(".")
            if name not in got:
                yield where
            else:
                yield from missing(inner, got[name], where)
    elif isinstance(wanted, list):
        if not isinstance(got, list):
            yield f"{place} is no list"
        elif wanted and got:
            yield from missing(wanted[0], got[0], f"{place}[]")
    elif _kind(wanted) != _kind(got):
        yield f"{place} is {_kind(got)}, not {_kind(wanted)}"


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, (int, float)) else type(value).__name__


def upload(http: httpx.Client, content: bytes, name: str, purpose: str) -> dict[str, Any]:
    reply = http.post("/files", files={"file": (name, content)}, data={"purpose": purpose})
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def batch(http: httpx.Client) -> dict[str, Any]:
    file = upload(http, json.dumps(LINE).encode(), "a.jsonl", "batch")
    body = {
        "input_file_id": file["id"],
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
    }
    return dict(http.post("/batches", json=body).json())


def completed(http: httpx.Client) -> dict[str, Any]:
    made = batch(http)
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        made = http.get(f"/batches/{made['id']}").json()
        if made["status"] in ("completed", "failed"):
            break
        time.sleep(0.1)
    assert made["status"] == "completed"
    return made


def output_line(http: httpx.Client) -> dict[str, Any]:
    content = http.get(f"/files/{completed(http)['output_file_id']}/content").text
    return dict(json.loads(content.splitlines()[0]))


def cancelled(http: httpx.Client) -> dict[str, Any]:
    lines = "\n".join(json.dumps({**LINE, "custom_id": str(n)}) for n in range(200))
    file = upload(http, lines.encode(), "many.jsonl", "batch")
    body = {"input_file_id": file["id"], "endpoint": LINE["url"], "completion_window": "24h"}
    made = http.post("/batches", json=body).json()
    return dict(http.post(f"/batches/{made['id']}/cancel").json())


def tuned(http: httpx.Client, look: str = "") -> dict[str, Any]:
    """What creating a fine tuning says; with `look`, what that GET says while there is one."""
    with register(http) as made:
        return dict(http.get(look).json()) if look else made


def forgotten(http: httpx.Client) -> dict[str, Any]:
    with register(http) as made:
        return dict(http.delete(f"/fine_tunings/{made['id']}").json())


def post(path: str, **body: Any) -> Callable[[httpx.Client], dict[str, Any]]:
    return lambda http: dict(http.post(path, json=body).json())


def asked_again(http: httpx.Client) -> dict[str, Any]:
    """The second answer to a long question, whose beginning is remembered from the first."""
    long = [{"role": "system", "content": "Be brief. " * 40}, *CHAT["messages"]]
    body = {**CHAT, "model": "moonshotai/kimi-k2-instruct-0905", "messages": long}
    http.post("/chat/completions", json=body)
    return dict(http.post("/chat/completions", json=body).json())


REPLIES: dict[str, Callable[[httpx.Client], dict[str, Any]]] = {
    "chat/completion": post("/chat/completions", **CHAT),
    "chat/completion_of_the_libraries": post("/chat/completions", **CHAT),
    "chat/cached_tokens": asked_again,
    "chat/tool_call": post(
        "/chat/completions",
        **{**CHAT, "max_completion_tokens": 40, "tools": [TOOL], "tool_choice": "required"},
    ),
    "chat/usage_breakdown": post("/chat/completions", **{**CHAT, "model": "groq/compound"}),
    "responses/response": post(
        "/responses", model=CHAT["model"], input="Say yes.", max_output_tokens=3
    ),
    "models/list": lambda http: dict(http.get("/models").json()),
    "models/model": lambda http: dict(http.get("/models/llama-3.3-70b-versatile").json()),
    "files/uploaded": lambda http: upload(http, json.dumps(LINE).encode(), "a.jsonl", "batch"),
    "files/list": lambda http: (
        upload(http, b"{}", "a.jsonl", "batch") and dict(http.get("/files").json())
    ),
    "files/retrieved": lambda http: dict(
        http.get(f"/files/{upload(http, b'{}', 'a.jsonl', 'batch')['id']}").json()
    ),
    "files/deleted": lambda http: dict(
        http.delete(f"/files/{upload(http, b'{}', 'a.jsonl', 'batch')['id']}").json()
    ),
    "batches/created": batch,
    "batches/completed": completed,
    "batches/output_line": output_line,
    "batches/cancelling": cancelled,
    "batches/list": lambda http: batch(http) and dict(http.get("/batches").json()),
    "fine_tunings/created": tuned,
    "fine_tunings/list": lambda http: tuned(http, "/fine_tunings"),
    "fine_tunings/deleted": forgotten,
}


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_has_what_the_sample_has_and_nothing_that_no_type_declares(
    http: httpx.Client, name: str
) -> None:
    reply = REPLIES[name](http)
    assert set(missing(sample(name), reply)) <= LEFT_OUT.get(name, set()), reply
    typed = type_of(name).model_validate_json(json.dumps(reply))
    assert not list(undeclared(typed))


def test_an_error_has_the_documented_fields(http: httpx.Client) -> None:
    reply = http.post("/chat/completions", json={**CHAT, "n": 2}).json()
    assert not list(missing(sample("errors/error"), reply))
    assert set(reply["error"]) <= {"message", "type", "code", "param"}


def test_no_chunk_of_a_stream_has_a_field_that_no_type_declares(http: httpx.Client) -> None:
    asked = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
    text = http.post("/chat/completions", json=asked).text
    chunks = [line[6:] for line in text.splitlines() if line.startswith("data: {")]
    assert len(chunks) > 3
    for data in chunks:
        typed: Model = ChatCompletionChunk.model_validate_json(data)
        assert not list(undeclared(typed)), data
