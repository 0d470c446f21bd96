"""Drawing a chart with matplotlib: `draw` for any, and a function for each type."""

from __future__ import annotations

import io
import math
import re
import warnings
from typing import TYPE_CHECKING, Any

from groqnb.types import chart_axes as axes
from groqnb.types.chart_bars import draw_bars
from groqnb.types.chart_frame import leaves
from groqnb.types.chart_text import harmless, shown
from groqnb.types.png import png_size

if TYPE_CHECKING:
    from groqnb.types.charts import Chart, ChartElement

__all__ = ["draw"]

# A figure of more parts or series than these is not looked at, but would take minutes to lay out.
_MOST_PARTS = 36
_MOST_IN_LEGEND = 30
_MOST_PIXELS = 40_000_000
# Looking for a free place for the legend takes long where there are many points.
_MANY_POINTS = 2_000
_NAMELESS = re.compile(r"_.*|Line \d+", re.DOTALL)


def draw(
    chart: Chart, ax: Any = None, *, stacked: bool | None = None, horizontal: bool | None = None
) -> Any:
    """See `Chart.plot`."""
    try:
        import matplotlib.pyplot as plt
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'Drawing charts needs matplotlib: pip install "groqnb[lab]"', name=error.name
        ) from error

    if chart.type == "superchart":
        return _draw_parts(chart, ax, stacked=stacked, horizontal=horizontal)
    if ax is None:
        _, ax = plt.subplots(layout="constrained")
    _draw_one(chart, ax, stacked=stacked, horizontal=horizontal)
    return ax


def _draw_one(chart: Chart, ax: Any, **layout: bool | None) -> None:
    if chart.type == "unknown":
        _draw_original(chart, ax)
        return
    try:
        if chart.type == "bar":
            draw_bars(chart, ax, **layout)
        elif chart.type == "pie":
            _draw_pie(chart, ax)
        elif chart.type == "box_and_whisker":
            _draw_boxes(chart, ax, horizontal=bool(layout["horizontal"]))
        else:
            _draw_points(chart, ax)
        axes.set_title(ax, chart.title)
        # Labels and ticks are laid out: what is wrong with them shows here, not with the figure.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the figure warns of the same
            ax.get_tightbbox()
    except Exception:  # noqa: BLE001 - what odd data make matplotlib raise is not documented
        ax.clear()
        _draw_original(chart, ax)


def _draw_points(chart: Chart, ax: Any) -> None:
    """Lines, and points without lines."""
    for name, axis in (("x", ax.xaxis), ("y", ax.yaxis)):
        axes.prepare_axis(axis, chart, name)
    for element in chart.elements:
        x = axes.coordinates([point[0] for point in element.points], chart.x_scale)
        y = axes.coordinates([point[1] for point in element.points], chart.y_scale)
        label = shown(element.label) or None
        if chart.type == "line":
            ax.plot(x, y, label=label)
        else:
            ax.scatter(x, y, label=label)
    for name, axis in (("x", ax.xaxis), ("y", ax.yaxis)):
        axes.tick_axis(axis, chart, name)
        axes.label_axis(axis, getattr(chart, f"{name}_label"), getattr(chart, f"{name}_unit"))
    axes.turn_labels(ax.xaxis)
    _add_legend(ax, chart.elements)


def _add_legend(ax: Any, elements: list[ChartElement]) -> None:
    """A legend, where series have names of their own."""
    names = [one.label for one in elements if one.label and not one.label.startswith("_")]
    nameless = len(names) == 1 and _NAMELESS.fullmatch(names[0])
    if not names or nameless or len(names) > _MOST_IN_LEGEND:
        return
    many = sum(len(one.points) for one in elements) > _MANY_POINTS
    legend = ax.legend(loc="upper right" if many else "best", ncols=1 + len(names) // 12)
    harmless(legend.get_texts())


def _draw_pie(chart: Chart, ax: Any) -> None:
    """Slices by their angles; those of other radii are rings around or inside."""
    rings = _rings([one for one in chart.elements if one.angle is not None])
    radii = sorted({_radius(ring[0]) for ring in rings})
    for ring in rings:
        radius = _radius(ring[0])
        smaller = [one for one in radii if one < radius]
        # Full where it is the innermost one, so that no slice lies below another.
        width = radius - smaller[-1] if smaller else radius
        parts = [abs(one.angle or 0.0) / 360 for one in ring]
        _, texts, *_ = ax.pie(
            parts,
            labels=[shown(one.label) for one in ring],
            radius=radius,
            normalize=math.fsum(parts) > 0.9999,
            labeldistance=1.1 if radius == radii[-1] else 1 - width / radius / 2,
            wedgeprops={"width": width, "edgecolor": "white"} if len(radii) > 1 else None,
        )
        harmless(texts)
    if radii:
        reach = 1.25 * radii[-1]
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach))


def _rings(elements: list[ChartElement]) -> list[list[ChartElement]]:
    """Slices that follow each other, have one radius and fill no more than a circle."""
    rings: list[list[ChartElement]] = []
    filled = 0.0
    for element in elements:
        angle = abs(element.angle or 0.0)
        if rings and _radius(rings[-1][0]) == _radius(element) and filled + angle < 360.1:
            rings[-1].append(element)
            filled += angle
        else:
            rings.append([element])
            filled = angle
    return rings


