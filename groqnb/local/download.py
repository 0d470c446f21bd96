"""Fetch a file over HTTP by the standard library: resumed, checked, its errors made short."""

from __future__ import annotations

import errno
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

from groqnb.local.checksum import sha256_of
from groqnb.local.errors import DiskFull

__all__ = ["FetchFailed", "FetchRefused", "NetworkSettings", "fetch", "size_in_words"]

_BLOCK = 1 << 20
# The hub is out of reach on many a machine; the next source should not wait long for that.
_TIMEOUT_SECONDS = 10.0
_ATTEMPTS = 4


class FetchFailed(Exception):
    """This source did not deliver; `str()` is a phrase for a list of reasons."""


class FetchRefused(FetchFailed):
    """The server wants to know who asks."""


class NetworkSettings:
    """How this machine reaches the network: certificates and a proxy beyond the environment's.

    `certificates` is a file of extra CA certificates, `proxy` a URL. Both are what pip was
    told, since that is where people behind a company's proxy wrote it down.
    """

    def __init__(self, certificates: str | None = None, proxy: str | None = None) -> None:
        self.certificates = certificates
        self.proxy = proxy

    def opener(self) -> urllib.request.OpenerDirector:
        """An opener that uses them; the environment's proxies hold where pip names none."""
        context = ssl.create_default_context()
        for extra in (self.certificates, _bundled_certificates()):
            if extra and Path(extra).exists():
                if Path(extra).is_dir():
                    context.load_verify_locations(capath=extra)
                else:
                    context.load_verify_locations(cafile=extra)
        handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=context)]
        if self.proxy:
            handlers.append(urllib.request.ProxyHandler({"http": self.proxy, "https": self.proxy}))
        return urllib.request.build_opener(*handlers)


def _bundled_certificates() -> str | None:
    # Some interpreters (python.org's on macOS) come without any certificates.
    try:
        import certifi
    except ImportError:
        return None
    return certifi.where()


def fetch(
    url: str,
    target: Path,
    *,
    network: NetworkSettings,
    sha256: str | None = None,
    size: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Download `url` to `target`, going on from `target`'s partial copy where there is one.

    The partial copy is `target` with ".part" appended; it stays when the download breaks, so
    that the next call resumes. `progress` hears (bytes done, bytes in all). With `sha256` a file
    that differs is deleted and FetchFailed raised. Raises DiskFull when the disk is.
    """
    part = target.with_name(target.name + ".part")
    opener = network.opener()
    last = ""
    for _ in range(_ATTEMPTS):
        before = part.stat().st_size if part.exists() else 0
        try:
            _pull(opener, url, part, size, progress)
            break
        except urllib.error.HTTPError as error:
            if error.code == 416 and before:
                # The partial copy is longer than the file there: it is of another file.
                part.unlink()
                last = "the file there has changed"
                continue
            kind = FetchRefused if error.code in (401, 403, 407) else FetchFailed
            raise kind(f"HTTP {error.code} {error.reason}") from error
        except (OSError, HTTPException) as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise _disk_full(target.parent) from error
            last = _in_words(error)
            got = (part.stat().st_size if part.exists() else 0) - before
            if got <= 0:
                # Nothing came at all: no use to knock again.
                raise FetchFailed(last) from error
    else:
        raise FetchFailed(f"the connection kept breaking ({last})")
    if sha256 is not None and (found := sha256_of(part)) != sha256:
        part.unlink()
        raise FetchFailed(
            f"the file there is not the one wanted (sha256 {found[:12]}…, not {sha256[:12]}…)"
        )
    os.replace(part, target)


def _pull(
    opener: urllib.request.OpenerDirector,
    url: str,
    part: Path,
    size: int | None,
    progress: Callable[[int, int], None] | None,
) -> None:
    have = part.stat().st_size if part.exists() else 0
    if size is not None and have == size:
        return
    request = urllib.request.Request(url, headers={"User-Agent": "groqnb"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with opener.open(request, timeout=_TIMEOUT_SECONDS) as reply:
        if have and reply.status != 206:
            have = 0
        length = reply.headers.get("Content-Length")
        total = have + int(length) if length is not None else (size or 0)
        if size is not None and total != size:
            raise FetchFailed(f"the file there has {total} bytes, not {size}")
        with part.open("ab" if have else "wb") as file:
            while block := reply.read(_BLOCK):
                file.write(block)
                have += len(block)
                if progress is not None:
                    progress(have, total)
        if have < total:
            raise ConnectionError("the connection broke off")


def size_in_words(count: int) -> str:
    """A number of bytes for people.

    >>> size_in_words(98_362_432)
    '98 MB'
    """
    for factor, unit in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")):
        if count >= factor:
            number = count / factor
            return f"{number:.1f} {unit}" if number < 10 else f"{number:.0f} {unit}"
    return f"{count} bytes"


def _disk_full(folder: Path) -> DiskFull:
    return DiskFull(
        f"The disk of {folder} is full.",
        "Free some space, or set GROQNB_CACHE_DIR to a folder on another disk. "
        "What was fetched is kept and the download goes on from there.",
    )


def _in_words(error: BaseException) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, ssl.SSLError):
        return f"no secure connection ({reason.reason or reason})"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror.lower()
    return str(reason) or type(error).__name__
