"""`--guard` in `%%groq`: what is asked and what is answered is judged first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from groqnb.guarding import ON_HIT, Checked, Guard, OnHit, redacted
from groqnb.magics.words import GrammarError
from groqnb.session import session
from groqnb.showing import INTERRUPTS, Asked
from groqnb.types.errors import GroqnbError, GuardError

if TYPE_CHECKING:
    from groqnb.conversation import Question
    from groqnb.render.stream import Painter
    from groqnb.types.answer import Answer
    from groqnb.types.answer_builder import AnswerBuilder

__all__ = ["ask_guarded", "guard_of"]


def guard_of(text: str) -> Guard:
    """The guard that `--guard` names: by what it does on a hit. Raises GrammarError."""
    word = "block" if text == "default" else text
    if word not in ON_HIT:
        raise GrammarError(f"--guard {text}: write one of {', '.join(ON_HIT)}")
    return Guard(on_hit=cast(OnHit, word))


def ask_guarded(
    question: Question, guard: Guard, shown: Painter, ask: Callable[[Painter], Asked]
) -> Asked:
    """Judge the question, ask, judge the answer; nothing of it is shown before.

    An interrupt while it is judged leaves nothing of it.
    """
    shown.say("checking the prompt")
    try:
        before = guard.before(question.messages)
    except INTERRUPTS:
        return _stopped(question, shown)
    except GroqnbError as error:
        _in_words_of_magics(error)
        shown.fail(error, question.model)
        return Asked(None, error)
    held = _Held(shown)
    asked = ask(held)
    if asked.answer is None:
        return asked
    shown.say("checking the answer")
    try:
        said = asked.answer.whole or asked.answer.reasoning or ""
        text, behind = guard.behind(said)
    except INTERRUPTS:
        return _stopped(question, shown)
    except GroqnbError as error:
        _in_words_of_magics(error)
        shown.fail(error, question.model)
        return Asked(None, asked.error or error)
    answer = asked.answer if text == said else redacted(asked.answer, text)
    shown.finish(answer, " · ".join(filter(None, [held.note, _told(before, behind)])))
    return replace(asked, answer=answer)


def _in_words_of_magics(error: GroqnbError) -> None:
    if isinstance(error, GuardError):
        error.hint = "`--guard warn` would only have said so."


def _stopped(question: Question, shown: Painter) -> Asked:
    answer = question.builder(session.target).build(stopped=True)
    shown.finish(answer)
    return Asked(answer)


def _told(before: Checked, behind: Checked) -> str:
    missing = list(dict.fromkeys([*before.missing, *behind.missing]))
    words = []
    for what, checked in (("prompt", before), ("answer", behind)):
        heard = [each for each in checked if each.verdict is not None]
        if checked.hit:
            words.append(f"{what} {'; '.join(str(each.verdict) for each in heard if each.hit)}")
        elif heard:
            words.append(f"{what} safe")
        elif checked.missing:
            words.append(f"{what} not judged")
    if missing:
        words.append(f"{' and '.join(missing)} cannot be asked here")
    return f"guarded: {', '.join(words)}" if words else ""


class _Held:
    """Says how far a call is, and keeps its answer to itself."""

    def __init__(self, shown: Painter) -> None:
        self._shown = shown
        self.badge = shown.badge
        self.note: str | None = None

    def say(self, status: str) -> None:
        self._shown.say(status)

    def progress(self, what: str, done: int, total: int) -> None:
        self._shown.progress(what, done, total)

    def show(self, builder: AnswerBuilder) -> None:
        """Nothing: it is not judged yet."""

    def finish(self, answer: Answer, note: str | None = None) -> None:
        self._shown.badge = self.badge
        self.note = note

    def fail(self, error: GroqnbError, model: str = "") -> None:
        self._shown.fail(error, model)

    def again(self) -> _Held:
        return self
