"""Gives pandas' frames and series their `.groq`, as soon as pandas is there and not before.

Importing groqnb must not import pandas, which takes half a second. Where it is imported already,
the accessors are registered at once; else a finder waits for its import, and goes away with it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["arrange", "register"]


def arrange() -> None:
    """Register the accessors now, or when pandas is imported; again is nothing."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and hasattr(pandas, "api"):
        register()
    elif not any(isinstance(finder, _Waits) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Waits())


def register() -> None:
    """Register the accessors. Needs pandas."""
    import pandas as pd

    for cls, name, make in (
        (pd.DataFrame, "dataframe", _of_frame),
        (pd.Series, "series", _of_series),
    ):
        if "groq" not in cls.__dict__:
            decorate = getattr(pd.api.extensions, f"register_{name}_accessor")
            decorate("groq")(make)


def _of_frame(frame: Any) -> Any:
    """`df.groq`: see `groqnb.frames.FrameRows`."""
    from groqnb.frames import FrameRows

    return FrameRows(frame)


def _of_series(series: Any) -> Any:
    """`series.groq`: see `groqnb.series.SeriesRows`."""
    from groqnb.series import SeriesRows

    return SeriesRows(series)


# Finder and loader by their methods alone: importlib.abc takes long to import.
class _Waits:
    """Finds nothing by itself: it has pandas' own loader followed by the registration."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "pandas":
            return None
        from importlib.util import find_spec

        if self in sys.meta_path:
            sys.meta_path.remove(self)
        spec = find_spec("pandas")
        if spec is not None and spec.loader is not None:
            spec.loader = _Then(spec.loader)  # type: ignore[assignment]
        return spec


class _Then:
    """A loader that registers the accessors after the module ran."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        # From now on it is the module of its own loader, as if nobody had waited.
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        register()
