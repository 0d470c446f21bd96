"""The ground of every reply: pydantic models that keep the fields they do not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, PrivateAttr

from groqnb.types.rate_limit import RateLimit

__all__ = ["Model", "Reply", "StreamChunk", "request_id"]


def request_id(x_groq: Any, headers: Mapping[str, str] | None) -> str | None:
    """The id of a request, from the body's `x_groq` where it is, else from the headers."""
    own = getattr(x_groq, "id", None)
    if own is None and headers is not None:
        own = headers.get("x-request-id")
    return own


class Model(BaseModel):
    """A part of a reply. Fields unknown to groqnb are kept, as attributes and when dumped.

    Validators are built at the first use (`defer_build`), not on import.
    """

    model_config = ConfigDict(extra="allow", defer_build=True, protected_namespaces=())


class Reply(Model):
    """A whole reply: its fields, and what its HTTP headers said."""

    # Only whole replies carry headers: a private field on every part would cost on every parse.
    _headers: Mapping[str, str] | None = PrivateAttr(default=None)

    @property
    def headers(self) -> Mapping[str, str]:
        """The reply's HTTP headers; their names are matched in any case."""
        return {} if self._headers is None else self._headers

    @property
    def request_id(self) -> str | None:
        """The id under which Groq's logs know the request."""
        return request_id(getattr(self, "x_groq", None), self._headers)

    @property
    def rate_limit(self) -> RateLimit | None:
        """What is left of the rate limits, or None where the reply did not say."""
        return RateLimit.from_headers(self.headers)


class StreamChunk(Model):
    """One event of a stream. What the stream needs to know of it, each family answers."""

    @property
    def carries_token(self) -> bool:
        """True when some of the answer is in it: text, reasoning or a part of a tool call."""
        raise NotImplementedError

    @property
    def ends_answer(self) -> bool:
        """True when the answer is complete with it."""
        raise NotImplementedError

    @property
    def total_usage(self) -> Any:
        """The usage of the whole answer, where this chunk tells it, else None."""
        raise NotImplementedError

    @property
    def stop_reason(self) -> str | None:
        """Why the server broke the stream off, where this chunk says so."""
        raise NotImplementedError
