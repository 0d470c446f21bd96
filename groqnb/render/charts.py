"""Charts on the page: the picture that was drawn, and its data in a small table.

Drawing takes most of a second where matplotlib is not imported yet, so nothing is drawn here:
`Chart.plot` does that when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from groqnb.render.html import Child, Markup, el, page, png, table
from groqnb.render.markdown import IGNORE_MATH
from groqnb.render.plain import clean
from groqnb.render.plain import columns as aligned
from groqnb.types.chart_frame import columns, leaves, rows
from groqnb.types.charts import Chart
from groqnb.types.png import png_size

if TYPE_CHECKING:
    from groqnb.render.message import Bundle

__all__ = ["chart_bundle", "chart_html", "chart_plain", "description"]

# A notebook keeps what is shown: this much of a picture is worth that, and a browser opens it.
MOST_BYTES = 8_000_000
MOST_PIXELS = 40_000_000

MOST_ROWS = 10
_LONGEST = 200


def description(chart: Chart) -> str:
    """One line that says what the chart is: its type, its title, how much is in it.

    ```python
    >>> description(Chart(title="Sales"))
    'Chart: Sales'

    ```
    """
    kind = chart.type.replace("_", " ").replace("box and whisker", "box plot")
    kind = "Chart" if kind == "unknown" else f"{kind} chart".replace("superchart chart", "figure")
    kind = kind.replace("plot chart", "plot")
    title = " ".join(clean(chart.title or "").split())
    size = ", ".join(chart.counts()) if chart.type != "unknown" else ""
    told = f"{kind[0].upper()}{kind[1:]}" + (f": {_cut(title)}" if title else "")
    return f"{told} ({size})" if size else told


def chart_html(chart: Chart) -> Markup:
    """The PNG that came with it and its first rows, folded; without a PNG the rows, unfolded."""
    picture = _picture(chart)
    tables = [part for part in map(_table, leaves(chart)) if part is not None]
    if picture is not None:
        folded = el("details", el("summary", "Data"), *tables, class_="gn-data") if tables else None
        return el("div", picture, folded, class_=f"gn-chart {IGNORE_MATH}")
    text = None
    if chart.text and not tables:
        text = el("pre", _cut(clean(chart.text), 2_000), class_="gn-plain")
    return el(
        "div", el("p", el("b", description(chart))), *tables, text, class_=f"gn-chart {IGNORE_MATH}"
    )


def chart_plain(chart: Chart) -> str:
    """What the chart is, and its first rows."""
    lines = [description(chart)]
    for part in leaves(chart):
        head, cells, more = _cells(part)
        if cells:
            right = [i for i in range(len(head)) if all(_is_number(row[i]) for row in cells)]
            lines.append(aligned([head, *cells], right=right) + (f"\n{more}" if more else ""))
    if len(lines) == 1 and chart.text:
        lines.append(_cut(clean(chart.text), 2_000))
    return "\n\n".join(lines)


def chart_bundle(chart: Chart) -> Bundle:
    """A chart by itself."""
    return {"text/html": page(chart_html(chart)), "text/plain": chart_plain(chart)}


def _picture(chart: Chart) -> Markup | None:
    size = png_size(chart.png) if chart.png else None
    if chart.png is None or size is None or len(chart.png) > MOST_BYTES:
        return None
    width, height = size
    return png(chart.png, description(chart)) if width * height <= MOST_PIXELS else None


def _table(chart: Chart) -> Markup | None:
    head, cells, more = _cells(chart)
    if not cells:
        return None
    right = [all(_is_number(row[i]) for row in cells) for i in range(len(head))]
    align = ["right" if flush else "left" for flush in right]
    body: list[list[Child]] = [list(row) for row in cells]
    return el("div", table(head, body, align=align), el("div", more) if more else None)


def _cells(chart: Chart) -> tuple[list[str], list[list[str]], str]:
    """The head, the first rows as text, and a line that says how many more there are."""
    found = rows(chart, MOST_ROWS)
    left = sum(max(len(one.points), 1) for one in chart.elements) - len(found)
    more = f"… {left:,} more" if left > 0 else ""
    head = [_cut(clean(name)) for name in columns(chart)]
    return head, [[_cell(value) for value in row] for row in found], more


def _cell(value: object) -> str:
    if value is None or value != value:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        shown = ", ".join(f"{one:.6g}" for one in value[:10])
        return shown + ", …" if len(value) > 10 else shown
    return _cut(clean(str(value)))


def _is_number(cell: str) -> bool:
    return cell == "–" or cell.lstrip("-")[:1].isdigit() or cell in ("inf", "-inf")


def _cut(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
