"""`client.files`: uploads from disk, lists, deletions, and what a file may be."""

from __future__ import annotations

import asyncio
import io
import os
import tempfile
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import httpx
import pytest
from both_worlds import World, answering, both
from forms import read_form
from raw_server import RawServer, chunked, plain

from groqnb import AsyncGroq, ParameterError
from groqnb.wire.multipart import FileContent, Form, Multipart
from groqnb.wire.retry import without_waiting

# API Reference, Upload file.
UPLOADED = {
    "id": "file_01jh6x76wtemjr74t1fh0faj5t",
    "object": "file",
    "bytes": 966,
    "created_at": 1736472501,
    "filename": "input_file.jsonl",
    "purpose": "batch",
}


def upload(world: World, file: Any, purpose: str = "batch", **more: Any) -> list[Any]:
    """The parts of the form that goes out for a file."""
    seen: list[httpx.Request] = []
    client = world.client(transport=answering(httpx.Response(200, json=UPLOADED), seen=seen))
    reply = world.run(client, lambda c: c.files.create(file=file, purpose=purpose, **more))
    assert reply.id == UPLOADED["id"]
    request = seen[0]
    assert (request.method, request.url.path) == ("POST", "/openai/v1/files")
    assert int(request.headers["content-length"]) == len(request.content)
    return read_form(request.headers["content-type"], request.content)


@both
@pytest.mark.parametrize(
    "make",
    [
        lambda path: path,
        str,
        lambda path: path.read_bytes(),
        lambda path: bytearray(path.read_bytes()),
        lambda path: io.BytesIO(path.read_bytes()),
        lambda path: (path.name, path),
        lambda path: ("other.jsonl", path.read_bytes()),
        lambda path: ("other.jsonl", io.BytesIO(path.read_bytes()), "text/plain"),
        lambda path: (None, path),
    ],
    ids=["path", "text", "bytes", "bytearray", "file", "named path", "named", "typed", "unnamed"],
)
def test_a_file_is_a_path_bytes_an_open_file_or_a_named_one(
    world: World, make: Any, tmp_path: Path
) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_bytes(b'{"custom_id": "a"}\n\r\n--x')
    file = make(path)
    purpose, sent = upload(world, file)
    assert (purpose.name, purpose.content) == ("purpose", b"batch")
    assert (sent.name, sent.content) == ("file", path.read_bytes())
    if isinstance(file, (Path, str)):
        assert sent.filename == "requests.jsonl"
    elif isinstance(file, tuple):
        assert sent.filename == (file[0] or "requests.jsonl")
        assert sent.type == ("text/plain" if len(file) == 3 else "application/jsonl")
    else:
        assert sent.filename == "upload.jsonl"


@both
def test_an_open_file_goes_out_whole_wherever_it_was_read_up_to(
    world: World, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\ntwo\n")
    with path.open("rb") as file:
        file.read(4)
        *_, sent = upload(world, file)
        assert not file.closed
    assert (sent.content, sent.filename) == (b"one\ntwo\n", "a.jsonl")


@both
def test_what_cannot_be_rewound_is_read_first(world: World) -> None:
    read, write = os.pipe()
    os.write(write, b"through a pipe")
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        *_, sent = upload(world, ("p.jsonl", pipe))
    assert sent.content == b"through a pipe"


@both
def test_a_spooled_temporary_file_is_a_file(world: World) -> None:
    with tempfile.SpooledTemporaryFile() as file:
        file.write(b"spooled")
        *_, sent = upload(world, file)
    assert sent.content == b"spooled"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ünïcode 名前.jsonl", "Ünïcode 名前.jsonl"),
        ('say "hi".jsonl', "say %22hi%22.jsonl"),
        ("a\r\nContent-Type: evil.jsonl", "a%0D%0AContent-Type: evil.jsonl"),
        ("semi;colon, comma.jsonl", "semi;colon, comma.jsonl"),
        ("100%.jsonl", "100%.jsonl"),
        ("bad\udcff.jsonl", "bad?.jsonl"),
    ],
)
def test_odd_names_are_encoded_as_browsers_do_it(name: str, expected: str) -> None:
    form = Multipart({"purpose": "batch"}, Form(FileContent(name, b"x", 1)))
    body = b"".join(form)
    assert f'filename="{expected}"\r\n'.encode() in body
    assert len(body) == form.length


