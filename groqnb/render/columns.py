"""Several answers side by side, one column for each model, filled while they stream."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from groqnb.render.failures import failure_details, short_message
from groqnb.render.html import Child, Markup, el, page, table
from groqnb.render.markdown import IGNORE_MATH, MarkdownView
from groqnb.render.message import Bundle, badge, cost, dollars, live_footer
from groqnb.render.plain import clean, columns
from groqnb.render.stream import publish, shows_updates
from groqnb.render.tools import call_html, call_plain
from groqnb.types.answer import Answer
from groqnb.types.answer_builder import AnswerBuilder
from groqnb.types.errors import GroqnbError

__all__ = ["Column", "ColumnsPainter", "columns_bundle"]

_SHORTEST = 0.1  # s between two paints
_CHARACTERS = 200_000.0  # characters that add one second to that
_SHARE = 30  # painting may take one part in so many of the kernel's time
_HEAD = ("model", "TTFT", "tokens/s", "total", "tokens in", "out", "cost")


@dataclass
class Column:
    """One model's answer on its way: `answer` or `error` is there at the end, or both."""

    model: str
    builder: AnswerBuilder
    answer: Answer | None = None
    error: GroqnbError | None = None
    text_view: MarkdownView = field(default_factory=MarkdownView, repr=False)
    reasoning_view: MarkdownView = field(default_factory=MarkdownView, repr=False)
    finished: bool = False

    def finish(self, *, stopped: bool, **told: Any) -> None:
        """Note the end, once. An error before any text leaves no answer."""
        if self.finished:
            return
        answer = self.builder.build(stopped=stopped, **told)
        if self.error is None or answer.text or answer.reasoning:
            self.answer = answer
        # Last, for another thread paints what is finished.
        self.finished = True

    @property
    def status(self) -> str:
        """How far it is, in a word or two; empty when all is well."""
        if self.error is not None:
            return "broken off" if self.answer is not None else "failed"
        if self.answer is not None:
            if self.answer.stopped:
                return "stopped"
            return "cut off at the token limit" if self.answer.finish_reason == "length" else ""
        reasoning, text = self.builder.parts()
        return "answering…" if text else "thinking…" if reasoning else "asking…"


class ColumnsPainter:
    """Paints a comparison into one display of a notebook, or prints it when it is complete."""

    def __init__(self, shell: Any, badge_text: str) -> None:
        self._shell = shell
        self.badge = badge_text
        self._live = shows_updates(shell) if shell is not None else False
        self._display_id = os.urandom(16).hex()
        self._shown = False
        self._next = 0.0
        self._printed: set[str] = set()

    def say(self, status: str) -> None:
        """Show what is waited for before the calls can be made."""
        if self._live:
            foot = live_footer(self.badge, el("span", f"{status}…", class_="gn-live"))
            text = f"— {self.badge} · {status}…"
            self._publish({"text/html": page(foot), "text/plain": text})
        else:
            print(f"— {self.badge} · {status}…", flush=True)

    def progress(self, what: str, done: int, total: int) -> None:
        """Something is fetched first; `done` of `total` bytes have come."""
        now = time.monotonic()
        if now >= self._next or done >= total:
            self._next = now + (0.2 if self._live else 10)
            self.say(f"{what}: {100 * done // max(total, 1)} % of {total / 1e6:.0f} MB")

    def show(self, shown: Sequence[Column]) -> None:
        """More may have come; nothing is painted when it is too soon."""
        if not self._live:
            self._print(shown)
            return
        if time.monotonic() < self._next:
            return
        started = time.thread_time()
        self._publish(columns_bundle(shown, self.badge))
        characters = sum(len(text or "") for c in shown for text in c.builder.parts())
        spent = time.thread_time() - started
        self._next = time.monotonic() + max(
            _SHORTEST, characters / _CHARACTERS, min(spent * _SHARE, 0.5)
        )

    def finish(self, shown: Sequence[Column]) -> None:
        """Paint the whole comparison, with the numbers below."""
        if self._live:
            self._publish(columns_bundle(shown, self.badge))
            return
        self._print(shown)
        head, rows = _numbers(shown)
        print("\n" + columns([head, *rows], right=range(1, len(head))))

    def _print(self, shown: Sequence[Column]) -> None:
        for column in shown:
            if column.finished and column.model not in self._printed:
                self._printed.add(column.model)
                print(f"\n{_plain_column(column)}", flush=True)

    def _publish(self, bundle: Bundle) -> None:
        if self._shell is None:
            publish(None, bundle)
            return
        self._shell.display_pub.publish(
            data=bundle,
            metadata={},
            transient={"display_id": self._display_id},
            update=self._shown,
        )
        self._shown = True


