"""What the magics do: parse, then ask or carry out a command.

Called by `groqnb.magics` with the shell it runs in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from groqnb.conversation import continuation
from groqnb.ledger.watch import watch
from groqnb.magics import replay as magic_replay
from groqnb.magics.asking import ask, run
from groqnb.magics.failing import current_target, fail
from groqnb.magics.options import help_text
from groqnb.magics.parser import Ask, Command, GrammarError, parse_cell, parse_line
from groqnb.render import tables
from groqnb.render.message import dollars
from groqnb.render.stream import publish
from groqnb.session import session
from groqnb.showing import target_badge
from groqnb.types.errors import GroqnbError, ParameterError

if TYPE_CHECKING:
    from groqnb.types.rate_limit import RateLimit

__all__ = ["run_cell", "run_line"]


def run_cell(shell: Any, line: str, body: str, names: Mapping[str, Any]) -> None:
    """Run `%%groq`.

    Raises GrammarError and InterpolationError for mistakes in it, and groqnb's errors for the call.
    """
    asked = _expanded(parse_cell(line))
    if not asked.help and not body.strip():
        raise GrammarError("nothing to ask: the prompt goes below the line with %%groq")
    ask(shell, asked, body.strip("\n"), names)


def run_line(shell: Any, line: str, names: Mapping[str, Any]) -> None:
    """Run `%groq`. Raises as `run_cell` does."""
    parsed = parse_line(line)
    if isinstance(parsed, Ask):
        ask(shell, _expanded(parsed), parsed.text, names)
        return
    _COMMANDS[parsed.name](shell, replace(parsed, names=names))


def _expanded(asked: Ask) -> Ask:
    if asked.preset is None:
        return asked
    from groqnb.magics.presets import expand

    return expand(asked)


def _state(shell: Any, command: Command) -> None:
    from groqnb.keys import PLACES

    target, totals = current_target(), session.totals
    key = "none; looked in " + PLACES
    if target.key is not None:
        key = f"{target.key.key} from {target.key.source}"
    used = f"{_count(totals.calls, 'call')}, {totals.tokens_in} tokens in, {totals.tokens_out} out"
    if totals.cost:
        used += f", {dollars(totals.cost)}"
    if totals.unpriced:
        used += f", {_count(totals.unpriced, 'call')} of unknown price"
    chats = [
        f"{name} ({_count(chat.turns, 'turn')})" for name, chat in session.conversations.items()
    ]
    pairs = [
        ("calls go to", f"{target_badge(target)}, because {target.why}"),
        ("model", session.default_model),
        ("key", key if target.kind != "local" or target.key else "none needed"),
        ("conversations", ", ".join(chats) or "none"),
        ("used", used),
    ]
    last = watch.limits.last
    if last is not None and (left := _left(*last)):
        pairs.append(("limits", left))
    budget = watch.budget
    if budget is not None:
        told = f"{dollars(budget.spent)} of ${budget.limit:g} spent today by {budget.scope}"
        pairs.append(("budget", f"{told}, notionally" if budget.notional else told))
    record = magic_replay.state()
    if record is not None:
        pairs.append(("record", record))
    publish(shell, tables.facts(pairs))


def _left(model: str, limit: RateLimit) -> str:
    """What the last reply told of its model's limits: of both, of one, or ""."""
    parts = [
        f"{left:,} of {most:,} {what}"
        for left, most, what in (
            (limit.remaining_requests, limit.limit_requests, "requests a day"),
            (limit.remaining_tokens, limit.limit_tokens, "tokens a minute"),
        )
        if left is not None and most is not None
    ]
    return f"{' and '.join(parts)} are left of {model}" if parts else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _use(shell: Any, command: Command) -> None:
    try:
        target = session.use(command.argument)
    except ParameterError as error:
        raise GrammarError(f"{error} (%groq use local|cloud|URL)") from None
    text = f"Calls go to {target_badge(target)} now."
    if target.kind == "cloud" and target.key is None:
        text += " No API key was found: %groq key asks for one."
    publish(shell, tables.notice(text))


