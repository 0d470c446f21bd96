"""Conversations that branch keep every question and every answer, and send what is seen."""

from __future__ import annotations

import json
from typing import Literal

import pytest

from groqnb.chat_tree import ChatTree, Turn
from groqnb.types.answer import Answer
from groqnb.types.chat import FunctionCall, ToolCall, Usage
from groqnb.types.errors import ParameterError


def turn_of(chat: ChatTree, question: str, reply: str, **fields: object) -> Turn:
    return chat.answer(chat.ask(question), Answer(text=reply, **fields))  # type: ignore[arg-type]


def said(chat: ChatTree) -> list[str]:
    return [message["content"] for message in chat.messages]


def test_turns_add_up_and_the_system_message_comes_first() -> None:
    """Questions and answers follow each other; a new system message replaces the old one."""
    chat = ChatTree(system="brief")
    turn_of(chat, "one", "1")
    turn_of(chat, "two", "2")
    assert said(chat) == ["brief", "one", "1", "two", "2"]
    chat.system = "long"
    assert next(m["content"] for m in chat.to_send(chat.ask("three"))) == "long"


def test_an_edited_question_is_a_branch_and_the_old_one_stays() -> None:
    """Editing the first question hides what followed it, and choosing it again brings all back."""
    chat = ChatTree()
    turn_of(chat, "one", "1")
    turn_of(chat, "two", "2")
    first = chat.path[0]
    edited = chat.edit(first, "uno")
    chat.answer(edited, Answer(text="1!"))
    assert said(chat) == ["uno", "1!"]
    assert chat.siblings(edited) == [first, edited]
    chat.choose(first)
    assert said(chat) == ["one", "1", "two", "2"]
    chat.choose(edited)
    assert said(chat) == ["uno", "1!"]


def test_another_answer_is_a_branch_of_its_question() -> None:
    """Asking again adds an answer beside the first, and only the chosen one is sent on."""
    chat = ChatTree()
    first = turn_of(chat, "one", "1")
    assert first.parent is not None
    second = chat.answer(first.parent, Answer(text="eins"))
    assert chat.siblings(second) == [first, second]
    assert [m["content"] for m in chat.to_send(chat.ask("two"))] == ["one", "eins", "two"]


def test_choosing_a_turn_deep_in_another_branch_shows_that_branch() -> None:
    """A turn that is chosen is seen, wherever it stands."""
    chat = ChatTree()
    deep = turn_of(chat, "one", "1")
    turn_of(chat, "two", "2")
    chat.edit(chat.path[0], "uno")
    chat.choose(deep)
    assert deep in chat.path


def test_a_question_without_an_answer_is_seen_and_not_sent() -> None:
    """What failed stays in sight with its text; the next question does not repeat it."""
    chat = ChatTree()
    chat.ask("lost").failure = "refused"
    assert chat.messages == []
    after = chat.ask("again")
    assert [turn.text for turn in chat.path] == ["lost", "again"]
    assert [m["content"] for m in chat.to_send(after)] == ["again"]


def calling(*ids: str) -> Answer:
    function = FunctionCall(name="weather", arguments='{"city": "Rome"}')
    return Answer(text="", tool_calls=[ToolCall(id=each, function=function) for each in ids])  # type: ignore[arg-type]


def test_results_of_tools_follow_the_calls_that_asked_for_them() -> None:
    """What is sent then is the question, the calls, and a message for each result."""
    chat = ChatTree()
    asking = chat.answer(chat.ask("Weather?"), calling("a", "b"))
    given = chat.give(asking, {"b": "rain", "a": "sun"})
    sent = chat.to_send(given)
    assert [m["role"] for m in sent] == ["user", "assistant", "tool", "tool"]
    assert [m.get("tool_call_id") for m in sent[2:]] == ["a", "b"]
    assert [call["id"] for call in sent[1]["tool_calls"]] == ["a", "b"]
    chat.answer(given, Answer(text="Sun and rain."))
    assert [m["role"] for m in chat.messages] == ["user", "assistant", "tool", "tool", "assistant"]


