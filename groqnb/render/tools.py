"""Tools on the page: those that ran on the server's side, and calls of the user's own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groqnb.render.charts import chart_html, chart_plain
from groqnb.render.data import cut, data_html, fold, parsed_so_far
from groqnb.render.html import Child, Markup, el, link
from groqnb.render.markdown import IGNORE_MATH, code_block
from groqnb.render.plain import clean
from groqnb.render.sources import cards
from groqnb.types.chat import ExecutedTool, ToolCall
from groqnb.types.records import arguments_of

__all__ = [
    "Run",
    "call_html",
    "call_plain",
    "run_html",
    "run_plain",
    "runs_before",
    "tool_html",
    "tool_plain",
]

_LONGEST = 10_000  # characters of a tool's output that a page shows
_LONGEST_PLAIN = 1_000
_LONGEST_TITLE = 90
_LIVE_PNG = 100_000  # bytes of a picture that is painted again and again while text streams in

# What the API calls its tools, and what OpenAI's models call them.
_TITLES = {
    "search": "Searched",
    "web_search": "Searched",
    "browser_search": "Searched",
    "browser.search": "Searched",
    "visit": "Visited",
    "visit_website": "Visited",
    "browser.open": "Opened",
    "browser.find": "Looked in the page for",
    "code_interpreter": "Ran Python",
    "code_execution": "Ran Python",
    "python": "Ran Python",
    "browser_automation": "Used browsers",
    "wolfram": "Asked Wolfram Alpha",
    "wolfram_alpha": "Asked Wolfram Alpha",
}
# Where the arguments say in a word what it was about.
_ABOUT = ("query", "url", "q", "input", "pattern", "prompt", "task", "id")


def tool_html(tool: ExecutedTool, *, live: bool = False) -> Markup:
    """A tool that ran: a line that says what it did, the rest folded; what it drew in sight.

    `live` is True while more of the answer is to come.
    """
    about, arguments = _about(tool)
    title: list[Child] = [el("b", _title(tool))]
    if about:
        title += [" ", el("span", cut(about, _LONGEST_TITLE), class_="gn-about")]
    results = [*_results(tool)]
    charts = [_chart(chart, live) for chart in tool.charts]
    if live and not results and not charts:
        title += [" ", el("span", "…", class_="gn-live")]
    body = [*_arguments(arguments, about), *results]
    shown = fold(_children(title), *body) if body else el("div", *title)
    return el("div", shown, *charts, class_=f"gn-tool {IGNORE_MATH}")


def tool_plain(tool: ExecutedTool) -> str:
    """The same as text: what it did, the code that it ran, and how its output begins."""
    about, arguments = _about(tool)
    code = _code(arguments)
    if not about and code is None:
        about = tool.arguments or ""
    line = clean(" ".join(f"{_title(tool)}: {cut(about, _LONGEST_TITLE)}".split()))
    lines = [f"[{line.removesuffix(':')}]"]
    if code:
        lines.append(_indented(code))
    if not _pages(tool):
        lines += [_indented(each, "  → ") for each in _outputs(tool)]
    lines += [chart_plain(chart) for chart in tool.charts]
    return "\n".join(lines)


def _children(parts: Sequence[Child]) -> Markup:
    return el("span", *parts)


def _title(tool: ExecutedTool) -> str:
    return _TITLES.get(tool.type.lower(), f"Ran {cut(tool.type, 60)}")


def _about(tool: ExecutedTool) -> tuple[str, Any]:
    arguments = arguments_of(tool.arguments)
    if isinstance(arguments, Mapping):
        for name in _ABOUT:
            if isinstance(arguments.get(name), str) and arguments[name].strip():
                return arguments[name], arguments
    return "", arguments


def _code(arguments: Any) -> str | None:
    code = arguments.get("code") if isinstance(arguments, Mapping) else None
    return code if isinstance(code, str) and code.strip() else None


def _arguments(arguments: Any, about: str) -> Iterator[Child]:
    if isinstance(arguments, str):
        yield _output(arguments)
    if not isinstance(arguments, Mapping):
        return
    code = _code(arguments)
    if code is not None:
        yield code_block(cut(code, _LONGEST), "python")
    # What the title says in full is not said twice.
    told = about if len(about) <= _LONGEST_TITLE else None
    rest = {
        name: value
        for name, value in arguments.items()
        if not (name == "code" and code is not None) and not (name in _ABOUT and value == told)
    }
    if rest:
        yield data_html(rest)
    elif told and told.startswith(("http://", "https://")):
        yield el("p", link(told, told))


def _results(tool: ExecutedTool) -> Iterator[Child]:
    pages = _pages(tool)
    if pages:
        yield el("p", f"{pages} page{'s' * (pages != 1)} found", class_="gn-live")
    else:
        yield from (_output(each) for each in _outputs(tool))
    if tool.browser_results:
        yield cards(tool.browser_results)


def _pages(tool: ExecutedTool) -> int:
    return len((tool.search_results and tool.search_results.results) or ())


def _outputs(tool: ExecutedTool) -> list[str]:
    """What came out of it as text, each thing once."""
    said = [tool.output or ""]
    for result in tool.code_results or ():
        if result.text and not any(result.text.strip() in each for each in said):
            said.append(result.text)
    return [each for each in said if each.strip()]


def _output(source: str) -> Markup:
    return el("pre", cut(source, _LONGEST), class_="gn-plain")


def _chart(chart: Any, live: bool) -> Markup:
    if live and chart.png is not None and len(chart.png) > _LIVE_PNG:
        return el("p", "A picture, shown once the answer is complete", class_="gn-live")
    return chart_html(chart)


def _indented(source: str, mark: str = "    ") -> str:
    first, *lines = cut(clean(source).strip("\n"), _LONGEST_PLAIN).split("\n")
    return "\n".join([f"{mark}{first}", *(f"    {line}".rstrip() for line in lines)])


# --- calls of the user's own tools ---


def call_html(call: ToolCall) -> Markup:
    """A call that the model asks for, its arguments as far as they have come."""
    title = el("div", el("b", "asks for"), " ", el("code", cut(call.function.name, 100)))
    return el("div", title, _given(call.function.arguments), class_=f"gn-tool {IGNORE_MATH}")


def call_plain(call: ToolCall) -> str:
    """The call in one line."""
    return f"asks for {_signature(call.function.name, call.function.arguments)}"


def _signature(name: str, arguments: str) -> str:
    return clean(f"{cut(name, 100)}({cut(arguments, _LONGEST_PLAIN)})")


def _given(arguments: str) -> Markup | None:
    if not arguments.strip():
        return None
    found = parsed_so_far(arguments)
    if isinstance(found, dict):
        return data_html(found) if found else None
    return el("pre", cut(arguments, _LONGEST), class_="gn-plain")


@dataclass(frozen=True)
class Run:
    """A call that was answered: the tool's name, its arguments (JSON text), what it gave."""

    name: str
    arguments: str
    result: str


