"""`groqnb.report()`: how fast, how sure and how dear the calls were, against the docs' targets.

Docs: Understanding and Optimizing Latency; Production-Ready Checklist, Key Performance Targets.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groqnb.ledger.frame import Since, since_seconds, since_words
from groqnb.ledger.usage import usage
from groqnb.render import formatters
from groqnb.types.errors import ParameterError

if TYPE_CHECKING:
    import os

    import pandas as pd

__all__ = ["PERCENTILES", "Report", "report"]

PERCENTILES = (50, 90, 95, 99)
_PARTS = ("latency", "checklist", "endpoints", "tiers")
_REPLAYED = "replay"  # calls that a record answered: their times are no server's


@dataclass(frozen=True)
class Report:
    """What `groqnb.report` found. A notebook shows it as tables.

    Attributes:
        calls: how many calls it is about.
        since: from when, in words.
        latency: a row for each model and region: calls, percentiles of `ttft` and `wall` in
            seconds (`ttft_p95`), `tokens_per_second` (median), `network` (the network's share of
            the time), `cache` (the share of tokens in that came from the cache), `errors` and
            `retries` (shares of the calls).
        checklist: a row for each of the documentation's targets: `metric`, `measured`, `target`,
            `alert`, `verdict` ("ok", "above target", "alert" or "unknown") and `why`.
        endpoints: a row for each endpoint: calls, tokens, cost in US dollars.
        tiers: a row for each service tier: calls, shares of errors and of retries.
    """

    calls: int
    since: str
    latency: pd.DataFrame = field(repr=False)
    checklist: pd.DataFrame = field(repr=False)
    endpoints: pd.DataFrame = field(repr=False)
    tiers: pd.DataFrame = field(repr=False)
    made: str = ""

    def to_frame(self, part: str = "latency") -> pd.DataFrame:
        """One of the tables: "latency", "checklist", "endpoints" or "tiers".

        ```python
        groqnb.report("7d").to_frame().sort_values("ttft_p95")
        ```
        """
        if part not in _PARTS:
            raise ParameterError(f"A report has no part {part!r}; it has {', '.join(_PARTS)}.")
        table: pd.DataFrame = getattr(self, part).copy()
        return table

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """The report as one HTML page that needs nothing else; written to `path` if there is one.

        No prompt, answer or key is in it. It follows the reader's light or dark theme.

        ```python
        groqnb.report("month").to_html("report.html")
        ```
        """
        from groqnb.render.report import report_document

        text = report_document(self)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text


def report(
    since: Since = "7d",
    *,
    baseline: Since = None,
    notebook: str | Sequence[str] | None = None,
    model: str | Sequence[str] | None = None,
    project: str | Sequence[str] | None = None,
    where: str | Sequence[str] | None = None,
) -> Report:
    """Latency, errors, retries and cost of this machine's calls, against the docs' targets.

    TTFT is measured on streams, from sending to the first token; end to end is from the first
    attempt to the end. "20 % above the baseline" is said against an earlier time: that of equal
    length before `since`, or the calls from `baseline` on until `since`.

    Args:
        since: as in `groqnb.usage`: "7d", "today", "month", a date, …
        baseline: the moment from which earlier calls are compared with.
        notebook: the file name of one notebook, or several.
        model: the model asked for, or several.
        project: GROQNB_PROJECT, or the name of the folder where it was unset; or several.
        where: "cloud", "local" or "url", or several; by default all of them.

    Raises GroqnbError when the ledger cannot be read, and ValueError for a moment that is none.

    ```python
    report = groqnb.report("7d")
    report.checklist[["metric", "measured", "verdict"]]
    report.to_html("report.html")
    ```
    """
    begin = since_seconds(since)
    begin = 0.0 if begin is None else begin
    earlier = since_seconds(baseline)
    if earlier is None:
        earlier = max(begin - (time.time() - begin), 0.0)
    elif earlier >= begin:
        raise ValueError(f"baseline={baseline!r} is not before since={since!r}.")
    found = usage(earlier, notebook=notebook, model=model, project=project, where=where)
    found = found[found.model.notna()]
    if where is None:
        found = found[found["where"].fillna("") != _REPLAYED]
    import pandas as pd

    formatters.register_here()
    is_new = found.time >= pd.Timestamp(begin, unit="s", tz="UTC")
    calls, before = found[is_new], found[~is_new]
    return Report(
        calls=len(calls),
        since=since_words(since),
        latency=_latency(calls),
        checklist=_checklist(calls, before),
        endpoints=_endpoints(calls),
        tiers=_tiers(calls),
        made=f"{datetime.now():%Y-%m-%d %H:%M}",
    )


def _ended(calls: pd.DataFrame) -> pd.DataFrame:
    """Calls that had an end of the server's: those stopped here are neither good nor bad."""
    ended: pd.DataFrame = calls[calls.status != "interrupted"]
    return ended


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _numbers(calls: pd.DataFrame) -> dict[str, Any]:
    """What is said of one group of calls."""
    ended = _ended(calls)
    good = calls[calls.status == "ok"]
    once = good[(good.retries.fillna(0) == 0) & good.total_time.notna()]
    found: dict[str, Any] = {"calls": len(calls), "streams": int(good.ttft.notna().sum())}
    for name in ("ttft", "wall"):
        marks = good[name].quantile([mark / 100 for mark in PERCENTILES])
        for mark, value in zip(PERCENTILES, marks, strict=True):
            found[f"{name}_p{mark}"] = float(value)
    found["tokens_per_second"] = float(good.tokens_per_second.median())
    found["network"] = _share(float(once.network.sum()), float(once.wall.sum()))
    told = good[good.prompt_tokens.notna()]
    found["cache"] = _share(
        float(told.cached_tokens.fillna(0).sum()), float(told.prompt_tokens.sum())
    )
    found["errors"] = _share(float((ended.status == "error").sum()), len(ended))
    found["retries"] = _share(float((calls.retries.fillna(0) > 0).sum()), len(calls))
    return found


