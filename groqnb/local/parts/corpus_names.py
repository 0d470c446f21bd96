"""Under which names users know what a package documents: where it exports it.

`pandas.core.frame.DataFrame.merge` is `pandas.DataFrame.merge` to everybody.
"""

from __future__ import annotations

from collections.abc import Sequence

from groqnb.local.parts.corpus_docstrings import Module

__all__ = ["Names"]

_PRIVATE, _NOT_EXPORTED = 0.85, 0.95
_A_STEP_DOWN = 0.02


class Names:
    """The exports of all `modules` of one package, which are given by their names."""

    def __init__(self, modules: Sequence[tuple[str, Module]]) -> None:
        self._exports: dict[str, set[str]] = {}
        self._stars: dict[str, set[str]] = {}
        self._heirs: dict[str, list[str]] = {}
        for place, module in modules:
            for exported in module.exports:
                self._exports.setdefault(exported, set()).add(place)
            for star in module.stars:
                source = place + star if star.startswith(".") else star
                self._stars.setdefault(source, set()).add(place)
            for base, heirs in module.heirs.items():
                self._heirs.setdefault(base, []).extend(heirs)

    def public(self, module: str, name: str) -> tuple[str, str, float]:
        """The name to tell, other names to be found by, and how public it is (1 is most)."""
        first, dot, rest = name.partition(".")
        place = self._place(module, first) if first else None
        if place is not None:
            return f"{place}.{name}", "", _depth_weight(f"{place}.{name}")
        # What a hidden class does, its heirs do for the user: NDFrame is a DataFrame.
        heirs = sorted(
            (place, heir)
            for heir in self._heirs.get(first, ())
            if (place := self._place(module, heir)) is not None
        )
        if heirs and dot:
            place, heir = heirs[0]
            full = f"{place}.{heir}.{rest}"
            return full, "".join(f" {other}" for _, other in heirs[1:4]), _depth_weight(full)
        full = ".".join(filter(None, (module, name)))
        private = _PRIVATE if _is_private(full) else _NOT_EXPORTED
        return full, "", private * _depth_weight(full)

    def _place(self, module: str, name: str) -> str | None:
        root = module.partition(".")[0]
        places = [
            place
            for place in self._exports.get(name, set()) | self._stars.get(module, set())
            if place.partition(".")[0] == root
            and not _is_private(place)
            and (module.startswith(f"{place}.") or place == root)
        ]
        return min(places, key=len) if places else None


def _depth_weight(full: str) -> float:
    return 1.0 - _A_STEP_DOWN * max(0, full.count(".") - 1)


def _is_private(name: str) -> bool:
    return any(part.startswith("_") for part in name.split(".")) or ".internal" in name
