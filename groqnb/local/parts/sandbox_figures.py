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

from groqnb.local.parts.sandbox_boxes import boxes

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
        from e2b_charts.main import get_chart_from_ax, is_figure_blank

        axes = figure.axes
        if is_figure_blank(axes):
            return {}
        parts = [
            boxes(ax) or _bars_mended(_plain(get_chart_from_ax(ax).model_dump(), 0), ax)
            for ax in axes
        ]
        if len(parts) == 1:
            return parts[0]
        return {"type": "superchart", "title": figure.get_suptitle(), "elements": parts}
    except Exception:  # noqa: BLE001 — it fails on some figures, by a KeyError for one
        return {}


def _bars_mended(chart: dict[str, Any], ax: Any) -> dict[str, Any]:
    """`chart` with what e2b-charts reads wrong of bars put right.

    It takes standing bars of one length for lying ones, and on an axis of numbers it names bars
    after the first ticks, wherever these are.
    """
    from matplotlib.ticker import ScalarFormatter

    groups = list(ax.containers)
    lie = {getattr(group, "orientation", None) for group in groups}
    if chart.get("type") != "bar" or lie not in ({"vertical"}, {"horizontal"}):
        return chart
    standing = lie == {"vertical"}
    turned = sum(len({bar.get_height() for bar in group}) == 1 for group in groups) * standing
    axis = ax.xaxis if standing else ax.yaxis
    on_numbers = isinstance(axis.get_major_formatter(), ScalarFormatter)
    if not turned and not on_numbers:
        return chart
    names = [text.get_text() for text in axis.get_ticklabels()]
    if on_numbers:
        # Bars side by side stand around the number that they belong to.
        middles = [[_middle(bar, standing) for bar in group] for group in groups]
        names = [f"{sum(each) / len(each):.10g}" for each in zip(*middles, strict=False)]
    told = {
        "elements": [
            {
                "label": name,
                "group": f"Group {label[10:]}" if label.startswith("_container") else label,
                "value": float(bar.get_height() if standing else bar.get_width()),
            }
            for group in groups
            for label in [group.get_label()]
            for name, bar in zip(names, group, strict=False)
        ]
    }
    if turned % 2:
        told |= {f"{one}_{what}": chart[f"{other}_{what}"] for what in ("label", "unit")
                 for one, other in ("xy", "yx")}  # fmt: skip
    return {**chart, **told}


def _middle(bar: Any, standing: bool) -> float:
    if standing:
        return float(bar.get_x() + bar.get_width() / 2)
    return float(bar.get_y() + bar.get_height() / 2)


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
