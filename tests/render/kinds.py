"""One sample of every kind of thing that a cell can show."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

from groqnb.types.answer import Answer, Timing
from groqnb.types.answer_of import answer_of
from groqnb.types.chat import ChatCompletion, ExecutedTool, ToolCall, Usage, UsageBreakdown
from groqnb.types.responses import Response

__all__ = ["COUNTRIES", "KINDS", "SIZES", "tiny_png"]


def tiny_png(width: int = 120, height: int = 60) -> str:
    """A picture in base64: a slope on white."""
    rows = b"".join(
        b"\0" + bytes(40 if x * height > y * width else 255 for x in range(width))
        for y in range(height, 0, -1)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows, 9)), chunk(b"IEND", b"")]
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


def usual(text: str = "", **fields: Any) -> Answer:
    given = {
        "usage": Usage(prompt_tokens=120, completion_tokens=340, total_tokens=460),
        "timing": Timing(ttft=0.21, wall=1.4, tokens_per_second=285.0),
        "model_asked": "groq/compound",
        "model_answered": "groq/compound",
        "finish_reason": "stop",
    } | fields
    return Answer(text=text, **given)


def ran(**fields: Any) -> ExecutedTool:
    return ExecutedTool.model_validate(fields)


def called(name: str, arguments: str, id: str = "call_1") -> ToolCall:
    function = {"name": name, "arguments": arguments}
    return ToolCall.model_validate({"id": id, "function": function})


MARKDOWN = """## Why *speed* matters

