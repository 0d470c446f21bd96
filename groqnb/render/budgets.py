"""A budget as a table: what it is, what is spent and held, what is left."""

from __future__ import annotations

from typing import Any

from groqnb.render.message import Bundle, dollars
from groqnb.render.tables import Share, facts

__all__ = ["budget_bundle"]


def budget_bundle(budget: Any) -> Bundle:
    """The state of a `groqnb.ledger.budget.Budget`."""
    spent, held, limit = budget.spent, budget.held, budget.limit
    part = min(spent / limit, 1.0) if limit else 1.0
    pairs: list[tuple[str, str | Share]] = [
        ("budget", f"${limit:g} a day for {budget.scope}"),
        ("spent today", f"{dollars(spent)} ({spent / limit:.0%})" if limit else dollars(spent)),
        ("used", Share(part, "the budget")),
    ]
    if held:
        pairs.append(("held for calls under way", dollars(held)))
    pairs.append(("left", dollars(budget.left)))
    if budget.notional:
        pairs.append(
            ("notional", "calls of the local engine count at the cloud's prices; nothing is paid")
        )
    if budget.strict:
        pairs.append(("strict", "calls of unknown price are refused"))
    if budget.unpriced:
        pairs.append(("not counted, of unknown price", ", ".join(budget.unpriced)))
    return facts(pairs)
