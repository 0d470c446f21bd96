"""Drawing a chart with matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groqnb.types.charts import Chart

__all__ = ["draw"]


def draw(chart: Chart, ax: Any, *, stacked: bool | None, horizontal: bool | None) -> Any:
    """See `Chart.plot`."""
    raise NotImplementedError
