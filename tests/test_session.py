"""A kernel's state: a client for each target, totals of all calls, models known without a call."""

from __future__ import annotations

import asyncio
import threading
import types
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from both_worlds import completion
from chat_server import KEY, MODELS, ChatServer

import groqnb
from groqnb import AsyncGroq, Groq
from groqnb.ledger.totals import Totals
from groqnb.ledger.watch import watch
from groqnb.session import DEFAULT_MODEL, Session
from groqnb.types.errors import BadRequestError, InternalServerError, ParameterError

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


def test_a_client_is_not_taken_away_while_a_thread_gets_it(server: ChatServer) -> None:
    """Another thread that closes the session waits so long."""
    session = Session()
    target = session.target
    closing: list[threading.Thread] = []

    class Compared:
        def __eq__(self, other: object) -> bool:
            closing.append(threading.Thread(target=session.close))
            closing[0].start()
            closing[0].join(0.2)
            return other == target

    kept: Any = types.SimpleNamespace(target=Compared(), close=lambda: None)
    session._client = kept
    assert session.client() is kept
    closing[0].join()
    assert isinstance(session.client(), Groq)


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


@pytest.fixture
def totals() -> Totals:
    return watch.totals


def test_calls_of_the_client_are_counted_however_they_end(
    server: ChatServer, totals: Totals
) -> None:
    session = Session(settings={"max_retries": 0})
    client = session.client()
    client.chat.completions.create(**ASK)
    list(client.chat.completions.create(**ASK, stream=True))
    with pytest.raises(BadRequestError):
        client.chat.completions.create(
            model=DEFAULT_MODEL, messages=[{"role": "user", "content": "status 400"}]
        )
    client.chat.completions.create(**ASK, stream=True).close()
    assert session.totals is totals
    assert (totals.calls, totals.failed, totals.interrupted) == (4, 1, 1)
    assert (totals.tokens_in, totals.tokens_out) == (6, 7)
    assert totals.cost == 0


def test_calls_of_other_clients_count_as_the_ledger_has_them(
    server: ChatServer, totals: Totals
) -> None:
    """The session's client, one of the user's own, and an async one: the same in both."""
    session, own = Session(), Groq()

    async def awaited() -> None:
        async with AsyncGroq() as client:
            stream = await client.chat.completions.create(**ASK, stream=True)
            async for _ in stream:
                continue

    session.client().chat.completions.create(**ASK)
    own.chat.completions.create(**ASK)
    asyncio.run(awaited())
    rows = groqnb.usage().tail(3)
    assert (totals.calls, totals.failed) == (len(rows), 0) == (3, 0)
    assert totals.tokens_in == rows["prompt_tokens"].sum()
    assert totals.tokens_out == rows["completion_tokens"].sum()


def test_tokens_of_a_response_are_counted_by_their_own_names(totals: Totals) -> None:
    """The Responses API calls them input and output."""
    reply = {
        "id": "r",
        "object": "response",
        "model": DEFAULT_MODEL,
        "status": "completed",
        "output": [],
        "usage": {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12},
    }
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=reply))
    session = Session(settings={"transport": transport, "api_key": KEY}, where="cloud")
    session.client().responses.create(model=DEFAULT_MODEL, input="Hi")
    assert (totals.calls, totals.tokens_in, totals.tokens_out) == (1, 7, 5)
    assert totals.cost > 0
    assert totals.unpriced == 0


def test_calls_of_unknown_price_are_counted_apart(totals: Totals) -> None:
    """A model that no list of prices has; one that failed cost nothing."""
    replies = iter([httpx.Response(200, json=completion()), httpx.Response(500, json={})])
    client = Groq(
        api_key=KEY,
        where="cloud",
        transport=httpx.MockTransport(lambda _: next(replies)),
        max_retries=0,
    )
    client.chat.completions.create(**{**ASK, "model": "acme/unheard-of"})
    with pytest.raises(InternalServerError):
        client.chat.completions.create(**{**ASK, "model": "acme/unheard-of"})
    assert (totals.calls, totals.failed, totals.unpriced, totals.cost) == (2, 1, 1, 0)


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
