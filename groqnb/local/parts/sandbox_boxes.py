"""The boxes of a box plot, read off its figure.

e2b-charts reads boxes too, but fails on one box alone and on whiskers without length, calls lying
boxes after the ticks of their values, and sees no more than one outlier of a box.
"""

from __future__ import annotations

from typing import Any

__all__ = ["boxes"]


def boxes(ax: Any) -> dict[str, Any] | None:
    """The chart of an Axes that holds boxes and nothing else; None for another, or flat boxes."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import PathPatch

    drawn = [one for one in ax.get_children() if isinstance(one, PathPatch)]
    if not drawn or len(drawn) != len(ax.patches) or ax.collections or ax.images:
        return None
    lines = [(one, *_points(one)) for one in ax.lines if isinstance(one, Line2D)]
    spans = [_span(one) for one in drawn]
    lying = _lying(spans[0], lines)
    if lying is None or all(low == high for low, high in (_along(s, lying) for s in spans)):
        return None
    names = [text.get_text() for text in (ax.yaxis if lying else ax.xaxis).get_ticklabels()]
    return {
        "type": "box_and_whisker",
        "title": ax.get_title() or None,
        "elements": [
            {"label": name, **_box(span, lines, lying)}
            for name, span in zip(names, spans, strict=False)
        ],
        **_labels(ax, lying),
    }


def _labels(ax: Any, lying: bool) -> dict[str, Any]:
    """Labels and units as e2b-charts tells them: x is where the names of the boxes stand."""
    from e2b_charts.charts.base import Chart2D, ChartType

    told = Chart2D(ax=ax, type=ChartType.BOX_AND_WHISKER).model_dump()
    x, y = "yx" if lying else "xy"
    return {
        **{f"x_{what}": told[f"{x}_{what}"] for what in ("label", "unit")},
        **{f"y_{what}": told[f"{y}_{what}"] for what in ("label", "unit")},
    }


Span = tuple[float, float, float, float]


def _span(box: Any) -> Span:
    corners = box.get_path().vertices
    (left, low), (right, high) = corners.min(axis=0), corners.max(axis=0)
    return float(left), float(right), float(low), float(high)


def _points(line: Any) -> tuple[list[float], list[float]]:
    x, y = line.get_data(orig=False)
    return [float(one) for one in x], [float(one) for one in y]


def _along(span: Span, lying: bool) -> tuple[float, float]:
    return span[:2] if lying else span[2:]


def _across(span: Span, lying: bool) -> tuple[float, float]:
    return span[2:] if lying else span[:2]


def _lying(span: Span, lines: list[Any]) -> bool | None:
    """Which way the first box lies: its median goes from one side of it to the other."""
    for _, x, y in lines:
        if len(x) == 2:
            if (min(x), max(x)) == span[:2] and y[0] == y[1] and span[2] <= y[0] <= span[3]:
                return False
            if (min(y), max(y)) == span[2:] and x[0] == x[1] and span[0] <= x[0] <= span[1]:
                return True
    return None


def _box(span: Span, lines: list[Any], lying: bool) -> dict[str, Any]:
    first, third = _along(span, lying)
    start, end = _across(span, lying)
    ends, median, outliers = [first, third], None, []
    for line, x, y in lines:
        across, along = (y, x) if lying else (x, y)
        if not across or min(across) < start or max(across) > end:
            continue
        if line.get_linestyle() in ("None", "", " ", "none"):
            outliers += along
        elif len(across) == 2 and across[0] == across[1]:
            ends += along
        elif median is None and (min(across), max(across)) == (start, end):
            median = along[0]
    if median is None:
        raise ValueError("a box without a median")
    return {
        "min": min(ends),
        "first_quartile": first,
        "median": median,
        "third_quartile": third,
        "max": max(ends),
        "outliers": outliers,
    }
