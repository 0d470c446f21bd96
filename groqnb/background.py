"""Questions asked beside the notebook: in an event loop and a thread of their own.

A cell can run meanwhile, and any thread can stop the answer: the task that waits for it is
cancelled, which closes the connection at once, whatever it waits for.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from asyncio import CancelledError
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from groqnb.showing import Asked
from groqnb.types.answer_builder import AnswerBuilder
from groqnb.types.errors import GroqnbError, ParameterError

if TYPE_CHECKING:
    from groqnb.client import AsyncGroq, Groq
    from groqnb.conversation import Question
    from groqnb.types.answer import Answer

__all__ = ["Background", "Listener", "Running"]

T = TypeVar("T")

_PAINT = 0.033  # s between two messages to a page; more often than it draws would be for nothing
_CHARACTERS = 400_000.0  # characters of a message that add one second to that
_LOOK = 0.05  # s between two looks of a thread that waits; an interrupt is seen then
_GOODBYE = 5.0  # s that closing may take


class Listener(Protocol):
    """Who is told of an answer on its way, from the background's thread; `ends` comes last."""

    def says(self, status: str) -> None:
        """What happens before the first token: "asking …"."""

    def grows(self, answer: Answer) -> int:
        """The answer so far; how many characters were sent on for it."""

    def ends(self, asked: Asked) -> None:
        """The answer, the error, or both where a stream broke."""


class Running:
    """A question on its way.

    Attributes:
        done: is set when it has ended, and its listener knows.
        asked: how it ended; None before.
    """

    def __init__(self) -> None:
        self.done = threading.Event()
        self.asked: Asked | None = None
        self._lock = threading.Lock()
        self._stopped = False
        self._cancel: Callable[[], None] | None = None

    def stop(self) -> None:
        """End it early, and keep what has come; after its end this does nothing."""
        with self._lock:
            self._stopped = True
            cancel = self._cancel
        if cancel is not None:
            cancel()

    def wait(self) -> Asked:
        """Wait for the end. An interrupt (Ctrl-C) stops the answer, and what came is returned."""
        try:
            # Not one long wait: on some systems an interrupt would be seen at its end only.
            while not self.done.wait(_LOOK):
                pass
        except KeyboardInterrupt:
            self.stop()
            self.done.wait(_GOODBYE)
        return self.asked or Asked(
            None, GroqnbError(f"The answer was stopped, and has not ended within {_GOODBYE:g} s.")
        )

    def _begins(self, cancel: Callable[[], None]) -> None:
        with self._lock:
            self._cancel = cancel
            stopped = self._stopped
        if stopped:
            cancel()


