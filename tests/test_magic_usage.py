"""`%groq usage`, `limits` and `budget` in a real shell."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from both_worlds import MESSAGES, answering, completion
from chat_server import KEY, ChatServer
from IPython.core.interactiveshell import InteractiveShell
from magic_shell import failed, last, outputs, run, usage_error

import groqnb
from groqnb.ledger import recorder
from groqnb.ledger.columns import row


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GROQNB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("GROQNB_LEDGER", raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)


def test_calls_are_counted_by_model(ip: InteractiveShell) -> None:
    run(ip, "%%groq\nHello")
    run(ip, "%%groq\nHello")
    run(ip, "%%groq -m llama-3.1-8b-instant\nstatus 400")
    run(ip, "%groq usage")
    lines = last(ip).splitlines()
    assert lines[0].split()[:5] == ["model", "share", "of", "tokens", "cost"]
    assert lines[1].split()[:4] == ["llama-3.3-70b-versatile", "100%", "unknown", "2"]
    assert lines[2].split()[:5] == ["llama-3.1-8b-instant", "0%", "1", "(1", "failed)"]
    assert "3 calls today" in lines[-1]
    assert "2 of unknown price" in lines[-1]


def test_the_shares_are_bars_with_words_for_ears(ip: InteractiveShell) -> None:
    run(ip, "%%groq\nHello")
    run(ip, "%groq usage 7d")
    assert '<progress value="1.000" max="1" aria-label="100% of the tokens">' in last(
        ip, "text/html"
    )


def test_calls_from_python_are_in_it_as_well(ip: InteractiveShell, server: ChatServer) -> None:
    with groqnb.Groq() as client:
        client.chat.completions.create(
            model="acme/brand-new-70b", messages=[{"role": "user", "content": "Hi"}]
        )
    run(ip, "%groq usage")
    assert "acme/brand-new-70b" in last(ip)


def test_cells_of_a_notebook_have_a_table_of_their_own(
    ip: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "private/notes.ipynb")
    ip.run_cell("%%groq\nHello", store_history=True)
    run(ip, "%groq usage")
    assert "notebook [cell]" in last(ip)
    assert "notes.ipynb [" in last(ip)
    assert "private" not in last(ip)


def test_without_calls_it_says_so(ip: InteractiveShell) -> None:
    run(ip, "%groq usage")
    assert last(ip) == "No calls today."


def test_a_moment_that_is_none_is_refused(ip: InteractiveShell) -> None:
    assert "7d, 12h" in usage_error(ip, "%groq usage yesterdayish")
    assert not outputs(ip)


def test_the_table_can_be_by_something_else(
    ip: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By project, by day and the like, over any time."""
    monkeypatch.setenv("GROQNB_PROJECT", "thesis")
    before = f"{datetime.now():%Y-%m-%d}"
    run(ip, "%%groq\nHello")
    run(ip, "%groq usage by project")
    assert last(ip).splitlines()[1].split()[:2] == ["thesis", "100%"]
    run(ip, "%groq usage week by day")
    assert last(ip).splitlines()[1].split()[0] in (before, f"{datetime.now():%Y-%m-%d}")
    assert "1 call this week" in last(ip)
    assert "Did you mean project" in usage_error(ip, "%groq usage by projct")


def test_calls_of_several_days_have_a_table_by_day(ip: InteractiveShell) -> None:
    store = recorder.default_store()
    for days in (0, 2, 4):
        store.append(row({"time": time.time() - days * 86_400, "model": "m", "status": "ok"}))
    run(ip, "%groq usage 7d")
    days_shown = [line.split()[0] for line in last(ip).splitlines()[1:4]]
    assert days_shown == sorted(days_shown)
    assert len(set(days_shown)) == 3


def test_sound_and_spoken_text_have_columns_where_there_is_some(ip: InteractiveShell) -> None:
    store = recorder.default_store()
    spoken = {"model": "s", "characters": 1200, "cost": 0.01}
    heard = {"model": "w", "audio_seconds": 300.0, "cost": 0.01}
    for values in (spoken, heard):
        store.append(row({"time": time.time(), "status": "ok", "where": "cloud", **values}))
    run(ip, "%groq usage")
    text = last(ip)
    assert "5.0 min" in text
    assert "1,200" in text
    assert "TTFT" not in text.splitlines()[0]


def test_a_wide_table_scrolls_on_a_narrow_page(ip: InteractiveShell) -> None:
    run(ip, "%%groq\nHello")
    run(ip, "%groq usage")
    assert '<div class="gn-scroll" tabindex="0"' in last(ip, "text/html")


# --- limits ---

HEADERS = {
    "x-ratelimit-limit-requests": "1000",
    "x-ratelimit-limit-tokens": "12000",
    "x-ratelimit-remaining-requests": "990",
    "x-ratelimit-remaining-tokens": "3000",
    "x-ratelimit-reset-requests": "14m24s",
    "x-ratelimit-reset-tokens": "45s",
}


