"""The only module that knows httpx: one attempt goes out, and comes back as a value.

httpx's transports are called directly, without httpx.Client: what the client adds to each request
(redirects, cookies, authentication, merging of headers, event hooks) is either not needed here or
done once, and leaving it out takes a third off a request's CPU time (see tests/benchmarks). What
it does for every program is kept: proxies from the environment, certificates from SSL_CERT_FILE,
gzip, timeouts, pooled connections.

Three things are ours:

- connections are spread over several small pools, because the time httpcore's pool takes for a
  request grows with the square of the connections it holds;
- an SSL context, which takes tens of milliseconds, is made once for all clients, and never for
  http://;
- what httpx raises never leaves this module: the frames below hold the Authorization header in
  local variables, and a traceback may print those.
"""

from __future__ import annotations

import os
import ssl
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from pydantic_core import to_json

from groqnb.wire.call import Call, Connection
from groqnb.wire.exchange import Broken, RawReply, SourceBroken
from groqnb.wire.shards import MOST_SHARDS, Shards

__all__ = ["AsyncChannel", "AsyncSource", "Channel", "Source"]

_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=8, keepalive_expiry=60.0)
_CONNECT_TIMEOUT = 10.0


@lru_cache(maxsize=4)
def _ssl_context(*_settings: str | None) -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _transport_options(base_url: str, local: bool) -> dict[str, Any]:
    """What both kinds of transport are made with: the SSL context and the proxy."""
    parts = urlsplit(base_url)
    proxy = None if local else _proxy(parts.scheme, parts.hostname or "")
    secure = parts.scheme == "https" or (proxy or "").startswith("https")
    # An unused context of the bare kind costs nothing; False would still be asked for one.
    context: ssl.SSLContext | bool = False
    if secure:
        context = _ssl_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    return {"verify": context, "proxy": proxy, "limits": _LIMITS}


def _proxy(scheme: str, host: str) -> str | None:
    """The proxy for a host, from the environment or the system's settings; never for loopback."""
    if host in ("localhost", "::1") or host.startswith("127."):
        return None
    proxies = urllib.request.getproxies()
    found = proxies.get(scheme) or proxies.get("all")
    if not found or urllib.request.proxy_bypass(host):
        return None
    return found if "://" in found else f"http://{found}"


class _Requests:
    """Builds requests to one server; everything that never changes is built once."""

    def __init__(
        self, connection: Connection, headers: Mapping[str, str] | None, timeout: float
    ) -> None:
        self.base_url = connection.base_url
        self.timeout = timeout
        self._urls: dict[str, httpx.URL] = {}
        base = httpx.Headers(
            {
                "Host": urlsplit(connection.base_url).netloc,
                "Accept": "application/json",
                "Accept-Encoding": "gzip, deflate",
                "Connection": "keep-alive",
                "User-Agent": "groqnb",
            }
        )
        if headers:
            base.update(headers)
        if connection.key is not None:
            base["Authorization"] = f"Bearer {connection.key.reveal()}"
        self._plain = base
        self._json = base.copy()
        self._json["Content-Type"] = "application/json"
        self._default_timeout = self._limits(timeout)

    def build(self, call: Call[Any]) -> httpx.Request:
        content = b"" if call.body is None else to_json(call.body)
        request = httpx.Request(
            call.method,
            self._url(call),
            headers=self._plain if call.body is None else self._json,
            stream=httpx.ByteStream(content),
            extensions={
                "timeout": self._default_timeout
                if call.timeout is None
                else self._limits(call.timeout)
            },
        )
        if call.method != "GET":
            request.headers["Content-Length"] = str(len(content))
        if call.headers:
            request.headers.update(call.headers)
        return request

    def _url(self, call: Call[Any]) -> httpx.URL:
        url = self._urls.get(call.path)
        if url is None:
            if len(self._urls) > 100:
                self._urls.clear()
            url = self._urls[call.path] = httpx.URL(self.base_url + call.path)
        if not call.query:
            return url
        return url.copy_with(query=urlencode(call.query, doseq=True).encode())

    @staticmethod
    def _limits(timeout: float) -> dict[str, float | None]:
        limit = timeout if timeout < float("inf") else None
        connect = _CONNECT_TIMEOUT if limit is None else min(_CONNECT_TIMEOUT, limit)
        return {"connect": connect, "read": limit, "write": limit, "pool": limit}

    def broken(self, error: httpx.RequestError, call: Call[Any]) -> Broken:
        """What went wrong, without the exception: its frames hold the key."""
        timeout = self.timeout if call.timeout is None else call.timeout
        return _broken(error, timeout)


def _broken(error: httpx.RequestError, timeout: float | None) -> Broken:
    if isinstance(error, httpx.TimeoutException):
        if isinstance(error, httpx.ConnectTimeout):
            return Broken("connect", "no answer to the attempt to connect")
        return Broken("timeout", "", timeout)
    if isinstance(error, httpx.DecodingError):
        return Broken("decode", "")
    # The text of a LocalProtocolError may quote a header, and so the key.
    if isinstance(error, httpx.LocalProtocolError):
        return Broken("protocol", "")
    reason = " ".join(str(error).split()).rstrip(".")
    if isinstance(error, httpx.RemoteProtocolError):
        cut = "without sending" in reason or "peer closed" in reason
        return Broken("cut" if cut else "protocol", "" if cut else reason)
    if isinstance(error, (httpx.ConnectError, httpx.ProxyError, httpx.UnsupportedProtocol)):
        return Broken("tls" if "SSL" in reason or "CERT" in reason else "connect", reason)
    return Broken("cut", reason)


