"""`Answer`: what a question came to, as plain data.

It is made by `groqnb.types.answer_builder`, and knows nothing of IPython: how it looks in a
notebook is decided by the formatters in `groqnb.render.formatters`, so it can be pickled, compared
and put into a table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from groqnb.types.code import code_blocks
from groqnb.types.records import (
    Citation,
    Citations,
    ExecutedTools,
    FoundPages,
    Records,
    ToolCalls,
    value_frame,
)
from groqnb.types.verdict import Verdict, verdict_of

if TYPE_CHECKING:
    import pandas as pd

    from groqnb.types.charts import Chart
    from groqnb.types.chat import Usage, UsageBreakdown

__all__ = ["Answer", "Timing", "asks_for_json"]


@dataclass(frozen=True)
class Timing:
    """How long an answer took; all in seconds, None where nobody said.

    `ttft` (time to first token) and `wall` are measured here; `queue`, `prompt`, `completion` and
    `total` are the server's own.
    """

    ttft: float | None = None
    wall: float | None = None
    queue: float | None = None
    prompt: float | None = None
    completion: float | None = None
    total: float | None = None
    tokens_per_second: float | None = None


@dataclass(frozen=True)
class Answer:
    """The answer to one question, from a magic or from `groqnb.show`.

    Attributes:
        text: the answer, without reasoning; what is left of it in the `form` that was asked for.
        form: "md" for Markdown, "text" for text that is shown as it is, "code" where `text` is the
            answer's blocks of code alone (the whole answer is in `messages`).
        code: the blocks of code alone, whatever the form; "" without any.
        reasoning: what the model thought first, where it says so; else None.
        parsed: the value of the type that was asked for; or what the text says as JSON, where
            `response_format` asked for JSON; else None.
        steps: calls of your own tools that were carried out; a list with `.to_frame()`.
        tool_calls: calls of your own tools that the model asks for; a list with `.to_frame()`.
        executed_tools: tools that ran on the server's side; a list with `.to_frame()`.
        charts: what those tools drew, see `Chart`.
        search_results: the pages those tools found, of all searches in order; a list with
            `.to_frame()`.
        images: the images those tools found, as the API tells them: addresses, mostly.
        citations: what passages of the text rest on, where the model says so; a list with
            `.to_frame()`.
        annotations: the same as the API tells it.
        refusal: why the model refused, where it says so apart from the text.
        verdict: what a guard model says of the text that it was given; None of other models.
        usage_breakdown: tokens and times of each model of a Compound system; has `.to_frame()`.
        record: the file that holds this answer, where a record was on (`groqnb.replay`); else None.
        usage: tokens counted by the server, or None for an answer that was stopped early.
        timing: seconds, and tokens per second.
        model_asked, model_answered: they differ when the local engine answered.
        where: "cloud", "local" or "url".
        messages: the conversation as dicts, this reply included; ready to be sent again.
        finish_reason: "stop", "length", "tool_calls", or None when there was no proper end.
        stopped: True when it was interrupted; `text` is then what had come.

    ```python
    answer = groqnb.show(client.chat.completions.create(model=m, messages=q, stream=True))
    answer.text, answer.usage.completion_tokens, answer.timing.ttft
    answer.to_frame()
    answer.search_results.to_frame()
    ```
    """

    text: str
    reasoning: str | None = None
    tool_calls: ToolCalls = field(default_factory=ToolCalls)
    executed_tools: ExecutedTools = field(default_factory=ExecutedTools)
    usage: Usage | None = None
    timing: Timing = field(default_factory=Timing)
    model_asked: str = ""
    model_answered: str = ""
    where: str = "cloud"
    url: str | None = None
    request_id: str | None = None
    finish_reason: str | None = None
    stopped: bool = False
    messages: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[Any] = field(default_factory=list)
    refusal: str | None = None
    usage_breakdown: UsageBreakdown | None = None
    response_format: Mapping[str, Any] | None = None
    record: str | None = None
    steps: Records[Any] = field(default_factory=Records)
    value: Any = None
    form: str = "md"

    def __post_init__(self) -> None:
        # Plain lists are welcome, too; they get their tables here.
        object.__setattr__(self, "tool_calls", ToolCalls(self.tool_calls))
        object.__setattr__(self, "executed_tools", ExecutedTools(self.executed_tools))

    @property
    def parsed(self) -> Any:
        """What the text says as JSON, where JSON was asked for; else, and for broken JSON, None.

        ```python
        pd.DataFrame(answer.parsed["invoices"])
        ```
        """
        if self.value is not None:
            return self.value
        if not asks_for_json(self.response_format):
            return None
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None

    @property
    def whole(self) -> str:
        """The answer in full, also where `text` is its code alone."""
        last = self.messages[-1] if self.messages else {}
        content = last.get("content") if last.get("role") == "assistant" else None
        return content if self.form == "code" and isinstance(content, str) else self.text

    @property
    def code(self) -> str:
        """The answer's blocks of code, an empty line between them; "" without any.

        ```python
        exec(answer.code)  # once you have read it
        ```
        """
        return "\n\n".join(block.text for block in code_blocks(self.whole))

    @property
    def search_results(self) -> FoundPages:
        """Every page that the executed tools found, in order."""
        found = [tool.search_results for tool in self.executed_tools if tool.search_results]
        return FoundPages(result for results in found for result in results.results or [])

    @property
    def images(self) -> list[Any]:
        """Every image that the executed tools found, in order."""
        found = [tool.search_results for tool in self.executed_tools if tool.search_results]
        return [image for results in found for image in results.images or []]

    @property
    def citations(self) -> Citations:
        """What passages of the text rest on, in order."""
        found = [Citation.from_annotation(each, self.text) for each in self.annotations]
        return Citations(each for each in found if each is not None)

    @property
    def verdict(self) -> Verdict | None:
        """What a guard model says; None of other models."""
        return verdict_of(self.model_asked or self.model_answered, self.text)

    @cached_property
    def charts(self) -> list[Chart]:
        """Every chart that the executed tools drew, in order, with the PNG that came with it."""
        return [chart for tool in self.executed_tools for chart in tool.charts]

    @property
    def cached_tokens(self) -> int | None:
        """How many tokens of the prompt came from the server's cache, where it says so."""
        details = self.usage.prompt_tokens_details if self.usage else None
        cached = details.get("cached_tokens") if details else None
        return int(cached) if cached is not None else None

    def to_frame(self) -> pd.DataFrame:
        """One row with the text, the models, the tokens and the times. Needs pandas.

        For an answer of a type (`--as`), the value itself: a row for each item of a list.

        ```python
        pd.concat([first.to_frame(), second.to_frame()])
        ```
        """
        import pandas as pd

        if self.value is not None:
            return value_frame(self.value)
        usage, timing = self.usage, self.timing
        row = {
            "text": self.text,
            "reasoning": self.reasoning,
            "model_asked": self.model_asked,
            "model_answered": self.model_answered,
            "where": self.where,
            "prompt_tokens": usage.prompt_tokens if usage else None,
            "cached_tokens": self.cached_tokens,
            "completion_tokens": usage.completion_tokens if usage else None,
            "ttft": timing.ttft,
            "wall": timing.wall,
            "tokens_per_second": timing.tokens_per_second,
            "finish_reason": self.finish_reason,
            "stopped": self.stopped,
            "request_id": self.request_id,
        }
        types: dict[str, Any] = {
            name: "Int64" if name.endswith("_tokens") else "Float64"
            for name in row
            if name.endswith("_tokens") or name in ("ttft", "wall", "tokens_per_second")
        }
        frame: pd.DataFrame = pd.DataFrame([row]).astype(types)
        return frame

    def __str__(self) -> str:
        return self.text

    def __format__(self, spec: str) -> str:
        return format(self.text, spec)

    def __repr__(self) -> str:
        text = self.text if len(self.text) <= 60 else self.text[:59] + "…"
        stopped = ", stopped=True" if self.stopped else ""
        return f"Answer({text!r}, model_answered={self.model_answered!r}{stopped})"


def asks_for_json(response_format: Mapping[str, Any] | None) -> bool:
    """True when a request with this `response_format` is answered in JSON.

    ```python
    >>> asks_for_json({"type": "json_object"})
    True

    ```
    """
    kind = response_format.get("type") if isinstance(response_format, Mapping) else None
    return kind in ("json_object", "json_schema")
