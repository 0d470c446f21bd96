"""Files: up, listed, down again, gone; and every way to send one wrongly."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import groq
import httpx
import openai
import psutil
import pytest

from groqnb.local.process import Engine

pytestmark = pytest.mark.engine

DATA = Path(os.environ["GROQNB_DATA_DIR"])
LINE = b'{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {}}\n'


def upload(http: httpx.Client, content: bytes = LINE, name: str = "a.jsonl") -> str:
    reply = http.post("/files", files={"file": (name, content)}, data={"purpose": "batch"})
    assert reply.status_code == 200, reply.text
    file_id: str = reply.json()["id"]
    return file_id


def test_groq_package_from_upload_to_deletion(groq_client: groq.Groq) -> None:
    """The object is the documented one at every step, the contents come back byte for byte."""
    made = groq_client.files.create(file=("in.jsonl", LINE), purpose="batch")
    assert made.to_dict() == {
        "id": made.id,
        "object": "file",
        "bytes": len(LINE),
        "created_at": made.created_at,
        "filename": "in.jsonl",
        "purpose": "batch",
    }
    assert made.id is not None
    assert made.id.startswith("file_")
    assert abs(time.time() - (made.created_at or 0)) < 60
    assert groq_client.files.info(made.id).to_dict() == made.to_dict()
    assert made.id in [file.id for file in groq_client.files.list().data]
    assert groq_client.files.content(made.id).read() == LINE
    gone = groq_client.files.delete(made.id)
    assert gone.to_dict() == {"id": made.id, "object": "file", "deleted": True}
    with pytest.raises(groq.NotFoundError):
        groq_client.files.info(made.id)
    assert not (DATA / "files" / made.id).exists()


def test_openai_package_from_upload_to_deletion(openai_client: openai.OpenAI) -> None:
    """Its list pages on until a page is empty, and ends."""
    made = openai_client.files.create(file=("in.jsonl", LINE), purpose="batch")
    assert [file.id for file in openai_client.files.list()].count(made.id) == 1
    assert openai_client.files.list(purpose="fine-tune").data == []
    assert openai_client.files.retrieve(made.id).bytes == len(LINE)
    assert openai_client.files.content(made.id).content == LINE
    assert openai_client.files.delete(made.id).deleted


def test_the_newest_file_is_listed_first(http: httpx.Client) -> None:
    """The order is not documented; it is OpenAI's."""
    first, second = upload(http), upload(http)
    data = http.get("/files").json()["data"]
    assert [file["id"] for file in data[:2]] == [second, first]


@pytest.mark.parametrize(
    "name",
    [
        "../../../tmp/evil.jsonl",
        "/etc/passwd.jsonl",
        "C:\\Windows\\evil.jsonl",
        "..\\..\\evil.jsonl",
        "a\x00b.jsonl",
        "名前 ü.JSONL",
        "x" * 3000 + ".jsonl",
    ],
)
def test_a_name_is_a_value_and_never_a_path(http: httpx.Client, name: str) -> None:
    """Whatever a client calls its file, the contents stand under an id of the engine's making."""
    file_id = upload(http, name=name)
    told = http.get(f"/files/{file_id}").json()["filename"]
    assert told.lower().endswith(".jsonl")
    assert "\x00" not in told
    assert len(told) <= 255
    assert (DATA / "files" / file_id).read_bytes() == LINE
    assert all(path.name.startswith("file_") for path in (DATA / "files").iterdir())
    assert http.get(f"/files/{file_id}/content").content == LINE


def refusal(reply: httpx.Response, status: int, param: str | None = None) -> dict[str, str]:
    assert reply.status_code == status, reply.text
    error: dict[str, str] = reply.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    assert error.get("param") == param
    return error


