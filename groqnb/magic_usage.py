"""`%groq usage`: what the calls took, by model and by cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from groqnb.magic_words import GrammarError
from groqnb.render import tables
from groqnb.render.message import dollars
from groqnb.render.stream import publish

if TYPE_CHECKING:
    import pandas as pd

    from groqnb.magic_parser import Command

__all__ = ["usage"]

_MOST_ROWS = 20
_HEAD = ("calls", "failed", "tokens in", "out", "TTFT", "tokens/s", "cost", "share of tokens")


def usage(shell: Any, command: Command) -> None:
    """Show the usage since a moment, today's by default."""
    from groqnb.ledger.usage import usage as read

    since = command.argument or "today"
    try:
        calls = read(since)
    except ValueError:
        raise GrammarError(
            f"{since!r} is no moment: %groq usage today, or month, 7d, 12h, 2026-01-31"
        ) from None
    when = "today" if since == "today" else f"since {since}"
    if calls.empty:
        publish(shell, tables.notice(f"No calls {when}."))
        return
    _show(shell, calls, "model", "model", _note(calls, when))
    places = calls[calls.notebook.notna()]
    if not places.empty:
        named = places.assign(
            place=places.notebook + " [" + places.cell.astype("string").fillna("–") + "]"
        )
        _show(shell, named, "place", "notebook [cell]", "")


def _show(shell: Any, calls: pd.DataFrame, column: str, name: str, note: str) -> None:
    """One row for each value of `column`, those with the most tokens first."""
    calls = calls.assign(
        key=calls[column].fillna("(none)"),
        tokens=calls.prompt_tokens.fillna(0) + calls.completion_tokens.fillna(0),
        failed=calls.status.eq("error"),
        unpriced=calls.cost.isna() & calls.status.ne("error"),
    )
    groups = calls.groupby("key", observed=True)
    table = groups.agg(
        calls=("key", "size"),
        failed=("failed", "sum"),
        tokens_in=("prompt_tokens", "sum"),
        tokens_out=("completion_tokens", "sum"),
        tokens=("tokens", "sum"),
        ttft=("ttft", "median"),
        rate=("tokens_per_second", "median"),
        cost=("cost", "sum"),
        unpriced=("unpriced", "sum"),
    ).sort_values("tokens", ascending=False)
    total = max(int(table.tokens.sum()), 1)
    rows: list[Sequence[str | tables.Share]] = []
    for key, row in table.head(_MOST_ROWS).iterrows():
        share = int(row.tokens) / total
        rows.append(
            [
                str(key),
                f"{int(row.calls):,}",
                f"{int(row.failed):,}" if row.failed else "",
                f"{int(row.tokens_in):,}",
                f"{int(row.tokens_out):,}",
                f"{row.ttft:.2f} s" if row.ttft == row.ttft else "",
                f"{row.rate:.0f}" if row.rate == row.rate else "",
                _cost(float(row.cost), int(row.unpriced), int(row.calls - row.failed)),
                tables.Share(share, "the tokens"),
            ]
        )
    left_out = len(table) - len(rows)
    if left_out:
        note = f"{left_out} more are left out. {note}".strip()
    # The bars stand flush left, so that they can be compared.
    numbers = range(1, len(_HEAD))
    publish(shell, tables.listing([name, *_HEAD], rows, numbers=numbers, note=note))


def _cost(amount: float, unpriced: int, answered: int) -> str:
    if unpriced >= answered:
        return "unknown" if answered else ""
    told = dollars(amount) if amount else "nothing"
    return f"{told} and more" if unpriced else told


def _note(calls: pd.DataFrame, when: str) -> str:
    unpriced = int((calls.cost.isna() & calls.status.ne("error")).sum())
    count = f"{len(calls):,} call{'' if len(calls) == 1 else 's'} {when}"
    parts = [count]
    if amount := float(calls.cost.sum()):
        parts.append(f"{dollars(amount)} by the prices known")
    if unpriced:
        parts.append(f"{unpriced:,} of unknown price")
    return f"{', '.join(parts)}. TTFT and tokens/s are medians. groqnb.usage() has every call."
