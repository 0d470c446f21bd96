"""The endpoints, one family per module, each described once for both worlds."""

from __future__ import annotations

__all__: list[str] = []
