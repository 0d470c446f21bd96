"""Fine tunings: adapters checked, registered, used by name, forgotten."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import groq
import httpx
import pytest

from groqnb.local.process import Engine

pytestmark = pytest.mark.engine

BASE = "llama-3.1-8b-instant"
MODEL, CONFIG = "adapter_model.safetensors", "adapter_config.json"


def tensors(rank: int = 8, kind: str = "F16", **more: Any) -> bytes:
    """A small safetensors file with one pair of matrices."""
    header: dict[str, Any] = {
        "__metadata__": {"format": "pt"},
        "q.lora_A.weight": {"dtype": kind, "shape": [rank, 4], "data_offsets": [0, 8 * rank]},
        "q.lora_B.weight": {
            "dtype": kind,
            "shape": [4, rank],
            "data_offsets": [8 * rank, 16 * rank],
        },
    }
    text = json.dumps({**header, **more}).encode()
    return struct.pack("<Q", len(text)) + text + bytes(16 * rank)


def pack(members: dict[str, Any], **options: Any) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in members.items():
            archive.writestr(name, json.dumps(content) if isinstance(content, dict) else content)
    return made.getvalue()


def adapter(config: Any = None, model: bytes | None = None) -> bytes:
    config = {"lora_alpha": 16, "r": 8} if config is None else config
    return pack({MODEL: tensors() if model is None else model, CONFIG: config})


def upload(http: httpx.Client, content: bytes) -> str:
    form = {"files": {"file": ("a.zip", content)}, "data": {"purpose": "fine_tuning"}}
    reply = http.post("/files", **form)  # type: ignore[arg-type]
    assert reply.status_code == 200, reply.text
    file_id: str = reply.json()["id"]
    return file_id


def create(http: httpx.Client, file_id: str, **more: Any) -> httpx.Response:
    body = {"input_file_id": file_id, "name": "my-adapter", "type": "lora", "base_model": BASE}
    return http.post("/fine_tunings", json={**body, **more})


@contextmanager
def tuned(http: httpx.Client) -> Iterator[dict[str, Any]]:
    made = create(http, upload(http, adapter())).json()
    try:
        yield made
    finally:
        http.delete(f"/fine_tunings/{made['id']}")


def test_an_adapter_is_registered_listed_retrieved_and_forgotten(
    http: httpx.Client, engine: Engine
) -> None:
    """The documented objects, on both paths that the documentation writes."""
    file_id = upload(http, adapter())
    made = create(http, file_id).json()
    assert list(made) == ["id", "object", "data"]
    assert made["object"] == "fine_tuning"
    data = made["data"]
    assert {key: data[key] for key in ("id", "name", "base_model", "type", "input_file_id")} == {
        "id": made["id"],
        "name": "my-adapter",
        "base_model": BASE,
        "type": "lora",
        "input_file_id": file_id,
    }
    assert data["fine_tuned_model"].startswith(f"ft:{BASE}:org_local/my-adapter-")
    assert set(data) == {
        *("id", "name", "base_model", "type", "input_file_id", "created_at", "fine_tuned_model")
    }
    root = engine.base_url.removesuffix("/openai/v1")
    assert http.get(f"{root}/v1/fine_tunings").json() == {"object": "list", "data": [data]}
    assert http.get(f"{root}/v1/fine_tunings/{made['id']}").json() == made
    gone = http.delete(f"/fine_tunings/{made['id']}").json()
    assert gone == {"id": made["id"], "object": "fine_tuning", "deleted": True}
    assert http.get("/fine_tunings").json()["data"] == []
    for method in ("GET", "DELETE"):
        assert http.request(method, f"/fine_tunings/{made['id']}").status_code == 404


def test_its_model_answers_and_says_that_the_adapter_does_not(
    http: httpx.Client, groq_client: groq.Groq
) -> None:
    """The fingerprint and a header name it; the base's limits count; gone is gone."""
    with tuned(http) as made:
        name = made["data"]["fine_tuned_model"]
        assert groq_client.models.retrieve(name).id == name
        assert name in [model.id for model in groq_client.models.list().data]
        asked: dict[str, Any] = {
            "model": name,
            "messages": [{"role": "user", "content": "Hi"}],
            "max_completion_tokens": 2,
        }
        raw = groq_client.chat.completions.with_raw_response.create(**asked)
        reply: Any = raw.parse()
        assert reply.model == name
        assert reply.system_fingerprint.endswith("_without_adapter")
        assert raw.headers["x-groqnb-adapter"] == "not applied"
        assert raw.headers["x-ratelimit-limit-requests"] == "14400"
        chunks = list(groq_client.chat.completions.create(**asked, stream=True))
        assert chunks[0].model == name
        answer = http.post(
            "/responses", json={"model": name, "input": "Hi", "max_output_tokens": 2}
        )
        assert answer.json()["model"] == name
    with pytest.raises(groq.NotFoundError):
        groq_client.chat.completions.create(**asked)
    with pytest.raises(groq.NotFoundError):
        groq_client.models.retrieve(name)