def runs_before(messages: Sequence[Mapping[str, Any]]) -> list[Run]:
    """The user's tools that ran between the last question and the answer at the end."""
    runs: list[Run] = []
    calls: dict[str, tuple[str, str]] = {}
    for message in messages:
        role = message.get("role")
        if role == "user":
            runs, calls = [], {}
        elif role == "assistant":
            for call in message.get("tool_calls") or ():
                function = call.get("function") or {}
                calls[str(call.get("id"))] = (
                    str(function.get("name", "")),
                    str(function.get("arguments", "")),
                )
        elif role == "tool":
            known = calls.get(str(message.get("tool_call_id")))
            name, arguments = known or (str(message.get("name") or "tool"), "")
            content = message.get("content")
            result = content if isinstance(content, str) else json.dumps(content, default=str)
            runs.append(Run(name, arguments, result))
    return runs


def run_html(run: Run) -> Markup:
    """A call of the user's tool with its result, folded."""
    found = parsed_so_far(run.result) if run.result[:1] in ("{", "[") else None
    result = data_html(found) if found else _output(run.result)
    short = len(run.arguments) <= _LONGEST_TITLE
    about = el("span", run.arguments, class_="gn-about") if short and run.arguments else None
    title = el("span", el("b", "called"), " ", el("code", cut(run.name, 100)), " ", about)
    given = None if short else _given(run.arguments)
    return el("div", fold(title, given, result), class_=f"gn-tool {IGNORE_MATH}")


def run_plain(run: Run) -> str:
    """The same in two lines."""
    return f"[called {_signature(run.name, run.arguments)}]\n{_indented(run.result, '  → ')}"
