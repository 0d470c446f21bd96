"""Every documented endpoint of the engine, by plain HTTP, with what a right request gets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests import speech
from tests.contract.test_batches import create as create_batch
from tests.contract.test_batches import line
from tests.contract.test_fine_tunings import adapter, tuned, upload

pytestmark = pytest.mark.engine

CHAT = line(0)["body"]
HEAR: dict[str, Any] = {
    "files": {"file": ("a.wav", speech.greeting())},
    "data": {"model": "whisper-large-v3"},
}
SPEAK = {"model": "playai-tts", "voice": "Fritz-PlayAI", "input": "Hi"}
FORM: dict[str, Any] = {"files": {"file": ("a.jsonl", b"{}")}, "data": {"purpose": "batch"}}
WINDOW = {"completion_window": "24h", "endpoint": "/v1/chat/completions"}

# How each is asked; {file}, {batch}, {tuning} and {zip} stand for ids.
ENDPOINTS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "chat": ("POST", "/chat/completions", {"json": CHAT}, "chat.completion"),
    "responses": (
        "POST",
        "/responses",
        {"json": {"model": CHAT["model"], "input": "Hi", "max_output_tokens": 1}},
        "response",
    ),
    "transcriptions": ("POST", "/audio/transcriptions", HEAR, "text"),
    "translations": ("POST", "/audio/translations", HEAR, "text"),
    "speech": ("POST", "/audio/speech", {"json": SPEAK}, "bytes"),
    "models list": ("GET", "/models", {}, "list"),
    "models retrieve": ("GET", "/models/openai/gpt-oss-20b", {}, "model"),
    "batches create": ("POST", "/batches", {"json": WINDOW}, "batch"),
    "batches retrieve": ("GET", "/batches/{batch}", {}, "batch"),
    "batches list": ("GET", "/batches", {}, "list"),
    "batches cancel": ("POST", "/batches/{batch}/cancel", {}, "batch"),
    "files create": ("POST", "/files", FORM, "file"),
    "files list": ("GET", "/files", {}, "list"),
    "files retrieve": ("GET", "/files/{file}", {}, "file"),
    "files content": ("GET", "/files/{file}/content", {}, "bytes"),
    "files delete": ("DELETE", "/files/{file}", {}, "file"),
    "fine tunings list": ("GET", "/fine_tunings", {}, "list"),
    "fine tunings create": ("POST", "/fine_tunings", {"json": {}}, "fine_tuning"),
    "fine tunings retrieve": ("GET", "/fine_tunings/{tuning}", {}, "fine_tuning"),
    "fine tunings delete": ("DELETE", "/fine_tunings/{tuning}", {}, "fine_tuning"),
}


@pytest.fixture(scope="module")
def ids(http: httpx.Client) -> Iterator[dict[str, str]]:
    """A file, a batch that is long enough to be cancelled, an adapter, and a ZIP for another."""
    batch = create_batch(http, [line(n, tokens=200) for n in range(20)])
    file = http.post("/files", **FORM).json()["id"]
    with tuned(http) as tuning:
        yield {
            "batch": batch["id"],
            "lines": batch["input_file_id"],
            "file": file,
            "tuning": tuning["id"],
            "zip": upload(http, adapter()),
        }


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_right_request_gets_the_documented_object(
    http: httpx.Client, ids: dict[str, str], name: str
) -> None:
    """And every reply, of every endpoint, tells the region, the engine and the request."""
    method, path, given, kind = ENDPOINTS[name]
    wanted = dict(given)
    if name == "batches create":
        wanted = {"json": {**WINDOW, "input_file_id": ids["lines"]}}
    if name == "files delete":
        ids = {**ids, "file": http.post("/files", **FORM).json()["id"]}
    if name == "fine tunings delete":
        made = http.post("/fine_tunings", json={"input_file_id": ids["zip"]}).json()
        ids = {**ids, "tuning": made["id"]}
    if name == "fine tunings create":
        wanted = {"json": {"input_file_id": ids["zip"]}}
    reply = http.request(method, path.format(**ids), **wanted)
    for mark in ("x-groq-region", "x-groqnb-engine", "x-groqnb-model", "x-request-id"):
        assert reply.headers[mark]
    assert reply.status_code == 200, reply.text
    if kind == "text":
        assert reply.json()["text"]
    elif kind != "bytes":
        assert reply.json()["object"] == kind
    if name in ("batches create", "fine tunings create"):
        where = path + "/" + reply.json()["id"]
        http.request(*(("POST", where + "/cancel") if "batches" in name else ("DELETE", where)))
