"""A chart out of a reply: whatever its JSON is, it can be drawn, put in a table and shown."""

from __future__ import annotations

import base64
import io
import json
import math
import warnings
from collections.abc import Iterator
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import groqnb
from groqnb.render.charts import chart_bundle, chart_html, chart_plain
from groqnb.types.answer import Answer
from groqnb.types.answer_builder import AnswerBuilder
from groqnb.types.chart_layout import bar_layout
from groqnb.types.charts import Chart
from groqnb.types.chat import ChatCompletion
from groqnb.types.executed_tools import ExecutedTool


@pytest.fixture(autouse=True)
def _no_figure_stays() -> Iterator[None]:
    yield
    plt.close("all")


def picture(width: float = 1.0) -> bytes:
    """A small PNG."""
    figure = plt.figure(figsize=(width, 1), dpi=20)
    found = png_of(figure)
    plt.close(figure)
    return found


def png_of(figure: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def bars(*values: tuple[str, str, float], **fields: Any) -> dict[str, Any]:
    elements = [{"group": group, "label": label, "value": value} for group, label, value in values]
    return {"type": "bar", "elements": elements, **fields}


LINE = {
    "type": "line",
    "title": "Temperature",
    "x_label": "Time (h)",
    "y_label": "Temperature [°C]",
    "x_unit": "h",
    "y_unit": "°C",
    "x_scale": "linear",
    "y_scale": "log",
    "x_ticks": [0.0, 6.0, 12.0],
    "x_tick_labels": ["night", "dawn", "noon"],
    "elements": [
        {"label": "inside", "points": [[0, 20.5], [6, 20.0], [12, 21.5]]},
        {"label": "outside", "points": [[0, 4.5], [6, None], [12, 11.0]]},
    ],
}
PIE = {
    "type": "pie",
    "title": "Costs",
    "elements": [
        {"label": "rent", "angle": 180.0, "radius": 1.0},
        {"label": "food", "angle": 108.0, "radius": 1.0},
        {"label": "rest", "angle": 72.0, "radius": 1.0},
    ],
}
BOX = {
    "type": "box_and_whisker",
    "x_label": "group",
    "elements": [
        {
            "label": name,
            "min": low,
            "first_quartile": low + 1,
            "median": low + 2,
            "third_quartile": low + 4,
            "max": low + 5,
            "outliers": [low + 9],
        }
        for name, low in (("a", 1.0), ("b", 3.0))
    ],
}


# What an answer holds


def answer_with(*results: dict[str, Any]) -> Answer:
    tool = {"type": "python", "index": 0, "code_results": list(results)}
    message = {"role": "assistant", "content": "Done.", "executed_tools": [tool]}
    reply = {"id": "x", "model": "groq/compound", "choices": [{"message": message}]}
    builder = AnswerBuilder()
    builder.complete(ChatCompletion.model_validate_json(json.dumps(reply)))
    return builder.build()


def test_an_answer_holds_every_chart_in_order_with_the_png_that_came_beside_it() -> None:
    first, second = picture(1), picture(2)
    answer = answer_with(
        {"text": "42"},
        {"chart": PIE, "png": base64_of(first)},
        {"png": base64_of(second), "text": "<Figure>"},
        {"chart": LINE},
    )
    assert [chart.type for chart in answer.charts] == ["pie", "unknown", "line"]
    assert [chart.png for chart in answer.charts] == [first, second, None]
    assert answer.charts is answer.charts


def test_a_message_and_a_tool_hold_their_charts_too() -> None:
    tool = ExecutedTool.model_validate({"type": "python", "code_results": [{"chart": PIE}]})
    assert [chart.title for chart in tool.charts] == ["Costs"]
    message = {"executed_tools": [tool.model_dump(), {"type": "search"}]}
    reply = {"id": "x", "model": "m", "choices": [{"message": message}]}
    message_read = ChatCompletion.model_validate(reply).choices[0].message
    assert message_read.charts == tool.charts


def test_the_reply_itself_stays_as_it_came() -> None:
    odd = {"chart": {"type": "bar", "new": [1, {"x": None}]}, "charts": 3, "png": False}
    tool = ExecutedTool.model_validate({"type": "python", "code_results": [odd]})
    results = tool.model_dump(exclude_unset=True)["code_results"]
    assert results == [odd]
    assert tool.charts[0].raw == odd["chart"]


@pytest.mark.parametrize("spelling", ["elements", "charts"])
def test_the_parts_of_a_superchart_are_read_in_both_spellings(spelling: str) -> None:
    chart = Chart.from_json({"type": "superchart", "title": "All", spelling: [LINE, PIE]})
    assert [part.type for part in chart.charts] == ["line", "pie"]
    assert repr(chart) == "Chart(superchart 'All', 2 charts)"


def test_parts_told_beside_a_superchart_are_its_parts_and_not_told_twice() -> None:
    png = base64_of(picture())
    for whole in ({"chart": {"type": "superchart"}}, {}, {"chart": None}):
        [chart] = answer_with({**whole, "charts": [LINE, PIE], "png": png}).charts
        assert [part.type for part in chart.charts] == ["line", "pie"]
        assert chart.png
    [chart] = answer_with({"charts": [PIE]}).charts
    assert chart.type == "pie"


def test_chart_is_a_public_name() -> None:
    assert groqnb.Chart is Chart


# The model


def test_its_repr_is_short_and_the_same_on_every_run() -> None:
    assert repr(Chart.from_json(LINE)) == "Chart(line 'Temperature', 2 series, 6 points)"
    assert repr(Chart.from_json(BOX)) == "Chart(box_and_whisker, 2 boxes)"
    assert repr(Chart.from_json(bars(("g", "a", 1), ("h", "a", 2)))) == (
        "Chart(bar, 2 groups, 2 bars)"
    )
    assert repr(Chart.from_json(None, png=picture())) == "Chart(unknown, PNG)"
    assert len(repr(Chart.from_json({"title": "x" * 10_000}))) < 80


def test_json_text_is_read_as_its_object() -> None:
    assert Chart.from_json(json.dumps(LINE)) == Chart.from_json(LINE)


@pytest.mark.parametrize(
    "data",
    [
        None,
        "",
        "{",
        "[" * 100_000,
        b"\xff",
        [],
        3,
        {"type": "pie"},
        {"type": 3},
        {"type": "sankey", "elements": [1]},
        {"type": "bar", "elements": {"a": 1}},
        {"type": "bar", "elements": [{"label": "a", "value": "much"}]},
        {"type": "line", "elements": [{"points": 3}, 4, None]},
        {"type": "superchart", "elements": [1, "x"]},
    ],
)
def test_what_is_no_chart_shows_its_png_or_its_text(data: Any) -> None:
    png = picture()
    chart = Chart.from_json(data, png=base64_of(png), text="Figure(640x480)")
    assert chart.type in ("unknown", "pie", "bar")
    assert (chart.png, chart.text) == (png, "Figure(640x480)")
    assert chart.to_frame().empty
    chart.plot()
    assert 'src="data:image/png' in chart_html(chart)


def test_only_a_png_is_a_png() -> None:
    for source in ("", "###", base64_of(b"GIF89a" + b"x" * 60), base64_of(b"<svg>"), 3, b"", "é"):
        assert Chart.from_json(PIE, png=source).png is None  # type: ignore[arg-type]
    png = picture()
    for good in (png, base64_of(png), "data:image/png;base64," + base64_of(png)):
        assert Chart.from_json(PIE, png=good).png == png


def test_deep_supercharts_end_somewhere() -> None:
    chart: dict[str, Any] = LINE
    for _ in range(400):
        chart = {"type": "superchart", "charts": [chart]}
    found = Chart.from_json(chart)
    assert found.to_frame().empty
    found.plot()


# Frames


def test_a_frame_is_tidy_and_named_by_the_axes() -> None:
    frame = Chart.from_json(LINE).to_frame()
    assert list(frame.columns) == ["Time (h)", "Temperature [°C]", "series"]
    assert frame["series"].tolist() == ["inside"] * 3 + ["outside"] * 3
    assert math.isnan(frame["Temperature [°C]"][4])
    assert frame["Time (h)"].tolist() == [0, 6, 12, 0, 6, 12]


def test_a_frame_of_bars_has_a_row_for_each() -> None:
    chart = Chart.from_json(bars(("2025", "a", 1), ("2026", "a", 2), y_label="€"))
    expected = pd.DataFrame({"label": ["a", "a"], "group": ["2025", "2026"], "€": [1.0, 2.0]})
    pd.testing.assert_frame_equal(chart.to_frame(), expected, check_dtype=False)


def test_a_frame_of_slices_tells_their_share() -> None:
    frame = Chart.from_json(PIE).to_frame()
    assert frame["share"].tolist() == pytest.approx([0.5, 0.3, 0.2])


def test_a_frame_of_boxes_has_one_row_each_from_min_to_max_and_outliers() -> None:
    frame = Chart.from_json(BOX).to_frame()
    assert list(frame.columns) == [
        "group", "min", "first_quartile", "median", "third_quartile", "max", "outliers",
    ]  # fmt: skip
    assert frame.iloc[0].tolist() == ["a", 1, 2, 3, 5, 6, [10]]


def test_times_are_times_in_a_frame() -> None:
    days = ["2026-01-01", "2026-01-02T12:00:00", "never"]
    line = {"type": "line", "x_scale": "datetime", "elements": [{"points": [[d, 1] for d in days]}]}
    frame = Chart.from_json(line).to_frame()
    assert frame["x"][1] == pd.Timestamp("2026-01-02 12:00")
    assert pd.isna(frame["x"][2])
    # A scatter chart's points are told in days since 1970.
    scatter = {"type": "scatter", "x_scale": "datetime", "elements": [{"points": [[20454.5, 1]]}]}
    assert Chart.from_json(scatter).to_frame()["x"][0] == pd.Timestamp("2026-01-01 12:00")


def test_categories_are_named_in_a_frame() -> None:
    scatter = {
        "type": "scatter",
        "x_scale": "categorical",
        "x_ticks": [0, 1],
        "x_tick_labels": ["low", "high"],
        "elements": [{"label": "_child0", "points": [[1, 5], [0, 6], [0.5, 7]]}],
    }
    frame = Chart.from_json(scatter).to_frame()
    assert frame["x"].tolist() == ["high", "low", 0.5]
    assert frame["series"].tolist() == ["Series 0"] * 3


def test_a_frame_of_a_superchart_numbers_its_parts() -> None:
    inner = {"type": "superchart", "charts": [PIE]}
    frame = Chart.from_json({"type": "superchart", "charts": [LINE, inner]}).to_frame()
    assert frame["chart"].tolist() == [0] * 6 + [1] * 3


def test_columns_of_one_name_get_the_usual_names() -> None:
    same = {**LINE, "x_label": "v", "y_label": "v"}
    assert list(Chart.from_json(same).to_frame().columns) == ["x", "y", "series"]


# Drawing


def test_titles_labels_units_scales_and_ticks_are_drawn() -> None:
    ax = Chart.from_json({**LINE, "y_label": "Temperature"}).plot()
    assert ax.get_title() == "Temperature"
    assert ax.get_xlabel() == "Time (h)"
    assert ax.get_ylabel() == "Temperature (°C)"
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")
    assert ax.get_xticks().tolist() == [0, 6, 12]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["night", "dawn", "noon"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["inside", "outside"]


def test_it_draws_where_it_is_told_to() -> None:
    _, mine = plt.subplots()
    assert Chart.from_json(PIE).plot(ax=mine) is mine
    assert plt.get_fignums() == [1]


def test_ticks_beyond_the_data_do_not_move_the_view() -> None:
    line = {
        "type": "line",
        "elements": [{"points": [[0, 0], [10, 10]]}],
        "x_ticks": [-2, 0, 10, 12],
    }
    low, high = Chart.from_json(line).plot().get_xlim()
    assert (low, high) == (-0.5, 10.5)
    wide = {**line, "x_ticks": [-50, 0, 50, 100]}
    assert Chart.from_json(wide).plot().get_xlim() == (-50, 100)


def test_a_superchart_is_an_array_of_axes_in_the_order_of_its_parts() -> None:
    chart = Chart.from_json({"type": "superchart", "title": "All", "charts": [LINE, PIE, BOX]})
    axes = chart.plot()
    assert [ax.get_title() for ax in axes] == ["Temperature", "Costs", ""]
    assert axes[0].figure.get_suptitle() == "All"
    figure, given = plt.subplots(1, 3)
    assert list(chart.plot(ax=given)) == list(given)
    figure, one = plt.subplots()
    assert all(ax.figure is figure for ax in chart.plot(ax=one))
    with pytest.raises(ValueError, match="holds 2 Axes, but the chart has 3 parts"):
        chart.plot(ax=given[:2])


def test_rings_of_a_pie_do_not_hide_each_other() -> None:
    outer = [{"label": "a", "angle": 180, "radius": 1}, {"label": "b", "angle": 180, "radius": 1}]
    inner = [{"label": "", "angle": 90, "radius": 0.6}, {"label": "", "angle": 270, "radius": 0.6}]
    ax = Chart.from_json({"type": "pie", "elements": inner + outer}).plot()
    angles = [wedge.theta2 - wedge.theta1 for wedge in ax.patches]
    assert angles == pytest.approx([90, 270, 180, 180], abs=1e-3)
    assert [wedge.width for wedge in ax.patches] == pytest.approx([0.6, 0.6, 0.4, 0.4])


def test_part_of_a_pie_stays_part_of_it() -> None:
    ax = Chart.from_json({"type": "pie", "elements": [{"label": "a", "angle": 90}]}).plot()
    [wedge] = ax.patches
    assert wedge.theta2 - wedge.theta1 == pytest.approx(90, abs=1e-3)


def test_categories_stand_in_the_order_in_which_they_stood() -> None:
    line = {
        "type": "line",
        "x_scale": "categorical",
        "x_ticks": [0, 1, 2],
        "x_tick_labels": ["low", "mid", "high"],
        "elements": [{"points": [["high", 3], ["low", 1]]}],
    }
    ax = Chart.from_json(line).plot()
    assert ax.lines[0].get_xdata(orig=False).tolist() == [2, 0]


# Bars: the JSON does not tell how they were laid out, the picture does


def drawn_bars(stacked: bool, lying: bool, values: Any, style: int) -> tuple[bytes, dict[str, Any]]:
    """A figure with bars as people draw them, and what is told of it."""
    values = np.array(values, dtype=float)
    groups, places = values.shape
    figure, ax = plt.subplots()
    foot, width = np.zeros(places), 0.8 if stacked else 0.8 / groups
    colours = (None, ["tab:red", "gold", "purple"], ["#88CCEE", "#117733", "#CC6677"])[style]
    for number, row in enumerate(values):
        where = np.arange(places) + (0 if stacked else number * width)
        kind, start = (ax.barh, "left") if lying else (ax.bar, "bottom")
        look = {"color": colours[number]} if colours else {}
        look |= {"edgecolor": "black"} if style == 1 else {}
        kind(
            where, row, width, label=f"g{number}", **{start: foot.copy() if stacked else 0}, **look
        )
        foot += row
    if style:
        ax.grid(True)
    ax.legend()
    ax.set_title("Some bars")
    told = [
        (f"g{group}", f"p{place}", values[group, place])
        for group in range(groups)
        for place in range(places)
    ]
    file = io.BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight", dpi=(72, 100, 150)[style])
    return file.getvalue(), bars(*told)


@pytest.mark.parametrize("style", [0, 1, 2])
@pytest.mark.parametrize("lying", [False, True], ids=["standing", "lying"])
@pytest.mark.parametrize("stacked", [False, True], ids=["beside", "stacked"])
@pytest.mark.parametrize(
    "values",
    [
        [[3, 7, 5], [2, 1, 4]],
        [[30, 70, 50, 20, 10, 40], [5, 5, 5, 5, 5, 5], [10, 20, 30, 40, 50, 60]],
        [[3, 7], [6, 1], [1, 9]],
    ],
)
def test_the_picture_tells_how_groups_of_bars_lie(
    values: Any, stacked: bool, lying: bool, style: int
) -> None:
    png, data = drawn_bars(stacked, lying, values, style)
    assert bar_layout(Chart.from_json(data, png=png)) == (stacked, lying)


@pytest.mark.parametrize("lying", [False, True], ids=["standing", "lying"])
@pytest.mark.parametrize("values", [[3, 7, 5], [5, 5, 5, 5], [1, 100, 40], [5]])
def test_the_picture_tells_how_single_bars_lie(values: Any, lying: bool) -> None:
    png, data = drawn_bars(False, lying, [values], 0)
    assert bar_layout(Chart.from_json(data, png=png)) == (False, lying)


def test_labels_of_lying_groups_are_put_right() -> None:
    """e2b-charts swaps them once for each group; with two, "value" is where names should be."""
    png, data = drawn_bars(False, True, [[3, 7, 5], [2, 1, 4]], 0)
    chart = Chart.from_json({**data, "x_label": "value", "y_label": "name"}, png=png)
    ax = chart.plot()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("value", "name")
    assert list(chart.to_frame().columns) == ["name", "group", "value"]
    # What a cell shows says the same.
    assert chart_plain(chart).splitlines()[2].split() == ["name", "group", "value"]
    ax = chart.plot(horizontal=False)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("name", "value")


def test_what_is_said_counts_more_than_what_is_seen() -> None:
    png, data = drawn_bars(True, False, [[3, 7, 5], [2, 1, 4]], 0)
    chart = Chart.from_json(data, png=png)
    assert bar_layout(chart, stacked=False, horizontal=True) == (False, True)
    ax = chart.plot(stacked=False)
    assert {bar.get_y() for bar in ax.patches} == {0}


def test_stacked_bars_begin_where_those_below_end() -> None:
    data = bars(("g", "a", 3), ("g", "b", -1), ("h", "a", 2), ("h", "b", -4))
    ax = Chart.from_json(data).plot(stacked=True)
    assert [bar.get_y() for bar in ax.patches] == [0, 0, 3, -1]


def test_groups_stand_side_by_side_where_nothing_tells_otherwise() -> None:
    data = bars(("g", "a", 3), ("g", "b", 1), ("h", "a", 2), ("h", "c", 4))
    ax = Chart.from_json(data).plot()
    assert [bar.get_x() + bar.get_width() / 2 for bar in ax.patches] == pytest.approx(
        [-0.2, 0.8, 0.2, 2.2]
    )
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c"]


# Hostile data

NUMBERS = st.one_of(
    st.floats(),
    st.integers(-(10**400), 10**400),
    st.sampled_from([1e308, -1e308, 5e-324, math.nan, math.inf, -math.inf, 0, -0.0, True]),
)
TEXTS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            *("$\\frac{", "$x^2$", "$" * 9, "\\input{x}", "\x00\x1b[31m", "\ud800", "9" * 5000),
            *("2026-01-01", "2026-01-01T00:00:00Z", "0001-01-01", "9999-12-31T23:59:59+14:00"),
            *("<script>", "1e999", "_child0", "_nolegend_", "a\n" * 50),
        ]
    ),
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
SOME = st.one_of(NUMBERS, TEXTS, ANYTHING)
POINTS = st.one_of(
    ANYTHING, st.lists(st.one_of(st.tuples(SOME, SOME).map(list), ANYTHING), max_size=5)
)
ELEMENTS = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.one_of(TEXTS, ANYTHING) for name in ("label", "group")},
        **{
            name: st.one_of(NUMBERS, st.floats(-10, 10), ANYTHING)
            for name in (
                "value", "angle", "radius",
                "min", "first_quartile", "median", "third_quartile", "max",
            )
        },
        "outliers": st.one_of(st.lists(NUMBERS, max_size=3), ANYTHING),
        "points": POINTS,
    },
)  # fmt: skip
SCALES = st.one_of(
    st.sampled_from(["linear", "log", "symlog", "logit", "datetime", "categorical", "function"]),
    ANYTHING,
)
FIELDS = {
    "type": st.sampled_from(["bar", "line", "scatter", "pie", "box_and_whisker", "unknown"]),
    "elements": st.one_of(st.lists(st.one_of(ELEMENTS, ELEMENTS, ANYTHING), max_size=4), ANYTHING),
}
MORE_FIELDS = {
    **{name: st.one_of(TEXTS, ANYTHING) for name in ("title", "x_label", "y_unit")},
    **dict.fromkeys(("x_scale", "y_scale"), SCALES),
    **{name: st.one_of(st.lists(SOME, max_size=4), ANYTHING) for name in ("x_ticks", "y_ticks")},
    **{name: st.lists(SOME, max_size=4) for name in ("x_tick_labels", "y_tick_labels")},
}
CHARTS = st.fixed_dictionaries(FIELDS, optional=MORE_FIELDS)
SUPERCHARTS = st.fixed_dictionaries(
    {"type": st.just("superchart")},
    optional={
        name: st.lists(st.one_of(CHARTS, ANYTHING), max_size=3) for name in ("elements", "charts")
    },
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(data=st.one_of(CHARTS, CHARTS, SUPERCHARTS, ANYTHING))
@example(data={**LINE, "title": "$\\frac{", "x_tick_labels": ["$\\", "$}$", "$x^$"]})
@example(data={**LINE, "x_ticks": list(range(100_000)), "x_tick_labels": []})
@example(data={"type": "superchart", "charts": [{"type": "line"}] * 5_000})
def test_hostile_json_is_drawn_tabled_and_shown_and_never_raises(data: Any) -> None:
    with warnings.catch_warnings():
        # Of missing glyphs, of views without width: matplotlib's words are the user's to see.
        warnings.simplefilter("ignore")
        chart = Chart.from_json(data)
        repr(chart)
        assert isinstance(chart.to_frame(), pd.DataFrame)
        bundle = chart_bundle(chart)
        assert "<script" not in bundle["text/html"]
        assert "\x1b" not in bundle["text/plain"]
        drawn = chart.plot()
        figure = np.ravel(drawn)[0].figure
        # As a notebook does it.
        figure.savefig(io.BytesIO(), format="png", bbox_inches="tight", dpi=30)
        plt.close("all")


# What a cell shows


def test_the_picture_is_passed_on_and_described() -> None:
    png = picture()
    html = chart_html(Chart.from_json({**PIE, "title": 'Costs" onload="x'}, png=png))
    assert f'src="data:image/png;base64,{base64_of(png)}"' in html
    assert 'alt="Pie chart: Costs&quot; onload=&quot;x (3 slices)"' in html
    assert "<summary>Data</summary>" in html


def test_a_picture_that_is_too_large_for_a_notebook_is_not_passed_on() -> None:
    png = picture()
    huge = png[:16] + (60_000).to_bytes(4, "big") * 2 + png[24:]
    assert "<img" not in chart_html(Chart.from_json(PIE, png=huge))
    assert "<img" not in chart_html(Chart.from_json(PIE, png=png + b"\0" * 9_000_000))
    Chart.from_json({}, png=huge).plot()


def test_its_plain_text_is_a_small_table() -> None:
    assert chart_plain(Chart.from_json(PIE)) == (
        "Pie chart: Costs (3 slices)\n\n"
        "label  angle  share  radius\n"
        "rent     180    0.5       1\n"
        "food     108    0.3       1\n"
        "rest      72    0.2       1"
    )


def test_long_data_are_cut_in_what_a_cell_shows() -> None:
    points = [[i, i] for i in range(5_000)]
    shown = chart_plain(Chart.from_json({"type": "scatter", "elements": [{"points": points}]}))
    assert shown.endswith("… 4,990 more")
    assert len(shown.splitlines()) < 20


def test_importing_it_and_reading_charts_imports_nothing_heavy() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from groqnb.types.charts import Chart; from groqnb.render import charts;"
        "chart = Chart.from_json({'type': 'pie', 'elements': [{'label': 'a', 'angle': 9}]});"
        "charts.chart_bundle(chart); repr(chart);"
        "print([m for m in 'matplotlib numpy pandas'.split() if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
