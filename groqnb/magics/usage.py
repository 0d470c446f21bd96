"""`%groq usage`: what the calls took, by model, by cell, by day or by project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groqnb.magics.options import did_you_mean, near
from groqnb.magics.words import GrammarError
from groqnb.render import tables
from groqnb.render.message import dollars
from groqnb.render.stream import publish

if TYPE_CHECKING:
    import pandas as pd

    from groqnb.magics.parser import Command

__all__ = ["KEYS", "MOMENTS", "usage"]

_MOST_ROWS = 20
MOMENTS = ("today", "yesterday", "week", "month", "year", "7d", "12h")
KEYS = ("model", "cell", "notebook", "project", "endpoint", "day", "where")


def usage(shell: Any, command: Command) -> None:
    """Show the usage since a moment, today's by default; `by WORD` chooses the one table."""
    from groqnb.ledger.frame import since_words
    from groqnb.ledger.usage import usage as read

    since, key = _parsed(command.argument)
    try:
        calls = read(since)
    except ValueError:
        raise GrammarError(
            f"{since!r} is no moment: %groq usage today, or week, month, 7d, 12h, 2026-01-31"
        ) from None
    when = since_words(since)
    if calls.empty:
        publish(shell, tables.notice(f"No calls {when}."))
        return
    note = _note(calls, when)
    if key is not None:
        _show(shell, calls, key, note)
        return
    _show(shell, calls, "model", note)
    if calls.notebook.notna().any():
        _show(shell, calls[calls.notebook.notna()], "cell", "")
    if _days(calls).nunique() > 1:
        _show(shell, calls, "day", "")


def _parsed(argument: str) -> tuple[str, str | None]:
    """The moment, and what the table is by."""
    since, by, key = argument.strip().partition("by ")
    if not by or (since and not since.endswith(" ")):
        return argument.strip() or "today", None
    key = key.strip().lower()
    if key not in KEYS:
        found = did_you_mean(near(key, KEYS))
        raise GrammarError(f"usage is by {', '.join(KEYS)}, not by {key!r}.{found}")
    return since.strip() or "today", key


def _days(calls: pd.DataFrame) -> pd.Series:
    """The day of each call, as the user's clock has it."""
    from datetime import datetime

    here = datetime.now().astimezone().tzinfo
    days: pd.Series = calls.time.dt.tz_convert(here).dt.strftime("%Y-%m-%d")
    return days


def _keyed(calls: pd.DataFrame, key: str) -> tuple[str, pd.Series]:
    """The name of a table's first column, and the value of each call in it."""
    if key == "day":
        return "day", _days(calls)
    if key == "cell":
        cells = calls.cell.astype("string").fillna("–")
        return "notebook [cell]", calls.notebook.fillna("(none)") + " [" + cells + "]"
    return key, calls[key]


def _show(shell: Any, calls: pd.DataFrame, key: str, note: str) -> None:
    """One row for each value of `key`, those with the most tokens first; days in their order."""
    name, values = _keyed(calls, key)
    calls = calls.assign(
        key=values.fillna("(none)"),
        tokens=calls.prompt_tokens.fillna(0) + calls.completion_tokens.fillna(0),
        failed=calls.status.eq("error"),
        unpriced=calls.cost.isna() & calls.status.ne("error"),
    )
    table = calls.groupby("key", observed=True).agg(
        calls=("key", "size"),
        failed=("failed", "sum"),
        tokens_in=("prompt_tokens", "sum"),
        tokens_out=("completion_tokens", "sum"),
        cached=("cached_tokens", "sum"),
        tokens=("tokens", "sum"),
        sound=("audio_seconds", "sum"),
        characters=("characters", "sum"),
        ttft=("ttft", "median"),
        rate=("tokens_per_second", "median"),
        cost=("cost", "sum"),
        unpriced=("unpriced", "sum"),
    )
    in_order = table.sort_index() if key == "day" else table.sort_values("tokens", ascending=False)
    shown = in_order.tail(_MOST_ROWS) if key == "day" else in_order.head(_MOST_ROWS)
    total = max(int(table.tokens.sum()), 1)
    # The bars stand beside the names, where a narrow page shows them.
    columns: dict[str, list[str | tables.Share]] = {
        name: [str(value) for value in shown.index],
        "share of tokens": [tables.Share(int(n) / total, "the tokens") for n in shown.tokens],
        "cost": [
            _cost(float(cost), int(unpriced), int(calls - failed))
            for cost, unpriced, calls, failed in zip(
                shown.cost, shown.unpriced, shown.calls, shown.failed, strict=True
            )
        ],
        "calls": [
            f"{calls:,} ({failed:,} failed)" if failed else f"{calls:,}"
            for calls, failed in zip(shown.calls, shown.failed, strict=True)
        ],
        "tokens in": [f"{int(n):,}" for n in shown.tokens_in],
        "out": [f"{int(n):,}" for n in shown.tokens_out],
    }
    if table.cached.any():
        columns["from cache"] = [
            f"{cached / tokens:.0%}" if tokens else ""
            for cached, tokens in zip(shown.cached, shown.tokens_in, strict=True)
        ]
    if table.sound.any():
        columns["audio"] = [_seconds(n) if n else "" for n in shown.sound]
    if table.characters.any():
        columns["characters"] = [f"{int(n):,}" if n else "" for n in shown.characters]
    if table.ttft.notna().any():
        columns["TTFT"] = [f"{n:.2f}\N{NO-BREAK SPACE}s" if n == n else "" for n in shown.ttft]
    columns["tokens/s"] = [f"{n:.0f}" if n == n else "" for n in shown.rate]
    left_out = len(table) - len(shown)
    if left_out:
        note = f"{left_out} more are left out. {note}".strip()
    rows = list(zip(*columns.values(), strict=True))
    numbers = range(2, len(columns))
    publish(shell, tables.listing(list(columns), rows, numbers=numbers, note=note))


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _cost(amount: float, unpriced: int, answered: int) -> str:
    if unpriced >= answered:
        return "unknown" if answered else ""
    told = dollars(amount) if amount else "nothing"
    return f"{told} and more" if unpriced else told


def _note(calls: pd.DataFrame, when: str) -> str:
    unpriced = int((calls.cost.isna() & calls.status.ne("error")).sum())
    parts = [f"{len(calls):,} call{'' if len(calls) == 1 else 's'} {when}"]
    if amount := float(calls.cost.sum()):
        parts.append(f"{dollars(amount)} by the prices known")
    if unpriced:
        parts.append(f"{unpriced:,} of unknown price")
    cached, tokens = int(calls.cached_tokens.sum()), int(calls.prompt_tokens.sum())
    if cached and tokens:
        parts.append(f"{cached / tokens:.0%} of the tokens in from the cache")
    return (
        f"{', '.join(parts)}. TTFT and tokens/s are medians. groqnb.usage() has every call. "
        f"Another table: %groq usage by {', '.join(KEYS[2:])}."
    )
