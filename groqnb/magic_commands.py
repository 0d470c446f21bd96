"""What the magics do: parse, call, show. Called by `groqnb.magics` with the shell it runs in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from groqnb.conversation import Question, continuation, estimate, single
from groqnb.interpolation import interpolate, value_of
from groqnb.magic_options import help_text
from groqnb.magic_parser import (
    Ask,
    Command,
    GrammarError,
    json_value,
    model_names,
    parse_cell,
    parse_line,
)
from groqnb.render import tables
from groqnb.render.message import cost, dollars
from groqnb.render.stream import painter, publish
from groqnb.session import session
from groqnb.showing import ask as call
from groqnb.showing import target_badge
from groqnb.types.errors import APIStatusError, GroqnbError, ParameterError

if TYPE_CHECKING:
    from groqnb.magic_parser import Param
    from groqnb.render.columns import ColumnsPainter
    from groqnb.target import Target

__all__ = ["run_cell", "run_line"]

_MOST_MODELS = 8


def run_cell(shell: Any, line: str, body: str, names: Mapping[str, Any]) -> None:
    """Run `%%groq`.

    Raises GrammarError and InterpolationError for mistakes in it, and groqnb's errors for the call.
    """
    asked = parse_cell(line)
    if not asked.help and not body.strip():
        raise GrammarError("nothing to ask: the prompt goes below the line with %%groq")
    _ask(shell, asked, body.strip("\n"), names)


def run_line(shell: Any, line: str, names: Mapping[str, Any]) -> None:
    """Run `%groq`. Raises as `run_cell` does."""
    parsed = parse_line(line)
    if isinstance(parsed, Ask):
        _ask(shell, parsed, parsed.text, names)
        return
    _COMMANDS[parsed.name](shell, parsed)


def _fail(error: GroqnbError) -> NoReturn:
    """Raise `error` so that the cell fails and shows two lines, no traceback."""
    lines = [f"{type(error).__name__}: {error.message}"]
    if error.hint:
        lines.append(error.hint)
    # IPython asks an exception for this before it formats a traceback of its own.
    error.__dict__["_render_traceback_"] = partial(list, lines)
    raise error.with_traceback(None) from None


# --- asking ---------------------------------------------------------------------------------------


def _ask(shell: Any, asked: Ask, text: str, names: Mapping[str, Any]) -> None:
    if asked.help:
        print(help_text())
        return
    question = _question(asked, text, names)
    models = model_names(question.model)
    if len(models) > 1:
        _compare(shell, asked, question, models)
        return
    question.model = models[0] if models else question.model
    if asked.dry_run:
        _dry_run(shell, question, stream=not asked.no_stream)
    else:
        _run(shell, question, out=asked.out, stream=not asked.no_stream)


def _question(asked: Ask, text: str, names: Mapping[str, Any]) -> Question:
    def fill(value: str) -> str:
        return value if asked.raw else interpolate(value, names)

    text = fill(text)
    if not text.strip():
        raise GrammarError("nothing to ask: the prompt is empty once {{ }} is filled in")
    system = None if asked.system is None else fill(asked.system)
    if asked.chat is None:
        messages = single(text, system=system)
    else:
        messages = session.chat(asked.chat).ask(text, system=system)
    return Question(
        messages,
        model=session.default_model if asked.model is None else fill(asked.model),
        params={n: _value(param, names, raw=asked.raw) for n, param in asked.params.items()},
        chat=asked.chat,
    )


def _value(param: Param, names: Mapping[str, Any], *, raw: bool) -> Any:
    if raw or "{{" not in param.text:
        return param.value()
    value = value_of(param.text, names)
    if isinstance(value, str):
        with suppress(ValueError):
            return json_value(value)
    return value


def _run(shell: Any, question: Question, *, out: str | None, stream: bool = True) -> None:
    try:
        client = session.client()
    except GroqnbError as error:
        _fail(error)
    target = client.target
    reason = session.why(target)
    note = None if reason is None else f"went there because {reason}"
    shown = painter(shell, target_badge(target))

    def listen(progress: Any) -> None:
        shown.progress(progress.what, progress.done, progress.total)
        if progress.done >= progress.total:
            shown.say("starting the engine")

    with session.progress_to(listen):
        asked = call(client, question, shown, stream=stream, note=note)
    if asked.answer is not None:
        session.keep(question, asked.answer, out)
        shell.user_ns["_groq"] = asked.answer
        if out is not None:
            shell.user_ns[out] = asked.answer
    if asked.error is not None:
        _name_models(asked.error, question.model)
        _fail(asked.error)


def _compare(shell: Any, asked: Ask, question: Question, models: list[str]) -> None:
    """Ask several models side by side; `_groq`, and the name after -o, are a DataFrame then."""
    from groqnb.comparing import compare
    from groqnb.render.columns import ColumnsPainter

    if asked.chat is not None:
        raise GrammarError("-c goes on with one model: leave it out, or name one model after -m")
    if len(models) > _MOST_MODELS:
        raise GrammarError(f"-m compares up to {_MOST_MODELS} models; these are {len(models)}")
    stream = not asked.no_stream
    if asked.dry_run:
        for model in models:
            _dry_run(shell, replace(question, model=model), stream=stream)
        return
    try:
        client = session.client()
        shown = ColumnsPainter(shell, target_badge(client.target))
        if not client.target.connected():
            _start_engine(shown, client.target)
    except GroqnbError as error:
        _fail(error)
    settings = {**session.settings, "where": session.where}
    compared = compare(client, settings, question, models, shown, stream=stream)
    table = compared.to_frame()
    shell.user_ns["_groq"] = table
    if asked.out is not None:
        shell.user_ns[asked.out] = table
    if compared.errors:
        failure = compared.errors[0]
        if len(models) > len(compared.errors):
            kept = f"{len(models) - len(compared.errors)} of {len(models)} answered"
            failure.hint = f"{failure.hint or ''} {kept}; the table is in _groq.".strip()
        _fail(failure)


def _start_engine(shown: ColumnsPainter, target: Target) -> None:
    """Start the local engine before several calls need it, and say so meanwhile."""
    shown.say("starting the engine")
    target.connect(lambda now: shown.progress(now.what, now.done, now.total))
    shown.badge = target_badge(target)


def _name_models(error: GroqnbError, model: str) -> None:
    """Where the model is not known, name those of the live list that look like it."""
    if not isinstance(error, APIStatusError):
        return
    if error.code != "model_not_found" and not (
        error.status_code == 404 and error.param == "model"
    ):
        return
    from groqnb import catalog

    with suppress(GroqnbError):
        session.fetch_models()
    found = catalog.near(model, session.known_models())
    unnamed = [name for name in found if name not in error.message]
    meant = f"Did you mean {' or '.join(found)}? " if unnamed else ""
    error.hint = f"{meant}`%groq models` lists what there is."


def _dry_run(shell: Any, question: Question, *, stream: bool) -> None:
    target = _target()
    tokens = estimate(list(question.sent))
    if target.kind == "local":
        price = "nothing: the local engine answers"
    else:
        price = dollars(cost(question.model, tokens, 0)) if target.kind == "cloud" else "unknown"
        price = f"{price} for the prompt, the answer comes on top" if "$" in price else price
    pairs = [
        ("would go to", f"{target_badge(target)}, because {target.why}"),
        ("model", question.model),
        ("parameters", json.dumps({"stream": stream, **question.params}, default=str)),
        ("tokens", f"about {tokens} in (an estimate: four characters each)"),
        ("cost", price),
        ("sent", "nothing"),
    ]
    sent = [(m["role"], str(m["content"])) for m in question.sent]
    publish(shell, tables.messages(sent, pairs))


# --- commands -------------------------------------------------------------------------------------


def _target() -> Target:
    try:
        return session.target
    except GroqnbError as error:
        _fail(error)


def _state(shell: Any, command: Command) -> None:
    from groqnb.keys import PLACES

    target, totals = _target(), session.totals
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
    limit = session.rate_limit
    if limit is not None:
        pairs.append(
            (
                "limits",
                f"{limit.remaining_requests} of {limit.limit_requests} requests a day and "
                f"{limit.remaining_tokens} of {limit.limit_tokens} tokens a minute are left",
            )
        )
    publish(shell, tables.facts(pairs))


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

    target = _target()
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
        _fail(error)
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
            f"{price.input:g}" if price and price.input is not None else "",
            f"{price.output:g}" if price and price.output is not None else "",
        ]
        if wanted in " ".join(row[:3]).lower():
            rows.append(row)
    if not rows:
        near = catalog.near(wanted, list(cards) or list(known))
        also = f" Did you mean {' or '.join(near)}?" if near else ""
        raise GrammarError(f"no model has {command.argument!r} in its name, maker or kind.{also}")
    head = ["model", "maker", "kind", "context (tokens)", "in ($/1M)", "out ($/1M)"]
    publish(shell, tables.listing(head, rows, numbers=[3, 4, 5], note=note))


def _continue(shell: Any, command: Command) -> None:
    last = session.last
    question = None if last is None else continuation(last.question, last.answer)
    if last is None or question is None:
        what = "there is no answer yet" if last is None else "the last answer is complete"
        raise GrammarError(f"nothing to continue: {what}")
    _run(shell, question, out=last.out)


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
    publish(shell, tables.notice(f"Calls go to {target_badge(_target())} now."))


def _doctor(shell: Any, command: Command) -> None:
    from groqnb.doctor import checks

    marks = {True: "ok", False: "broken", None: "absent"}
    rows = [[c.name, marks[c.ok], c.detail, c.hint] for c in checks(_target())]
    publish(shell, tables.listing(["what", "state", "found", "what to do"], rows))


def _help(shell: Any, command: Command) -> None:
    print(help_text())


_COMMANDS: dict[str, Callable[[Any, Command], None]] = {
    "state": _state,
    "use": _use,
    "models": _models,
    "continue": _continue,
    "key": _key,
    "doctor": _doctor,
    "help": _help,
}
