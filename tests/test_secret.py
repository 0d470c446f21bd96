"""A key never shows: not in a repr, a message, an event, a pickle or a traceback."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from both_worlds import World, answering, both, completion
from raw_server import RawServer, chunked, plain, sse

from groqnb import APIError, Groq
from groqnb.keys import find_key
from groqnb.target import resolve
from groqnb.types.secret import Secret
from groqnb.wire.call import Connection
from groqnb.wire.retry import without_waiting

TEXT = "gsk_" + "Confidential" * 4


@pytest.mark.parametrize("text", ["a", "short-key", TEXT])
def test_a_secret_shows_at_most_the_ends_of_a_long_key(text: str) -> None:
    secret = Secret(text)
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret:>30}", repr([secret])):
        assert text not in shown
    assert secret.reveal() == text
    assert secret.masked == ("gsk_…tial" if text == TEXT else "…")


def test_secrets_compare_by_value_and_are_not_pickled() -> None:
    secret = Secret(TEXT)
    assert secret == Secret(secret)
    assert hash(secret) == hash(Secret(TEXT))
    assert secret != TEXT
    assert copy.deepcopy(secret) is copy.copy(secret) is secret
    assert not Secret("")
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(secret)


@pytest.fixture(autouse=True)
def _the_key_is_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", TEXT)


def test_nothing_that_holds_a_key_shows_it() -> None:
    client = Groq()
    for thing in (
        client,
        client.target,
        client.chat,
        client.chat.completions,
        client.models,
        find_key(),
        resolve("cloud").connect(),
        Connection("http://x/v1", Secret(TEXT)),
        vars(client),
    ):
        assert TEXT not in repr(thing)


@both
@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(200, text=f"<html>You sent {TEXT}"),
        httpx.Response(400, json={"error": {"message": f"Not with {TEXT}"}}),
        httpx.Response(502, text=f"Not with {TEXT}"),
        httpx.Response(
            200,
            text=f'data: {{"error": {{"message": "Not with {TEXT}"}}}}\n\n',
            headers={"content-type": "text/event-stream"},
        ),
    ],
)
def test_a_server_that_quotes_it_is_not_repeated(world: World, reply: httpx.Response) -> None:
    """Be it a proxy's page, a refusal, or an error within a stream."""
    streams = "event-stream" in reply.headers["content-type"]
    client = world.client(api_key=None, max_retries=0, transport=answering(reply))
    with pytest.raises(APIError) as caught:
        world.stream(client, []) if streams else world.ask(client)
    assert TEXT not in str(caught.value) + repr(caught.value.__dict__)


@both
def test_events_and_replies_do_not_hold_it(world: World) -> None:
    client = world.client(api_key=None, transport=answering(httpx.Response(200, json=completion())))
    events: list[object] = []
    client.events.subscribe(events.append)
    reply = world.ask(client)
    assert TEXT not in repr((events, reply, reply.headers, reply.model_dump()))


def verbose(act: Callable[[], object]) -> str:
    """What IPython prints, locals of every frame included, when `act` raises."""
    from IPython.core.ultratb import VerboseTB

    style: dict[str, Any] = {"theme_name": "nocolor"}
    try:
        VerboseTB(**style)
    except TypeError:
        style = {"color_scheme": "NoColor"}
    try:
        act()
    except BaseException:  # noqa: BLE001 - Ctrl-C is one of the cases
        kind, error, frames = sys.exc_info()
        # The frames of this file name the key in their lines; what counts is what lies below.
        while frames and not frames.tb_frame.f_globals["__name__"].startswith("groqnb"):
            frames = frames.tb_next
        assert frames, error
    else:
        raise AssertionError("nothing was raised")
    text: str = VerboseTB(**style).text(kind, error, frames)
    assert error is not None
    return text + str(error) + repr(error) + repr(error.__dict__)


def _interrupting(phase: str) -> Callable[[httpx.Request], httpx.Response]:
    def handler(request: httpx.Request) -> httpx.Response:
        headers = request.headers.raw  # noqa: F841 - as in the frames of a real transport
        raise KeyboardInterrupt(phase)

    return handler


@pytest.fixture
def servers() -> Iterator[dict[str, RawServer]]:
    refusal = {"error": {"message": f"Incorrect API key {TEXT}", "type": "x", "code": TEXT}}
    with (
        RawServer(plain(refusal, 401)) as refusing,
        RawServer([b"HTTP/1.1 200 OK\r\n"], close=True) as cutting,
        RawServer([5.0]) as silent,
        RawServer(plain(b"{}")) as empty,
        RawServer(
            chunked(sse({"id": "1", "choices": []}, done=False), end=False), close=True
        ) as half,
    ):
        yield {
            "refusing": refusing,
            "cutting": cutting,
            "silent": silent,
            "empty": empty,
            "half": half,
        }


@both
@pytest.mark.parametrize("name", ["refusing", "cutting", "silent", "empty", "half"])
def test_no_traceback_of_a_failed_call_shows_it(
    world: World, name: str, servers: dict[str, RawServer]
) -> None:
    client = world.client(base_url=servers[name].url, api_key=None, timeout=0.2, max_retries=1)
    for act in (
        lambda: world.ask(client),
        lambda: world.stream(client, []),
        lambda: world.run(client, lambda c: c.models.retrieve("m")),
    ):
        with without_waiting():
            if name == "half" and act is not None:
                act = lambda: world.stream(client, [])  # noqa: E731
            shown = verbose(act)
        assert TEXT not in shown
        assert "Traceback" in shown


@both
def test_no_traceback_of_a_refused_connection_shows_it(world: World) -> None:
    with RawServer(plain(b"{}")) as server:
        url = server.url
    client = world.client(base_url=url, api_key=None, max_retries=0)
    assert TEXT not in verbose(lambda: world.ask(client))


@both
def test_no_traceback_of_an_interrupt_or_a_bug_below_shows_it(world: World) -> None:
    def bug(request: httpx.Request) -> httpx.Response:
        headers = request.headers.raw
        return headers.no_such_thing  # type: ignore[attr-defined, no-any-return]

    for handler in (bug, *([_interrupting("send")] if world.name == "sync" else [])):
        client = world.client(api_key=None, transport=httpx.MockTransport(handler))
        assert TEXT not in verbose(lambda c=client: world.ask(c))


def test_no_traceback_of_a_wrong_setting_shows_it() -> None:
    def make(**settings: Any) -> Callable[[], object]:
        # Unpacked from the environment, so that no line of this file's own shows it.
        import os

        return lambda: Groq(**{"api_key": os.environ["GROQ_API_KEY"], **settings})

    for settings in (
        {"where": "nowhere"},
        {"timeout": -1},
        {"apikey": 1},
        {"base_url": "ftp://x"},
        {"default_headers": {"a": "b\n"}},
    ):
        assert TEXT not in verbose(make(**settings))


@pytest.mark.parametrize("odd", ["\n", " ", "é", "\x00"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(
    odd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "x") if odd == "\x00" else monkeypatch.setenv(
        "GROQ_API_KEY", TEXT + odd + TEXT
    )
    if odd == "\x00":
        shown = verbose(lambda: find_key(Secret(TEXT + odd + TEXT)))
    else:
        shown = verbose(find_key)
    assert TEXT not in shown
    assert "no key has" in shown
