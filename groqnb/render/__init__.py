"""How answers, tables and errors look: HTML for notebooks, stable plain text everywhere."""

from __future__ import annotations

__all__: list[str] = []