def ask_cloud(model: str, headers: dict[str, str], tokens: int = 10) -> None:
    usage = {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens}
    reply = httpx.Response(200, json=completion(usage=usage), headers=headers)
    with groqnb.Groq(transport=answering(reply), api_key=KEY, where="cloud") as client:
        client.chat.completions.create(model=model, messages=MESSAGES)


def test_limits_tell_what_the_server_and_the_catalogue_say(ip: InteractiveShell) -> None:
    ask_cloud("llama-3.3-70b-versatile", HEADERS, tokens=500)
    run(ip, "%groq limits")
    lines = {line.split(",")[0].split()[-1]: line for line in last(ip).splitlines()[1:5]}
    assert "llama-3.3-70b-versatile" in lines["TPM"], "the one in most use comes first"
    assert "the server" in lines["TPM"]
    assert "990" in lines["RPD"]
    assert "14 min" in lines["RPD"]
    assert lines["TPD"].split()[-4:] == ["99,500", "100,000", "the", "catalogue"]
    assert lines["RPM"].split()[-4:] == ["29", "30", "the", "catalogue"]
    assert "free plan" in last(ip)


def test_limits_of_a_model_that_was_not_asked_are_the_catalogue_s(ip: InteractiveShell) -> None:
    run(ip, "%groq limits whisper-large-v3")
    assert "ASD, seconds of audio a day" in last(ip)
    assert "28,800" in last(ip)


def test_limits_that_nobody_knows_are_said_to_be_so(ip: InteractiveShell) -> None:
    assert "no model was asked" in usage_error(ip, "%groq limits")
    assert "whisper-large-v3" in usage_error(ip, "%groq limits whisper-larg-v3")


def test_before_a_cell_that_would_exceed_a_limit_there_is_a_warning(ip: InteractiveShell) -> None:
    slow = {"x-ratelimit-remaining-tokens": "20", "x-ratelimit-reset-tokens": "10h0m0s"}
    ask_at_url(HEADERS | slow)
    run(ip, "%%groq\n" + "word " * 200)
    texts = [output["data"]["text/plain"] for output in outputs(ip)]
    assert "may refuse this: it is about" in texts[0]
    assert "TPM" in texts[0]


def ask_at_url(headers: dict[str, str]) -> None:
    reply = httpx.Response(200, json=completion(), headers=headers)
    with groqnb.Groq(transport=answering(reply), api_key=KEY) as client:
        assert client.target.kind == "url"
        client.chat.completions.create(model="llama-3.3-70b-versatile", messages=MESSAGES)


# --- the budget ---


def test_a_budget_is_set_shown_and_ended(ip: InteractiveShell) -> None:
    run(ip, "%groq budget 0.50")
    assert "$0.5 a day for this kernel" in last(ip)
    run(ip, "%groq budget")
    assert "left" in last(ip)
    run(ip, "%groq")
    assert "of $0.5 spent today" in last(ip)
    run(ip, "%groq budget off")
    run(ip, "%groq budget")
    assert "No budget is set" in last(ip)


@pytest.mark.parametrize("line", ["half", "-1", "0.5 notionel", "off strict", "nan"])
def test_a_budget_that_is_none_is_refused(ip: InteractiveShell, line: str) -> None:
    assert usage_error(ip, f"%groq budget {line}")
    assert groqnb.budget() is None


def test_a_cell_over_budget_fails_shortly_and_sends_nothing(
    ip: InteractiveShell, server: ChatServer
) -> None:
    run(ip, "%groq budget 0 strict")
    error = failed(ip, "%%groq\nHello")
    assert isinstance(error, groqnb.BudgetError)
    assert not server.requests


def test_an_alert_stands_under_the_cell(ip: InteractiveShell) -> None:
    groqnb.budget(0.001)
    ask_cloud("llama-3.3-70b-versatile", {}, tokens=1000)
    assert "% of the budget is spent: $" in last(ip)
    assert last(ip, "text/html").startswith("<style>")


def test_a_budget_shows_itself(ip: InteractiveShell) -> None:
    data, _ = ip.display_formatter.format(groqnb.budget(1))
    assert "$1 a day" in data["text/plain"]
    assert "progress" in data["text/html"]


def test_the_share_of_the_cache_is_told_where_something_came_from_it(
    ip: InteractiveShell, server: ChatServer
) -> None:
    run(ip, "%%groq\nHello")
    run(ip, "%groq usage")
    assert "cache" not in last(ip)
    usage = {
        "prompt_tokens": 7,
        "completion_tokens": 1,
        "total_tokens": 8,
        "prompt_tokens_details": {"cached_tokens": 6},
    }
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=completion(usage=usage)))
    with groqnb.Groq(api_key=KEY, base_url=server.url, transport=transport) as client:
        client.chat.completions.create(model="acme/brand-new-70b", messages=MESSAGES)
    run(ip, "%groq usage")
    head, *rows = last(ip).splitlines()
    assert "from cache" in head
    assert "86%" in next(row for row in rows if row.startswith("acme/brand-new-70b"))
    assert "60% of the tokens in from the cache" in last(ip)
    shares = groqnb.usage().cached_share
    assert [round(share, 3) for share in shares] == [0.0, round(6 / 7, 3)]
