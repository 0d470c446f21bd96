"""What is read off bars and boxes is what was drawn, also where e2b-charts reads it wrong."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("e2b_charts")

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from groqnb.local.parts.sandbox_figures import Figures
from groqnb.types.charts import Chart
from groqnb.types.executed_tools import ExecutedTool


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> Figures:
    plt.close("all")
    monkeypatch.setattr(plt, "show", plt.show)
    return Figures()


def charts(figures: Figures) -> list[Chart]:
    tool: dict[str, Any] = {"type": "python", "code_results": figures.left()}
    return ExecutedTool.model_validate(tool).charts


def told(chart: Chart) -> list[tuple[Any, ...]]:
    return [(one.group, one.label, one.value) for one in chart.elements]


def test_standing_bars_of_one_length_are_not_taken_for_lying_ones(figures: Figures) -> None:
    plt.bar(["a", "b"], [5, 5], label="count")
    plt.xlabel("name")
    plt.ylabel("count [kg]")
    [chart] = charts(figures)
    assert told(chart) == [("count", "a", 5), ("count", "b", 5)]
    assert (chart.x_label, chart.y_label, chart.y_unit) == ("name", "count [kg]", "kg")
    assert [bar.get_height() for bar in chart.plot().patches] == [5, 5]


def test_a_single_bar_has_its_name_and_value(figures: Figures) -> None:
    plt.bar(["only"], [3])
    [chart] = charts(figures)
    assert told(chart) == [("Group 0", "only", 3)]


def test_bars_on_an_axis_of_numbers_are_called_by_them(figures: Figures) -> None:
    plt.bar([2020, 2021, 2022], [3, 1, 2])
    plt.show()
    plt.barh([10, 20], [1, 4])
    plt.show()
    plt.bar([1.8, 2.8], [4, 5], 0.4, label="x")
    plt.bar([2.2, 3.2], [6, 7], 0.4, label="y")
    years, lying, pairs = charts(figures)
    assert [one.label for one in years.elements] == ["2020", "2021", "2022"]
    assert told(lying) == [("Group 0", "10", 1), ("Group 0", "20", 4)]
    assert told(pairs) == [("x", "2", 4), ("x", "3", 5), ("y", "2", 6), ("y", "3", 7)]


def test_parts_of_a_figure_are_mended_too(figures: Figures) -> None:
    _, (left, right) = plt.subplots(1, 2)
    left.plot([1, 2, 3], [3, 1, 2])
    right.bar(["a", "b"], [5, 5])
    [whole] = charts(figures)
    assert [part.type for part in whole.charts] == ["line", "bar"]
    assert told(whole.charts[1]) == [("Group 0", "a", 5), ("Group 0", "b", 5)]


def test_what_is_read_right_stays(figures: Figures) -> None:
    plt.barh(["a", "b"], [5, 5])
    plt.ylabel("name")
    plt.show()
    plt.bar(["a", "b"], [5, 6])
    lying, standing = charts(figures)
    assert told(lying) == [("Group 0", "a", 5), ("Group 0", "b", 5)]
    assert lying.x_label == "name"
    assert told(standing) == [("Group 0", "a", 5), ("Group 0", "b", 6)]


@pytest.mark.parametrize("orientation", ["vertical", "horizontal"])
def test_boxes_are_read_with_their_names_whiskers_and_outliers(
    figures: Figures, orientation: Any
) -> None:
    """One alone, equal ones, whiskers without length, several outliers, lying ones."""
    groups = [[1, 2, 3, 4, 5], [11, 12, 13, 14, 15], [1, 2, 3, 4, 9], [0, *range(10, 18), 50, 60]]
    for some in (groups[:1], groups):
        plt.boxplot(some, patch_artist=True, orientation=orientation)
        named = plt.yticks if orientation == "horizontal" else plt.xticks
        named(range(1, len(some) + 1), [f"g{i}" for i in range(len(some))])
        (plt.ylabel if orientation == "horizontal" else plt.xlabel)("group")
        plt.show()
    single, several = charts(figures)
    assert [one.label for one in several.elements] == ["g0", "g1", "g2", "g3"]
    assert single.elements[0] == several.elements[0]
    assert (several.x_label, several.y_label) == ("group", None)
    frame = several.to_frame()
    assert frame.iloc[0, 1:].tolist() == [1, 2, 3, 4, 5, []]
    assert frame["max"].tolist() == [5, 15, 4, 17]
    assert frame["outliers"].tolist() == [[], [], [9], [0, 50, 60]]


def test_flat_boxes_and_other_figures_are_no_boxes(figures: Figures) -> None:
    plt.boxplot([[1, 1, 1]], patch_artist=True)
    plt.show()
    plt.plot([1, 2, 3], [3, 1, 2])
    flat, line = charts(figures)
    assert (flat.type, line.type) == ("unknown", "line")
    assert flat.png
