"""Transports: pools of connections to the network, or what a test injects in their place.

This is the only module that knows httpx. Calls go to httpcore, the engine under httpx, directly:
what httpx puts on top of it is either not needed here (redirects, cookies, authentication,
merging of headers, event hooks) or done once for a server in place of once for a request. Leaving
it out takes most of a request's CPU time and a good part of the start-up (see tests/benchmarks).
An injected transport is one of httpx's, such as `httpx.MockTransport(handler)`; it is given the
same requests, and httpx is imported only for it.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import httpcore

from groqnb.wire.line import AsyncLine
from groqnb.wire.network import proxy_for, ssl_context
from groqnb.wire.shards import Shards

__all__ = ["AsyncInjected", "Injected", "make_async_pool", "make_async_shards", "make_pool"]

_KEPT: dict[str, Any] = {
    "max_connections": None,
    "max_keepalive_connections": 8,
    # Notebooks pause between calls; a new TLS connection costs two round trips.
    "keepalive_expiry": 60.0,
}


def make_pool(base_url: str) -> httpcore.ConnectionPool:
    """A pool for a server, with its proxy and certificates."""
    options = _options(base_url)
    proxy = options.pop("proxy")
    if proxy is None:
        return httpcore.ConnectionPool(**options)
    if proxy["proxy_url"].startswith("socks"):
        return httpcore.SOCKSProxy(**proxy, **options)
    return httpcore.HTTPProxy(**proxy, **options)


def make_async_pool(base_url: str) -> httpcore.AsyncConnectionPool:
    """`make_pool` for async code."""
    options = _options(base_url)
    proxy = options.pop("proxy")
    if proxy is None:
        return httpcore.AsyncConnectionPool(**options)
    if proxy["proxy_url"].startswith("socks"):
        return httpcore.AsyncSOCKSProxy(**proxy, **options)
    return httpcore.AsyncHTTPProxy(**proxy, **options)


def make_async_shards(base_url: str) -> Shards[Any]:
    """The connections of async code to a server: lines to it, or pools through a proxy."""
    options = _options(base_url)
    if options["proxy"] is not None:
        return Shards(lambda: make_async_pool(base_url))
    return Shards(lambda: AsyncLine(options["ssl_context"]), most=sys.maxsize, calls=1)


def _options(base_url: str) -> dict[str, Any]:
    parts = urlsplit(base_url)
    url = proxy_for(parts.scheme, parts.hostname or "")
    proxy: dict[str, Any] | None = None
    if url is not None:
        where = urlsplit(url)
        port = f":{where.port}" if where.port else ""
        proxy = {"proxy_url": f"{where.scheme}://{where.hostname}{port}"}
        if where.username:
            proxy["proxy_auth"] = (unquote(where.username), unquote(where.password or ""))
        if where.scheme == "https":
            proxy["proxy_ssl_context"] = ssl_context()
    context = ssl_context() if parts.scheme == "https" else None
    return {"ssl_context": context, "proxy": proxy, **_KEPT}


def _as_httpx(request: httpcore.Request, content: bytes) -> Any:
    import httpx

    url = request.url
    return httpx.Request(
        request.method.decode(),
        httpx.URL(
            scheme=url.scheme.decode(), host=url.host.decode(), port=url.port, raw_path=url.target
        ),
        headers=request.headers,
        stream=httpx.ByteStream(content),
        extensions=request.extensions,
    )


def _as_httpcore(error: Exception) -> Exception:
    """httpx's name for it, in httpcore's words; the two have the same tree."""
    cls = getattr(httpcore, type(error).__name__, httpcore.NetworkError)
    told: Exception = cls(str(error))
    return told


class Injected:
    """An httpx transport in the place of a pool."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Passes a request on."""
        import httpx

        try:
            reply = self._transport.handle_request(
                _as_httpx(request, b"".join(request.stream))  # type: ignore[arg-type]
            )
        except httpx.TransportError as error:
            raise _as_httpcore(error) from None
        return httpcore.Response(
            reply.status_code, headers=reply.headers.raw, content=_Body(reply.stream)
        )

    def close(self) -> None:
        """Does nothing: who made the transport closes it."""


class _Body:
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        import httpx

        try:
            yield from self._stream
        except httpx.TransportError as error:
            raise _as_httpcore(error) from None

    def close(self) -> None:
        self._stream.close()


class AsyncInjected:
    """An async httpx transport in the place of a pool."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Passes a request on."""
        import httpx

        try:
            reply = await self._transport.handle_async_request(
                _as_httpx(request, b"".join([part async for part in request.stream]))  # type: ignore[union-attr]
            )
        except httpx.TransportError as error:
            raise _as_httpcore(error) from None
        return httpcore.Response(
            reply.status_code, headers=reply.headers.raw, content=_AsyncBody(reply.stream)
        )

    async def aclose(self) -> None:
        """Does nothing: who made the transport closes it."""


class _AsyncBody:
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        import httpx

        try:
            async for part in self._stream:
                yield part
        except httpx.TransportError as error:
            raise _as_httpcore(error) from None

    async def aclose(self) -> None:
        await self._stream.aclose()
