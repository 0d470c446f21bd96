"""`%groq replay` and `--replay`: a cell shows the same whether it is asked or replayed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer
from hearing_world import TALK, wav
from IPython.core.interactiveshell import InteractiveShell
from magic_shell import failed, last, outputs, run, usage_error

from groqnb import ReplayError, ResponseError
from groqnb.record.replaying import switch_off


@pytest.fixture(autouse=True)
def _switched_off() -> Any:
    yield
    switch_off()


CELLS = [
    "%%groq\ncount 3 every 0.01",
    "%%groq --no-stream\nthink",
    "%%groq -m llama-3.1-8b-instant,llama-3.3-70b-versatile -o both\nhello",
    "%%groq -c talk\nfirst",
    "%%groq -c talk\nsecond",
]


def shown(ip: InteractiveShell, cells: list[str] = CELLS) -> list[dict[str, Any]]:
    """What the cells leave on the page: the last state of each display."""
    ip.display_pub.outputs.clear()  # type: ignore[attr-defined]
    for cell in cells:
        assert run(ip, cell).success
    final: dict[str, Any] = {}
    for output in outputs(ip):
        final[(output["transient"] or {}).get("display_id", str(len(final)))] = output["data"]
    return list(final.values())


def test_a_second_run_shows_the_same_to_the_byte_and_asks_nothing(
    ip: InteractiveShell, server: ChatServer
) -> None:
    """Text, HTML, times, who answered: nothing in a cell's output tells the two runs apart."""
    from groqnb.session import session

    first = shown(ip, ["%groq replay on demo.replay.json", *CELLS])
    sent = len(server.requests)
    table = ip.user_ns["both"].drop(columns="answer")
    run(ip, "%groq replay off")
    session.conversations.clear()
    again = shown(ip, ["%groq replay on demo.replay.json", *CELLS])
    assert again == first
    assert len(server.requests) == sent > 0
    assert "TTFT" in first[1]["text/html"]
    assert all("recorded in demo.replay.json" in data["text/plain"] for data in first[1:])
    assert ip.user_ns["both"].drop(columns="answer").equals(table)


def test_what_was_recorded_elsewhere_shows_the_same_where_nobody_else_can_answer(
    ip: InteractiveShell, server: ChatServer
) -> None:
    """Sound both ways, of more than a minute, and a typed answer that does not fit."""
    ip.user_ns["talk"] = wav(TALK.samples)
    cells = ["%groq transcribe {{talk}}", "%groq speak Hello.", "%%groq --as 'city: str'\nParis"]

    def all_shown() -> list[Any]:
        ip.display_pub.outputs.clear()  # type: ignore[attr-defined]
        made = [run(ip, cell).error_in_exec for cell in cells]
        assert [type(each) for each in made] == [type(None), type(None), ResponseError]
        final = {}
        for output in outputs(ip):
            final[(output["transient"] or {}).get("display_id", str(len(final)))] = output["data"]
        return [each["text/plain"] for each in final.values()]

    run(ip, "%groq replay on demo.replay.json")
    first = all_shown()
    asked = len(server.requests)
    run(ip, "%groq use local")
    run(ip, "%groq replay strict demo.replay.json")
    assert all_shown() == first
    assert any("127.0.0.1" in text for text in first)
    assert len(server.requests) == asked == 5


def test_a_cell_that_is_run_again_shows_the_same(ip: InteractiveShell, server: ChatServer) -> None:
    """In one kernel too, without a word from the user."""
    run(ip, "%groq replay on demo.replay.json")
    one = ip.run_cell(CELLS[0], store_history=True)
    two = ip.run_cell(CELLS[0], store_history=True)
    assert one.success
    assert two.success
    texts = [out["data"]["text/html"] for out in outputs(ip) if "recorded" in str(out["data"])]
    assert texts[0] == texts[-1]
    assert len(server.requests) == 1


def test_strict_fails_shortly_on_a_changed_prompt(ip: InteractiveShell, server: ChatServer) -> None:
    run(ip, "%groq replay on demo.replay.json")
    run(ip, CELLS[0])
    run(ip, "%groq replay strict demo.replay.json")
    error = failed(ip, "%%groq\ncount 4 every 0.01")
    assert isinstance(error, ReplayError)
    assert "is 'count 4 every 0.01', recorded is 'count 3 every 0.01'" in error.message
    assert run(ip, CELLS[0]).success
    assert len(server.requests) == 1


def test_one_cell_goes_through_the_notebook_s_record(
    ip: InteractiveShell, server: ChatServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "intro.ipynb"))
    for _ in range(2):
        assert run(ip, "%%groq --replay -o answer\nhello").success
        assert ip.user_ns["answer"].record == "intro.replay.json"
        run(ip, "%%groq -o answer\nhello")
        assert ip.user_ns["answer"].record is None
    assert len(server.requests) == 3
    assert (tmp_path / "intro.replay.json").is_file()


def test_the_state_tells_of_the_record(ip: InteractiveShell) -> None:
    run(ip, "%groq replay")
    assert "No record is on" in last(ip)
    run(ip, "%groq replay on demo.replay.json")
    run(ip, CELLS[0])
    run(ip, "%groq replay status")
    assert "1 exchange, 0 not asked for" in last(ip)
    assert "0 replayed, 1 added" in last(ip)
    run(ip, "%groq")
    assert "demo.replay.json is on (auto)" in last(ip)
    run(ip, "%groq replay off")
    assert "demo.replay.json is off" in last(ip)
    run(ip, "%groq")
    assert "replay" not in last(ip)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("replay stric", "Did you mean strict"),
        ("replay off x", "takes nothing after it"),
        ("replay on", "%groq replay on FILE"),
        ("replay on .", "is a folder"),
    ],
)
def test_mistakes_are_told_with_what_to_write(
    ip: InteractiveShell, line: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert told in usage_error(ip, f"%groq {line}")
    assert "%groq replay on FILE" in usage_error(ip, "%%groq --replay\nhello")


def test_a_broken_file_is_told_without_a_traceback(ip: InteractiveShell, tmp_path: Path) -> None:
    (tmp_path / "x.replay.json").write_text("{}", encoding="utf-8")
    error = failed(ip, "%groq replay on x.replay.json")
    assert "no record of groqnb" in error.message
    assert error._render_traceback_()[0].startswith("ReplayError")  # type: ignore[attr-defined]
