"""An answer on the page while it streams: one display, repainted whole, not too often.

A notebook that is repainted for each token falls seconds behind its kernel, so a repaint waits
until 50 ms have gone by, longer for long texts (the page lays the whole of it out again), for
formulas (it typesets them again), and so long that painting stays a small share of the kernel's
time. The last paint always happens. A terminal has no displays to repaint: the text is printed as
it comes.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Protocol

from groqnb.render.failures import failure_details, failure_facts
from groqnb.render.html import Child, el, page
from groqnb.render.message import (
    Bundle,
    LiveView,
    answer_bundle,
    live_footer,
    plain_parts,
    terminal_footer,
)
from groqnb.render.plain import clean

if TYPE_CHECKING:
    from groqnb.types.answer import Answer
    from groqnb.types.answer_builder import AnswerBuilder
    from groqnb.types.errors import GroqnbError

__all__ = [
    "PagePainter",
    "Painter",
    "TerminalPainter",
    "current_shell",
    "painter",
    "publish",
    "shows_updates",
]

_SHORTEST = 0.05  # s between two paints
_CHARACTERS = 400_000.0  # characters that add one second to that
_FORMULA = 0.02  # s for each formula: the page typesets all of them again
_SHARE = 240  # painting may take one part in so many of the kernel's time
_LONGEST = 0.3  # s, however costly a paint seemed: clocks are coarse on some systems


class Painter(Protocol):
    """What the magics tell of an answer on its way; `finish` or `fail` comes last.

    `badge` says who answers; for the local engine more is known once it runs.
    """

    badge: str

    def say(self, status: str) -> None:
        """A new state of things before the first token: "asking …"."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Something is fetched first; `done` of `total` bytes have come."""

    def show(self, builder: AnswerBuilder) -> None:
        """More of the answer has come."""

    def finish(self, answer: Answer, note: str | None = None) -> None:
        """The answer is complete, or as complete as it will be."""

    def fail(self, error: GroqnbError, model: str = "") -> None:
        """There will be no answer; nothing of it had come. Somebody else shows the error."""

    def again(self) -> Painter:
        """The painter for the next turn of the same question."""


def current_shell() -> Any:
    """IPython's shell, None outside of IPython."""
    # Without IPython loaded there is no shell to ask for.
    if "IPython" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    return get_ipython()


def shows_updates(shell: Any) -> bool:
    """True when what `shell` displays can be updated later; a terminal's text cannot."""
    from IPython.core.displaypub import DisplayPublisher

    return shell is not None and type(shell.display_pub) is not DisplayPublisher


def publish(shell: Any, bundle: Bundle) -> None:
    """Show a bundle; where there is no shell, print its plain text."""
    if shell is None:
        print(bundle["text/plain"])
    else:
        shell.display_pub.publish(data=bundle, metadata={})


def painter(shell: Any, badge: str) -> Painter:
    """The painter for this front end; `badge` says where the call goes."""
    return PagePainter(shell, badge) if shows_updates(shell) else TerminalPainter(badge)