A paragraph with **bold**, `code`, a [link](https://groq.com) and a formula $E = mc^2$.

- one
- two
  1. nested

> a quotation

| name | value |
|------|------:|
| a    |   1.5 |

```python
def mean(values: list[float]) -> float:
    return sum(values) / len(values)  # not for empty lists
```

مرحبا بالعالم، هذا نص عربي.
"""

PAGES = [
    {
        "title": title,
        "url": f"https://{host}/articles/{number}",
        "content": f"{title}: " + "what the page says about it, in a few words. " * 8,
        "score": round(0.97 - number * 0.07, 2),
    }
    for number, (title, host) in enumerate(
        [
            ("Inference at the speed of thought", "groq.com"),
            ("A history of compilers", "example.org"),
            ("Notebooks that answer", "jupyter.org"),
            ("Latency numbers every analyst should know", "example.net"),
            ("Tokens, explained", "docs.example.com"),
            ("The last page", "example.com"),
        ]
    )
]

SEARCH = ran(
    index=0,
    type="search",
    arguments='{"query": "fast inference news"}',
    output="Title: Inference at the speed of thought\nURL: https://groq.com/articles/0\n",
    search_results={"results": PAGES, "images": ["https://groq.com/chip.png"]},
)
VISIT = ran(
    index=1,
    type="visit",
    arguments='{"url": "https://groq.com/articles/0"}',
    output="Inference at the speed of thought\n\nThe page's text.\n" * 3,
)
CODE = ran(
    index=2,
    type="python",
    arguments='{"code": "import math\\n\\nprint(math.sqrt(101))\\nmath.pi"}',
    output="10.04987562112089\n",
    code_results=[{"text": "3.141592653589793"}],
)
DRAWN = ran(
    type="code_interpreter",
    arguments='{"code": "import matplotlib.pyplot as plt\\nplt.bar([\\"a\\", \\"b\\"], [3, 5])"}',
    output="<Figure size 640x480 with 1 Axes>",
    code_results=[
        {
            "png": tiny_png(),
            "chart": {
                "type": "bar",
                "title": "Sales",
                "x_label": "region",
                "y_label": "units",
                "elements": [
                    {"label": "a", "group": "2025", "value": 3},
                    {"label": "b", "group": "2025", "value": 5},
                ],
            },
        }
    ],
)
BROWSED = ran(
    type="browser_automation",
    arguments='{"task": "Compare the prices of three shops", "browsers": 3}',
    output="Shop A is the cheapest.",
    browser_results=[
        {"title": "Shop A", "url": "https://a.example/", "content": "Tea 3.20"},
        {"title": "Shop B", "url": "https://b.example/", "content": "Tea 3.90"},
    ],
)
WOLFRAM = ran(
    type="wolfram",
    arguments='{"query": "integrate x^2 from 0 to 3"}',
    output="Input: integral_0^3 x^2 dx\nResult: 9",
)
UNKNOWN = ran(
    type="teleport",
    arguments='{"to": {"city": "Paris", "zip": ["75001", "75002"]}, "speed": 9.5, "back": true}',
    output="Arrived.\n\x1b[32mdone\x1b[0m",
)

COUNTRIES = (
    '[{"country": "France", "capital": "Paris", "millions": 68.4, "languages": ["French"]},'
    ' {"country": "Switzerland", "capital": "Bern", "millions": 8.9,'
    ' "languages": ["German", "French", "Italian", "Romansh"]},'
    ' {"country": "Vatican City", "capital": null, "millions": 0.0008, "languages": []}]'
)
RECIPE = (
    '{"name": "Tea", "minutes": 5, "vegan": true, "note": null, "tags": ["hot", "quick"],'
    ' "steps": [{"do": "boil water", "minutes": 3}, {"do": "pour", "minutes": 0.5}],'
    ' "nutrition": {"kcal": 2, "per": {"amount": 100, "unit": "ml"}, "sources": [{"a": [1, 2]},'
    ' {"a": [3]}, {"a": [[4]]}, {"b": {"c": {"d": {"e": [1, 2, 3, 4, 5, 6, 7, 8]}}}}]}}'
)
JSON = {"type": "json_object"}

ASKED_TOOLS = [
    {"role": "user", "content": "Is it warmer in Paris or in Bern?"},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": "c1", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}},
            {"id": "c2", "function": {"name": "weather", "arguments": '{"city": "Bern"}'}},
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": '{"celsius": 21, "sky": "clear"}'},
    {"role": "tool", "tool_call_id": "c2", "content": "Error: no such station"},
    {"role": "assistant", "content": "In Paris it is 21 °C; Bern I cannot tell."},
]

CITED = "The sky is blue, and water boils at 100 °C."
ANNOTATIONS = [
    {
        "type": "document_citation",
        "document_citation": {"document_id": "physics-1", "start_index": 0, "end_index": 15},
    },
    {
        "type": "function_citation",
        "function_citation": {"tool_call_id": "call_7", "start_index": 21, "end_index": 43},
    },
    {"type": "url_citation", "url": "https://example.org/sky", "title": "Sky", "start_index": 4,
     "end_index": 7},
]  # fmt: skip

BREAKDOWN = UsageBreakdown.model_validate(
    {
        "models": [
            {
                "model": "llama-3.3-70b-versatile",
                "usage": {
                    "prompt_tokens": 226,
                    "completion_tokens": 16,
                    "total_tokens": 242,
                    "total_time": 0.0856,
                },
            },
            {
                "model": "openai/gpt-oss-120b",
                "usage": {
                    "prompt_tokens": 903,
                    "completion_tokens": 873,
                    "total_tokens": 1776,
                    "total_time": 1.8095,
                },
            },
        ]
    }
)


def from_completion() -> Answer:
    message = {
        "role": "assistant",
        "content": "<think>Two and two.</think>\n\nFour.",
        "refusal": None,
    }
    choice = {"index": 0, "message": message, "finish_reason": "length"}
    fields = {"id": "c", "model": "qwen/qwen3-32b", "choices": [choice]}
    return answer_of(ChatCompletion.model_validate(fields))


def from_response() -> Answer:
    annotation = {**ANNOTATIONS[2], "start_index": 0, "end_index": 5}
    content = [
        {"type": "output_text", "text": "Hello from a response.", "annotations": [annotation]}
    ]
    fields = {
        "id": "resp_1",
        "model": "openai/gpt-oss-20b",
        "status": "completed",
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Greet."}]},
            {"type": "message", "content": content},
        ],
        "usage": {"input_tokens": 9, "output_tokens": 6, "total_tokens": 15},
    }
    return answer_of(Response.model_validate(fields))


GUARD = "meta-llama/llama-guard-4-12b"

KINDS: dict[str, Answer] = {
    "text": usual(MARKDOWN),
    "reasoning": usual("It is 4.", reasoning="Two and two, *step by step*."),
    "think_in_the_text": from_completion(),
    "tool_calls": usual(
        tool_calls=[
            called("get_weather", '{"city": "Paris", "days": 3, "units": ["celsius", "mm"]}'),
            called("now", "{}", "call_2"),
            called("broken", '{"city": Paris', "call_3"),
        ],
        finish_reason="tool_calls",
    ),
    "tool_results": usual(ASKED_TOOLS[-1]["content"], messages=ASKED_TOOLS),
    "search": usual("The news in short.", executed_tools=[SEARCH]),
    "visit": usual("The page in short.", executed_tools=[VISIT]),
    "python": usual("The root is **10.05**.", executed_tools=[CODE]),
    "chart": usual("Region b sells more.", executed_tools=[DRAWN]),
    "browser_automation": usual("Shop A.", executed_tools=[BROWSED]),
    "wolfram": usual("It is 9.", executed_tools=[WOLFRAM]),
    "unknown_tool": usual("You are there.", executed_tools=[UNKNOWN]),
    "json_rows": usual(COUNTRIES, response_format=JSON),
    "json_fields": usual(RECIPE, response_format=JSON),
    "json_cut_off": usual(COUNTRIES[:120], response_format=JSON, finish_reason="length"),
    "json_broken": usual("Sorry, no JSON today.", response_format=JSON),
    "citations": usual(CITED, annotations=ANNOTATIONS),
    "refusal": usual(refusal="I can't help with that."),
    "guard_safe": usual("safe", model_asked=GUARD, model_answered=GUARD),
    "guard_unsafe": usual("unsafe\nS1,S9", model_asked=GUARD, model_answered=GUARD),
    "prompt_guard": usual("0.9987", model_asked="meta-llama/llama-prompt-guard-2-86m"),
    "usage_breakdown": usual("Done.", usage_breakdown=BREAKDOWN),
    "stopped": usual("Half of a sent", stopped=True, usage=None, finish_reason=None),
    "local_engine": usual(
        "Hello!", where="local", model_answered="SmolLM2-135M-Instruct-Q4_1", usage=None
    ),
    "response": from_response(),
}
"""What is shown, by the name of its golden file."""

SIZES: dict[str, int] = {"search": 4_000, "json_fields": 3_000, "json_rows": 2_000, "chart": 2_200}
"""The most bytes of HTML without its style sheet, where it is not `USUAL_SIZE`."""
