"""Every documented endpoint: which call of the client goes where, and with what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from both_worlds import KEY, MESSAGES, MODEL, World, answering, both, completion

Call = Callable[[Any], Any]

SPOKEN = httpx.Response(200, content=b"RIFFWAVE", headers={"content-type": "audio/wav"})
TUNING = {"id": "ft_1", "object": "fine_tuning", "data": {"name": "n"}}
BATCH = {"id": "batch_1", "object": "batch", "status": "validating", "endpoint": "/v1/x"}
FILE = {"id": "file_1", "object": "file", "bytes": 1, "filename": "a.jsonl", "purpose": "batch"}
MODEL_OBJECT = {"id": MODEL, "object": "model", "created": 1, "owned_by": "Meta"}
RESPONSE = {"id": "resp_1", "object": "response", "status": "completed", "output": []}
WINDOW = {"completion_window": "24h", "endpoint": "/v1/chat/completions"}


def listed(item: dict[str, Any]) -> dict[str, Any]:
    return {"object": "list", "data": [item]}


def deleted(name: str, kind: str) -> dict[str, Any]:
    return {"id": name, "object": kind, "deleted": True}


# In the order of the documentation: the call, its method and path, the reply, the reply's class.
ENDPOINTS: dict[str, tuple[Call, str, Any, str]] = {
    "chat": (
        lambda c: c.chat.completions.create(model=MODEL, messages=MESSAGES),
        "POST /openai/v1/chat/completions",
        completion(),
        "ChatCompletion",
    ),
    "responses": (
        lambda c: c.responses.create(model=MODEL, input="Hello"),
        "POST /openai/v1/responses",
        RESPONSE,
        "Response",
    ),
    "transcriptions": (
        lambda c: c.audio.transcriptions.create(model="whisper-large-v3", file=b"RIFF"),
        "POST /openai/v1/audio/transcriptions",
        {"text": "Hello"},
        "Transcription",
    ),
    "translations": (
        lambda c: c.audio.translations.create(model="whisper-large-v3", file=b"RIFF"),
        "POST /openai/v1/audio/translations",
        {"text": "Hello"},
        "Transcription",
    ),
    "speech": (
        lambda c: c.audio.speech.create(model="playai-tts", voice="v", input="Hello"),
        "POST /openai/v1/audio/speech",
        SPOKEN,
        "Speech",
    ),
    "models list": (
        lambda c: c.models.list(),
        "GET /openai/v1/models",
        listed(MODEL_OBJECT),
        "ModelList",
    ),
    "models retrieve": (
        lambda c: c.models.retrieve("openai/gpt-oss-20b"),
        "GET /openai/v1/models/openai/gpt-oss-20b",
        MODEL_OBJECT,
        "RetrievedModel",
    ),
    "batches create": (
        lambda c: c.batches.create(input_file_id="file_1", **WINDOW),
        "POST /openai/v1/batches",
        BATCH,
        "Batch",
    ),
    "batches retrieve": (
        lambda c: c.batches.retrieve("batch_1"),
        "GET /openai/v1/batches/batch_1",
        BATCH,
        "Batch",
    ),
    "batches list": (
        lambda c: c.batches.list(),
        "GET /openai/v1/batches",
        listed(BATCH),
        "Page",
    ),
    "batches cancel": (
        lambda c: c.batches.cancel("batch_1"),
        "POST /openai/v1/batches/batch_1/cancel",
        {**BATCH, "status": "cancelling"},
        "Batch",
    ),
    "files create": (
        lambda c: c.files.create(file=("a.jsonl", b"{}"), purpose="batch"),
        "POST /openai/v1/files",
        FILE,
        "FileObject",
    ),
    "files list": (lambda c: c.files.list(), "GET /openai/v1/files", listed(FILE), "FileList"),
    "files delete": (
        lambda c: c.files.delete("file_1"),
        "DELETE /openai/v1/files/file_1",
        deleted("file_1", "file"),
        "DeletedFile",
    ),
    "files retrieve": (
        lambda c: c.files.retrieve("file_1"),
        "GET /openai/v1/files/file_1",
        FILE,
        "FileObject",
    ),
    "fine tunings list": (
        lambda c: c.fine_tunings.list(),
        "GET /v1/fine_tunings",
        listed(TUNING["data"]),  # type: ignore[arg-type]
        "FineTuningList",
    ),
    "fine tunings create": (
        lambda c: c.fine_tunings.create(input_file_id="file_1", name="n", type="lora"),
        "POST /v1/fine_tunings",
        TUNING,
        "FineTuning",
    ),
    "fine tunings retrieve": (
        lambda c: c.fine_tunings.retrieve("ft_1"),
        "GET /v1/fine_tunings/ft_1",
        TUNING,
        "FineTuning",
    ),
    "fine tunings delete": (
        lambda c: c.fine_tunings.delete("ft_1"),
        "DELETE /v1/fine_tunings/ft_1",
        deleted("ft_1", "fine_tuning"),
        "DeletedFineTuning",
    ),
}


@both
@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_call_goes_to_its_documented_endpoint(world: World, name: str) -> None:
    """One request, with the key; what comes back is of the class that belongs to it."""
    act, where, body, kind = ENDPOINTS[name]
    seen: list[httpx.Request] = []
    reply = body if isinstance(body, httpx.Response) else httpx.Response(200, json=body)
    client = world.client(transport=answering(reply, seen=seen))
    result = world.run(client, act)
    (request,) = seen
    assert f"{request.method} {request.url.path}" == where
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert type(result).__name__.removeprefix("Async") == kind


@both
def test_the_content_of_a_file_comes_from_its_own_endpoint(world: World) -> None:
    """As the bytes that they are; they are asked for when they are read."""
    seen: list[httpx.Request] = []
    client = world.client(transport=answering(httpx.Response(200, content=b"{}\n"), seen=seen))
    if world.name == "sync":
        assert client.files.content("file_1").read() == b"{}\n"
    else:

        async def read(c: Any) -> Any:
            content = c.files.content("file_1")
            return await (await content if hasattr(content, "__await__") else content).read()

        assert world.run(client, read) == b"{}\n"
    assert f"{seen[0].method} {seen[0].url.path}" == "GET /openai/v1/files/file_1/content"
