"""Batches on the server: which there are, how they are doing, what came out of them."""

from __future__ import annotations

__all__: list[str] = []
