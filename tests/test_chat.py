"""Chat completions: what is sent, and what the documentation's examples become."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from typing import Any

import httpx
import pydantic
import pytest
from both_worlds import MESSAGES, MODEL, World, answering, both, completion
from pydantic_core import ValidationError

from groqnb import AsyncGroq, Groq
from groqnb.types.base import Model
from groqnb.types.chat import ChatCompletion, ChatCompletionChunk, Message, Usage

# The documentation's examples, with their long texts shortened.
EXAMPLES: dict[str, dict[str, Any]] = {
    "libraries": {
        "id": "34a9110d-c39d-423b-9ab9-9c748747b204",
        "object": "chat.completion",
        "created": 1708045122,
        "model": "mixtral-8x7b-32768",
        "system_fingerprint": "fp_dbffcd8265",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Low latency, 推动语言模型"},
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "usage": {
            "prompt_tokens": 24,
            "completion_tokens": 377,
            "total_tokens": 401,
            "prompt_time": 0.009,
            "completion_time": 0.774,
            "total_time": 0.783,
        },
        "x_groq": {"id": "req_01htzpsmfnew5b4rbmbjy2kv74"},
    },
    "reference": {
        "id": "chatcmpl-f51b2cd2-bef7-417e-964e-a08f0b513c22",
        "object": "chat.completion",
        "created": 1730241104,
        "model": "openai/gpt-oss-20b",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Fast"},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "queue_time": 0.037493756,
            "prompt_tokens": 18,
            "prompt_time": 0.000680594,
            "completion_tokens": 556,
            "completion_time": 0.463333333,
            "total_tokens": 574,
            "total_time": 0.464013927,
        },
        "system_fingerprint": "fp_179b0f92c9",
        "x_groq": {"id": "req_0ijbd6g2qdfw2adyrt2az8hz4w"},
    },
    "tool call": {
        "id": "chatcmpl-2",
        "object": "chat.completion",
        "created": 1,
        "model": "llama-3.3-70b-versatile",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "tool_calls": [
                        {
                            "id": "call_d5wg",
                            "type": "function",
                            "function": {
                                "name": "get_weather",
                                "arguments": '{"location": "New York, NY"}',
                            },
                        }
                    ],
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
            }
        ],
    },
    "compound": {
        "id": "chatcmpl-3",
        "object": "chat.completion",
        "created": 1,
        "model": "groq/compound",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Done",
                    "reasoning": "I search.",
                    "executed_tools": [
                        {
                            "index": 0,
                            "type": "search",
                            "arguments": '{"query": "x"}',
                            "output": "Title: x",
                            "search_results": {
                                "results": [
                                    {
                                        "title": "x",
                                        "url": "https://x",
                                        "content": "y",
                                        "score": 0.8,
                                    }
                                ],
                                "images": [],
                            },
                        },
                        {
                            "index": 1,
                            "type": "python",
                            "arguments": '{"code": "1+1"}',
                            "output": "2",
                            "code_results": [
                                {"text": "2", "chart": {"type": "line", "elements": []}}
                            ],
                        },
                    ],
                },
                "finish_reason": "stop",
            }
        ],
        "usage_breakdown": {
            "models": [
                {
                    "model": "openai/gpt-oss-120b",
                    "usage": {
                        "queue_time": 0.019125835,
                        "prompt_tokens": 903,
                        "prompt_time": 0.033082052,
                        "completion_tokens": 873,
                        "completion_time": 1.776467372,
                        "total_tokens": 1776,
                        "total_time": 1.809549424,
                    },
                }
            ]
        },
    },
}

# Inventory of the reference's request body; `model`, `messages` and `stream` beside it.
REFERENCE = """
    compound_custom disable_tool_validation documents exclude_domains exclude_instance_ids
    frequency_penalty function_call functions include_domains include_reasoning logit_bias
    logprobs max_completion_tokens max_tokens metadata n parallel_tool_calls presence_penalty
    reasoning_effort reasoning_format response_format search_settings seed service_tier stop
    store stream_options temperature tool_choice tools top_logprobs top_p user
