"""A question of the magics: from its options to the call, the answer on the page, and its names."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from groqnb import magic_audio, magic_images
from groqnb.conversation import Question, estimate, single
from groqnb.interpolation import interpolate, value_of
from groqnb.ledger.watch import watch
from groqnb.magic_options import help_text
from groqnb.magic_parser import Ask, GrammarError, json_value, model_names
from groqnb.magic_replay import for_cell, is_on
from groqnb.magic_stopping import stop
from groqnb.record.scrub import Scrubber
from groqnb.render import tables
from groqnb.render.failures import short_message
from groqnb.render.message import cost, dollars
from groqnb.render.stream import painter, publish
from groqnb.session import session
from groqnb.showing import ask as call
from groqnb.showing import target_badge
from groqnb.types.errors import APIStatusError, GroqnbError

if TYPE_CHECKING:
    from groqnb.magic_parser import Param
    from groqnb.render.columns import ColumnsPainter
    from groqnb.render.stream import Painter
    from groqnb.showing import Asked
    from groqnb.target import Target

__all__ = ["ask", "current_target", "fail", "run"]

_MOST_MODELS = 8


def ask(shell: Any, asked: Ask, text: str, names: Mapping[str, Any]) -> None:
    """Ask what `asked` says, with `text` as the prompt; raises as `run_cell` does."""
    if asked.help:
        print(help_text())
        return
    try:
        record = for_cell(asked.replay)
    except GroqnbError as error:
        fail(error)
    with record:
        _ask(shell, asked, text, names)


def _ask(shell: Any, asked: Ask, text: str, names: Mapping[str, Any]) -> None:
    try:
        question = _question(shell, asked, text, names)
    except GroqnbError as error:
        fail(error)
    models = model_names(question.model)
    for model in models:
        magic_images.check_model(model, question.messages)
    if len(models) > 1:
        _compare(shell, asked, question, models)
        return
    question.model = models[0] if models else question.model
    if asked.dry_run:
        _dry_run(shell, question, stream=not asked.no_stream)
    else:
        run(shell, question, out=asked.out, stream=not asked.no_stream)


def _question(shell: Any, asked: Ask, text: str, names: Mapping[str, Any]) -> Question:
    def fill(value: str) -> str:
        return value if asked.raw else interpolate(value, names)

    text = fill(text)
    if not text.strip():
        raise GrammarError("nothing to ask: the prompt is empty once {{ }} is filled in")
    system = None if asked.system is None else fill(asked.system)
    chat = None if asked.chat is None else session.chat(asked.chat)
    found: Callable[[str], Any] = str if asked.raw else lambda value: value_of(value, names)
    images = magic_images.read(
        asked,
        names,
        found,
        earlier=chat.messages if chat is not None else (),
    )
    text = magic_audio.prompt(text, magic_audio.hear(shell, asked, names, found))
    content = magic_images.content(text, images)
    messages = single(content, system=system) if chat is None else chat.ask(content, system=system)
    usual, remark = session.default_model, ""
    if asked.model is None:
        model = magic_images.model_for(usual, messages)
        remark = f"{usual} takes no images" if model != usual else ""
    else:
        model = fill(asked.model)
    question = Question(
        messages,
        model=model,
        params={n: _value(param, names, raw=asked.raw) for n, param in asked.params.items()},
        chat=asked.chat,
        images=images,
        remark=remark,
    )
    if asked.kind is not None or asked.tools is not None or asked.guard is not None:
        _add_form_and_tools(question, asked, names)
    return question


def _add_form_and_tools(question: Question, asked: Ask, names: Mapping[str, Any]) -> None:
    """What `--as`, `--tools` and `--guard` say."""
    from groqnb import magic_guard, magic_tools, magic_typed

    if asked.kind is not None and asked.tools is not None:
        raise GrammarError("--as and --tools exclude each other: ask with tools first")
    if len(model_names(question.model)) > 1:
        raise GrammarError("--as, --tools and --guard go with one model: name one after -m")
    for option, name in (("--as", "response_format"), ("--tools", "tools")):
        if name in question.params and getattr(asked, "kind" if option == "--as" else "tools"):
            raise GrammarError(f"{option} and -p {name}=… exclude each other")
    if asked.kind == "json":
        question.params["response_format"] = {"type": "json_object"}
    elif asked.kind is not None:
        question.kind = magic_typed.kind_of(asked.kind, names)
    if asked.tools is not None:
        question.tools = magic_tools.find(asked.tools, names)
    if asked.guard is not None:
        question.guard = magic_guard.guard_of(asked.guard)


def _value(param: Param, names: Mapping[str, Any], *, raw: bool) -> Any:
    if raw or "{{" not in param.text:
        return param.value()
    value = value_of(param.text, names)
    if isinstance(value, str):
        with suppress(ValueError):
            return json_value(value)
    return value


def run(shell: Any, question: Question, *, out: str | None, stream: bool = True) -> None:
    """Make the call, show its answer, keep it as `_groq` and under the name `out`."""
    try:
        client = session.client()
    except GroqnbError as error:
        fail(error)
    target = client.target
    taped = is_on()
    # With a record on, a cell shows the same whether it is asked or replayed.
    reason = None if taped else session.why(target)
    notes = [
        magic_images.note(question.images, "" if taped else target.kind),
        question.remark,
        None if reason is None else f"went there because {reason}",
    ]
    note = " · ".join(each for each in notes if each) or None
    if not taped:
        _warn(shell, question, target, [question.model])
    shown = painter(shell, target_badge(target))

    def put(turn: Question, shown: Painter) -> Asked:
        def listen(progress: Any) -> None:
            shown.progress(progress.what, progress.done, progress.total)
            if progress.done >= progress.total:
                shown.say("starting the engine")

        with session.progress_to(listen):
            return call(client, turn, shown, stream=stream, note=note)

    def answer(shown: Painter) -> Asked:
        if question.tools:
            from groqnb.magic_tools import ask_with_tools

            return ask_with_tools(shell, question, shown, put)
        return put(question, shown)

    if question.guard is None:
        asked = answer(shown)
    else:
        from groqnb.magic_guard import ask_guarded

        asked = ask_guarded(question, question.guard, shown, answer)
    if asked.answer is not None:
        session.keep(question, asked.answer, out)
        shell.user_ns["_groq"] = asked.answer
        if out is not None:
            shell.user_ns[out] = asked.answer
        if asked.answer.stopped:
            stop(shell)
    if asked.error is not None:
        _name_models(asked.error, question.model)
        fail(asked.error)


def _warn(shell: Any, question: Question, target: Target, models: list[str]) -> None:
    """Say which limits the question would exceed, before it is asked."""
    tokens = estimate(list(question.sent))
    for model in models:
        warning = watch.limits.warning(model, target.kind, tokens)
        if warning is not None:
            publish(shell, tables.notice(warning))


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
        if not is_on() and not client.target.connected():
            _start_engine(shown, client.target)
    except GroqnbError as error:
        fail(error)
    if not is_on():
        _warn(shell, question, client.target, models)
    settings = {**session.settings, "where": session.where}
    compared = compare(client, settings, question, models, shown, stream=stream)
    if question.images:
        where = "" if is_on() else client.target.kind
        publish(shell, tables.notice(magic_images.note(question.images, where)))
    table = compared.to_frame()
    shell.user_ns["_groq"] = table
    if asked.out is not None:
        shell.user_ns[asked.out] = table
    if compared.stopped:
        stop(shell)
    if compared.errors:
        failure = compared.errors[0]
        if len(models) > len(compared.errors):
            kept = f"{len(models) - len(compared.errors)} of {len(models)} answered"
            failure.hint = f"{failure.hint or ''} {kept}; the table is in _groq.".strip()
        fail(failure)


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
    target = current_target()
    params = dict(question.params)
    if question.kind is not None:
        from groqnb.types.answer_type import answer_type

        stream = False
        params["response_format"] = answer_type(question.kind).response_format
    if question.tools:
        params["tools"] = list(question.tools)
    tokens = estimate(list(question.sent))
    has_images = any(isinstance(message["content"], list) for message in question.sent)
    uncounted = "; images come on top" if has_images else ""
    if target.kind == "local":
        price = "nothing: the local engine answers"
    else:
        price = dollars(cost(question.model, tokens, 0)) if target.kind == "cloud" else "unknown"
        price = f"{price} for the prompt, the answer comes on top" if "$" in price else price
    pairs = [
        ("would go to", f"{target_badge(target)}, because {target.why}"),
        ("model", question.model),
        # What is for another service, a header or a key, is nobody's to read in a notebook.
        ("parameters", json.dumps(Scrubber().value({"stream": stream, **params}), default=str)),
        ("tokens", f"about {tokens} in (an estimate: four characters each{uncounted})"),
        ("cost", price),
        ("sent", "nothing"),
    ]
    sent = [(m["role"], magic_images.said(m)) for m in question.sent]
    publish(shell, tables.messages(sent, pairs))


def fail(error: GroqnbError) -> NoReturn:
    """Raise `error` so that the cell fails and shows two lines, no traceback."""
    lines = [short_message(error)]
    if error.hint:
        lines.append(error.hint)
    # IPython asks an exception for this before it formats a traceback of its own.
    error.__dict__["_render_traceback_"] = partial(list, lines)
    raise error.with_traceback(None) from None


def current_target() -> Target:
    """Where calls go now; a cell fails shortly where that cannot be said."""
    try:
        return session.target
    except GroqnbError as error:
        fail(error)
