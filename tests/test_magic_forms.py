"""`--prefill`, `--doc`, `--as md|text|code|cell` in `%%groq`: how an answer begins, is given."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer
from IPython.core.interactiveshell import InteractiveShell
from magic_shell import last, outputs, run, usage_error

import groqnb
from groqnb.session import Exchange, session
from groqnb.types.code import code_blocks, code_text
from groqnb.types.errors import ParameterError

MIXED = "Do this:\n```bash\npip install x\n```\nthen\n```python\nx = '<b>'\n```\nDone."


@pytest.fixture
def mixed(ip: InteractiveShell) -> str:
    """A prompt that is answered with two blocks of code and words between."""
    ip.user_ns["mixed"] = MIXED
    return "answer {{mixed}}"


# --- --prefill ---


def test_an_answer_begins_as_told_and_is_kept_whole(
    ip: InteractiveShell, server: ChatServer
) -> None:
    assert run(ip, "%%groq -c --prefill 'w0 w1 '\nCount").success
    assert server.requests[-1]["messages"] == [
        {"role": "user", "content": "Count"},
        {"role": "assistant", "content": "w0 w1 "},
    ]
    answer = ip.user_ns["_groq"]
    assert answer.text == "w0 w1 w2 "
    assert "w0 w1 w2" in last(ip)
    assert session.chat("default").messages == [
        {"role": "user", "content": "Count"},
        {"role": "assistant", "content": "w0 w1 w2 "},
    ]


def test_a_prefill_may_be_an_expression_and_goes_with_stop_and_a_dry_run(
    ip: InteractiveShell, server: ChatServer
) -> None:
    line = "--prefill {{'```python' + chr(10)}} -p stop=```"
    run(ip, f"%%groq --dry-run {line}\nAdd")
    assert "[assistant]\n```python" in last(ip)
    assert run(ip, f"%%groq {line}\nAdd").success
    assert server.requests[-1]["stop"] == "```"
    assert ip.user_ns["_groq"].text.startswith("```python\n")


def test_several_models_begin_with_the_same_words(ip: InteractiveShell, server: ChatServer) -> None:
    run(ip, "%%groq -m llama-3.3-70b-versatile,llama-3.1-8b-instant --prefill 'w0 w1 '\nCount")
    assert [*ip.user_ns["_groq"].text] == ["w0 w1 w2 "] * 2


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--prefill", "needs a value"),
        ("--prefill x --as json", "--prefill and --as json exclude each other"),
        ("--prefill x --as 'n: int'", "exclude each other"),
        ("--prefill x --tools f", "--prefill and --tools exclude each other"),
    ],
)
def test_what_a_prefill_does_not_go_with_is_told(
    ip: InteractiveShell, server: ChatServer, line: str, told: str
) -> None:
    run(ip, "def f(x: int) -> int:\n    '''Twice.'''\n    return 2 * x")
    assert told in usage_error(ip, f"%%groq {line}\nHi")
    assert server.requests == []


def test_an_exported_chat_begins_its_answers_as_the_notebook_did(
    ip: InteractiveShell, server: ChatServer, tmp_path: Path
) -> None:
    """The script, run with the official package, asks the server the same."""
    run(ip, "%%groq -c begun --prefill 'w0 w1 '\nCount once")
    run(ip, "%%groq -c begun --no-stream\nsecond")
    before = [request["messages"] for request in server.requests]
    groqnb.export("chat", tmp_path / "chat.py", chat="begun")
    server.requests.clear()
    environment = {**os.environ, "GROQ_BASE_URL": server.url.removesuffix("/openai/v1")}
    ran = subprocess.run(
        [sys.executable, "chat.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert [request["messages"] for request in server.requests] == before
    assert "w0 w1 w2" in ran.stdout


# --- --as md, text, code, cell ---


def test_code_alone_is_shown_in_colours_and_the_chat_keeps_the_whole(
    ip: InteractiveShell, mixed: str
) -> None:
    assert run(ip, f"%%groq -c --as code\n{mixed}").success
    answer = ip.user_ns["_groq"]
    assert answer.text == answer.code == "pip install x\n\nx = '<b>'"
    assert "Done" not in last(ip)
    html = last(ip, "text/html")
    assert 'class="highlight"' in html
    assert "<b>" not in html.partition("</style>")[2]
    assert session.chat("default").messages[-1]["content"] == MIXED
    assert answer.whole == MIXED
    data, _ = ip.display_formatter.format(answer)
    assert "Done" not in data["text/html"]


def test_code_that_was_cut_off_goes_on_where_the_whole_answer_ended(
    ip: InteractiveShell, server: ChatServer
) -> None:
    interrupted = "w0 w1 "
    run(ip, f"%%groq --as code --prefill '{interrupted}'\nlong")
    answer = ip.user_ns["_groq"]
    session.last = Exchange(session.last.question, replace(answer, stopped=True), None)  # type: ignore[union-attr]
    assert run(ip, "%groq continue").success
    assert server.requests[-1]["messages"][-1]["content"] == answer.whole
    assert ip.user_ns["_groq"].form == "code"


def test_an_answer_without_code_is_shown_as_it_is(ip: InteractiveShell) -> None:
    run(ip, "%%groq --as code\nanswer x = 1")
    assert ip.user_ns["_groq"].text == "x = 1"
    assert ip.user_ns["_groq"].code == ""


def test_text_is_shown_as_it_is_and_markdown_as_ever(ip: InteractiveShell) -> None:
    run(ip, "%%groq --as text\nanswer **bold** <i>")
    assert "<pre" in last(ip, "text/html")
    assert "**bold** &lt;i&gt;" in last(ip, "text/html")
    assert ip.user_ns["_groq"].text == "**bold** <i>"
    run(ip, "%%groq --as md\nanswer **bold**")
    assert "<strong>bold</strong>" in last(ip, "text/html")


def test_python_is_put_into_a_new_cell_where_that_is_asked_for(
    ip: InteractiveShell, mixed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells: list[Any] = []
    monkeypatch.setattr(ip, "set_next_input", lambda text, replace=False: cells.append(text))
    run(ip, f"%%groq --as code\n{mixed}")
    assert cells == []
    run(ip, f"%%groq --as cell\n{mixed}")
    assert cells == ["x = '<b>'"]
    assert ip.user_ns["_groq"].text == "pip install x\n\nx = '<b>'"


def test_forms_go_with_tools_and_presets_and_whole_answers(
    ip: InteractiveShell, server: ChatServer, mixed: str
) -> None:
    run(ip, "def f(x: int) -> int:\n    '''Twice.'''\n    return 2 * x")
    assert run(ip, f"%%groq --tools f --as code\n{mixed}").success
    assert ip.user_ns["_groq"].text == "pip install x\n\nx = '<b>'"
    run(ip, "%groq preset save coder --as code -s 'Code only.'")
    assert run(ip, f"%%groq --preset coder --no-stream\n{mixed}").success
    assert ip.user_ns["_groq"].text == "pip install x\n\nx = '<b>'"


def test_a_form_that_is_none_is_refused_with_what_there_is(ip: InteractiveShell) -> None:
    told = usage_error(ip, "%%groq --as codes\nHi")
    assert "Did you mean code" in told
    assert "--as md, text, code, cell, json" in told


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("no code `x`", []),
        ("```\na\n```", ["a"]),
        ("~~~py\na\n```\nb\n~~~", ["a\n```\nb"]),
        ("````md\n```\nin\n```\n````", ["```\nin\n```"]),
        ("```js\nnever closed", ["never closed"]),
        ("1. x\n   ```sh\n   ls\n   ```", ["   ls"]),
        ("```a``` is no fence", []),
        ("```\r\na\r\n```\r\n", ["a\r"]),
    ],
)
def test_blocks_of_code(text: str, blocks: list[str]) -> None:
    assert [block.text for block in code_blocks(text)] == blocks


def test_code_grows_and_never_takes_anything_back() -> None:
    """A terminal prints the code while it comes, and cannot unprint."""
    shown = ""
    for end in range(len(MIXED) + 1):
        now = code_text(MIXED[:end], complete=False)
        assert now.startswith(shown), (shown, now)
        shown = now
    assert code_text(MIXED).startswith(shown)


# --- --doc ---


def test_documents_go_along_as_the_api_takes_them(
    ip: InteractiveShell, server: ChatServer, tmp_path: Path
) -> None:
    (tmp_path / "rules.txt").write_text("Closed on Monday.", encoding="utf-8")
    ip.user_ns["more"] = ["Open on Friday.", "Key: gsk_abcdefgh0123456789"]
    assert run(ip, "%%groq --doc rules.txt --doc more\nWhen?").success
    assert server.requests[-1]["documents"] == [
        {"text": "Closed on Monday."},
        {"text": "Open on Friday."},
        {"text": "Key: (secret)"},
    ]
    assert "sent document rules.txt, document more[0], document more[1]: " in last(ip)
    assert "1 secret left out" in last(ip)


def test_a_text_that_an_expression_gives_is_a_document(
    ip: InteractiveShell, server: ChatServer
) -> None:
    """As an earlier answer's is; where there is a file of that name, it is the file."""
    Path("rules.txt").write_text("Closed on Sunday.", encoding="utf-8")
    ip.user_ns |= {"found": ["Open on Monday. " * 100, "rules.txt"]}
    assert run(ip, '%%groq --doc "{{found[0]}}" --doc "{{found[1]}}"\nWhen?').success
    texts = [each["text"] for each in server.requests[-1]["documents"]]
    assert texts == ["Open on Monday. " * 100, "Closed on Sunday."]
    assert "no file 'nowhere/rules.txt'" in usage_error(
        ip, "%%groq --doc {{'nowhere'}}/{{found[1]}}\nWhen?"
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--doc rule.txt", "no variable and no file 'rule.txt'. Did you mean rules.txt?"),
        ("--doc paper.pdf", "paper.pdf is a PDF. Turn it into text first."),
        ("--doc blob.bin", "blob.bin is no text in UTF-8"),
        ("--doc number", "a int is no document"),
        ("--doc empty", "a document is empty"),
        ("--doc huge", "at most 400,000 are sent"),
        ("--doc https://a.b/c", "no variable and no file"),
        ('--doc rules.txt -p documents=[{"text":"x"}]', "--doc and -p documents=… exclude"),
    ],
)
def test_what_is_no_document_is_refused(
    ip: InteractiveShell, server: ChatServer, tmp_path: Path, line: str, told: str
) -> None:
    (tmp_path / "rules.txt").write_text("Closed.", encoding="utf-8")
    (tmp_path / "paper.pdf").write_bytes(b"%PDF-1.7\n\xff\xfe")
    (tmp_path / "blob.bin").write_bytes(b"a\0b")
    ip.user_ns.update(number=1, empty=" ", huge="x" * 400_001)
    assert told in usage_error(ip, f"%%groq {line}\nHi")
    assert server.requests == []


def test_documents_in_python_take_texts_files_and_answers(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\ufeffone", encoding="utf-8")
    answer = groqnb.Answer(text="two")
    found = groqnb.documents(tmp_path / "a.txt", answer, ["three", "four"])
    assert [each["text"] for each in found] == ["one", "two", "three", "four"]
    with pytest.raises(ParameterError, match="cannot be read"):
        groqnb.documents(tmp_path / "none.txt")
    with pytest.raises(ParameterError, match=r"^\. cannot be read"):
        groqnb.documents(Path())


def test_the_help_names_the_forms_and_the_ways(
    ip: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    run(ip, "%groq help")
    told = capsys.readouterr().out
    for word in (
        "--df VAR",
        "--cells N",
        "--err",
        "--doc DOC",
        "--prefill TEXT",
        "cell (that in a new cell",
    ):
        assert word in told
    assert outputs(ip) == []
