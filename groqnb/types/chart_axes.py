"""The axes of a chart: coordinates as matplotlib wants them, scales, ticks and labels."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any

from groqnb.types.chart_json import Coordinate, number
from groqnb.types.chart_text import harmless, shown

if TYPE_CHECKING:
    from groqnb.types.charts import Chart

__all__ = ["coordinates", "label_axis", "prepare_axis", "set_title", "tick_axis", "turn_labels"]

_SCALES = frozenset({"log", "symlog", "logit", "asinh"})
# Each tick is an object of its own that is laid out by itself.
_MOST_TICKS = 500
# The years 1 to 9999 in matplotlib's days since 1970; it can write no others.
_FIRST_DAY, _LAST_DAY = -719162.0, 2932896.0


def coordinates(values: Sequence[Coordinate], scale: str | None) -> list[Any]:
    """Values of one axis, all of one kind: floats, times, or the names of categories."""
    kinds = {type(value) for value in values}
    if kinds == {float}:
        return list(values)
    if scale == "datetime":
        return _times(values)
    if kinds == {str} and scale not in _SCALES:
        return list(values)
    return [math.nan if (one := number(value)) is None else one for value in values]


def _times(values: Sequence[Coordinate]) -> list[Any]:
    found = [_time(value) if isinstance(value, str) else value for value in values]
    zones = [one.tzinfo is not None for one in found if isinstance(one, datetime)]
    if any(zones) and not all(zones):
        found = [
            one.replace(tzinfo=timezone.utc)
            if isinstance(one, datetime) and one.tzinfo is None
            else one
            for one in found
        ]
    if all(isinstance(one, date) for one in found):
        return found
    return [_day(one) if isinstance(one, date) else one for one in found]


def _day(when: date) -> float:
    """A time in matplotlib's days since 1970."""
    from matplotlib.dates import date2num

    return float(date2num(when))  # type: ignore[no-untyped-call]


def _time(text: str) -> date | float:
    """A time in ISO 8601, or a day; NaN for what is neither."""
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
        # Python 3.10 knows neither "Z" nor nanoseconds.
        text = text[:-1] + "+00:00" if text[-1:] in "Zz" else text
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return math.nan


def prepare_axis(axis: Any, chart: Chart, name: str) -> None:
    """Give `axis` (matplotlib's) the scale of the chart's axis `name`, before anything is drawn."""
    scale = getattr(chart, f"{name}_scale")
    if scale == "datetime":
        axis.axis_date()
    elif scale in _SCALES:
        getattr(axis.axes, f"set_{axis.axis_name}scale")(scale)
    elif scale == "categorical":
        place = "xy".index(name)
        labels = getattr(chart, f"{name}_tick_labels")
        named = any(isinstance(point[place], str) for one in chart.elements for point in one.points)
        if named and labels and len(set(labels)) == len(labels):
            # In the order in which they stood, not that in which the series name them.
            axis.update_units(labels)


def tick_axis(axis: Any, chart: Chart, name: str) -> None:
    """Put the ticks and their labels where the chart had them, and keep the view on the data."""
    scale = getattr(chart, f"{name}_scale")
    places = _places(getattr(chart, f"{name}_ticks"), scale)
    low, high = axis.get_view_interval()
    if places:
        labels = [shown(one) for one in getattr(chart, f"{name}_tick_labels")]
        axis.set_ticks(places, labels=labels if len(labels) == len(places) else None)
        harmless(axis.get_ticklabels())
        if scale != "categorical":
            # matplotlib's own ticks go one beyond the view. Where others are outside, too, the view
            # was wider than the data.
            inner = places[1:-1]
            if inner and (min(inner) < low or max(inner) > high):
                low, high = min(low, *places), max(high, *places)
    if scale == "datetime":
        low, high = max(low, _FIRST_DAY), min(high, _LAST_DAY)
    if low < high and math.isfinite(high - low):
        getattr(axis.axes, f"set_{axis.axis_name}lim")(low, high, auto=None)


def _places(ticks: list[Coordinate], scale: str | None) -> list[float]:
    values = coordinates(ticks, scale)
    places = [_day(one) if isinstance(one, date) else one for one in values]
    usable = len(places) <= _MOST_TICKS and all(
        isinstance(place, float) and math.isfinite(place) for place in places
    )
    if not usable or (scale in ("log", "logit") and any(place <= 0 for place in places)):
        return []
    return places


def label_axis(axis: Any, label: str | None, unit: str | None) -> None:
    """Write the label, and the unit where the label does not say it."""
    text = label or ""
    if unit and unit not in text:
        text = f"{text} ({unit})" if text else unit
    if text:
        axis.set_label_text(shown(text))
        harmless([axis.label])


def set_title(ax: Any, title: str | None) -> None:
    """Write the title above `ax`."""
    if title:
        harmless([ax.set_title(shown(title))])


def turn_labels(axis: Any) -> None:
    """Turn the labels of an x axis where they would run into each other."""
    texts = [text.get_text() for text in axis.get_ticklabels()]
    if axis.axis_name != "x" or sum(len(text) + 2 for text in texts if "$" not in text) < 75:
        return
    for text in axis.get_ticklabels():
        text.set(rotation=40, ha="right", rotation_mode="anchor")
