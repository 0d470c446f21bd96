"""The bodies of streams: looked at on their way into a record, or played from it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

from groqnb.record.events import Splitter
from groqnb.record.reply import MOST_BYTES, Told, kept_body, kept_break, kept_stream
from groqnb.record.scrub import Scrubber
from groqnb.wire.exchange import Broken, SourceBroken

if TYPE_CHECKING:
    from groqnb.record.take import Take

__all__ = ["AsyncKept", "AsyncPlayed", "Kept", "Played"]


class _Keeping:
    """Looks at a stream's reads as they pass."""

    def __init__(
        self,
        take: Take,
        source: Any,
        headers: Told,
        exchange: dict[str, Any],
        scrub: Scrubber,
    ) -> None:
        self._take = take
        self._source = source
        self._headers = headers
        self._exchange = exchange
        self._scrub = scrub
        self._blocks: list[bytes] = []
        self._times: list[float] = []
        self._size = 0
        self._broken: Broken | None = None
        kind = headers.get("content-type", "")
        self._splitter = Splitter() if "event-stream" in kind else None

    def _see(self, read: bytes) -> None:
        take = self._take
        at = take.since()
        take.arrive(at)
        self._size += len(read)
        if self._size > MOST_BYTES:
            self._blocks.clear()
            return
        blocks = [read] if self._splitter is None else self._splitter.feed(read)
        self._blocks += blocks
        self._times += [at] * len(blocks)

    def _end(self) -> None:
        seconds = self._times[-1] if self._times else 0.0
        self._take.arrive(seconds)
        self._headers.tell("x-groqnb-seconds", f"{seconds:g}")

    def commit(self, how: str) -> None:
        """Adds the stream to the record."""
        reply = self._exchange["reply"]
        if self._size > MOST_BYTES:
            self._take.too_large()
            return
        if self._splitter is None:
            reply["seconds"] = self._take.seconds()
            body = b"".join(self._blocks)
            reply |= kept_body(body, self._headers.get("content-type", ""), self._scrub)
        else:
            rest = self._splitter.finish()
            reply |= kept_stream(
                self._blocks + rest, self._times + [self._take.seconds()] * len(rest), self._scrub
            )
        if self._broken is not None:
            reply["broken"] = kept_break(self._broken, self._scrub)
        self._take.add(self._exchange)


class Kept(_Keeping):
    """The source of a stream that is kept."""

    def __iter__(self) -> Iterator[bytes]:
        """The reads as they come."""
        try:
            for read in self._source:
                self._see(read)
                yield read
        except SourceBroken as error:
            self._broken = error.broken
            self._take.ended("failed")
            raise

    def wake(self) -> None:
        """Ends the connection under a thread that waits for the next read."""
        self._source.wake()

    def close(self) -> None:
        """Gives the connection back."""
        self._end()
        self._source.close()


class AsyncKept(_Keeping):
    """`Kept` for async code."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The reads as they come."""
        try:
            async for read in self._source:
                self._see(read)
                yield read
        except SourceBroken as error:
            self._broken = error.broken
            self._take.ended("failed")
            raise

    async def close(self) -> None:
        """Gives the connection back."""
        self._end()
        await self._source.close()


class _Playing:
    """A recorded stream."""

    def __init__(
        self,
        arrive: Callable[[float], None],
        blocks: list[bytes],
        times: list[float],
        broken: Broken | None,
        timing: bool,
    ) -> None:
        self._arrive = arrive
        self._blocks = blocks
        self._times = times
        self._broken = broken
        self._timing = timing

    def _steps(self) -> Iterator[tuple[bytes, float, float]]:
        """Each event, when it came, and how long to wait for it."""
        before = 0.0
        for block, at in zip(self._blocks, self._times, strict=True):
            yield block, at, max(0.0, at - before) if self._timing else 0.0
            before = at

    def _end(self) -> None:
        if self._broken is not None:
            raise SourceBroken(self._broken)


class Played(_Playing):
    """The source of a recorded stream."""

    def __iter__(self) -> Iterator[bytes]:
        """The events, one by one."""
        for block, at, wait in self._steps():
            if wait:
                time.sleep(wait)
            self._arrive(at)
            yield block
        self._end()

    def wake(self) -> None:
        """Nobody waits for a connection."""

    def close(self) -> None:
        """There is nothing to close."""


class AsyncPlayed(_Playing):
    """`Played` for async code."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The events, one by one."""
        from asyncio import sleep

        for block, at, wait in self._steps():
            if wait:
                await sleep(wait)
            self._arrive(at)
            yield block
        self._end()

    async def close(self) -> None:
        """There is nothing to close."""
