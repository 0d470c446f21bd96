"""Batches on real engines: by the official packages, through kills, restarts and live traffic."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import groq
import httpx
import openai
import pytest

from groqnb.local.process import Engine

pytestmark = pytest.mark.engine

Serve = Callable[..., AbstractContextManager[Engine]]

CHAT = "/v1/chat/completions"
OVER = ("completed", "failed", "expired", "cancelled")


def line(number: int, tokens: int = 2, **body: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": f"Say {number}"}]
    asked = {"model": "llama-3.1-8b-instant", "messages": messages, "max_completion_tokens": tokens}
    return {"custom_id": f"r{number}", "method": "POST", "url": CHAT, "body": {**asked, **body}}


def upload(http: httpx.Client, lines: list[dict[str, Any]]) -> str:
    content = "\n".join(map(json.dumps, lines)).encode()
    form = {"files": {"file": ("in.jsonl", content)}, "data": {"purpose": "batch"}}
    file_id: str = http.post("/files", **form).json()["id"]  # type: ignore[arg-type]
    return file_id


def create(http: httpx.Client, lines: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    body = {"completion_window": "24h", "endpoint": CHAT, "input_file_id": upload(http, lines)}
    reply = http.post("/batches", json={**body, **more})
    assert reply.status_code == 200, reply.text
    made: dict[str, Any] = reply.json()
    return made


def until(http: httpx.Client, batch_id: str, met: Callable[[dict[str, Any]], bool]) -> Any:
    deadline = time.monotonic() + 240
    while not met(batch := http.get(f"/batches/{batch_id}").json()):
        assert time.monotonic() < deadline, batch
        time.sleep(0.05)
    return batch


def over(batch: dict[str, Any]) -> bool:
    return batch["status"] in OVER


def records(http: httpx.Client, file_id: str) -> list[dict[str, Any]]:
    return [json.loads(row) for row in http.get(f"/files/{file_id}/content").text.splitlines()]


@contextmanager
def client(engine: Engine) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {engine.api_key}"}
    with httpx.Client(base_url=engine.base_url, headers=headers, timeout=240) as http:
        yield http


def test_groq_package_from_file_to_results(groq_client: groq.Groq) -> None:
    """The documented way, step by step; bad lines are failures beside the good ones."""
    lines = [line(0), {**line(1), "method": "GET"}, line(2, temperature=9), line(3)]
    content = "\n".join(map(json.dumps, lines)).encode()
    file = groq_client.files.create(file=("in.jsonl", content), purpose="batch")
    assert file.id is not None
    batch: Any = groq_client.batches.create(
        completion_window="24h",
        endpoint="/v1/chat/completions",
        input_file_id=file.id,
        metadata={"run": "first"},
    )
    assert batch.id.startswith("batch_")
    assert batch.status == "validating"
    assert batch.expires_at == batch.created_at + 86_400
    while batch.status not in OVER:
        time.sleep(0.05)
        batch = groq_client.batches.retrieve(batch.id)
    assert batch.status == "completed"
    assert batch.metadata == {"run": "first"}
    assert batch.request_counts.to_dict() == {"total": 4, "completed": 2, "failed": 2}
    (told,) = batch.errors.data
    assert (told.line, told.code, told.param) == (2, "invalid_method", "method")
    assert batch.created_at <= batch.in_progress_at <= batch.finalizing_at <= batch.completed_at
    output = [
        json.loads(row) for row in groq_client.files.content(batch.output_file_id).iter_lines()
    ]
    assert [row["custom_id"] for row in output] == ["r0", "r3"]
    body = output[0]["response"]["body"]
    assert body["object"] == "chat.completion"
    assert body["usage"]["completion_tokens"] == 2
    assert body["x_groq"]["id"] == output[0]["response"]["request_id"]
    errors = [
        json.loads(row) for row in groq_client.files.content(batch.error_file_id).iter_lines()
    ]
    assert [row["custom_id"] for row in errors] == ["r1", "r2"]
    assert errors[0]["response"] is None
    assert errors[0]["error"]["code"] == "invalid_method"
    assert errors[1]["error"] is None
    assert errors[1]["response"]["status_code"] == 400
    assert errors[1]["response"]["body"]["error"]["param"] == "temperature"
    with pytest.raises(groq.BadRequestError):
        groq_client.batches.cancel(batch.id)


def test_what_a_line_may_ask_for_is_told_line_by_line(http: httpx.Client) -> None:
    """Models without batches, streams, files in audio lines, audio that cannot be had."""
    audio = {"model": "whisper-large-v3", "url": "http://127.0.0.1:1/a.wav"}
    transcribe = {"url": "/v1/audio/transcriptions", "method": "POST"}
    lines = [
        line(0),
        line(1, model="openai/gpt-oss-20b", stream=True),
        line(2, model="qwen/qwen3-32b"),
        line(3, model="nobody"),
        {"custom_id": "r4", **transcribe, "body": audio},
        {"custom_id": "r5", **transcribe, "body": {**audio, "file": "a.wav"}},
        {"custom_id": "r6", **transcribe, "body": {"model": "whisper-large-v3"}},
    ]
    batch = until(http, create(http, lines)["id"], over)
    assert batch["request_counts"] == {"total": 7, "completed": 1, "failed": 6}
    found = {
        row["custom_id"]: (
            row["response"]["status_code"],
            row["response"]["body"]["error"].get("param"),
        )
        for row in records(http, batch["error_file_id"])
    }
    assert found == {
        "r1": (400, "stream"),
        "r2": (400, "model"),
        "r3": (404, "model"),
        "r4": (400, "url"),
        "r5": (400, "file"),
        "r6": (400, "file"),
    }


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"completion_window": None}, "completion_window"),
        ({"completion_window": "23h"}, "completion_window"),
        ({"completion_window": "8d"}, "completion_window"),
        ({"completion_window": "24"}, "completion_window"),
        ({"completion_window": 24}, "completion_window"),
        ({"endpoint": None}, "endpoint"),
        ({"endpoint": "/v1/embeddings"}, "endpoint"),
        ({"input_file_id": None}, "input_file_id"),
        ({"input_file_id": "file_none"}, "input_file_id"),
        ({"input_file_id": ["x"]}, "input_file_id"),
        ({"metadata": "x"}, "metadata"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_request_is_a_400_that_names_the_field(
    http: httpx.Client, change: dict[str, Any], param: str
) -> None:
    """And makes no batch."""
    before = [batch["id"] for batch in http.get("/batches").json()["data"]]
    body = {"completion_window": "24h", "endpoint": CHAT, "input_file_id": upload(http, [line(0)])}
    reply = http.post("/batches", json={**body, **change})
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == param
    assert [batch["id"] for batch in http.get("/batches").json()["data"]] == before


def test_a_file_for_another_purpose_is_refused(http: httpx.Client) -> None:
    """The message says which one it has."""
    form = {"files": {"file": ("a.zip", b"x")}, "data": {"purpose": "fine_tuning"}}
    file_id = http.post("/files", **form).json()["id"]  # type: ignore[arg-type]
    body = {"completion_window": "24h", "endpoint": CHAT, "input_file_id": file_id}
    error = http.post("/batches", json=body).json()["error"]
    assert error["param"] == "input_file_id"
    assert "fine_tuning" in error["message"]


@pytest.mark.parametrize(("window", "hours"), [("7d", 168), ("24h", 24), ("1d12h", 36)])
def test_the_window_says_when_a_batch_expires(http: httpx.Client, window: str, hours: int) -> None:
    """From its creation on."""
    batch = create(http, [line(0)], completion_window=window)
    assert batch["expires_at"] - batch["created_at"] == hours * 3600
    assert batch["completion_window"] == window


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_batch_there_is_not_is_a_404(http: httpx.Client, method: str) -> None:
    """To retrieve and to cancel."""
    path = "/batches/batch_none" + ("/cancel" if method == "POST" else "")
    reply = http.request(method, path)
    assert reply.status_code == 404
    assert reply.json()["error"]["code"] == "batch_not_found"


def test_groq_package_pages_by_cursor_and_asks_by_id(
    groq_client: groq.Groq, http: httpx.Client
) -> None:
    """As the guide shows it: `paging.next_cursor`, then `cursor`; several `id` in their order."""
    made = [create(http, [line(n)])["id"] for n in range(3)]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page: Any = groq_client.batches.list(extra_query=query)
        assert page.object == "list"
        assert len(page.data) <= 2
        seen += [batch.id for batch in page.data]
        if not page.paging.get("next_cursor"):
            break
        assert page.paging["next_cursor"].startswith("cursor_")
        query["cursor"] = page.paging["next_cursor"]
    assert seen[:3] == made[::-1]
    assert len(seen) == len(set(seen))
    wanted = [made[2], made[0]]
    found = http.get("/batches", params={"id": wanted}).json()
    assert [batch["id"] for batch in found["data"]] == wanted
    assert "paging" not in found


def test_openai_package_pages_to_the_end(openai_client: openai.OpenAI, http: httpx.Client) -> None:
    """Its own way of paging, by `after`, gives each batch once and ends."""
    made = [create(http, [line(n)])["id"] for n in range(3)]
    seen = [batch.id for batch in openai_client.batches.list(limit=2)]
    assert seen[:3] == made[::-1]
    assert len(seen) == len(set(seen))
    assert openai_client.batches.retrieve(made[0]).id == made[0]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"limit": "0"}, 400),
        ({"limit": "101"}, 400),
        ({"limit": "x"}, 400),
        ({"cursor": "x"}, 400),
        ({"cursor": "cursor_AAAA"}, 400),
        ({"cursor": "cursor_é"}, 400),
        ({"id": "batch_none"}, 404),
        ({"after": "batch_none"}, 404),
        ({"id": "batch_none", "cursor": "cursor_AAAA"}, 400),
    ],
)
def test_a_wrong_question_for_the_list_is_told(
    http: httpx.Client, query: dict[str, str], status: int
) -> None:
    """Never an empty page in its place."""
    reply = http.get("/batches", params=query)
    assert reply.status_code == status
    assert reply.json()["error"]["message"]


def test_openai_package_cancels(openai_client: openai.OpenAI, http: httpx.Client) -> None:
    """`cancelling` at once, `cancelled` soon, with what was done."""
    batch = create(http, [line(0), *(line(n, tokens=400) for n in range(1, 30))])
    until(http, batch["id"], lambda b: b["request_counts"]["completed"] >= 1)
    assert openai_client.batches.cancel(batch["id"]).status == "cancelling"
    ended = until(http, batch["id"], over)
    assert ended["status"] == "cancelled"
    done = ended["request_counts"]["completed"]
    assert 1 <= done < 30
    assert len(records(http, ended["output_file_id"])) == done


def test_live_requests_do_not_wait_behind_a_batch(http: httpx.Client) -> None:
    """Four at once get the four places of the model, though the batch was there first."""
    batch = create(http, [line(n, tokens=400, seed=n) for n in range(40)])
    until(http, batch["id"], lambda b: b["status"] == "in_progress")
    time.sleep(0.3)

    def ask(number: int) -> float:
        body = line(number, tokens=2)["body"]
        reply = http.post("/chat/completions", json=body)
        assert reply.status_code == 200
        waited: float = reply.json()["usage"]["queue_time"]
        return waited

    with ThreadPoolExecutor(4) as pool:
        waits = list(pool.map(ask, range(4)))
    # Behind the batch's lines of 400 tokens they would wait many times as long.
    assert max(waits) < 5
    assert not over(http.get(f"/batches/{batch['id']}").json())
    http.post(f"/batches/{batch['id']}/cancel")
    until(http, batch["id"], over)


@pytest.mark.skipif(os.name != "posix", reason="kills with SIGKILL")
def test_a_killed_engines_batch_goes_on_with_its_neighbour(serve: Serve, tmp_path: Path) -> None:
    """kill -9 in the middle: nothing is lost, what was done is not done again."""
    options = ("--data", str(tmp_path), "--plan", "free")
    with serve(*options) as one, serve(*options) as two, client(one) as http, client(two) as http2:
        batch = create(http, [line(n) for n in range(10)])
        until(http2, batch["id"], lambda b: b["request_counts"]["completed"] >= 2)
        os.kill(one.pid, signal.SIGKILL)
        with sqlite3.connect(tmp_path / "engine.db") as db:
            before = dict(db.execute("SELECT line, record FROM results").fetchall())
        db.close()
        assert 2 <= len(before) < 10
        ended = until(http2, batch["id"], over)
        assert ended["status"] == "completed"
        assert ended["request_counts"] == {"total": 10, "completed": 10, "failed": 0}
        output = http2.get(f"/files/{ended['output_file_id']}/content").content.splitlines(True)
        assert [json.loads(row)["custom_id"] for row in output] == [f"r{n}" for n in range(10)]
        assert all(output[number - 1] == record for number, record in before.items())
        # Batches are apart from the rate limits: this is the first request that counts.
        reply = http2.post("/chat/completions", json=line(1)["body"])
        assert int(reply.headers["x-ratelimit-remaining-requests"]) == 14_399


def test_files_and_batches_survive_a_restart(serve: Serve, tmp_path: Path) -> None:
    """The next engine on the folder finishes what the last one left, without being asked."""
    options = ("--data", str(tmp_path / "made" / "here"))
    with serve(*options) as engine, client(engine) as http:
        assert http.get("/files").json()["data"] == []
        # Looking makes nothing.
        assert not list((tmp_path / "made" / "here").iterdir())
        batch = create(http, [line(n) for n in range(6)])
        files = http.get("/files").json()
        until(http, batch["id"], lambda b: b["request_counts"]["completed"] >= 1)
    with serve(*options) as engine, client(engine) as http:
        with sqlite3.connect(tmp_path / "made" / "here" / "engine.db") as db:
            deadline = time.monotonic() + 240
            while db.execute("SELECT status FROM batches").fetchone() != ("completed",):
                assert time.monotonic() < deadline
                time.sleep(0.05)
        db.close()
        ended = http.get(f"/batches/{batch['id']}").json()
        assert ended["request_counts"] == {"total": 6, "completed": 6, "failed": 0}
        assert http.get("/files").json()["data"][-1:] == files["data"]