def _radius(element: ChartElement) -> float:
    return element.radius if element.radius and element.radius > 0 else 1.0


def _draw_boxes(chart: Chart, ax: Any, *, horizontal: bool) -> None:
    from matplotlib.colors import to_rgba

    boxes = [
        {
            "label": shown(one.label),
            "q1": one.first_quartile,
            "med": one.median,
            "q3": one.third_quartile,
            "whislo": one.first_quartile if one.min is None else one.min,
            "whishi": one.third_quartile if one.max is None else one.max,
            "fliers": one.outliers,
        }
        for one in chart.elements
        if one.is_part_of(chart.type)
    ]
    ax.bxp(
        boxes,
        patch_artist=True,
        boxprops={"facecolor": to_rgba("C0", 0.5)},
        **_lying() if horizontal else {},
    )
    names, values = (ax.yaxis, ax.xaxis) if horizontal else (ax.xaxis, ax.yaxis)
    harmless(names.get_ticklabels())
    axes.turn_labels(names)
    axes.label_axis(names, chart.x_label, chart.x_unit)
    axes.label_axis(values, chart.y_label, chart.y_unit)
    axes.prepare_axis(values, chart, "y")


def _lying() -> dict[str, Any]:
    """How matplotlib is told that boxes lie; it changed in 3.10."""
    import matplotlib

    old = tuple(int(part) for part in matplotlib.__version__.split(".")[:2]) < (3, 10)
    return {"vert": False} if old else {"orientation": "horizontal"}


def _draw_parts(chart: Chart, ax: Any, **layout: bool | None) -> Any:
    import numpy as np

    parts = leaves(chart)[:_MOST_PARTS]
    places = _places(chart, ax, len(parts))
    for part, place in zip(parts, places, strict=False):
        _draw_one(part, place, **layout)
    found = np.empty(len(parts), dtype=object)
    found[:] = places[: len(parts)]
    return found


def _places(chart: Chart, ax: Any, count: int) -> list[Any]:
    """Axes for the parts: those given, or a grid in a new figure or within the one given."""
    import matplotlib.pyplot as plt
    import numpy as np

    if ax is not None and not hasattr(ax, "get_subplotspec"):
        given = list(np.ravel(ax))
        if len(given) < count:
            raise ValueError(f"ax holds {len(given)} Axes, but the chart has {count} parts")
        return given
    columns, lines, size = _grid(chart, count)
    if ax is None:
        figure = plt.figure(figsize=size, layout="constrained")
        if chart.title:
            harmless([figure.suptitle(shown(chart.title))])
        grid = figure.add_gridspec(lines, columns)
    else:
        figure = ax.figure
        axes.set_title(ax, chart.title)
        ax.set_axis_off()
        place = ax.get_subplotspec() or _spec_at(ax)
        grid = place.subgridspec(lines, columns, hspace=0.5, wspace=0.35)
    return [figure.add_subplot(grid[i // columns, i % columns]) for i in range(count)]


def _grid(chart: Chart, count: int) -> tuple[int, int, tuple[float, float]]:
    """Columns, lines, and the figure's size in inches: near the picture's form, if there is one."""
    size = png_size(chart.png) if chart.png else None
    if size is None:
        columns = math.ceil(math.sqrt(count))
        lines = math.ceil(count / columns)
        return columns, lines, (1.6 + 4.4 * columns, 0.6 + 3.4 * lines)
    form = min(max(size[0] / size[1], 0.2), 5.0)

    def badness(columns: int) -> float:
        lines = math.ceil(count / columns)
        empty = columns * lines - count
        return abs(math.log(form * lines / columns / (4 / 3))) + 0.2 * empty

    # Of two as good, the one with more columns.
    columns = min(range(count, 0, -1), key=lambda one: round(badness(one), 2))
    lines = math.ceil(count / columns)
    width = min(max(3.6 * columns, 6.4), 16.0)
    return columns, lines, (width, min(max(width / form, 3.0), 16.0))


def _spec_at(ax: Any) -> Any:
    box = ax.get_position()
    return ax.figure.add_gridspec(1, 1, left=box.x0, right=box.x1, bottom=box.y0, top=box.y1)[0]


def _draw_original(chart: Chart, ax: Any) -> None:
    """The picture as it came, or what can be said of the chart."""
    ax.set_axis_off()
    size = png_size(chart.png) if chart.png else None
    if chart.png and size and size[0] * size[1] <= _MOST_PIXELS:
        import matplotlib.image

        try:
            picture = matplotlib.image.imread(io.BytesIO(chart.png), format="png")
            ax.imshow(picture)
            return
        except Exception:  # noqa: BLE001 - a broken picture: what Pillow raises is not documented
            ax.set_axis_off()
    from matplotlib.patches import FancyBboxPatch

    text = shown(chart.text, 500) or "This chart came without data."
    frame = FancyBboxPatch(
        (0.05, 0.05), 0.9, 0.9, "round,pad=0.02", transform=ax.transAxes, fc="none", ec="0.7"
    )
    ax.add_patch(frame)
    harmless([ax.text(0.5, 0.5, text, ha="center", va="center", wrap=True, transform=ax.transAxes)])
    axes.set_title(ax, chart.title)
