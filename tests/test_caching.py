"""Which part of a prompt keeps it out of the cache."""

from __future__ import annotations

from typing import Any

import pytest

from groqnb import ParameterError
from groqnb.caching import check_prefix
from groqnb.types.chat import FunctionCall, ToolCall

KIMI = "moonshotai/kimi-k2-instruct-0905"
RULES = "You sort the mail of a bicycle shop. " * 20
TOOL = {"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}


def messages(system: str, *turns: str) -> list[dict[str, Any]]:
    roles = ["user", "assistant"] * len(turns)
    return [
        {"role": "system", "content": system},
        *({"role": role, "content": text} for role, text in zip(roles, turns, strict=False)),
    ]


def test_a_question_that_changes_at_the_end_keeps_the_rest() -> None:
    """No advice is needed then."""
    (found,) = check_prefix([messages(RULES, "Where is it?"), messages(RULES, "It broke.")])
    assert found.place == "messages[1]"
    assert found.share > 0.9
    assert found.advice == ""


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        ("Today is 2026-11-25. ", "Today is 2026-11-26. ", "a date or time"),
        ("It is 10:15. ", "It is 10:16. ", "a date or time"),
        ("For user_8f3a. ", "For user_9b1c. ", "an id"),
        ("Ticket 17. ", "Ticket 18. ", "a number"),
        ("Dear Ada. ", "Dear Bob. ", "what changes"),
    ],
)
def test_what_changes_at_the_beginning_is_named(first: str, second: str, kind: str) -> None:
    """With the place, the two texts and what to do."""
    calls = [messages(first + RULES, "Hello"), messages(second + RULES, "Hello")]
    (found,) = check_prefix(calls)
    assert found.place == "messages[0]"
    assert found.share < 0.2
    assert f"Move {kind} out of messages[0]" in found.advice
    assert found.before != found.now


def test_a_conversation_that_grows_shares_all_that_came_before() -> None:
    """Each turn has the one before as its beginning."""
    found = check_prefix(
        [messages(RULES, "a"), messages(RULES, "a", "b", "c"), messages(RULES, *"abcde")]
    )
    assert [each.place for each in found] == ["", ""]
    assert found.share > 0.8
    assert found.to_frame()["call"].tolist() == [2, 3]


def test_tools_stand_between_the_system_message_and_the_rest() -> None:
    """Another tool breaks the prompt there; the same tools do not."""
    one = {"model": KIMI, "messages": messages(RULES, "Hello"), "tools": [TOOL]}
    other = {**one, "tools": [{**TOOL, "function": {**TOOL["function"], "name": "seek"}}]}
    assert check_prefix([one, one])[0].share == 1.0
    (found,) = check_prefix([one, other])
    assert found.place == "tools"
    assert 0.5 < found.share < 1


def test_calls_of_tools_may_be_objects_as_a_reply_has_them() -> None:
    """A conversation that was put together by hand holds them as they came."""
    call = ToolCall(id="call_1", function=FunctionCall(name="stock", arguments="{}"))
    talk = [
        *messages(RULES, "How many bells?"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "12"},
    ]
    assert check_prefix([talk, talk])[0].share == 1.0
    plain = [*talk[:2], {**talk[2], "tool_calls": [call.model_dump(exclude_none=True)]}, talk[3]]
    assert check_prefix([talk, plain])[0].share == 1.0


def test_a_model_that_caches_nothing_is_told() -> None:
    """By the catalogue; the local engine's own cache is another matter."""
    call = {"model": "llama-3.1-8b-instant", "messages": messages(RULES, "Hello")}
    assert f"{KIMI} does" in check_prefix([call, call])[0].advice


@pytest.mark.parametrize(
    "calls", [[], [messages("a", "b")], ["Hello", "Hello"], [["Hello"], ["Hello"]], [{}, {}]]
)
def test_what_cannot_be_compared_is_refused(calls: list[Any]) -> None:
    """Two prompts are needed, with messages."""
    with pytest.raises(ParameterError):
        check_prefix(calls)


def test_the_check_agrees_with_what_the_engine_caches(engine: Any) -> None:
    """What is said to be shared is read from the cache, what is not is not."""
    from groqnb import Groq

    client = Groq(base_url=engine.base_url, api_key=engine.api_key, timeout=240)

    def cached(asked: list[dict[str, Any]]) -> int:
        reply = client.chat.completions.create(
            model=KIMI, messages=asked, max_completion_tokens=2, temperature=0
        )
        assert reply.usage is not None
        return int((reply.usage.prompt_tokens_details or {}).get("cached_tokens") or 0)

    good = [messages(f"Rules of shop seven. {RULES}", text) for text in ("Where?", "When?")]
    bad = [messages(f"{day} of May. {RULES}", "Where?") for day in ("Third", "Fourth")]
    cached(good[0])
    assert cached(good[1]) > 0.7 * check_prefix(good)[0].shared
    cached(bad[0])
    assert cached(bad[1]) < 0.3 * 200
    assert check_prefix(bad)[0].shared < 20
