"""Attempts that go through a record: answered from it, or made and kept."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from groqnb.types.secret import Secret
from groqnb.wire import tap
from groqnb.wire.call import Call, Connection
from groqnb.wire.channel import AsyncChannel, Channel
from groqnb.wire.exchange import Broken, RawReply
from groqnb.wire.failures import Scene
from groqnb.wire.trace import Trace

__all__ = ["Server", "aattempt", "attempt", "begin", "scene_of"]


class Server(Protocol):
    """What a sender must know of where calls go; `groqnb.target.Target` is one."""

    @property
    def kind(self) -> str:
        """ "cloud", "local" or "url"."""

    @property
    def key_source(self) -> str | None:
        """Where the key was found."""

    @property
    def secret(self) -> Secret | None:
        """The key; None where there is none, or the local engine's own is sent."""

    def connected(self) -> bool:
        """True when `connect` has nothing to wait for."""

    def connect(self, progress: Any = None) -> Connection:
        """The base URL and key to use now."""


def begin(call: Call[Any], trace: Trace, server: Server) -> None:
    """Lets a call go through the record that is switched on, if one is."""
    tape = tap.current
    if tape is not None:
        trace.tape = tape.take(call, server.kind, server.key_source, server.secret)


def scene_of(trace: Trace, own: Scene) -> Scene:
    """Where the last attempt went, or had gone when it was recorded."""
    tape = trace.tape
    return own if tape is None or not tape.played else tape.scene


def attempt(
    take: tap.Take,
    call: Call[Any],
    connect: Callable[[], tuple[Channel, Connection]],
    *,
    stream: bool,
) -> RawReply | Broken:
    """One attempt. `connect` is called only where it is to be made. Raises ReplayError."""
    outcome = take.play(stream=stream, waits=False)
    if outcome is None:
        channel, connection = connect()
        outcome = channel.send(call, stream=stream)
        return take.keep(outcome, connection.key, connection.base_url, waits=False)
    if take.pause:
        time.sleep(take.pause)
    return outcome


async def aattempt(
    take: tap.Take,
    call: Call[Any],
    connect: Callable[[], Awaitable[tuple[AsyncChannel, Connection]]],
    *,
    stream: bool,
) -> RawReply | Broken:
    """`attempt` for async code."""
    outcome = take.play(stream=stream, waits=True)
    if outcome is None:
        channel, connection = await connect()
        outcome = await channel.send(call, stream=stream)
        return take.keep(outcome, connection.key, connection.base_url, waits=True)
    if take.pause:
        from asyncio import sleep

        await sleep(take.pause)
    return outcome