def header(change: Callable[[dict[str, Any]], None]) -> bytes:
    content = tensors()
    size = struct.unpack("<Q", content[:8])[0]
    made = json.loads(content[8 : 8 + size])
    change(made)
    text = json.dumps(made).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + size :]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"no zip at all", "ZIP"),
        (pack({}), "nothing"),
        (pack({MODEL: tensors()}), CONFIG),
        (pack({MODEL: tensors(), CONFIG: {}, "README.md": "x"}), "README.md"),
        (pack({f"lora/{MODEL}": tensors(), f"lora/{CONFIG}": {}}), "lora/"),
        (pack({MODEL: tensors(), "../" + CONFIG: {}}), "../"),
        (adapter("not json"), "JSON"),
        (adapter("[]"), "object"),
        (adapter("[" * 100_000), "JSON"),
        (adapter({"r": 8}), "lora_alpha"),
        (adapter({"lora_alpha": "16", "r": 8}), "lora_alpha"),
        (adapter({"lora_alpha": True, "r": 8}), "lora_alpha"),
        (adapter({"lora_alpha": 16}), "`r`"),
        (adapter({"lora_alpha": 16, "r": 8.0}), "`r`"),
        (adapter({"lora_alpha": 16, "r": 12}), "8, 16, 32, 64"),
        (adapter({"lora_alpha": 16, "r": 16}), "lora_A"),
        (adapter(model=b""), "safetensors"),
        (adapter(model=b"\xff" * 8), "safetensors"),
        (adapter(model=struct.pack("<Q", 500) + b"{}"), "header"),
        (adapter(model=tensors(kind="BF16")), "float16"),
        (adapter(model=tensors(kind="F32")), "float16"),
        (adapter(model=tensors()[:-1]), "bytes of data"),
        (adapter(model=tensors() + b"x"), "bytes of data"),
        (adapter(model=header(lambda h: h.clear())), "no tensors"),
        (adapter(model=header(lambda h: h.update(x=1))), "described"),
        (
            adapter(model=header(lambda h: h["q.lora_A.weight"].update(shape=[-8, 4]))),
            "proper shape",
        ),
        (
            adapter(model=header(lambda h: h["q.lora_A.weight"].update(shape=[8, 5]))),
            "fit its shape",
        ),
        (
            adapter(model=header(lambda h: h["q.lora_B.weight"].update(data_offsets=[0, 64]))),
            "overlap",
        ),
    ],
)
def test_an_adapter_that_is_not_as_documented_is_refused(
    http: httpx.Client, content: bytes, word: str
) -> None:
    """A 400 that says what is wrong with it, and nothing is registered."""
    reply = create(http, upload(http, content))
    assert reply.status_code == 400, reply.text
    error = reply.json()["error"]
    assert error["param"] == "input_file_id"
    assert word in error["message"]
    assert http.get("/fine_tunings").json()["data"] == []


def test_a_bomb_is_refused_before_it_goes_off(http: httpx.Client) -> None:
    """A config of 100 MB of blanks, packed into 100 kB: read up to its bound, not further."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(CONFIG, "w", force_zip64=True) as file:
            for _ in range(100):
                file.write(b" " * 1_000_000)
        archive.writestr(MODEL, tensors())
    reply = create(http, upload(http, made.getvalue()))
    assert reply.status_code == 400
    assert "1 MB" in reply.json()["error"]["message"]
    assert reply.elapsed.total_seconds() < 2


def test_a_damaged_or_locked_archive_is_told(http: httpx.Client) -> None:
    """Bits turned over in a member; a member that needs a password."""
    content = bytearray(pack({CONFIG: {"lora_alpha": 16, "r": 8}, MODEL: tensors()}))
    content[40] ^= 0xFF
    assert create(http, upload(http, bytes(content))).status_code == 400
    locked = bytearray(adapter())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = locked.find(mark)
        while at >= 0:
            locked[at + flags] |= 1
            at = locked.find(mark, at + 4)
    reply = create(http, upload(http, bytes(locked)))
    assert reply.status_code == 400
    assert "ZIP" in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"input_file_id": None}, "input_file_id"),
        ({"input_file_id": "file_none"}, "input_file_id"),
        ({"base_model": "llama-3.3-70b-versatile"}, "base_model"),
        ({"base_model": "nobody"}, "base_model"),
        ({"type": "full"}, "type"),
        ({"name": ""}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"epochs": 3}, "epochs"),
    ],
)
def test_a_wrong_request_is_a_400_that_names_the_field(
    http: httpx.Client, change: dict[str, Any], param: str
) -> None:
    """Each field by itself."""
    reply = create(http, upload(http, adapter()), **change)
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == param


def test_all_but_the_file_may_be_left_out(http: httpx.Client) -> None:
    """The reference calls them optional."""
    made = http.post("/fine_tunings", json={"input_file_id": upload(http, adapter())}).json()
    assert made["data"]["base_model"] == BASE
    assert made["data"]["type"] == "lora"
    http.delete(f"/fine_tunings/{made['id']}")


@pytest.mark.parametrize("path", ["/models/ft:x", "/models/ft:llama-3.1-8b-instant:org/none-1"])
def test_an_adapter_there_is_not_is_no_model(http: httpx.Client, path: str) -> None:
    """To retrieve and to chat with, even when its base exists."""
    assert http.get(path).status_code == 404
    body = {"model": path[8:], "messages": [{"role": "user", "content": "Hi"}]}
    assert http.post("/chat/completions", json=body).json()["error"]["code"] == "model_not_found"
