"""The client on real sockets: what the network can do to it."""

from __future__ import annotations

import asyncio
import gzip
import os
import subprocess
import sys
import threading
import zlib
from typing import Any

import pytest
from both_worlds import KEY, MESSAGES, MODEL, World, both, completion
from raw_server import RawServer, chunked, plain, sse

from groqnb import APIConnectionError, APITimeoutError, AsyncGroq, Groq
from groqnb.wire.inflate import InflateError, Inflater
from groqnb.wire.network import proxy_for
from groqnb.wire.retry import without_waiting
from groqnb.wire.shards import CALLS_PER_SHARD, Shards

BODY = completion()


@both
def test_a_request_says_what_it_should(world: World) -> None:
    with RawServer(plain(BODY)) as server:
        client = world.client(base_url=server.url, default_headers={"X-Mine": "1"})
        reply = world.ask(
            client,
            temperature=0.5,
            seed=None,
            extra_body={"new": [1]},
            extra_headers={"Groq-Model-Version": "latest", "user-agent": "mine"},
        )
        assert reply.headers["content-type"] == "application/json"
    head, _, body = server.requests[0].decode().partition("\r\n\r\n")
    lines = head.split("\r\n")
    assert lines[0] == "POST /openai/v1/chat/completions HTTP/1.1"
    assert f"Host: {server.url.removeprefix('http://')}" in lines
    assert f"Authorization: Bearer {KEY}" in lines
    assert "Content-Type: application/json" in lines
    assert "Accept-Encoding: gzip, deflate" in lines
    assert "X-Mine: 1" in lines
    assert "Groq-Model-Version: latest" in lines
    assert "user-agent: mine" in lines
    assert "User-Agent: groqnb" not in lines
    assert body == (
        '{"model":"llama-3.3-70b-versatile","messages":[{"role":"user","content":"Hello"}],'
        '"temperature":0.5,"new":[1]}'
    )


@both
def test_a_refused_connection_says_which_host(world: World) -> None:
    with RawServer(plain(BODY)) as server:
        url = server.url
    client = world.client(base_url=url)
    with without_waiting(), pytest.raises(APIConnectionError) as caught:
        world.ask(client)
    assert url.removeprefix("http://") in str(caught.value)
    assert "Is a server running there?" in str(caught.value)


@both
def test_a_host_that_does_not_exist_is_a_connection_error(world: World) -> None:
    client = world.client(base_url="http://no-such-host.invalid", max_retries=0)
    with pytest.raises(APIConnectionError, match=r"no-such-host\.invalid"):
        world.ask(client)


@both
def test_silence_ends_after_the_timeout(world: World) -> None:
    with RawServer([5.0]) as server:
        client = world.client(base_url=server.url, timeout=0.2, max_retries=0)
        with pytest.raises(APITimeoutError, match=r"within 0\.2 s"):
            world.ask(client)


@both
def test_a_timeout_can_be_given_for_one_call(world: World) -> None:
    with RawServer([5.0]) as server:
        client = world.client(base_url=server.url, max_retries=0)
        with pytest.raises(APITimeoutError, match=r"within 0\.1 s"):
            world.ask(client, timeout=0.1)


@both
def test_a_slow_body_is_waited_for_while_it_moves(world: World) -> None:
    whole = plain(BODY)[0]
    assert isinstance(whole, bytes)
    steps: list[Any] = []
    for place in range(0, len(whole), 60):
        steps += [whole[place : place + 60], 0.3]
    with RawServer(steps) as server:
        client = world.client(base_url=server.url, timeout=1.5, max_retries=0)
        assert world.ask(client).choices[0].message.content == "Hi"


@both
def test_a_reply_cut_in_its_body_is_asked_for_again(world: World) -> None:
    whole = plain(BODY)[0]
    assert isinstance(whole, bytes)
    with RawServer([whole[:-9]], plain(BODY), close=True) as server:
        with without_waiting():
            assert world.ask(world.client(base_url=server.url)).id == "chatcmpl-1"
        assert len(server.requests) == 2


