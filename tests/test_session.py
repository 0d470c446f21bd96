"""A kernel's state: a client for each target, totals of calls, models known without a call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from chat_server import KEY, MODELS, ChatServer

from groqnb.session import DEFAULT_MODEL, Session
from groqnb.types.errors import BadRequestError, ParameterError

ASK = {"model": DEFAULT_MODEL, "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[ChatServer]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    with ChatServer() as running:
        monkeypatch.setenv("GROQ_BASE_URL", running.url)
        yield running


def test_the_client_stays_the_same_while_its_target_does(server: ChatServer) -> None:
    session = Session()
    client = session.client()
    assert session.client() is client
    session.use(server.url)
    assert session.client() is not client


def test_a_key_that_appears_later_is_used_without_a_restart(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session()
    assert session.client().target.key is None
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    assert session.client().target.key is not None


def test_without_a_key_calls_go_to_the_local_engine_and_it_is_said_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    monkeypatch.delenv("GROQ_BASE_URL", raising=False)
    session = Session()
    assert session.target.kind == "local"
    assert session.why(session.target) == "no API key was found"
    assert session.why(session.target) is None


def test_what_the_user_chose_needs_no_reason() -> None:
    session = Session()
    assert session.why(session.use("local")) is None


def test_a_wrong_place_is_refused_and_changes_nothing() -> None:
    session = Session(where="local")
    with pytest.raises(ParameterError):
        session.use("lokal")
    assert session.where == "local"


def test_calls_of_the_client_are_counted_however_they_end(server: ChatServer) -> None:
    session = Session(settings={"max_retries": 0})
    client = session.client()
    client.chat.completions.create(**ASK)
    list(client.chat.completions.create(**ASK, stream=True))
    with pytest.raises(BadRequestError):
        client.chat.completions.create(
            model=DEFAULT_MODEL, messages=[{"role": "user", "content": "status 400"}]
        )
    client.chat.completions.create(**ASK, stream=True).close()
    totals = session.totals
    assert (totals.calls, totals.failed, totals.interrupted) == (4, 1, 1)
    assert (totals.tokens_in, totals.tokens_out) == (6, 7)
    assert totals.cost == 0


def test_models_are_known_without_a_call_and_better_after_one(server: ChatServer) -> None:
    session = Session()
    assert DEFAULT_MODEL in session.known_models()
    assert server.paths == []
    session.fetch_models()
    assert session.known_models() == MODELS


def test_progress_reaches_the_listener_of_the_moment() -> None:
    session, heard = Session(), []
    session._on_progress("lost")
    with session.progress_to(heard.append):
        session._on_progress("heard")
    session._on_progress("lost")
    assert heard == ["heard"]
