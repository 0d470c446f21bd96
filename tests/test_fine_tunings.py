"""`client.fine_tunings`: where it goes, and both documented shapes of what comes back."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from both_worlds import World, answering, both
from raw_server import RawServer, plain

from groqnb import InternalServerError, ParameterError
from groqnb.types.fine_tunings import FineTuning
from groqnb.wire.retry import without_waiting

MODEL_ID = "ft:llama-3.1-8b-instant:org_01/my-lora-adapter-ef36419a0010"

# LoRA guide: fewer fields than the reference.
GUIDE = {
    "id": "ft_01",
    "object": "fine_tuning",
    "data": {
        "name": "my-lora-adapter",
        "base_model": "llama-3.1-8b-instant",
        "type": "lora",
        "fine_tuned_model": MODEL_ID,
    },
}
REFERENCE: dict[str, Any] = {
    "id": "string",
    "object": "object",
    "data": {
        "id": "string",
        "name": "string",
        "base_model": "string",
        "type": "string",
        "input_file_id": "string",
        "created_at": 0,
        "fine_tuned_model": "string",
    },
}


@both
@pytest.mark.parametrize(
    "base_url",
    [
        "https://api.groq.com",
        "https://api.groq.com/openai/v1",
        "http://gateway.test/groq/openai/v1",
        "http://127.0.0.1:9/v1",
    ],
)
def test_these_endpoints_stand_under_v1_and_not_under_openai(world: World, base_url: str) -> None:
    seen: list[httpx.Request] = []
    client = world.client(
        base_url=base_url, transport=answering(httpx.Response(200, json=GUIDE), seen=seen)
    )
    tuning = world.run(
        client,
        lambda c: c.fine_tunings.create(
            base_model="llama-3.1-8b-instant", input_file_id="file_01", name="mine", type="lora"
        ),
    )
    assert tuning.data.fine_tuned_model == MODEL_ID
    world.run(client, lambda c: c.fine_tunings.retrieve("ft_01"))
    prefix = "/groq" if "gateway" in base_url else ""
    assert [(one.method, one.url.path) for one in seen] == [
        ("POST", f"{prefix}/v1/fine_tunings"),
        ("GET", f"{prefix}/v1/fine_tunings/ft_01"),
    ]
    assert json.loads(seen[0].content) == {
        "base_model": "llama-3.1-8b-instant",
        "input_file_id": "file_01",
        "name": "mine",
        "type": "lora",
    }


@both
def test_list_and_delete(world: World) -> None:
    seen: list[httpx.Request] = []
    client = world.client(
        transport=answering(
            httpx.Response(200, json={"object": "list", "data": [REFERENCE["data"]]}),
            httpx.Response(200, json={"id": "ft", "object": "fine_tuning", "deleted": True}),
            seen=seen,
        )
    )
    assert world.run(client, lambda c: c.fine_tunings.list()).data[0].name == "string"
    assert world.run(client, lambda c: c.fine_tunings.delete("ft")).deleted is True
    assert (seen[1].method, seen[1].url.path) == ("DELETE", "/v1/fine_tunings/ft")


def test_both_documented_shapes_have_no_field_without_a_type() -> None:
    for shape in (GUIDE, REFERENCE):
        tuning = FineTuning.model_validate(shape)
        assert (tuning.model_extra, tuning.data.model_extra) == ({}, {})


@both
def test_a_fine_tuning_is_never_created_twice_by_a_retry(world: World) -> None:
    with RawServer(plain({}, status=500), plain(GUIDE)) as server, without_waiting():
        client = world.client(base_url=server.url)
        with pytest.raises(InternalServerError):
            world.run(client, lambda c: c.fine_tunings.create(name="mine"))
    assert len(server.requests) == 1


@both
def test_an_id_that_would_lead_elsewhere_is_refused(world: World) -> None:
    client = world.client(transport=answering(AssertionError("sent")))
    with pytest.raises(ParameterError, match="The fine tuning's id is ''"):
        world.run(client, lambda c: c.fine_tunings.delete(""))
