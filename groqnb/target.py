"""Where calls go: Groq's cloud, the local engine, or another server with the same API.

Without a word from the user the choice is: the `base_url` argument, else `GROQ_BASE_URL`, else
the cloud when a key is found, else the local engine. `Target.why` says which of these it was.

A base URL is accepted as `https://host`, as `https://host/openai/v1` (what the official packages
of Groq and OpenAI are given, respectively) or with any other path: where the path does not end
with a version such as `/v1`, `/openai/v1` is appended.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from groqnb.keys import PLACES, FoundKey, find_key
from groqnb.types.errors import LocalEngineError, ParameterError
from groqnb.types.secret import Secret
from groqnb.wire.call import Connection
from groqnb.wire.failures import no_key_error

if TYPE_CHECKING:
    from groqnb.local.process import Progress

__all__ = ["CLOUD_URL", "Connection", "Target", "normal_url", "resolve"]

CLOUD_URL = "https://api.groq.com/openai/v1"


@dataclass(frozen=True)
class Target:
    """Where calls go, and why.

    Attributes:
        kind: "cloud", "local" or "url".
        label: for people: "Groq cloud", "local engine", or the URL.
        why: one phrase: "no API key was found".
        key: the key that is sent, and where it was found; None for the local engine.
        base_url: ends with the version; None for the local engine, which has it once it runs.
    """

    kind: Literal["cloud", "local", "url"]
    label: str
    why: str
    key: FoundKey | None = None
    base_url: str | None = None

    @property
    def key_source(self) -> str | None:
        """Where the key was found, or None."""
        return None if self.key is None else self.key.source

    @property
    def secret(self) -> Secret | None:
        """The key that is sent, or None."""
        return None if self.key is None else self.key.key

    def connect(self, progress: Callable[[Progress], None] | None = None) -> Connection:
        """The base URL and key to use now; starts the local engine where it is not running.

        `progress` is told, in bytes, of weights that must be fetched first. Raises
        LocalEngineError when the engine cannot start, AuthenticationError when there is no key
        for the cloud.

        ```python
        resolve("cloud").connect().base_url  # 'https://api.groq.com/openai/v1'
        ```
        """
        if self.base_url is not None:
            if self.kind == "cloud" and self.key is None:
                raise no_key_error(PLACES)
            return Connection(self.base_url, self.secret)
        from groqnb.local import process
        from groqnb.local.errors import EngineError

        try:
            engine = process.ensure(progress=progress)
        except EngineError as error:
            failure = LocalEngineError(str(error), hint=error.hint or None)
            failure.log_tail = getattr(error, "log_tail", "")
        else:
            return Connection(engine.base_url, Secret(engine.api_key))
        # Raised outside the handler: the frames below may hold the engine's key.
        raise failure

    def connected(self) -> bool:
        """True when `connect` answers at once: there is nothing to start."""
        if self.base_url is not None:
            return True
        from groqnb.local import process

        return process.current() is not None


def resolve(
    where: str | None = None,
    *,
    api_key: str | Secret | None = None,
    base_url: str | None = None,
) -> Target:
    """Decides where calls go.

    Args:
        where: "local", "cloud", an http(s) URL, or None to decide as this module says.
        api_key: a key that goes before every other.
        base_url: the same as a URL in `where`.

    Raises ParameterError for anything else, and for a key that cannot be one.

    ```python
    resolve("local").label  # 'local engine'
    ```
    """
    api_key = None if api_key is None else Secret(api_key)
    for name, value in (("where", where), ("base_url", base_url)):
        if not (value is None or isinstance(value, str)):
            raise ParameterError(f"{name} is of the type {type(value).__name__}; it is a text.")
    if where is not None and base_url is not None:
        raise ParameterError("Pass either where= or base_url=, not both.")
    if where == "local":
        return _local("it was asked for")
    if where == "cloud":
        return _at(CLOUD_URL, "it was asked for", api_key)
    if where is not None:
        if "://" not in where and "@" not in where:
            from difflib import get_close_matches

            near = get_close_matches(where.lower(), ["local", "cloud"], n=1)
            guess = f" Did you mean {near[0]!r}?" if near else ""
            raise ParameterError(f"{where!r} is not local, cloud or a URL.{guess}")
        return _at(where, "it was asked for", api_key)
    if base_url is not None:
        return _at(base_url, "the base_url argument says so", api_key)
    if configured := os.environ.get("GROQ_BASE_URL", "").strip():
        try:
            return _at(configured, "GROQ_BASE_URL says so", api_key)
        except ParameterError as error:
            raise ParameterError(f"GROQ_BASE_URL in the environment: {error}") from None
    if found := find_key(api_key):
        return Target("cloud", "Groq cloud", f"a key was found: {found.source}", found, CLOUD_URL)
    return _local("no API key was found")


def _local(why: str) -> Target:
    return Target("local", "local engine", why)


def _at(url: str, why: str, api_key: Secret | None) -> Target:
    url = normal_url(url)
    if url == CLOUD_URL:
        return Target("cloud", "Groq cloud", why, find_key(api_key), url)
    return Target("url", url, why, find_key(api_key), url)


def normal_url(url: str) -> str:
    """The base URL with its version, without a slash at the end. Raises ParameterError.

    ```python
    normal_url("https://api.groq.com/")  # 'https://api.groq.com/openai/v1'
    normal_url("http://127.0.0.1:8000/v1")  # 'http://127.0.0.1:8000/v1'
    ```
    """
    parts = urlsplit("")
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        parts.netloc.encode("idna")
    except ValueError:
        usable = False
    # Also in what cannot be taken apart: it would be repeated.
    if "@" in (parts.netloc or url):
        raise ParameterError("A base URL holds no user or password; pass the key as api_key=.")
    if not usable or parts.query or parts.fragment:
        raise ParameterError(f"{url!r} is not the URL of a server, such as {CLOUD_URL}.")
    path = re.sub(r"/{2,}", "/", parts.path).rstrip("/")
    # The address of a call, as examples with curl have it.
    path = re.sub(r"(/v\d+)/(chat/completions|responses|models)$", r"\1", path)
    if not re.search(r"/v\d+$", path):
        path += "/openai/v1"
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"
