"""ReAct: reason, act by a tool, look at the result, and go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groqnb.tools.loop import ToolRun, run_tools

if TYPE_CHECKING:
    from groqnb.client import Groq

__all__ = ["react"]

_SYSTEM = (
    "Work in turns. In each turn write one sentence that begins with `Thought:`, on what you know "
    "and what you need next; then call a tool. When you know enough, write the answer and call "
    "nothing. Rely on what the tools say, not on memory."
)


def react(
    question: str,
    tools: Any,
    *,
    rounds: int = 10,
    client: Groq | None = None,
    model: str | None = None,
    **params: Any,
) -> ToolRun:
    """Answers a question by real tools, with a thought before each call.

    See `groqnb.run_tools`, which does it: `tools` are functions, the result has `.text`,
    `.steps.to_frame()` and the thoughts in `.messages`. Raises what that raises.

    ```python
    patterns.react("How old is the author of Dune?", tools=[search, years_since]).text
    ```

    Docs: Prompt Patterns, ReAct.
    """
    messages = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": question}]
    run: ToolRun = run_tools(
        client, messages=messages, tools=tools, model=model, rounds=rounds, **params
    )
    return run
