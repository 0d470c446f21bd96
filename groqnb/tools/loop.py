"""The loop around a model and its tools: ask, carry out what it asks for, ask again.

What comes next is decided in one place, `groqnb.tools.turns`; here it is done, or awaited.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import (
    AsyncGenerator,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Mapping,
    Sequence,
)
from typing import TYPE_CHECKING, Any, Literal, overload

from groqnb.api.chat import listed_messages
from groqnb.tools.asking import Asking
from groqnb.tools.calling import Confirm, Step
from groqnb.tools.events import RoundEnded, ToolEvent
from groqnb.tools.following import follow, follow_awaited
from groqnb.tools.streaming import AsyncToolStream, ToolStream
from groqnb.tools.tool import Tool, as_tools
from groqnb.tools.turns import MOST_ROUNDS, AskModel, Plan, ToolRun, parallel_for, plan_of
from groqnb.types.answer import Answer
from groqnb.types.chat import MessageParam
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    from groqnb.client import AsyncGroq, Groq
    from groqnb.tools.awaiting import AsyncConfirm

__all__ = ["Ask", "ToolRun", "arun_tools", "ask_the_user", "run_tools", "tool_loop"]

Ask = Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any]], Answer]
"""Makes one call: the messages, and the parameters that the round adds; gives its Answer."""

OnStep = Callable[[Step], None]


@overload
def run_tools(
    client: Groq | None = None,
    *,
    messages: str | Iterable[MessageParam],
    tools: Any,
    model: str | None = None,
    rounds: int = MOST_ROUNDS,
    confirm: Confirm | None = None,
    on_step: OnStep | None = None,
    stream: Literal[False] = False,
    **params: Any,
) -> ToolRun: ...
@overload
def run_tools(
    client: Groq | None = None,
    *,
    messages: str | Iterable[MessageParam],
    tools: Any,
    model: str | None = None,
    rounds: int = MOST_ROUNDS,
    confirm: Confirm | None = None,
    on_step: OnStep | None = None,
    stream: Literal[True],
    **params: Any,
) -> ToolStream: ...
def run_tools(
    client: Groq | None = None,
    *,
    messages: str | Iterable[MessageParam],
    tools: Any,
    model: str | None = None,
    rounds: int = MOST_ROUNDS,
    confirm: Confirm | None = None,
    on_step: OnStep | None = None,
    stream: bool = False,
    **params: Any,
) -> ToolRun | ToolStream:
    """Ask a model, carry out the tools that it calls, and go on until it answers.

    `messages` is a text or a conversation; `tools` are functions, made tools by `groqnb.tool` or
    not yet. Calls of one turn run side by side. Bad arguments, errors and overdue calls are
    results that the model sees. After `rounds` turns the model must answer without tools.
    `confirm(tool, arguments)` is asked before a tool with effects runs; by default the user is
    asked, where there is one. `on_step` hears of each call as it ends. `params` are those of
    `client.chat.completions.create`; `tool_choice` counts for the first turn.

    With `stream=True` it gives a `ToolStream`, to be iterated over or shown while it goes on.

    An interrupt ends it and keeps what had come (`run.stopped`). Raises ParameterError for what
    is no tool and for `parallel_tool_calls` with a model that makes one call at a time, and what
    `create` raises.

    ```python
    def weather(city: str) -> str:
        "The weather of today."
        return "21 °C, sunny"


    run = groqnb.run_tools(messages="Is it warm in Paris?", tools=[weather])
    print(run.text)
    ```

    Docs: Tool Use.
    """
    if client is None:
        from groqnb.session import session

        client, model = session.client(), model or session.default_model
    elif _is_async(client):
        raise ParameterError(
            "run_tools takes a Groq().", hint="With AsyncGroq(): await groqnb.arun_tools(...)."
        )
    plan, asking, run = _begin(client, messages, tools, model, rounds, params, stream)
    events = follow(plan, run, asking.ask, ask_the_user if confirm is None else confirm)
    if stream:
        return ToolStream(run, asking, events, on_step)
    return _drained(run, events, on_step)


@overload
def arun_tools(
    client: AsyncGroq | None = None,
    *,
    messages: str | Iterable[MessageParam],
    tools: Any,
    model: str | None = None,
    rounds: int = MOST_ROUNDS,
    confirm: AsyncConfirm | None = None,
    on_step: OnStep | None = None,
    stream: Literal[False] = False,
    **params: Any,
) -> Coroutine[Any, Any, ToolRun]: ...
@overload
def arun_tools(
    client: AsyncGroq | None = None,
    *,
    messages: str | Iterable[MessageParam],
    tools: Any,
    model: str | None = None,
    rounds: int = MOST_ROUNDS,
    confirm: AsyncConfirm | None = None,
    on_step: OnStep | None = None,
    stream: Literal[True],
    **params: Any,
) -> AsyncToolStream: ...
def arun_tools(
    client: AsyncGroq | None = None,
    *,
    messages: str | Iterable[MessageParam],
    tools: Any,
    model: str | None = None,
    rounds: int = MOST_ROUNDS,
    confirm: AsyncConfirm | None = None,
    on_step: OnStep | None = None,
    stream: bool = False,
    **params: Any,
) -> Coroutine[Any, Any, ToolRun] | AsyncToolStream:
    """`groqnb.run_tools` for async code: `await groqnb.arun_tools(AsyncGroq(), …)`.

    Async tools run in the event loop of the caller, others in threads, the calls of one turn side
    by side. `confirm` may be a coroutine function. See `run_tools` for the rest.

    With `stream=True` it gives an `AsyncToolStream` for `async for`, without an `await`.

    When the task is cancelled, the call and the async tools that run are cancelled with it, and
    CancelledError goes on; what had come is then in `stream.run`, where it was streamed.

    ```python
    run = await groqnb.arun_tools(messages="Is it warm in Paris?", tools=[weather])
    print(run.text)
    ```

    Docs: Tool Use.
    """
    own = None
    if client is None:
        from groqnb.client import AsyncGroq
        from groqnb.session import session

        # With the session's hub, so that whoever listens there hears of these calls as well.
        client = own = AsyncGroq(**session.client()._settings)
        model = model or session.default_model
    elif not _is_async(client):
        raise ParameterError(
            "arun_tools takes an AsyncGroq().", hint="With Groq(): groqnb.run_tools(...)."
        )
    plan, asking, run = _begin(client, messages, tools, model, rounds, params, stream)
    events = follow_awaited(
        plan, run, asking.ask_awaited, ask_the_user if confirm is None else confirm
    )
    if own is not None:
        events = _then_closed(own, events)
    made = AsyncToolStream(run, asking, events, on_step)
    return made if stream else made._whole()


def tool_loop(
    ask: Ask,
    messages: Iterable[Mapping[str, Any]],
    tools: Sequence[Any],
    *,
    rounds: int = MOST_ROUNDS,
    confirm: Confirm | None = None,
    on_step: OnStep | None = None,
    tool_choice: Any = None,
    parallel: bool | None = None,
    into: ToolRun | None = None,
) -> ToolRun:
    """The loop itself; `ask` makes the calls. See `run_tools`.

    `into` is filled on the way, so that it has what had come when a call fails; `parallel` goes
    out as `parallel_tool_calls`.
    """
    run = ToolRun() if into is None else into
    plan = plan_of(
        messages, tools, rounds=rounds, tool_choice=tool_choice, parallel=parallel, into=run
    )

    def answer(turn: AskModel) -> Generator[ToolEvent, None, None]:
        yield RoundEnded(turn.round, ask(turn.messages, turn.more))

    return _drained(run, follow(plan, run, answer, confirm), on_step)


def _begin(
    client: Groq | AsyncGroq,
    messages: str | Iterable[MessageParam],
    tools: Any,
    model: str | None,
    rounds: int,
    params: dict[str, Any],
    stream: bool,
) -> tuple[Plan, Asking, ToolRun]:
    if model is None:
        raise ParameterError("The model is missing.", hint="Name one, as in `model='...'`.")
    run = ToolRun()
    plan = plan_of(
        listed_messages(
            [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
        ),
        as_tools(tools),
        rounds=rounds,
        tool_choice=params.pop("tool_choice", None),
        parallel=parallel_for(model, params.pop("parallel_tool_calls", None)),
        into=run,
    )
    return plan, Asking(client, model, params, run, stream=stream), run


def _drained(
    run: ToolRun, events: Generator[ToolEvent, None, None], on_step: OnStep | None
) -> ToolRun:
    try:
        for event in events:
            if on_step is not None and isinstance(event, Step):
                on_step(event)
    except (KeyboardInterrupt, CancelledError):
        run.stopped = True
    return run


async def _then_closed(
    client: AsyncGroq, events: AsyncGenerator[ToolEvent, None]
) -> AsyncGenerator[ToolEvent, None]:
    from contextlib import aclosing

    async with client, aclosing(events):
        async for event in events:
            yield event


def _is_async(client: Any) -> bool:
    from groqnb.client import AsyncGroq

    return isinstance(client, AsyncGroq)


def ask_the_user(tool: Tool, arguments: Mapping[str, Any]) -> bool:
    """Ask whether a tool with effects may run; no, where nobody can answer."""
    shown = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    try:
        said = input(f"Run {tool.name}({shown})? [y/N] ")
    except (EOFError, NotImplementedError, RuntimeError):
        return False
    return said.strip().lower() in ("y", "yes")
