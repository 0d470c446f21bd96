"""`%groq limits` and `%groq budget`: what may still be asked, and what may still be spent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groqnb.ledger.budget import Budget
from groqnb.ledger.limits import KINDS, Limit
from groqnb.magic_words import GrammarError
from groqnb.render import tables
from groqnb.render.stream import publish
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    from groqnb.magic_parser import Command

__all__ = ["budget", "limits"]


def limits(shell: Any, command: Command) -> None:
    """Show the limits of the models asked lately, or of the one named."""
    from groqnb.ledger.current import current_limits

    found = current_limits(command.argument or None)
    if not found:
        raise GrammarError(_nothing(command.argument))
    rows: list[list[str | tables.Share]] = []
    for before, limit in zip([None, *found], found, strict=False):
        same = before is not None and (before.model, before.where) == (limit.model, limit.where)
        rows.append(["" if same else _named(limit), *_row(limit)])
    head = ["model", "limit", "used", "left", "of", "all back in", "told by"]
    publish(shell, tables.listing(head, rows, numbers=[3, 4, 5], note=_note(found)))


def _nothing(model: str) -> str:
    from groqnb import catalog

    if not model:
        return (
            "no model was asked in the last day, so no limits are known: ask one first, or name "
            "one, as in %groq limits llama-3.1-8b-instant"
        )
    near = catalog.near(model)
    also = f" Did you mean {' or '.join(near)}?" if near else " %groq models lists what there is."
    return f"no limits are known of {model!r}.{also}"


def _named(limit: Limit) -> str:
    return limit.model if limit.where == "cloud" else f"{limit.model} ({limit.where})"


def _row(limit: Limit) -> list[str | tables.Share]:
    return [
        f"{limit.name}, {KINDS[limit.name][0]}",
        tables.Share(limit.used_part, "the limit"),
        f"{limit.remaining:,}",
        f"{limit.limit:,}",
        "" if limit.resets_in is None else span(limit.resets_in),
        "the server" if limit.source == "server" else "the catalogue",
    ]


def _note(found: list[Limit]) -> str:
    parts = []
    if any(one.source == "server" for one in found):
        parts.append("What the server told with its last reply is carried forward to now.")
    if any(one.source == "catalogue" for one in found):
        parts.append(
            "The catalogue has the free plan's limits, and what is used of them is counted on "
            "this machine: other plans and other machines make it different."
        )
    if any(one.where == "local" for one in found):
        parts.append("The local engine tells limits, and keeps them only with --plan free.")
    return " ".join(parts)


def span(seconds: float) -> str:
    """A time to wait, in the unit that fits."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3600:.1f} h"


def budget(shell: Any, command: Command) -> None:
    """Set, show or end the budget."""
    from groqnb.ledger.budgeting import budget as put

    words = command.argument.replace("--", "").lower().split()
    if not words:
        now = put()
        if now is None:
            text = "No budget is set: %groq budget 0.50 stops this notebook at $0.50 a day."
            publish(shell, tables.notice(text))
        else:
            publish(shell, shown(now))
        return
    amount, options = words[0], words[1:]
    unknown = [word for word in options if word not in ("notional", "strict")]
    if unknown or (amount == "off" and options):
        raise GrammarError("write %groq budget 0.50, or 0.50 notional, 0.50 strict, or off")
    if amount == "off":
        put("off")
        publish(shell, tables.notice("The budget is off: nothing is held back."))
        return
    try:
        usd = float(amount.removeprefix("$"))
        made = put(usd, notional="notional" in options, strict="strict" in options)
    except ParameterError as error:
        raise GrammarError(str(error)) from None
    except ValueError:
        raise GrammarError(
            f"{amount!r} is no amount: %groq budget 0.50, in US dollars a day, or off"
        ) from None
    assert made is not None
    publish(shell, shown(made))


def shown(now: Budget) -> tables.Bundle:
    """The state of a budget as a table."""
    from groqnb.render.budgets import budget_bundle

    return budget_bundle(now)
