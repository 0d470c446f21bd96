"""`--tools` in `%%groq`: functions of the notebook that the model may call, turn after turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from groqnb.magics.failing import fail
from groqnb.magics.options import did_you_mean, near
from groqnb.magics.sources import named
from groqnb.magics.words import GrammarError
from groqnb.tools.loop import ToolRun, ask_the_user, tool_loop
from groqnb.tools.painting import show_value
from groqnb.tools.tool import Tool, as_tools
from groqnb.tools.turns import parallel_for
from groqnb.types.errors import GroqnbError, ParameterError

if TYPE_CHECKING:
    from groqnb.conversation import Question
    from groqnb.render.stream import Painter
    from groqnb.showing import Asked
    from groqnb.types.answer import Answer

__all__ = ["ask_with_tools", "candidates", "find"]

Put = Callable[["Question", "Painter"], "Asked"]
"""Makes one call and shows its answer."""


def find(text: str, names: Mapping[str, Any]) -> list[Any]:
    """The tools that `--tools a,b` names: functions, tools, or lists of them.

    Raises GrammarError for what is none.
    """
    found: list[Any] = []
    for name in filter(None, (part.strip() for part in text.split(","))):
        value = named(name, names)
        if value is None:
            near_ones = did_you_mean(near(name, candidates(names)))
            hint = near_ones or " Name functions of the notebook, as in --tools f,g"
            raise GrammarError(f"--tools: there is no {name!r} here.{hint}")
        found += value if isinstance(value, list | tuple) else [value]
    try:
        return as_tools(found)
    except ParameterError as error:
        raise GrammarError(f"--tools: {error}") from None


def candidates(names: Mapping[str, Any]) -> list[str]:
    """What may follow `--tools`: tools, and functions that were written in the notebook."""
    return sorted(
        name
        for name, value in names.items()
        if not name.startswith("_")
        and (
            isinstance(value, Tool)
            or (callable(value) and getattr(value, "__module__", None) == "__main__")
        )
        and not isinstance(value, type)
    )


def ask_with_tools(shell: Any, question: Question, shown: Painter, put: Put) -> Asked:
    """Ask, carry out what the model calls, and go on; the last answer has the steps.

    Tables, figures and images that a tool returns are shown as they come.
    """
    from groqnb.showing import Asked

    params = dict(question.params)
    choice = params.pop("tool_choice", None)
    try:
        parallel = parallel_for(question.model, params.pop("parallel_tool_calls", None))
    except ParameterError as error:
        fail(error)
    turn, painted = question, shown
    failed: Asked | None = None

    def ask(messages: Sequence[Mapping[str, Any]], more: Mapping[str, Any]) -> Answer:
        nonlocal turn, painted, failed
        if turn is not question:
            painted = painted.again()
        turn = replace(question, messages=[*map(dict, messages)], params={**params, **more})
        asked = put(turn, painted)
        if asked.error is not None:
            failed = asked
            raise asked.error
        assert asked.answer is not None
        return asked.answer

    run = ToolRun()
    try:
        tool_loop(
            ask,
            question.messages,
            question.tools,
            confirm=ask_the_user,
            on_step=lambda step: show_value(shell, step),
            tool_choice=choice,
            parallel=parallel,
            into=run,
        )
    except GroqnbError as error:
        if failed is None or failed.error is not error:
            raise
        answer = failed.answer or (run.answer if run.answers else None)
        return Asked(None if answer is None else replace(answer, steps=run.steps), error)
    return Asked(replace(run.answer, steps=run.steps, stopped=run.stopped))
