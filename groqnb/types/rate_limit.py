"""The rate-limit headers of a reply, as numbers. Docs: Rate Limits, Rate Limit Headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["RateLimit", "parse_duration"]

_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(h|ms|us|µs|ns|m|s)")


def parse_duration(text: str) -> float | None:
    """Seconds in a duration as Go writes it, or None where the text is not one.

    ```python
    parse_duration("2m59.56s")  # 179.56
    parse_duration("120ms")  # 0.12
    ```
    """
    text = text.strip()
    seconds, end = 0.0, 0
    for part in _PART.finditer(text):
        if part.start() != end:
            return None
        seconds += float(part[1]) * _SECONDS[part[2]]
        end = part.end()
    if end and end == len(text):
        return seconds
    # A bare number counts as seconds: proxies in front of an API write it so.
    return float(text) if re.fullmatch(r"\d+(?:\.\d*)?", text) else None


@dataclass(frozen=True)
class RateLimit:
    """What is left of the two limits that replies tell: requests a day, tokens a minute.

    `limit_*` and `remaining_*` are counts, `reset_*` seconds from the moment of the reply until
    the count is full again. Each is None where the reply did not say.

    ```python
    reply = client.models.list()
    if reply.rate_limit:
        print(reply.rate_limit.remaining_tokens)
    ```
    """

    limit_requests: int | None = None
    limit_tokens: int | None = None
    remaining_requests: int | None = None
    remaining_tokens: int | None = None
    reset_requests: float | None = None
    reset_tokens: float | None = None

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> RateLimit | None:
        """Reads the `x-ratelimit-*` headers; None where there are none.

        ```python
        RateLimit.from_headers({"x-ratelimit-reset-tokens": "7.66s"})
        ```
        """
        found = cls(
            *(_count(headers, what) for what in _COUNTS),
            *(_duration(headers, what) for what in ("reset-requests", "reset-tokens")),
        )
        return None if found == cls() else found


_COUNTS = ("limit-requests", "limit-tokens", "remaining-requests", "remaining-tokens")


def _count(headers: Mapping[str, str], what: str) -> int | None:
    text = headers.get(f"x-ratelimit-{what}", "").strip()
    return int(text) if text.isascii() and text.isdigit() else None


def _duration(headers: Mapping[str, str], what: str) -> float | None:
    return parse_duration(headers.get(f"x-ratelimit-{what}", ""))