class PagePainter:
    """Paints into one display of a notebook."""

    def __init__(self, shell: Any, badge: str) -> None:
        self._shell = shell
        self.badge = badge
        self._display_id = os.urandom(16).hex()
        self._shown = False
        self._view = LiveView()
        self._next = 0.0

    def say(self, status: str) -> None:
        """Paint the state before the first token, at once."""
        self._status(f"{status}…", el("span", f"{status}…", class_="gn-live"))

    def progress(self, what: str, done: int, total: int) -> None:
        """Paint a bar, as often as the time allows."""
        now = time.monotonic()
        if now < self._next and done < total:
            return
        self._next = now + 0.1
        text = _progress_text(what, done, total)
        bar = el("progress", value=str(done), max=str(max(total, 1)), aria_label=what)
        self._status(text, bar, f" {text}")

    def show(self, builder: AnswerBuilder) -> None:
        """Paint what has come, unless it is too soon."""
        if time.monotonic() < self._next:
            return
        started = time.thread_time()
        answer = builder.build(complete=False)
        waiting = "calling tools…" if answer.tool_calls else "thinking…"
        status = "answering…" if answer.text else waiting
        foot = live_footer(self.badge, el("span", status, class_="gn-live"))
        html = self._view.html(answer, foot)
        self._publish({"text/html": html, "text/plain": clean(answer.text)})
        characters = len(answer.text) + len(answer.reasoning or "") + self._view.weight
        self._next = time.monotonic() + max(
            _SHORTEST,
            characters / _CHARACTERS,
            _FORMULA * self._view.formulas,
            min((time.thread_time() - started) * _SHARE, _LONGEST),
        )

    def finish(self, answer: Answer, note: str | None = None) -> None:
        """Paint the whole answer with its footer."""
        self._publish(answer_bundle(answer, note=note, view=self._view))

    def fail(self, error: GroqnbError, model: str = "") -> None:
        """Say in place of "asking…" who did not answer, and fold what the error cuts short."""
        facts = failure_facts(error, model)
        foot = live_footer(self.badge, *facts)
        text = f"— {' · '.join([self.badge, *facts])}"
        self._publish({"text/html": page(failure_details(error), foot), "text/plain": text})

    def again(self) -> PagePainter:
        """Paints into the same display: the answer has the earlier turns in it."""
        following = PagePainter(self._shell, self.badge)
        following._display_id, following._shown = self._display_id, self._shown
        return following

    def _status(self, plain: str, *html: Child) -> None:
        foot = live_footer(self.badge, *html)
        text = f"— {self.badge} · {plain}"
        self._publish({"text/html": page(foot), "text/plain": text})

    def _publish(self, bundle: Bundle) -> None:
        self._shell.display_pub.publish(
            data=bundle,
            metadata={},
            transient={"display_id": self._display_id},
            update=self._shown,
        )
        self._shown = True


class TerminalPainter:
    """Prints into a terminal, or wherever standard output goes."""

    def __init__(self, badge: str) -> None:
        self.badge = badge
        self._printed = ""
        self._reasoned = 0
        self._next = 0.0
        self._open = ""  # what stands on the last line, to be overwritten

    def say(self, status: str) -> None:
        """Print the state on a line of its own."""
        self._line(f"— {self.badge} · {status}…")

    def progress(self, what: str, done: int, total: int) -> None:
        """Overwrite one line; where that cannot be, print one from time to time."""
        now = time.monotonic()
        if now < self._next and done < total:
            return
        overwrite = sys.stdout.isatty()
        self._next = now + (0.2 if overwrite else 10)
        text = _progress_text(what, done, total)
        if overwrite:
            print("\r" + text.ljust(len(self._open)), end="", flush=True)
            self._open = text
        else:
            self._line(text)

    def show(self, builder: AnswerBuilder) -> None:
        """Print what has come since the last time."""
        reasoning, text = builder.parts()
        if reasoning and len(reasoning) > self._reasoned and not self._printed:
            self._write(("" if self._reasoned else "Reasoning: ") + reasoning[self._reasoned :])
            self._reasoned = len(reasoning)
        if text and not self._printed and self._reasoned:
            self._write("\n\n")
        self._write(text[len(self._printed) :])
        self._printed = text

    def finish(self, answer: Answer, note: str | None = None) -> None:
        """Print the rest and the footer."""
        before, after = plain_parts(answer)
        # What stands before the text can no longer do so once the text is printed.
        for part in before:
            if self._printed or self._reasoned:
                after.insert(0, part)
            else:
                self._line(part + "\n")
        self._write(answer.text[len(self._printed) :])
        self._line("")
        for part in after:
            self._line("\n" + part)
        self._line("\n" + terminal_footer(answer, note))

    def fail(self, error: GroqnbError, model: str = "") -> None:
        """End the line; the error follows."""
        self._line(f"— {' · '.join(failure_facts(error, model))}")

    def again(self) -> TerminalPainter:
        """Prints on, below."""
        return TerminalPainter(self.badge)

    def _write(self, text: str) -> None:
        if text:
            self._close()
            print(clean(text), end="", flush=True)

    def _line(self, text: str) -> None:
        self._close()
        print(text, flush=True)

    def _close(self) -> None:
        if self._open:
            print()
            self._open = ""


def _progress_text(what: str, done: int, total: int) -> str:
    share = 100 * done // total if total else 0
    return f"{what}: {done / 1e6:.0f} of {total / 1e6:.0f} MB, {share} %"
