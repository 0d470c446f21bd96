"""The usage meter without a page: what it follows, what it tells, what a saved notebook keeps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from both_worlds import KEY, MESSAGES, answering, completion

import groqnb
from groqnb.ledger import recorder
from groqnb.ledger.columns import row
from groqnb.ledger.current import current_limits
from groqnb.ledger.limits import Limits
from groqnb.ledger.watch import watch
from groqnb.widgets import usage_meter
from groqnb.widgets.usage_meter import UsageMeter

MODEL = "llama-3.3-70b-versatile"
HEADERS = {
    "x-ratelimit-limit-requests": "1000",
    "x-ratelimit-limit-tokens": "12000",
    "x-ratelimit-remaining-requests": "990",
    "x-ratelimit-remaining-tokens": "3000",
    "x-ratelimit-reset-requests": "14m24s",
    "x-ratelimit-reset-tokens": "45s",
}


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GROQNB_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("GROQNB_LEDGER", raising=False)


@pytest.fixture
def meter() -> Iterator[Callable[..., UsageMeter]]:
    made: list[UsageMeter] = []

    def make(*args: Any, **options: Any) -> UsageMeter:
        made.append(UsageMeter(*args, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def ask(model: str = MODEL, headers: dict[str, str] | None = None, tokens: int = 100) -> None:
    usage = {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens}
    reply = httpx.Response(200, json=completion(usage=usage), headers=headers or {})
    with groqnb.Groq(transport=answering(reply), api_key=KEY, where="cloud") as client:
        client.chat.completions.create(model=model, messages=MESSAGES)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def limit(limits: list[Any], name: str) -> Any:
    return next(one for one in limits if one.name == name)


class Event:
    """The end of a call, as `Limits.note` reads it."""

    def __init__(self, at: float, headers: dict[str, str], tokens: int = 0) -> None:
        self.at, self.headers, self.model, self.target = at, headers, MODEL, "cloud"
        self.usage = type("Usage", (), {"total_tokens": tokens})()


# --- what is known of limits ---


def test_what_the_server_told_flows_back_until_all_of_it_is_back() -> None:
    now = [1000.0]
    limits = Limits(clock=lambda: now[0])
    limits.note(Event(1000.0, HEADERS))
    tokens = limit(limits.now(MODEL, "cloud"), "TPM")
    assert (tokens.remaining, tokens.limit, tokens.resets_in) == (3000, 12000, 45)
    now[0] += 15
    tokens = limit(limits.now(MODEL, "cloud"), "TPM")
    assert (tokens.remaining, tokens.resets_in, tokens.age) == (6000, 30, 15)
    now[0] += 60
    assert limit(limits.now(MODEL, "cloud"), "TPM").remaining == 12000


def test_a_reply_without_headers_leaves_what_was_told() -> None:
    limits = Limits(clock=lambda: 1000.0)
    limits.note(Event(1000.0, HEADERS))
    limits.note(Event(1000.0, {}))
    assert limit(limits.now(MODEL, "cloud"), "RPD").remaining == 990


def test_requests_of_this_minute_are_counted_where_no_header_tells() -> None:
    now = [1000.0]
    limits = Limits(clock=lambda: now[0])
    for _ in range(29):
        limits.note(Event(1000.0, {}, tokens=10))
    assert limit(limits.now(MODEL, "cloud"), "RPM").remaining == 1
    assert limits.warning(MODEL, "cloud", 10) is None
    limits.note(Event(1001.0, {}, tokens=10))
    warning = limits.warning(MODEL, "cloud", 10)
    assert warning is not None
    assert "0 of 30 requests a minute are left, by the catalogue's numbers" in warning
    now[0] = 1062.0
    assert limits.warning(MODEL, "cloud", 10) is None


def test_a_request_that_no_minute_can_hold_is_told_to_be_too_large() -> None:
    limits = Limits(clock=lambda: 1000.0)
    limits.note(Event(1000.0, HEADERS))
    warning = limits.warning(MODEL, "cloud", 20_000)
    assert warning is not None
    assert "too large for any minute" in warning
    assert limits.warning(MODEL, "local", 20_000) is None


def test_many_threads_may_note_at_once() -> None:
    limits = Limits(clock=lambda: 1000.0)
    threads = [
        threading.Thread(
            target=lambda: [limits.note(Event(1000.0, HEADERS, 1)) for _ in range(500)]
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(limits._seen["cloud", MODEL].minute) == 4000


def test_a_day_is_counted_from_the_ledger_other_kernels_too() -> None:
    ask(tokens=400)
    watch.__init__()  # type: ignore[misc]  # as another kernel has it
    found = current_limits()
    assert {one.name for one in found} == {"RPM", "RPD", "TPM", "TPD"}
    assert all(one.source == "catalogue" for one in found)
    assert limit(found, "TPD").remaining == 100_000 - 400
    assert limit(found, "RPD").remaining == 999


def test_a_model_asked_of_a_server_that_told_nothing_has_the_catalogue_s_limits() -> None:
    values = {"time": time.time(), "model": "whisper-large-v3", "where": "local", "status": "ok"}
    recorder.default_store().append(row(values))
    found = current_limits("whisper-large-v3")
    assert {(one.where, one.source) for one in found} == {("cloud", "catalogue")}
    assert all(one.remaining == one.limit for one in found)
    assert current_limits() == []


def test_replayed_calls_use_nothing_up(tmp_path: Path) -> None:
    for _ in range(3):
        with groqnb.replay(tmp_path / "record.json"):
            ask(headers=HEADERS)
    assert list(groqnb.usage()["where"]) == ["cloud", "replay", "replay"]
    assert {one.where for one in current_limits()} == {"cloud"}
    assert limit(current_limits(), "RPM").remaining == 29


def test_seconds_of_audio_are_counted() -> None:
    reply = httpx.Response(200, json={"text": "hi", "duration": 90.0, "x_groq": {"id": "r"}})
    with groqnb.Groq(transport=answering(reply), api_key=KEY, where="cloud") as client:
        client.audio.transcriptions.create(model="whisper-large-v3", file=("a.wav", b"RIFF"))
    found = current_limits("whisper-large-v3")
    assert limit(found, "ASH").remaining == 7200 - 90
    assert limit(found, "ASD").remaining == 28_800 - 90


# --- the meter ---


def test_it_shows_a_call_soon_after_its_end(meter: Callable[..., UsageMeter]) -> None:
    """Nothing is asked for: it hears of every client's calls."""
    shown = meter()
    assert shown.state["models"] == []
    ask(headers=HEADERS)
    until(lambda: bool(shown.state["models"]))
    (model,) = shown.state["models"]
    assert (model["model"], model["where"]) == (MODEL, "cloud")
    first = model["limits"][0]
    assert (first["name"], first["limit"], first["source"]) == ("TPM", 12000, "server")
    assert shown.state["spent"].startswith("$")


