"""`client.files.content`: read, iterated over, saved; and what happens when the line breaks."""

from __future__ import annotations

import asyncio
import gc
import gzip
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from both_worlds import World, answering, both
from raw_server import RawServer, chunked, plain

from groqnb import AsyncGroq, Groq, NotFoundError, StreamError
from groqnb.types.errors import GroqnbError
from groqnb.wire.hub import Events
from groqnb.wire.retry import without_waiting

CONTENT = "".join(f'{{"custom_id": "é {number}"}}\n' for number in range(5000)).encode()


def fetch(world: World, client: Any, method: str, *arguments: Any, **more: Any) -> Any:
    """`client.files.content("f").method(…)`, with iterators read into lists."""
    if world.name == "sync":
        result = getattr(client.files.content("f"), method)(*arguments, **more)
        return list(result) if method.startswith("iter") else result

    async def main() -> Any:
        content = await client.files.content("f")
        result = getattr(content, method)(*arguments, **more)
        return [one async for one in result] if method.startswith("iter") else await result

    return asyncio.run(main())


class BreakingServer:
    """Serves CONTENT, hanging up after so many bytes of each reply; knows ranges, or not."""

    def __init__(self, cuts: list[int], *, ranges: bool = True, etag: str | None = None) -> None:
        self.cuts = cuts
        self.ranges = ranges
        self.etags = [etag]
        self.asked: list[str | None] = []
        self.conditions: list[str | None] = []


@contextmanager
def breaking(server: BreakingServer) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            return

        def do_GET(self) -> None:
            wanted = self.headers.get("range")
            server.asked.append(wanted)
            server.conditions.append(self.headers.get("if-range"))
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted else 0  # type: ignore[index]
            start = start if server.ranges else 0
            rest = CONTENT[start:]
            self.send_response(206 if start else 200)
            if start:
                last, total = len(CONTENT) - 1, len(CONTENT)
                self.send_header("content-range", f"bytes {start}-{last}/{total}")
            etag = server.etags.pop(0) if len(server.etags) > 1 else server.etags[0]
            if etag:
                self.send_header("etag", etag)
            self.send_header("content-length", str(len(rest)))
            self.end_headers()
            cut = server.cuts.pop(0) if server.cuts else len(rest)
            self.wfile.write(rest[:cut])
            self.wfile.flush()
            if cut < len(rest):
                self.close_connection = True

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()


@both
def test_the_content_is_read_iterated_over_or_saved(world: World, tmp_path: Path) -> None:
    with RawServer(plain(CONTENT, headers={"content-type": "application/jsonl"})) as server:
        client = world.client(base_url=server.url)
        assert fetch(world, client, "read") == CONTENT
        assert b"".join(fetch(world, client, "iter_bytes")) == CONTENT
        lines = fetch(world, client, "iter_lines")
        assert lines == CONTENT.decode().splitlines()
        told: list[Any] = []
        path = tmp_path / "results.jsonl"
        path.write_text("old")
        saved = fetch(
            world,
            client,
            "save",
            str(path),
            progress=lambda done, total: told.append((done, total)),
        )
        assert saved == path
        assert path.read_bytes() == CONTENT
        assert told[-1] == (len(CONTENT), len(CONTENT))
        assert fetch(world, client, "write_to_file", path) == path
        assert os.listdir(tmp_path) == ["results.jsonl"]
    assert server.requests[0].startswith(b"GET /openai/v1/files/f/content HTTP/1.1\r\n")
    assert b"Accept-Encoding: identity" in server.requests[0]


