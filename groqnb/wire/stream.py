"""A streamed answer: typed chunks, one after the other.

What the bytes mean stands in `groqnb.wire.reading`; here are the two ways of getting them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from groqnb.types.base import StreamChunk
from groqnb.types.rate_limit import RateLimit
from groqnb.wire.channel import AsyncSource, Source
from groqnb.wire.exchange import SourceBroken
from groqnb.wire.reading import Reading

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AsyncStream", "Stream"]

C = TypeVar("C", bound=StreamChunk)


class _Told(Generic[C]):
    """What both kinds of stream tell about themselves."""

    _reading: Reading[C]
    _ended: bool
    _interrupted: bool
    _stopped = False  # from outside of who reads

    @property
    def headers(self) -> Mapping[str, str]:
        """The HTTP headers that came before the stream."""
        return self._reading.trace.headers

    @property
    def request(self) -> Mapping[str, Any]:
        """What was asked: the body of the request, with `model`, `messages` and the like."""
        return self._reading.trace.request

    @property
    def request_id(self) -> str | None:
        """The id under which Groq's logs know the request; known from the first chunk on."""
        return self._reading.trace.request_id or self.headers.get("x-request-id")

    @property
    def rate_limit(self) -> RateLimit | None:
        """What is left of the rate limits, or None where the reply did not say."""
        return RateLimit.from_headers(self.headers)

    @property
    def ttft(self) -> float | None:
        """Seconds from sending the request to the first token; None before it."""
        return self._reading.trace.ttft

    @property
    def interrupted(self) -> bool:
        """True when this side ended the stream before its end."""
        return self._interrupted

    def _finish(self) -> None:
        """Tells the hub how it ended, once."""
        if self._ended:
            return
        self._ended = True
        reading = self._reading
        if reading.failure is not None:
            reading.trace.failed(reading.failure, reading.count)
        elif self._interrupted:
            reading.trace.interrupted(reading.count, reading.usage, reading.last, reading.chunks)
        else:
            reading.trace.finished(reading.usage, reading.last, reading.chunks)


class Stream(_Told[C]):
    """A streamed answer; iterate over it once.

    Raises StreamError when it breaks, with the chunks so far in `received`, and the error that
    the server sent inside the stream, where it sent one. Ctrl-C, leaving the `with` block and
    `close()` end it early: the connection is closed and `interrupted` is True.

    ```python
    with client.chat.completions.create(model=m, messages=q, stream=True) as stream:
        for chunk in stream:
            print(chunk.choices[0].delta.content or "", end="")
    print(stream.ttft)
    ```
    """

    def __init__(self, source: Source, reading: Reading[C], *, drain: bool) -> None:
        self._source = source
        self._reading = reading
        self._drain = drain
        self._ended = False
        self._interrupted = False
        self._chunks = self._run()

    def __repr__(self) -> str:
        return f"<Stream of {self._reading.count} chunks so far>"

    def __iter__(self) -> Iterator[C]:
        return self._chunks

    def __next__(self) -> C:
        return next(self._chunks)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the stream and closes its connection; after its end this does nothing.

        While another thread waits for the next chunk it may be called too: the iteration there
        comes to its end.
        """
        try:
            self._chunks.close()
        except ValueError:  # they are at work in another thread
            self._stopped = True
            self._source.wake()
        else:
            self._close(early=True)

    def __del__(self) -> None:
        # A stream that nobody iterated over still holds its connection.
        if not getattr(self, "_ended", True):
            self._close(early=True)

    def _run(self) -> Generator[C, None, None]:
        reading = self._reading
        try:
            try:
                for read in self._source:
                    yield from reading.feed(read)
                    if reading.failure or self._stopped or (reading.done and not self._drain):
                        break
                else:
                    if not self._stopped:
                        yield from reading.end()
            except SourceBroken as error:
                if not self._stopped:
                    reading.cut(error.broken)
        except BaseException as stop:  # noqa: BLE001 - raised again, without the frames
            self._close(early=True)
            # The frames of the transport hold the key in local variables.
            raise stop.with_traceback(None) from None
        self._close(early=self._stopped)
        if reading.failure is not None:
            raise reading.failure

    def _close(self, *, early: bool) -> None:
        if self._ended:
            return
        self._interrupted = early and not self._reading.done
        try:
            self._source.close()
        finally:
            self._finish()


class AsyncStream(_Told[C]):
    """A streamed answer for `async for`; otherwise as `Stream`, with `await stream.close()`.

    ```python
    async with await client.chat.completions.create(model=m, messages=q, stream=True) as stream:
        async for chunk in stream:
            print(chunk.choices[0].delta.content or "", end="")
    ```
    """

    def __init__(self, source: AsyncSource, reading: Reading[C], *, drain: bool) -> None:
        # Imported here: sync code has no need of asyncio, which takes long to import.
        import asyncio

        self._source = source
        self._reading = reading
        self._drain = drain
        self._ended = False
        self._interrupted = False
        self._loop = asyncio.get_running_loop()
        self._chunks = self._run()

    def __repr__(self) -> str:
        return f"<AsyncStream of {self._reading.count} chunks so far>"

    def __aiter__(self) -> AsyncIterator[C]:
        return self._chunks

    async def __anext__(self) -> C:
        return await self._chunks.__anext__()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the stream and closes its connection; after its end this does nothing.

        While another task waits for the next chunk it may be called too: the iteration there
        comes to its end.
        """
        try:
            await self._chunks.aclose()
        except RuntimeError:  # they are at work in another task
            self._stopped = True
            await self._source.close()
        else:
            await self._close(early=True)

    def __del__(self) -> None:
        # One that was dropped on its way: the ledger hears of it now, and its connection is given
        # back by the event loop, where that still runs.
        if getattr(self, "_ended", True):
            return
        self._interrupted = not self._reading.done
        self._finish()
        loop, source = self._loop, self._source
        with suppress(RuntimeError):  # it is closed
            loop.call_soon_threadsafe(lambda: loop.create_task(source.close()))

    async def _run(self) -> AsyncGenerator[C, None]:
        reading = self._reading
        try:
            try:
                async for read in self._source:
                    for chunk in reading.feed(read):
                        yield chunk
                    if reading.failure or self._stopped or (reading.done and not self._drain):
                        break
                else:
                    for chunk in () if self._stopped else reading.end():
                        yield chunk
            except SourceBroken as error:
                if not self._stopped:
                    reading.cut(error.broken)
        except BaseException as stop:  # noqa: BLE001 - raised again, without the frames
            await self._close(early=True)
            # The frames of the transport hold the key in local variables.
            raise stop.with_traceback(None) from None
        await self._close(early=self._stopped)
        if reading.failure is not None:
            raise reading.failure

    async def _close(self, *, early: bool) -> None:
        if self._ended:
            return
        self._interrupted = early and not self._reading.done
        try:
            await self._source.close()
        finally:
            self._finish()
