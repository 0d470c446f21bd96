"""What the migration check says of a call is what the engine makes of it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from groqnb import patterns
from groqnb.migration import check_call

MODEL = "llama-3.1-8b-instant"
HELLO = {"role": "user", "content": "Hello"}

THINKS = "openai/gpt-oss-20b"
NAMED = {"type": "function", "name": "look"}
FUNCTION = {**NAMED, "parameters": {"type": "object", "properties": {}}}

REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("model", {"model": "gpt-4o"}),
    ("model", {"model": "claude-3-5-sonnet"}),
    ("model", {"model": "llama-3.3-70b"}),
    ("logprobs", {"logprobs": True}),
    ("top_logprobs", {"top_logprobs": 2}),
    ("logit_bias", {"logit_bias": {"50256": -100}}),
    ("n", {"n": 3}),
    ("modalities", {"modalities": ["text", "audio"]}),
    ("web_search_options", {"web_search_options": {}, "prediction": {"type": "content"}}),
    ("service_tier", {"service_tier": "priority"}),
    ("messages[0].name", {"messages": [{**HELLO, "name": "Ada"}]}),
    (
        "messages[0].content[0]",
        {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
    ),
    ("temperature", {"temperature": 3}),
    ("stop", {"stop": ["a", "b", "c", "d", "e"]}),
    (
        "response_format",
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}},
    ),
    (
        "stream",
        {
            "model": "openai/gpt-oss-20b",
            "stream": True,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "a", "schema": {"type": "object", "properties": {}}},
            },
        },
    ),
    ("tools[0]", {"tools": [{"type": "file_search", "vector_store_ids": ["x"]}]}),
    ("tools[0]", {"tools": [{"type": "custom", "custom": {"name": "x"}}]}),
    (
        "tool_choice",
        {
            "tools": [{"type": "function", "function": {"name": "look"}}],
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [NAMED]},
            },
        },
    ),
    ("messages", {"messages": []}),
    ("reasoning_effort", {"model": "openai/gpt-oss-20b", "reasoning_effort": "minimal"}),
    ("reasoning_effort", {"model": "qwen/qwen3-32b", "reasoning_effort": "low"}),
    ("reasoning_effort", {"reasoning_effort": "low"}),
    (
        "messages[0].content[0]",
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
                    ],
                }
            ]
        },
    ),
]


def call(changes: dict[str, Any]) -> dict[str, Any]:
    return {"model": MODEL, "messages": [HELLO], "max_completion_tokens": 3, **changes}


@pytest.mark.parametrize(("place", "changes"), REFUSED)
def test_what_is_said_to_be_refused_is_refused(
    http: httpx.Client, place: str, changes: dict[str, Any]
) -> None:
    """The check finds the place, and the engine answers with a 4xx."""
    found = check_call(call(changes))
    assert found.refused
    first = next(each for each in found if each.effect == "refused")
    assert first.place == place or place in [each.place for each in found]
    assert first.instead or first.what
    assert 400 <= http.post("/chat/completions", json=call(changes)).status_code < 500


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"temperature": 0},
        {"max_tokens": 3, "max_completion_tokens": None},
        {"messages": patterns.primed("a clerk", ["Be brief."], "Hello")},
        {"messages": [{"role": "developer", "content": "Be brief."}, HELLO]},
        {"store": False, "user": "me", "seed": 1, "top_p": 0.9},
        {"metadata": {"shop": "bicycles"}},
        {"model": "openai/gpt-oss-20b", "reasoning_effort": "low"},
    ],
    ids=str,
)
def test_what_is_not_said_to_be_refused_is_answered(
    http: httpx.Client, changes: dict[str, Any]
) -> None:
    """No false alarm: changes and advice are no refusals."""
    assert not check_call(call(changes)).refused
    body = {key: value for key, value in call(changes).items() if value is not None}
    reply = http.post("/chat/completions", json=body)
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize(
    ("place", "changes"),
    [
        ("previous_response_id", {"previous_response_id": "resp_1"}),
        ("store", {"store": True}),
        ("include", {"include": ["file_search_call.results"]}),
        ("safety_identifier", {"safety_identifier": "x"}),
        ("background", {"background": True}),
        ("conversation", {"conversation": "conv_1"}),
        ("max_tokens", {"max_tokens": 3}),
        ("prompt_cache_retention", {"prompt_cache_retention": "24h"}),
        ("tools[0]", {"tools": [{"type": "apply_patch"}]}),
        ("service_tier", {"service_tier": "priority"}),
        ("reasoning.effort", {"reasoning": {"effort": "low"}}),
        ("reasoning.summary", {"model": THINKS, "reasoning": {"summary": "auto"}}),
        ("text.verbosity", {"text": {"format": {"type": "text"}, "verbosity": "low"}}),
        (
            "tool_choice",
            {
                "tools": [FUNCTION],
                "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [NAMED]},
            },
        ),
    ],
    ids=str,
)
def test_responses_are_checked_too(http: httpx.Client, place: str, changes: dict[str, Any]) -> None:
    """What is stored, or goes on from what is stored, there is not."""
    body = {"model": MODEL, "input": "Hello", "max_output_tokens": 16, **changes}
    assert [each.place for each in check_call(body) if each.effect == "refused"] == [place]
    assert 400 <= http.post("/responses", json=body).status_code < 500


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"include": [], "background": False, "store": False, "previous_response_id": None},
        {"truncation": "auto"},
        {"truncation": "disabled", "text": {"format": {"type": "text"}, "verbosity": None}},
        {"model": THINKS, "reasoning": {"effort": "low", "summary": None}},
        {"tools": [FUNCTION], "tool_choice": NAMED},
    ],
    ids=str,
)
def test_responses_that_ask_for_nothing_special_are_answered(
    http: httpx.Client, changes: dict[str, Any]
) -> None:
    """What OpenAI's package sends of itself is no refusal."""
    body = {"model": MODEL, "input": "Hello", "max_output_tokens": 16, **changes}
    assert not check_call(body).refused
    reply = http.post("/responses", json=body)
    assert reply.status_code == 200, reply.text


def test_subtitles_are_no_format_of_transcriptions() -> None:
    """And what makes them is named."""
    (found,) = check_call(model="whisper-large-v3", file=b"x", response_format="srt")
    assert found.place == "response_format"
    assert "to_srt" in found.instead


def test_other_words_and_advice_come_after_the_refusals() -> None:
    """The table has a row for each; a known name is offered for a model."""
    found = check_call(model="llama-3.3-70b", messages=[HELLO], functions=[{}], n=2, max_tokens=5)
    assert [each.effect for each in found] == [
        "refused",
        "refused",
        "changed",
        "changed",
        "advice",
        "advice",
    ]
    assert "llama-3.3-70b-versatile" in found[0].instead
    frame = found.to_frame()
    assert frame["place"].tolist()[:2] == ["model", "n"]
    assert "gpt-oss-120b" in check_call(model="gpt-4o", messages=[HELLO])[0].instead
    assert "8b" in check_call(model="gpt-4o-mini", messages=[HELLO])[0].instead