class Source:
    """The body of a stream that has begun, read by read."""

    def __init__(self, response: httpx.Response, release: Callable[[], None]) -> None:
        self._response = response
        self._release: Callable[[], None] | None = release

    def __iter__(self) -> Iterator[bytes]:
        """Reads, decompressed. What breaks is raised as `SourceBroken`."""
        response = self._response
        packed = "content-encoding" in response.headers
        failure = None
        try:
            yield from (response.iter_bytes() if packed else response.stream)  # type: ignore[misc]
        except httpx.RequestError as error:
            failure = _broken(error, None)
        if failure is not None:
            raise SourceBroken(failure)

    def close(self) -> None:
        """Gives the connection back; again is nothing."""
        release, self._release = self._release, None
        if release is not None:
            self._response.close()
            release()


class AsyncSource:
    """`Source` for async code."""

    def __init__(self, response: httpx.Response, release: Callable[[], None]) -> None:
        self._response = response
        self._release: Callable[[], None] | None = release

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Reads, decompressed. What breaks is raised as `SourceBroken`."""
        response = self._response
        packed = "content-encoding" in response.headers
        reads: Any = response.aiter_bytes() if packed else response.stream
        failure = None
        try:
            async for read in reads:
                yield read
        except httpx.RequestError as error:
            failure = _broken(error, None)
        if failure is not None:
            raise SourceBroken(failure)

    async def close(self) -> None:
        """Gives the connection back; again is nothing."""
        release, self._release = self._release, None
        if release is not None:
            try:
                await self._response.aclose()
            finally:
                release()


class Channel:
    """The way to one server, for sync code.

    `transport` replaces the network, as in `httpx.MockTransport(handler)`, and is not closed here.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        headers: Mapping[str, str] | None,
        timeout: float,
        local: bool,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._requests = _Requests(connection, headers, timeout)
        self._injected = transport

        def make() -> httpx.BaseTransport:
            if transport is not None:
                return transport
            return httpx.HTTPTransport(**_transport_options(connection.base_url, local))

        self._shards = Shards(make, 1 if transport is not None else MOST_SHARDS)

    def send(self, call: Call[Any], *, stream: bool) -> RawReply | Broken:
        """One attempt. A stream that begins comes back open; everything else is read whole."""
        request = self._requests.build(call)
        shard = self._shards.take()
        kept = False
        try:
            response = shard.transport.handle_request(request)
            if stream and 200 <= response.status_code < 300:
                kept = True
                source = Source(response, lambda: self._shards.give_back(shard))
                return RawReply(response.status_code, response.headers, b"", source)
            try:
                if "content-encoding" in response.headers:
                    body = response.read()
                else:
                    body = b"".join(response.stream)  # type: ignore[arg-type]
            finally:
                response.close()
            return RawReply(response.status_code, response.headers, body)
        except httpx.RequestError as error:
            failure = self._requests.broken(error, call)
        finally:
            if not kept:
                self._shards.give_back(shard)
        return failure

    def close(self) -> None:
        """Closes the idle connections; calls after this open new ones."""
        for transport in self._shards.drain():
            if transport is not self._injected:
                transport.close()


class AsyncChannel:
    """The way to one server, for async code; see `Channel`."""

    def __init__(
        self,
        connection: Connection,
        *,
        headers: Mapping[str, str] | None,
        timeout: float,
        local: bool,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._requests = _Requests(connection, headers, timeout)
        self._injected = transport

        def make() -> httpx.AsyncBaseTransport:
            if transport is not None:
                return transport
            return httpx.AsyncHTTPTransport(**_transport_options(connection.base_url, local))

        self._make = make
        self._most = 1 if transport is not None else MOST_SHARDS
        self._shards = Shards(make, self._most)

    def forget(self) -> None:
        """Leaves the connections of an event loop that is gone, where they cannot be closed."""
        self._shards = Shards(self._make, self._most)

    async def send(self, call: Call[Any], *, stream: bool) -> RawReply | Broken:
        """One attempt. A stream that begins comes back open; everything else is read whole."""
        request = self._requests.build(call)
        shards = self._shards
        shard = shards.take()
        kept = False
        try:
            response = await shard.transport.handle_async_request(request)
            if stream and 200 <= response.status_code < 300:
                kept = True
                source = AsyncSource(response, lambda: shards.give_back(shard))
                return RawReply(response.status_code, response.headers, b"", source)
            try:
                body = await response.aread()
            finally:
                await response.aclose()
            return RawReply(response.status_code, response.headers, body)
        except httpx.RequestError as error:
            failure = self._requests.broken(error, call)
        finally:
            if not kept:
                shards.give_back(shard)
        return failure

    async def close(self) -> None:
        """Closes the idle connections; calls after this open new ones."""
        for transport in self._shards.drain():
            if transport is not self._injected:
                await transport.aclose()
