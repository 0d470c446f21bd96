"""A run of tools to look at while it goes on: typed events, and what had come so far."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from groqnb.tools.calling import Step
from groqnb.tools.events import ToolEvent
from groqnb.tools.turns import ToolRun

if TYPE_CHECKING:
    from typing_extensions import Self

    from groqnb.tools.asking import Asking

__all__ = ["AsyncToolStream", "ToolStream"]

OnStep = Callable[[Step], None]


class _Told:
    """What both kinds have in common.

    Attributes:
        run: what has come so far, and in the end everything.
    """

    def __init__(self, run: ToolRun, asking: Asking, on_step: OnStep | None) -> None:
        self.run = run
        self.asking = asking
        self._on_step = on_step

    def _hear(self, event: ToolEvent) -> ToolEvent:
        if self._on_step is not None and isinstance(event, Step):
            self._on_step(event)
        return event

    def _repr(self) -> str:
        return f"<{type(self).__name__}: {self.run!r} so far>"


class ToolStream(_Told):
    """What `run_tools(..., stream=True)` gives; iterate over it once.

    Each event has a `type`: "text" and "reasoning" (pieces as they come), "answer" (a turn of the
    model is over), "call" (what it asks for), "result" (a `Step`, as each call ends). `round` is
    the number of the turn, from 1. `groqnb.show(stream)` shows it while it goes on.

    Nothing is asked before the first event is wanted. Leaving the `with` block, `close()` and an
    interrupt end it; `run` keeps what had come, with `run.stopped`. Raises what `run_tools` raises.

    ```python
    stream = groqnb.run_tools(messages="Is it warm in Paris?", tools=[weather], stream=True)
    for event in stream:
        if event.type == "text":
            print(event.text, end="")
        elif event.type == "result":
            print(event.name, event.arguments, "->", event.result)
    stream.run.steps.to_frame()
    ```
    """

    def __init__(
        self,
        run: ToolRun,
        asking: Asking,
        events: Generator[ToolEvent, None, None],
        on_step: OnStep | None = None,
    ) -> None:
        super().__init__(run, asking, on_step)
        self._events = events

    def __iter__(self) -> Iterator[ToolEvent]:
        return self

    def __next__(self) -> ToolEvent:
        return self._hear(next(self._events))

    def close(self) -> None:
        """End it; the answer that is on its way is cut off. After its end this does nothing.

        While another thread waits for the next event it may be called too: the iteration there
        comes to its end, at the latest when the tools that run have ended.
        """
        try:
            self._events.close()
        except ValueError:  # they are at work in another thread
            self.asking.cut()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return self._repr()


class AsyncToolStream(_Told):
    """What `arun_tools(..., stream=True)` gives: `ToolStream` for `async for`.

    `await stream` takes it to its end and gives the `ToolRun`; `await groqnb.show(stream)` shows
    it on the way.

    ```python
    async for event in groqnb.arun_tools(messages="Hello", tools=[weather], stream=True):
        print(event.type)
    ```
    """

    def __init__(
        self,
        run: ToolRun,
        asking: Asking,
        events: AsyncGenerator[ToolEvent, None],
        on_step: OnStep | None = None,
    ) -> None:
        super().__init__(run, asking, on_step)
        self._events = events

    def __aiter__(self) -> AsyncIterator[ToolEvent]:
        return self

    async def __anext__(self) -> ToolEvent:
        return self._hear(await anext(self._events))

    def __await__(self) -> Generator[Any, Any, ToolRun]:
        return self._whole().__await__()

    async def _whole(self) -> ToolRun:
        async with self:
            async for _ in self:
                pass
        return self.run

    async def close(self) -> None:
        """End it; the answer that is on its way is cut off. After its end this does nothing.

        While another task waits for the next event it may be called too, as `ToolStream.close`.
        """
        try:
            await self._events.aclose()
        except RuntimeError:  # they are at work in another task
            left = self.asking.cut()
            if left is not None:
                await left

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return self._repr()