def _grouped(calls: pd.DataFrame, keys: list[str], about: Any) -> pd.DataFrame:
    import pandas as pd

    rows = [
        {**dict(zip(keys, values, strict=True)), **about(group)}
        for values, group in calls.groupby(keys, dropna=False, sort=True)
    ]
    names = [*keys, *about(calls.iloc[:0])]
    table: pd.DataFrame = pd.DataFrame(rows, columns=names)
    return table


def _latency(calls: pd.DataFrame) -> pd.DataFrame:
    table = _grouped(calls, ["model", "where", "region"], _numbers)
    in_order: pd.DataFrame = table.sort_values("calls", ascending=False, ignore_index=True)
    return in_order


def _endpoints(calls: pd.DataFrame) -> pd.DataFrame:
    def about(group: pd.DataFrame) -> dict[str, Any]:
        return {
            "calls": len(group),
            "tokens_in": int(group.prompt_tokens.sum()),
            "tokens_out": int(group.completion_tokens.sum()),
            "audio_seconds": float(group.audio_seconds.sum()),
            "cost": float(group.cost.sum(min_count=1)),
            "unpriced": int((group.cost.isna() & (group.status != "error")).sum()),
        }

    return _grouped(calls, ["endpoint"], about)


def _tiers(calls: pd.DataFrame) -> pd.DataFrame:
    def about(group: pd.DataFrame) -> dict[str, Any]:
        numbers = _numbers(group)
        return {name: numbers[name] for name in ("calls", "errors", "retries")}

    return _grouped(calls.assign(tier=calls.tier.fillna("on_demand")), ["tier"], about)


# --- the documentation's targets ---