@both
def test_lines_end_at_line_feeds_only(world: World) -> None:
    text = "a\u2028b\r\n\n\x0bc\x85d"
    client = world.client(transport=answering(httpx.Response(200, content=text.encode())))
    assert fetch(world, client, "iter_lines") == ["a\u2028b", "", "\x0bc\x85d"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_lines_are_the_same_in_reads_of_any_size(size: int) -> None:
    content = CONTENT[:600]
    parts = [content[at : at + size] for at in range(0, len(content), size)]
    with RawServer(chunked(*parts)) as server:
        client = Groq(base_url=server.url, api_key="k" * 20)
        lines = list(client.files.content("f").iter_lines())
    assert lines == content.decode().split("\n")


def test_a_download_tells_of_itself_and_is_read_once() -> None:
    headers = {"x-request-id": "req_7", "x-ratelimit-remaining-requests": "9"}
    with RawServer(plain(b"abc", headers=headers)) as server:
        client = Groq(base_url=server.url, api_key="k" * 20)
        content = client.files.content("f")
        assert (content.size, content.request_id) == (3, "req_7")
        assert content.rate_limit is not None
        assert content.rate_limit.remaining_requests == 9
        assert repr(content) == "<Download: 0 of 3 bytes read>"
        assert content.read() == content.read() == b"abc"
        assert list(content.iter_lines()) == ["abc"]
        other = client.files.content("f")
        assert list(other.iter_bytes()) == [b"abc"]
        with pytest.raises(GroqnbError, match="iterated over already"):
            other.read()


@both
def test_a_file_that_is_not_there_is_an_error_at_once(world: World, tmp_path: Path) -> None:
    refusal = httpx.Response(404, json={"error": {"message": "No such file"}})
    client = world.client(transport=answering(refusal))
    with pytest.raises(NotFoundError, match="No such file"):
        fetch(world, client, "save", tmp_path / "f")
    assert os.listdir(tmp_path) == []


@both
@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
def test_a_broken_download_goes_on_where_it_broke(world: World, ranges: bool) -> None:
    cuts = [50_000, 30_000] if ranges else [50_000, 80_000]
    server = BreakingServer(cuts, ranges=ranges, etag='"v1"')
    events: list[Any] = []
    hub = Events()
    hub.subscribe(events.append)
    with breaking(server) as url, without_waiting():
        client = world.client(base_url=url, events=hub)
        assert fetch(world, client, "read") == CONTENT
    assert server.asked == [None, "bytes=50000-", "bytes=80000-"]
    assert server.conditions == [None, '"v1"', '"v1"']
    names = [type(event).__name__ for event in events]
    assert names.count("Retried") == 2
    assert names[-1] == "Finished"
    assert names.count("Finished") == 1


@both
def test_a_download_that_always_breaks_says_how_far_it_came(world: World, tmp_path: Path) -> None:
    server = BreakingServer([10_000, 20_000, 30_000])
    events: list[Any] = []
    hub = Events()
    hub.subscribe(events.append)
    with breaking(server) as url, without_waiting():
        client = world.client(base_url=url, events=hub)
        total = f"{len(CONTENT):,}"
        with pytest.raises(StreamError, match=f"broke after 60,000 of {total} bytes"):
            fetch(world, client, "save", tmp_path / "f")
    assert os.listdir(tmp_path) == []
    assert type(events[-1]).__name__ == "Failed"


@both
def test_a_file_that_changed_meanwhile_is_never_patched_together(world: World) -> None:
    server = BreakingServer([10_000], ranges=False)
    server.etags = ['"v1"', '"v2"']
    with breaking(server) as url, without_waiting():
        client = world.client(base_url=url)
        with pytest.raises(StreamError, match="another one since the download broke after 10,000"):
            fetch(world, client, "read")


@both
def test_a_rest_that_cannot_be_had_says_how_far_it_came(world: World) -> None:
    with (
        RawServer(
            chunked(b"abc", end=False), plain({"error": {"message": "Gone."}}, status=404)
        ) as server,
        without_waiting(),
    ):
        client = world.client(base_url=server.url)
        with pytest.raises(StreamError, match=r"after 3 bytes and could not go on: Gone\."):
            fetch(world, client, "read")


@both
def test_silence_in_the_middle_ends_a_download_with_an_error(world: World) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"
    with RawServer([head, 30.0]) as server:
        client = world.client(base_url=server.url, timeout=2, max_retries=0)
        with pytest.raises(StreamError, match="fell silent for too long after 3 of 10 bytes"):
            fetch(world, client, "read")


@both
def test_what_comes_compressed_all_the_same_is_read_but_not_patched_together(world: World) -> None:
    packed = gzip.compress(CONTENT)
    headers = {"content-encoding": "gzip"}
    with RawServer(plain(packed, headers=headers)) as server:
        client = world.client(base_url=server.url)
        assert fetch(world, client, "read") == CONTENT
    cut = chunked(packed[:2000], end=False, headers="content-encoding: gzip\r\n")
    with RawServer(cut) as server, without_waiting():
        client = world.client(base_url=server.url)
        with pytest.raises(StreamError, match="The download broke after"):
            fetch(world, client, "read")
    assert len(server.requests) == 1


def _left_early(client: Groq) -> None:
    for _ in client.files.content("f").iter_bytes():
        break


def _closed(client: Groq) -> None:
    with client.files.content("f"):
        pass


def _dropped(client: Groq) -> None:
    client.files.content("f")


@pytest.mark.parametrize("leave", [_left_early, _closed, _dropped])
def test_a_download_that_is_left_hangs_up(leave: Callable[[Groq], None]) -> None:
    events: list[Any] = []
    hub = Events()
    hub.subscribe(events.append)
    with RawServer([*chunked(*[b"x" * 100_000] * 200, 0.05, b"x" * 5_000_000)]) as server:
        client = Groq(base_url=server.url, api_key="k" * 20, events=hub)
        leave(client)
        assert server.gone.wait(30)
    assert type(events[-1]).__name__ == "Interrupted"


def test_an_async_download_that_is_left_hangs_up() -> None:
    async def main(url: str) -> None:
        client = AsyncGroq(base_url=url, api_key="k" * 20)
        async with await client.files.content("f") as content:
            async for _ in content.iter_bytes():
                break

    with RawServer([*chunked(*[b"x" * 100_000] * 200)]) as server:
        asyncio.run(main(server.url))
        assert server.gone.wait(30)


def test_an_async_download_that_is_dropped_hangs_up() -> None:
    """Its connection would be held for as long as the client."""
    events: list[Any] = []

    async def main(url: str, gone: threading.Event) -> None:
        client = AsyncGroq(base_url=url, api_key="k" * 20)
        client.events.subscribe(events.append)
        await client.files.content("f")
        gc.collect()
        assert await asyncio.to_thread(gone.wait, 30)

    with RawServer([*chunked(*[b"x" * 100_000] * 200, 0.05, b"x" * 5_000_000)]) as server:
        asyncio.run(main(server.url, server.gone))
    assert type(events[-1]).__name__ == "Interrupted"


@both
def test_saving_into_a_folder_that_is_not_there_costs_no_download(
    world: World, tmp_path: Path
) -> None:
    client = world.client(transport=answering(httpx.Response(200, content=b"abc")))
    with pytest.raises(FileNotFoundError):
        fetch(world, client, "save", tmp_path / "no" / "f")
    with pytest.raises(IsADirectoryError, match="is a folder; name a file in it"):
        fetch(world, client, "save", tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
def test_what_takes_the_place_of_a_file_is_read_by_whom_that_was(tmp_path: Path) -> None:
    """A private file stays private, a new one has the usual rights."""
    client = World("sync").client(transport=answering(httpx.Response(200, content=b"abc")))
    (tmp_path / "private").write_bytes(b"old")
    (tmp_path / "private").chmod(0o600)
    for name in ("private", "new"):
        fetch(World("sync"), client, "save", tmp_path / name)
    usual = tmp_path / "usual"
    usual.touch()
    assert (tmp_path / "private").read_bytes() == b"abc"
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new").stat().st_mode == usual.stat().st_mode


@both
def test_a_failing_progress_leaves_nothing_behind(world: World, tmp_path: Path) -> None:
    def fail(done: int, total: int | None) -> None:
        raise RuntimeError("no more")

    client = world.client(transport=answering(httpx.Response(200, content=b"abc")))
    with pytest.raises(RuntimeError, match="no more"):
        fetch(world, client, "save", tmp_path / "f", progress=fail)
    assert os.listdir(tmp_path) == []
