"""A figure's data survive: drawn, read off by e2b-charts, drawn by `Chart`, and read off again.

e2b-charts is what makes `code_results[].chart`, and knows nothing of groqnb. What it cannot read
is not in the figures here: bars of one length that stand, single boxes that stand, whiskers
without length, more than one outlier to a box, level lines of two points.
"""

from __future__ import annotations

import io
import json
import math
import random
import warnings
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from groqnb.types.chart_layout import bar_layout
from groqnb.types.charts import Chart

e2b_charts = pytest.importorskip("e2b_charts")

WORDS = "rain sun wind snow fog ice dew hail frost Straße 東京 100% $5 a_b <b>".split()  # noqa: SIM905
UNITS = ("", " (s)", " [km/h]", " $x^2$", " (%)")


@pytest.fixture(autouse=True)
def _no_figure_stays() -> Iterator[None]:
    yield
    plt.close("all")


def read_off(figure: Any) -> Any:
    """The JSON that e2b-charts makes of a figure."""
    with warnings.catch_warnings():
        # On parts of a superchart without a type, and old names of matplotlib's.
        warnings.simplefilter("ignore")
        # Ticks that were given as integers are numpy's.
        return json.loads(json.dumps(e2b_charts.chart_figure_to_dict(figure), default=float))


def png_of(figure: Any) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # glyphs that the font has not
        figure.savefig(file, format="png", bbox_inches="tight", dpi=60)
    return file.getvalue()


def same(first: Any, second: Any) -> bool:
    """Equal, and numbers nearly: matplotlib draws slices and days with some rounding."""
    if isinstance(first, float) and isinstance(second, float):
        both_nan = math.isnan(first) and math.isnan(second)
        return both_nan or math.isclose(first, second, rel_tol=1e-7, abs_tol=2e-3 * (first > 1))
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
    return bool(first == second)


# The figures. Each function draws on `ax` what `dice` decide.


def dress(ax: Any, dice: random.Random) -> None:
    if dice.random() < 0.7:
        ax.set_title(" ".join(dice.sample(WORDS, 2)))
    if dice.random() < 0.7:
        ax.set_xlabel(dice.choice(WORDS) + dice.choice(UNITS))
        ax.set_ylabel(dice.choice(WORDS) + dice.choice(UNITS))
    handles, _ = ax.get_legend_handles_labels()
    if handles and dice.random() < 0.5:
        ax.legend()


def some(dice: random.Random, count: int, low: float = -50, high: float = 50) -> list[float]:
    return [dice.uniform(low, high) for _ in range(count)]


def named(dice: random.Random) -> dict[str, str]:
    return {"label": dice.choice(WORDS)} if dice.random() < 0.7 else {}


def lines(ax: Any, dice: random.Random) -> None:
    for _ in range(dice.randint(1, 5)):
        y = some(dice, dice.randint(3, 40))
        if dice.random() < 0.2:
            y[1] = math.nan
        ax.plot(sorted(some(dice, len(y))), y, **named(dice))
    if dice.random() < 0.2:
        ax.set_xlim(-80, 120)
    if dice.random() < 0.2:
        ax.set_xticks([-20, 0, 20], ["left", "middle", "right"])


def times(ax: Any, dice: random.Random) -> None:
    start = datetime(2026, 1, 1) + timedelta(days=dice.randint(-20_000, 5_000))
    step = dice.choice([timedelta(days=1), timedelta(days=31), timedelta(minutes=17)])
    kind = dice.choice(["datetime", "date", "zone", "numpy", "pandas"])
    for _ in range(dice.randint(1, 3)):
        when: Any = [start + step * i for i in range(dice.randint(3, 30))]
        if kind == "date":
            when = [one.date() for one in when]
        elif kind == "zone":
            when = [one.replace(tzinfo=timezone(timedelta(hours=2))) for one in when]
        elif kind == "numpy":
            when = np.array(when, dtype="datetime64[s]")
        elif kind == "pandas":
            when = pd.DatetimeIndex(when)
        ax.plot(when, some(dice, len(when)), **named(dice))


def points(ax: Any, dice: random.Random) -> None:
    for _ in range(dice.randint(1, 4)):
        count = dice.randint(1, 60)
        ax.scatter(some(dice, count), some(dice, count, -1e-4, 1e-4), **named(dice))


def points_in_time(ax: Any, dice: random.Random) -> None:
    when = [date(2020 + dice.randint(0, 9), 1, 1) + timedelta(days=i) for i in range(12)]
    ax.scatter(when, some(dice, 12), **named(dice))


def powers(ax: Any, dice: random.Random) -> None:
    draw = dice.choice([ax.plot, ax.scatter, ax.loglog])
    for _ in range(dice.randint(1, 3)):
        x = [10 ** dice.uniform(-3, 6) for _ in range(20)]
        draw(x, [10 ** dice.uniform(0, 3) for _ in x], **named(dice))
    ax.set_xscale("log")
    ax.set_yscale(dice.choice(["log", "symlog", "linear"]))


def categories(ax: Any, dice: random.Random) -> None:
    names = dice.sample(WORDS, dice.randint(2, 8))
    draw = dice.choice([ax.plot, ax.scatter])
    for _ in range(dice.randint(1, 3)):
        chosen = dice.sample(names, dice.randint(2, len(names)))
        draw(chosen, [10.5 + one for one in some(dice, len(chosen), 0, 5)], **named(dice))


def bars(ax: Any, dice: random.Random) -> None:
    names = dice.sample(WORDS, dice.randint(2, 8))
    low = dice.choice([1, 1, -50])
    draw = dice.choice([ax.bar, ax.barh])
    draw(names, some(dice, len(names), low, 50), **named(dice))


