"""What the documentation shows as a request goes out as it is written there, part by part.

The client has no opinion on these parts: it must neither lose nor change them.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from both_worlds import World, answering, both, completion

ASK = {"role": "user", "content": "What is the weather in New York?"}
CALL = {
    "id": "call_d5wg",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"location": "New York, NY"}'},
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather in a city",
        "parameters": {"type": "object", "properties": {"location": {"type": "string"}}},
        "strict": False,
    },
}
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
INLINE = {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9j/4AAQ"}}
TREE = {
    "type": "object",
    "properties": {
        "kind": {"type": ["string", "null"], "enum": ["leaf", "node", None]},
        "item": {"anyOf": [{"$ref": "#/$defs/item"}, {"type": "null"}]},
        "children": {"type": "array", "items": {"$ref": "#"}},
    },
    "$defs": {"item": {"type": "object", "properties": {"n": {"type": "integer"}}}},
    "required": ["kind", "item", "children"],
    "additionalProperties": False,
}
SCHEMA = {"name": "tree", "description": "A tree", "schema": TREE, "strict": True}

REQUESTS: dict[str, dict[str, Any]] = {
    "system and developer": {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": "Be kind."},
            ASK,
        ]
    },
    "user": {"messages": [ASK]},
    "assistant": {"messages": [ASK, {"role": "assistant", "content": "x", "reasoning": "y"}, ASK]},
    "tool": {
        "messages": [
            ASK,
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "content": "20 °C", "tool_call_id": "call_d5wg"},
        ]
    },
    "function": {
        "messages": [
            ASK,
            {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": None},
        ]
    },
    "text part": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]},
    "image part": {"messages": [{"role": "user", "content": [PICTURE, INLINE]}]},
    "prefill": {"messages": [ASK, {"role": "assistant", "content": "```python"}], "stop": "```"},
    "function tool": {"tools": [WEATHER], "tool_choice": "required"},
    "named function": {
        "tools": [WEATHER],
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
    },
    "MCP": {
        "tools": [
            {
                "type": "mcp",
                "server_url": "https://mcp.example.com",
                "server_label": "docs",
                "headers": {"X-Team": "1"},
                "allowed_tools": [],
            }
        ]
    },
    "tool of a new type": {"tools": [{"type": "telepathy"}]},
    "built-in on gpt-oss": {
        "model": "openai/gpt-oss-20b",
        "tools": [{"type": "browser_search"}, {"type": "code_interpreter"}],
        "tool_choice": "required",
    },
    "parallel": {"tools": [WEATHER], "parallel_tool_calls": False},
    "text": {"response_format": {"type": "text"}},
    "json_object": {"response_format": {"type": "json_object"}},
    "json_schema": {"response_format": {"type": "json_schema", "json_schema": SCHEMA}},
    "reasoning formats": {"model": "qwen/qwen3-32b", "reasoning_format": "parsed"},
    "include_reasoning": {"model": "openai/gpt-oss-120b", "include_reasoning": False},
    "gpt-oss effort": {"model": "openai/gpt-oss-120b", "reasoning_effort": "low"},
    "qwen effort": {"model": "qwen/qwen3-32b", "reasoning_effort": "none"},
    "images with tools and JSON": {
        "messages": [{"role": "user", "content": [PICTURE] * 5}],
        "tools": [WEATHER],
        "response_format": {"type": "json_object"},
    },
    "compound": {
        "model": "groq/compound",
        "compound_custom": {
            "models": {"answering_model": "openai/gpt-oss-120b", "reasoning_model": None},
            "tools": {
                "enabled_tools": [
                    "web_search",
                    "visit_website",
                    "browser_automation",
                    "code_interpreter",
                    "wolfram_alpha",
                ],
                "wolfram_settings": {"authorization": "my-wolfram-key"},
            },
        },
    },
    "search domains": {
        "model": "groq/compound-mini",
        "search_settings": {
            "country": "germany",
            "include_domains": ["*.edu"],
            "exclude_domains": ["*.com"],
            "include_images": True,
        },
    },
    "documents": {"documents": [{"text": "The parcel is under the oak."}]},
    "flex": {"service_tier": "flex"},
    "LoRA": {"model": "ft:llama-3.1-8b-instant:org_01/mine-ef36419a0010"},
    "unsupported": {"logprobs": True, "top_logprobs": 2, "logit_bias": {"5": 1}},
    "name on a message": {"messages": [{**ASK, "name": "Ann"}]},
    "128 tools": {
        "tools": [{"type": "function", "function": {"name": f"f{i}"}} for i in range(128)]
    },
    "a name of 65 letters": {"tools": [{"type": "function", "function": {"name": "f" * 65}}]},
}


@both
@pytest.mark.parametrize("name", REQUESTS)
def test_a_documented_request_goes_out_as_it_is_written(world: World, name: str) -> None:
    """Nothing is lost, added, or put in another order."""
    seen: list[httpx.Request] = []
    client = world.client(transport=answering(httpx.Response(200, json=completion()), seen=seen))
    params: dict[str, Any] = {"model": "llama-3.3-70b-versatile", "messages": [ASK]}
    params |= REQUESTS[name]
    world.ask(client, **params)
    assert json.loads(seen[0].content) == params
    assert "°" not in json.dumps(params, ensure_ascii=False) or "°".encode() in seen[0].content


@both
def test_the_version_of_compound_goes_out_as_a_header(world: World) -> None:
    """Groq-Model-Version, as one of your own headers."""
    seen: list[httpx.Request] = []
    client = world.client(transport=answering(httpx.Response(200, json=completion()), seen=seen))
    world.ask(client, model="groq/compound", extra_headers={"Groq-Model-Version": "latest"})
    assert seen[0].headers["groq-model-version"] == "latest"


@both
def test_routing_headers_of_a_reply_are_kept(world: World) -> None:
    """`x-groq-region` and `cf-ray`, for a report of a slow answer."""
    told = {"x-groq-region": "us-east-1", "cf-ray": "8e1f-IAD", "x-request-id": "req_1"}
    reply = httpx.Response(200, json=completion(), headers=told)
    answer = world.ask(world.client(transport=answering(reply)))
    assert {name: answer.headers[name] for name in told} == told
    assert answer.request_id == "req_1"