@both
def test_progress_counts_the_bytes_of_the_file(world: World, tmp_path: Path) -> None:
    path = tmp_path / "large.jsonl"
    path.write_bytes(os.urandom(1_000_000))
    told: list[tuple[int, int]] = []
    *_, sent = upload(world, path, progress=lambda done, total: told.append((done, total)))
    assert sent.content == path.read_bytes()
    assert told[-1] == (1_000_000, 1_000_000)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert len(told) > 2


@both
def test_a_large_file_is_never_in_memory_as_a_whole(world: World, tmp_path: Path) -> None:
    size = 60 * 1024 * 1024
    path = tmp_path / "large.jsonl"
    with path.open("wb") as file:
        file.truncate(size)
    received = []

    def drain(server: Any) -> None:
        connection, _ = server.accept()
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(65536)
            head, _, rest = head.partition(b"\r\n\r\n")
            fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
            count = len(rest)
            buffer = bytearray(1 << 20)
            while count < int(fields[b"content-length"]):
                count += connection.recv_into(buffer)
            received.append(count)
            connection.sendall(b"".join(plain(UPLOADED)))  # type: ignore[arg-type]

    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drain, args=(server,))
        thread.start()
        client = world.client(base_url=f"http://127.0.0.1:{server.getsockname()[1]}")
        tracemalloc.start()
        try:
            world.run(client, lambda c: c.files.create(file=path, purpose="batch"))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        thread.join(10)
    assert size < received[0] < size + 1000
    assert peak < 12 * 1024 * 1024