class Background:
    """Asks questions in a thread of its own, which begins with the first one.

    `client_of` gives the client whose settings and events hold for the next question.

    ```python
    background = Background(session.client)
    running = background.ask(question, listener)
    running.stop()
    background.close()
    ```
    """

    def __init__(self, client_of: Callable[[], Groq]) -> None:
        self._client_of = client_of
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._twin: tuple[Groq, AsyncGroq] | None = None

    def ask(self, question: Question, listener: Listener) -> Running:
        """Ask, and return at once. Raises GroqnbError where the client cannot be made.

        What goes wrong later is the listener's: `Asked.error`.
        """
        client = self._client_of()
        running = Running()
        self.run(self._ask(client, question, listener, running))
        return running

    def run(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine in the background's loop; nobody is told of its end."""
        asyncio.run_coroutine_threadsafe(work, self._running_loop())

    async def twin(self, client: Groq, progress: Callable[[Any], None] | None = None) -> AsyncGroq:
        """A client for this loop, with the settings and events of `client`."""
        from groqnb.client import AsyncGroq

        if self._twin is None or self._twin[0] is not client:
            if self._twin is not None:
                await self._twin[1].close()
            settings = {**client._settings, "progress": self._on_progress}
            self._twin = client, AsyncGroq(**settings)  # type: ignore[arg-type]
        self._progress = progress
        return self._twin[1]

    def close(self) -> None:
        """End the thread and close its connections; what is on its way is stopped."""
        with self._lock:
            self._forget_in_fork()
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        with suppress(RuntimeError):  # it may have ended with the interpreter
            asyncio.run_coroutine_threadsafe(self._goodbye(loop), loop)
        if thread is not threading.current_thread():
            thread.join(_GOODBYE)

    _progress: Callable[[Any], None] | None = None

    def _on_progress(self, progress: Any) -> None:
        listener = self._progress
        if listener is not None:
            listener(progress)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            self._forget_in_fork()
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_serve, args=(self._loop,), name="groqnb-background", daemon=True
                )
                self._thread.start()
            return self._loop

    def _forget_in_fork(self) -> None:
        """Leave what is the parent's: its thread does not run in a forked copy."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self._loop = self._thread = self._twin = None

    async def _goodbye(self, loop: asyncio.AbstractEventLoop) -> None:
        tasks = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        twin, self._twin = self._twin, None
        if twin is not None:
            await twin[1].close()
        loop.stop()

    # --- one question ---

    async def _ask(
        self, client: Groq, question: Question, listener: Listener, running: Running
    ) -> None:
        target = client.target
        builder = question.builder(target)
        reply: Any = None
        stopped, failure = False, None
        started = time.monotonic()

        def says_progress(now: Any) -> None:
            share = 100 * now.done // now.total if now.total else 0
            listener.says(f"{now.what}: {now.done / 1e6:.0f} MB, {share} %")

        async def answer() -> None:
            nonlocal reply
            starting = "" if target.connected() else "starting the engine to ask "
            listener.says(f"{starting or 'asking '}{question.model}…")
            twin = await self.twin(client, says_progress)
            reply = await twin.chat.completions.create(
                model=question.model,
                messages=question.sent,
                **{
                    **question.params,
                    "stream": True,
                    "stream_options": {"include_usage": True},
                },
            )
            await _collect(reply, builder, listener)

        task = asyncio.ensure_future(answer())
        loop = asyncio.get_running_loop()
        running._begins(lambda: _cancel(loop, task))
        try:
            await task
        except CancelledError:
            stopped = True
        except GroqnbError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - whoever asked is told, and the thread lives on
            failure = GroqnbError(f"{type(error).__name__}: {error}")
        result = builder.build(
            headers=getattr(reply, "headers", None),
            ttft=getattr(reply, "ttft", None),
            wall=time.monotonic() - started,
            stopped=stopped,
            request_id=getattr(reply, "request_id", None),
        )
        came = result.text or result.reasoning or result.executed_tools or result.tool_calls
        running.asked = Asked(None if failure and not came else result, failure)
        try:
            listener.ends(running.asked)
        finally:
            running.done.set()
            if reply is not None:
                await reply.close()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def _cancel(loop: asyncio.AbstractEventLoop, task: asyncio.Future[Any]) -> None:
    with suppress(RuntimeError):  # the loop may have come to its end just now
        loop.call_soon_threadsafe(task.cancel)


async def _collect(reply: Any, builder: AnswerBuilder, listener: Listener) -> None:
    """Take the stream to its end; a task beside it tells the listener, not too often."""
    more = asyncio.Event()

    async def tell() -> None:
        while True:
            await more.wait()
            more.clear()
            began = time.monotonic()
            sent = listener.grows(builder.build(complete=False))
            spent = time.monotonic() - began
            await asyncio.sleep(max(_PAINT, sent / _CHARACTERS, 4 * spent))

    telling = asyncio.ensure_future(tell())
    try:
        async for chunk in reply:
            builder.feed(chunk)
            more.set()
    finally:
        telling.cancel()
        with suppress(CancelledError):
            await telling


def check_client(client: object) -> None:
    """Raises ParameterError for what is no `groqnb.Groq()`."""
    from groqnb.client import Groq

    if not isinstance(client, Groq):
        raise ParameterError(
            f"client is of type {type(client).__name__}; it is a groqnb.Groq().",
            hint="Leave it out for the session's client.",
        )
