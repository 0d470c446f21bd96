"""What is added to a conversation so that the local model does what the request asks for.

Notes go to the end of the system message, or make one; so the start of a conversation stays the
same from request to request, and the model's cache serves it. Wording was tried with Qwen2.5-Coder
0.5B: tags like <think> confuse it, a second turn that asks for the answer does not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from groqnb.local.chat_format import Format
from groqnb.local.chat_messages import Call, Turn
from groqnb.local.chat_tools import Function
from groqnb.local.parts.built_in import BuiltIn, Outcome

__all__ = [
    "after_thoughts",
    "call_start",
    "code_start",
    "for_answer",
    "for_calls",
    "for_code",
    "for_repair",
    "for_thoughts",
    "question",
    "shortened",
    "with_note",
    "with_run",
]

_THINK = (
    "\n\nFirst think aloud: what is asked, what is known, and what follows from it, step by step. "
    "Keep the final answer for later."
)
_ANSWER_NOW = "Now give me your final answer to what I asked."
_MOST_OUTPUT = 4000
_MOST_TRACEBACK = 1200
_CHART = re.compile(
    r"\b(charts?|plot(s|ted)?|graphs?|diagram(me?)?s?|histograms?|draw|zeichne|gr[aá]fic[oa])\b",
    re.IGNORECASE,
)
_HELPFUL = "You are a helpful assistant."


def with_note(turns: Sequence[Turn], note: str) -> list[Turn]:
    """`turns` with `note` at the end of the system message."""
    if turns and turns[0].role == "system":
        return [replace(turns[0], content=f"{turns[0].content}\n\n{note}"), *turns[1:]]
    return [Turn("system", f"{_HELPFUL}\n\n{note}"), *turns]


def for_answer(turns: Sequence[Turn], form: Format | None, documents: Sequence[str]) -> list[Turn]:
    """The turns to answer in text, or in JSON of the format `form`."""
    made = _in_words(turns)
    if documents:
        told = "\n".join(f"[{number}] {text}" for number, text in enumerate(documents, start=1))
        made = with_note(made, f"Use these documents where they help:\n{told}")
    if form is not None:
        made = with_note(made, _format_note(form))
    return made


def _in_words(turns: Sequence[Turn]) -> list[Turn]:
    """Calls and results as something that was looked up: shown a call, a model makes another."""
    made: list[Turn] = []
    for turn in turns:
        if turn.results:
            told = "\n".join(
                f"- {call.name or 'a function'}({call.arguments}) gave: {text}"
                for call, text in turn.results
            )
            note = f"I have looked this up for you:\n{told}\nAnswer me with it, in plain words."
            if made and made[-1].role == "user":
                made[-1] = Turn("user", f"{made[-1].content}\n\n{note}")
            else:
                made.append(Turn("user", note))
        elif turn.content or not turn.calls:
            made.append(Turn(turn.role, turn.content))
    return made


def _format_note(form: Format) -> str:
    if form.schema is None:
        return "Answer with one JSON object and nothing else."
    about = f" ({form.description})" if form.description else ""
    schema = json.dumps(form.schema, ensure_ascii=False, separators=(",", ":"))
    return f"Answer with JSON{about} that follows this JSON Schema, and nothing else:\n{schema}"


def for_calls(turns: Sequence[Turn], functions: Sequence[Function]) -> list[Turn]:
    """The turns to answer with a call of one of `functions`."""
    told = [
        {"name": each.name, "description": each.description, "parameters": each.parameters}
        for each in functions
    ]
    lines = "\n".join(json.dumps(each, ensure_ascii=False) for each in told)
    note = f"# Functions\nYou can call these functions:\n{lines}\nTo call one, write:\n"
    return with_note(_as_calls(turns), note + _call_text(Call("NAME", "{...}")))


def _as_calls(turns: Sequence[Turn]) -> list[Turn]:
    """Calls and results in the form in which the model is to make the next."""
    made: list[Turn] = []
    for turn in turns:
        said = [turn.content] if turn.content else []
        said += [_call_text(call) for call in turn.calls]
        said += [f"<tool_response>\n{text}\n</tool_response>" for _, text in turn.results]
        made.append(Turn(turn.role, "\n".join(said)))
    return made


def _call_text(call: Call) -> str:
    return f'<tool_call>\n{{"name": "{call.name}", "arguments": {call.arguments}}}\n</tool_call>'


def call_start(name: str, several: bool) -> str:
    """The beginning of a call, after which its arguments come; or an array of them."""
    if several:
        return f'<tool_calls name="{name}">\n'
    return _call_text(Call(name, "\0")).partition("\0")[0]


def for_thoughts(turns: Sequence[Turn]) -> list[Turn]:
    """The turns to answer with thoughts about the last question."""
    last = max((i for i, turn in enumerate(turns) if turn.role == "user"), default=None)
    if last is None:
        return [*turns, Turn("user", _THINK.strip())]
    asked = replace(turns[last], content=turns[last].content + _THINK)
    return [*turns[:last], asked, *turns[last + 1 :]]


def after_thoughts(turns: Sequence[Turn], thoughts: str) -> list[Turn]:
    """The turns to answer once the `thoughts` are there."""
    return [
        *for_thoughts(turns),
        Turn("assistant", thoughts.strip() or "I have thought about it."),
        Turn("user", _ANSWER_NOW),
    ]


def for_code(turns: Sequence[Turn], language: str) -> list[Turn]:
    """The turns to answer with code that works the answer out."""
    asked, _ = question(turns)
    # Told of charts where none is asked for, a small model draws one for everything.
    how = ", with matplotlib" if _CHART.search(asked) else " and prints the result"
    note = (
        f"Write short {language.capitalize()} code that works this out{how}. Write the code only."
    )
    return _asked_more(_in_words(turns), note)


def code_start(language: str) -> str:
    """The beginning of an answer that is code; it ends at the next fence."""
    return f"```{language}\n"


def for_repair(turns: Sequence[Turn], language: str, output: str) -> list[Turn]:
    """The turns to answer with better code, after code that failed with `output`.

    The code itself is not among them: shown it, a small model writes it once more as it was.
    """
    told = shortened(output, _MOST_TRACEBACK)
    note = f"My first attempt failed:\n{told}\nWrite it in another way that avoids this error."
    return _asked_more(for_code(turns, language), note)


def with_run(
    turns: Sequence[Turn], tool: BuiltIn, arguments: Mapping[str, Any], outcome: Outcome
) -> list[Turn]:
    """The turns with what a built-in tool gave, to be answered with it."""
    output = shortened(outcome.output, _MOST_OUTPUT)
    if tool.language is None:
        note = f"I have looked this up for you ({tool.type}):\n{output}"
        return _asked_more(turns, f"{note}\nNow answer my question with it, in plain words.")
    code = shortened(str(arguments.get("code", "")), _MOST_OUTPUT)
    ran = f"I ran this code for you:\n```{tool.language}\n{code.rstrip()}\n```"
    if outcome.failed:
        note = f"{ran}\nIt failed:\n```\n{output}\n```\nNow answer me with it, in plain words."
    else:
        note = f"{ran}\nThe result is:\n{output}\nNow answer me in a sentence with this result."
    return _asked_more(turns, note)


def shortened(text: str, most: int) -> str:
    """`text` without its middle where it has more than `most` characters."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n[…]\n{text[-half:]}"


def _asked_more(turns: Sequence[Turn], note: str) -> list[Turn]:
    if turns and turns[-1].role == "user" and not turns[-1].results:
        return [*turns[:-1], replace(turns[-1], content=f"{turns[-1].content}\n\n{note}")]
    return [*turns, Turn("user", note)]


def question(turns: Sequence[Turn]) -> tuple[str, set[str]]:
    """What the user said last, and the functions that were called since.

    Without what images show: a page of text is no part of the question.
    """
    called: set[str] = set()
    for turn in reversed(turns):
        called.update(call.name for call in turn.calls)
        if turn.role == "user" and not turn.results:
            return turn.said, called
    return "", called
