"""`Chart`: a figure that executed code drew, as data that can be drawn again and put in a table.

It comes in `code_results[].chart` of an executed tool. Docs: API Reference, Create chat
completion, `executed_tools`. What it is made of was read off a figure of matplotlib, so it knows
labels and values but no colours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from groqnb.types import chart_json as read
from groqnb.types.chart_json import Coordinate
from groqnb.types.chart_layout import bar_groups
from groqnb.types.png import png_bytes

if TYPE_CHECKING:
    import pandas as pd

    from groqnb.types.executed_tools import CodeResult, ExecutedTool

__all__ = ["Chart", "ChartElement", "charts_of"]

KINDS = frozenset({"bar", "box_and_whisker", "line", "pie", "scatter", "superchart", "unknown"})

# Figures have one level of parts. Deeper ones were not made by drawing.
_DEEPEST = 8


@dataclass(frozen=True)
class ChartElement:
    """One series, bar, slice or box of a chart. What its type of chart does not have is None.

    Attributes:
        label: of a line or scatter its series' name; of a bar, slice or box what it stands for.
        group: of a bar, the series that it belongs to.
        value: of a bar, its length.
        points: of a line or scatter, pairs (x, y).
        angle: of a slice, in degrees.
        radius: of a slice; 1 is usual.
        min, first_quartile, median, third_quartile, max: of a box; `min` and `max` are the ends of
            its whiskers.
        outliers: of a box, the values beyond its whiskers.
    """

    label: str | None = None
    group: str | None = None
    value: float | None = None
    points: list[tuple[Coordinate, Coordinate]] = field(default_factory=list)
    angle: float | None = None
    radius: float | None = None
    min: float | None = None
    first_quartile: float | None = None
    median: float | None = None
    third_quartile: float | None = None
    max: float | None = None
    outliers: list[float] = field(default_factory=list)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ChartElement:
        """The element in one entry of `elements`; fields that cannot be read are left out."""
        return cls(
            label=read.string(data.get("label")),
            group=read.string(data.get("group")),
            points=read.points(data.get("points")),
            outliers=read.numbers(data.get("outliers")),
            **{name: read.number(data.get(name)) for name in _NUMBERS},
        )

    def is_part_of(self, kind: str) -> bool:
        """True when it has what a chart of this type is made of."""
        if kind in ("line", "scatter"):
            return bool(self.points)
        if kind == "box_and_whisker":
            return None not in (self.first_quartile, self.median, self.third_quartile)
        return (self.angle if kind == "pie" else self.value) is not None


_NUMBERS = ("value", "angle", "radius", "min", "first_quartile", "median", "third_quartile", "max")


@dataclass(frozen=True, repr=False)
class Chart:
    """A chart as data.

    Attributes:
        type: "bar", "line", "scatter", "pie", "box_and_whisker", "superchart" (a figure of
            several charts, see `charts`), or "unknown" for everything that has no data here.
        title: above the figure, or None.
        x_label, y_label: of the axes; of bars, `x_label` names the categories and `y_label` the
            values, whichever way the bars lie.
        x_unit, y_unit: units, where a label has one in brackets.
        x_scale, y_scale: "linear", "log", "datetime", "categorical" or another of matplotlib's.
        x_ticks, y_ticks: numbers, or times in ISO 8601.
        x_tick_labels, y_tick_labels: what stands at the ticks.
        elements: series, bars, slices or boxes.
        charts: the parts of a superchart.
        png: the figure as it was drawn, in bytes, where it came along.
        text: what the figure was in text, where that came along.
        raw: the JSON from which all this was read.

    ```python
    chart = answer.charts[0]
    chart.plot()
    chart.to_frame()
    ```
    """

    type: str = "unknown"
    title: str | None = None
    x_label: str | None = None
    y_label: str | None = None
    x_unit: str | None = None
    y_unit: str | None = None
    x_scale: str | None = None
    y_scale: str | None = None
    x_ticks: list[Coordinate] = field(default_factory=list)
    y_ticks: list[Coordinate] = field(default_factory=list)
    x_tick_labels: list[str] = field(default_factory=list)
    y_tick_labels: list[str] = field(default_factory=list)
    elements: list[ChartElement] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    png: bytes | None = None
    text: str | None = None
    raw: Any = field(default=None, compare=False)

    @classmethod
    def from_json(cls, data: Any, png: str | bytes | None = None, text: str | None = None) -> Chart:
        """The chart in `data`: a mapping, or JSON text. It never raises.

        What cannot be read as the chart that it says to be is one of type "unknown"; its `png`
        (bytes or base64) and `text`, which came beside it, are what is left to show.

        ```python
        >>> Chart.from_json('{"type": "pie", "elements": [{"label": "a", "angle": 360}]}')
        Chart(pie, 1 slice)
        >>> Chart.from_json("broken", text="Figure(640x480)")
        Chart(unknown)

        ```
        """
        return _chart(data, png_bytes(png), read.string(text), 0)

    def plot(
        self, ax: Any = None, *, stacked: bool | None = None, horizontal: bool | None = None
    ) -> Any:
        """Draw it with matplotlib, on `ax` or a new figure; the Axes.

        Of a superchart, an array of Axes, one for each part: drawn in a grid within `ax` or a new
        figure, or on the Axes that `ax` holds. What has no data shows its PNG or its text.

        The data of bars do not tell whether they were stacked, nor which way they lay. Where
        `stacked` and `horizontal` do not say it, the PNG does, if there is one; else they stand
        side by side. Needs matplotlib (`pip install "groqnb[lab]"`).

        ```python
        fig, ax = plt.subplots()
        answer.charts[0].plot(ax=ax)
        ```
        """
        from groqnb.types.chart_drawing import draw

        return draw(self, ax, stacked=stacked, horizontal=horizontal)

    def to_frame(self) -> pd.DataFrame:
        """The data, tidy: one observation a row. Needs pandas.

        | type | columns |
        |---|---|
        | line, scatter | `x`, `y`, `series` |
        | bar | `label`, `group`, `value` |
        | pie | `label`, `angle`, `share` (of the whole, 0 to 1), `radius` |
        | box_and_whisker | `label`, `min`, `first_quartile`, … `max`, `outliers` (a list) |
        | superchart | `chart` (the part's number) and those of its parts |

        The axes' labels stand in place of `x` and `y`, and of a bar's or a box's `label` and
        `value`, where the chart has them. Times are datetime64.

        ```python
        answer.charts[0].to_frame().groupby("series").mean()
        ```
        """
        from groqnb.types.chart_frame import frame

        return frame(self)

    def __repr__(self) -> str:
        title = f" {_short(self.title)!r}" if self.title else ""
        size = "".join(f", {part}" for part in self.counts())
        return f"Chart({self.type}{title}{size})"

    def counts(self) -> list[str]:
        """How much there is of what, in words."""
        elements = self.elements
        if self.type == "superchart":
            return [_count(len(self.charts), "chart")]
        if self.type in ("line", "scatter"):
            found = sum(len(one.points) for one in elements)
            return [f"{len(elements)} series", _count(found, "point")]
        if self.type == "bar":
            groups = len(bar_groups(self))
            return [_count(groups, "group")] * (groups > 1) + [_count(len(elements), "bar")]
        if self.type == "pie":
            return [_count(len(elements), "slice")]
        if self.type == "box_and_whisker":
            return [f"{len(elements)} box" + "es" * (len(elements) != 1)]
        return ["PNG"] if self.png else []


def charts_of(tools: Iterable[ExecutedTool] | None) -> list[Chart]:
    """Every chart that executed tools drew, in order.

    A figure is one chart: parts that are told beside a superchart are its `charts`. A picture
    without data is a chart of type "unknown".
    """
    return [
        chart
        for tool in tools or ()
        for result in tool.code_results or ()
        for chart in _charts_of_result(result)
    ]


def _charts_of_result(result: CodeResult) -> list[Chart]:
    png, text = png_bytes(result.png), read.string(result.text)
    parts = [one for one in _list(result.charts) if isinstance(one, Mapping)]
    whole = read.mapping(result.chart)
    if not whole and len(parts) > 1:
        # "charts" holds the parts of one figure, whose PNG this is.
        whole = {"type": "superchart"}
    if _kind(whole) == "superchart":
        if parts and not _parts(whole):
            whole = {**whole, "charts": parts}
        parts = []
    found = [_chart(one, png, text, 0) for one in ([whole] if whole else []) + parts]
    return found or ([Chart(png=png, text=text)] if png else [])


def _chart(data: Any, png: bytes | None, text: str | None, depth: int) -> Chart:
    fields = read.mapping(data)
    kind = _kind(fields)
    elements: list[ChartElement] = []
    charts: list[Chart] = []
    if kind == "superchart" and depth < _DEEPEST:
        charts = [_chart(part, None, None, depth + 1) for part in _parts(fields)]
    elif kind != "unknown":
        entries = _list(fields.get("elements"))
        elements = [ChartElement.from_json(one) for one in entries if isinstance(one, Mapping)]
        if entries and not any(element.is_part_of(kind) for element in elements):
            kind, elements = "unknown", []
    if kind == "superchart" and not charts:
        kind = "unknown"
    return Chart(
        type=kind,
        title=read.string(fields.get("title")) or None,
        **{name: read.string(fields.get(name)) or None for name in _TEXTS},
        x_ticks=read.ticks(fields.get("x_ticks")),
        y_ticks=read.ticks(fields.get("y_ticks")),
        x_tick_labels=read.texts(fields.get("x_tick_labels")),
        y_tick_labels=read.texts(fields.get("y_tick_labels")),
        elements=elements,
        charts=charts,
        png=png,
        text=text,
        raw=data,
    )


_TEXTS = ("x_label", "y_label", "x_unit", "y_unit", "x_scale", "y_scale")


def _kind(fields: Mapping[str, Any]) -> str:
    kind = (read.string(fields.get("type")) or "").lower()
    return kind if kind in KINDS else "unknown"


def _parts(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parts of a superchart, which are told in `charts` or in `elements`."""
    for name in ("charts", "elements"):
        found = [part for part in _list(fields.get(name)) if isinstance(part, Mapping)]
        if found:
            return found
    return []


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _count(many: int, what: str) -> str:
    return f"{many:,} {what}" + "s" * (many != 1)


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
