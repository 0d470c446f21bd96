"""Where a key is looked for, and in which order."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from groqnb import ParameterError
from groqnb.keys import PLACES, find_key, set_session_key
from groqnb.types.secret import Secret


@pytest.fixture(autouse=True)
def _nothing_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "keyring", None)
    set_session_key(None)


def source(explicit: str | None = None) -> str | None:
    found = find_key(explicit)
    return None if found is None else f"{found.key.reveal()} from {found.source}"


@pytest.mark.parametrize("key", [5, b"gsk_0123456789abcdef"])
def test_what_is_no_text_is_no_key(key: Any) -> None:
    with pytest.raises(ParameterError, match="The API key from the api_key argument is no text"):
        find_key(key)


@pytest.mark.skipif(os.name == "nt", reason="a folder in use cannot be deleted there")
def test_where_the_working_folder_was_deleted_the_other_places_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert find_key() is None


def test_no_key_is_none() -> None:
    assert find_key() is None


def test_the_argument_goes_before_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "env")
    assert source("given") == "given from the api_key argument"
    assert find_key(Secret("given")) == find_key("given")
    assert source("") == "env from the GROQ_API_KEY environment variable"


def test_a_key_typed_in_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "env")
    set_session_key(" typed\n")
    try:
        assert source() == "typed from `%groq key`"
        with pytest.raises(ParameterError):
            set_session_key("two words")
    finally:
        set_session_key(None)
    assert source() == "env from the GROQ_API_KEY environment variable"


def test_a_dotenv_file_here_or_above_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("OTHER=1\nexport GROQ_API_KEY='above'  # mine\n")
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    assert source() == f"above from the file {tmp_path / '.env'}"
    (folder / ".env").write_text("OTHER=1\n")
    assert source() == f"above from the file {tmp_path / '.env'}"
    (folder / ".env").write_text('GROQ_API_KEY="here"\n')
    assert source() == f"here from the file {folder / '.env'}"
    monkeypatch.setenv("GROQ_API_KEY", "env")
    assert source() == "env from the GROQ_API_KEY environment variable"


def test_a_dotenv_that_is_not_utf_8_all_through_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"# caf\xe9\r\nGROQ_API_KEY=mine\r\n")
    assert source() == f"mine from the file {tmp_path / '.env'}"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_dotenv_that_windows_wrote_is_read(tmp_path: Path, encoding: str) -> None:
    """`echo GROQ_API_KEY=… > .env` is UTF-16 in its PowerShell."""
    (tmp_path / ".env").write_text("GROQ_API_KEY=mine\r\n", encoding=encoding)
    assert source() == f"mine from the file {tmp_path / '.env'}"


@pytest.mark.parametrize("quote", ['"', "'"])
def test_quotes_that_a_shell_left_are_no_part_of_a_key(
    monkeypatch: pytest.MonkeyPatch, quote: str
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", f"{quote}env{quote}")
    assert source() == "env from the GROQ_API_KEY environment variable"
    monkeypatch.setenv("GROQ_API_KEY", quote * 2)
    assert find_key() is None


def test_a_dotenv_that_is_a_folder_or_has_no_value_is_no_key(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert find_key() is None
    (tmp_path / ".env").rmdir()
    (tmp_path / ".env").write_text("GROQ_API_KEY=\n")
    assert find_key() is None


def test_colab_s_secrets_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def get(name: str) -> str:
        assert name == "GROQ_API_KEY"
        return "colab"

    colab = types.ModuleType("google.colab")
    colab.userdata = types.SimpleNamespace(get=get)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    assert source() == "colab from Colab's secrets"

    def refuse(name: str) -> str:
        raise RuntimeError("NotebookAccessError")

    colab.userdata = types.SimpleNamespace(get=refuse)  # type: ignore[attr-defined]
    assert find_key() is None


def test_the_keyring_is_asked_last_and_only_where_it_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keyring = types.ModuleType("keyring")
    keyring.__spec__ = types.SimpleNamespace()  # type: ignore[assignment]
    asked: list[tuple[str, str]] = []

    def get_password(service: str, name: str) -> str | None:
        asked.append((service, name))
        return "ring"

    keyring.get_password = get_password  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    assert source() == "ring from the system keyring"
    assert asked == [("groqnb", "GROQ_API_KEY")]

    def locked(service: str, name: str) -> str | None:
        raise OSError("locked")

    keyring.get_password = locked  # type: ignore[attr-defined]
    assert find_key() is None


def test_the_phrase_for_messages_names_the_places() -> None:
    for place in ("api_key", "GROQ_API_KEY", ".env", "Colab", "keyring"):
        assert place in PLACES
