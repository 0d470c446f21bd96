"""Answers in a terminal: everything is said in text, once, and commands nothing."""

from __future__ import annotations

import pytest

from groqnb.render.stream import TerminalPainter
from groqnb.types.answer_builder import AnswerBuilder
from groqnb.types.chat import ChatCompletionChunk

from .hostile import TRICKS, hostile_answers
from .kinds import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_printed(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = KINDS[kind]
    TerminalPainter("b").finish(answer)
    printed = capsys.readouterr().out
    assert answer.text.rstrip() in printed
    for page in answer.search_results:
        assert printed.count(str(page.url)) == 1
    for call in answer.tool_calls:
        assert f"asks for {call.function.name}" in printed
    for tool in answer.executed_tools:
        assert "[" in printed.partition(answer.text)[0], f"{tool.type} stands before the text"
    assert printed.rstrip().splitlines()[-1].startswith("— ")


def test_tools_that_ran_are_printed_once_when_the_text_came_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown, builder = TerminalPainter("b"), AnswerBuilder(model="m")
    tool = {"index": 0, "type": "wolfram", "arguments": '{"query": "2+2"}', "output": "4"}
    for delta in ({"executed_tools": [tool]}, {"content": "It is "}, {"content": "4."}):
        choices = [{"index": 0, "delta": delta}]
        builder.feed(ChatCompletionChunk.model_validate({"id": "c", "choices": choices}))
        shown.show(builder)
    shown.finish(builder.build())
    printed = capsys.readouterr().out
    assert printed.count("[Asked Wolfram Alpha: 2+2]") == 1
    assert printed.count("It is 4.") == 1


def test_nothing_printed_commands_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    for answer in hostile_answers(TRICKS).values():
        TerminalPainter("b").finish(answer, TRICKS)
    printed = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\x08", "\x00", "\u202e", "\u2066"} & {*printed}
