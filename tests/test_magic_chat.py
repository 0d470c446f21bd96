"""`%groq chat`: conversations are listed, shown, forgotten and written to files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from chat_server import ChatServer
from IPython.core.interactiveshell import InteractiveShell
from magic_shell import last, outputs, run, usage_error
from test_completion import offered

from groqnb import keys
from groqnb.session import session


@pytest.fixture
def chats(ip: InteractiveShell, server: ChatServer) -> InteractiveShell:
    """Two conversations: `plan` of two turns, `talk` of one."""
    run(ip, "%%groq -c plan -s brief\nfirst <b>")
    run(ip, "%%groq -c plan\nsecond")
    run(ip, "%%groq -c talk\nkey gsk_abcdefgh0123456789")
    server.requests.clear()
    return ip


def test_conversations_are_listed_with_their_turns_and_last_question(
    chats: InteractiveShell, server: ChatServer
) -> None:
    run(chats, "%groq chat")
    lines = last(chats).splitlines()
    assert lines[1].split()[:2] == ["plan", "2"]
    assert lines[1].endswith("second")
    assert lines[2].split()[:2] == ["talk", "1"]
    assert server.requests == []


def test_a_conversation_is_shown_message_by_message(chats: InteractiveShell) -> None:
    for cell in ("%groq chat show plan", "%groq chat plan"):
        run(chats, cell)
        assert "[system]\nbrief\n\n[user]\nfirst <b>\n\n[assistant]\nYou said: first <b>" in last(
            chats
        )
        assert "first &lt;b&gt;" in last(chats, "text/html")


def test_a_forgotten_conversation_begins_anew(chats: InteractiveShell, server: ChatServer) -> None:
    run(chats, "%groq chat forget plan")
    assert "forgotten" in last(chats)
    assert list(session.conversations) == ["talk"]
    run(chats, "%%groq -c plan\nHi")
    assert len(server.requests[-1]["messages"]) == 1


def test_a_conversation_is_written_without_secrets_and_replaces_no_file(
    chats: InteractiveShell, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(chats, "%groq chat export plan plan.md")
    text = (tmp_path / "plan.md").read_text(encoding="utf-8")
    assert text.startswith("## System\n\nbrief\n\n## You\n\nfirst <b>\n\n## Assistant\n\n")
    assert "plan.md is there already" in usage_error(chats, "%groq chat export plan plan.md")
    run(chats, "%groq chat export talk talk.json")
    messages = json.loads((tmp_path / "talk.json").read_text(encoding="utf-8"))
    assert messages[0] == {"role": "user", "content": "key (secret)"}
    capsys.readouterr()
    run(chats, "%groq chat export talk")
    assert "key (secret)" in capsys.readouterr().out


def test_a_key_that_was_typed_in_is_not_written_either(
    ip: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    """It stands in no variable of the environment, and need not look like a key."""
    try:
        keys.set_session_key("our-own-proxy-key-0815")
        run(ip, "%%groq -c\nMy key is our-own-proxy-key-0815.")
        capsys.readouterr()
        run(ip, "%groq chat export")
    finally:
        keys.set_session_key(None)
    printed = capsys.readouterr().out
    assert "My key is (secret)." in printed
    assert "0815" not in printed


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("%groq chat show", "which? write %groq chat show NAME; there are plan, talk"),
        ("%groq chat forget pln", "no conversation 'pln'. Did you mean plan?"),
        ("%groq chat shw", "Did you mean show"),
        ("%groq chat show plan talk", "write %groq chat show NAME"),
        ("%groq chat export plan plan.py", "%groq export chat plan FILE.py"),
        ("%groq chat export plan no/such/folder.md", "cannot be written"),
    ],
)
def test_mistakes_are_told(chats: InteractiveShell, cell: str, told: str) -> None:
    assert told in usage_error(chats, cell)


def test_a_name_with_spaces_stands_in_quotes(chats: InteractiveShell) -> None:
    run(chats, "%%groq -c 'my trip'\nHi")
    for line in ("show 'my trip'", "'my trip'", '"my trip"'):
        outputs(chats).clear()
        assert run(chats, f"%groq chat {line}").success
        assert "[user]\nHi" in last(chats)
    assert run(chats, "%groq chat export 'my trip' 'the trip.md'").success
    assert Path("the trip.md").read_text(encoding="utf-8").startswith("## You")
    run(chats, "%groq chat forget 'my trip'")
    assert "my trip" not in session.conversations


def test_without_a_conversation_that_is_said(ip: InteractiveShell) -> None:
    run(ip, "%groq chat")
    assert "no conversation yet" in last(ip)
    assert "no conversation yet" in usage_error(ip, "%groq chat show x")


def test_words_and_names_are_offered(chats: InteractiveShell) -> None:
    assert offered("%groq chat ^")[1] == ["show", "forget", "export", "plan", "talk"]
    assert offered("%groq chat forget t^") == ("t", ["talk"])
