"""`client.batches`: what is sent, how pages follow one another, how a batch is waited for."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from both_worlds import World, answering, both
from raw_server import RawServer, chunked, plain

from groqnb import APIConnectionError, APITimeoutError, InternalServerError, ParameterError
from groqnb.types.batches import Batch, BatchError, BatchOutput, read_output
from groqnb.types.errors import ResponseError
from groqnb.wire.retry import without_waiting

# API Reference, Create batch.
CREATED: dict[str, Any] = {
    "id": "batch_01jh6xa7reempvjyh6n3yst2zw",
    "object": "batch",
    "endpoint": "/v1/chat/completions",
    "errors": None,
    "input_file_id": "file_01jh6x76wtemjr74t1fh0faj5t",
    "completion_window": "24h",
    "status": "validating",
    "output_file_id": None,
    "error_file_id": None,
    "finalizing_at": None,
    "failed_at": None,
    "expired_at": None,
    "cancelled_at": None,
    "request_counts": {"total": 0, "completed": 0, "failed": 0},
    "metadata": None,
    "created_at": 1736472600,
    "expires_at": 1736559000,
    "cancelling_at": None,
    "completed_at": None,
    "in_progress_at": None,
}
WANTED: dict[str, Any] = {
    "input_file_id": "file_01",
    "endpoint": "/v1/chat/completions",
    "completion_window": "24h",
}


def pages(request: httpx.Request) -> httpx.Response:
    """Three pages of two batches each."""
    cursor = request.url.params.get("cursor", "cursor_0")
    page = int(cursor.removeprefix("cursor_"))
    data = [{**CREATED, "id": f"batch_{page}{number}"} for number in range(2)]
    body: dict[str, Any] = {"object": "list", "data": data}
    if page < 2:
        body["paging"] = {"next_cursor": f"cursor_{page + 1}"}
    return httpx.Response(200, json=body, headers={"x-request-id": f"req_{page}"})


@both
def test_create_retrieve_and_cancel(world: World) -> None:
    seen: list[httpx.Request] = []
    client = world.client(transport=answering(httpx.Response(200, json=CREATED), seen=seen))
    batch = world.run(client, lambda c: c.batches.create(**WANTED, metadata={"run": "1"}))
    assert isinstance(batch, Batch)
    assert (batch.status, batch.ended, batch.problems) == ("validating", False, [])
    assert batch.model_extra == {}
    world.run(client, lambda c: c.batches.retrieve("batch_01"))
    world.run(client, lambda c: c.batches.cancel("batch_01"))
    assert [(one.method, one.url.path) for one in seen] == [
        ("POST", "/openai/v1/batches"),
        ("GET", "/openai/v1/batches/batch_01"),
        ("POST", "/openai/v1/batches/batch_01/cancel"),
    ]
    assert json.loads(seen[0].content) == {**WANTED, "metadata": {"run": "1"}}
    assert seen[2].content == b""


@pytest.mark.parametrize(
    "errors",
    [
        [{"code": "invalid_method", "message": "m", "param": "method", "line": 4}],
        {
            "object": "list",
            "data": [{"code": "invalid_method", "message": "m", "param": "method", "line": 4}],
        },
    ],
    ids=["guide", "reference"],
)
def test_errors_are_the_same_in_both_documented_shapes(errors: Any) -> None:
    batch = Batch.model_validate({**CREATED, "errors": errors})
    assert batch.problems == [
        BatchError(code="invalid_method", message="m", param="method", line=4)
    ]


@both
def test_iterating_goes_through_all_pages(world: World) -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return pages(request)

    client = world.client(transport=httpx.MockTransport(handler))
    expected = ["batch_00", "batch_01", "batch_10", "batch_11", "batch_20", "batch_21"]
    if world.name == "sync":
        page = client.batches.list(limit=2)
        assert [batch.id for batch in page] == expected
        assert [batch.id for batch in page] == expected
    else:

        async def main() -> Any:
            found = [batch.id async for batch in client.batches.list(limit=2)]
            assert found == expected
            page = await client.batches.list()
            assert [batch.id async for batch in page] == expected
            return page

        page = asyncio.run(main())
    assert [batch.id for batch in page.data] == expected[:2]
    assert page.next_cursor == "cursor_1"
    # As the documentation's example has it.
    assert page.paging.get("next_cursor") == "cursor_1"
    assert (page.request_id, page.rate_limit) == ("req_0", None)
    queries = [dict(one.url.params) for one in seen[:3]]
    assert queries == [
        {"limit": "2"},
        {"limit": "2", "cursor": "cursor_1"},
        {"limit": "2", "cursor": "cursor_2"},
    ]


@both
def test_a_list_begins_at_a_cursor_and_asks_for_no_page_before_its_time(world: World) -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params.get("cursor"))
        return pages(request)

    client = world.client(transport=httpx.MockTransport(handler))
    page = world.run(client, lambda c: c.batches.list(cursor="cursor_1"))
    assert [batch.id for batch in page.data] == ["batch_10", "batch_11"]
    assert asked == ["cursor_1"]


@both
def test_ids_are_repeated_in_the_query(world: World) -> None:
    seen: list[httpx.Request] = []
    reply = httpx.Response(200, json={"object": "list", "data": []})
    client = world.client(transport=answering(reply, seen=seen))
    world.run(client, lambda c: c.batches.list(id=["batch_1", "batch_2"]))
    world.run(client, lambda c: c.batches.list(id="batch_3"))
    world.run(client, lambda c: c.batches.list(id=iter(("a", "b"))))
    queries = [one.url.query for one in seen]
    assert queries == [b"id=batch_1&id=batch_2", b"id=batch_3", b"id=a&id=b"]
    with pytest.raises(ParameterError, match="id names no batch"):
        world.run(client, lambda c: c.batches.list(id=[]))


@both
def test_a_list_that_goes_in_a_circle_ends_with_an_error(world: World) -> None:
    body = {"object": "list", "data": [CREATED], "paging": {"next_cursor": "cursor_1"}}
    client = world.client(transport=answering(httpx.Response(200, json=body)))

    def walk(client: Any) -> Any:
        if world.name == "sync":
            return list(client.batches.list())

        async def all_of() -> Any:
            return [batch async for batch in client.batches.list()]

        return all_of()

    with pytest.raises(ResponseError, match="goes in a circle"):
        world.run(client, walk)


@both
def test_a_batch_is_never_created_twice_by_a_retry(world: World) -> None:
    for unclear in (plain({}, status=500), chunked(b"{", end=False)):
        with RawServer(unclear, plain(CREATED)) as server, without_waiting():
            client = world.client(base_url=server.url)
            with pytest.raises((InternalServerError, APIConnectionError)):
                world.run(client, lambda c: c.batches.create(**WANTED))
        assert len(server.requests) == 1


@both
def test_a_refused_batch_is_asked_for_again(world: World) -> None:
    with RawServer(plain({}, 429), plain({}, 503), plain(CREATED)) as server, without_waiting():
        client = world.client(base_url=server.url)
        assert world.run(client, lambda c: c.batches.create(**WANTED)).status == "validating"
    assert len(server.requests) == 3


@both
@pytest.mark.parametrize("window", ["23h", "1h", "169h", "8d", "0d"])
def test_windows_outside_of_the_documented_ones_are_refused(world: World, window: str) -> None:
    client = world.client(transport=answering(AssertionError("sent")))
    with pytest.raises(ParameterError, match="it goes from 24h to 7d"):
        world.run(client, lambda c: c.batches.create(**{**WANTED, "completion_window": window}))


@both
@pytest.mark.parametrize("window", ["24h", "168h", "1d", "7d", "48h", "P2D"])
def test_other_windows_are_the_server_s_to_judge(world: World, window: str) -> None:
    client = world.client(transport=answering(httpx.Response(200, json=CREATED)))
    world.run(client, lambda c: c.batches.create(**{**WANTED, "completion_window": window}))


@both
def test_waiting_looks_until_the_batch_has_ended(world: World) -> None:
    states = ["validating", "in_progress", "in_progress", "finalizing", "completed"]
    replies = [httpx.Response(200, json={**CREATED, "status": one}) for one in states]
    client = world.client(transport=answering(*replies))
    told: list[str] = []
    with without_waiting():
        batch = world.run(
            client,
            lambda c: c.batches.wait("batch_01", progress=lambda one: told.append(one.status)),
        )
    assert (batch.status, batch.ended) == ("completed", True)
    assert told == states


@both
def test_waiting_gives_up_when_it_is_told_to(world: World) -> None:
    client = world.client(transport=answering(httpx.Response(200, json=CREATED)))
    start = time.monotonic()
    with pytest.raises(APITimeoutError, match=r"still validating after 0\.2 s"):
        world.run(client, lambda c: c.batches.wait("batch_01", give_up_after=0.2))
    assert time.monotonic() - start > 0.15


LINES = [
    {
        "id": "batch_req_1",
        "custom_id": "a",
        "response": {
            "status_code": 200,
            "request_id": "req_1",
            "body": {
                "id": "chatcmpl-1",
                "model": "m",
                "choices": [{"message": {"role": "assistant", "content": "Paris"}}],
            },
        },
        "error": None,
    },
    {
        "id": "batch_req_2",
        "custom_id": "b",
        "response": {"status_code": 400, "request_id": "req_2", "body": {"error": {}}},
        "error": None,
        "newer": 1,
    },
    {"id": "batch_req_3", "custom_id": "c", "response": None, "error": {"code": "expired"}},
]


def test_output_is_typed_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text("\n".join(map(json.dumps, LINES)) + "\n\n")
    with path.open("rb") as file:
        first, second, third = read_output(file)
    assert isinstance(first, BatchOutput)
    assert first.completion is not None
    assert first.completion.choices[0].message.content == "Paris"
    assert second.response is not None
    assert (second.custom_id, second.response.status_code) == ("b", 400)
    assert second.model_extra == {"newer": 1}
    assert (second.completion, third.completion) == (None, None)
    assert (third.response, third.error) == (None, {"code": "expired"})


def test_output_comes_straight_from_a_download() -> None:
    from groqnb import Groq

    content = "\n".join(map(json.dumps, LINES)).encode()
    client = Groq(api_key="k" * 20, transport=answering(httpx.Response(200, content=content)))
    lines = read_output(client.files.content("file_01").iter_lines())
    assert [line.custom_id for line in lines] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"custom_id": ', "Line 2 is no line of a batch's output: Invalid JSON"),
        ('{"custom_id": 5}', "Line 2 is no line of a batch's output: custom_id: Input should be"),
        (b"[]", "Line 2 is no line"),
        (b'{"custom_id": "\xff"}', "Line 2 is no line"),
    ],
)
def test_a_bad_line_is_told_by_its_number(line: Any, message: str) -> None:
    with pytest.raises(ResponseError, match=message):
        list(read_output([json.dumps(LINES[0]), line]))
