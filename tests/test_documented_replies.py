"""What the documentation shows as a reply is typed, part by part, and kept whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from both_worlds import World, answering, completion

from groqnb.types.batches import Batch
from groqnb.types.chat import ChatCompletion

Look = Callable[[ChatCompletion], object]

SEARCH = {"title": "Groq", "url": "https://groq.com", "content": "LPU", "score": 0.9}
CHART = {
    "type": "bar",
    "title": "t",
    "x_label": "x",
    "x_unit": "m",
    "y_scale": "linear",
    "elements": [{"label": "a", "group": "g", "value": 1.5}],
}
KINDS = ["bar", "box_and_whisker", "line", "pie", "scatter", "superchart", "unknown"]


def said(**message: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    return completion(choices=[choice])


def ran(kind: str, **more: Any) -> dict[str, Any]:
    return said(executed_tools=[{"index": 0, "type": kind, "arguments": "{}", **more}])


def tool(reply: ChatCompletion) -> Any:
    assert reply.choices[0].message.executed_tools
    return reply.choices[0].message.executed_tools[0]


REPLIES: dict[str, tuple[dict[str, Any], Look, object]] = {
    "parsed reasoning": (
        said(content="Yes", reasoning="7 is prime"),
        lambda r: (r.choices[0].message.reasoning, r.choices[0].message.content),
        ("7 is prime", "Yes"),
    ),
    "raw reasoning": (
        said(content="<think>7</think>Yes"),
        lambda r: (r.choices[0].message.reasoning, r.choices[0].message.content),
        (None, "<think>7</think>Yes"),
    ),
    "choices": (
        completion(choices=[{"index": 0, "message": {}, "finish_reason": "length"}]),
        lambda r: (r.choices[0].index, r.choices[0].finish_reason, r.choices[0].logprobs),
        (0, "length", None),
    ),
    "older function call": (
        said(function_call={"name": "f", "arguments": "{}"}),
        lambda r: r.choices[0].message.function_call and r.choices[0].message.function_call.name,
        "f",
    ),
    "executed_tools": (
        ran("python", output="2"),
        lambda r: (tool(r).index, tool(r).type, tool(r).arguments, tool(r).output),
        (0, "python", "{}", "2"),
    ),
    "search_results": (
        ran("search", search_results={"results": [SEARCH], "images": ["https://a/b.png"]}),
        lambda r: (
            tool(r).search_results.results[0].title,
            tool(r).search_results.results[0].score,
            tool(r).search_results.images,
        ),
        ("Groq", 0.9, ["https://a/b.png"]),
    ),
    "code_results": (
        ran("python", code_results=[{"text": "2", "png": "iVBO", "chart": CHART}]),
        lambda r: (tool(r).code_results[0].text, tool(r).code_results[0].png),
        ("2", "iVBO"),
    ),
    **{
        f"executed {name}": (ran(name), lambda r: tool(r).type, name)
        for name in ("browser_automation", "wolfram", "visit")
    },
    "completion_tokens_details": (
        completion(usage={"completion_tokens_details": {"reasoning_tokens": 7}}),
        lambda r: r.usage and r.usage.completion_tokens_details,
        {"reasoning_tokens": 7},
    ),
    "cached_tokens": (
        completion(usage={"prompt_tokens_details": {"cached_tokens": 128}}),
        lambda r: r.usage and r.usage.prompt_tokens_details,
        {"cached_tokens": 128},
    ),
    "guard": (said(content="unsafe\nS2"), lambda r: r.choices[0].message.content, "unsafe\nS2"),
    "service_tier": (completion(service_tier="flex"), lambda r: r.service_tier, "flex"),
}


@pytest.mark.parametrize("name", REPLIES)
def test_a_documented_reply_is_typed_and_kept_whole(name: str) -> None:
    body, look, expected = REPLIES[name]
    client = World("sync").client(transport=answering(httpx.Response(200, json=body)))
    reply = World("sync").ask(client)
    assert look(reply) == expected
    assert reply.model_dump(exclude_unset=True) == body


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_chart_is_kept_with_its_elements(kind: str) -> None:
    """All seven that the reference names."""
    body = ran("python", code_results=[{"chart": {**CHART, "type": kind}}])
    reply = ChatCompletion.model_validate(body)
    assert tool(reply).code_results[0].chart["elements"] == CHART["elements"]
    assert tool(reply).code_results[0].chart["type"] == kind


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        ("validating", False),
        ("failed", True),
        ("in_progress", False),
        ("finalizing", False),
        ("completed", True),
        ("expired", True),
        ("cancelling", False),
        ("cancelled", True),
    ],
)
def test_each_state_of_a_batch_is_told_and_whether_it_is_the_last(status: str, ended: bool) -> None:
    """All eight that the guide names."""
    batch = Batch.model_validate({"id": "batch_1", "status": status})
    assert (batch.status, batch.ended) == (status, ended)
