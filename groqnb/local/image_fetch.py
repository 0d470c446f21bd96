"""Images and audio by URL: fetched from public addresses, within bounds of size and time.

A name is looked up once, every address of it is checked, and the connection goes to a checked one
and no other: a name that changes its mind between the check and the connection gains nothing.
Redirects are followed by hand, each as a new URL. Proxies of the environment are not used, since
behind one nobody here could tell which address is asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from groqnb.local.public_address import BadUrl, Place, is_public, place

if TYPE_CHECKING:
    import httpcore

__all__ = ["AUDIO", "IMAGES", "Kind", "TooLarge", "fetch"]

_SECONDS = 20.0
_CONNECT = 4.0  # s for an address while there are others to try
_MOST_REDIRECTS = 4
_REDIRECTS = (301, 302, 303, 307, 308)
_NO_NETWORK = "is there a network? A data: URL, with the file in the request, needs none"


@dataclass(frozen=True)
class Kind:
    """What is fetched: its name in messages, the Accept header, how many seconds it may take."""

    plural: str
    accept: bytes
    seconds: float = _SECONDS


IMAGES = Kind("images", b"image/png,image/jpeg,image/webp,image/gif")
AUDIO = Kind("recordings", b"audio/*,video/*;q=0.9,*/*;q=0.8", 120.0)


class TooLarge(BadUrl):
    """There are more bytes than allowed."""


async def fetch(url: str, most: int, *, private: bool = False, kind: Kind = IMAGES) -> bytes:
    """The body behind `url`, at most `most` bytes of it. Raises BadUrl.

    `private` lets it ask addresses of this machine and its network too.
    """
    try:
        return await asyncio.wait_for(_fetch(url, most, private, kind), kind.seconds)
    except asyncio.TimeoutError:
        raise BadUrl(f"it did not come within {kind.seconds:g} seconds") from None


async def _fetch(url: str, most: int, private: bool, kind: Kind) -> bytes:
    for _ in range(_MOST_REDIRECTS + 1):
        wanted = place(url)
        addresses = await _addresses(wanted, private, kind)
        found = await _get(wanted, addresses, most, kind)
        if isinstance(found, bytes):
            return found
        try:
            url = urljoin(url, found)
        except ValueError:
            raise BadUrl("it is a redirect to what is no valid URL") from None
    raise BadUrl(f"it leads through more than {_MOST_REDIRECTS} redirects")


async def _addresses(wanted: Place, private: bool, kind: Kind) -> list[str]:
    """The addresses to connect to; a name with any address that is not public is refused."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(wanted.host, wanted.port, type=socket.SOCK_STREAM)
    except OSError:
        raise BadUrl(f"the host {wanted.host} cannot be found ({_NO_NETWORK})") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses:
        raise BadUrl(f"the host {wanted.host} has no address")
    if not private and not all(map(is_public, addresses)):
        raise BadUrl(
            f"{wanted.host} is not a public address; {kind.plural} come from public ones only"
        )
    return addresses


async def _get(wanted: Place, addresses: list[str], most: int, kind: Kind) -> bytes | str:
    """The body, or where a redirect leads to."""
    import httpcore

    context = _context() if wanted.scheme == "https" else None
    url = httpcore.URL(
        scheme=wanted.scheme.encode(),
        host=wanted.host.encode(),
        port=wanted.port,
        target=wanted.target.encode(),
    )
    headers = [
        (b"Host", wanted.authority.encode()),
        (b"Accept", kind.accept),
        (b"Accept-Encoding", b"identity"),
        (b"User-Agent", b"groqnb"),
    ]
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), _SECONDS)
    try:
        async with (
            httpcore.AsyncConnectionPool(
                ssl_context=context, max_connections=1, network_backend=_pinned(addresses)
            ) as pool,
            pool.stream("GET", url, headers=headers, extensions={"timeout": timeouts}) as reply,
        ):
            if reply.status in _REDIRECTS:
                return _location(reply.headers)
            if reply.status != 200:
                raise BadUrl(f"{wanted.host} answered with status {reply.status}")
            return await _body(reply, most)
    except (httpcore.ConnectError, httpcore.TimeoutException) as error:
        if isinstance(error.__cause__, ssl.SSLError):
            raise BadUrl(f"the certificate of {wanted.host} is not valid") from None
        raise BadUrl(f"{wanted.host} cannot be reached ({_NO_NETWORK})") from None
    except (httpcore.NetworkError, httpcore.ProtocolError):
        raise BadUrl(f"the connection to {wanted.host} broke off") from None


async def _body(reply: httpcore.Response, most: int) -> bytes:
    too_large = TooLarge(f"it has more than {most:,} bytes")
    declared = _header(reply.headers, b"content-length")
    if declared.isdigit() and int(declared) > most:
        raise too_large
    body = bytearray()
    async for piece in reply.aiter_stream():
        body += piece
        if len(body) > most:
            raise too_large
    return bytes(body)


def _location(headers: Iterable[tuple[bytes, bytes]]) -> str:
    found = _header(headers, b"location").decode("latin-1")
    if not found:
        raise BadUrl("it is a redirect that leads nowhere")
    return found


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes:
    return next((value for key, value in headers if key.lower() == name), b"")


def _pinned(addresses: list[str]) -> httpcore.AsyncNetworkBackend:
    """Connections to the first of `addresses` that can be reached, whatever name they are for.

    The name stays what it is for TLS: the certificate must be the host's.
    """
    import httpcore

    class Pinned(httpcore.AsyncNetworkBackend):
        def __init__(self) -> None:
            self._real = httpcore.AnyIOBackend()

        async def connect_tcp(
            self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any
        ) -> httpcore.AsyncNetworkStream:
            *others, last = addresses
            for address in others:
                with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                    return await self._real.connect_tcp(address, port, _CONNECT, *args, **kwargs)
            return await self._real.connect_tcp(last, port, timeout, *args, **kwargs)

    return Pinned()


@cache
def _context() -> ssl.SSLContext:
    import certifi

    return ssl.create_default_context(cafile=certifi.where())
