"""What may still be asked, and what may still be spent: `%groq limits`, `%groq budget`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groqnb.conversation import estimate
from groqnb.ledger.watch import watch
from groqnb.magics.words import GrammarError
from groqnb.render import tables
from groqnb.render.budgets import budget_bundle
from groqnb.render.limits import limits_table
from groqnb.render.stream import publish
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    from groqnb.conversation import Question
    from groqnb.magics.parser import Command
    from groqnb.target import Target

__all__ = ["budget", "limits", "warn"]


def limits(shell: Any, command: Command) -> None:
    """Show the limits of the models asked lately, or of the one named."""
    from groqnb.ledger.current import current_limits

    found = current_limits(command.argument or None)
    if not found:
        raise GrammarError(_nothing(command.argument))
    table = limits_table(found)
    publish(shell, tables.listing(table.head, table.rows, numbers=table.numbers, note=table.note))


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
            publish(shell, budget_bundle(now))
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
    publish(shell, budget_bundle(made))


def warn(shell: Any, question: Question, target: Target, models: list[str]) -> None:
    """Say which limits the question would exceed, before it is asked."""
    tokens = estimate(list(question.sent))
    for model in models:
        warning = watch.limits.warning(model, target.kind, tokens)
        if warning is not None:
            publish(shell, tables.notice(warning))
