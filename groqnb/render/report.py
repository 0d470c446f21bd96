"""A report on latency, errors and cost, as tables: in a notebook, and as a page of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from groqnb.render.html import Child, Markup, document, el, join, page, table
from groqnb.render.markdown import IGNORE_MATH
from groqnb.render.message import Bundle, dollars
from groqnb.render.plain import columns
from groqnb.render.tables import Share, cell_html, cell_text, scrolled

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["report_bundle", "report_document"]

Cell = str | Share
_MARKS = (50, 90, 95, 99)
_NEEDED = {50: 1, 90: 10, 95: 20, 99: 100}  # values that a percentile is to be made of
_VERDICTS = {"ok": "gn-good", "above target": "gn-stopped", "alert": "gn-bad"}
_MOST_ROWS = 20


class _Table:
    """One table of the report: a title, a head, rows, and a note below."""

    def __init__(
        self, title: str, head: Sequence[str], rows: list[list[Cell]], words: int, note: str = ""
    ) -> None:
        self.title = title
        self.head = head
        self.rows = rows[:_MOST_ROWS]
        self.numbers = range(words, len(head))
        self.note = note
        if len(rows) > _MOST_ROWS:
            self.note = f"{len(rows) - _MOST_ROWS} more rows are left out. {note}".strip()

    def html(self) -> Markup:
        align = ["right" if at in self.numbers else "left" for at in range(len(self.head))]
        shown: list[list[Child]] = [[_coloured(cell) for cell in row] for row in self.rows]
        return join(
            [
                el("div", self.title, class_="gn-label"),
                scrolled(table(self.head, shown, align=align), self.title),
                el("div", el("small", self.note), class_="gn-live") if self.note else None,
            ]
        )

    def plain(self) -> str:
        texts = [[cell_text(cell) for cell in row] for row in self.rows]
        body = columns([list(self.head), *texts], right=self.numbers)
        return f"{self.title}\n{body}" + (f"\n{self.note}" if self.note else "")


def _coloured(cell: Cell) -> Child:
    if isinstance(cell, str) and cell in _VERDICTS:
        return el("b", cell, class_=_VERDICTS[cell])
    return cell_html(cell)


def report_bundle(report: Any) -> Bundle:
    """The report as a notebook shows it."""
    if not report.calls:
        text = f"No calls {report.since}."
        return {"text/html": page(el("div", text, class_="gn-live")), "text/plain": text}
    tables = _tables(report)
    return {
        "text/html": page(_body(report, tables)),
        "text/plain": "\n\n".join([_title(report), *(one.plain() for one in tables)]),
    }


def report_document(report: Any) -> str:
    """The report as a whole HTML page."""
    body = _body(report, _tables(report)) if report.calls else el("p", f"No calls {report.since}.")
    foot = el("small", f"Made by groqnb, {report.made}.")
    return document("Latency report", el("h1", "Latency report"), body, foot)


def _title(report: Any) -> str:
    return f"{report.calls:,} call{'s' * (report.calls != 1)} {report.since}"


def _body(report: Any, tables: list[_Table]) -> Markup:
    shown = [el("div", el("b", _title(report))), *(one.html() for one in tables)]
    return el("div", *shown, class_=IGNORE_MATH)


def _tables(report: Any) -> list[_Table]:
    found = [_checklist(report.checklist)]
    latency = report.latency
    if latency.streams.sum():
        found.append(_times("Time to first token", latency[latency.streams > 0], "ttft", "streams"))
    if latency.wall_p50.notna().any():
        found.append(_times("End to end", latency[latency.wall_p50.notna()], "wall", "calls"))
    found.append(_rates(latency))
    found.append(_endpoints(report.endpoints))
    if len(report.tiers) > 1:
        found.append(_tiers(report.tiers))
    return found


def _checklist(rows: pd.DataFrame) -> _Table:
    return _Table(
        "Targets of the production checklist",
        ["metric", "verdict", "measured", "target", "alert", "why"],
        [
            [row.metric, row.verdict, row.measured, row.target, row.alert, row.why]
            for row in _lines(rows)
        ],
        words=6,
    )


def _lines(rows: pd.DataFrame) -> list[Any]:
    return list(rows.itertuples())


def _named(row: Any) -> list[Cell]:
    region = row.region if isinstance(row.region, str) else ""
    place = row.where if isinstance(row.where, str) else ""
    return [row.model, region or {"local": "local engine", "url": "a URL"}.get(place, "")]


def _times(title: str, rows: pd.DataFrame, name: str, counted: str) -> _Table:
    longest = max(float(rows[f"{name}_p95"].max()), 1e-9)
    lines: list[list[Cell]] = []
    rough = False
    for row in _lines(rows):
        count = int(getattr(row, counted))
        line = [*_named(row), Share(float(getattr(row, f"{name}_p95")) / longest, "the slowest")]
        for mark in _MARKS:
            few = count < _NEEDED[mark]
            rough |= few
            line.append(f"{'~' * few}{_seconds(float(getattr(row, f'{name}_p{mark}')))}")
        lines.append([*line, f"{count:,}"])
    head = ["model", "region", "P95 beside the slowest", *(f"P{mark}" for mark in _MARKS), counted]
    note = "~ is of too few calls: a P95 needs 20, a P99 100." if rough else ""
    return _Table(title, head, lines, words=3, note=note)


def _rates(rows: pd.DataFrame) -> _Table:
    lines: list[list[Cell]] = [
        [
            *_named(row),
            f"{row.tokens_per_second:.0f}"
            if row.tokens_per_second == row.tokens_per_second
            else "–",
            _percent(row.network),
            _percent(row.cache),
            _percent(row.errors),
            _percent(row.retries),
            f"{row.calls:,}",
        ]
        for row in _lines(rows)
    ]
    head = ["model", "region", "tokens/s", "network", "cache hits", "errors", "retried", "calls"]
    note = (
        "network: its share of the whole time; cache hits: the share of tokens in that the "
        "server had already read."
    )
    return _Table("Speed and reliability", head, lines, words=2, note=note)


def _endpoints(rows: pd.DataFrame) -> _Table:
    lines: list[list[Cell]] = [
        [
            row.endpoint if isinstance(row.endpoint, str) else "–",
            _cost(row),
            f"{row.tokens_in:,}",
            f"{row.tokens_out:,}",
            f"{row.calls:,}",
        ]
        for row in _lines(rows)
    ]
    head = ["endpoint", "cost", "tokens in", "out", "calls"]
    return _Table("Tokens and cost by endpoint", head, lines, words=1)


def _cost(row: Any) -> str:
    if row.cost != row.cost:
        return "unknown"
    return f"{dollars(row.cost)}{' and more' * bool(row.unpriced)}" if row.cost else "nothing"


def _tiers(rows: pd.DataFrame) -> _Table:
    lines: list[list[Cell]] = [
        [row.tier, _percent(row.errors), _percent(row.retries), f"{row.calls:,}"]
        for row in _lines(rows)
    ]
    return _Table("By service tier", ["tier", "errors", "retried", "calls"], lines, words=1)


def _seconds(seconds: float) -> str:
    return (
        "–" if seconds != seconds else f"{seconds:.2f} s" if seconds < 100 else f"{seconds:.0f} s"
    )


def _percent(part: float) -> str:
    if part != part:
        return "–"
    return f"{part:.2%}" if 0 < part < 0.01 else f"{part:.0%}"
