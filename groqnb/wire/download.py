"""A file on its way here: read as it comes, taken up again where the connection broke."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from groqnb.types.errors import APIError, GroqnbError
from groqnb.types.new_file import NewFile
from groqnb.types.rate_limit import RateLimit
from groqnb.wire.call import Call
from groqnb.wire.channel import AsyncSource, Source
from groqnb.wire.course import Course, LineCutter
from groqnb.wire.exchange import RawReply, SourceBroken
from groqnb.wire.retry import waiting_is_off

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AsyncDownload", "Download"]

Progress = Callable[[int, int | None], object]


class _Content:
    """What both kinds of download tell about themselves."""

    _course: Course

    def __init__(self, course: Course) -> None:
        self._course = course
        self._whole: bytes | None = None
        self._begun = False
        self._ended = False

    @property
    def headers(self) -> Mapping[str, str]:
        """The reply's HTTP headers."""
        return self._course.trace.headers

    @property
    def request_id(self) -> str | None:
        """The id under which Groq's logs know the request."""
        return self.headers.get("x-request-id")

    @property
    def rate_limit(self) -> RateLimit | None:
        """What is left of the rate limits, or None where the reply did not say."""
        return RateLimit.from_headers(self.headers)

    @property
    def size(self) -> int | None:
        """How many bytes there are, where the server said so."""
        return self._course.total

    def __repr__(self) -> str:
        size = "" if self.size is None else f" of {self.size:,}"
        return f"<{type(self).__name__}: {self._course.done:,}{size} bytes read>"

    def _begin(self) -> None:
        if self._begun:
            raise GroqnbError(
                "This download was iterated over already.",
                hint="`read()` keeps what it read; otherwise ask for the file again.",
            )
        self._begun = True

    def _end(self, stop: BaseException | None) -> None:
        """Tells the hub how it ended, once."""
        if self._ended:
            return
        self._ended = True
        trace = self._course.trace
        if stop is None:
            trace.finished(None)
        elif isinstance(stop, Exception):
            trace.failed(stop)
        else:
            trace.interrupted()


class Download(_Content):
    """A file's content. Nothing of it is read before one of the methods here is called.

    A break of the connection is mended, as often as the client's `max_retries`: the rest alone is
    asked for. Raises StreamError, which says how far it came, where that is not possible.

    ```python
    client.files.content(batch.output_file_id).save("results.jsonl")
    for line in client.files.content(batch.output_file_id).iter_lines():
        print(json.loads(line)["custom_id"])
    ```
    """

    def __init__(
        self, source: Source, course: Course, reopen: Callable[[Call[Any]], RawReply]
    ) -> None:
        super().__init__(course)
        self._source = source
        self._reopen = reopen

    def read(self) -> bytes:
        """All of it; again gives the same."""
        if self._whole is None:
            self._whole = b"".join(self.iter_bytes())
        return self._whole

    def iter_bytes(self) -> Iterator[bytes]:
        """Piece by piece, as they come."""
        if self._whole is not None:
            yield self._whole
            return
        self._begin()
        course = self._course
        stop: BaseException | None = None
        try:
            while True:
                try:
                    for read in self._source:
                        if piece := course.took(read):
                            yield piece
                    course.end()
                    break
                except SourceBroken as error:
                    broken = error.broken
                self._source.close()
                call, wait = course.again(broken)
                if not waiting_is_off():
                    time.sleep(wait)
                try:
                    raw = self._reopen(call)
                except APIError as error:
                    raise course.lost(error) from None
                self._source = raw.opened
                course.rejoin(raw)
        except BaseException as caught:  # noqa: BLE001 - raised again, without the frames
            stop = caught.with_traceback(None)
        self._source.close()
        self._end(stop)
        if stop is not None:
            # The frames of the transport hold the key in local variables.
            raise stop from None

    def iter_lines(self) -> Iterator[str]:
        """Line by line, without their ends; only a line feed, or CR LF, ends a line."""
        lines = LineCutter()
        for piece in self.iter_bytes():
            yield from lines.feed(piece)
        yield from lines.finish()

    def save(self, path: str | os.PathLike[str], *, progress: Progress | None = None) -> Path:
        """Writes it to a file, which is there whole or not at all; returns the path.

        `progress` is told how many bytes came so far and how many there are, None where the
        server did not say. An existing file is replaced.
        """
        target = NewFile(path)
        try:
            for piece in self.iter_bytes():
                target.file.write(piece)
                if progress is not None:
                    progress(self._course.done, self.size)
            return target.finish()
        except BaseException:
            target.give_up()
            raise

    # The name it has in the official package, and so in the documentation's examples.
    write_to_file = save

    def close(self) -> None:
        """Ends the download and closes its connection; after its end this does nothing."""
        self._source.close()
        self._end(GeneratorExit())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # A download that nobody read still holds its connection.
        if not getattr(self, "_ended", True):
            self.close()


