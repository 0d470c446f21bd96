"""What this process knows of its calls while they happen: totals, a budget, and what limits leave.

Beside the recorder's, this is the only state of the ledger that changes; every client's calls pass
here, as they pass the recorder.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from groqnb.ledger.limits import Limits
from groqnb.ledger.recent import Recent
from groqnb.ledger.totals import Totals

if TYPE_CHECKING:
    from groqnb.ledger.budget import Budget
    from groqnb.wire.call import Call

__all__ = ["Watch", "watch"]


class Watch:
    """Hears of every call before it is sent and after it has ended.

    Attributes:
        budget: the budget in force, or None.
        limits: what is left of each model's limits.
        recent: the last calls of a notebook, for exporting them.
        totals: what all calls of this process came to.
    """

    def __init__(self) -> None:
        self.budget: Budget | None = None
        self.limits = Limits()
        self.recent = Recent()
        self.totals = Totals()
        self._lock = threading.Lock()
        self._spent: tuple[date, float] = (date.min, 0.0)
        self._listeners: tuple[Callable[[], object], ...] = ()

    def admit(self, number: int, call: Call[Any], target: str) -> None:
        """A call is about to be sent. Raises BudgetError where the budget does not allow it."""
        if self.budget is not None:
            self.budget.admit(number, call, target)

    def note(self, event: Any, usd: float | None) -> None:
        """A call has ended, and cost `usd` US dollars where that is known."""
        self.totals.add(event, usd)
        if event.target != "replay":  # what a record says of limits was true long ago
            self.limits.note(event)
        if usd:
            self._spend(usd)
        if self.budget is not None:
            _settle(self.budget, event, usd)
        for listener in self._listeners:
            listener()
        self.recent.note(event)

    def collected(self, file_id: str, usd: float | None, *, where: str, new: bool) -> None:
        """The results of a batch over a file were read: `usd` is what it cost.

        `new` is False where the ledger had its cost already.
        """
        if usd and new:
            self._spend(usd)
        if self.budget is not None and (where == "cloud" or self.budget.notional):
            self.budget.collected(file_id, usd if where == "cloud" else None, new=new)
        for listener in self._listeners:
            listener()

    def _spend(self, usd: float) -> None:
        today = datetime.now().date()
        with self._lock:
            day, before = self._spent
            self._spent = today, usd + (before if day == today else 0.0)

    @property
    def spent_today(self) -> float:
        """US dollars that the calls of this process cost today, where that is known."""
        day, spent = self._spent
        return spent if day == datetime.now().date() else 0.0

    def listen(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Calls `listener` after each call's end, in its thread; call the result to end that."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def stop() -> None:
            with self._lock:
                self._listeners = tuple(each for each in self._listeners if each is not listener)

        return stop


def _settle(budget: Budget, event: Any, usd: float | None) -> None:
    failed = type(event).__name__ == "Failed"
    budget.files.note(event)
    usage = getattr(event, "usage", None)
    answered = getattr(usage, "completion_tokens", 0) or 0
    if event.model and answered:
        budget.note_answer(event.model, answered)
    if budget.notional and event.target == "local" and not failed:
        from groqnb.ledger.recorder import as_in_the_cloud

        usd = as_in_the_cloud(event)
    # Of a stream that broke, what had come was made, and may be billed.
    paid = not failed or event.received > 0
    budget.ended(event.call, usd, paid=paid)


watch = Watch()
"""The watch of this process."""
