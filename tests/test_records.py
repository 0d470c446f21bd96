"""What comes with an answer is a list, and a table for the asking."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from groqnb.types.answer import Answer
from groqnb.types.answer_of import answer_of
from groqnb.types.chat import ChatCompletion, ExecutedTool, ToolCall, UsageBreakdown
from groqnb.types.records import Citation
from groqnb.types.responses import Response
from groqnb.types.verdict import Verdict, verdict_of

SEARCH = ExecutedTool.model_validate(
    {
        "type": "search",
        "arguments": '{"query": "tea"}',
        "search_results": {
            "results": [{"title": "Tea", "url": "https://a.b", "score": 0.5, "content": "leaves"}],
            "images": ["https://a.b/tea.png"],
        },
    }
)
CALL = ToolCall.model_validate(
    {"id": "c1", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
)


def test_search_results_are_a_table() -> None:
    answer = Answer(text="x", executed_tools=[SEARCH, SEARCH])
    frame = answer.search_results.to_frame()
    assert frame.to_dict("list") == {
        "title": ["Tea", "Tea"],
        "url": ["https://a.b"] * 2,
        "score": [0.5, 0.5],
        "content": ["leaves"] * 2,
    }
    assert answer.images == ["https://a.b/tea.png"] * 2
    assert SEARCH.search_results is not None
    assert SEARCH.search_results.to_frame().equals(frame.head(1))


def test_calls_of_tools_are_tables_with_their_arguments_as_dicts() -> None:
    answer = Answer(text="", tool_calls=[CALL], executed_tools=[SEARCH])
    assert answer.tool_calls.to_frame().to_dict("records") == [
        {"id": "c1", "name": "weather", "arguments": {"city": "Paris"}}
    ]
    (row,) = answer.executed_tools.to_frame().to_dict("records")
    assert (row["type"], row["arguments"], row["pages"], row["charts"]) == (
        "search", {"query": "tea"}, 1, 0,
    )  # fmt: skip


@pytest.mark.parametrize("broken", ["{", "[1]", "7", "", "[" * 100_000])
def test_arguments_that_are_no_object_stay_text(broken: str) -> None:
    call = ToolCall.model_validate({"id": "c", "function": {"name": "f", "arguments": broken}})
    assert Answer(text="", tool_calls=[call]).tool_calls.to_frame()["arguments"][0] == broken


def test_tables_without_rows_have_their_columns_and_types() -> None:
    answer = Answer(text="")
    assert list(answer.search_results.to_frame().columns) == ["title", "url", "score", "content"]
    assert answer.search_results.to_frame()["score"].dtype == "Float64"
    assert len(answer.tool_calls.to_frame()) == 0


def test_an_answer_with_everything_survives_a_pickle() -> None:
    answer = Answer(text="x", tool_calls=[CALL], executed_tools=[SEARCH])
    copy = pickle.loads(pickle.dumps(answer))
    assert copy == answer
    assert copy.executed_tools.to_frame().equals(answer.executed_tools.to_frame())


def test_usage_of_each_model_is_a_table() -> None:
    usage = {"prompt_tokens": 226, "completion_tokens": 16, "total_tokens": 242, "queue_time": 0.5}
    breakdown = UsageBreakdown.model_validate({"models": [{"model": "a", "usage": usage}]})
    (row,) = breakdown.to_frame().to_dict("records")
    assert (row["model"], row["prompt_tokens"], row["queue_time"]) == ("a", 226, 0.5)
    assert list(UsageBreakdown().to_frame().columns)[:2] == ["model", "prompt_tokens"]


@pytest.mark.parametrize(
    ("text", "parsed"),
    [('{"a": [1]}', {"a": [1]}), ("[]", []), ('{"a": ', None), ("x", None), ("[" * 99_999, None)],
)
def test_text_is_parsed_where_json_was_asked_for(text: str, parsed: Any) -> None:
    assert Answer(text=text, response_format={"type": "json_object"}).parsed == parsed
    assert Answer(text=text, response_format={"type": "json_schema"}).parsed == parsed
    assert Answer(text=text, response_format={"type": "text"}).parsed is None
    assert Answer(text=text).parsed is None


@pytest.mark.parametrize(
    ("annotation", "found"),
    [
        (
            {
                "type": "document_citation",
                "document_citation": {"document_id": "d1", "start_index": 4, "end_index": 8},
            },
            Citation("document", "d1", None, 4, 8, "blue"),
        ),
        (
            {"type": "function_citation", "function_citation": {"tool_call_id": "c1"}},
            Citation("function", "c1"),
        ),
        (
            {"type": "url_citation", "url": "https://a.b", "title": "A", "start_index": 0,
             "end_index": 3},
            Citation("url", "https://a.b", "A", 0, 3, "sky"),
        ),
        ({"type": "document_citation"}, None),
        ({"type": 7}, None),
        ("nonsense", None),
        (None, None),
    ],
)  # fmt: skip
def test_annotations_are_citations_of_passages(annotation: Any, found: Citation | None) -> None:
    answer = Answer(text="sky blue", annotations=[annotation])
    assert answer.citations == ([] if found is None else [found])
    assert len(answer.citations.to_frame()) == len(answer.citations)


@pytest.mark.parametrize(
    ("model", "text", "verdict"),
    [
        ("meta-llama/Llama-Guard-4-12B", "safe", Verdict(safe=True)),
        ("meta-llama/llama-guard-4-12b", "\n\nunsafe\nS2", Verdict(False, ("S2",))),
        ("meta-llama/llama-guard-4-12b", "unsafe\nS1,S14", Verdict(False, ("S1", "S14"))),
        ("meta-llama/llama-guard-4-12b", "unsafe", Verdict(False)),
        ("meta-llama/llama-guard-4-12b", "unsafe at any speed", None),
        ("meta-llama/llama-prompt-guard-2-22m", "0.9991", Verdict(False, score=0.9991)),
        ("meta-llama/llama-prompt-guard-2-86m", "3.2e-05", Verdict(True, score=3.2e-05)),
        ("meta-llama/llama-prompt-guard-2-86m", "0.00002", Verdict(True, score=0.00002)),
        ("meta-llama/llama-prompt-guard-2-86m", "MALICIOUS", Verdict(False)),
        ("meta-llama/llama-prompt-guard-2-86m", "1.7", None),
        ("llama-3.3-70b-versatile", "unsafe\nS2", None),
    ],
)
def test_guard_models_give_verdicts(model: str, text: str, verdict: Verdict | None) -> None:
    assert verdict_of(model, text) == verdict
    assert Answer(text=text, model_asked=model).verdict == verdict


def test_a_verdict_says_its_categories_by_name() -> None:
    told = str(verdict_of("llama-guard-4", "unsafe\nS2, S99"))
    assert told == "unsafe: S2 Non-Violent Crimes, S99"


def test_a_message_with_all_that_is_new_becomes_an_answer() -> None:
    message = {"content": None, "refusal": "I will not.", "annotations": "odd"}
    choices = [{"message": message, "finish_reason": "stop"}]
    reply = ChatCompletion.model_validate({"id": "c", "model": "m", "choices": choices})
    for source in (reply, reply.choices[0].message):
        answer = answer_of(source)
        assert (answer.text, answer.refusal, answer.annotations) == ("", "I will not.", [])


def test_a_response_becomes_an_answer() -> None:
    parts = [{"type": "output_text", "text": '{"a": 1}', "annotations": []}]
    output = [
        {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}]},
        {"type": "message", "content": parts},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "message", "content": [{"type": "refusal", "refusal": "no"}]},
    ]
    response = Response.model_validate(
        {
            "id": "r",
            "model": "m",
            "status": "completed",
            "output": output,
            "text": {"format": {"type": "json_schema"}},
            "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        }
    )
    answer = answer_of(response)
    assert (answer.reasoning, answer.parsed, answer.refusal) == ("hm", {"a": 1}, "no")
    assert [call.function.name for call in answer.tool_calls] == ["f"]
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 2
    assert answer.finish_reason == "tool_calls"
