"""Questions asked in the background: told of as they come, stopped from any thread."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from chat_server import KEY, ChatServer

from groqnb import AsyncGroq, AuthenticationError, Groq, NotFoundError, StreamError
from groqnb.background import Background, Running, check_client
from groqnb.conversation import Question, single
from groqnb.showing import Asked
from groqnb.types.answer import Answer
from groqnb.types.errors import GroqnbError, ParameterError
from groqnb.wire.events import Interrupted

LONG = 60.0  # s that a busy machine may take


class Heard:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.grown: list[str] = []
        self.ended: list[Asked] = []
        self.growing = threading.Event()

    def says(self, status: str) -> None:
        self.said.append(status)

    def grows(self, answer: Answer) -> int:
        self.grown.append(answer.text)
        self.growing.set()
        return len(answer.text)

    def ends(self, asked: Asked) -> None:
        self.ended.append(asked)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server


@pytest.fixture
def client(server: ChatServer) -> Iterator[Groq]:
    with Groq(base_url=server.url, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def background(client: Groq) -> Iterator[Background]:
    background = Background(lambda: client)
    yield background
    background.close()


def asking(text: str, **params: Any) -> Question:
    return Question(single(text), "llama-3.3-70b-versatile", params)


def test_an_answer_is_told_as_it_comes_and_whole(background: Background) -> None:
    """The listener hears the status first, growing text, and at the end what the caller gets."""
    heard = Heard()
    asked = background.ask(asking("count 5 every 0.05"), heard).wait()
    assert asked.answer is not None
    assert asked.answer.text == "w0 w1 w2 w3 w4 "
    assert asked.answer.usage is not None
    assert heard.said == ["asking llama-3.3-70b-versatile…"]
    assert heard.ended == [asked]
    assert all(asked.answer.text.startswith(text) for text in heard.grown)
    assert heard.grown == sorted(heard.grown, key=len)


def test_stop_ends_it_while_it_streams(background: Background, server: ChatServer) -> None:
    """What had come is kept, marked stopped, and the server sees the connection close."""
    heard = Heard()
    running = background.ask(asking("count 100000 every 0.01"), heard)
    assert heard.growing.wait(LONG)
    running.stop()
    assert running.done.wait(LONG)
    assert running.asked is not None
    answer = running.asked.answer
    assert answer is not None
    assert answer.stopped
    assert answer.text.startswith("w0 ")
    assert server.hung_up.wait(LONG)


def test_stop_ends_it_before_its_first_word(background: Background) -> None:
    """A server that says nothing for an hour does not keep anybody waiting."""
    running = background.ask(asking("count 2 every 3600"), Heard())
    running.stop()
    assert running.done.wait(LONG)
    assert running.asked is not None
    assert running.asked.answer is not None
    assert (running.asked.answer.text, running.asked.answer.stopped) == ("", True)


def test_stop_after_the_end_changes_nothing(background: Background) -> None:
    """An answer that is complete stays so."""
    running = background.ask(asking("hello"), Heard())
    asked = running.wait()
    running.stop()
    assert running.asked is asked
    assert asked.answer is not None
    assert not asked.answer.stopped


def test_a_refusal_is_told_without_the_key(background: Background) -> None:
    """No answer, the error, and nothing secret in it."""
    asked = background.ask(asking("status 401"), Heard()).wait()
    assert asked.answer is None
    assert isinstance(asked.error, AuthenticationError)
    assert KEY not in str(asked.error)


def test_a_stream_that_breaks_keeps_what_had_come(background: Background) -> None:
    """There is an answer then, and an error."""
    asked = background.ask(asking("cut"), Heard()).wait()
    assert asked.answer is not None
    assert asked.answer.text == "one two three"
    assert isinstance(asked.error, StreamError)


def test_a_wrong_parameter_is_told_and_the_next_question_answered(background: Background) -> None:
    """The thread lives on after errors of every kind."""
    asked = background.ask(asking("hello", temperature=3), Heard()).wait()
    assert isinstance(asked.error, ParameterError)
    unknown = Question(single("hello"), "no-such-model")
    assert isinstance(background.ask(unknown, Heard()).wait().error, NotFoundError)
    assert background.ask(asking("hello"), Heard()).wait().error is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_asks_in_a_thread_of_its_own(background: Background) -> None:
    """The parent's does not run there, and would never answer."""
    background.ask(asking("hello"), Heard()).wait()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            running = background.ask(asking("hello"), Heard())
            answered = running.done.wait(10) and running.asked is not None
            code = 0 if answered and running.asked.answer is not None else 1
            background.close()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert background.ask(asking("hello"), Heard()).wait().answer is not None


