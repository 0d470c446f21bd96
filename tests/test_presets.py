"""Presets: options under a name, in a file, in `%%groq --preset` and in Python."""

from __future__ import annotations

from pathlib import Path

import pytest
from chat_server import ChatServer
from IPython.core.interactiveshell import InteractiveShell
from magic_shell import last, run, usage_error

import groqnb
from groqnb import GroqnbError, ParameterError, presets
from groqnb.completion import candidates


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with notebooks, and another for the user's settings."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.setenv("GROQNB_CONFIG_DIR", str(tmp_path / "settings"))
    return tmp_path


def test_a_preset_is_kept_beside_the_notebook_and_used(
    ip: InteractiveShell, server: ChatServer
) -> None:
    """Its options count where the cell says nothing else."""
    run(ip, '%groq preset save brief -s "Be {{how}}." -p temperature=0.2 -p seed=7')
    assert "brief is kept in groqnb-presets.txt" in last(ip)
    ip.user_ns["how"] = "brief"
    run(ip, "%%groq --preset brief -p seed=8\nHello")
    body = server.requests[-1]
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (body["temperature"], body["seed"]) == (0.2, 8)


def test_a_preset_of_the_user_serves_all_folders(
    ip: InteractiveShell, server: ChatServer, folders: Path
) -> None:
    """Beside the notebook the same name counts more."""
    run(ip, "%groq preset save --user mine -p seed=1")
    assert (folders / "settings" / "presets.txt").is_file()
    run(ip, "%groq ask --preset mine Hello")
    assert server.requests[-1]["seed"] == 1
    run(ip, "%groq preset save mine -p seed=2")
    run(ip, "%groq ask --preset mine Hello")
    assert server.requests[-1]["seed"] == 2


def test_the_file_is_readable_and_keeps_what_people_write_in_it() -> None:
    """Remarks, order and other lines stay as they are."""
    path = Path(presets.FILE)
    path.write_text("# ours\n\nbrief = -p seed=1\nlong   =   -p seed=2\n", encoding="utf-8")
    presets.save("brief", "-p seed=3")
    assert path.read_text(encoding="utf-8") == "# ours\n\nlong   =   -p seed=2\nbrief = -p seed=3\n"
    presets.delete("long")
    assert path.read_text(encoding="utf-8") == "# ours\n\nbrief = -p seed=3\n"
    presets.save("new", "-m llama-3.1-8b-instant")
    assert list(presets.presets())[-2:] == ["brief", "new"]


def test_the_documented_scenarios_are_built_in(ip: InteractiveShell, server: ChatServer) -> None:
    """Temperature or top_p is set, not both."""
    run(ip, "%%groq --preset extraction\nHello")
    assert server.requests[-1]["temperature"] == 0
    assert "top_p" not in server.requests[-1]
    assert list(presets.BUILT_IN) == ["factual", "extraction", "creative", "brainstorm", "code"]
    with pytest.raises(ParameterError, match="built in"):
        presets.delete("factual")


def test_python_gets_the_parameters() -> None:
    """For `client.chat.completions.create`."""
    assert groqnb.preset("factual") == {"temperature": 0.2}
    presets.save("mine", "-m llama-3.1-8b-instant -p stop='[\"a\"]' -s Hello")
    assert groqnb.preset("mine") == {"model": "llama-3.1-8b-instant", "stop": ["a"]}
    with pytest.raises(ParameterError, match="Did you mean factual"):
        groqnb.preset("factal")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("%groq preset save", "write %groq preset save NAME OPTIONS"),
        ("%groq preset save brief", "write %groq preset save NAME OPTIONS"),
        ("%groq preset save 1x -p seed=1", "cannot be called '1x'"),
        ("%groq preset save a -p", "preset a: -p needs a value"),
        ("%groq preset save a --preset factual", "cannot use another"),
        ("%groq preset delete", "write %groq preset delete NAME"),
        ("%groq preset delete nothing", "There is no preset 'nothing'"),
        ("%groq preset factal", "Did you mean factual?"),
        ("%%groq --preset factal\nHello", "Did you mean factual?"),
        ("%%groq --preset\nHello", "--preset needs a value"),
    ],
)
def test_mistakes_are_told_shortly(ip: InteractiveShell, line: str, told: str) -> None:
    """With what to write, and nothing is kept."""
    assert told in usage_error(ip, line)
    assert not Path(presets.FILE).exists()


def test_a_file_with_a_mistake_names_the_line() -> None:
    """Nothing of it is lost, and nothing is guessed."""
    Path(presets.FILE).write_text("brief = -p seed=1\nwhat is this\n", encoding="utf-8")
    with pytest.raises(GroqnbError, match=r"Line 2 of groqnb-presets.txt"):
        presets.presets()
    Path(presets.FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(GroqnbError, match="UTF-8"):
        presets.presets()


def test_a_preset_with_a_mistake_is_told_in_python_too() -> None:
    """A file that people write has such."""
    Path(presets.FILE).write_text("bad = -q 1\n", encoding="utf-8")
    with pytest.raises(ParameterError, match="'bad' has a mistake: unknown option -q"):
        groqnb.preset("bad")


@pytest.mark.parametrize("options", ["-s a\n-s b", "-s 'a\u2028b'", "-s 'a\rb'", "  ", "\n"])
def test_a_preset_is_one_line_by_every_rule_for_lines(options: str) -> None:
    """Else the file could not be read again."""
    with pytest.raises(ParameterError, match="one line"):
        presets.save("a", options)
    assert not Path(presets.FILE).exists()


def test_a_folder_that_cannot_be_written_is_told() -> None:
    """The error names the file."""
    Path(presets.FILE).mkdir()
    with pytest.raises(GroqnbError, match="groqnb-presets"):
        presets.save("a", "-p seed=1")


def test_listing_and_completion_know_all(ip: InteractiveShell) -> None:
    """Names and options, with the file that they stand in."""
    run(ip, "%groq preset save brief -p seed=1")
    run(ip, "%groq preset")
    assert "-p temperature=0.2" in last(ip)
    assert "groqnb-presets.txt" in last(ip)

    def offered(line: str) -> list[str]:
        return [word for word, _ in candidates(line, 0, len(line), {})[1]]

    assert set(offered("%%groq --preset br")) == {"brief", "brainstorm"}
    assert "save" in offered("%groq preset ")
    assert "brief" in offered("%groq preset delete b")
