"""Web search, browser search and visits, with the official `groq` package."""

from __future__ import annotations

import json

import groq
import pytest
from groq.types.chat import ChatCompletion

LATEST = {"Groq-Model-Version": "latest"}
QUESTION = "Search the web: how do I read a CSV file with pandas?"


def ask(client: groq.Groq, question: str = QUESTION, **options: object) -> ChatCompletion:
    """One question to Compound."""
    given = {"model": "groq/compound", "max_completion_tokens": 40, **options}
    messages = [{"role": "user", "content": question}]
    return client.chat.completions.create(messages=messages, **given)  # type: ignore[call-overload,no-any-return]


def searched(reply: ChatCompletion) -> groq.types.chat.chat_completion_message.ExecutedTool:
    """The one tool that was run."""
    tools = reply.choices[0].message.executed_tools
    assert tools is not None
    (tool,) = tools
    return tool


def test_a_search_brings_results_with_scores(groq_client: groq.Groq) -> None:
    tool = searched(ask(groq_client))
    assert tool.type == "search"
    assert json.loads(tool.arguments)["query"] == QUESTION
    assert tool.search_results is not None
    first = tool.search_results.results[0]
    assert first.url == "local://pandas.pydata.org/pandas/pandas.read_csv"
    assert all(0 < (each.score or 0) <= 1 for each in tool.search_results.results)
    assert "Not the web." in (tool.output or "")


@pytest.mark.parametrize(
    "options",
    [
        {"search_settings": {"exclude_domains": ["*.pydata.org"]}},
        {"search_settings": {"include_domains": ["numpy.org", "docs.python.org"]}},
        {"exclude_domains": ["pydata.org"]},
    ],
)
def test_search_settings_choose_domains(groq_client: groq.Groq, options: dict[str, object]) -> None:
    results = searched(ask(groq_client, extra_body=options)).search_results
    assert results is not None
    assert not any("pydata.org" in (each.url or "") for each in results.results)


def test_what_is_not_found_is_said_and_not_made_up(groq_client: groq.Groq) -> None:
    reply = ask(groq_client, "What is the weather in Tokyo today?")
    assert searched(reply).search_results is not None
    assert "does not reach the web" in (reply.choices[0].message.content or "")


def test_a_stream_tells_the_search_before_the_answer(groq_client: groq.Groq) -> None:
    chunks = list(ask(groq_client, stream=True))
    tools = [n for n, c in enumerate(chunks) if c.choices and c.choices[0].delta.executed_tools]  # type: ignore[attr-defined,misc]
    texts = [n for n, c in enumerate(chunks) if c.choices and c.choices[0].delta.content]  # type: ignore[attr-defined,misc]
    assert tools
    assert tools[0] < texts[0]


def test_browser_search_opens_the_best_page(groq_client: groq.Groq) -> None:
    tools = [{"type": "browser_search"}]
    model = "openai/gpt-oss-20b"
    reply = ask(groq_client, model=model, tools=tools, tool_choice="required")
    tool = searched(reply)
    assert tool.type == "browser_search"
    assert "Opened [0], local://pandas.pydata.org/pandas/pandas.read_csv" in (tool.output or "")


def test_browser_search_excludes_structured_outputs(groq_client: groq.Groq) -> None:
    schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    with pytest.raises(groq.BadRequestError, match="not supported with structured outputs"):
        ask(
            groq_client,
            model="openai/gpt-oss-20b",
            tools=[{"type": "browser_search"}],
            response_format=form,
        )


def test_a_page_of_the_corpus_is_visited_and_no_other(groq_client: groq.Groq) -> None:
    url = "local://numpy.org/numpy/numpy.linspace"
    tool = searched(ask(groq_client, f"Summarize {url}", extra_headers=LATEST))
    assert (tool.type, json.loads(tool.arguments)) == ("visit", {"url": url})
    assert "evenly spaced" in (tool.output or "")
    reply = ask(groq_client, "Summarize https://groq.com/blog/lpu", extra_headers=LATEST)
    assert "does not reach the web" in (reply.choices[0].message.content or "")