@pytest.mark.parametrize(
    ("file", "data", "param"),
    [
        (None, {}, "file"),
        (("a.jsonl", LINE), {}, "purpose"),
        (("a.jsonl", LINE), {"purpose": "assistants"}, "purpose"),
        (("a.jsonl", LINE), {"purpose": "batch_output"}, "purpose"),
        (("a.jsonl", LINE), {"purpose": ["batch", "batch"]}, "purpose"),
        (("a.json", LINE), {"purpose": "batch"}, "file"),
        (("jsonl", LINE), {"purpose": "batch"}, "file"),
        (("a.jsonl", LINE), {"purpose": "fine_tuning"}, "file"),
        (("a.zip", LINE), {"purpose": "batch"}, "file"),
        (("a.jsonl", b""), {"purpose": "batch"}, "file"),
        (("a.jsonl", LINE), {"purpose": "batch", "colour": "red"}, "colour"),
    ],
)
def test_a_wrong_form_is_a_400_that_names_the_field(
    http: httpx.Client, file: tuple[str, bytes] | None, data: dict[str, str], param: str
) -> None:
    """And nothing of it is kept."""
    before = http.get("/files").json()
    files = {"file": file} if file is not None else {"purpose": (None, b"batch")}
    refusal(http.post("/files", files=files, data=data), 400, param)
    assert http.get("/files").json() == before
    assert not list((DATA / "uploads").iterdir())


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"--x--"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"hello"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\na"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"'),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n\xff\r\n--x--\r\n',
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\na\r\n--x--\r\n',
        ),
        ("multipart/form-data; boundary=" + "x" * 300, b"--x--"),
    ],
)
def test_what_is_no_form_is_a_400(http: httpx.Client, kind: str, body: bytes) -> None:
    """Never a 500, whatever the bytes."""
    reply = http.post("/files", content=body, headers={"Content-Type": kind})
    assert reply.status_code == 400
    assert reply.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/files/file_0", "/files/file_0/content", "/files/..%2f..%2fx"])
def test_a_file_there_is_not_is_a_404(http: httpx.Client, path: str) -> None:
    """With the error object."""
    assert http.get(path).status_code == 404
    assert http.get(path).json()["error"]["message"]


def test_deleting_twice_is_a_404(http: httpx.Client) -> None:
    """The second time there is nothing to delete."""
    file_id = upload(http)
    assert http.delete(f"/files/{file_id}").status_code == 200
    refusal(http.delete(f"/files/{file_id}"), 404, "file_id")


@pytest.mark.parametrize(
    ("asked", "got", "told"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=5-99", b"56789", "bytes 5-9/10"),
        ("bytes=-99", b"0123456789", "bytes 0-9/10"),
    ],
)
def test_a_range_is_a_206(http: httpx.Client, asked: str, got: bytes, told: str) -> None:
    """A download that broke can go on."""
    file_id = upload(http, b"0123456789")
    reply = http.get(f"/files/{file_id}/content", headers={"Range": asked})
    assert (reply.status_code, reply.content) == (206, got)
    assert reply.headers["content-range"] == told


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=-", "lines=1-2", "bytes=0-1,4-5", "bytes=²-"]
)
def test_what_is_no_single_range_gets_the_whole(http: httpx.Client, asked: str) -> None:
    """As HTTP allows."""
    file_id = upload(http, b"0123456789")
    reply = http.get(f"/files/{file_id}/content", headers={b"Range": asked.encode("latin-1")})
    assert (reply.status_code, reply.content) == (200, b"0123456789")


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_range_outside_is_a_416_with_the_size(http: httpx.Client, asked: str) -> None:
    """The client learns how long the file is."""
    file_id = upload(http, b"0123456789")
    reply = http.get(f"/files/{file_id}/content", headers={"Range": asked})
    assert reply.headers["content-range"] == "bytes */10"
    refusal(reply, 416)


def form(size: int) -> Iterator[bytes]:
    yield b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n'
    piece = b"x" * 99_999 + b"\n"
    while size > 0:
        yield piece[:size]
        size -= len(piece)
    yield b"\r\n--x--\r\n"


def test_200_megabytes_are_taken_in_bounded_memory(http: httpx.Client, engine: Engine) -> None:
    """The guide's limit, streamed to disk; one byte more is a 413, and the disk has it not."""
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    before = psutil.Process(engine.pid).memory_info().rss
    reply = http.post("/files", content=form(200_000_000), headers=kind)
    assert reply.status_code == 200
    assert reply.json()["bytes"] == 200_000_000
    assert psutil.Process(engine.pid).memory_info().rss - before < 60_000_000
    http.delete(f"/files/{reply.json()['id']}")
    refusal(http.post("/files", content=form(200_000_001), headers=kind), 413, "file")
    assert not list((DATA / "uploads").iterdir())


def test_an_upload_that_breaks_off_leaves_nothing(http: httpx.Client, engine: Engine) -> None:
    """The client hung up in the middle of its file."""
    before = http.get("/files").json()
    address = urlsplit(engine.base_url)
    connection = HTTPConnection(str(address.hostname), address.port)
    connection.putrequest("POST", "/v1/files")
    connection.putheader("Authorization", f"Bearer {engine.api_key}")
    connection.putheader("Content-Type", "multipart/form-data; boundary=x")
    connection.putheader("Content-Length", "10000000")
    connection.endheaders()
    connection.send(b"".join(form(3_000_000)))
    connection.close()
    deadline = time.monotonic() + 60
    while list((DATA / "uploads").iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not list((DATA / "uploads").iterdir())
    assert http.get("/files").json() == before
