"""Work for a client that may hang up: it ends when the client does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request

__all__ = ["unless_gone"]

_T = TypeVar("_T")


async def unless_gone(request: Request, work: Awaitable[_T]) -> _T:
    """The result of `work`; it is cancelled and ClientDisconnect raised when the client hangs up.

    The body of `request` must have been read: what comes after it is the end of the connection.
    """
    task = asyncio.ensure_future(work)
    watch = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientDisconnect
    finally:
        for each in (task, watch):
            each.cancel()
        await asyncio.gather(task, watch, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue
