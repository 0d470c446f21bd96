"""The built-in tools that this engine has, by the names that requests give them.

A new tool is a class in `parts/` and a line in `_KINDS`. What is not listed here is answered with
a 501 where a request names it, and is not offered to the Compound systems.
"""

from __future__ import annotations

from collections.abc import Callable

from groqnb.local.parts.built_in import BuiltIn
from groqnb.local.parts.built_in_offline import BrowserAutomation, WolframAlpha

__all__ = ["BuiltInTools"]

# Each is made at its first use, once for an engine.
_KINDS: dict[str, Callable[[], BuiltIn]] = {
    BrowserAutomation.name: BrowserAutomation,
    WolframAlpha.name: WolframAlpha,
}


class BuiltInTools:
    """The tools of one engine.

    >>> BuiltInTools().get("wolfram_alpha").type
    'wolfram'
    """

    def __init__(self) -> None:
        self._made: dict[str, BuiltIn] = {}

    @staticmethod
    def has(name: str) -> bool:
        """Whether there is a tool of this name."""
        return name in _KINDS

    def get(self, name: str) -> BuiltIn:
        """The tool of this name. Raises KeyError."""
        if name not in self._made:
            self._made[name] = _KINDS[name]()
        return self._made[name]
