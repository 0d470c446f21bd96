"""`Groq` and `AsyncGroq`: where calls go, with which key, and the endpoints. Wiring only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypedDict

from groqnb.api.resource import headers_of, shows_parameters
from groqnb.ledger import keep
from groqnb.namespaces import Namespaces
from groqnb.target import Target, resolve
from groqnb.types.errors import ParameterError
from groqnb.types.secret import Secret
from groqnb.wire.channel import AsyncChannel, Channel
from groqnb.wire.hub import Events
from groqnb.wire.retry import RetryPolicy
from groqnb.wire.sender import AsyncSender, SyncSender

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from groqnb.local.process import Progress

__all__ = ["AsyncGroq", "Groq", "Settings"]

_TIMEOUT = 60.0
# A long prompt takes a small machine minutes; the engine is alive all the while.
_LOCAL_TIMEOUT = 600.0


class Settings(TypedDict, total=False):
    """The settings of a client, all of them optional.

    Fields:
        api_key: goes before every other place a key may be found in (see `groqnb.keys`).
        base_url: a server with the same API (see `groqnb.target` for what is accepted).
        where: "local", "cloud" or a URL; None: the cloud when a key is found, else local.
        timeout: seconds of silence before a call is given up; 60, or 600 for the local engine,
            by default; `float("inf")` waits for ever.
        max_retries: how many times a call may be sent again; 2 by default.
        max_wait: seconds that the waits between these may add up to; 60 by default.
        default_headers: sent with every call.
        transport: replaces the network, as `httpx.MockTransport(handler)` does.
        events: the hub that is told of every call; one of the client's own by default.
        progress: is told of weights that the local engine must fetch first, in bytes.
    """

    api_key: str | Secret | None
    base_url: str | None
    where: str | None
    timeout: float | None
    max_retries: int | None
    max_wait: float | None
    default_headers: Mapping[str, str] | None
    transport: Any
    events: Events | None
    progress: Callable[[Progress], None] | None


class _Client:
    """What both clients have in common.

    Attributes:
        target: where calls go, and why.
        events: the hub that is told of every call.
    """

    target: Target
    events: Events

    def _wiring(self, channel: type[Any], settings: Settings) -> dict[str, Any]:
        """Checks the settings and puts them together for a sender."""
        _refuse_unknown(type(self).__name__, settings)
        self.target = target = resolve(
            settings.get("where"),
            api_key=settings.get("api_key"),
            base_url=settings.get("base_url"),
        )
        events = settings.get("events")
        self.events = Events() if events is None else events
        self._settings: Settings = {**settings, "events": self.events}
        keep(self.events)
        local = target.kind == "local"
        timeout = _amount(settings, "timeout", _LOCAL_TIMEOUT if local else _TIMEOUT)
        retries = int(_amount(settings, "max_retries", 2))
        transport = settings.get("transport")
        headers = headers_of({"extra_headers": settings.get("default_headers")})
        return {
            "server": target,
            "make_channel": lambda connection: channel(
                connection, headers=headers, timeout=timeout, transport=transport
            ),
            "policy": RetryPolicy(retries, _amount(settings, "max_wait", 60.0)),
            "events": self.events,
            "progress": settings.get("progress"),
        }

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.target.label}>"


def _refuse_unknown(client: str, settings: Mapping[str, Any]) -> None:
    known = Settings.__annotations__
    for name in settings:
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, n=1)
            raise ParameterError(
                f"{client} has no setting {name!r}.",
                hint=f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(known)}.",
            )


def _amount(settings: Mapping[str, Any], name: str, default: float) -> float:
    value = settings.get(name)
    if value is None:
        return default
    if not isinstance(value, (int, float)) or not value >= 0:
        raise ParameterError(f"{name} is {value!r}; it is a number and at least 0.")
    if name == "max_retries" and not float(value).is_integer():
        raise ParameterError(f"{name} is {value!r}; it is a whole number.")
    return value


def _mask(settings: Settings) -> None:
    """Wraps the key: from here on no local variable holds it bare, for tracebacks print those."""
    if settings.get("api_key") is not None:
        settings["api_key"] = Secret(settings["api_key"] or "")


class Groq(_Client, Namespaces[SyncSender]):
    """The Groq API, for sync code.

    Settings, all optional: `api_key`, `base_url`, `where` ("local", "cloud" or a URL), `timeout`
    (seconds), `max_retries`, `max_wait` (seconds), `default_headers`, `transport`, `events`,
    `progress`; `groqnb.client.Settings` tells of each. Without any, calls go to the cloud when a
    key is found, else to the local engine; `client.target` says where and why.

    Making a client does nothing slow: the local engine starts with the first call. Raises
    ParameterError for a setting that makes no sense.

    ```python
    with Groq() as client:
        client.models.list()
    ```
    """

    @shows_parameters(Settings)
    def __init__(self, **settings: Unpack[Settings]) -> None:
        _mask(settings)
        self._sender = SyncSender(**self._wiring(Channel, settings))

    def close(self) -> None:
        """Closes the connections. The local engine goes on: it is the process's, not ours."""
        self._sender.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class AsyncGroq(_Client, Namespaces[AsyncSender]):
    """The Groq API, for async code: `Groq`'s settings and methods, the methods awaited.

    ```python
    async with AsyncGroq() as client:
        await client.models.list()
    ```
    """

    @shows_parameters(Settings)
    def __init__(self, **settings: Unpack[Settings]) -> None:
        _mask(settings)
        self._sender = AsyncSender(**self._wiring(AsyncChannel, settings))

    async def close(self) -> None:
        """Closes the connections. The local engine goes on: it is the process's, not ours."""
        await self._sender.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