def test_models_can_be_named_before_they_are_asked(meter: Callable[..., UsageMeter]) -> None:
    shown = meter(models=[MODEL, "whisper-large-v3"])
    table = shown.to_frame()
    assert list(table.model.unique()) == [MODEL, "whisper-large-v3"]
    assert set(table.source) == {"catalogue"}
    assert (table.remaining == table.limit).all()


def test_a_model_of_which_nothing_is_known_is_refused() -> None:
    with pytest.raises(groqnb.ParameterError, match=r"Did you mean whisper-large-v3"):
        UsageMeter(models="whisper-larg-v3")
    with pytest.raises(groqnb.ParameterError, match="has no option 'model'"):
        UsageMeter(model=MODEL)


def test_a_budget_stands_in_it(meter: Callable[..., UsageMeter]) -> None:
    shown = meter()
    assert shown.state["budget"] is None
    groqnb.budget(0.5)
    ask()
    until(lambda: shown.state["budget"] is not None)
    assert shown.state["budget"]["limit"] == "$0.5"
    assert shown.state["budget"]["part"] > 0


def test_closed_it_follows_no_calls(meter: Callable[..., UsageMeter]) -> None:
    shown = meter()
    shown.close()
    before = shown.state
    ask()
    shown._now()
    assert shown.state == before
    assert not watch._listeners


def test_a_meter_that_no_page_shows_any_more_rests_until_one_does(
    meter: Callable[..., UsageMeter],
) -> None:
    """A cell that was run anew leaves one behind; a page that opens sees how things are now."""
    shown, other = meter(), meter()
    shown._ask_seen({"view": "a"})
    shown._ask_seen({"view": "b"})
    shown._ask_gone({"view": "a"})
    ask()
    until(lambda: bool(shown.state["models"]))
    shown._ask_gone({"view": "b"})
    before = shown.state
    ask("openai/gpt-oss-20b")
    until(lambda: len(other.state["models"]) == 2)
    assert shown._timer is None
    assert shown.state == before
    shown._ask_seen({"view": "c"})
    assert len(shown.state["models"]) == 2


def test_a_look_that_fails_is_told_and_done_again(
    meter: Callable[..., UsageMeter], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for the looks after calls, so the page says what went wrong with one."""
    shown = meter()
    monkeypatch.setattr(usage_meter, "_AGAIN", 0.02)
    looks = []

    def broken(model: str | None = None) -> list[Any]:
        looks.append(model)
        raise OSError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(usage_meter, "current_limits", broken)
        ask(headers=HEADERS)
        until(lambda: len(looks) > 2)
        assert shown.error == "OSError: disk I/O error"
    until(lambda: bool(shown.state["models"]))
    assert shown.error == ""


def test_a_saved_notebook_keeps_the_table(meter: Callable[..., UsageMeter]) -> None:
    ask(headers=HEADERS)
    bundle, _ = meter()._repr_mimebundle_()
    assert "TPM, tokens a minute" in bundle["text/html"]
    assert "progress" in bundle["text/html"]
    assert bundle["text/plain"] == f"UsageMeter({MODEL})"
