"""What batches will cost, told and asked for before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence

from groqnb.batching.making import Made
from groqnb.batching.shards import Shard
from groqnb.ledger.budget import reserve
from groqnb.ledger.watch import watch
from groqnb.types.errors import BudgetError

__all__ = ["ask_budget", "offer"]


def offer(made: Made, earlier: int, window: str, where: str) -> str:
    """What will be sent, and what it may cost, in a sentence or two.

    `earlier` is how many batches of an earlier call are waited for as well.
    """
    requests = sum(shard.lines for shard in made.shards)
    size = sum(shard.bytes for shard in made.shards)
    files = len(made.shards)
    told = (
        f"Batch: {requests:,} {'request' if requests == 1 else 'requests'} in "
        f"{files} {'file' if files == 1 else 'files'} ({_size(size)}), to be done within {window}, "
        f"{_price(made.shards, where)}."
    )
    if made.known:
        whose = "row has its answer" if made.known == 1 else "rows have their answers"
        told += f" {made.known:,} {whose} already."
    if earlier:
        told += (
            f" {earlier} {'batch is' if earlier == 1 else 'batches are'} waited for from before."
        )
    return told


def ask_budget(shards: Sequence[Shard], where: str) -> None:
    """Raise BudgetError where the budget does not allow all of it.

    Nothing is held back: each batch is, when it is started.
    """
    budget = watch.budget
    if budget is None or (where == "local" and not budget.notional):
        return
    usd = total(shards) if where != "url" else None
    requests = sum(shard.lines for shard in shards)
    if usd is not None:
        reserve(usd, f"this batch of {requests:,} requests").settle(0.0)
    elif budget.strict:
        error = BudgetError(
            f"No price is known for {shards[0].model}, and the budget of ${budget.limit:g} is "
            "strict.",
            hint="Nothing was sent. Put the price into your own file of prices "
            "(see groqnb.catalog.cost), or set the budget without strict.",
        )
        error.limit, error.spent = budget.limit, budget.spent
        raise error


def total(shards: Sequence[Shard]) -> float | None:
    """US dollars that they may cost in all; None where no price is known."""
    costs = [shard.estimate for shard in shards]
    return None if None in costs else sum(cost for cost in costs if cost is not None)


def _price(shards: Sequence[Shard], where: str) -> str:
    usd = None if where == "url" else total(shards)
    if usd is None:
        return "at a price that is not known" if where != "local" else "free on this machine"
    amount = f"${usd:,.2f}" if usd >= 10 else f"${usd:.4f}" if usd >= 0.01 else f"${usd:.6f}"
    if where == "local":
        return f"free on this machine (in the cloud about {amount} at most, half the usual price)"
    return f"for about {amount} at most, half the usual price"


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"
