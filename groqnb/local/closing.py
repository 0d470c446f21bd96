"""A reply in pieces whose source is closed when the client hangs up."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

__all__ = ["ClosingStream"]


class ClosingStream(StreamingResponse):
    """Sends what `source` gives, and closes `source` whatever becomes of the client."""

    def __init__(
        self, source: AsyncGenerator[bytes, None], headers: Mapping[str, str], media_type: str
    ) -> None:
        super().__init__(source, headers=headers, media_type=media_type)
        self._source = source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As an ASGI application."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._source.aclose()
