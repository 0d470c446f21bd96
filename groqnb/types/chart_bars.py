"""Drawing bars: side by side or stacked, standing or lying."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from groqnb.types import chart_axes as axes
from groqnb.types.chart_layout import bar_groups, bar_layout, names_are_crossed
from groqnb.types.chart_text import harmless, shown

if TYPE_CHECKING:
    from groqnb.types.charts import Chart

__all__ = ["draw_bars"]

_MOST_IN_LEGEND = 30
_MOST_NAMES = 500


def draw_bars(
    chart: Chart, ax: Any, *, stacked: bool | None = None, horizontal: bool | None = None
) -> None:
    """Draw the bars of `chart` on `ax`; what is None is found out by `bar_layout`."""
    names, groups = _arranged(chart)
    stacked, horizontal = bar_layout(chart, stacked=stacked, horizontal=horizontal)
    width = 0.8 if stacked else 0.8 / max(len(groups), 1)
    above, below = [0.0] * len(names), [0.0] * len(names)
    for number, (group, bars) in enumerate(groups):
        shift = 0.0 if stacked else (number - (len(groups) - 1) / 2) * width
        feet = []
        for place, value in bars:
            heap = below if value < 0 else above
            feet.append(heap[place] if stacked else 0.0)
            heap[place] += 0.0 if math.isnan(value) else value
        places = [place + shift for place, _ in bars]
        values = [value for _, value in bars]
        label = shown(group)
        if horizontal:
            ax.barh(places, values, width, left=feet, label=label)
        else:
            ax.bar(places, values, width, bottom=feet, label=label)
    across, along = (ax.yaxis, ax.xaxis) if horizontal else (ax.xaxis, ax.yaxis)
    if len(names) <= _MOST_NAMES:
        across.set_ticks(range(len(names)), labels=[shown(name) for name in names])
        harmless(across.get_ticklabels())
        axes.turn_labels(across)
    first, second = (along, across) if names_are_crossed(chart) else (across, along)
    axes.label_axis(first, chart.x_label, chart.x_unit)
    axes.label_axis(second, chart.y_label, chart.y_unit)
    axes.prepare_axis(along, chart, "y")
    _add_legend(ax, [group for group, _ in groups])


def _arranged(chart: Chart) -> tuple[list[str], list[tuple[str, list[tuple[int, float]]]]]:
    """The names of the places, and for each group its name and the place and value of each bar.

    A name that a group has twice stands at two places.
    """
    places: dict[tuple[str, int], int] = {}
    groups = []
    for group, elements in bar_groups(chart):
        seen: Counter[str] = Counter()
        bars = []
        for element in elements:
            name = element.label or ""
            place = places.setdefault((name, seen[name]), len(places))
            seen[name] += 1
            bars.append((place, math.nan if element.value is None else element.value))
        groups.append((group, bars))
    return [name for name, _ in places], groups


def _add_legend(ax: Any, groups: list[str]) -> None:
    named = [group for group in groups if group and not group.startswith("_")]
    nameless = len(named) == 1 and named[0].startswith("Group ")
    if named and not nameless and len(named) <= _MOST_IN_LEGEND:
        legend = ax.legend(ncols=1 + len(named) // 12)
        harmless(legend.get_texts())