def many_bars(ax: Any, dice: random.Random, stacked: bool, lying: bool) -> None:
    names = dice.sample(WORDS, dice.randint(2, 5))
    groups = dice.randint(2, 4)
    foot, width = np.zeros(len(names)), 0.8 if stacked else 0.8 / groups
    for number in range(groups):
        values = some(dice, len(names), 5, 50)
        where = np.arange(len(names)) + (0 if stacked else number * width)
        if lying:
            ax.barh(where, values, width, left=foot, **named(dice))
        else:
            ax.bar(where, values, width, bottom=foot, **named(dice))
        if stacked:
            foot = foot + values
    (ax.set_yticks if lying else ax.set_xticks)(range(len(names)), names)


def beside(ax: Any, dice: random.Random) -> None:
    many_bars(ax, dice, stacked=False, lying=False)


def stacked(ax: Any, dice: random.Random) -> None:
    many_bars(ax, dice, stacked=True, lying=False)


def lying_beside(ax: Any, dice: random.Random) -> None:
    many_bars(ax, dice, stacked=False, lying=True)


def lying_stacked(ax: Any, dice: random.Random) -> None:
    many_bars(ax, dice, stacked=True, lying=True)


def bars_of_a_frame(ax: Any, dice: random.Random) -> None:
    data = {name: some(dice, 4, 1, 50) for name in ("north", "south")}
    frame = pd.DataFrame(data, index=dice.sample(WORDS, 4))
    frame.plot.bar(ax=ax, stacked=dice.random() < 0.5)


def slices(ax: Any, dice: random.Random) -> None:
    parts = some(dice, dice.randint(1, 7), 1, 50)
    labels = [dice.choice(WORDS) for _ in parts] if dice.random() < 0.8 else None
    if dice.random() < 0.3:
        ax.pie([one / 1_000 for one in parts], labels=labels, normalize=False)
    else:
        ax.pie(parts, labels=labels, startangle=dice.choice([0, 90]))
    if dice.random() < 0.3:
        ax.pie(some(dice, 3, 1, 9), radius=0.5)
    ax.set_title(dice.choice(WORDS))


def boxes(ax: Any, dice: random.Random) -> None:
    groups = []
    for _ in range(dice.randint(2, 5)):
        low = dice.uniform(0, 40)
        group = [low, *(low + 10 + one for one in some(dice, 9, 0, 20)), low + 40]
        groups.append(group + [low + 400] * dice.randint(0, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        ax.boxplot(groups, patch_artist=True)
    ax.set_xticklabels(dice.sample(WORDS, len(groups)))


def picture(ax: Any, dice: random.Random) -> None:
    ax.imshow([[1, 2], [3, 4]])


SINGLE: list[Callable[[Any, random.Random], None]] = [
    lines, times, points, points_in_time, powers, categories, bars, beside, stacked,
    lying_beside, lying_stacked, bars_of_a_frame, slices, boxes,
]  # fmt: skip
EACH = 16
LAYOUTS = {
    "beside": (False, False),
    "stacked": (True, False),
    "lying_beside": (False, True),
    "lying_stacked": (True, True),
}


def figure_of(draw: Callable[[Any, random.Random], None], dice: random.Random) -> Any:
    figure, ax = plt.subplots(figsize=dice.choice([(6.4, 4.8), (10, 4)]))
    draw(ax, dice)
    if draw is not slices:
        dress(ax, dice)
    return figure


@pytest.mark.parametrize("number", range(EACH))
@pytest.mark.parametrize("draw", SINGLE, ids=lambda draw: draw.__name__)
def test_what_is_drawn_again_is_the_same(
    draw: Callable[[Any, random.Random], None], number: int
) -> None:
    figure = figure_of(draw, random.Random(f"{draw.__name__} {number}"))
    told = read_off(figure)
    chart = Chart.from_json(told, png=png_of(figure) if told["type"] == "bar" else None)
    assert chart.type == told["type"] != "unknown"
    if draw.__name__ in LAYOUTS:
        assert bar_layout(chart) == LAYOUTS[draw.__name__]
    again = read_off(chart.plot().figure)
    assert same(told, again), difference(told, again)


@pytest.mark.parametrize("number", range(EACH))
def test_parts_of_a_figure_drawn_again_are_the_same(number: int) -> None:
    dice = random.Random(number)
    # Without the whole picture's help, which way bars lie cannot be told where they are equal.
    kinds = [draw for draw in (*SINGLE, picture) if draw is not bars]
    figure, axes = plt.subplots(dice.randint(1, 3), 2, squeeze=False)
    for ax in axes.flat:
        draw = dice.choice(kinds)
        draw(ax, dice)
        if draw is not slices:
            dress(ax, dice)
    figure.suptitle(dice.choice(["", *WORDS]))
    told = read_off(figure)
    again = read_off(Chart.from_json(told).plot()[0].figure)
    assert same(told, again), difference(told, again)


def difference(told: Any, again: Any) -> str:
    if told.get("type") == "superchart" and len(told["elements"]) == len(again["elements"]):
        both = zip(told["elements"], again["elements"], strict=True)
        return "\n\n".join(difference(one, two) for one, two in both if not same(one, two))
    changed = [key for key in told if not same(told[key], again.get(key))]
    return "\n".join(f"{key}: {told[key]!s:.900}\n  -> {again.get(key)!s:.900}" for key in changed)


def test_there_are_at_least_two_hundred_figures() -> None:
    assert EACH * (len(SINGLE) + 1) >= 200
