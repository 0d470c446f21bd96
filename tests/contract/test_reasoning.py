"""Reasoning: where it stands, when it is left out, what excludes what."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

QWEN, OSS, LLAMA = "qwen/qwen3-32b", "openai/gpt-oss-20b", "llama-3.1-8b-instant"


def ask(http: httpx.Client, **body: Any) -> httpx.Response:
    question = [{"role": "user", "content": "Is 7 a prime number?"}]
    return http.post(
        "/chat/completions",
        json={"messages": question, "max_completion_tokens": 40, "temperature": 0, **body},
    )


def message(reply: httpx.Response) -> dict[str, Any]:
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()["choices"][0]["message"]
    return found


def test_parsed_reasoning_has_a_field_of_its_own(http: httpx.Client) -> None:
    """And its tokens are counted."""
    reply = ask(http, model=QWEN, reasoning_format="parsed")
    said = message(reply)
    assert said["reasoning"].strip()
    assert "<think>" not in (said["content"] or "")
    usage = reply.json()["usage"]
    reasoning = usage["completion_tokens_details"]["reasoning_tokens"]
    assert 0 < reasoning < usage["completion_tokens"]


def test_raw_reasoning_stands_in_the_text(http: httpx.Client) -> None:
    said = message(ask(http, model=QWEN, reasoning_format="raw"))
    assert said["content"].startswith("<think>")
    assert "</think>" in said["content"]
    assert "reasoning" not in said


def test_hidden_reasoning_is_nowhere_but_in_the_count(http: httpx.Client) -> None:
    reply = ask(http, model=QWEN, reasoning_format="hidden")
    said = message(reply)
    assert "reasoning" not in said
    assert "<think>" not in (said["content"] or "")
    assert reply.json()["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0


def test_gpt_oss_tells_its_reasoning_unless_asked_not_to(http: httpx.Client) -> None:
    """`include_reasoning` is true by default."""
    assert message(ask(http, model=OSS))["reasoning"].strip()
    assert "reasoning" not in message(ask(http, model=OSS, include_reasoning=False))


def test_effort_none_does_not_reason(http: httpx.Client) -> None:
    reply = ask(http, model=QWEN, reasoning_effort="none")
    assert "reasoning" not in message(reply)
    details = reply.json()["usage"].get("completion_tokens_details", {})
    assert details.get("reasoning_tokens", 0) == 0


def test_reasoning_streams_before_the_answer(http: httpx.Client) -> None:
    """In deltas of its own."""
    reply = ask(http, model=OSS, stream=True)
    chunks = [json.loads(line[6:]) for line in reply.text.splitlines() if line[6:7] == "{"]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    kinds = ["r" if delta.get("reasoning") else "c" for delta in deltas if any(delta.values())]
    order = "".join(kinds).lstrip("c")
    assert "r" in order
    assert "rc" in order
    assert "cr" not in order


def test_models_that_do_not_reason_have_no_reasoning(http: httpx.Client) -> None:
    assert "reasoning" not in message(ask(http, model=LLAMA))


@pytest.mark.parametrize(
    "changes",
    [
        {"model": QWEN, "reasoning_format": "parsed", "include_reasoning": True},
        {"model": QWEN, "reasoning_format": "raw", "response_format": {"type": "json_object"}},
        {"model": QWEN, "reasoning_effort": "high"},
        {"model": OSS, "reasoning_effort": "none"},
        {"model": OSS, "reasoning_format": "parsed"},
        {"model": LLAMA, "reasoning_effort": "low"},
        {"model": QWEN, "reasoning_format": "loud"},
    ],
)
def test_what_excludes_each_other_is_a_400(http: httpx.Client, changes: dict[str, Any]) -> None:
    """As documented for each model."""
    reply = ask(http, **changes)
    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "invalid_request_error"
