"""A question of the magics: from its options to the call, the answer on the page, and its names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from groqnb.ledger.place import running_cell
from groqnb.magics import images as magic_images
from groqnb.magics.failing import fail, name_models
from groqnb.magics.limits import warn
from groqnb.magics.options import help_text
from groqnb.magics.parser import Ask, model_names
from groqnb.magics.question import question_of
from groqnb.magics.replay import for_cell, is_on
from groqnb.magics.stopping import stop
from groqnb.render.stream import painter
from groqnb.session import session
from groqnb.showing import ask as call
from groqnb.showing import target_badge
from groqnb.types.errors import GroqnbError

if TYPE_CHECKING:
    from groqnb.conversation import Question
    from groqnb.render.stream import Painter
    from groqnb.showing import Asked

__all__ = ["ask", "run"]


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
        question = question_of(shell, asked, text, names)
    except GroqnbError as error:
        fail(error)
    models = model_names(question.model)
    for model in models:
        magic_images.check_model(model, question.messages)
    if len(models) > 1:
        from groqnb.magics.comparing import compare_models

        compare_models(shell, asked, question, models)
        return
    question.model = models[0] if models else question.model
    if asked.dry_run:
        from groqnb.magics.dry_run import dry_run

        dry_run(shell, question, stream=not asked.no_stream)
    else:
        run(shell, question, out=asked.out, stream=not asked.no_stream)


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
        question.context,
        question.remark,
        None if reason is None else f"went there because {reason}",
    ]
    note = " · ".join(each for each in notes if each) or None
    if not taped:
        warn(shell, question, target, [question.model])
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
            from groqnb.magics.tools import ask_with_tools

            return ask_with_tools(shell, question, shown, put)
        return put(question, shown)

    if question.guard is None:
        asked = answer(shown)
    else:
        from groqnb.magics.guard import ask_guarded

        asked = ask_guarded(question, question.guard, shown, answer)
    if asked.answer is not None:
        session.keep(question, asked.answer, out, running_cell(shell))
        shell.user_ns["_groq"] = asked.answer
        if out is not None:
            shell.user_ns[out] = asked.answer
        if question.in_cell and asked.error is None and not asked.answer.stopped:
            from groqnb.magics.forms import put_into_cell

            put_into_cell(shell, asked.answer)
        if asked.answer.stopped:
            stop(shell)
    if asked.error is not None:
        name_models(asked.error, question.model)
        fail(asked.error)
