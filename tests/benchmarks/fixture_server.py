"""A fast server on loopback, in a process of its own: plain replies, models, and SSE.

It does as little as a server can, so that what is measured is the client. Run as a module it
prints its port and serves until its standard input closes.

What it answers is chosen by the request alone: `"stream":true` in the body gives SSE with as many
chunks as the header `x-chunks` says (200 by default), each chunk in an HTTP chunk of its own, as
the real server sends them. `POST /files` swallows an upload, `GET /files/{id}/content` gives as
many megabytes as the id says.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["REPLY", "chunk_json", "running", "stream_body"]

HEADERS = (
    b"content-type: %s\r\n"
    b"x-request-id: req_01\r\n"
    b"x-ratelimit-limit-requests: 14400\r\nx-ratelimit-limit-tokens: 18000\r\n"
    b"x-ratelimit-remaining-requests: 14370\r\nx-ratelimit-remaining-tokens: 17997\r\n"
    b"x-ratelimit-reset-requests: 2m59.56s\r\nx-ratelimit-reset-tokens: 7.66s\r\n"
)

REPLY = {
    "id": "chatcmpl-f51b2cd2-bef7-417e-964e-a08f0b513c22",
    "object": "chat.completion",
    "created": 1730241104,
    "model": "openai/gpt-oss-20b",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Fast answers keep a thought alive. " * 8},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {
        "queue_time": 0.037493756,
        "prompt_tokens": 18,
        "prompt_time": 0.000680594,
        "completion_tokens": 56,
        "completion_time": 0.463333333,
        "total_tokens": 74,
        "total_time": 0.464013927,
    },
    "system_fingerprint": "fp_179b0f92c9",
    "x_groq": {"id": "req_0ijbd6g2qdfw2adyrt2az8hz4w"},
}


def chunk_json(
    delta: dict[str, object], finish: str | None = None, **more: object
) -> dict[str, object]:
    """One chunk of a streamed answer, with the fields the real server sends."""
    return {
        "id": "chatcmpl-f51b2cd2-bef7-417e-964e-a08f0b513c22",
        "object": "chat.completion.chunk",
        "created": 1730241104,
        "model": "openai/gpt-oss-20b",
        "system_fingerprint": "fp_179b0f92c9",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
        **more,
    }


def _event(chunk: dict[str, object]) -> bytes:
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


def stream_body(chunks: int) -> list[bytes]:
    """The events of an answer of so many chunks, the first and the last as the docs have them."""
    first = chunk_json({"role": "assistant", "content": ""}, x_groq={"id": "req_01"})
    middle = _event(chunk_json({"content": " fast"}))
    last = chunk_json({}, "stop", x_groq={"id": "req_01", "usage": REPLY["usage"]})
    return [_event(first), *[middle] * (chunks - 2), _event(last), b"data: [DONE]\n\n"]


def _plain(body: bytes) -> bytes:
    head = HEADERS % b"application/json"
    return b"HTTP/1.1 200 OK\r\n%scontent-length: %d\r\n\r\n%s" % (head, len(body), body)


UPLOADED = {"id": "file_01", "object": "file", "bytes": 1, "created_at": 1, "filename": "a"}
MEGABYTE = b"0123456789abcdef" * 65536


class _Server(asyncio.Protocol):
    reply = _plain(json.dumps(REPLY, separators=(",", ":")).encode())
    uploaded = _plain(json.dumps({**UPLOADED, "purpose": "batch"}).encode())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.data = b""
        self.left = 0

    def data_received(self, data: bytes) -> None:
        if self.left:
            self.left -= len(data)
            if self.left <= 0:
                self.transport.write(self.uploaded)
            return
        self.data += data
        head, found, rest = self.data.partition(b"\r\n\r\n")
        if not found:
            return
        fields = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
        }
        length = int(fields.get(b"content-length", b"0"))
        path = head.split(b" ", 2)[1]
        if path.endswith(b"/files"):
            self.data, self.left = b"", length - len(rest)
            if not self.left:
                self.transport.write(self.uploaded)
            return
        if len(rest) < length:
            return
        if path.endswith(b"/content"):
            self.data = b""
            self.download(int(path.split(b"/")[-2]))
            return
        self.data = b""
        if b'"stream":true' in rest.replace(b" ", b""):
            self.stream(int(fields.get(b"x-chunks", b"200")))
        else:
            self.transport.write(self.reply)

    def download(self, megabytes: int) -> None:
        head = HEADERS % b"application/octet-stream"
        length = megabytes * len(MEGABYTE)
        self.transport.write(b"HTTP/1.1 200 OK\r\n%scontent-length: %d\r\n\r\n" % (head, length))
        for _ in range(megabytes):
            self.transport.write(MEGABYTE)

    def stream(self, chunks: int) -> None:
        head = HEADERS % b"text/event-stream"
        framed = [b"%x\r\n%s\r\n" % (len(event), event) for event in stream_body(chunks)]
        self.transport.write(
            b"HTTP/1.1 200 OK\r\n%stransfer-encoding: chunked\r\n\r\n%s0\r\n\r\n"
            % (head, b"".join(framed))
        )


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    os._exit(0)


@contextmanager
def running() -> Iterator[str]:
    """Starts the server in a process of its own; gives the base URL, which ends with /v1."""
    process = subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/openai/v1"
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(5)


if __name__ == "__main__":
    asyncio.run(_serve())
