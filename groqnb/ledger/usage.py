"""`groqnb.usage()`: what the calls of this machine took, as a DataFrame."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from groqnb.types.errors import GroqnbError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["usage"]


def usage(
    since: str | float | datetime | timedelta | None = None,
    *,
    notebook: str | Sequence[str] | None = None,
    model: str | Sequence[str] | None = None,
    cell: int | Sequence[int] | None = None,
    project: str | Sequence[str] | None = None,
    where: str | Sequence[str] | None = None,
) -> pd.DataFrame:
    """Every call that this machine made through groqnb, one row each, oldest first.

    Calls of the magics and of Python are in it, whatever their end: answered, refused, stopped.
    Times of day are in UTC, durations in seconds, `cost` is in US dollars and NaN where the price
    is not known. `groqnb.ledger.columns.COLUMNS` tells what each column means; `tokens_per_second`,
    `network` (seconds beyond the server's own) and `cached_share` (the part of the tokens in that
    came from the cache, 0 to 1) are computed. No prompt, answer or key is in it,
    unless GROQNB_LEDGER was set to "texts": then `question` and `answer` are columns, never a key.

    Args:
        since: "7d", "12h", "today", "week", "month", a date, a datetime, or a timedelta (so long
            ago).
        notebook: the file name of one notebook, or several.
        model: the model asked for, or several.
        cell: the number of a cell's execution, or several.
        project: GROQNB_PROJECT, or the name of the folder where it was unset; or several.
        where: "cloud", "local", "url" or "replay", or several.

    Raises GroqnbError when the ledger cannot be read, and ValueError for a `since` that is no
    moment.

    ```python
    week = groqnb.usage("7d")
    week.groupby("model")[["cost", "completion_tokens"]].sum()
    week.set_index("time").cost.cumsum().plot()
    ```
    """
    from groqnb.ledger.frame import usage_frame
    from groqnb.ledger.recorder import default_store
    from groqnb.ledger.store import LedgerUnreadable

    filters = {
        "notebook": notebook,
        "model": model,
        "cell": cell,
        "project": project,
        "where": where,
    }
    try:
        return usage_frame(default_store(), since, **filters)
    except LedgerUnreadable as error:
        raise GroqnbError(str(error)) from None
