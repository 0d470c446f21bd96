"""The report on latency: percentiles by model and region, and the documentation's targets."""

from __future__ import annotations

import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

import groqnb
from groqnb.ledger import recorder
from groqnb.ledger.columns import row
from groqnb.render import formatters

DAY = 86_400.0


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GROQNB_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("GROQNB_LEDGER", raising=False)


def called(count: int = 1, *, days_ago: float = 0.0, **more: Any) -> None:
    """So many rows in the ledger; a callable value is given the row's number."""
    store = recorder.default_store()
    usual = {
        "time": time.time() - days_ago * DAY,
        "endpoint": "chat.completions",
        "model": "m",
        "where": "cloud",
        "status": "ok",
        "http_status": 200,
        "retries": 0,
        "prompt_tokens": 100,
        "cached_tokens": 0,
        "completion_tokens": 50,
        "completion_time": 0.5,
        "total_time": 0.8,
        "ttft": 0.2,
        "wall": 1.0,
        "tier": "on_demand",
        "region": "us-east-1",
        "cost": 0.0003,
    }
    for number in range(count):
        values = {**usual, **more}
        store.append(row({n: v(number) if callable(v) else v for n, v in values.items()}))


def verdict(report: Any, metric: str) -> tuple[str, str]:
    (one,) = report.checklist[report.checklist.metric == metric].to_dict("records")
    return one["verdict"], one["why"]


def test_percentiles_are_those_of_the_calls_by_model_and_region() -> None:
    times = np.random.default_rng(7).gamma(2.0, 0.2, 200)
    called(200, ttft=lambda n: float(times[n]), wall=lambda n: float(times[n]) + 1)
    called(3, region="eu-west-1", ttft=9.0, wall=10.0)
    called(2, model="n", region=None, where="local", ttft=None)
    table = groqnb.report().to_frame()
    assert list(table.model) == ["m", "m", "n"]
    first = table.iloc[0]
    assert (first.region, first.calls, first.streams) == ("us-east-1", 200, 200)
    for mark in (50, 90, 95, 99):
        assert first[f"ttft_p{mark}"] == pytest.approx(np.percentile(times, mark))
        assert first[f"wall_p{mark}"] == pytest.approx(np.percentile(times + 1, mark))
    assert table.iloc[1].ttft_p95 == 9
    assert np.isnan(table.iloc[2].ttft_p95)
    assert table.iloc[2].wall_p50 == 1


def test_shares_of_network_cache_errors_and_retries() -> None:
    called(6, cached_tokens=50)
    called(2, retries=1, wall=60.0)  # its waits are not the network's
    called(1, status="error", error="RateLimitError", wall=0.1, ttft=None, prompt_tokens=None)
    called(1, status="interrupted")  # nobody's fault
    one = groqnb.report().to_frame().iloc[0]
    assert one.network == pytest.approx(0.2)
    assert one.cache == pytest.approx(300 / 800)
    assert one.errors == pytest.approx(1 / 9)
    assert one.retries == pytest.approx(2 / 10)
    assert one.tokens_per_second == pytest.approx(100)


def test_a_ttft_a_fifth_above_the_time_before_is_an_alert() -> None:
    called(50, days_ago=10, ttft=0.2)
    called(50, days_ago=1, ttft=0.23)
    assert verdict(groqnb.report("7d"), "TTFT P95, m") == (
        "ok",
        "+15% against 50 earlier streams",
    )
    called(50, ttft=0.4)
    assert verdict(groqnb.report("7d"), "TTFT P95, m")[0] == "alert"
    # Against a time without calls there is nothing to say.
    assert verdict(groqnb.report("30d"), "TTFT P95, m")[0] == "unknown"


def test_too_few_streams_make_no_verdict() -> None:
    called(50, days_ago=10)
    called(19, ttft=9.0)
    assert verdict(groqnb.report(), "TTFT P95, m") == (
        "unknown",
        "a P95 needs 20 streams at least",
    )
    called(1, ttft=9.0)
    assert verdict(groqnb.report(), "TTFT P95, m")[0] == "alert"


def test_too_few_earlier_streams_make_no_verdict() -> None:
    called(3, days_ago=10)
    called(50, ttft=9.0)
    assert verdict(groqnb.report(), "TTFT P95, m") == (
        "unknown",
        "too few earlier streams to compare with: 3, not 20",
    )


@pytest.mark.parametrize(
    ("failed", "expected"), [(0, "ok"), (1, "ok"), (4, "above target"), (9, "alert")]
)
def test_the_error_rate_is_judged_by_the_documented_numbers(failed: int, expected: str) -> None:
    """Below 0.1 percent is the target, above 0.5 the alert."""
    called(1200 - failed)
    called(failed, status="error", error="InternalServerError")
    found = verdict(groqnb.report(), "error rate")
    assert found[0] == expected
    assert not failed or found[1] == f"{failed} InternalServerError"


