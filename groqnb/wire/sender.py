"""The two senders: a Call goes in, its reply comes out; or is awaited.

Both run the same steps (`groqnb.wire.exchange`) and share all that is not I/O (`_Sender`). What
remains to be written twice is this: wait, send, read.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic_core import ValidationError

from groqnb.types.base import Reply, StreamChunk
from groqnb.wire import taped
from groqnb.wire.call import Call, Connection
from groqnb.wire.channel import AsyncChannel, Channel
from groqnb.wire.exchange import Broken, Pause, RawReply, exchange
from groqnb.wire.failures import Scene, shape_error
from groqnb.wire.hub import Events
from groqnb.wire.reading import Reading
from groqnb.wire.retry import RetryPolicy, waiting_is_off
from groqnb.wire.stream import AsyncStream, Stream
from groqnb.wire.taped import Server
from groqnb.wire.trace import Trace

if TYPE_CHECKING:
    import asyncio

    from groqnb.wire.download import AsyncDownload, Download

__all__ = ["AsyncSender", "Server", "SyncSender"]

T = TypeVar("T", bound=Reply)
R = TypeVar("R")
C = TypeVar("C", bound=StreamChunk)
H = TypeVar("H", Channel, AsyncChannel)


# What `follow` does: yields calls, and is sent their replies; yields seconds, to wait so long.
Plan = Generator[Call[Any] | float, Any, R]


class _Sender(Generic[H]):
    """What both senders have in common."""

    def __init__(
        self,
        server: Server,
        *,
        make_channel: Callable[[Connection], H],
        policy: RetryPolicy,
        events: Events,
        progress: Any = None,
    ) -> None:
        self._server = server
        self._make_channel: Callable[[Connection], H] = make_channel
        self._policy = policy
        self._events = events
        self._progress = progress
        self._scene = Scene(server.kind, "")
        # Where to, in which process, by which channel. One value: a thread sees all of it.
        self._way: tuple[Connection, int, H] | None = None
        self._making = threading.Lock()

    def _channel_to(self, connection: Connection) -> H:
        """The channel to this server; a new one after a fork, or when the engine moved."""
        channel = self._current(connection)
        if channel is None:
            # Several threads may come with the first call: they share one channel.
            with self._making:
                channel = self._current(connection)
                if channel is None:
                    channel = self._make_channel(connection)
                    server, url = self._server, connection.base_url
                    self._scene = Scene(server.kind, url, connection.key, server.key_source)
                    self._way = connection, os.getpid(), channel
        return channel

    def _current(self, connection: Connection) -> H | None:
        """The channel there is, where it leads to this server and belongs to this process."""
        way = self._way
        return way[2] if way is not None and way[:2] == (connection, os.getpid()) else None

    def _left(self) -> H | None:
        """The channel there was, to be closed; a call after this makes a new one."""
        way, self._way = self._way, None
        return way[2] if way is not None and way[1] == os.getpid() else None

    def _begin(self, call: Call[Any], *, stream: bool) -> Trace:
        trace = Trace(self._events, call, self._server.kind, stream=stream)
        taped.begin(call, trace, self._server)
        gate = self._events.gate
        # What a record answers costs nothing.
        if gate is not None and not (trace.tape is not None and trace.tape.known()):
            gate(trace.number, call, self._server.kind)
        return trace

    def _steps(self, call: Call[Any], trace: Trace) -> Any:
        return exchange(call, call.retry or self._policy, lambda: self._scene_of(trace), trace)

    def _scene_of(self, trace: Trace) -> Scene:
        return taped.scene_of(trace, self._scene)

    def _reply(self, call: Call[T], raw: RawReply, trace: Trace) -> T:
        """The typed reply; raises ResponseError for one of another shape."""
        trace.headers = raw.headers
        try:
            reply = call.reply.from_body(raw.body, raw.headers)
        except ValidationError as error:
            told = self._scene_of(trace).without_key(raw.body)
            failure = shape_error(raw.headers, told, error)
        else:
            trace.request_id = reply.request_id
            trace.finished(getattr(reply, "usage", None), reply)
            return reply
        raise failure

    def _reading(self, call: Call[C], raw: RawReply, trace: Trace) -> Reading[C]:
        trace.headers = raw.headers
        return Reading(call.reply, self._scene_of(trace), trace, call.model)

    @property
    def _drains(self) -> bool:
        """True where the end of the body may be waited for, so the connection can be kept.

        An unknown server may say [DONE] and then hold the line.
        """
        return self._server.kind != "url"


class SyncSender(_Sender[Channel]):
    """Sends Calls and returns their replies."""

    def send(self, call: Call[T]) -> T:
        """The whole reply. Raises the errors of `groqnb.types.errors`."""
        trace = self._begin(call, stream=False)
        try:
            return self._reply(call, self._run(call, trace, stream=False), trace)
        except BaseException as stop:  # noqa: BLE001 - raised again, without the frames
            raise _ended(trace, stop) from None

    def open(self, call: Call[C]) -> Stream[C]:
        """The stream, once it has begun. Raises the errors of `groqnb.types.errors`."""
        trace = self._begin(call, stream=True)
        try:
            raw = self._run(call, trace, stream=True)
        except BaseException as stop:  # noqa: BLE001 - raised again, without the frames
            raise _ended(trace, stop) from None
        return Stream(raw.opened, self._reading(call, raw, trace), drain=self._drains)

    def fetch(self, call: Call[Any]) -> Download:
        """The content of a file, once it begins. Raises the errors of `groqnb.types.errors`."""
        from groqnb.wire.course import Course
        from groqnb.wire.download import Download

        call = _as_it_is(call)
        trace = self._begin(call, stream=True)
        try:
            raw = self._run(call, trace, stream=True)
        except BaseException as stop:  # noqa: BLE001 - raised again, without the frames
            raise _ended(trace, stop) from None
        course = Course(call, raw, self._policy, trace)
        return Download(raw.opened, course, lambda rest: self._rest(rest, trace))

    def follow(self, plan: Plan[R]) -> R:
        """Does what a plan of several calls says."""
        outcome = None
        while True:
            try:
                step = plan.send(outcome)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            if isinstance(step, Call):
                outcome = self.send(step)
            else:
                outcome = None
                if not waiting_is_off():
                    time.sleep(step)

    def _run(self, call: Call[Any], trace: Trace, *, stream: bool) -> RawReply:
        steps = self._steps(call, trace)
        outcome: RawReply | Broken | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            if isinstance(step, Pause):
                outcome = None
                if not (waiting_is_off() or trace.played):
                    time.sleep(step.seconds)
            elif trace.tape is not None:
                outcome = taped.attempt(trace.tape, call, self._connect, stream=stream)
            else:
                outcome = self._connect()[0].send(call, stream=stream)

    def _connect(self) -> tuple[Channel, Connection]:
        connection = self._server.connect(self._progress)
        return self._channel_to(connection), connection

    def _rest(self, call: Call[Any], trace: Trace) -> RawReply:
        taped.begin(call, trace, self._server)
        return self._run(call, trace, stream=True)

    def close(self) -> None:
        """Closes the connections; a call after this opens new ones."""
        if channel := self._left():
            channel.close()


class AsyncSender(_Sender[AsyncChannel]):
    """Sends Calls and awaits their replies."""

    async def send(self, call: Call[T]) -> T:
        """The whole reply. Raises the errors of `groqnb.types.errors`."""
        trace = self._begin(call, stream=False)
        try:
            return self._reply(call, await self._run(call, trace, stream=False), trace)
        except BaseException as stop:  # noqa: BLE001 - raised again, without the frames
            raise _ended(trace, stop) from None

    async def open(self, call: Call[C]) -> AsyncStream[C]:
        """The stream, once it has begun. Raises the errors of `groqnb.types.errors`."""
        trace = self._begin(call, stream=True)
        try:
            raw = await self._run(call, trace, stream=True)
        except BaseException as stop:  # noqa: BLE001 - raised again, without the frames
            raise _ended(trace, stop) from None
        return AsyncStream(raw.opened, self._reading(call, raw, trace), drain=self._drains)

    async def fetch(self, call: Call[Any]) -> AsyncDownload:
        """The content of a file, once it begins. Raises the errors of `groqnb.types.errors`."""
        from groqnb.wire.course import Course
        from groqnb.wire.download import AsyncDownload

        call = _as_it_is(call)
        trace = self._begin(call, stream=True)
        try:
            raw = await self._run(call, trace, stream=True)
        except BaseException as stop:  # noqa: BLE001 - raised again, without the frames
            raise _ended(trace, stop) from None
        course = Course(call, raw, self._policy, trace)
        return AsyncDownload(raw.opened, course, lambda rest: self._rest(rest, trace))

    async def follow(self, plan: Plan[R]) -> R:
        """Does what a plan of several calls says."""
        import asyncio

        outcome = None
        while True:
            try:
                step = plan.send(outcome)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            if isinstance(step, Call):
                outcome = await self.send(step)
            else:
                outcome = None
                if not waiting_is_off():
                    await asyncio.sleep(step)

    async def _run(self, call: Call[Any], trace: Trace, *, stream: bool) -> RawReply:
        import asyncio  # here: sync code has no need of it, and it takes long to import

        steps = self._steps(call, trace)
        outcome: RawReply | Broken | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            if isinstance(step, Pause):
                outcome = None
                if not (waiting_is_off() or trace.played):
                    await asyncio.sleep(step.seconds)
            elif trace.tape is not None:
                outcome = await taped.aattempt(trace.tape, call, self._connect, stream=stream)
            else:
                outcome = await (await self._connect())[0].send(call, stream=stream)

    async def _rest(self, call: Call[Any], trace: Trace) -> RawReply:
        taped.begin(call, trace, self._server)
        return await self._run(call, trace, stream=True)

    async def _connect(self) -> tuple[AsyncChannel, Connection]:
        import asyncio

        if self._server.connected():
            connection = self._server.connect(self._progress)
        else:
            # The start of the engine takes seconds: other tasks go on meanwhile.
            connection = await asyncio.to_thread(self._server.connect, self._progress)
        channel = self._channel_to(connection)
        # Connections belong to the event loop they were opened in.
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                channel.forget()
            self._loop = loop
        return channel, connection

    _loop: asyncio.AbstractEventLoop | None = None

    async def close(self) -> None:
        """Closes the connections; a call after this opens new ones."""
        if channel := self._left():
            await channel.close()


def _as_it_is(call: Call[Any]) -> Call[Any]:
    """The call for a file: its bytes as they are, so that a break can be mended at a byte."""
    told = {"Accept": "*/*", "Accept-Encoding": "identity"}
    return replace(call, headers={**told, **(call.headers or {})})


def _ended(trace: Trace, stop: BaseException) -> BaseException:
    """Tells the hub how the call ended, and takes the transport's frames off the exception.

    Those frames hold the Authorization header in local variables.
    """
    if isinstance(stop, Exception):
        trace.failed(stop)
    else:
        trace.interrupted()
    return stop.with_traceback(None)