def columns_bundle(shown: Sequence[Column], badge_text: str) -> Bundle:
    """The comparison as it stands; the text holds no times, so that runs can be compared."""
    complete = all(column.finished for column in shown)
    parts: list[Child] = [el("div", *(_column(c) for c in shown), class_="gn-columns")]
    if complete:
        head, rows = _numbers(shown)
        align = ["left", *["right"] * (len(head) - 1)]
        parts.append(el("div", table(head, rows, align=align), class_=IGNORE_MATH))
    names = list(dict.fromkeys(_who(column) or badge_text for column in shown))
    records = [column.answer.record for column in shown if column.answer is not None]
    names += [f"recorded in {name}" for name in dict.fromkeys(filter(None, records))]
    foot = el("span", " · ".join(names), class_="gn-badge")
    parts.append(el("div", el("small", foot), class_=f"gn-foot {IGNORE_MATH}"))
    plain = "\n\n".join(_plain_column(column) for column in shown)
    return {"text/html": page(*parts), "text/plain": f"{plain}\n\n— {' · '.join(names)}"}


def _who(column: Column) -> str:
    answer = column.answer
    if answer is None or not answer.where:
        return ""
    name = answer.url or "" if answer.where == "url" else answer.model_answered
    return badge(answer.where, name)


def _column(column: Column) -> Markup:
    head: list[Child] = [el("b", column.model)]
    if column.status:
        kind = "gn-live" if not column.finished else "gn-stopped"
        head += [" ", el("span", column.status, class_=kind)]
    body: list[Child] = [el("div", *head, class_=f"gn-column-head {IGNORE_MATH}")]
    reasoning, text = column.builder.parts(complete=column.finished)
    if reasoning:
        thought = column.reasoning_view.update(reasoning, complete=column.finished)
        folded = el("details", el("summary", "Reasoning"), el("div", thought))
        body.append(el("div", folded, class_="gn-think"))
    if text:
        body.append(column.text_view.update(text, complete=column.finished))
    for call in column.answer.tool_calls if column.answer is not None else ():
        body.append(call_html(call))
    if column.error is not None:
        body.append(el("p", short_message(column.error), class_="gn-stopped"))
        body.append(failure_details(column.error))
    return el("div", *body, class_="gn-column", role="group", aria_label=column.model)


def _plain_column(column: Column) -> str:
    status = f" ({column.status})" if column.status else ""
    lines = [f"== {clean(column.model)}{status}"]
    text = column.answer.text if column.answer is not None else column.builder.parts()[1]
    if text:
        lines.append(clean(text))
    if column.answer is not None:
        lines += [call_plain(call) for call in column.answer.tool_calls]
    if column.error is not None:
        lines.append(short_message(column.error))
    return "\n".join(lines)


def _numbers(shown: Sequence[Column]) -> tuple[list[str], list[list[str]]]:
    rows = []
    for column in shown:
        answer = column.answer
        if answer is None:
            rows.append([column.model, *["–"] * (len(_HEAD) - 1)])
            continue
        timing, usage = answer.timing, answer.usage
        rows.append(
            [
                column.model,
                _number(timing.ttft, ".2f", " s"),
                _number(timing.tokens_per_second, ".0f"),
                _number(timing.wall, ".2f", " s"),
                _number(usage.prompt_tokens if usage else None, "d"),
                _number(usage.completion_tokens if usage else None, "d"),
                _cost(answer),
            ]
        )
    return list(_HEAD), rows


def _number(value: float | None, form: str, unit: str = "") -> str:
    return "–" if value is None else f"{value:{form}}{unit}"


def _cost(answer: Answer) -> str:
    if answer.where == "local":
        return "nothing"
    usage = answer.usage
    if answer.where != "cloud" or usage is None:
        return "unknown"
    spent = cost(
        answer.model_asked,
        usage.prompt_tokens,
        usage.completion_tokens,
        answer.cached_tokens or 0,
    )
    return "unknown" if spent is None else dollars(spent)
