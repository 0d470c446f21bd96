"""Prompt patterns: what is sent, how often, and what becomes of the answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from both_worlds import KEY, completion

from groqnb import Groq, ParameterError, patterns

MODEL = "openai/gpt-oss-20b"


def serving(say: Callable[[str], str]) -> tuple[Groq, list[dict[str, Any]]]:
    """A client whose server says `say(last message)`, and what it was sent."""
    sent: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        sent.append(body)
        return httpx.Response(200, json=completion(say(body["messages"][-1]["content"])))

    return Groq(api_key=KEY, where="cloud", transport=httpx.MockTransport(answer)), sent


def test_examples_are_turns_before_the_question() -> None:
    """They stay the same from question to question, so that they can be cached."""
    messages = patterns.few_shot("Sort.", [("Hello", "greeting"), ("Bye", "farewell")], "Hi")
    assert [(m["role"], m["content"]) for m in messages] == [
        ("system", "Sort."),
        ("user", "Hello"),
        ("assistant", "greeting"),
        ("user", "Bye"),
        ("assistant", "farewell"),
        ("user", "Hi"),
    ]
    assert patterns.one_shot("Sort.", ("Hello", "greeting"), "Hi") == [*messages[:3], messages[-1]]
    with pytest.raises(ParameterError, match="zero_shot"):
        patterns.few_shot("Sort.", [], "Hi")


def test_a_role_and_its_rules_come_first() -> None:
    """Rules are numbered, as the guide to migration asks for."""
    system, user = patterns.primed("a tax adviser", ["Be brief.", "Name the law."], "VAT?")
    assert system["content"] == "You are a tax adviser.\n\n1. Be brief.\n2. Name the law."
    assert user == {"role": "user", "content": "VAT?"}


def test_steps_and_the_line_with_the_result_are_asked_for() -> None:
    """What is to be thought about comes last."""
    (message,) = patterns.guided("Judge it.", ["Name the product.", "Name the fault."], "It broke.")
    assert message["content"].index("Step 2: Name the fault.") < message["content"].index(
        "It broke"
    )
    assert "`Answer:`" in message["content"]
    (message,) = patterns.chain_of_thought("17 * 23?")
    assert message["content"].startswith("17 * 23?\n\nThink step by step.")
    with pytest.raises(ParameterError, match="needs steps"):
        patterns.guided("Judge it.", [])


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("17 * 23 is 391.\nAnswer: 391", "391"),
        ("**Answer:** `391`.", "391"),
        ("Answer: 5\nNo, wait.\nanswer = 6", "6"),
        ("- Answer: two words", "two words"),
        ("**Answer**: 391", "391"),
        ("17 * 23 it is.\n**Final Answer:** 391", "391"),
        ("So the sum is 391.\nThe answer is: 391", "391"),
        (r"Answer: $\boxed{391}$", "391"),
        ("First \\boxed{5}.\n\nTherefore, she pays \\(\\boxed{84}\\).", "84"),
        (r"So it is \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
        ("First.\n\nLast line.\n\n", "Last line"),
        ("", ""),
    ],
)
def test_the_final_answer_is_found(text: str, answer: str) -> None:
    """Behind the last `Answer:`, or on the last line."""
    assert patterns.final_answer(text) == answer


def test_the_most_frequent_result_wins_and_its_share_is_told() -> None:
    """Case and spaces make no other result; every sample is a call of its own."""
    results = iter(["Answer: 391", "Answer: 381", "Answer:  391 ", "Answer: 391", "Answer: 400"])
    client, sent = serving(lambda _: next(results))
    vote = patterns.self_consistency("17 * 23?", client=client, model=MODEL, seed=10)
    assert vote.answer == "391"
    assert vote.agreement == pytest.approx(0.6)
    assert sorted(vote.votes.values()) == [1, 1, 3]
    assert {body["temperature"] for body in sent} == {0.7}
    assert sorted(body["seed"] for body in sent) == [10, 11, 12, 13, 14]
    assert vote.to_frame()["share"].tolist() == [0.6, 0.2, 0.2]
    assert len(vote.answers) == 5


def test_a_vote_needs_two_and_takes_any_way_to_find_the_result() -> None:
    """`extract` reads the answers; messages are sent as they are."""
    client, sent = serving(lambda _: "yes, because 1")
    vote = patterns.self_consistency(
        [{"role": "user", "content": "Sure?"}],
        samples=2,
        extract=lambda text: text.split(",")[0],
        client=client,
        model=MODEL,
        temperature=1,
    )
    assert (vote.answer, vote.agreement) == ("yes", 1.0)
    assert sent[0]["messages"] == [{"role": "user", "content": "Sure?"}]
    assert sent[0]["temperature"] == 1
    with pytest.raises(ParameterError, match="at least 2"):
        patterns.self_consistency("x", samples=1, client=client, model=MODEL)


def test_react_thinks_before_it_calls_real_tools() -> None:
    """The system message asks for thoughts; the loop carries the calls out."""

    def years_since(year: int) -> int:
        """Years from then till 2026."""
        return 2026 - year

    def say(text: str) -> str:
        return f"It is {text}."

    client, sent = serving(say)
    run = patterns.react("How old?", [years_since], client=client, model=MODEL)
    assert run.text == "It is How old?."
    assert "Thought:" in sent[0]["messages"][0]["content"]
    assert sent[0]["tools"][0]["function"]["name"] == "years_since"


def test_a_draft_is_checked_by_questions_that_do_not_see_it() -> None:
    """Four phases: draft, questions, their answers, and the final text."""

    def say(text: str) -> str:
        if text.startswith("Write 2 short questions"):
            return "1. Is Mars red?\n- Has Mars rings?\nThat is all.\n3. Is it far?"
        if text.startswith("Is Mars red?"):
            return "Yes."
        if text.startswith("Has Mars rings?"):
            return "No."
        if text.startswith("Write the answer"):
            return "Corrected."
        return "Draft with rings."

    client, sent = serving(say)
    done = patterns.chain_of_verification("What of Mars?", checks=2, client=client, model=MODEL)
    assert (done.answer, done.draft) == ("Corrected.", "Draft with rings.")
    assert done.checks == [("Is Mars red?", "Yes."), ("Has Mars rings?", "No.")]
    assert len(sent) == 5
    for body in sent[2:4]:
        assert "Draft" not in json.dumps(body["messages"])
    assert "Has Mars rings? No." in sent[4]["messages"][0]["content"]
    assert done.to_frame()["answer"].tolist() == ["Yes.", "No."]


@pytest.mark.parametrize(
    "line",
    [
        "**1. Is Mars red?**",
        "1. **Is Mars red?**",
        "* *Is Mars red?*",
        "**Question 1:** Is Mars red?",
        "Q1: Is Mars red?",
        '- "Is Mars red?"',
        "1) Is Mars red? (Answer: yes)",
    ],
)
def test_a_question_is_found_in_its_decoration(line: str) -> None:
    """Models number them, print them bold, put quotes round them or a remark behind them."""
    client, sent = serving(lambda text: line if text.startswith("Write 1 short") else "Said.")
    done = patterns.chain_of_verification("What of Mars?", checks=1, client=client, model=MODEL)
    assert done.checks == [("Is Mars red?", "Said.")]
    assert len(sent) == 4


def test_without_a_question_the_draft_is_the_answer() -> None:
    """It is not written anew for nothing, and the empty checks say that nothing was checked."""
    client, sent = serving(lambda text: "None." if text.startswith("Write 3 short") else "Draft.")
    done = patterns.chain_of_verification("What of Mars?", client=client, model=MODEL)
    assert (done.answer, done.draft, list(done.checks)) == ("Draft.", "Draft.", [])
    assert len(sent) == 2


def test_each_round_makes_a_summary_denser() -> None:
    """The summary of the round before is in the next question."""
    replies = iter(
        json.dumps({"missing": [f"fact {n}"], "summary": f"summary {n}"}) for n in range(3)
    )
    client, sent = serving(lambda _: next(replies))
    dense = patterns.chain_of_density("A ticket.", words=9, rounds=3, client=client, model=MODEL)
    assert dense.summary == "summary 2"
    assert dense.added == [["fact 0"], ["fact 1"], ["fact 2"]]
    assert "Summary so far: summary 0" in sent[1]["messages"][0]["content"]
    assert all("9 words" in body["messages"][0]["content"] for body in sent)
    assert dense.to_frame()["words"].tolist() == [2, 2, 2]
    with pytest.raises(ParameterError, match="rounds is 0"):
        patterns.chain_of_density("x", rounds=0, client=client, model=MODEL)
