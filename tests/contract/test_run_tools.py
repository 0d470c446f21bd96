"""The loop around tools, whole: our client, the real engine, real functions."""

from __future__ import annotations

from typing import Any

import groqnb
from groqnb import Groq
from groqnb.tools.results import text_of

MODEL = "llama-3.1-8b-instant"


def test_a_function_is_called_and_its_result_is_taken(engine: Any) -> None:
    """Every message of the loop is one that the API accepts."""
    called: list[str] = []

    def price(article: str) -> dict[str, Any]:
        """The price of an article of the shop, in euros."""
        called.append(article)
        return {"article": article, "EUR": 24.5}

    client = Groq(base_url=engine.base_url, api_key=engine.api_key, timeout=240)
    run = groqnb.run_tools(
        client,
        model=MODEL,
        messages="What is the price of a tyre?",
        tools=[price],
        tool_choice="required",
        temperature=0,
        max_completion_tokens=60,
        rounds=3,
    )
    assert called
    assert run.steps[0].result == text_of({"article": called[0], "EUR": 24.5})
    assert run.rounds >= 2
    assert [message["role"] for message in run.messages][:3] == ["user", "assistant", "tool"]
