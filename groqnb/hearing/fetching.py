"""Recordings by URL, and those that come out of pipes: into a temporary file, never the memory."""

from __future__ import annotations

import contextlib
import os
import tempfile
import weakref
from typing import IO, Any
from urllib.parse import quote, unquote, urlsplit

from groqnb.hearing.sources import Source
from groqnb.types.errors import GroqnbError, ParameterError

__all__ = ["FetchError", "fetched", "spooled"]

_TIMEOUT = 30.0  # s of silence
_PIECE = 1 << 18


class FetchError(GroqnbError):
    """A recording could not be downloaded."""


def fetched(url: str) -> Source:
    """The recording behind an http(s) URL. Raises ParameterError, FetchError."""
    import http.client
    import ssl
    import urllib.error
    import urllib.request

    import certifi

    try:
        parts = urlsplit(url)
        host, user = parts.hostname, parts.username
    except ValueError:
        host = user = None
    if not host or any(character in "\t\r\n" for character in url):
        raise ParameterError("The URL is not valid.")
    if user is not None:
        raise ParameterError(
            "The URL holds a user name.", hint="Download the recording, and pass its path."
        )
    context = ssl.create_default_context(cafile=certifi.where())
    # Addresses are copied as browsers show them: with letters and spaces that urllib refuses.
    path, query = (quote(part, safe="%/:=&?~+!$,;'@()*[]|") for part in (parts.path, parts.query))
    plain = parts._replace(path=path, query=query, fragment="").geturl()
    request = urllib.request.Request(plain, headers={"User-Agent": "groqnb", "Accept": "*/*"})
    # https:// alone needs the context; redirects lead to http(s) only, which urllib sees to.
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=_TIMEOUT) as reply:
            kind = reply.headers.get_content_type()
            if kind == "text/html":
                raise ParameterError(
                    f"{host} answered with a web page, not with a recording.",
                    hint="Pass the address of the file itself.",
                )
            name = unquote(os.path.basename(parts.path)) or host
            declared = reply.headers.get("Content-Length", "")
            return spooled(reply, name, int(declared) if declared.isdigit() else None)
    except urllib.error.HTTPError as error:
        status = error.code
        error.close()
        raise FetchError(f"{host} answered with status {status}.") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        if isinstance(error, ParameterError):
            raise
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise FetchError(f"The certificate of {host} is not valid.") from None
        if isinstance(reason, TimeoutError):
            raise FetchError(f"{host} fell silent.", hint="Try again.") from None
        if _is_full(reason):
            raise
        raise FetchError(f"{host} cannot be reached, or broke off.", hint="Try again.") from None


def _is_full(error: object) -> bool:
    import errno

    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def spooled(stream: Any, name: str, size: int | None = None) -> Source:
    """What a stream gives, in a temporary file that goes when the source does.

    Raises ParameterError for a stream of nothing, FetchError where fewer than `size` bytes come.
    """
    descriptor, path = tempfile.mkstemp(prefix="groqnb-", suffix=".audio")
    try:
        total = 0
        with open(descriptor, "wb") as file:
            while piece := stream.read(_PIECE):
                if not isinstance(piece, bytes):
                    raise ParameterError("The file does not give bytes.")
                file.write(piece)
                total += len(piece)
        if size is not None and total < size:
            raise FetchError(
                f"The download of {name} broke off after {total:,} of {size:,} bytes.",
                hint="Try again.",
            )
        if total == 0:
            raise ParameterError("The recording is empty: it has no bytes.")
    except BaseException:
        os.unlink(path)
        raise

    def open_it() -> IO[bytes]:
        return open(path, "rb")

    source = Source(name, open_it)
    weakref.finalize(source, _remove, path)
    return source


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