def _models(shell: Any, command: Command) -> None:
    from groqnb import catalog

    target = current_target()
    cards: dict[str, Any] = {}
    note = f"As {target.label} lists them now; prices in US dollars for a million tokens."
    if target.kind == "local":
        note = (
            "From the catalogue. The local engine answers to any of these names with its own model."
        )
    try:
        if target.kind != "local" or target.connected():
            cards = {card.id: card for card in session.fetch_models()}
    except GroqnbError as error:
        fail(error)
    known = {model.id: model for model in catalog.models()}
    wanted = command.argument.lower()
    rows = []
    for name in sorted(cards or known, key=str.lower):
        facts, card = known.get(name) or catalog.find(name), cards.get(name)
        window = getattr(card, "context_window", None) or (facts.context_window if facts else None)
        price = facts.price if facts else None
        row = [
            name,
            (facts.developer if facts else "") or getattr(card, "owned_by", ""),
            facts.kind if facts else "",
            f"{window:,}" if window else "",
            _price(price.input if price else None),
            _price(price.output if price else None),
        ]
        if wanted in " ".join(row[:3]).lower():
            rows.append(row)
    if not rows:
        near = catalog.near(wanted, list(cards) or list(known))
        also = f" Did you mean {' or '.join(near)}?" if near else ""
        raise GrammarError(f"no model has {command.argument!r} in its name, maker or kind.{also}")
    head = ["model", "maker", "kind", "context (tokens)", "in ($/1M)", "out ($/1M)"]
    publish(shell, tables.listing(head, rows, numbers=[3, 4, 5], note=note))


def _price(usd: float | None) -> str:
    """A price with two digits behind the point, or more where it has more."""
    if usd is None:
        return ""
    return f"{usd:.2f}" if round(usd, 2) == usd else f"{usd:g}"


def _continue(shell: Any, command: Command) -> None:
    last = session.last
    question = None if last is None else continuation(last.question, last.answer)
    if last is None or question is None:
        what = "there is no answer yet" if last is None else "the last answer is complete"
        raise GrammarError(f"nothing to continue: {what}")
    run(shell, question, out=last.out)


def _key(shell: Any, command: Command) -> None:
    from getpass import getpass

    from groqnb.keys import set_session_key

    try:
        set_session_key(getpass("Groq API key (hidden, kept in memory only): "))
    except ParameterError as error:
        raise GrammarError(str(error)) from None
    except (EOFError, KeyboardInterrupt):
        raise GrammarError("no key was typed in") from None
    except Exception as error:
        # What a front end without input raises, as nbclient is, is known by its name alone.
        if type(error).__name__ != "StdinNotImplementedError":
            raise
        raise GrammarError(
            "this notebook cannot ask for input: set GROQ_API_KEY before it starts"
        ) from None
    publish(shell, tables.notice(f"Calls go to {target_badge(current_target())} now."))


def _doctor(shell: Any, command: Command) -> None:
    from groqnb.doctor import checks

    marks = {True: "ok", False: "broken", None: "absent"}
    rows = [[c.name, marks[c.ok], c.detail, c.hint] for c in checks(current_target())]
    publish(shell, tables.listing(["what", "state", "found", "what to do"], rows))


def _usage(shell: Any, command: Command) -> None:
    from groqnb.magics.usage import usage

    usage(shell, command)


def _limits(shell: Any, command: Command) -> None:
    from groqnb.magics.limits import limits

    limits(shell, command)


def _budget(shell: Any, command: Command) -> None:
    from groqnb.magics.limits import budget

    budget(shell, command)


def _transcribe(shell: Any, command: Command) -> None:
    from groqnb.magics import audio as magic_audio

    try:
        magic_audio.transcribe(shell, command)
    except GroqnbError as error:
        fail(error)


def _speak(shell: Any, command: Command) -> None:
    from groqnb.magics import audio as magic_audio

    try:
        magic_audio.speak(shell, command)
    except GroqnbError as error:
        fail(error)


def _export(shell: Any, command: Command) -> None:
    from groqnb.magics.export import export

    export(shell, command)


def _chat(shell: Any, command: Command) -> None:
    from groqnb.magics.chat import chat

    chat(shell, command)


def _preset(shell: Any, command: Command) -> None:
    from groqnb.magics.presets import preset

    preset(shell, command)


def _help(shell: Any, command: Command) -> None:
    print(help_text())


_COMMANDS: dict[str, Callable[[Any, Command], None]] = {
    "state": _state,
    "use": _use,
    "models": _models,
    "transcribe": _transcribe,
    "speak": _speak,
    "usage": _usage,
    "limits": _limits,
    "budget": _budget,
    "replay": magic_replay.replay,
    "export": _export,
    "chat": _chat,
    "continue": _continue,
    "preset": _preset,
    "key": _key,
    "doctor": _doctor,
    "help": _help,
}
