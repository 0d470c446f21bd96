"""Conversations change by answers alone."""

from __future__ import annotations

from groqnb.conversation import Conversation, Question, continuation, estimate, single
from groqnb.types.answer import Answer


def answered(chat: Conversation, text: str, reply: str, **fields: object) -> None:
    messages = [*chat.ask(text), *([{"role": "assistant", "content": reply}] if reply else [])]
    chat.keep(Answer(text=reply, messages=messages, **fields))  # type: ignore[arg-type]


def test_a_question_alone_changes_nothing() -> None:
    chat = Conversation("default")
    chat.ask("first")
    assert chat.messages == []
    assert [m["content"] for m in chat.ask("second")] == ["second"]


def test_turns_add_up() -> None:
    chat = Conversation("default")
    answered(chat, "one", "1")
    answered(chat, "two", "2")
    assert [m["content"] for m in chat.ask("three")] == ["one", "1", "two", "2", "three"]
    assert chat.turns == 2


def test_a_system_message_comes_first_and_is_replaced_by_a_new_one() -> None:
    chat = Conversation("default")
    chat.keep(
        Answer(
            text="1",
            messages=[*chat.ask("one", system="brief"), {"role": "assistant", "content": "1"}],
        )
    )
    assert [m["content"] for m in chat.ask("two")] == ["brief", "one", "1", "two"]
    assert [m["content"] for m in chat.ask("two", system="long")] == ["long", "one", "1", "two"]


def test_an_answer_without_text_is_no_turn() -> None:
    chat = Conversation("default")
    answered(chat, "one", "", stopped=True)
    assert chat.messages == []


def test_unanswered_calls_of_tools_are_not_kept() -> None:
    chat = Conversation("default")
    reply = {"role": "assistant", "content": "wait", "tool_calls": [{"id": "c"}]}
    chat.keep(Answer(text="wait", messages=[*chat.ask("one"), reply]))
    assert chat.messages[-1] == {"role": "assistant", "content": "wait"}


def test_messages_given_out_are_copies() -> None:
    chat = Conversation("default")
    answered(chat, "one", "1")
    chat.ask("two")[0]["content"] = "changed"
    assert chat.messages[0]["content"] == "one"


def test_a_stopped_answer_is_continued_by_prefill() -> None:
    question = Question(single("Count"), "m", {"seed": 1}, chat="default")
    again = continuation(question, Answer(text="1, 2", stopped=True))
    assert again is not None
    assert again.sent[-1] == {"role": "assistant", "content": "1, 2"}
    assert again.messages == question.messages
    assert (again.model, again.params, again.chat) == ("m", {"seed": 1}, "default")


def test_an_answer_stopped_before_its_first_word_is_asked_again() -> None:
    question = Question(single("Count"), "m")
    again = continuation(question, Answer(text="", stopped=True))
    assert again is not None
    assert again.sent == question.messages


def test_an_answer_cut_off_at_the_limit_can_be_continued_and_a_complete_one_not() -> None:
    question = Question(single("Count"), "m")
    assert continuation(question, Answer(text="1", finish_reason="length")) is not None
    assert continuation(question, Answer(text="1", finish_reason="stop")) is None


def test_the_estimate_grows_with_the_text() -> None:
    assert estimate(list(single("x" * 400))) == 104
