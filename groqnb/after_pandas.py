"""Gives pandas' frames and series, and Dask's frames, their `.groq`: when these are there.

Importing groqnb must not import pandas, which takes half a second. Where it is imported already,
the accessors are registered at once; else a finder waits for its import, and goes away with it.
Dask is waited for in the same way, where it is installed at all.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["arrange", "register", "register_dask"]

# What a module has once it is imported whole, and not while it is being imported.
_LAST = {"pandas": "api", "dask.dataframe": "DataFrame"}


def arrange() -> None:
    """Register the accessors now, or when their libraries are imported; again is nothing."""
    for module, then in (("pandas", register), ("dask.dataframe", register_dask)):
        found = sys.modules.get(module)
        if found is not None and hasattr(found, _LAST[module]):
            then()
        elif not any(getattr(finder, "waits_for", None) == module for finder in sys.meta_path):
            sys.meta_path.insert(0, _Waits(module, then))


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


def register_dask() -> None:
    """Register the accessor of Dask's frames. Needs Dask."""
    from dask.dataframe import DataFrame
    from dask.dataframe.extensions import register_dataframe_accessor

    if "groq" not in DataFrame.__dict__:
        decorate: Any = register_dataframe_accessor
        decorate("groq")(_of_dask)


def _of_frame(frame: Any) -> Any:
    """`df.groq`: see `groqnb.frames.FrameRows`."""
    from groqnb.frames import FrameRows

    return FrameRows(frame)


def _of_series(series: Any) -> Any:
    """`series.groq`: see `groqnb.series.SeriesRows`."""
    from groqnb.series import SeriesRows

    return SeriesRows(series)


def _of_dask(frame: Any) -> Any:
    """`ddf.groq`: see `groqnb.clusters.frames.DaskRows`."""
    from groqnb.clusters.frames import DaskRows

    return DaskRows(frame)


# Finder and loader by their methods alone: importlib.abc takes long to import.
class _Waits:
    """Finds nothing by itself: it has a module's own loader followed by the registration."""

    def __init__(self, module: str, then: Callable[[], None]) -> None:
        self.waits_for = module
        self._then = then

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.waits_for:
            return None
        from importlib.util import find_spec

        if self in sys.meta_path:
            sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Then(spec.loader, self._then)  # type: ignore[assignment]
        return spec


class _Then:
    """A loader that registers the accessors after the module ran."""

    def __init__(self, loader: Any, then: Callable[[], None]) -> None:
        self._loader = loader
        self._then = then

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
        self._then()
