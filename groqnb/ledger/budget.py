"""A budget: what this notebook may spend today, held back before a call and settled after it.

Every call of every client in this process asks the budget first (`Events.gate`), those of maps and
comparisons too: nobody need do it for them. A batch counts in full when it is started, by the file
that was uploaded for it. What is paid for without such a call is reserved by hand::

    from groqnb.ledger.budget import reserve

    held = reserve(0.12, "a batch of 500 rows")  # raises BudgetError; without a budget it is free
    ...
    held.settle(0.09)  # what it cost in the end; held.settle(0) gives all of it back

All of this may be done from many threads at once, and none of it waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from groqnb.ledger.batches import BatchFiles
from groqnb.ledger.estimates import USUAL_ANSWER, estimate
from groqnb.types.errors import BudgetError

if TYPE_CHECKING:
    from types import TracebackType

    from groqnb.wire.call import Call

__all__ = ["ALERTS", "Budget", "Reservation", "reserve"]

ALERTS = (0.5, 0.75, 0.9)
_TINY = 1e-12  # US dollars: sums of fractions are not exact


@dataclass
class Reservation:
    """An amount that is held back for something under way.

    In a `with` block it is given back when the block fails, and counts in full when nobody has
    settled it.

    ```python
    with reserve(0.12, "a batch of 500 rows") as held:
        held.settle(0.09)
    ```
    """

    usd: float
    budget: Budget | None = field(default=None, repr=False)
    open: bool = True

    def settle(self, actual: float | None = None) -> None:
        """It is over and cost `actual` US dollars; None: nobody knows, so it counts in full."""
        if self.open:
            self.open = False
            if self.budget is not None:
                self.budget._settle(self.usd, self.usd if actual is None else actual)

    def __enter__(self) -> Reservation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.settle(None if error is None else 0.0)


class Budget:
    """What may be spent today, and what has been.

    Attributes:
        limit: US dollars a day.
        scope: the notebook that it is for, or "this kernel" where the front end names none.
        notional: True when calls of the local engine count as if the cloud had answered.
        strict: True when calls of unknown price are refused.
        unpriced: the models of unknown price that were asked, in order.
        files: what the batches over uploaded files may cost.

    ```python
    budget = groqnb.budget(0.50)
    budget.left, budget.spent, budget.held
    ```
    """

    def __init__(
        self,
        limit: float,
        *,
        scope: str = "this kernel",
        spent: float = 0.0,
        notional: bool = False,
        strict: bool = False,
        tell: Callable[[str], object] = lambda text: None,
        today: Callable[[], date] = lambda: datetime.now().date(),
    ) -> None:
        self.limit = limit
        self.scope = scope
        self.notional = notional
        self.strict = strict
        self.unpriced: list[str] = []
        self.files = BatchFiles()
        self._tell = tell
        self._today = today
        self._day = today()
        self._spent = spent
        self._held = 0.0
        self._calls: dict[int, Reservation] = {}
        self._longest: dict[str, int] = {}
        self._next: Budget | None = None
        self._lock = threading.Lock()
        # What was passed before the budget was set is no news.
        self._alerted = self._passed()

    @property
    def spent(self) -> float:
        """US dollars spent today, of calls that are over."""
        with self._lock:
            self._turn_day()
            return self._spent

    @property
    def held(self) -> float:
        """US dollars held back for what is under way."""
        return self._held

    @property
    def left(self) -> float:
        """US dollars that may still be reserved; at least 0."""
        return max(self.limit - self.spent - self.held, 0.0)

    def __repr__(self) -> str:
        return f"<Budget for {self.scope}: ${self.spent:.6f} of ${self.limit:g} spent today>"

    def reserve(self, usd: float, what: str = "this call") -> Reservation:
        """Hold back `usd`. Raises BudgetError where there is not so much left, and holds nothing.

        ```python
        held = groqnb.budget().reserve(0.12, "a batch of 500 rows")
        held.settle(0.09)
        ```
        """
        with self._lock:
            self._turn_day()
            taken = self._spent + self._held
            if taken + usd <= self.limit + _TINY:
                self._held += usd
                return Reservation(usd, self)
            under_way = f" and ${self._held:.6f} held for calls under way" if self._held else ""
            told = f"${self._spent:.6f} of it are spent{under_way}"
        error = BudgetError(
            f"The budget of ${self.limit:g} for today does not allow {what}: "
            f"it may cost ${usd:.6f}, and {told}.",
            hint="Nothing was sent. A limit for the answer (max_completion_tokens) makes a call "
            "cheaper; `%groq budget AMOUNT` sets another budget, `%groq budget off` none.",
        )
        error.limit, error.spent, error.estimate = self.limit, taken, usd
        raise error

    # --- calls of clients ---

    def admit(self, number: int, call: Call[Any], target: str) -> None:
        """Hold back what a call may cost, before it is sent. Raises BudgetError."""
        if target == "local" and not self.notional:
            return
        usual = self._longest.get(call.model or "", USUAL_ANSWER)
        usd = None
        if target in ("cloud", "local"):
            starts = call.method == "POST" and call.path == "/batches"
            usd = self.files.cost_of(call) if starts else estimate(call, usual)
        if usd == 0:
            return
        if usd is None:
            self._note_unpriced(call, target)
            return
        what = "this batch" if call.model is None else f"this call of {call.model}"
        reservation = self.reserve(usd, what)
        with self._lock:
            self._calls[number] = reservation

    def ended(self, number: int, actual: float | None, *, paid: bool) -> None:
        """A call is over. `actual` is its cost in US dollars where that is known.

        `paid` is False for what surely cost nothing, as a refusal does.
        """
        with self._lock:
            reservation = self._calls.pop(number, None)
        if reservation is not None:
            reservation.settle(actual if paid else 0.0)
        elif actual:
            self._settle(0.0, actual)

    def collected(self, file_id: str, actual: float | None, *, new: bool) -> None:
        """A batch over a file is known to have cost `actual` US dollars; None: not known.

        It takes the place of what was counted when the batch was started here. One that was
        started elsewhere is counted now, where it is `new`.
        """
        counted = self.files.counted(file_id)
        if counted is None and not new:
            return
        if actual is not None:
            self._settle(0.0, actual - (counted or 0.0))

    def note_answer(self, model: str, tokens: int) -> None:
        """A model gave an answer of so many tokens: the next one may be as long."""
        if tokens > max(self._longest.get(model, 0), USUAL_ANSWER):
            self._longest[model] = tokens

    def _note_unpriced(self, call: Call[Any], target: str) -> None:
        what = "a batch" if call.path == "/batches" else call.model or call.path
        if target == "url":
            what = f"{what} at this URL"
        if self.strict:
            error = BudgetError(
                f"No price is known for {what}, and the budget of ${self.limit:g} is strict.",
                hint="Nothing was sent. Put the price into your own file of prices "
                "(see groqnb.catalog.cost), or set the budget without strict.",
            )
            error.limit, error.spent = self.limit, self.spent
            raise error
        with self._lock:
            first = what not in self.unpriced
            if first:
                self.unpriced.append(what)
        if first:
            self._tell(
                f"No price is known for {what}: it is sent, and not counted in the budget of "
                f"${self.limit:g}."
            )

    # --- the sums ---

    def _settle(self, held: float, actual: float) -> None:
        with self._lock:
            later = self._next
            if later is None:
                self._turn_day()
                self._held = max(self._held - held, 0.0)
                self._spent += actual
                passed, spent = self._passed(), self._spent
                news = passed > self._alerted
                self._alerted = max(passed, self._alerted)
        if later is not None:
            later._settle(held, actual)
        elif news:
            part = spent / self.limit if self.limit else 1.0
            real = " (notional: the local engine costs nothing)" if self.notional else ""
            self._tell(
                f"{part:.0%} of the budget is spent: "
                f"${spent:.6f} of ${self.limit:g} for today{real}."
            )

    def _turn_day(self) -> None:
        """A new day begins at nothing. The lock is held."""
        today = self._today()
        if today != self._day:
            self._day, self._spent, self._alerted = today, 0.0, 0

    def take_over(self, earlier: Budget) -> None:
        """Go on for an earlier budget: what it holds back is held and settled here."""
        self.files = earlier.files
        with earlier._lock:
            calls, held = earlier._calls, earlier._held
            earlier._calls, earlier._held, earlier._next = {}, 0.0, self
        with self._lock:
            self._calls.update(calls)
            self._held += held
            self._longest.update(earlier._longest)
            if self.notional == earlier.notional and self._day == earlier._day:
                # What was settled by hand is in no ledger.
                self._spent = max(self._spent, earlier._spent)
                self._alerted = self._passed()

    def _passed(self) -> int:
        """How many of the alerts are passed."""
        return sum(self._spent >= self.limit * part - _TINY for part in ALERTS)


def reserve(usd: float, what: str) -> Reservation:
    """Hold back `usd` from this process's budget for `what`, such as "a batch of 500 rows".

    Where no budget is set, nothing is held back and nothing refused. Raises BudgetError.

    ```python
    with reserve(0.12, "a batch of 500 rows") as held:
        held.settle(0.09)
    ```
    """
    from groqnb.ledger.watch import watch

    return Reservation(usd) if watch.budget is None else watch.budget.reserve(usd, what)
