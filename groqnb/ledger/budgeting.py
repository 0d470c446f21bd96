"""`groqnb.budget()`: set, see and end the budget of this process."""

from __future__ import annotations

import math
import warnings
from typing import Literal, overload

from groqnb.ledger.budget import Budget
from groqnb.ledger.place import here
from groqnb.ledger.watch import watch
from groqnb.render import formatters
from groqnb.types.errors import ParameterError

__all__ = ["budget"]


@overload
def budget(limit: None = None) -> Budget | None: ...
@overload
def budget(limit: Literal["off"]) -> None: ...
@overload
def budget(limit: float, *, notional: bool = False, strict: bool = False) -> Budget: ...
def budget(
    limit: float | Literal["off"] | None = None, *, notional: bool = False, strict: bool = False
) -> Budget | None:
    """Set what this notebook may spend today; the Budget in force, or None.

    Each call of every client in this process is estimated before it is sent, and refused with
    BudgetError where it may spend more than is left. What the notebook spent today already, in
    earlier kernels too, is taken from the ledger; where the front end names no notebook, this
    kernel's calls are counted. At 50, 75 and 90 percent it tells. A day ends at midnight.

    Args:
        limit: US dollars a day; "off" ends the budget; None only returns it.
        notional: count calls of the local engine, which cost nothing, as if the cloud had
            answered: to try a budget out, or to show one. The count begins at 0 then.
        strict: refuse calls whose price is not known. Otherwise they are sent, uncounted, and
            each such model is told of once.

    Raises ParameterError for a limit that is no amount.

    ```python
    groqnb.budget(0.50)
    groqnb.budget().left  # 0.5
    groqnb.budget("off")
    ```
    """
    if limit is None:
        if notional or strict:
            raise ParameterError("notional and strict belong to an amount, as in budget(0.50).")
        return watch.budget
    if isinstance(limit, str):
        if limit != "off":
            raise ParameterError(
                f"{limit!r} is no budget.", hint="Pass US dollars, as in budget(0.50), or 'off'."
            )
        watch.budget = None
        return None
    if isinstance(limit, bool) or not isinstance(limit, (int, float)) or not 0 <= limit < math.inf:
        raise ParameterError(f"The budget is {limit!r}; it is US dollars, and at least 0.")
    scope, spent = _spent_today(notional)
    earlier = watch.budget
    formatters.register_here()
    new = Budget(
        float(limit), scope=scope, spent=spent, notional=notional, strict=strict, tell=_tell
    )
    if earlier is not None:
        new.take_over(earlier)
    watch.budget = new
    return new


def _spent_today(notional: bool) -> tuple[str, float]:
    """Whose budget it is, and what was spent before it was set."""
    notebook, _ = here()
    if notebook is None:
        return "this kernel", 0.0 if notional else watch.spent_today
    if notional:
        return notebook, 0.0
    return notebook, max(_in_ledger(notebook), watch.spent_today)


def _in_ledger(notebook: str) -> float:
    import numpy as np

    from groqnb.ledger.frame import rows_of, since_seconds
    from groqnb.ledger.recorder import default_store, is_off, project
    from groqnb.ledger.store import LedgerUnreadable

    if is_off():
        return 0.0
    try:
        found = rows_of(
            default_store(), since_seconds("today"), {"notebook": notebook, "project": project()}
        )
    except LedgerUnreadable as error:
        warnings.warn(f"The budget begins at 0. {error}", stacklevel=4)
        return 0.0
    return float(np.nansum(found["cost"]))


def _tell(text: str) -> None:
    """Say something where the user looks: in the notebook, else as a warning."""
    from groqnb.render import tables
    from groqnb.render.stream import current_shell, publish

    shell = current_shell()
    if shell is None:
        warnings.warn(text, stacklevel=2)
    else:
        publish(shell, tables.notice(text))
