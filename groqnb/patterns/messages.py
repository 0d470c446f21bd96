"""Patterns that are nothing but messages. Docs: "Prompt Patterns", "Prompt Basics"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from groqnb.types.errors import ParameterError

__all__ = [
    "Messages",
    "chain_of_thought",
    "few_shot",
    "final_answer",
    "guided",
    "one_shot",
    "primed",
    "zero_shot",
]

Messages = list[dict[str, Any]]

_STEPS = "Think step by step. Then write the result alone on the last line, after `Answer:`."
_ANSWER = re.compile(
    r"(?im)^[\s>*_#-]*(?:the\s+)?(?:final\s+)?answer(?:\s+is)?[\s*_]*[:=][\s*_]*(.+?)[\s*_]*$"
)
# How many open models set a result apart, whatever they are told.
_BOXED = re.compile(r"\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}")


def zero_shot(task: str, text: str = "", *, form: str = "") -> Messages:
    """A task without examples; `text` is what it is about, `form` how the answer should look.

    >>> zero_shot("Name the topic.", "The tyre is flat.", form="One word.")[0]["content"]
    'Name the topic.\\n\\nOne word.\\n\\n---\\nThe tyre is flat.'
    """
    return [_user(task, form, text)]


def primed(role: str, rules: Sequence[str], question: str) -> Messages:
    """A role and its rules first, as a system message; then the question.

    >>> primed("a medical coder", ["Never guess."], "Code: flu.")[0]["content"]
    'You are a medical coder.\\n\\n1. Never guess.'
    """
    listed = "\n".join(f"{number}. {rule}" for number, rule in enumerate(rules, 1))
    system = "\n\n".join(filter(None, [f"You are {role.rstrip('.')}.", listed]))
    return [{"role": "system", "content": system}, {"role": "user", "content": question}]


def one_shot(task: str, example: tuple[str, str], text: str) -> Messages:
    """A task with one worked example: what goes in, what comes out.

    >>> [m["role"] for m in one_shot("Sort.", ("Hello", "greeting"), "Bye")]
    ['system', 'user', 'assistant', 'user']
    """
    return few_shot(task, [example], text)


def few_shot(task: str, examples: Iterable[tuple[str, str]], text: str) -> Messages:
    """A task with worked examples, as turns of a conversation. Raises ParameterError without any.

    They come first and stay the same, so that the server can cache them.

    >>> few_shot("Sort.", [("Hello", "greeting"), ("Bye", "farewell")], "Hi")[-1]["content"]
    'Hi'
    """
    messages: Messages = [{"role": "system", "content": task}]
    for given, wanted in examples:
        messages += [
            {"role": "user", "content": given},
            {"role": "assistant", "content": wanted},
        ]
    if len(messages) == 1:
        raise ParameterError("few_shot needs an example.", hint="Without any it is zero_shot.")
    return [*messages, {"role": "user", "content": text}]


def chain_of_thought(question: str, text: str = "") -> Messages:
    """A question that is to be thought through, with the result on a last line of its own.

    `final_answer` reads that line. Models that reason by themselves need no such words.

    >>> "step by step" in chain_of_thought("What is 17 * 23?")[0]["content"]
    True
    """
    return [_user(question, _STEPS, text)]


def guided(task: str, steps: Sequence[str], text: str = "") -> Messages:
    """A chain of thought along your own steps. Raises ParameterError without any.

    >>> guided("Judge the ticket.", ["Name the product.", "Name the problem."])[0]["content"][:40]
    'Judge the ticket.\\n\\nGo through these step'
    """
    if not steps:
        raise ParameterError("guided needs steps.", hint="Without any it is chain_of_thought.")
    listed = "\n".join(f"Step {number}: {step}" for number, step in enumerate(steps, 1))
    outline = (
        f"Go through these steps, one after the other, and write down what each gives.\n{listed}\n"
        "Then write the result alone on the last line, after `Answer:`."
    )
    return [_user(task, outline, text)]


def final_answer(text: str) -> str:
    """What stands after the last `Answer:`, or in the last LaTeX box; else the last line.

    Without decoration.

    >>> final_answer("17 * 23 is 391.\\n**Answer:** 391")
    '391'
    """
    found = _ANSWER.findall(text)
    boxed = _BOXED.findall(found[-1] if found else text)
    if boxed:
        return str(boxed[-1]).strip()
    if found:
        return str(found[-1]).rstrip(".").strip("*_` ").rstrip(".")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].strip("*`").rstrip(".") if lines else ""


def _user(*parts: str) -> dict[str, Any]:
    *words, text = parts
    told = "\n\n".join(part.strip() for part in words if part.strip())
    return {"role": "user", "content": f"{told}\n\n---\n{text}" if text.strip() else told}
