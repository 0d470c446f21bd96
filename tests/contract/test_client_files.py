"""Our client against the engine: files, batches, fine tunings, audio; sync and async."""

from __future__ import annotations

import asyncio
import io
import json
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from both_worlds import World, both

from groqnb import (
    BadRequestError,
    NotFoundError,
    RequestTooLargeError,
)
from groqnb.local.process import Engine
from groqnb.types.batches import read_output
from groqnb.wire.hub import Events
from groqnb.wire.retry import without_waiting

pytestmark = pytest.mark.engine

MODEL = "llama-3.1-8b-instant"


@pytest.fixture(scope="module")
def own_engine(serve: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine with a data folder of its own."""
    with serve("--data", str(tmp_path_factory.mktemp("data"))) as running:
        yield running


@pytest.fixture
def connect(own_engine: Engine) -> Any:
    """Makes a client of a world for the engine."""

    def make(world: World, **settings: Any) -> Any:
        return world.client(base_url=own_engine.base_url, api_key=own_engine.api_key, **settings)

    return make


def requests_file(count: int, **body: Any) -> bytes:
    lines = [
        {
            "custom_id": f"row-{number}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {
                "model": MODEL,
                "messages": [{"role": "user", "content": f"Say {number}."}],
                "max_completion_tokens": 4,
                **body,
            },
        }
        for number in range(count)
    ]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


async def _whole(content: Any) -> bytes:
    data = await (await content).read()
    assert isinstance(data, bytes)
    return data


def download(world: World, client: Any, file_id: str) -> bytes:
    if world.name == "sync":
        data = client.files.content(file_id).read()
        assert isinstance(data, bytes)
        return data
    return asyncio.run(_whole(client.files.content(file_id)))


@both
def test_a_file_goes_up_and_comes_back_the_same(world: World, connect: Any, tmp_path: Path) -> None:
    client = connect(world)
    content = requests_file(3000)
    path = tmp_path / "Anfragen «über».jsonl"
    path.write_bytes(content)
    told: list[tuple[int, int]] = []
    file = world.run(
        client,
        lambda c: c.files.create(
            file=path, purpose="batch", progress=lambda done, total: told.append((done, total))
        ),
    )
    assert (file.bytes, file.filename, file.purpose) == (len(content), path.name, "batch")
    assert file.model_extra == {}
    assert file.request_id is not None
    assert told[-1] == (len(content), len(content))
    assert world.run(client, lambda c: c.files.retrieve(file.id)).filename == path.name
    assert file.id in [one.id for one in world.run(client, lambda c: c.files.list()).data]
    assert download(world, client, file.id) == content
    assert world.run(client, lambda c: c.files.delete(file.id)).deleted is True
    with pytest.raises(NotFoundError):
        download(world, client, file.id)


@both
def test_a_download_that_the_engine_cuts_goes_on_where_it_broke(
    world: World, serve: Any, tmp_path: Path
) -> None:
    content = requests_file(5000)
    with serve("--data", str(tmp_path), "--faults", "cut=300000:#2") as engine:
        hub, events = Events(), []  # type: ignore[var-annotated]
        hub.subscribe(lambda event: events.append(type(event).__name__))
        client = world.client(base_url=engine.base_url, api_key=engine.api_key, events=hub)
        file = world.run(
            client, lambda c: c.files.create(file=("a.jsonl", content), purpose="batch")
        )
        with without_waiting():
            assert download(world, client, file.id) == content
    assert events == ["Sent", "Finished", "Sent", "Retried", "Sent", "Finished"]


@both
def test_a_batch_runs_and_its_output_is_read(world: World, connect: Any) -> None:
    client = connect(world)
    file = world.run(
        client,
        lambda c: c.files.create(file=("in.jsonl", requests_file(3)), purpose="batch"),
    )
    batch = world.run(
        client,
        lambda c: c.batches.create(
            input_file_id=file.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={"run": "one"},
        ),
    )
    assert batch.model_extra == {}
    seen: list[str] = []
    ended = world.run(
        client,
        lambda c: c.batches.wait(
            batch.id, progress=lambda one: seen.append(one.status), give_up_after=120
        ),
    )
    assert ended.status == "completed"
    assert ended.metadata == {"run": "one"}
    assert ended.request_counts is not None
    assert (ended.request_counts.total, ended.request_counts.failed) == (3, 0)
    assert seen[-1] == "completed"
    output = download(world, client, ended.output_file_id)
    lines = {line.custom_id: line for line in read_output(io.BytesIO(output))}
    assert sorted(str(one) for one in lines) == ["row-0", "row-1", "row-2"]
    for line in lines.values():
        assert line.completion is not None
        assert line.completion.choices[0].message.content


@both
def test_pages_of_batches_follow_one_another_without_gaps(world: World, connect: Any) -> None:
    client = connect(world)
    file = world.run(
        client,
        lambda c: c.files.create(file=("in.jsonl", requests_file(1)), purpose="batch"),
    )
    made = [
        world.run(
            client,
            lambda c: c.batches.create(
                input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="7d"
            ),
        ).id
        for _ in range(5)
    ]

    def everything(client: Any) -> Any:
        if world.name == "sync":
            return [batch.id for batch in client.batches.list(limit=2)]

        async def walk() -> list[str]:
            return [batch.id async for batch in client.batches.list(limit=2)]

        return walk()

    found = world.run(client, everything)
    assert set(made) <= set(found)
    assert len(found) == len(set(found))
    page = world.run(client, lambda c: c.batches.list(limit=2))
    assert len(page.data) == 2
    assert page.next_cursor
    named = world.run(client, lambda c: c.batches.list(id=[made[3], made[0]]))
    assert [batch.id for batch in named.data] == [made[3], made[0]]


@both
def test_a_batch_is_cancelled_while_it_runs(world: World, connect: Any) -> None:
    client = connect(world)
    content = requests_file(200, max_completion_tokens=16)
    file = world.run(client, lambda c: c.files.create(file=("in.jsonl", content), purpose="batch"))
    batch = world.run(
        client,
        lambda c: c.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="7d"
        ),
    )
    cancelled = world.run(client, lambda c: c.batches.cancel(batch.id))
    assert cancelled.status in ("cancelling", "cancelled")


@both
def test_an_unknown_file_for_a_batch_is_refused(world: World, connect: Any) -> None:
    client = connect(world)
    with pytest.raises(BadRequestError) as caught:
        world.run(
            client,
            lambda c: c.batches.create(
                input_file_id="file_none",
                endpoint="/v1/chat/completions",
                completion_window="24h",
            ),
        )
    assert caught.value.param == "input_file_id"


def adapter() -> bytes:
    """The smallest ZIP that is an adapter."""
    header = json.dumps({"w": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]}}).encode()
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        archive.writestr(
            "adapter_model.safetensors", struct.pack("<Q", len(header)) + header + b"\0\0"
        )
        archive.writestr("adapter_config.json", json.dumps({"lora_alpha": 16, "r": 8}))
    return into.getvalue()


@both
def test_an_adapter_is_registered_listed_and_deleted(world: World, connect: Any) -> None:
    client = connect(world)
    file = world.run(
        client, lambda c: c.files.create(file=("a.zip", adapter()), purpose="fine_tuning")
    )
    tuning = world.run(
        client,
        lambda c: c.fine_tunings.create(
            base_model="llama-3.1-8b-instant",
            input_file_id=file.id,
            name=f"mine-{world.name}",
            type="lora",
        ),
    )
    assert tuning.data.fine_tuned_model.startswith("ft:llama-3.1-8b-instant:")
    assert (tuning.model_extra, tuning.data.model_extra) == ({}, {})
    assert world.run(client, lambda c: c.fine_tunings.retrieve(tuning.id)).id == tuning.id
    listed = world.run(client, lambda c: c.fine_tunings.list()).data
    assert tuning.data.fine_tuned_model in [one.fine_tuned_model for one in listed]
    assert world.run(client, lambda c: c.fine_tunings.delete(tuning.id)).deleted is True
    with pytest.raises(NotFoundError):
        world.run(client, lambda c: c.fine_tunings.retrieve(tuning.id))


@both
def test_sound_that_is_none_is_refused_and_text_is_spoken(world: World, connect: Any) -> None:
    """Every parameter arrives: what is left to refuse is the sound itself."""
    client = connect(world)
    for hear in (
        lambda c: c.audio.transcriptions.create(
            model="whisper-large-v3-turbo",
            file=b"RIFF\x24\x00\x00\x00WAVEfmt ",
            language="en",
            prompt="Names: Ångström",
            temperature=0.0,
            response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
        ),
        lambda c: c.audio.translations.create(
            model="whisper-large-v3", file=("talk.ogg", io.BytesIO(b"OggS")), language="en"
        ),
    ):
        with pytest.raises(BadRequestError, match="cannot be decoded"):
            world.run(client, hear)
    spoken = world.run(
        client,
        lambda c: c.audio.speech.create(
            model="playai-tts",
            voice="Fritz-PlayAI",
            input="Hello.",
            response_format="wav",
            sample_rate=16000,
            speed=1.5,
        ),
    )
    assert spoken.content[:4] == b"RIFF"


@both
def test_the_engine_s_refusals_come_as_their_errors(
    world: World, connect: Any, tmp_path: Path
) -> None:
    client = connect(world)
    large = tmp_path / "talk.wav"
    with large.open("wb") as file:
        file.truncate(30_000_000)
    with pytest.raises(RequestTooLargeError, match="25 MB"):
        world.run(
            client, lambda c: c.audio.transcriptions.create(model="whisper-large-v3", file=large)
        )
    with pytest.raises(NotFoundError):
        world.run(client, lambda c: c.audio.transcriptions.create(model="no-such", file=b"fLaC"))
    with pytest.raises(BadRequestError, match="voice"):
        world.run(
            client,
            lambda c: c.audio.speech.create(model="playai-tts", voice="Nobody", input="Hello."),
        )
    with pytest.raises(BadRequestError):
        world.run(client, lambda c: c.files.create(file=("a.txt", b"x"), purpose="batch"))