def test_other_tasks_run_while_a_slow_disk_is_read() -> None:
    class SlowDisk(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            threading.Event().wait(0.1)
            return super().read(size)

    async def main() -> int:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticker = asyncio.create_task(tick())
        client = AsyncGroq(
            api_key="gsk_" + "0" * 52,
            transport=answering(httpx.Response(200, json=UPLOADED)),
        )
        await client.files.create(file=SlowDisk(b"x" * 300_000), purpose="batch")
        ticker.cancel()
        return ticks

    assert asyncio.run(main()) > 10


@both
def test_a_broken_upload_is_sent_again_from_its_start(world: World, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"x" * 500_000)
    told: list[int] = []
    with (
        RawServer(plain({}, status=503), chunked(b"{", end=False), plain(UPLOADED)) as server,
        without_waiting(),
        path.open("rb") as file,
    ):
        client = world.client(base_url=server.url)
        world.run(
            client,
            lambda c: c.files.create(
                file=file, purpose="batch", progress=lambda done, _: told.append(done)
            ),
        )
    bodies = [request.partition(b"\r\n\r\n")[2] for request in server.requests]
    assert [body.count(b"x" * 500_000) for body in bodies] == [1, 1, 1]
    assert told.count(500_000) == 3


@both
def test_a_server_that_refuses_before_the_end_of_the_upload_is_heard(
    world: World, tmp_path: Path
) -> None:
    from groqnb import RequestTooLargeError

    path = tmp_path / "a.jsonl"
    path.write_bytes(b"x" * 5_000_000)
    refusal = plain({"error": {"message": "Too large", "type": "x"}}, status=413)

    import socket

    def refuse(server: Any) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"".join(refusal))  # type: ignore[arg-type]
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=refuse, args=(server,), daemon=True).start()
        client = world.client(base_url=f"http://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(RequestTooLargeError, match="Too large"):
            world.run(client, lambda c: c.files.create(file=path, purpose="batch"))


@both
def test_a_file_that_shrinks_while_it_is_sent_is_an_error(world: World, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"x" * 600_000)

    def shrink(done: int, total: int) -> None:
        os.truncate(path, 300_000)

    client = world.client(transport=answering(httpx.Response(200, json=UPLOADED)))
    with pytest.raises(OSError, match=r"became shorter while it was sent: 300,000 of 600,000"):
        world.run(client, lambda c: c.files.create(file=path, purpose="batch", progress=shrink))


@both
@pytest.mark.parametrize(
    ("file", "purpose", "message"),
    [
        (b"", "batch", "The file is empty"),
        (io.StringIO("text"), "batch", "open as text"),
        (5, "batch", "A int is no file"),
        (("a",), "batch", "a tuple of 1"),
        ((1, b"x"), "batch", "is not a text"),
        (("a", b"x", "text/plain\r\nX: y"), "batch", "is not a text"),
        (b"x", "", "purpose is missing"),
    ],
)
def test_what_is_no_file_is_refused_before_anything_is_sent(
    world: World, file: Any, purpose: str, message: str
) -> None:
    client = world.client(transport=answering(AssertionError("sent")))
    with pytest.raises(ParameterError, match=message):
        world.run(client, lambda c: c.files.create(file=file, purpose=purpose))


@both
def test_a_batch_above_200_mb_is_refused_and_an_adapter_is_not(
    world: World, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("wb") as file:
        file.truncate(201 * 1024 * 1024)
    client = world.client(transport=answering(AssertionError("sent")))
    with pytest.raises(ParameterError, match=r"201\.0 MB; at most 200"):
        world.run(client, lambda c: c.files.create(file=path, purpose="batch"))
    with pytest.raises(AssertionError, match="sent"):
        world.run(client, lambda c: c.files.create(file=path, purpose="fine_tuning"))


@both
def test_a_path_that_is_not_there_is_the_error_of_open(world: World, tmp_path: Path) -> None:
    client = world.client(transport=answering(AssertionError("sent")))
    with pytest.raises(FileNotFoundError):
        world.run(client, lambda c: c.files.create(file=tmp_path / "no", purpose="batch"))
    with pytest.raises(ParameterError, match="is a folder"):
        world.run(client, lambda c: c.files.create(file=tmp_path, purpose="batch"))


@both
def test_list_retrieve_and_delete(world: World) -> None:
    seen: list[httpx.Request] = []
    client = world.client(
        transport=answering(
            httpx.Response(200, json={"object": "list", "data": [UPLOADED]}),
            httpx.Response(200, json=UPLOADED, headers={"x-request-id": "req_1"}),
            httpx.Response(200, json=UPLOADED),
            httpx.Response(200, json={"id": "f", "object": "file", "deleted": True}),
            seen=seen,
        )
    )
    listed = world.run(client, lambda c: c.files.list())
    assert [card.filename for card in listed.data] == ["input_file.jsonl"]
    file = world.run(client, lambda c: c.files.retrieve("a/b c"))
    assert (file.bytes, file.request_id) == (966, "req_1")
    assert world.run(client, lambda c: c.files.info("f")).purpose == "batch"
    assert world.run(client, lambda c: c.files.delete("f")).deleted is True
    assert [(one.method, one.url.raw_path.decode()) for one in seen] == [
        ("GET", "/openai/v1/files"),
        ("GET", "/openai/v1/files/a%2Fb%20c"),
        ("GET", "/openai/v1/files/f"),
        ("DELETE", "/openai/v1/files/f"),
    ]


@both
@pytest.mark.parametrize("wrong", ["", " ", ".", "..", None, 5])
def test_an_id_that_would_lead_elsewhere_is_refused(world: World, wrong: Any) -> None:
    client = world.client(transport=answering(AssertionError("sent")))
    for act in ("retrieve", "delete", "content"):
        with pytest.raises(ParameterError, match="The file's id is"):
            world.run(client, lambda c, act=act: getattr(c.files, act)(wrong))