class AsyncDownload(_Content):
    """`Download` for async code: `await` its methods, and `async for` over its iterators.

    ```python
    content = await client.files.content(batch.output_file_id)
    await content.save("results.jsonl")
    ```
    """

    def __init__(
        self,
        source: AsyncSource,
        course: Course,
        reopen: Callable[[Call[Any]], Awaitable[RawReply]],
    ) -> None:
        from asyncio import get_running_loop

        super().__init__(course)
        self._source = source
        self._reopen = reopen
        self._loop = get_running_loop()

    async def read(self) -> bytes:
        """All of it; again gives the same."""
        if self._whole is None:
            self._whole = b"".join([piece async for piece in self.iter_bytes()])
        return self._whole

    async def iter_bytes(self) -> AsyncIterator[bytes]:
        """Piece by piece, as they come."""
        from asyncio import sleep

        if self._whole is not None:
            yield self._whole
            return
        self._begin()
        course = self._course
        stop: BaseException | None = None
        try:
            while True:
                try:
                    async for read in self._source:
                        if piece := course.took(read):
                            yield piece
                    course.end()
                    break
                except SourceBroken as error:
                    broken = error.broken
                await self._source.close()
                call, wait = course.again(broken)
                if not waiting_is_off():
                    await sleep(wait)
                try:
                    raw = await self._reopen(call)
                except APIError as error:
                    raise course.lost(error) from None
                self._source = raw.opened
                course.rejoin(raw)
        except BaseException as caught:  # noqa: BLE001 - raised again, without the frames
            stop = caught.with_traceback(None)
        await self._source.close()
        self._end(stop)
        if stop is not None:
            # The frames of the transport hold the key in local variables.
            raise stop from None

    async def iter_lines(self) -> AsyncIterator[str]:
        """Line by line, without their ends; only a line feed, or CR LF, ends a line."""
        lines = LineCutter()
        async for piece in self.iter_bytes():
            for line in lines.feed(piece):
                yield line
        for line in lines.finish():
            yield line

    async def save(self, path: str | os.PathLike[str], *, progress: Progress | None = None) -> Path:
        """Writes it to a file, as `Download.save`; the disk is written to in a thread."""
        from asyncio import to_thread

        target = await to_thread(NewFile, path)
        try:
            async for piece in self.iter_bytes():
                await to_thread(target.file.write, piece)
                if progress is not None:
                    progress(self._course.done, self.size)
            return await to_thread(target.finish)
        except BaseException:
            target.give_up()
            raise

    write_to_file = save

    async def close(self) -> None:
        """Ends the download and closes its connection; after its end this does nothing."""
        await self._source.close()
        self._end(GeneratorExit())

    def __del__(self) -> None:
        # As with `AsyncStream`: the event loop gives the connection back, where it still runs.
        if getattr(self, "_ended", True):
            return
        self._end(GeneratorExit())
        loop, source = self._loop, self._source
        with suppress(RuntimeError):  # it is closed
            loop.call_soon_threadsafe(lambda: loop.create_task(source.close()))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
