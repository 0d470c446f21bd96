"""The same test for the sync and the async client."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from groqnb import AsyncGroq, Groq

__all__ = ["KEY", "MESSAGES", "MODEL", "World", "answering", "both", "completion"]

KEY = "gsk_" + "SecretSecret" * 4
MODEL = "llama-3.3-70b-versatile"
MESSAGES: list[Any] = [{"role": "user", "content": "Hello"}]


class World:
    """Makes clients and runs what they return; `World("async")` awaits it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def client(self, **settings: Any) -> Any:
        settings.setdefault("api_key", KEY)
        settings.setdefault("where", "cloud" if "base_url" not in settings else None)
        return Groq(**settings) if self.name == "sync" else AsyncGroq(**settings)

    def run(self, client: Any, act: Callable[[Any], Any]) -> Any:
        """`act(client)`; its result, awaited where it must be."""
        if self.name == "sync":
            return act(client)

        async def main() -> Any:
            result = act(client)
            return await result if inspect.isawaitable(result) else result

        return asyncio.run(main())

    def ask(self, client: Any, **params: Any) -> Any:
        """A plain answer."""
        given = {"model": MODEL, "messages": MESSAGES, **params}
        return self.run(client, lambda c: c.chat.completions.create(**given))

    def stream(self, client: Any, into: list[Any], **params: Any) -> Any:
        """Streams an answer into a list; returns the stream."""
        given = {"model": MODEL, "messages": MESSAGES, "stream": True, **params}
        if self.name == "sync":
            stream = client.chat.completions.create(**given)
            for chunk in stream:
                into.append(chunk)
            return stream

        async def main() -> Any:
            stream = await client.chat.completions.create(**given)
            async for chunk in stream:
                into.append(chunk)
            return stream

        return asyncio.run(main())


both = pytest.mark.parametrize("world", [World("sync"), World("async")], ids=lambda w: w.name)


def completion(text: str = "Hi", **more: Any) -> dict[str, Any]:
    """A whole answer's JSON."""
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        **more,
    }


def answering(
    *replies: httpx.Response | Exception, seen: list[httpx.Request] | None = None
) -> httpx.MockTransport:
    """A transport that gives these replies in turn, the last one again and again."""
    left = list(replies)

    def handler(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        reply = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)

    return httpx.MockTransport(handler)