@both
@pytest.mark.parametrize("cut", [1, 12, 40, 90])
def test_a_reply_that_is_always_cut_is_an_error(world: World, cut: int) -> None:
    whole = plain(BODY)[0]
    assert isinstance(whole, bytes)
    with RawServer([whole[:cut]], close=True) as server:
        client = world.client(base_url=server.url)
        with without_waiting(), pytest.raises(APIConnectionError, match=r"broke|not HTTP"):
            world.ask(client)
        assert len(server.requests) == 3


@both
def test_what_is_not_http_is_an_error(world: World) -> None:
    with RawServer([b"SSH-2.0-OpenSSH_9.6\r\n\r\n"], close=True) as server:
        client = world.client(base_url=server.url, max_retries=0)
        with pytest.raises(APIConnectionError, match="not HTTP"):
            world.ask(client)


@both
@pytest.mark.parametrize("packed", ["gzip", "deflate"])
def test_compressed_replies_are_read(world: World, packed: str) -> None:
    pack = gzip.compress if packed == "gzip" else zlib.compress
    whole = b'{"id":"1","model":"m","choices":[]}'
    with RawServer(plain(pack(whole), headers={"content-encoding": packed})) as server:
        assert world.ask(world.client(base_url=server.url)).id == "1"


@both
def test_a_compressed_stream_is_read_as_it_comes(world: World) -> None:
    body = sse({"id": "1", "choices": []}, {"id": "2", "choices": []})
    packed = gzip.compress(body)
    pieces = [packed[i : i + 7] for i in range(0, len(packed), 7)]
    with RawServer(chunked(*pieces, headers="content-encoding: gzip\r\n")) as server:
        chunks: list[Any] = []
        world.stream(world.client(base_url=server.url), chunks)
    assert [chunk.id for chunk in chunks] == ["1", "2"]


@both
@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_what_cannot_be_decompressed_is_an_error(world: World, encoding: str) -> None:
    with RawServer(plain(b"plain text", headers={"content-encoding": encoding})) as server:
        client = world.client(base_url=server.url, max_retries=0)
        with pytest.raises(APIConnectionError, match="decompressed"):
            world.ask(client)


def test_deflate_without_its_head_and_gzip_in_several_members_are_read() -> None:
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    assert Inflater("deflate").feed(raw.compress(b"hello") + raw.flush()) == b"hello"
    assert Inflater("gzip").feed(gzip.compress(b"a") + gzip.compress(b"b")) == b"ab"
    half = Inflater("gzip")
    half.feed(gzip.compress(b"hello")[:-5])
    with pytest.raises(InflateError):
        half.finish()


@both
def test_a_connection_is_used_again(world: World) -> None:
    with RawServer(plain(BODY)) as server:
        client = world.client(base_url=server.url)

        async def twice_async() -> None:
            for _ in range(3):
                await client.chat.completions.create(model=MODEL, messages=MESSAGES)

        if world.name == "sync":
            for _ in range(3):
                world.ask(client)
        else:
            asyncio.run(twice_async())
        assert server.connections == 1


def test_an_async_client_outlives_its_event_loop() -> None:
    with RawServer(plain(BODY)) as server:
        client = World("async").client(base_url=server.url)
        for _ in range(3):
            assert World("async").ask(client).id == "chatcmpl-1"


def test_64_async_calls_at_once_all_come_back() -> None:
    async def storm(url: str) -> list[str]:
        async with AsyncGroq(base_url=url, api_key=KEY) as client:
            calls = [
                client.chat.completions.create(model=MODEL, messages=MESSAGES) for _ in range(64)
            ]
            return [reply.id for reply in await asyncio.gather(*calls)]

    with RawServer([0.05, *plain(BODY)]) as server:
        assert asyncio.run(storm(server.url)) == ["chatcmpl-1"] * 64
        assert server.connections <= 64


