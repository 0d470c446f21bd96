"""Answers of every kind, all of whose text is one given hostile text."""

from __future__ import annotations

import json
from typing import Any

from groqnb.render import failures, parts
from groqnb.render.html import page
from groqnb.render.message import answer_bundle
from groqnb.types.answer import Answer
from groqnb.types.chat import ExecutedTool, ToolCall, UsageBreakdown
from groqnb.types.errors import APIStatusError

from .kinds import tiny_png

__all__ = ["TRICKS", "hostile_answers", "hostile_bundles"]

TRICKS = (
    "\u202eevil\u202c \u2066x\u2069 \x1b[31mred\x1b[0m\x1b]8;;https://evil.example\x07link\x1b]8;;\x07"
    " \x07\x08\x00 \ud800 \u200b\ufeff $x$ \\(y\\)"
)
"""Characters that turn letters around, command a terminal, or are halves of one."""


def _tool(text: str, **fields: Any) -> ExecutedTool:
    return ExecutedTool.model_validate({"type": text, "arguments": text, "output": text} | fields)


def hostile_answers(text: str) -> dict[str, Answer]:
    """One answer of every kind, by its name."""
    inner = {text: text, "list": [text, [text, {text: text}]], "rows": [{text: text}, {"a": text}]}
    arguments = json.dumps({"query": text, "url": text, "code": text, text: inner})
    pages = [
        {"title": text, "url": "javascript:window.hacked='card'", "content": text, "score": 1.0},
        {"title": text, "url": text, "content": text},
        {"title": "", "url": "https://127.0.0.1/" + text, "content": text},
        *({"title": text, "url": f"data:text/html,{number}"} for number in range(5)),
    ]
    images = [text, {"url": text, "description": text}, {"image_url": 7}, None, [text]]
    element = {"label": text, "group": text, "value": 1, "angle": 3, "points": [[text, text]]}
    charts = [
        {"type": kind, "title": text, "x_label": text, "y_label": text, "elements": [element]}
        for kind in ("bar", "pie", "line", "scatter", "box_and_whisker", text)
    ]
    results = [{"text": text, "png": text, "chart": chart} for chart in charts]
    results += [{"text": text, "png": tiny_png(), "chart": charts[0]}, {"png": [text]}]
    call = {"id": text, "function": {"name": text, "arguments": text}}
    json_call = {"id": text, "function": {"name": text, "arguments": arguments}}
    annotations = [
        text,
        {"type": text, text: {"url": text}},
        {"type": text, "url": "javascript:window.hacked='cited'", "title": text},
        {"type": "document_citation", "document_citation": {"document_id": text, "start_index": 0,
                                                            "end_index": 99}},
    ]  # fmt: skip
    usage = {"model": text, "usage": {}}
    asked = {"type": "json_object"}
    named: dict[str, Any] = {"model_asked": text, "model_answered": text, "where": "url"}
    named |= {"url": text, "finish_reason": text}
    return {
        "text": Answer(text=text, reasoning=text, refusal=text, **named),
        "tool calls": Answer(
            text=text,
            tool_calls=[ToolCall.model_validate(one) for one in (call, json_call)],
            messages=[
                {"role": "assistant", "tool_calls": [call, json_call]},
                {"role": "tool", "tool_call_id": text, "content": text},
                {"role": "tool", "tool_call_id": "?", "content": json.dumps(inner)},
            ],
        ),
        "tools": Answer(
            text=text,
            executed_tools=[
                _tool(text),
                _tool(text, arguments=arguments, browser_results=pages),
                _tool(text, type="visit", arguments=json.dumps({"url": text})),
                _tool(text, type="python", arguments=json.dumps({"code": text})),
                _tool(text, type="python", code_results=results),
                _tool(text, type="search", search_results={"results": pages, "images": images}),
            ],
        ),
        "json": Answer(text=json.dumps(inner), response_format=asked),
        "json rows": Answer(text=json.dumps([{text: text, "b": [text]}]), response_format=asked),
        "no json": Answer(text=text, response_format=asked),
        "notes": Answer(
            text=text,
            annotations=annotations,
            usage_breakdown=UsageBreakdown.model_validate({"models": [usage]}),
        ),
    }


def hostile_bundles(text: str) -> dict[str, dict[str, str]]:
    """What a cell would show of each, of its parts, and of an error."""
    answers = hostile_answers(text)
    bundles = {name: answer_bundle(answer, note=text) for name, answer in answers.items()}
    tools = answers["tools"]
    for part in (
        tools.executed_tools,
        tools.search_results,
        answers["tool calls"].tool_calls,
        answers["notes"].citations,
    ):
        bundles[type(part).__name__] = parts.part_bundle(part)
    error = APIStatusError(
        text * 20,
        status_code=400,
        body={"error": {"code": text, "failed_generation": text}},
        request_id=text,
    )
    bundles["error"] = {
        "text/html": page(failures.failure_details(error), *failures.failure_facts(error, text)),
        "text/plain": failures.short_message(error),
    }
    return bundles
