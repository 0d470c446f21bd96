"""The built-in tools that this engine has, by the names that requests give them.

A new tool is a class in `parts/` and a line here. What is not listed here is answered with
a 501 where a request names it, and is not offered to the Compound systems.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from groqnb.local.parts.built_in import BuiltIn
from groqnb.local.parts.built_in_offline import BrowserAutomation, WolframAlpha
from groqnb.local.parts.code_interpreter import CodeInterpreter

if TYPE_CHECKING:
    from groqnb.local.parts.corpus import Corpus

__all__ = ["BuiltInTools"]

# Each is made at its first use, once for an engine.
_KINDS: dict[str, Callable[[], BuiltIn]] = {
    CodeInterpreter.name: CodeInterpreter,
    BrowserAutomation.name: BrowserAutomation,
    WolframAlpha.name: WolframAlpha,
}
# They look into one corpus, which is imported when the first of them is used.
_OF_THE_CORPUS = ("web_search", "browser_search", "visit_website")


class BuiltInTools:
    """The tools of one engine. `isolated_code` false lets code run where nothing shuts it in.

    `folder` is the notebook's; what lies in it can be searched.

    >>> BuiltInTools().get("wolfram_alpha").type
    'wolfram'
    """

    def __init__(self, *, isolated_code: bool = True) -> None:
        self.folder: Path | None = None
        self._made: dict[str, BuiltIn] = {}
        if not isolated_code:
            self._made[CodeInterpreter.name] = CodeInterpreter(isolated=False)

    @staticmethod
    def has(name: str) -> bool:
        """Whether there is a tool of this name."""
        return name in _KINDS or name in _OF_THE_CORPUS

    def get(self, name: str) -> BuiltIn:
        """The tool of this name. Raises KeyError."""
        if name not in self._made:
            of_corpus = self._of_corpus if name in _OF_THE_CORPUS else {}
            self._made[name] = of_corpus[name] if of_corpus else _KINDS[name]()
        return self._made[name]

    @cached_property
    def _of_corpus(self) -> Mapping[str, BuiltIn]:
        from groqnb.local.parts.visit_website import VisitWebsite
        from groqnb.local.parts.web_search import BrowserSearch, WebSearch

        kinds = (WebSearch, BrowserSearch, VisitWebsite)
        return {kind.name: kind(self._corpus) for kind in kinds}

    @cached_property
    def _corpus(self) -> Corpus:
        from groqnb.local import weights
        from groqnb.local.parts.corpus import Corpus

        return Corpus(self.folder, weights.cache_dir())
