"""The data of a chart as rows: for a DataFrame, and for a small table on the page."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from groqnb.types.chart_json import Coordinate
from groqnb.types.chart_layout import names_are_crossed

if TYPE_CHECKING:
    import pandas as pd

    from groqnb.types.charts import Chart

__all__ = ["columns", "frame", "leaves", "rows", "series_name"]

_BOX = ("min", "first_quartile", "median", "third_quartile", "max")


def leaves(chart: Chart) -> list[Chart]:
    """The parts of a superchart that are none themselves, in order; of others, the chart."""
    if chart.type != "superchart":
        return [chart]
    return [leaf for part in chart.charts for leaf in leaves(part)]


def columns(chart: Chart) -> list[str]:
    """The names of the columns; empty for a chart without data of its own."""
    x, y = chart.x_label, chart.y_label
    if chart.type == "bar" and x != y and names_are_crossed(chart):
        x, y = y, x
    if chart.type in ("line", "scatter"):
        return _different([(x, "x"), (y, "y"), (None, "series")])
    if chart.type == "bar":
        return _different([(x, "label"), (None, "group"), (y, "value")])
    if chart.type == "pie":
        return ["label", "angle", "share", "radius"]
    if chart.type == "box_and_whisker":
        return _different([(x, "label"), *((None, name) for name in (*_BOX, "outliers"))])
    return []


def _different(names: list[tuple[str | None, str]]) -> list[str]:
    """The chart's own names, or the usual ones where a name would stand twice."""
    own = [given or usual for given, usual in names]
    # In the frame of a superchart, "chart" is the part's number.
    return own if len({*own, "chart"}) > len(own) else [usual for _, usual in names]


def rows(chart: Chart, most: int | None = None) -> list[list[Any]]:
    """The rows, the first `most` of them; in the order of `columns`."""
    return list(islice(_rows(chart), most))


def _rows(chart: Chart) -> Iterator[list[Any]]:
    if chart.type in ("line", "scatter"):
        places = [_places(chart, axis) for axis in "xy"]
        for place, element in enumerate(chart.elements):
            name = series_name(element.label, place)
            for x, y in element.points:
                yield [_at(x, places[0]), _at(y, places[1]), name]
    elif chart.type == "bar":
        for element in chart.elements:
            yield [element.label, element.group, _value(element.value)]
    elif chart.type == "pie":
        angles = [_value(one.angle) for one in chart.elements]
        whole = math.fsum(abs(angle) for angle in angles if math.isfinite(angle))
        for angle, element in zip(angles, chart.elements, strict=True):
            share = abs(angle) / whole if whole else math.nan
            yield [element.label, angle, share, _value(element.radius)]
    elif chart.type == "box_and_whisker":
        for element in chart.elements:
            ends = [_value(getattr(element, name)) for name in _BOX]
            yield [element.label, *ends, element.outliers]


def series_name(label: str | None, place: int) -> str:
    """What a series is called; matplotlib's names for nameless ones begin with an underscore."""
    return f"Series {place}" if not label or label.startswith("_") else label


def _value(value: float | None) -> float:
    return math.nan if value is None else value


def _places(chart: Chart, axis: str) -> list[str] | None:
    """The categories at 0, 1, 2, …: points of a scatter chart are told by their place."""
    if getattr(chart, f"{axis}_scale") != "categorical":
        return None
    ticks: list[Coordinate] = getattr(chart, f"{axis}_ticks")
    labels: list[str] = getattr(chart, f"{axis}_tick_labels")
    usual = len(ticks) == len(labels) and all(tick == i for i, tick in enumerate(ticks))
    return labels if usual else None


def _at(value: Coordinate, places: list[str] | None) -> Coordinate:
    if places and isinstance(value, float) and value.is_integer() and 0 <= value < len(places):
        return places[int(value)]
    return value


def frame(chart: Chart) -> pd.DataFrame:
    """See `Chart.to_frame`."""
    import pandas as pd

    if chart.type == "superchart":
        parts = [frame(part) for part in leaves(chart)]
        for number, part in enumerate(parts):
            part.insert(0, "chart", number)
        # pandas 2 warns of the types of empty frames.
        filled = [part for part in parts if len(part)]
        return pd.concat(filled, ignore_index=True) if filled else parts[0]
    names = columns(chart)
    found: pd.DataFrame = pd.DataFrame(rows(chart), columns=names)
    if chart.type in ("line", "scatter"):
        for axis, name in zip("xy", names, strict=False):
            if getattr(chart, f"{axis}_scale") == "datetime":
                found[name] = _times(found[name])
    return found


def _times(values: pd.Series[Any]) -> pd.Series[Any]:
    """Times from ISO 8601, or from matplotlib's days since 1970; NaT for what is neither."""
    import pandas as pd

    if all(isinstance(value, str) for value in values):
        try:
            return pd.to_datetime(values, format="ISO8601", errors="coerce")
        except ValueError:  # with and without a time zone, or in several
            return pd.to_datetime(values, format="ISO8601", errors="coerce", utc=True)
    days = pd.to_numeric(values, errors="coerce")
    return pd.to_datetime(days, unit="D", errors="coerce")
