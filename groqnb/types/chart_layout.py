"""How bars were laid out: side by side or stacked, standing or lying.

A chart's JSON tells the length of each bar, but not where it began nor which way it went. The
picture that comes beside it does: bars of one group have one colour, so the columns and the rows
of pixels that a colour covers show how the groups lie to each other.
"""

from __future__ import annotations

import io
from itertools import groupby
from typing import TYPE_CHECKING, Any

from groqnb.types.png import png_size

if TYPE_CHECKING:
    from groqnb.types.charts import Chart, ChartElement

__all__ = ["bar_groups", "bar_layout", "names_are_crossed"]

_MOST_PIXELS = 16_000_000
_SIDE = 700
_SHADES = 16


def bar_groups(chart: Chart) -> list[tuple[str, list[ChartElement]]]:
    """The bars of a chart by groups, with the groups' names.

    Groups may have the same name. Then bars follow each other as they were drawn, and a group ends
    where the name changes or the same labels come again.
    """
    named: dict[str, list[ChartElement]] = {}
    for element in chart.elements:
        named.setdefault(element.group or "", []).append(element)
    if all(len({one.label for one in bars}) == len(bars) for bars in named.values()):
        return list(named.items())
    return [
        (name, part)
        for name, run in groupby(chart.elements, key=lambda one: one.group or "")
        for part in _periods(list(run))
    ]


def _periods(run: list[ChartElement]) -> list[list[ChartElement]]:
    labels = [one.label for one in run]
    length = labels.index(labels[0], 1) if labels[0] in labels[1:] else len(run)
    if length < 2 or labels != labels[:length] * (len(run) // length):
        return [run]
    return [run[start : start + length] for start in range(0, len(run), length)]


def bar_layout(
    chart: Chart, *, stacked: bool | None = None, horizontal: bool | None = None
) -> tuple[bool, bool]:
    """Whether to stack the bars, and whether to lay them; what is not None is kept."""
    if stacked is None or horizontal is None:
        seen_stacked, seen_lying = _seen(chart)
        stacked = bool(seen_stacked) if stacked is None else stacked
        horizontal = seen_lying if horizontal is None else horizontal
    return stacked, _told_lying(chart) if horizontal is None else horizontal


def names_are_crossed(chart: Chart) -> bool:
    """True where `x_label` names the values: e2b-charts swaps both labels for each lying group.

    Only a picture proves that they lie.
    """
    return len(bar_groups(chart)) % 2 == 0 and bool(_seen(chart)[1])


def _told_lying(chart: Chart) -> bool:
    """True when the bars of a group are of one length: e2b-charts reads only lying ones so."""
    return any(len({one.value for one in bars}) == 1 for _, bars in bar_groups(chart))


def _seen(chart: Chart) -> tuple[bool | None, bool | None]:
    """Whether the PNG shows stacked bars, and lying ones; None for what it does not show."""
    size = png_size(chart.png) if chart.png else None
    if chart.png is None or size is None or size[0] * size[1] > _MOST_PIXELS:
        return None, None
    try:
        import matplotlib.image

        picture = matplotlib.image.imread(io.BytesIO(chart.png), format="png")
    except Exception:  # noqa: BLE001 - no matplotlib; a broken picture, and Pillow's errors are many
        return None, None
    if picture.ndim != 3 or picture.shape[2] < 3:
        return None, None
    return _read(picture, chart)


def _read(picture: Any, chart: Chart) -> tuple[bool | None, bool | None]:
    import numpy as np

    step = 1 + max(picture.shape[:2]) // _SIDE
    shades = (picture[::step, ::step, :3] * (_SHADES - 1)).round().astype(int)
    colourful = shades.max(axis=2) - shades.min(axis=2) >= 2  # text and lines of a grid are grey
    codes = shades @ np.array([_SHADES**2, _SHADES, 1])
    codes[~colourful] = -1
    found, counts = np.unique(codes[colourful], return_counts=True)
    groups = len(bar_groups(chart))
    if len(found) < groups or not groups:
        return None, None
    masks = [colourful]
    if groups > 1:
        masks = [codes == found[place] for place in np.argsort(counts)[::-1][:groups]]
    columns = [_covered(mask.sum(axis=0)) for mask in masks]
    lines = [_covered(mask.sum(axis=1)) for mask in masks]
    bars = len(chart.elements) / groups
    misses = [_misses([mask.sum(axis=axis) for mask in masks], bars) for axis in (0, 1)]
    lying = None if misses[0] == misses[1] else misses[1] < misses[0]
    if groups == 1:
        return None, _foot(shades, colourful) if lying is None else lying
    if lying is None:
        # One bar a group: those side by side share no columns, lying ones no rows.
        apart = [_overlap(columns)[0] < 0.2, _overlap(lines)[0] < 0.2]
        if max(_overlap(columns)[1], _overlap(lines)[1]) > 0.97:
            lying = _overlap(lines)[1] > _overlap(columns)[1]
        elif apart[0] != apart[1]:
            lying = apart[1]
        else:
            return None, None
    shared, same = _overlap(lines if lying else columns)
    return (True if same > 0.85 else False if shared < 0.3 else None), lying


def _foot(shades: Any, covered: Any) -> bool | None:
    """True where a single bar begins at a line left of it, False where at one below it."""
    import numpy as np

    lines, columns = (np.flatnonzero(_covered(covered.sum(axis=axis))) for axis in (1, 0))
    if not len(lines) or not len(columns):
        return None
    middle, centre = (lines[0] + lines[-1]) // 2, (columns[0] + columns[-1]) // 2
    left = shades[middle, max(0, columns[0] - 3) : columns[0]]
    below = shades[lines[-1] + 1 : lines[-1] + 4, centre]
    dark = [bool((edge.max(axis=1) < _SHADES / 2).any()) for edge in (left, below)]
    return dark[0] if dark[0] != dark[1] else None


def _misses(counts: list[Any], bars: float) -> float:
    """How far the number of runs of each colour is from the number of bars."""
    # Low bars are missed by the higher of the two, swatches of a legend counted by the lower.
    found = [_runs(_covered(one, share)) for one in counts for share in (0.06, 0.3)]
    return sum(abs(runs - bars) for runs in found)


def _covered(counts: Any, share: float = 0.08) -> Any:
    """Where there is more of a colour than a share of the most; thin lines across it count."""
    import numpy as np

    covered = counts > max(2, share * counts.max())
    width = 1 + len(covered) // 300
    ones = np.ones(2 * width + 1)
    grown = np.convolve(covered, ones, mode="same") > 0
    return np.convolve(~grown, ones, mode="same") == 0


def _runs(covered: Any) -> int:
    import numpy as np

    return int(np.count_nonzero(np.diff(covered.astype(int), prepend=0) == 1))


def _overlap(covered: list[Any]) -> tuple[float, float]:
    """How much of the smaller the first two share, and how far they are the same; 0 to 1."""
    first, second = covered[:2]
    both = int((first & second).sum())
    return (
        both / max(1, min(int(first.sum()), int(second.sum()))),
        both / max(1, int((first | second).sum())),
    )
