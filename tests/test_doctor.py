"""The doctor names what was found and what to do, and never shows a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from groqnb.doctor import checks, print_checks
from groqnb.target import resolve

KEY = "gsk_" + "a1B2" * 8


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    monkeypatch.delenv("GROQ_BASE_URL", raising=False)
    monkeypatch.setenv("GROQNB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GROQNB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


def test_without_a_key_it_says_that_calls_go_to_the_local_engine_and_why() -> None:
    found = {check.name: check for check in checks()}
    assert found["where calls go"].detail == "local engine, because no API key was found"
    assert found["API key"].ok is None
    assert found["local engine"].ok is True


def test_missing_weights_are_no_fault_and_come_with_the_command_that_fetches_them() -> None:
    found = {check.name: check for check in checks()}
    assert found["weights"].ok is None
    assert "groqnb setup" in found["weights"].hint


def test_what_reads_recordings_is_looked_at() -> None:
    """PyAV, with its version."""
    found = {check.name: check for check in checks()}
    assert found["recordings"].ok is True
    assert "PyAV" in found["recordings"].detail


def test_what_hears_and_speaks_is_looked_at() -> None:
    """Installed, but not fetched: the command that fetches it is named."""
    found = {check.name: check for check in checks()}
    assert "faster-whisper" in found["hearing"].detail
    assert "148 MB" in found["hearing"].detail
    assert "groqnb setup speaking" in found["speaking"].hint


def test_an_unreachable_server_is_a_fault_and_the_key_stays_hidden(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    monkeypatch.setenv("GROQ_BASE_URL", "http://127.0.0.1:9/openai/v1")
    assert print_checks() == 1
    printed = capsys.readouterr().out
    assert "BAD  http://127.0.0.1:9/openai/v1" in printed
    assert "GROQ_API_KEY environment variable" in printed
    assert KEY not in printed


def test_it_looks_at_the_target_that_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    found = {check.name: check for check in checks(resolve("local"))}
    assert found["where calls go"].detail.startswith("local engine")


def test_a_key_that_cannot_be_one_is_reported_not_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk_two words")
    assert any(check.ok is False for check in checks())


def test_a_key_that_cannot_be_one_does_not_matter_to_who_needs_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is named, with what to do, and everything else is looked at all the same."""
    monkeypatch.setenv("GROQ_API_KEY", "gsk abc")
    found = {check.name: check for check in checks(resolve("local"))}
    assert found["API key"].ok is None
    assert "GROQ_API_KEY environment variable" in found["API key"].detail
    assert "Copy it again" in found["API key"].hint
    assert found["local engine"].ok is True


def test_the_ledger_and_the_prices_are_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Calls can be made without them, so what is wrong with them is no fault."""
    found = {check.name: check for check in checks()}
    assert found["usage ledger"].detail.startswith("0 calls in ")
    assert found["usage ledger"].detail.endswith("without prompts and answers")
    assert found["prices"].ok is True
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data" / "usage.sqlite").write_text("no database " * 100)
    monkeypatch.setenv("GROQNB_PRICES", str(tmp_path / "missing.json"))
    found = {check.name: check for check in checks()}
    assert "Move it away" in found["usage ledger"].detail
    assert "GROQNB_PRICES names" in found["prices"].detail
    assert found["prices"].ok is None
    monkeypatch.setenv("GROQNB_LEDGER", "off")
    found = {check.name: check for check in checks()}
    assert found["usage ledger"].detail == "off, by GROQNB_LEDGER"
