"""One attempt to one server: a request goes out, and what comes back is a value.

What httpcore raises never leaves this module: the frames below hold the Authorization header in
local variables, and a traceback may print those.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpcore

from groqnb.wire.call import Call, Connection
from groqnb.wire.exchange import Broken, RawReply, SourceBroken
from groqnb.wire.headers import Headers
from groqnb.wire.inflate import ACCEPTED, InflateError, Inflater
from groqnb.wire.reads import areads, reads, wake
from groqnb.wire.shards import Shards
from groqnb.wire.transport import AsyncInjected, Injected, make_async_shards, make_pool

__all__ = ["AsyncChannel", "AsyncSource", "Channel", "Source"]

_CONNECT_TIMEOUT = 10.0

_FAILURES = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    InflateError,
)


class _Requests:
    """Builds requests to one server; everything that never changes is built once."""

    def __init__(
        self, connection: Connection, headers: Mapping[str, str] | None, timeout: float
    ) -> None:
        parts = urlsplit(connection.base_url)
        self.timeout = timeout
        self._scheme = parts.scheme.encode()
        self._host = (parts.hostname or "").encode("idna")
        self._port = parts.port
        self._path = parts.path
        self._root = re.sub(r"/openai(/v1)$", r"\1", parts.path)
        self._extensions = {"timeout": _limits(timeout)}
        self._plain = _merged(
            [
                (b"Host", parts.netloc.encode("idna")),
                (b"Accept", b"application/json"),
                (b"Accept-Encoding", ACCEPTED.encode()),
                (b"User-Agent", b"groqnb"),
            ],
            headers,
        )
        if connection.key is not None:
            self._plain.append((b"Authorization", f"Bearer {connection.key.reveal()}".encode()))
        self._json = [*self._plain, (b"Content-Type", b"application/json")]

    def build(self, call: Call[Any]) -> httpcore.Request:
        content: Any
        if call.form is not None:
            from groqnb.wire.multipart import Multipart

            content = Multipart(call.body or {}, call.form)
            length, kind = content.length, content.content_type
        else:
            content = call.json()
            length, kind = len(content), None
        target = (self._root if call.root else self._path) + call.path
        if call.query:
            target += f"?{urlencode(call.query, doseq=True)}"
        return httpcore.Request(
            call.method,
            httpcore.URL(
                scheme=self._scheme, host=self._host, port=self._port, target=target.encode()
            ),
            headers=self._headers(call, length, kind),
            content=content,
            extensions=self._extensions
            if call.timeout is None
            else {"timeout": _limits(call.timeout)},
        )

    def _headers(self, call: Call[Any], length: int, kind: str | None) -> list[tuple[bytes, bytes]]:
        ready = self._plain if call.body is None else self._json
        if kind is not None:
            ready = [*self._plain, (b"Content-Type", kind.encode())]
        if call.headers:
            ready = _merged(ready, call.headers)
        if call.method == "GET":
            return ready
        return [*ready, (b"Content-Length", b"%d" % length)]


def _merged(
    base: list[tuple[bytes, bytes]], more: Mapping[str, str] | None
) -> list[tuple[bytes, bytes]]:
    """The headers with some replaced or added."""
    if not more:
        return list(base)
    added = {name.lower().encode(): (name.encode(), more[name].encode()) for name in more}
    kept = [header for header in base if header[0].lower() not in added]
    return [*kept, *added.values()]


def _limits(timeout: float) -> dict[str, float | None]:
    limit = timeout if timeout < float("inf") else None
    connect = _CONNECT_TIMEOUT if limit is None else min(_CONNECT_TIMEOUT, limit)
    return {"connect": connect, "read": limit, "write": limit, "pool": limit}


def _broken(error: Exception, timeout: float | None) -> Broken:
    """What went wrong, without the exception: its frames hold the key."""
    reason = " ".join(str(error).split()).rstrip(".")
    if isinstance(error, InflateError):
        return Broken("decode", reason)
    if isinstance(error, httpcore.TimeoutException):
        if isinstance(error, httpcore.ConnectTimeout):
            return Broken("connect", "no answer to the attempt to connect")
        return Broken("timeout", "", timeout)
    # The text of a LocalProtocolError may quote a header, and so the key.
    if isinstance(error, httpcore.LocalProtocolError):
        return Broken("protocol", "")
    if isinstance(error, httpcore.RemoteProtocolError):
        cut = "without sending" in reason or "peer closed" in reason
        return Broken("cut" if cut else "protocol", "" if cut else reason)
    if isinstance(error, (httpcore.ReadError, httpcore.WriteError)):
        return Broken("cut", reason)
    return Broken("tls" if "SSL" in reason or "CERT" in reason else "connect", reason)


def _inflater(headers: Headers) -> Inflater | None:
    encoding = headers.get("content-encoding", "identity")
    return None if encoding == "identity" else Inflater(encoding)


class Source:
    """The body of a stream that has begun, read by read."""

    def __init__(
        self, response: httpcore.Response, headers: Headers, release: Callable[[], None]
    ) -> None:
        self._response = response
        self._headers = headers
        self._release: Callable[[], None] | None = release

    def __iter__(self) -> Iterator[bytes]:
        """Reads, decompressed. What breaks is raised as `SourceBroken`."""
        failure = None
        try:
            inflater = _inflater(self._headers)
            if inflater is None:
                yield from reads(self._response)
            else:
                for read in reads(self._response):
                    yield inflater.feed(read)
                inflater.finish()
        except _FAILURES as error:
            failure = _broken(error, None)
        if failure is not None:
            raise SourceBroken(failure)

    def wake(self) -> None:
        """Ends the connection under a thread that waits for the next read; that one closes it."""
        wake(self._response)

    def close(self) -> None:
        """Gives the connection back; again is nothing."""
        release, self._release = self._release, None
        if release is not None:
            try:
                self._response.close()
            finally:
                release()


class AsyncSource:
    """`Source` for async code."""

    def __init__(
        self, response: httpcore.Response, headers: Headers, release: Callable[[], None]
    ) -> None:
        self._response = response
        self._headers = headers
        self._release: Callable[[], None] | None = release

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Reads, decompressed. What breaks is raised as `SourceBroken`."""
        failure = None
        try:
            inflater = _inflater(self._headers)
            async for read in areads(self._response):
                yield read if inflater is None else inflater.feed(read)
            if inflater is not None:
                inflater.finish()
        except _FAILURES as error:
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
    """The way to one server, for sync code."""

    def __init__(
        self,
        connection: Connection,
        *,
        headers: Mapping[str, str] | None,
        timeout: float,
        transport: Any = None,
    ) -> None:
        self._requests = _Requests(connection, headers, timeout)
        if transport is None:
            self._shards: Shards[Any] = Shards(lambda: make_pool(connection.base_url))
        else:
            self._shards = Shards(lambda: Injected(transport), most=1)

    def send(self, call: Call[Any], *, stream: bool) -> RawReply | Broken:
        """One attempt. A stream that begins comes back open; everything else is read whole."""
        shards = self._shards
        shard = shards.take()
        kept = False
        try:
            response = shard.pool.handle_request(self._requests.build(call))
            headers = Headers(response.headers)
            if stream and 200 <= response.status < 300:
                kept = True
                source = Source(response, headers, lambda: shards.give_back(shard))
                return RawReply(response.status, headers, b"", source)
            try:
                body = b"".join(response.stream)
                inflater = _inflater(headers)
                if inflater is not None:
                    body = inflater.feed(body) + inflater.finish()
            finally:
                response.close()
            return RawReply(response.status, headers, body)
        except _FAILURES as error:
            timeout = self._requests.timeout if call.timeout is None else call.timeout
            failure = _broken(error, timeout)
        finally:
            if not kept:
                shards.give_back(shard)
        return failure

    def close(self) -> None:
        """Closes the idle connections; calls after this open new ones."""
        for pool in self._shards.drain():
            pool.close()


