"""`-m a,b` in `%%groq`: several models asked side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from groqnb.conversation import Question
from groqnb.magics import images as magic_images
from groqnb.magics.dry_run import dry_run
from groqnb.magics.failing import fail
from groqnb.magics.limits import warn
from groqnb.magics.parser import Ask, GrammarError
from groqnb.magics.replay import is_on
from groqnb.magics.stopping import stop
from groqnb.render import tables
from groqnb.render.stream import publish
from groqnb.session import session
from groqnb.showing import target_badge
from groqnb.types.errors import GroqnbError

if TYPE_CHECKING:
    from groqnb.render.columns import ColumnsPainter
    from groqnb.target import Target

__all__ = ["compare_models"]

_MOST_MODELS = 8


def compare_models(shell: Any, asked: Ask, question: Question, models: list[str]) -> None:
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
            dry_run(shell, replace(question, model=model), stream=stream)
        return
    try:
        client = session.client()
        shown = ColumnsPainter(shell, target_badge(client.target))
        if not is_on() and not client.target.connected():
            _start_engine(shown, client.target)
    except GroqnbError as error:
        fail(error)
    if not is_on():
        warn(shell, question, client.target, models)
    settings = {**session.settings, "where": session.where}
    compared = compare(client, settings, question, models, shown, stream=stream)
    where = "" if is_on() else client.target.kind
    sent = [magic_images.note(question.images, where), question.context]
    if any(sent):
        publish(shell, tables.notice(" · ".join(filter(None, sent))))
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
