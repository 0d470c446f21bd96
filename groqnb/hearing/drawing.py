"""A transcript's waveform, with each segment in the colour of how sure the model was of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groqnb.hearing.quality import confidence
from groqnb.types.errors import GroqnbError

if TYPE_CHECKING:
    from groqnb.hearing.transcript import Transcript

__all__ = ["draw"]

_MOST_COLUMNS = 2_000
_QUIET = "#9a9a9a"


def draw(transcript: Transcript, ax: Any = None) -> Any:
    """Draws into `ax`, or into a new figure; the axes. Raises GroqnbError without matplotlib."""
    try:
        import matplotlib.pyplot as plt
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize
    except ImportError:
        raise GroqnbError(
            "Drawing needs matplotlib, which is not installed here.",
            hint='Install it: pip install "groqnb[lab]"',
        ) from None
    import numpy as np

    if ax is None:
        ax = plt.subplots(figsize=(10, 2.6), layout="constrained")[1]
    loudness, step = transcript._envelope.values(), transcript._envelope.step
    group = -(-len(loudness) // _MOST_COLUMNS) or 1
    short = -len(loudness) % group
    rows = np.pad(loudness, (0, short)).reshape(-1, group)
    tall = rows.max(axis=1)
    times = np.arange(len(tall)) * step * group
    ax.fill_between(times, -tall, tall, color=_QUIET, linewidth=0, step="post")
    colours, scale = plt.get_cmap("viridis"), Normalize(0, 1)
    for segment in transcript._segments:
        sure = confidence(segment)
        inside = (times >= segment.start - step * group) & (times <= segment.end)
        if sure is not None and inside.any():
            ax.fill_between(
                times[inside], -tall[inside], tall[inside],
                color=colours(scale(sure)), linewidth=0, step="post",
            )  # fmt: skip
    ax.set_xlim(0, transcript.duration)
    most = float(tall.max()) if len(tall) else 0.0
    ax.set_ylim(-most * 1.05 or -1, most * 1.05 or 1)
    ax.set_yticks([])
    ax.set_xlabel("time (s)")
    if any(confidence(segment) is not None for segment in transcript._segments):
        bar = ax.figure.colorbar(ScalarMappable(scale, colours), ax=ax, pad=0.01)
        bar.set_label("confidence")
    return ax