def test_calls_that_nobody_answered_are_not_sent() -> None:
    """The API would refuse a conversation with an open call in it."""
    chat = ChatTree()
    chat.answer(chat.ask("Weather?"), calling("a"))
    sent = chat.to_send(chat.ask("Never mind"))
    assert not any("tool_calls" in message for message in sent)
    assert sent[-1]["content"] == "Never mind"


@pytest.mark.parametrize("results", [{}, {"a": "sun"}, {"a": "sun", "b": "x", "c": "y"}])
def test_each_call_needs_its_result(results: dict[str, str]) -> None:
    """A missing result, or one for a call that was not made, is refused and nothing is added."""
    chat = ChatTree()
    asking = chat.answer(chat.ask("Weather?"), calling("a", "b"))
    with pytest.raises(ParameterError):
        chat.give(asking, results)
    assert chat.last is asking


def test_tokens_and_cost_are_of_every_branch() -> None:
    """A branch that is out of sight was paid for as well; one unknown price makes all unknown."""
    chat = ChatTree()
    usage = Usage(prompt_tokens=10, completion_tokens=5)
    question = chat.ask("one")
    chat.answer(question, Answer(text="1", usage=usage), cost=0.25)
    chat.answer(question, Answer(text="2", usage=usage), cost=0.5)
    assert (chat.tokens, chat.cost) == ((20, 10), 0.75)
    chat.answer(question, Answer(text="3"))
    assert chat.cost is None


def test_messages_given_out_are_copies() -> None:
    """Changing what is to be sent does not change the conversation."""
    chat = ChatTree()
    turn_of(chat, "one", "1")
    chat.messages[0]["content"] = "changed"
    assert said(chat) == ["one", "1"]


def test_the_table_has_every_turn_and_tells_which_are_seen() -> None:
    """`to_frame` has a row for each turn of each branch, and right types without any."""
    chat = ChatTree()
    answer = Answer(text="1", model_answered="m", usage=Usage(prompt_tokens=3), stopped=True)
    question = chat.ask("one")
    chat.answer(question, answer, cost=0.5)
    chat.answer(question, Answer(text="2"))
    frame = chat.to_frame()
    assert list(frame["seen"]) == [True, False, True]
    assert list(frame["after"].fillna(0)) == [0, 1, 1]
    assert frame.loc[1, "prompt_tokens"] == 3
    assert ChatTree().to_frame()["cost"].dtype == "Float64"


def test_exports_read_well_and_hold_every_branch() -> None:
    """Markdown shows what is seen; JSON can be read back and has all turns."""
    chat = ChatTree(system="brief")
    picture = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    question = chat.ask([{"type": "text", "text": "What is it?"}, picture])
    chat.answer(question, Answer(text="A cat", model_answered="m"))
    chat.answer(question, Answer(text="A dog", model_answered="m", stopped=True))
    told = chat.export()
    assert "## You\n\nWhat is it?\n\n[image: https://example.org/a.png]" in told
    assert "A dog\n\n*stopped*" in told
    assert "A cat" not in told
    data = json.loads(chat.export("json"))
    assert data["seen"] == [1, 3]
    assert [turn["messages"][0]["content"] for turn in data["turns"][1:]] == ["A cat", "A dog"]


@pytest.mark.parametrize("format", ["markdown", "json"])
def test_an_export_holds_no_key(format: Literal["markdown", "json"]) -> None:
    """Exports are files that go around; what is sent stays as it is."""
    chat = ChatTree()
    turn_of(chat, "My key is gsk_abcdefgh0123456789.", "I keep it.")
    assert "My key is (secret)." in chat.export(format)
    assert "gsk_abcdefgh0123456789" in said(chat)[0]


def test_another_format_and_another_turn_are_refused() -> None:
    """The errors name what there is."""
    with pytest.raises(ParameterError, match="markdown and json"):
        ChatTree().export("pdf")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="no turn 3"):
        ChatTree().find(3)
    chat = ChatTree()
    with pytest.raises(ParameterError, match="Only questions"):
        chat.edit(turn_of(chat, "one", "1"), "x")


def test_a_first_question_is_sent_by_itself() -> None:
    """Nothing is before it but the system message."""
    chat = ChatTree(system="brief")
    assert [m["content"] for m in chat.to_send(chat.ask("one"))] == ["brief", "one"]
