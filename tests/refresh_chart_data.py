"""Draw the figures of the cookbook's `data/code_results.json`, and write what is told of them.

    python tests/refresh_chart_data.py

Each is what a tool that runs code gives back: the picture as PNG, and the chart that e2b-charts
reads off it. The numbers in them are made up.
"""

from __future__ import annotations

import base64
import io
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from e2b_charts import chart_figure_to_dict

FILE = Path(__file__).parents[1] / "notebooks" / "data" / "code_results.json"
MONTHS = ["Mar", "Apr", "May", "Jun"]
SOLD = {"city bikes": [14, 22, 31, 27], "e-bikes": [6, 11, 17, 21], "for children": [9, 12, 10, 8]}


def result() -> dict[str, Any]:
    """What is told of the current figure, which is closed."""
    figure = plt.gcf()
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=60)
    text = repr(figure)
    chart = chart_figure_to_dict(figure)
    plt.close(figure)
    return {"text": text, "png": base64.b64encode(file.getvalue()).decode("ascii"), "chart": chart}


def results() -> dict[str, dict[str, Any]]:
    """A figure of each type."""
    dice = np.random.default_rng(7)
    plt.rcParams["figure.figsize"] = (5.5, 3.6)
    found = {}

    places = np.arange(len(MONTHS))
    for number, (kind, counts) in enumerate(SOLD.items()):
        plt.bar(places + (number - 1) * 0.26, counts, 0.26, label=kind)
    plt.xticks(places, MONTHS)
    plt.title("Bicycles sold")
    plt.ylabel("bicycles")
    plt.legend()
    found["grouped bars"] = result()

    below = np.zeros(len(MONTHS))
    for kind, counts in SOLD.items():
        plt.bar(MONTHS, counts, bottom=below, label=kind)
        below += counts
    plt.title("Bicycles sold, in all")
    plt.ylabel("bicycles")
    plt.legend()
    found["stacked bars"] = result()

    days = [date(2026, 3, 1) + timedelta(days=i) for i in range(60)]
    for name, start, rise in (("web shop", 150, 6), ("branch", 420, 2)):
        taken = start + rise * np.arange(60) + dice.normal(0, 35, 60)
        plt.plot(days, taken.round(2), label=name)
    plt.title("Takings")
    plt.xlabel("day")
    plt.ylabel("takings (€)")
    plt.xticks(days[::14])
    plt.legend()
    found["line"] = result()

    for name, low in (("used", 2.2), ("new", 2.9)):
        weight = dice.uniform(8, 24, 25)
        plt.scatter(weight.round(1), (10 ** dice.normal(low, 0.2, 25)).round(), label=name)
    plt.yscale("log")
    plt.title("Weight and price")
    plt.xlabel("weight [kg]")
    plt.ylabel("price [€]")
    plt.legend()
    found["scatter"] = result()

    plt.pie([45, 25, 18, 12], labels=["repair", "sale", "hire", "courses"], startangle=90)
    plt.title("Hours of work")
    found["pie"] = result()

    waits = [[2, 3, 3.5, 4, 5, 6, 7.5, 9, 15], [1, 1.5, 2, 2.5, 3, 4, 5], [4, 5, 7, 8, 9, 11, 13]]
    plt.boxplot(waits, tick_labels=["brakes", "tyres", "gears"], patch_artist=True)
    plt.title("Time until a repair is done")
    plt.ylabel("hours (h)")
    found["box plot"] = result()

    figure, (left, right) = plt.subplots(1, 2, figsize=(7.5, 3.2), layout="constrained")
    left.bar(MONTHS, [sum(one) for one in zip(*SOLD.values(), strict=True)])
    left.set_title("Sales")
    right.plot(MONTHS, [12, 9, 14, 17], label="returns")
    right.set_title("Returns")
    figure.suptitle("The spring")
    found["figure of two"] = result()

    plt.imshow(dice.poisson(4, (7, 10)))
    plt.title("Visitors by day and hour")
    plt.colorbar()
    plt.gcf().axes[1].remove()
    found["unknown"] = result()
    return found


def main() -> None:
    told = {name: json.loads(json.dumps(one, default=float)) for name, one in results().items()}
    FILE.write_text(json.dumps(told, ensure_ascii=False) + "\n", encoding="utf-8")
    for name, one in told.items():
        print(f"{name}: {one['chart']['type']}, PNG {len(one['png']) * 3 // 4:,} bytes")
    print(f"{FILE.name}: {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
