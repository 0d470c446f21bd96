"""A confusion as a picture, drawn with matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["draw_confusion"]

_MOST_NUMBERS = 30  # labels; with more of them numbers in the cells cannot be read
_LONGEST = 24  # characters of a label


def draw_confusion(confusion: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Each cell has its count, in a colour for the share of its row."""
    import matplotlib.pyplot as plt
    import numpy as np

    counts = confusion.to_numpy(dtype=float)
    high, wide = counts.shape
    if ax is None:
        size = (min(2.6 + 0.62 * wide, 14.0), min(1.6 + 0.5 * high, 12.0))
        ax = plt.subplots(figsize=size, layout="constrained")[1]
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    # The cells are their own ground: what is in them reads the same on light and dark pages.
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    ax.set_xticks(
        range(wide), [_short(name) for name in confusion.columns], rotation=35, ha="right"
    )
    ax.set_yticks(range(high), [_short(name) for name in confusion.index])
    ax.set_xlabel("answered")
    ax.set_ylabel("expected")
    ax.tick_params(length=0)
    ax.grid(False)
    if max(high, wide) <= _MOST_NUMBERS:
        for row, column in np.ndindex(high, wide):
            if counts[row, column]:
                ink = "white" if shares[row, column] > 0.55 else "black"
                told = f"{int(counts[row, column]):,}"
                ax.text(column, row, told, ha="center", va="center", color=ink)
    return ax


def _short(name: object) -> str:
    # A dollar sign would begin a formula.
    told = str(name).replace("$", r"\$").replace("\n", " ")
    return told if len(told) <= _LONGEST else told[: _LONGEST - 1] + "…"
