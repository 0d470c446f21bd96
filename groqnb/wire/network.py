"""How a server is reached: certificates and proxies, from where every program has them.

Certificates: `SSL_CERT_FILE` or `SSL_CERT_DIR`, else the bundle of the package certifi. Proxies:
`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, or the system's settings on macOS and
Windows; never for this machine itself.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

__all__ = ["proxy_for", "ssl_context"]


def ssl_context() -> ssl.SSLContext:
    """The context for https, made once: reading the certificates takes tens of milliseconds."""
    return _ssl_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache(maxsize=4)
def _ssl_context(file: str | None, folder: str | None) -> ssl.SSLContext:
    import ssl

    if file or folder:
        return ssl.create_default_context(cafile=file or None, capath=folder or None)
    import certifi

    return ssl.create_default_context(cafile=certifi.where())


def _is_loopback(host: str) -> bool:
    """True for this machine itself; names such as 127.example.com are not."""
    return host in ("localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None


def proxy_for(scheme: str, host: str) -> str | None:
    """The URL of the proxy for a host, or None."""
    if _is_loopback(host):
        return None
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    found = proxies.get(scheme) or proxies.get("all")
    if not found or proxy_bypass(host):
        return None
    return found if "://" in found else f"http://{found}"
