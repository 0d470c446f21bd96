"""The usage meter, and the tables of usage, limits, budget and report, as a person sees them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .barriers import barriers
from .blank_page import BlankPages
from .tabs import Tabs

pytestmark = pytest.mark.browser

LIMITS = [
    ("TPM", "tokens a minute", 12_000, 600, 30.0, "server"),
    ("RPD", "requests a day", 1_000, 990, 864.0, "server"),
    ("RPM", "requests a minute", 30, 6, None, "catalogue"),
]
NAMES = ("name", "meaning", "limit", "remaining", "resets_in", "source")
STATE = {
    "state": {
        "models": [
            {
                "model": "llama-3.3-70b-versatile",
                "where": "cloud",
                "limits": [dict(zip(NAMES, one, strict=True)) for one in LIMITS],
            }
        ],
        "spent": "$0.0123",
        "budget": {
            "limit": "$0.5",
            "spent": "$0.4600",
            "held": "$0.0100",
            "left": "$0.0300",
            "part": 0.92,
            "scope": "a.ipynb",
            "notional": False,
        },
    },
    "error": "",
    "_gn_offers": {},
    "_gn_key": "",
}

# Calls as the cloud would have answered them, so that there is something to see.
CALLS = """
import json, time
import httpx
import groqnb
from groqnb.ledger.columns import row
from groqnb.ledger.recorder import default_store

%load_ext groqnb
HEADERS = {
    "x-ratelimit-limit-requests": "1000", "x-ratelimit-limit-tokens": "12000",
    "x-ratelimit-remaining-requests": "870", "x-ratelimit-remaining-tokens": "1800",
    "x-ratelimit-reset-requests": "20h0m0s", "x-ratelimit-reset-tokens": "51s",
}
BODY = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}}],
    "usage": {"prompt_tokens": 900, "completion_tokens": 90, "total_tokens": 990},
}
transport = httpx.MockTransport(lambda _: httpx.Response(200, json=BODY, headers=HEADERS))
client = groqnb.Groq(api_key="gsk_" + "x" * 40, where="cloud", transport=transport)

def ask(model="llama-3.3-70b-versatile"):
    question = [{"role": "user", "content": "Hello"}]
    client.chat.completions.create(model=model, messages=question, max_completion_tokens=100)

for number in range(240):
    for days in (1, 9):
        default_store().append(row({
            "time": time.time() - days * 86_400, "endpoint": "chat.completions",
            "model": ("llama-3.3-70b-versatile", "openai/gpt-oss-20b")[number % 2],
            "where": "cloud", "status": "error" if number == 7 else "ok",
            "error": "InternalServerError" if number == 7 else None, "retries": number % 9 == 0,
            "tier": "flex" if number % 3 == 0 else "on_demand", "region": "us-east-1",
            "ttft": 0.1 + number % 40 / 200 * days, "wall": 1 + number % 50 / 30,
            "total_time": 0.8 + number % 50 / 30, "prompt_tokens": 900, "cached_tokens": 300,
            "completion_tokens": 90, "completion_time": 0.4, "cost": 0.0006,
        }))
ask()
ask("openai/gpt-oss-20b")
"""
CELLS = [
    CALLS,
    "meter = groqnb.UsageMeter()\nmeter",
    "%groq limits",
    "%groq budget 0.01",
    "for _ in range(9):\n    ask()",
    "%groq usage week",
    "groqnb.report('7d')",
]


def test_a_bar_says_in_words_and_numbers_what_it_shows(blank_page: BlankPages) -> None:
    """Screen readers hear the same as eyes see, and no colour says more than the words."""
    shown = blank_page("usage_meter", STATE)
    expect(shown.widget).to_have_attribute("aria-label", "Usage meter")
    bar = shown.page.get_by_role("meter", name="RPM, requests a minute, used")
    expect(bar).to_have_attribute("aria-valuenow", "80")
    expect(bar).to_have_attribute("aria-valuetext", "80% used, 6 of 30 left")
    expect(shown.widget).to_contain_text("$0.4600 of $0.5 spent today, $0.0100 held")
    expect(shown.widget).to_contain_text("all back in")
    assert barriers(shown.page, ".gw") == []


def test_what_is_used_flows_back_on_the_page(blank_page: BlankPages) -> None:
    """Without a word from the kernel: the page knows when all of it is back."""
    state = STATE | {"state": {**STATE["state"], "budget": None}}  # type: ignore[dict-item]
    shown = blank_page("usage_meter", {**state, "state": {}})
    shown.page.clock.install(time=datetime(2026, 1, 1))
    shown.page.clock.pause_at(datetime(2026, 1, 2))
    shown.set("state", state["state"])
    row = shown.page.locator(".gw-meter-row").first
    expect(row).to_contain_text("600 of 12,000 left")
    shown.page.clock.fast_forward(15_000)
    expect(row).to_contain_text("6,300 of 12,000 left")
    expect(row).to_contain_text("all back in 15 s")
    shown.page.clock.fast_forward(16_000)
    expect(row).to_contain_text("12,000 of 12,000 left")
    expect(row).not_to_contain_text("all back")
    expect(shown.page.locator(".gw-meter-budget")).to_be_hidden()


def test_it_can_be_asked_to_look_again(blank_page: BlankPages) -> None:
    shown = blank_page("usage_meter", {**STATE, "state": {}})
    expect(shown.widget).to_contain_text("limits show up with the first call")
    shown.button("Refresh").click()
    shown.wait_asked("refresh")


def test_it_says_that_it_is_seen_and_that_it_is_gone(blank_page: BlankPages) -> None:
    """A page that is loaded anew shows what is left now, not an hour ago."""
    shown = blank_page("usage_meter", STATE)
    view = shown.wait_asked("seen")
    shown.page.evaluate("fake.close()")
    assert shown.wait_asked("gone") == view


def test_on_a_narrow_page_nothing_is_cut_off(blank_page: BlankPages) -> None:
    shown = blank_page("usage_meter", STATE, viewport={"width": 360, "height": 700})
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 360
    for text in ("600 of 12,000 left", "catalogue", "all back in"):
        expect(shown.page.get_by_text(text).first).to_be_in_viewport()


def test_in_a_notebook_it_follows_the_calls(open_notebook: Tabs, shots: Path) -> None:
    """A call of a later cell moves the bars; the tables are readable in both themes."""
    notebook = open_notebook(CELLS)
    for cell in range(4):
        notebook.run(cell)
    meter = notebook.page.get_by_role("group", name="Usage meter")
    expect(meter).to_contain_text("openai/gpt-oss-20b")
    expect(meter).to_contain_text("870 of 1,000 left")
    notebook.run(4)
    expect(meter).to_contain_text("of $0.01 spent today", timeout=60_000)
    assert "% of the budget is spent: $" in notebook.seen(4)
    notebook.run(5)
    notebook.run(6)
    assert "Targets of the production checklist" in notebook.seen(6)
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        notebook.theme(theme)
        for cell in (1, 2, 4, 5, 6):
            notebook.picture(shots / f"usage_{cell}_{theme.split()[1]}.png", cell)
