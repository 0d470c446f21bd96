"""One connection for one call after the other, opened anew where it has closed.

httpcore's pool for async code looks at all of its connections before and after each request, under
locks; for one connection at a time none of that is needed, and leaving it out takes a third off a
request's CPU time. So calls that go straight to a server take lines; a proxy needs the pool.
"""

from __future__ import annotations

import ssl

import httpcore

__all__ = ["AsyncLine"]

_KEPT = 60.0  # s; notebooks pause between calls


class AsyncLine:
    """A connection to one server, for one call at a time."""

    __slots__ = ("_connection", "_context")

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._connection: httpcore.AsyncHTTPConnection | None = None

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Sends a request. What breaks is raised as the pool raises it."""
        connection = self._connection
        if connection is not None:
            if connection.is_available() and not connection.has_expired():
                try:
                    return await connection.handle_async_request(request)
                except httpcore.ConnectionNotAvailable:
                    pass  # it closed just now: the request was not begun
            await connection.aclose()
        self._connection = connection = httpcore.AsyncHTTPConnection(
            origin=request.url.origin, ssl_context=self._context, keepalive_expiry=_KEPT
        )
        try:
            return await connection.handle_async_request(request)
        except BaseException:
            self._connection = None
            await connection.aclose()
            raise

    async def aclose(self) -> None:
        """Closes the connection; a later call opens a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.aclose()
