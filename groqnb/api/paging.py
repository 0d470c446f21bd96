"""Lists that come page by page: one page, and a loop over all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from typing import Any, Generic

from groqnb.api.resource import AsyncSender, S, SyncSender
from groqnb.types.batches import BatchCard, BatchList
from groqnb.types.errors import ResponseError
from groqnb.types.rate_limit import RateLimit
from groqnb.wire.call import Call

__all__ = ["AsyncPage", "AsyncPages", "Page"]

MakeCall = Callable[[str], Call[BatchList]]
"""Gives the call for the page at a cursor."""


class _Page(Generic[S]):
    """One page, as it came."""

    def __init__(self, sender: S, reply: BatchList, make_call: MakeCall) -> None:
        self.reply = reply
        self._sender: S = sender
        self._make_call = make_call

    @property
    def data(self) -> list[BatchCard]:
        """What this page holds."""
        return self.reply.data

    @property
    def paging(self) -> dict[str, Any] | None:
        """What the server says of the next page."""
        return self.reply.paging

    @property
    def next_cursor(self) -> str | None:
        """The cursor of the next page, or None after the last."""
        return self.reply.next_cursor

    @property
    def headers(self) -> Mapping[str, str]:
        """The reply's HTTP headers."""
        return self.reply.headers

    @property
    def request_id(self) -> str | None:
        """The id under which Groq's logs know the request."""
        return self.reply.request_id

    @property
    def rate_limit(self) -> RateLimit | None:
        """What is left of the rate limits, or None where the reply did not say."""
        return self.reply.rate_limit

    def __repr__(self) -> str:
        more = ", more follow" if self.next_cursor else ""
        return f"<{type(self).__name__} of {len(self.data)}{more}>"

    def _after(self, page: BatchList, seen: set[str]) -> Call[BatchList] | None:
        """The call for the next page. Raises ResponseError where the list goes in a circle."""
        cursor = page.next_cursor
        if cursor is None:
            return None
        if cursor in seen:
            raise ResponseError("The list goes in a circle: a cursor came twice.", body=cursor)
        seen.add(cursor)
        return self._make_call(cursor)


class Page(_Page[SyncSender]):
    """One page of a list; iterating goes on through all pages, asking for each when it is due.

    ```python
    page = client.batches.list()
    page.data, page.next_cursor
    for batch in page:
        print(batch.id, batch.status)
    ```
    """

    def __iter__(self) -> Iterator[BatchCard]:
        page, seen = self.reply, set[str]()
        while True:
            yield from page.data
            call = self._after(page, seen)
            if call is None:
                return
            page = self._sender.send(call)


class AsyncPage(_Page[AsyncSender]):
    """`Page` for `async for`."""

    async def __aiter__(self) -> AsyncIterator[BatchCard]:
        page, seen = self.reply, set[str]()
        while True:
            for item in page.data:
                yield item
            call = self._after(page, seen)
            if call is None:
                return
            page = await self._sender.send(call)


class AsyncPages:
    """A list that is still to be asked for: await it for its first page, or iterate over all.

    ```python
    page = await client.batches.list()
    async for batch in client.batches.list():
        print(batch.id, batch.status)
    ```
    """

    def __init__(self, sender: AsyncSender, call: Call[BatchList], make_call: MakeCall) -> None:
        self._sender = sender
        self._call = call
        self._make_call = make_call

    def __await__(self) -> Generator[Any, Any, AsyncPage]:
        return self._first().__await__()

    async def _first(self) -> AsyncPage:
        reply = await self._sender.send(self._call)
        return AsyncPage(self._sender, reply, self._make_call)

    async def __aiter__(self) -> AsyncIterator[BatchCard]:
        async for item in await self._first():
            yield item