"""


def extras(value: Any) -> list[str]:
    """Names of all fields, at any depth, that no class knows."""
    if isinstance(value, Model):
        own = [f"{type(value).__name__}.{name}" for name in value.model_extra]
        return own + [name for part in vars(value).values() for name in extras(part)]
    if isinstance(value, list):
        return [name for part in value for name in extras(part)]
    return []


@pytest.mark.parametrize("name", EXAMPLES)
@both
def test_the_documentation_s_examples_are_fully_typed_and_come_back_whole(
    world: World, name: str
) -> None:
    example = EXAMPLES[name]
    client = world.client(transport=answering(httpx.Response(200, json=example)))
    reply = world.ask(client)
    assert extras(reply) == []
    assert reply.model_dump(exclude_unset=True) == example
    assert json.loads(reply.model_dump_json(exclude_none=True))["id"] == example["id"]
    if "x_groq" in example:
        assert reply.request_id == example["x_groq"]["id"]


def test_unknown_fields_survive_in_both_directions() -> None:
    reply = ChatCompletion.model_validate(
        completion() | {"novel": {"a": [1]}, "choices": [{"message": {"annotations": [7]}}]}
    )
    assert reply.novel == {"a": [1]}
    assert reply.choices[0].message.annotations == [7]
    assert "novel" in dir(reply)
    assert "novel={'a': [1]}" in repr(reply)
    assert reply.model_dump()["novel"] == {"a": [1]}
    seen: list[httpx.Request] = []
    client = World("sync").client(
        transport=answering(httpx.Response(200, json=completion()), seen=seen)
    )
    World("sync").ask(client, extra_body={"novel": 1, "seed": 9}, seed=3)
    sent = json.loads(seen[0].content)
    assert (sent["novel"], sent["seed"]) == (1, 9)


def test_a_reply_s_message_goes_back_as_it_came() -> None:
    seen: list[httpx.Request] = []
    client = World("sync").client(
        transport=answering(httpx.Response(200, json=EXAMPLES["tool call"]), seen=seen)
    )
    message = World("sync").ask(client).choices[0].message
    World("sync").ask(client, messages=iter([*MESSAGES, message]))
    assert (
        json.loads(seen[1].content)["messages"][1]
        == (EXAMPLES["tool call"]["choices"][0]["message"])
    )


@both
def test_parameters_are_sent_as_given_and_none_is_not_sent(world: World) -> None:
    seen: list[httpx.Request] = []
    client = world.client(transport=answering(httpx.Response(200, json=completion()), seen=seen))
    tools = ({"type": "function", "function": {"name": name}} for name in "ab")
    world.ask(client, tools=tools, stop="x", top_p=None, service_tier="flex", stream=None)
    assert json.loads(seen[0].content) == {
        "model": MODEL,
        "messages": MESSAGES,
        "tools": [{"type": "function", "function": {"name": name}} for name in "ab"],
        "stop": "x",
        "service_tier": "flex",
    }


@pytest.mark.parametrize("client", [Groq, AsyncGroq])
def test_every_parameter_of_the_reference_is_in_the_signature(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "k")
    shown = inspect.signature(client().chat.completions.create).parameters
    assert set(shown) == (
        {
            *REFERENCE.split(),
            "model",
            "messages",
            "stream",
            "extra_body",
            "extra_headers",
            "timeout",
        }
    )
    assert {"api_key", "base_url", "where", "max_wait"} <= set(inspect.signature(client).parameters)


@pytest.mark.parametrize("typed", ["temp", "reasoning_f", "max_c"])
def test_completion_in_a_notebook_offers_parameters(
    typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from IPython.core.completer import provisionalcompleter
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.setenv("GROQ_API_KEY", "k")
    shell = InteractiveShell()
    shell.user_ns["client"] = Groq()
    text = f"client.chat.completions.create({typed}"
    with provisionalcompleter():
        offered = [one.text for one in shell.Completer.completions(text, len(text))]
    assert any(one.startswith(typed) and one.endswith("=") for one in offered)


def test_models_behave_as_values() -> None:
    usage = Usage(prompt_tokens=1, completion_tokens=2, total_tokens=3)
    assert usage == copy.deepcopy(usage) == pickle.loads(pickle.dumps(usage))
    assert usage != Usage()
    assert usage != {"prompt_tokens": 1}
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = usage.nope
    with pytest.raises(ValidationError):
        Usage(prompt_tokens="many")
    with pytest.raises(ValueError, match="choices"):
        ChatCompletionChunk.model_validate_json(b"{}")


def test_pydantic_takes_them_as_fields_of_its_own_models() -> None:
    class Row(pydantic.BaseModel):
        message: Message

    row = Row(message={"content": "x", "novel": 1})  # type: ignore[arg-type]
    assert isinstance(row.message, Message)
    assert row.message.novel == 1


def test_pickled_replies_keep_their_headers() -> None:
    reply = httpx.Response(200, json=completion(), headers={"x-request-id": "req_5"})
    answer = World("sync").ask(World("sync").client(transport=answering(reply)))
    again = pickle.loads(pickle.dumps(answer))
    assert again == answer
    assert again.request_id == "req_5"