def test_a_listener_that_fails_loses_no_answer(background: Background) -> None:
    """A page that is gone does not end the answer for whoever waits for it in Python."""

    class Gone(Heard):
        def ends(self, asked: Asked) -> None:
            raise OSError("the page is gone")

    asked = background.ask(asking("hello"), Gone()).wait()
    assert asked.answer is not None
    assert asked.answer.text == "You said: hello"


def test_the_clients_events_tell_of_it(background: Background, client: Groq) -> None:
    """Usage and ledger count calls of the background as they count all others."""
    ends: list[str] = []
    client.events.subscribe(lambda event: ends.append(type(event).__name__))
    background.ask(asking("hello"), Heard()).wait()
    assert "Finished" in ends
    heard = Heard()
    running = background.ask(asking("count 100000 every 0.01"), heard)
    assert heard.growing.wait(LONG)
    running.stop()
    running.wait()
    assert Interrupted.__name__ in ends


def test_another_client_is_used_for_the_next_question(client: Groq) -> None:
    """`client_of` is asked each time: the session may have changed where calls go."""
    with ChatServer() as other:
        second = Groq(base_url=other.url, api_key=KEY)
        clients = iter([client, second, second])
        background = Background(lambda: next(clients))
        try:
            for text in ("one", "two", "three"):
                background.ask(asking(text), Heard()).wait()
        finally:
            background.close()
        assert [body["messages"][-1]["content"] for body in other.requests] == ["two", "three"]


def test_closing_stops_what_is_on_its_way(client: Groq) -> None:
    """Nobody waits for ever, and the thread is gone."""
    background = Background(lambda: client)
    heard = Heard()
    running = background.ask(asking("count 100000 every 0.01"), heard)
    assert heard.growing.wait(LONG)
    thread = background._thread
    background.close()
    assert running.done.wait(LONG)
    assert thread is not None
    thread.join(LONG)
    assert not thread.is_alive()


def test_a_client_that_cannot_be_made_raises_at_once() -> None:
    """What is wrong before the call is raised where it was asked."""

    def broken() -> Groq:
        raise GroqnbError("no client")

    background = Background(broken)
    with pytest.raises(GroqnbError, match="no client"):
        background.ask(asking("hello"), Heard())
    background.close()


def test_other_clients_are_refused_by_name() -> None:
    """An AsyncGroq is none: the error says what is."""
    with pytest.raises(ParameterError, match=r"AsyncGroq; it is a groqnb\.Groq"):
        check_client(AsyncGroq(base_url="http://127.0.0.1:9", api_key=KEY))


def test_an_answer_that_does_not_stop_is_an_error_and_no_riddle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C, and the connection does not close: the cell ends, and says so."""
    monkeypatch.setattr("groqnb.background._GOODBYE", 0.0)
    running = Running()
    waits = iter([KeyboardInterrupt(), False])

    def wait(seconds: float) -> bool:
        event = next(waits)
        if isinstance(event, BaseException):
            raise event
        return event

    monkeypatch.setattr(running.done, "wait", wait)
    asked = running.wait()
    assert asked.answer is None
    assert "has not ended" in str(asked.error)
