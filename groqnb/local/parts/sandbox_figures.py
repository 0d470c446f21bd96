"""The figures that code drew with matplotlib: as pictures, and as data where they can be read.

The data are made by e2b-charts, which serves the Groq cloud too. It does not read every figure;
what it fails on has its picture alone.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import enum
import io
import math
import sys
from typing import Any

__all__ = ["Figures", "set_up"]

_MOST_FIGURES = 20
_DPI = 100
_DEEPEST = 12


def set_up() -> None:
    """Import matplotlib, if it is there, and let it draw into memory. Done once, ahead of runs."""
    with contextlib.suppress(ImportError):
        import matplotlib.pyplot as plt

        # A box that is only an outline is taken for lines.
        plt.rcParams["boxplot.patchartist"] = True
        figure, axes = plt.subplots()
        axes.set_title("$x$")
        _png(figure)
        plt.close(figure)
    with contextlib.suppress(ImportError):
        import e2b_charts  # noqa: F401


class Figures:
    """Collects figures: at each `plt.show()`, which begins a new one, and at the end."""

    def __init__(self) -> None:
        self._found: list[dict[str, Any]] = []
        plt = sys.modules.get("matplotlib.pyplot")
        if plt is not None:
            plt.show = self._show  # type: ignore[attr-defined]

    def _show(self, *_args: object, **_options: object) -> None:
        self._collect()

    def left(self) -> list[dict[str, Any]]:
        """All of them: `text`, `png` (base64) and, where it was read, `chart` or `charts`."""
        try:
            self._collect()
        except Exception:  # noqa: BLE001 — the code may have replaced what this uses
            return self._found
        return self._found

    def _collect(self) -> None:
        plt = sys.modules.get("matplotlib.pyplot")
        if plt is None:
            return
        for number in plt.get_fignums():
            figure = plt.figure(number)
            if len(self._found) < _MOST_FIGURES and figure.get_axes():
                with contextlib.suppress(Exception):
                    self._found.append(_result(figure))
        plt.close("all")


def _result(figure: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"text": repr(figure), "png": _png(figure)}
    chart = _chart(figure)
    if chart.get("type") == "superchart":
        found["charts"] = [part for part in chart["elements"] if isinstance(part, dict)]
        found["chart"] = {**chart, "elements": []}
    elif chart:
        found["chart"] = chart
    return found


def _png(figure: Any) -> str:
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=_DPI)
    return base64.b64encode(written.getvalue()).decode()


def _chart(figure: Any) -> dict[str, Any]:
    try:
        from e2b_charts import chart_figure_to_dict

        read = _plain(chart_figure_to_dict(figure), 0)
    except Exception:  # noqa: BLE001 — a whisker without length, for one, is a KeyError
        return {}
    return read if isinstance(read, dict) else {}


def _plain(value: Any, depth: int) -> Any:
    """`value` as JSON can hold it: no enums, no numbers of numpy, none that are not finite."""
    if depth > _DEEPEST:
        return None
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dict):
        return {str(key): _plain(each, depth + 1) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each, depth + 1) for each in value]
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if value is None or isinstance(value, (bool, str)):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    if not math.isfinite(number):
        return None
    return int(value) if isinstance(value, int) else number
