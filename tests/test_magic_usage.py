"""`%groq usage` in a real shell: what the calls of this machine took."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_server import ChatServer
from IPython.core.interactiveshell import InteractiveShell
from magic_shell import last, outputs, run, usage_error

import groqnb
from groqnb.ledger import recorder


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("GROQNB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("GROQNB_LEDGER", raising=False)
    yield
    recorder._stores.clear()


def test_calls_are_counted_by_model(ip: InteractiveShell) -> None:
    run(ip, "%%groq\nHello")
    run(ip, "%%groq\nHello")
    run(ip, "%%groq -m llama-3.1-8b-instant\nstatus 400")
    run(ip, "%groq usage")
    lines = last(ip).splitlines()
    assert lines[0].split()[:3] == ["model", "calls", "failed"]
    assert lines[1].split()[:2] == ["llama-3.3-70b-versatile", "2"]
    assert lines[2].split()[:3] == ["llama-3.1-8b-instant", "1", "1"]
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
