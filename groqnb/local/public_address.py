"""Which addresses the engine may fetch images from: those of the public internet alone.

A URL in a request is somebody else's wish. It must not make this machine ask its own services,
its neighbours in the local network, or the metadata service of a cloud. What counts is the
address that a connection is made to, not how the URL spells it.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

__all__ = ["BadUrl", "Place", "is_public", "place"]

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
# Addresses that lead to an IPv4 address elsewhere, or that no host on the internet has.
_ODD_V6 = tuple(
    map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ODD_V4 = tuple(
    map(
        ipaddress.IPv4Network,
        ("192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "168.63.129.16/32"),
    )
)
_NAME = re.compile(r"(?=.{1,253}\.?$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?)+", re.I)
# By the URL standard such a last label makes the whole host a number, in whatever base.
_NUMBER = re.compile(r"(?:\d+|0x[0-9a-f]*)", re.I)


class BadUrl(Exception):
    """The URL cannot be fetched, or must not be; `str()` says why, as the end of a sentence."""


@dataclass(frozen=True)
class Place:
    """A URL taken apart. `target` is what a request line asks for."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


_PORTS = {"http": 80, "https": 443}


def place(url: str) -> Place:
    """Take a URL apart. Raises BadUrl for one that is odd.

    >>> place("https://example.org/a b.png?x=1").target
    '/a%20b.png?x=1'
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadUrl("it is not a valid URL") from None
    if parts.scheme not in _PORTS:
        raise BadUrl("it must start with http:// or https://")
    if not host:
        raise BadUrl("it names no host")
    if parts.username is not None or parts.password is not None:
        raise BadUrl("it holds a user name; give an address that is open to everybody")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=-._~")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=-._~?[]")
    target = f"{path}?{query}" if query else path
    wanted = _PORTS[parts.scheme] if port is None else port
    if wanted == 0:
        raise BadUrl("there is no port 0")
    return Place(parts.scheme, _host(host), wanted, target)


def _host(host: str) -> str:
    """The host in ASCII: an address in its plain spelling, or a name."""
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host)) if "%" not in host else _fail(host)
        except ValueError:
            _fail(host)
    try:
        plain = host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        _fail(host)
    if _NUMBER.fullmatch(plain.rstrip(".").rpartition(".")[2]):
        try:
            # Octal, decimal and short forms are refused: only tricks need them.
            return str(ipaddress.IPv4Address(plain))
        except ValueError:
            _fail(host)
    return plain if _NAME.fullmatch(plain) else _fail(host)


def _fail(host: str) -> str:
    shown = host if len(host) <= 64 and host.isprintable() else "its host"
    raise BadUrl(f"{shown} is neither a host name nor an address in the usual form")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to a host on the public internet.

    >>> is_public("93.184.215.14"), is_public("169.254.169.254"), is_public("::ffff:10.0.0.1")
    (True, False, False)
    """
    try:
        found: _Address = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv4Address):
        odd = found.is_multicast or found.is_reserved or any(found in net for net in _ODD_V4)
        return found.is_global and not odd
    if found in _NAT64:
        return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
    return found in _PUBLIC_V6 and not any(found in net for net in _ODD_V6)
