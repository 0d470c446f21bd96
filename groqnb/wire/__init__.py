"""From one request as a value to its answer: transport, retries, streams, events."""

from __future__ import annotations

__all__: list[str] = []
