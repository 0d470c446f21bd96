"""Code that the engine runs for a model: executed_tools, whole and streamed, and its failures."""

from __future__ import annotations

import base64
import json
from typing import Any

import groq
import httpx
import pytest

OSS = "openai/gpt-oss-20b"
TOOLS: list[Any] = [{"type": "code_interpreter"}]
CHART = (
    "```python\nimport matplotlib.pyplot as plt\nplt.bar(['a', 'b'], [1, 2])\nplt.title('T')\n"
    "plt.show()\nprint(1312 * 3333)\n```"
)


@pytest.fixture(autouse=True)
def _shut_in(http: httpx.Client) -> None:
    """Where the host does not let code be shut in, a 501 says so."""
    reply = http.post("/chat/completions", json=_body("`print(1)`"))
    if reply.status_code == 501:
        assert reply.json()["error"]["code"] == "code_execution_unavailable"
        pytest.skip(reply.json()["error"]["message"])


def _body(text: str, model: str = OSS, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    tools = {"tools": TOOLS, "tool_choice": "required"} if model == OSS else {}
    return {"model": model, "messages": messages, "max_tokens": 48, "seed": 1, **tools, **more}


def ask(http: httpx.Client, text: str, model: str = OSS, **more: Any) -> dict[str, Any]:
    reply = http.post("/chat/completions", json=_body(text, model, **more))
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def test_the_official_client_sees_code_and_its_results(groq_client: groq.Groq) -> None:
    """Text, a picture, and the chart's data."""
    reply = groq_client.chat.completions.create(**_body(CHART))
    message = reply.choices[0].message
    assert message.executed_tools
    (tool,) = message.executed_tools
    assert (tool.index, tool.type) == (0, "python")
    assert "1312 * 3333" in json.loads(tool.arguments)["code"]
    assert "4372896" in (tool.output or "")
    assert tool.code_results
    text, figure = tool.code_results
    assert text.text == "4372896"
    assert base64.b64decode(figure.png or "").startswith(b"\x89PNG")
    assert figure.chart is not None
    assert (figure.chart.type, figure.chart.title) == ("bar", "T")
    assert message.content
    assert "4372896" in (message.reasoning or "")


def test_a_stream_brings_it_before_the_answer(groq_client: groq.Groq) -> None:
    """As a delta of its own, whole."""
    kinds = []
    for chunk in groq_client.chat.completions.create(**_body("`print(6 * 7)`"), stream=True):
        for choice in chunk.choices:
            kinds += ["text"] if choice.delta.content else []
            for tool in choice.delta.executed_tools or ():
                assert tool.output == "42"
                kinds.append("tool")
    assert kinds[0] == "tool"
    assert set(kinds[1:]) == {"text"}


@pytest.mark.parametrize("model", ["groq/compound", "groq/compound-mini"])
def test_compound_runs_code_by_itself(http: httpx.Client, model: str) -> None:
    """Its usage counts every pass, and is broken down by model."""
    reply = ask(http, "`print(6 * 7)`", model)
    (tool,) = reply["choices"][0]["message"]["executed_tools"]
    assert tool["output"] == "42"
    (part,) = reply["usage_breakdown"]["models"]
    assert part["usage"] == reply["usage"]


def test_code_runs_only_where_it_is_enabled(http: httpx.Client) -> None:
    """By `enabled_tools` for Compound, by `tool_choice` for gpt-oss."""
    custom = {"tools": {"enabled_tools": []}}
    reply = ask(http, "`print(6 * 7)`", "groq/compound", compound_custom=custom)
    assert "executed_tools" not in reply["choices"][0]["message"]
    reply = ask(http, "`print(6 * 7)`", tool_choice="none")
    assert "executed_tools" not in reply["choices"][0]["message"]


def test_the_reasoning_is_hidden_where_that_is_asked_for(http: httpx.Client) -> None:
    """What was run is still listed."""
    reply = ask(http, "`print(6 * 7)`", include_reasoning=False)
    message = reply["choices"][0]["message"]
    assert "reasoning" not in message
    assert message["executed_tools"][0]["output"] == "42"
