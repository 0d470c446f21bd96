"""A chart of 100,000 points: what drawing it from its JSON costs more than drawing its data.

$ python -m tests.benchmarks charts

The peer is matplotlib itself with the same data, parsed and ready. Both draw the figure, with a
legend, into a PNG.
"""

from __future__ import annotations

import io
import json
import math
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.benchmarks.table import Row

__all__ = ["rows"]

POINTS = 100_000
ROUNDS = 3
# The most that drawing may cost above matplotlib's own, in milliseconds of CPU.
MOST_MORE = 1_000.0


def series(kind: str) -> tuple[list[Any], list[float]]:
    """The data of one chart: a line with as many bends as points, a cloud, or a line in time."""
    x: list[Any] = [float(i) for i in range(POINTS)]
    y = [math.sin(i / 500) * 10 + (i * 7919 % 101) / 25 for i in range(POINTS)]
    if kind == "datetime":
        start = datetime(2026, 1, 1)
        x = [start + timedelta(minutes=i) for i in range(POINTS)]
    return x, y


def json_of(kind: str) -> str:
    """The same data as the JSON of a chart."""
    x, y = series(kind)
    told = [one.isoformat() if isinstance(one, datetime) else one for one in x]
    chart = {
        "type": "scatter" if kind == "scatter" else "line",
        "title": "Many points",
        "x_label": "x",
        "y_label": "y",
        "x_scale": "datetime" if kind == "datetime" else "linear",
        "elements": [{"label": "all", "points": list(zip(told, y, strict=True))}],
    }
    return json.dumps(chart)


def png(figure: Any) -> None:
    """What a notebook does with a figure."""
    import matplotlib.pyplot as plt

    figure.savefig(io.BytesIO(), format="png", dpi=100)
    plt.close(figure)


def ours(text: str) -> Callable[[], None]:
    from groqnb.types.charts import Chart

    return lambda: png(Chart.from_json(text).plot().figure)


def peer(kind: str) -> Callable[[], None]:
    import matplotlib.pyplot as plt

    x, y = series(kind)

    def draw() -> None:
        figure, ax = plt.subplots(layout="constrained")
        (ax.scatter if kind == "scatter" else ax.plot)(x, y, label="all")
        ax.set(title="Many points", xlabel="x", ylabel="y")
        ax.legend(loc="upper right")
        png(figure)

    return draw


def least(draw: Callable[[], None]) -> float:
    """Milliseconds of CPU, the least of some runs."""
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        draw()
        times.append(time.process_time() - began)
    return min(times) * 1000


def rows() -> list[Row]:
    """Each kind with 100,000 points; the goal is what one second of CPU more makes of the ratio."""
    import matplotlib

    matplotlib.use("Agg")
    found = []
    for kind in ("line", "datetime", "scatter"):
        text, draw = json_of(kind), peer(kind)
        draw()  # fonts, and the modules that are loaded at first use
        theirs = least(draw)
        mine = least(ours(text))
        goal = round((theirs + MOST_MORE) / theirs, 2)
        found.append(Row(f"100,000 points, {kind}", mine, theirs, "ms CPU", goal))
    return found
