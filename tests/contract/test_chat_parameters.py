"""Chat parameters that no other test sends wrong, and those whose edge is a number."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.engine

MODEL = "llama-3.3-70b-versatile"
HELLO = [{"role": "user", "content": "Hello"}]


def function(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"exclude_domains": "a.com"}, "exclude_domains"),
        ({"include_domains": [1]}, "include_domains[0]"),
        ({"exclude_instance_ids": 5}, "exclude_instance_ids"),
        ({"tools": [function(f"f{i}") for i in range(129)]}, "tools"),
        ({"functions": [{"name": f"f{i}"} for i in range(129)]}, "functions"),
        ({"tools": [function("f" * 65)]}, "tools[0].function.name"),
        ({"tools": [function("two words")]}, "tools[0].function.name"),
        ({"tools": [function("f")], "tool_choice": "perhaps"}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"parallel_tool_calls": "yes"}, "parallel_tool_calls"),
        ({"disable_tool_validation": 1}, "disable_tool_validation"),
        ({"include_reasoning": "no"}, "include_reasoning"),
        ({"reasoning_effort": "huge"}, "reasoning_effort"),
        ({"reasoning_format": "loud"}, "reasoning_format"),
        ({"store": "yes"}, "store"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a" * 65}}}, None),
    ],
)
def test_a_wrong_value_is_a_400_that_names_the_parameter(
    http: httpx.Client, changes: dict[str, Any], param: str | None
) -> None:
    """Each is refused before anything is generated."""
    reply = http.post(
        "/chat/completions", json={"model": MODEL, "messages": HELLO, "max_tokens": 1, **changes}
    )
    assert reply.status_code == 400, reply.text
    named = reply.json()["error"]["param"]
    assert named == param if param else named.startswith("response_format")