def _checklist(calls: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    rows = [_ttft(model, group, before) for model, group in calls.groupby("model", sort=True)]
    rows = [row for row in rows if row is not None]
    rows += [_errors(calls), _flex(calls), _cost(calls, before)]
    names = ["metric", "measured", "target", "alert", "verdict", "why"]
    table: pd.DataFrame = pd.DataFrame(rows, columns=names)
    return table


def _row(metric: str, measured: str, target: str, alert: str, verdict: str, why: str) -> list[str]:
    return [metric, measured, target, alert, verdict, why]


def _ttft(model: Any, calls: pd.DataFrame, before: pd.DataFrame) -> list[str] | None:
    times = calls.ttft[calls.status == "ok"].dropna()
    if times.empty:
        return None
    now = float(times.quantile(0.95))
    earlier = before.ttft[(before.model == model) & (before.status == "ok")].dropna()
    verdict, why = "unknown", "no earlier calls to compare with"
    if len(times) < _ENOUGH:
        why = f"a P95 needs {_ENOUGH} streams at least"
    elif 0 < len(earlier) < _ENOUGH:
        why = f"too few earlier streams to compare with: {len(earlier)}, not {_ENOUGH}"
    elif len(earlier):
        change = now / float(earlier.quantile(0.95)) - 1
        verdict = "alert" if change > 0.2 else "ok"
        why = f"{change:+.0%} against {len(earlier):,} earlier streams"
    return _row(
        f"TTFT P95, {model}",
        f"{now:.2f} s of {len(times):,} streams",
        "depends on the model",
        "20% above the baseline",
        verdict,
        why,
    )


_ENOUGH = 20  # values for a P95
_MANY = 1_000  # calls, to see one in a thousand


def _judged(rate: float, target: float, alert: float) -> str:
    return "ok" if rate < target else "alert" if rate > alert else "above target"


def _errors(calls: pd.DataFrame) -> list[str]:
    ended = _ended(calls)
    failed = int((ended.status == "error").sum())
    rate = _share(failed, len(ended))
    verdict, why = "unknown", "no calls"
    if len(ended):
        verdict = _judged(rate, 0.001, 0.005)
        codes = ended.error[ended.status == "error"].fillna("unknown").value_counts()
        why = ", ".join(f"{count:,} {name}" for name, count in codes.head(4).items())
        if not failed and len(ended) < _MANY:
            verdict, why = "unknown", f"none so far; {_MANY:,} calls would show it"
    measured = f"{rate:.2%} of {len(ended):,} calls" if len(ended) else "–"
    return _row("error rate", measured, "below 0.1%", "above 0.5%", verdict, why)


def _flex(calls: pd.DataFrame) -> list[str]:
    flex = calls[calls.tier == "flex"]
    again = (flex.retries.fillna(0) > 0) | (flex.error == "FlexCapacityError").fillna(False)
    rate = _share(float(again.sum()), len(flex))
    verdict = _judged(rate, 0.05, 0.10) if len(flex) else "unknown"
    measured = f"{rate:.1%} of {len(flex):,} calls" if len(flex) else "–"
    why = f"{int(again.sum()):,} sent again, or refused" if len(flex) else "no call used flex"
    return _row("flex retry rate", measured, "below 5%", "above 10%", verdict, why)


def _cost(calls: pd.DataFrame, before: pd.DataFrame) -> list[str]:
    now, earlier = _per_thousand(calls), _per_thousand(before)
    verdict, why = "unknown", "no earlier calls to compare with"
    if now is None:
        measured, why = "–", "no call with a price and tokens"
    else:
        measured = f"${now:.6f}"
        if now == 0:
            verdict, why = "ok", "the local engine costs nothing"
        elif earlier:
            change = now / earlier - 1
            verdict = "alert" if change > 0.2 else "ok"
            why = f"{change:+.0%} against ${earlier:.6f} before"
    return _row("cost per 1K tokens", measured, "the baseline", "20% above it", verdict, why)


def _per_thousand(calls: pd.DataFrame) -> float | None:
    tokens = calls.prompt_tokens.fillna(0) + calls.completion_tokens.fillna(0)
    priced = calls.cost.notna() & (tokens > 0)
    total = float(tokens[priced].sum())
    return float(calls.cost[priced].sum()) / total * 1000 if total else None
