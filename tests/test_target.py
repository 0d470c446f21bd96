"""Where calls go, and why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from groqnb import AuthenticationError, Groq, LocalEngineError, ParameterError
from groqnb.local import process
from groqnb.local.errors import EngineStartFailed
from groqnb.target import CLOUD_URL, normal_url, resolve

KEY = "gsk_" + "k" * 40


@pytest.fixture(autouse=True)
def _nothing_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    monkeypatch.delenv("GROQ_BASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "keyring", None)


def test_without_a_key_calls_stay_on_this_machine() -> None:
    target = resolve()
    assert (target.kind, target.label, target.why) == (
        ("local", "local engine", "no API key was found")
    )
    assert target.key is target.base_url is None


def test_with_a_key_calls_go_to_the_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    target = resolve()
    assert (target.kind, target.label, target.base_url) == ("cloud", "Groq cloud", CLOUD_URL)
    assert target.why == "a key was found: the GROQ_API_KEY environment variable"
    assert resolve(api_key="mine").key_source == "the api_key argument"


def test_a_base_url_goes_before_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    monkeypatch.setenv("GROQ_BASE_URL", "http://127.0.0.1:8000")
    target = resolve()
    assert (target.kind, target.why) == ("url", "GROQ_BASE_URL says so")
    assert target.label == target.base_url == "http://127.0.0.1:8000/openai/v1"
    assert target.key_source == "the GROQ_API_KEY environment variable"
    assert resolve(base_url="http://other").label == "http://other/openai/v1"
    assert resolve("local").kind == "local"
    assert resolve("cloud").kind == "cloud"


@pytest.mark.parametrize("url", ["https://api.groq.com", "https://api.groq.com/openai/v1/"])
def test_the_cloud_s_own_url_is_the_cloud(url: str) -> None:
    assert resolve(base_url=url).kind == "cloud"


def test_an_explicit_choice_says_so() -> None:
    for where in ("local", "cloud", "http://127.0.0.1:1/v1"):
        assert resolve(where).why == "it was asked for"


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://h:1", "http://h:1/openai/v1"),
        ("http://h:1/", "http://h:1/openai/v1"),
        ("http://h:1/openai/v1", "http://h:1/openai/v1"),
        ("http://h:1/openai/v1/", "http://h:1/openai/v1"),
        ("http://h:1/v1", "http://h:1/v1"),
        ("https://proxy/groq", "https://proxy/groq/openai/v1"),
        ("https://H.example//openai/v1", "https://h.example/openai/v1"),
        (" http://[::1]:80 ", "http://[::1]:80/openai/v1"),
        ("https://h/@team/v1", "https://h/@team/v1"),
        ("http://h/v1/chat/completions", "http://h/v1"),
        ("https://h/openai/v1/responses/", "https://h/openai/v1"),
    ],
)
def test_base_urls_are_accepted_with_and_without_the_version(given: str, url: str) -> None:
    assert normal_url(given) == url


@pytest.mark.parametrize(
    "url",
    [
        *("", "h:1", "ftp://h", "http://", "http://h:x", "http://h:99999", "http://h?a=b"),
        *("http://[::1", f"http://{'a' * 64}.example", "http://a..b"),
    ],
)
def test_what_is_no_url_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(ParameterError, match="not the URL of a server"):
        normal_url(url)


def test_a_wrong_url_in_the_environment_is_told_with_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GROQ_BASE_URL", "api.groq.com")
    with pytest.raises(ParameterError, match=r"^GROQ_BASE_URL .*'api.groq.com' is not the URL"):
        resolve()


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    for url in (
        *("https://me:hidden@h", "https://me:hidden@[::1", "https://me:hidden@h:99999"),
        *("https://me:hidden@", "http:me:hidden@h"),
    ):
        with pytest.raises(ParameterError) as caught:
            resolve(url)
        assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("name", ["where", "base_url"])
def test_what_is_no_text_is_no_place(name: str) -> None:
    with pytest.raises(ParameterError, match=f"{name} is of the type int; it is a text"):
        resolve(**{name: 5})  # type: ignore[arg-type]


def test_a_wrong_word_names_the_nearest() -> None:
    with pytest.raises(ParameterError, match="Did you mean 'local'"):
        resolve("locla")
    with pytest.raises(ParameterError, match="not both"):
        resolve("local", base_url="http://h")


def test_the_cloud_without_a_key_is_refused_at_the_first_call_only() -> None:
    target = resolve("cloud")
    with pytest.raises(AuthenticationError, match="No API key was found"):
        target.connect()


class Engine:
    base_url = "http://127.0.0.1:1/openai/v1"
    api_key = "k" * 30


def test_the_engine_starts_with_the_first_call_and_not_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []

    def ensure(**settings: Any) -> Engine:
        asked.append(settings)
        return Engine()

    monkeypatch.setattr(process, "ensure", ensure)
    client = Groq(where="local")
    assert repr(client) == "<Groq: local engine>"
    assert not asked
    connection = client.target.connect(print)
    assert connection.base_url == Engine.base_url
    assert connection.key is not None
    assert connection.key.reveal() == Engine.api_key
    assert asked == [{"progress": print}]


def test_an_engine_that_cannot_start_is_a_local_engine_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ensure(**_: Any) -> Engine:
        raise EngineStartFailed("It did not start.", "Look at the log.", log_tail="Killed")

    monkeypatch.setattr(process, "ensure", ensure)
    with pytest.raises(LocalEngineError) as caught:
        Groq(where="local").models.list()
    assert str(caught.value) == "It did not start. Look at the log."
    assert caught.value.log_tail == "Killed"
    assert caught.value.__context__ is None
