"""What streams bring beside text, and what a cell shows of values that are parts of an answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.formatters import DisplayFormatter

from groqnb.render import formatters
from groqnb.render.message import LiveView, live_footer
from groqnb.types.answer import Answer
from groqnb.types.answer_builder import AnswerBuilder
from groqnb.types.answer_of import answer_of, feed_event
from groqnb.types.chat import ChatCompletionChunk, ExecutedTool, Message
from groqnb.types.response_events import ResponseEvent

from .kinds import BREAKDOWN, CODE, KINDS, SEARCH, tiny_png


def chunk(delta: dict[str, Any], **fields: Any) -> ChatCompletionChunk:
    choices = [{"index": 0, "delta": delta}]
    return ChatCompletionChunk.model_validate({"id": "c", "choices": choices, **fields})


def test_a_tool_that_is_told_of_twice_is_one_tool_with_all_that_was_said() -> None:
    builder = AnswerBuilder(model="m")
    builder.feed(chunk({"executed_tools": [{"index": 0, "type": "python", "arguments": "{}"}]}))
    assert "…" in LiveView().html(builder.build(complete=False), live_footer("b"))
    builder.feed(chunk({"executed_tools": [{"index": 0, "type": "python", "output": "4"}]}))
    (tool,) = builder.build().executed_tools
    assert (tool.arguments, tool.output) == ("{}", "4")


def test_annotations_refusals_and_usage_by_model_come_in_pieces() -> None:
    builder = AnswerBuilder(model="m")
    cited = {"type": "url_citation", "url": "https://a.b"}
    for delta in ({"refusal": "I will "}, {"refusal": "not."}, {"annotations": [cited]}):
        builder.feed(chunk(delta))
    builder.feed(chunk({}, usage_breakdown=BREAKDOWN.model_dump()))
    answer = builder.build()
    assert answer.refusal == "I will not."
    assert [one.source for one in answer.citations] == ["https://a.b"]
    assert answer.usage_breakdown == BREAKDOWN


def test_json_is_a_table_while_it_still_grows() -> None:
    builder = AnswerBuilder(model="m", response_format={"type": "json_object"})
    view = LiveView()
    for piece in ('{"name": "T', 'ea", "min', 'utes": 5}'):
        builder.feed(chunk({"content": piece}))
        live = view.html(builder.build(complete=False), live_footer("b"))
        assert '<th scope="row">name</th>' in live
    assert builder.build().parsed == {"name": "Tea", "minutes": 5}


def test_a_large_picture_waits_for_the_end_of_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groqnb.render.tools._LIVE_PNG", 100)
    answer, view = Answer(text="x", executed_tools=[drawn()]), LiveView()
    live = view.html(answer, live_footer("b"))
    assert "<img" not in live
    assert "once the answer is complete" in live
    assert "<img" in view.answer(answer)


def drawn() -> ExecutedTool:
    fields = {"type": "python", "arguments": "{}", "code_results": [{"png": tiny_png()}]}
    return ExecutedTool.model_validate(fields)


def test_the_events_of_a_response_become_an_answer() -> None:
    item = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": ""}
    message = {"type": "message", "content": [{"type": "output_text", "text": "Hello"}]}
    response = {
        "id": "r",
        "model": "m",
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
        "output": [message],
        "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7},
    }
    events: list[dict[str, Any]] = [
        {"type": "response.reasoning_text.delta", "delta": "hm"},
        {"type": "response.output_text.delta", "delta": "Hel"},
        {"type": "response.output_text.delta", "delta": "lo"},
        {"type": "response.output_item.done", "output_index": 0, "item": message},
        {"type": "response.output_item.added", "output_index": 1, "item": item},
        {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": "{}"},
        {"type": "response.output_item.done", "output_index": 1, "item": item},
        {"type": "response.unheard_of", "delta": "?"},
        {"type": "response.incomplete", "response": response},
    ]
    builder = AnswerBuilder(model="asked")
    for event in events:
        feed_event(builder, ResponseEvent.model_validate(event))
    answer = builder.build()
    assert (answer.text, answer.reasoning, answer.finish_reason) == ("Hello", "hm", "length")
    assert [(c.function.name, c.function.arguments) for c in answer.tool_calls] == [("f", "{}")]
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 4
    assert answer.model_answered == "m"


MESSAGE = Message.model_validate({"content": "Hi"})
VALUES: dict[str, tuple[Any, str]] = {
    "message": (MESSAGE, "<p>Hi</p>"),
    "executed tool": (CODE, "Ran Python"),
    "executed tools": (KINDS["search"].executed_tools, "Searched"),
    "found pages": (KINDS["search"].search_results, 'href="https://groq.com/articles/0"'),
    "search results": (SEARCH.search_results, "1 image found"),
    "tool calls": (KINDS["tool_calls"].tool_calls, "<code>get_weather</code>"),
    "tool call": (KINDS["tool_calls"].tool_calls[0], "<code>get_weather</code>"),
    "citations": (KINDS["citations"].citations, "physics-1"),
    "verdict": (KINDS["guard_unsafe"].verdict, "S9 Indiscriminate Weapons"),
    "usage": (BREAKDOWN, "Tokens of 2 models"),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_part_as_the_value_of_a_cell_is_shown_as_in_its_answer(name: str) -> None:
    shell = SimpleNamespace(display_formatter=DisplayFormatter())
    formatters.register(shell)
    value, shown = VALUES[name]
    data, _ = shell.display_formatter.format(value)
    assert shown in data["text/html"]
    assert " object at 0x" not in data["text/plain"]
    formatters.unregister(shell)
    assert "text/html" not in shell.display_formatter.format(value)[0]


def test_an_empty_list_of_an_answer_looks_empty() -> None:
    shell = SimpleNamespace(display_formatter=DisplayFormatter())
    formatters.register(shell)
    data, _ = shell.display_formatter.format(answer_of(MESSAGE).search_results)
    assert data == {"text/plain": "[]"}