def test_no_errors_in_few_calls_prove_nothing() -> None:
    called(10)
    assert verdict(groqnb.report(), "error rate") == (
        "unknown",
        "none so far; 1,000 calls would show it",
    )


def test_the_flex_retry_rate_counts_what_was_sent_again_or_refused() -> None:
    assert verdict(groqnb.report(), "flex retry rate")[0] == "unknown"
    called(90, tier="flex")
    called(4, tier="flex", retries=1)
    called(50, retries=2)
    assert verdict(groqnb.report(), "flex retry rate")[0] == "ok"
    called(4, tier="flex", status="error", error="FlexCapacityError", ttft=None)
    assert verdict(groqnb.report(), "flex retry rate")[0] == "above target"
    called(9, tier="flex", retries=1)
    assert verdict(groqnb.report(), "flex retry rate")[0] == "alert"
    tiers = groqnb.report().to_frame("tiers").set_index("tier")
    assert tiers.loc["flex", "errors"] == pytest.approx(4 / 107)


def test_the_cost_of_tokens_is_compared_with_the_time_before() -> None:
    called(5, days_ago=10, cost=0.00015)
    called(5, cost=0.000165)
    assert verdict(groqnb.report(), "cost per 1K tokens") == ("ok", "+10% against $0.001000 before")
    called(20, cost=0.0003)
    assert verdict(groqnb.report(), "cost per 1K tokens")[0] == "alert"


def test_tokens_and_cost_are_told_by_endpoint() -> None:
    called(2)
    called(1, endpoint="audio.transcriptions", cost=None, audio_seconds=30.0, prompt_tokens=None)
    table = groqnb.report().to_frame("endpoints").set_index("endpoint")
    assert table.loc["chat.completions", "cost"] == pytest.approx(0.0006)
    assert np.isnan(table.loc["audio.transcriptions", "cost"])
    assert table.loc["audio.transcriptions", "unpriced"] == 1


def test_replayed_calls_are_left_out() -> None:
    called(3)
    called(5, where="replay")
    assert groqnb.report().calls == 3
    assert groqnb.report(where="replay").calls == 5


def test_filters_and_moments_are_those_of_usage() -> None:
    called(3, notebook="a.ipynb")
    called(2, notebook="b.ipynb", days_ago=3)
    assert groqnb.report(notebook="a.ipynb").calls == 3
    assert groqnb.report("1d").calls == 3
    assert groqnb.report(None).calls == 5
    with pytest.raises(ValueError, match="is no moment"):
        groqnb.report("soon")
    with pytest.raises(ValueError, match="is not before"):
        groqnb.report("7d", baseline="1d")
    with pytest.raises(groqnb.ParameterError, match="has no part 'speed'"):
        groqnb.report().to_frame("speed")


class _Outside(HTMLParser):
    """Collects what a page would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        names = ("src", "href", "action", "data")
        self.found += [f"{tag} {name}" for name, _ in attrs if name in names or name[:2] == "on"]


def test_as_a_page_it_needs_nothing_else(tmp_path: Path) -> None:
    """One file: no script, no address; a model's name is text whatever is in it."""
    called(30, model="<script>alert(1)</script>")
    path = tmp_path / "report.html"
    text = groqnb.report().to_html(path)
    assert path.read_text(encoding="utf-8") == text
    parser = _Outside()
    parser.feed(text)
    assert "script" not in parser.tags
    assert "link" not in parser.tags
    assert parser.found == []
    assert "url(" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert text.startswith("<!doctype html>")
    assert "color-scheme" in text


def test_a_notebook_shows_it_as_tables_and_text(ip: InteractiveShell) -> None:
    called(30)
    called(1, status="error", error="InternalServerError")
    data, _ = ip.display_formatter.format(groqnb.report())
    assert "Time to first token" in data["text/plain"]
    assert "~0.20 s" in data["text/plain"], "a P99 of 30 calls is no P99"
    assert '<b class="gn-bad">alert</b>' in data["text/html"]
    assert "0x" not in data["text/plain"]


def test_it_shows_itself_without_the_extension(shell: InteractiveShell) -> None:
    formatters.unregister(shell)
    called(3)
    data, _ = shell.display_formatter.format(groqnb.report())
    assert "Targets of the production checklist" in data["text/html"]
    formatters.unregister(shell)


def test_without_calls_it_says_so(ip: InteractiveShell) -> None:
    report = groqnb.report("today")
    data, _ = ip.display_formatter.format(report)
    assert data["text/plain"] == "No calls today."
    assert report.to_frame().empty
    assert "No calls" in report.to_html()