def test_threads_share_a_client() -> None:
    with (
        RawServer([0.02, *plain(BODY)]) as server,
        Groq(base_url=server.url, api_key=KEY) as client,
    ):
        ids: list[str] = []

        def ask() -> None:
            reply = client.chat.completions.create(model=MODEL, messages=MESSAGES)
            ids.append(reply.id)

        threads = [threading.Thread(target=ask) for _ in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert len(ids) == 24


def test_shards_fill_one_after_the_other_and_are_used_again() -> None:
    made: list[int] = []
    shards = Shards(lambda: made.append(1) or len(made), most=2)  # type: ignore[func-returns-value]
    taken = [shards.take() for _ in range(2 * CALLS_PER_SHARD + 2)]
    assert len(made) == 2
    assert sorted({shard.load for shard in taken}) == [CALLS_PER_SHARD + 1]
    for shard in taken:
        shards.give_back(shard)
    assert shards.take() is taken[0]
    assert shards.drain() == [1, 2]


@pytest.mark.parametrize(
    ("environment", "host", "proxy"),
    [
        ({}, "api.groq.com", None),
        ({"HTTPS_PROXY": "http://p:1"}, "api.groq.com", "http://p:1"),
        ({"https_proxy": "p:1"}, "api.groq.com", "http://p:1"),
        ({"ALL_PROXY": "socks5://p:1"}, "api.groq.com", "socks5://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "groq.com"}, "api.groq.com", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, "api.groq.com", None),
        ({"HTTPS_PROXY": "http://p:1"}, "127.0.0.1", None),
        ({"HTTPS_PROXY": "http://p:1"}, "localhost", None),
        ({"HTTPS_PROXY": "http://p:1"}, "127.example.com", "http://p:1"),
    ],
)
def test_proxies_come_from_the_environment_and_never_for_this_machine(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], host: str, proxy: str | None
) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for("https", host) == proxy


@both
def test_calls_go_through_the_proxy(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    with RawServer(plain(BODY)) as server:
        monkeypatch.setenv("HTTP_PROXY", server.url.replace("//", "//me:p%40ss@"))
        monkeypatch.setenv("http_proxy", server.url.replace("//", "//me:p%40ss@"))
        client = world.client(base_url="http://far-away.invalid/v1")
        assert world.ask(client).id == "chatcmpl-1"
    request = server.requests[0].decode()
    assert request.startswith("POST http://far-away.invalid/v1/chat/completions HTTP/1.1")
    assert "Proxy-Authorization: Basic bWU6cEBzcw==" in request


def run(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_an_answer_over_http_needs_neither_certificates_nor_httpx_nor_pydantic() -> None:
    code = """
import ssl, sys
def forbidden(*_): raise AssertionError("an SSL context for http://")
ssl.create_default_context = ssl.SSLContext.__new__ = forbidden
import groqnb
client = groqnb.Groq(base_url=sys.argv[1], api_key="k")
client.models.list()
print([name for name in ("httpx", "pydantic", "asyncio", "pandas") if name in sys.modules])
"""
    with RawServer(plain({"object": "list", "data": []})) as server:
        assert run(code, server.url) == "[]"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_opens_its_own_connections() -> None:
    code = """
import os, sys, groqnb
client = groqnb.Groq(base_url=sys.argv[1], api_key="k")
client.models.list()
child = os.fork()
assert client.models.list().data == []
if child:
    assert os.waitpid(child, 0)[1] == 0
    print("ok")
"""
    with RawServer(plain({"object": "list", "data": []})) as server:
        assert run(code, server.url) == "ok"
        assert server.connections == 2


def test_closing_a_client_closes_its_connections_and_a_later_call_opens_new_ones() -> None:
    with RawServer(plain(BODY)) as server:
        client = Groq(base_url=server.url, api_key=KEY)
        World("sync").ask(client)
        client.close()
        client.close()
        World("sync").ask(client)
        client.close()
        assert server.connections == 2