class AsyncChannel:
    """The way to one server, for async code."""

    def __init__(
        self,
        connection: Connection,
        *,
        headers: Mapping[str, str] | None,
        timeout: float,
        transport: Any = None,
    ) -> None:
        self._requests = _Requests(connection, headers, timeout)
        self._base_url = connection.base_url
        self._transport = transport
        self._shards = self._new_shards()

    def _new_shards(self) -> Shards[Any]:
        if self._transport is None:
            return make_async_shards(self._base_url)
        return Shards(lambda: AsyncInjected(self._transport), most=1)

    def forget(self) -> None:
        """Leaves the connections of an event loop that is gone, where they cannot be closed."""
        self._shards = self._new_shards()

    async def send(self, call: Call[Any], *, stream: bool) -> RawReply | Broken:
        """One attempt. A stream that begins comes back open; everything else is read whole."""
        shards = self._shards
        shard = shards.take()
        kept = False
        try:
            response = await shard.pool.handle_async_request(self._requests.build(call))
            headers = Headers(response.headers)
            if stream and 200 <= response.status < 300:
                kept = True
                source = AsyncSource(response, headers, lambda: shards.give_back(shard))
                return RawReply(response.status, headers, b"", source)
            try:
                body = b"".join([part async for part in response.stream])
                inflater = _inflater(headers)
                if inflater is not None:
                    body = inflater.feed(body) + inflater.finish()
            finally:
                await response.aclose()
            return RawReply(response.status, headers, body)
        except _FAILURES as error:
            timeout = self._requests.timeout if call.timeout is None else call.timeout
            failure = _broken(error, timeout)
        finally:
            if not kept:
                shards.give_back(shard)
        return failure

    async def close(self) -> None:
        """Closes the idle connections; calls after this open new ones."""
        for pool in self._shards.drain():
            await pool.aclose()
