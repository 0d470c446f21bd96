"""What is left of the rate limits and of the budget, live beside the work."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from traitlets import Dict

from groqnb.ledger.current import current_limits
from groqnb.ledger.limits import KINDS, Limit
from groqnb.ledger.watch import watch
from groqnb.render import tables
from groqnb.render.html import Child, el
from groqnb.render.html import table as html_table
from groqnb.render.limits import limits_table
from groqnb.render.message import dollars
from groqnb.render.plain import columns
from groqnb.types.errors import ParameterError
from groqnb.widgets.base import Widget
from groqnb.widgets.messages import plain_error

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["UsageMeter"]

_SOON = 0.25  # s after a call's end: the calls of a burst are shown at once
_SHARE = 50  # looking at a long day's calls may take one part in so many of the kernel's time
_AGAIN = 20.0  # s after which what was counted in the last minute is counted anew
_MINUTE = 60.0
_MOST_MODELS = 12


class UsageMeter(Widget, static="usage_meter"):
    """Rate limits and budget, live: a bar for each limit of each model that is asked.

    It follows every call of every client in this kernel: requests and tokens a minute and a day,
    seconds of audio an hour and a day, what is left of them, and when all of it is back. What the
    server told in its headers goes before the catalogue's numbers, and each says whose it is.
    A budget of `groqnb.budget` stands above.

    `models` names models to show from the start, one or several; without it those asked in the
    last day. A saved notebook keeps the table as it was when the meter was put there. Raises
    ParameterError for a model of which no limits are known, and for unknown keywords.

    ```python
    meter = groqnb.UsageMeter()
    meter
    meter.to_frame()
    ```
    """

    asks: ClassVar[frozenset[str]] = frozenset({"seen", "gone", "refresh"})
    state = Dict().tag(sync=True)

    def __init__(self, models: str | Sequence[str] | None = None, **options: Any) -> None:
        self._wanted = [models] if isinstance(models, str) else list(models or ())
        self._limits: list[Limit] = []
        self._timer: threading.Timer | None = None
        self._due = 0.0
        self._took = 0.0
        self._closed = False
        self._views: set[str] | None = None  # the pages that show it; None before the first
        for model in self._wanted:
            if not current_limits(model):
                from groqnb import catalog

                near = catalog.near(model)
                guess = f"Did you mean {' or '.join(near)}?" if near else None
                raise ParameterError(f"No limits are known of {model!r}.", hint=guess)
        super().__init__(**options)
        self.refresh()  # what fails here leaves nothing behind that listens
        self._stop = watch.listen(lambda: self._later(max(_SOON, _SHARE * self._took)))

    def refresh(self) -> None:
        """Look at the limits and the budget again, now."""
        began = time.thread_time()
        limits = _of(self._wanted)
        self._took = time.thread_time() - began
        budget = watch.budget
        told: dict[str, Any] = {
            "models": _grouped(limits),
            "spent": dollars(watch.spent_today) if watch.spent_today else "",
            "budget": None,
        }
        if budget is not None:
            told["budget"] = {
                "limit": f"${budget.limit:g}",
                "spent": dollars(budget.spent),
                "held": dollars(budget.held) if budget.held else "",
                "left": dollars(budget.left),
                "part": min(budget.spent / budget.limit, 1.0) if budget.limit else 1.0,
                "scope": budget.scope,
                "notional": budget.notional,
            }
        with self._lock:
            self._limits = limits
        self._set(state=told, error="")
        # What was counted flows back as time goes by, and no call tells of it.
        counted = [one for one in limits if one.source == "catalogue" and one.used_part > 0]
        if any(KINDS[one.name][1] <= _MINUTE for one in counted):
            self._later(_AGAIN)

    def to_frame(self) -> pd.DataFrame:
        """The limits as they were shown last: a row for each limit of each model.

        Columns: `model`, `where`, `name`, `limit`, `remaining`, `resets_in` (seconds) and
        `source`, "server" or "catalogue".
        """
        import pandas as pd

        names = ["model", "where", "name", "limit", "remaining", "resets_in", "source"]
        with self._lock:
            rows = [[getattr(one, name) for name in names] for one in self._limits]
        frame: pd.DataFrame = pd.DataFrame(rows, columns=names)
        frame["resets_in"] = frame["resets_in"].astype("float64")
        return frame

    def close(self) -> None:
        """Take it away; it follows no calls any more."""
        # One that was refused is closed, too, and has nothing of this.
        if (stop := vars(self).get("_stop")) is not None:
            stop()
            with self._lock:
                self._closed, timer, self._timer = True, self._timer, None
            if timer is not None:
                timer.cancel()
        super().close()

    def _ask_refresh(self, content: Any) -> None:
        self.refresh()

    def _ask_seen(self, content: Any) -> None:
        with self._lock:
            self._views = {*(self._views or ()), str(content["view"])}
        self.refresh()

    def _ask_gone(self, content: Any) -> None:
        # A cell that is run anew leaves its old meter behind: that costs nothing from now on.
        with self._lock:
            self._views = (self._views or set()) - {str(content["view"])}
            if not self._views and self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _later(self, seconds: float) -> None:
        """Refresh in a while; a sooner time takes the place of a later one."""
        due = time.monotonic() + seconds
        with self._lock:
            unseen = self._views is not None and not self._views
            if self._closed or unseen or (self._timer is not None and self._due <= due):
                return
            if self._timer is not None:
                self._timer.cancel()
            self._timer, self._due = threading.Timer(seconds, self._now), due
            self._timer.daemon = True
            self._timer.start()

    def _now(self) -> None:
        with self._lock:
            self._timer = None
        if self._closed:
            return
        try:
            self.refresh()
        except Exception as error:  # noqa: BLE001 - in a timer's thread nobody else would see it
            self._set(error=plain_error(error))
            self._later(_AGAIN)

    def _summary(self) -> str:
        return ", ".join(dict.fromkeys(one.model for one in self._limits))

    def _result(self) -> tuple[Sequence[Child], str]:
        with self._lock:
            limits = list(self._limits)
        if not limits:
            text = "No model was asked in the last day; limits show up with the first call."
            return [el("p", text, class_="gn-live")], text
        shown = limits_table(limits)
        cells: list[list[Child]] = [[tables.cell_html(cell) for cell in row] for row in shown.rows]
        align = ["right" if at in shown.numbers else "left" for at in range(len(shown.head))]
        plain = [[tables.cell_text(cell) for cell in row] for row in shown.rows]
        parts: list[Child] = [
            tables.scrolled(html_table(shown.head, cells, align=align), "rate limits"),
            el("div", el("small", shown.note), class_="gn-foot"),
        ]
        return parts, f"{columns([shown.head, *plain], right=shown.numbers)}\n\n{shown.note}"


def _of(wanted: Sequence[str]) -> list[Limit]:
    if wanted:
        return [limit for model in wanted for limit in current_limits(model)]
    return current_limits()


def _grouped(limits: Sequence[Limit]) -> list[dict[str, Any]]:
    """The limits by model, as the page gets them."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in limits:
        groups.setdefault((one.model, one.where), []).append(
            {
                "name": one.name,
                "meaning": one.meaning,
                "limit": one.limit,
                "remaining": one.remaining,
                "resets_in": one.resets_in,
                "source": one.source,
            }
        )
    return [
        {"model": model, "where": where, "limits": found}
        for (model, where), found in list(groups.items())[:_MOST_MODELS]
    ]
