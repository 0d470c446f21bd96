"""The ledger as a DataFrame."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from groqnb.ledger.blocks import Columns, taken
from groqnb.ledger.columns import COLUMNS
from groqnb.ledger.store import Store

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["Since", "rows_of", "since_seconds", "since_words", "to_frame", "usage_frame"]

Since = str | float | datetime | timedelta | None

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_UNIT_WORDS = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}
WORDS = ("today", "yesterday", "week", "month", "year")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")


def since_seconds(since: Since) -> float | None:
    """A moment as seconds since 1970.

    Accepted: "7d", "12h", "30m", "2w" (so long ago), "today", "yesterday", "week" (its Monday),
    "month", "year" (its first day), a date or time in ISO 8601, a datetime (local time where it
    names no zone), a timedelta (so long ago), seconds since 1970. Raises ValueError for anything
    else.

    ```python
    >>> round(time.time() - since_seconds("2h"))
    7200

    ```
    """
    if since is None:
        return None
    if isinstance(since, timedelta):
        return time.time() - since.total_seconds()
    if isinstance(since, datetime):
        return since.timestamp()
    if isinstance(since, (int, float)) and not isinstance(since, bool):
        return float(since)
    if isinstance(since, str):
        text = since.strip().lower()
        if text in WORDS:
            return _begin(text).timestamp()
        if match := _SPAN.fullmatch(text):
            return time.time() - float(match[1]) * _UNITS[match[2]]
        try:
            # Python 3.10 does not know the Z.
            return datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", since.strip())).timestamp()
        except ValueError:
            pass
    raise ValueError(
        f"since={since!r} is no moment. Write '7d', '12h', 'today', 'week', 'month', a date "
        "such as '2026-01-31', a datetime or a timedelta."
    )


def since_words(since: Since) -> str:
    """A moment as it is said of calls: "today", "in the last 7 days", "since 2026-01-31".

    ```python
    >>> since_words("12h"), since_words("month")
    ('in the last 12 hours', 'this month')

    ```
    """
    if since is None:
        return "in all"
    if isinstance(since, timedelta):
        return f"in the last {since}"
    if isinstance(since, (int, float)):
        since = datetime.fromtimestamp(since)
    if isinstance(since, datetime):
        return f"since {since:%Y-%m-%d %H:%M}"
    text = since.strip().lower()
    if match := _SPAN.fullmatch(text):
        one = "" if match[1] == "1" else "s"
        return f"in the last {match[1]} {_UNIT_WORDS[match[2]]}{one}"
    if text in ("week", "month", "year"):
        return f"this {text}"
    return text if text == "today" else f"since {since.strip()}"


def _begin(word: str) -> datetime:
    today = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
    if word == "yesterday":
        return today - timedelta(days=1)
    if word == "week":
        return today - timedelta(days=today.weekday())
    if word == "month":
        return today.replace(day=1)
    return today.replace(month=1, day=1) if word == "year" else today


def rows_of(store: Store, since: float | None, filters: Mapping[str, Any]) -> Columns:
    """The rows that fit, column by column.

    `filters` are by the column's name; each is a value, several of them, or None for any. Raises
    LedgerUnreadable.
    """
    columns = store.read(since)
    for name, wanted in filters.items():
        if wanted is None:
            continue
        if name == "cell":
            import numpy as np

            cells = [wanted] if isinstance(wanted, int) else list(wanted)
            columns = taken(columns, np.isin(columns["cell"], cells))
        else:
            columns = taken(columns, _are(columns[name], wanted))
    return columns


def usage_frame(store: Store, since: Since = None, **filters: Any) -> pd.DataFrame:
    """The rows of `store` that fit, as `groqnb.usage` gives them."""
    return to_frame(rows_of(store, since_seconds(since), filters))


def _are(words: tuple[NDArray[np.int32], list[str]], wanted: str | Sequence[str]) -> Any:
    import numpy as np

    names = {wanted} if isinstance(wanted, str) else set(wanted)
    codes = [code for code, word in enumerate(words[1]) if word in names]
    return np.isin(words[0], codes)


def to_frame(columns: Columns) -> pd.DataFrame:
    """The columns as a DataFrame, and three more.

    `tokens_per_second`, `network` (seconds), and `cached_share`: the part of the tokens in that
    came from the cache, 0 to 1.
    """
    import numpy as np
    import pandas as pd

    data: dict[str, Any] = {}
    for column in COLUMNS:
        if column.name not in columns:
            continue
        value = columns[column.name]
        if column.name == "time":
            moments = np.where(np.isnan(value), np.nan, value * 1e6).astype("datetime64[us]")
            data[column.name] = pd.DatetimeIndex(moments).tz_localize("UTC")
        elif column.kind == "float":
            data[column.name] = value
        elif column.kind == "count":
            data[column.name] = pd.arrays.IntegerArray(value.astype("int64"), value < 0)
        elif column.kind == "word":
            # The empty place at the end is where the code -1 leads.
            words = np.array([*value[1], pd.NA], dtype=object)
            data[column.name] = pd.arrays.StringArray(words[value[0]])
        else:
            texts = np.array(value, dtype=object)
            texts[texts == ""] = pd.NA
            data[column.name] = pd.arrays.StringArray(texts)
    spent = columns["completion_time"]
    tokens = columns["completion_tokens"]
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.where(spent > 0, spent, columns["wall"] - np.nan_to_num(columns["ttft"]))
        # The time of a single token is that of the prompt: it has no rate of its own.
        rate = np.where((tokens > 1) & (rest > 0), tokens / rest, np.nan)
        network = np.maximum(columns["wall"] - columns["total_time"], 0.0)
        asked = columns["prompt_tokens"]
        cached = np.where(asked > 0, np.maximum(columns["cached_tokens"], 0) / asked, np.nan)
    data["tokens_per_second"] = rate
    data["network"] = network
    data["cached_share"] = cached
    frame: pd.DataFrame = pd.DataFrame(data, copy=False)
    return frame
