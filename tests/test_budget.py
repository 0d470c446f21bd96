"""A budget stops calls before they are sent, from every client and thread, and tells how it is."""

from __future__ import annotations

import asyncio
import json
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from both_worlds import KEY, MESSAGES, World, both, completion
from both_worlds import answering as in_turn

import groqnb
from groqnb.ledger.budget import Budget, Reservation, reserve
from groqnb.ledger.estimates import estimate, tokens_in, tokens_out
from groqnb.ledger.sound import seconds_in
from groqnb.ledger.watch import watch
from groqnb.wire.call import Call

MODEL = "llama-3.3-70b-versatile"
COST = (1000 * 0.59 + 100 * 0.79) / 1e6  # of the reply below
USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GROQNB_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("GROQNB_LEDGER", raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)


def answering(seen: list[httpx.Request] | None = None, **more: Any) -> httpx.MockTransport:
    return in_turn(httpx.Response(200, json=completion(usage=USAGE, **more)), seen=seen)


def call(body: dict[str, Any], path: str = "/chat/completions") -> Call[Any]:
    return Call("POST", path, dict, body=body)


@both
def test_a_call_that_would_spend_too_much_is_never_sent(world: World) -> None:
    """Estimated before sending: the server hears nothing, the ledger has no row."""
    groqnb.budget(0.001)
    seen: list[httpx.Request] = []
    client = world.client(transport=answering(seen))
    with pytest.raises(groqnb.BudgetError, match="for today does not allow") as caught:
        world.ask(client, max_completion_tokens=2000)
    assert not seen
    assert groqnb.usage().empty
    assert caught.value.limit == 0.001
    assert caught.value.estimate == pytest.approx(2000 * 0.79e-6, rel=0.01)
    assert "%groq budget off" in str(caught.value)


@both
def test_a_stream_that_would_spend_too_much_is_never_sent(world: World) -> None:
    groqnb.budget(0.001)
    seen: list[httpx.Request] = []
    with pytest.raises(groqnb.BudgetError):
        world.stream(world.client(transport=answering(seen)), [], max_completion_tokens=2000)
    assert not seen


@both
def test_what_a_call_cost_takes_the_place_of_what_was_held(world: World) -> None:
    budget = groqnb.budget(1)
    assert budget is not None
    client = world.client(transport=answering())
    world.ask(client, max_completion_tokens=2000)
    assert budget.spent == pytest.approx(COST)
    assert budget.held == 0
    assert budget.left == pytest.approx(1 - COST)


def test_a_refused_call_gives_back_what_was_held() -> None:
    budget = groqnb.budget(1)
    assert budget is not None
    transport = in_turn(httpx.Response(400, json={"error": {"message": "no", "type": "t"}}))
    client = groqnb.Groq(transport=transport, api_key=KEY, where="cloud")
    with pytest.raises(groqnb.BadRequestError):
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
    assert (budget.spent, budget.held) == (0, 0)


def test_an_interrupted_stream_counts_what_was_held() -> None:
    """What was made until then may be billed, and no usage came."""
    budget = groqnb.budget(1)
    assert budget is not None
    chunk = {"id": "c", "choices": [{"index": 0, "delta": {"content": "a"}}], "model": MODEL}
    body = b"data: %s\n\n" % json.dumps(chunk).encode() * 2
    reply = httpx.Response(200, content=body, headers={"content-type": "text/event-stream"})
    with groqnb.Groq(transport=in_turn(reply), api_key=KEY, where="cloud") as client:
        stream = client.chat.completions.create(
            model=MODEL, messages=MESSAGES, stream=True, max_completion_tokens=1000
        )
        next(stream)
        assert budget.held > 0.0007
        stream.close()
    assert budget.held == 0
    assert budget.spent > 0.0007


def test_many_threads_never_spend_more_than_the_budget() -> None:
    """With a limit for the answer the bound is hard, however many calls go out at once."""
    budget = groqnb.budget(0.02)
    assert budget is not None
    seen: list[httpx.Request] = []
    with groqnb.Groq(transport=answering(seen), api_key=KEY, where="cloud") as client:

        def ask(_: int) -> bool:
            try:
                client.chat.completions.create(
                    model=MODEL,
                    messages=[{"role": "user", "content": "x" * 3000}],
                    max_completion_tokens=100,
                )
            except groqnb.BudgetError:
                return False
            return True

        with ThreadPoolExecutor(16) as pool:
            answered = sum(pool.map(ask, range(200)))
    assert answered == len(seen)
    assert 20 <= answered <= 29
    assert budget.spent == pytest.approx(answered * COST)
    assert budget.spent <= 0.02
    assert budget.held == 0


def test_many_tasks_never_spend_more_than_the_budget() -> None:
    budget = groqnb.budget(0.02)
    assert budget is not None

    async def main() -> list[Any]:
        async with groqnb.AsyncGroq(transport=answering(), api_key=KEY, where="cloud") as client:
            ask = client.chat.completions.create
            question: Any = [{"role": "user", "content": "x" * 3000}]
            return await asyncio.gather(
                *(
                    ask(model=MODEL, messages=question, max_completion_tokens=100)
                    for _ in range(99)
                ),
                return_exceptions=True,
            )

    results = asyncio.run(main())
    refused = [one for one in results if isinstance(one, groqnb.BudgetError)]
    assert len(refused) >= 70
    assert budget.spent <= 0.02


def test_what_must_be_read_and_costs_nothing_is_never_held_back() -> None:
    groqnb.budget(0)
    transport = in_turn(httpx.Response(200, json={"object": "list", "data": []}))
    with groqnb.Groq(transport=transport, api_key=KEY, where="cloud") as client:
        assert client.models.list().data == []


def test_it_tells_at_half_three_quarters_and_nine_tenths_once_each() -> None:
    told: list[str] = []
    budget = Budget(1, tell=told.append)
    for _ in range(10):
        budget.reserve(0.095).settle(0.095)
    assert [text.split(" ")[0] for text in told] == ["57%", "76%", "95%"]
    assert "$0.570000 of $1" in told[0]


def test_outside_a_notebook_an_alert_is_a_warning() -> None:
    groqnb.budget(COST * 1.9)
    client = groqnb.Groq(transport=answering(), api_key=KEY, where="cloud")
    with pytest.warns(UserWarning, match="53% of the budget is spent"):
        client.chat.completions.create(model=MODEL, messages=MESSAGES, max_completion_tokens=100)


def test_a_new_day_begins_at_nothing() -> None:
    day = [date(2026, 1, 31)]
    budget = Budget(1, today=lambda: day[0])
    budget.reserve(0.9).settle(0.9)
    with pytest.raises(groqnb.BudgetError):
        budget.reserve(0.2)
    day[0] = date(2026, 2, 1)
    assert budget.spent == 0
    budget.reserve(0.2)


def test_an_unknown_price_is_told_of_once_and_counts_nothing() -> None:
    budget = groqnb.budget(0.0001)
    assert budget is not None
    with groqnb.Groq(transport=answering(), api_key=KEY, where="cloud") as client:
        with pytest.warns(UserWarning, match="No price is known for acme/new"):
            client.chat.completions.create(model="acme/new", messages=MESSAGES)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            client.chat.completions.create(model="acme/new", messages=MESSAGES)
    assert budget.unpriced == ["acme/new"]
    assert budget.spent == 0


def test_a_strict_budget_refuses_an_unknown_price() -> None:
    groqnb.budget(1, strict=True)
    seen: list[httpx.Request] = []
    client = groqnb.Groq(transport=answering(seen), api_key=KEY, where="cloud")
    with pytest.raises(groqnb.BudgetError, match="No price is known for acme/new"):
        client.chat.completions.create(model="acme/new", messages=MESSAGES)
    assert not seen


def test_the_local_engine_is_free_unless_its_price_is_notional() -> None:
    """The call is the wire's; where it goes is what the budget asks."""
    budget = Budget(0.0001)
    asked = call({"model": MODEL, "messages": MESSAGES, "max_completion_tokens": 2000})
    budget.admit(1, asked, "local")
    with pytest.raises(groqnb.BudgetError):
        budget.admit(2, asked, "cloud")
    notional = Budget(0.0001, notional=True)
    with pytest.raises(groqnb.BudgetError):
        notional.admit(3, asked, "local")


# --- by hand, and over time ---


def test_without_a_budget_a_reservation_is_free() -> None:
    held = reserve(1e9, "everything")
    held.settle(5)


def test_a_reservation_counts_in_full_unless_it_is_settled_or_fails() -> None:
    budget = groqnb.budget(1)
    assert budget is not None
    with reserve(0.2, "a batch"):
        assert budget.held == 0.2
    with reserve(0.2, "a batch") as held:
        held.settle(0.1)
    with pytest.raises(KeyError), reserve(0.2, "a batch"):
        raise KeyError
    assert budget.spent == pytest.approx(0.3)
    assert budget.held == 0
    with pytest.raises(groqnb.BudgetError, match="does not allow a batch of 500 rows"):
        reserve(0.8, "a batch of 500 rows")


def test_a_reservation_is_settled_once() -> None:
    budget = Budget(1)
    held: Reservation = budget.reserve(0.5)
    held.settle(0.1)
    held.settle(0.1)
    assert (budget.spent, budget.held) == (0.1, 0)


def test_another_amount_goes_on_with_what_is_spent_and_held() -> None:
    first = groqnb.budget(1)
    assert first is not None
    first.reserve(0.3).settle(0.3)
    held = first.reserve(0.2)
    second = groqnb.budget(2)
    assert second is not None
    assert (second.spent, second.held) == (0.3, 0.2)
    held.settle(0.1)
    assert second.spent == pytest.approx(0.4)
    assert second.held == 0


def test_a_notebook_goes_on_with_what_its_earlier_kernels_spent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("groqnb.ledger.recorder.here", lambda: ("a.ipynb", 1))
    with groqnb.Groq(transport=answering(), api_key=KEY, where="cloud") as client:
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
        monkeypatch.setattr("groqnb.ledger.recorder.here", lambda: ("b.ipynb", 1))
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
    watch.__init__()  # type: ignore[misc]  # as a new kernel has it
    monkeypatch.setattr("groqnb.ledger.budgeting.here", lambda: ("a.ipynb", 1))
    budget = groqnb.budget(1)
    assert budget is not None
    assert budget.scope == "a.ipynb"
    assert budget.spent == pytest.approx(COST)


def test_off_ends_it_and_nothing_asks_for_it() -> None:
    groqnb.budget(0.5)
    assert groqnb.budget() is not None
    assert groqnb.budget("off") is None
    assert groqnb.budget() is None


@pytest.mark.parametrize("limit", [-1, float("nan"), float("inf"), True, "0.5", [1]])
def test_what_is_no_amount_is_refused(limit: Any) -> None:
    with pytest.raises(groqnb.ParameterError):
        groqnb.budget(limit)


def test_threads_that_reserve_and_settle_leave_nothing_held() -> None:
    budget = Budget(1e9)

    def work() -> None:
        for _ in range(500):
            budget.reserve(0.25).settle(0.125)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert budget.held == 0
    assert budget.spent == 500


# --- estimates ---


def test_an_estimate_is_rather_too_high_than_too_low() -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 10
    assert tokens_in({"messages": [{"role": "user", "content": text}]}) >= len(text) / 4
    assert tokens_in({"messages": [{"role": "user", "content": "日本語"}]}) >= 3
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 90_000}}
    assert 1000 < tokens_in({"messages": [{"role": "user", "content": [image]}]}) < 5000


def test_the_length_of_an_answer_is_its_limit_or_what_is_usual() -> None:
    assert tokens_out({"model": MODEL, "max_tokens": 7}) == 7
    assert tokens_out({"model": MODEL}, 300) == 300
    assert tokens_out({"model": "meta-llama/llama-guard-4-12b"}, 5000) == 1024


def test_a_longer_answer_makes_the_next_estimate_higher() -> None:
    budget = Budget(1)
    asked = call({"model": MODEL, "messages": MESSAGES})
    budget.admit(1, asked, "cloud")
    first = budget.held
    budget.note_answer(MODEL, 30)  # a short one, or one with a limit, promises nothing
    budget.note_answer(MODEL, 5000)
    budget.admit(2, asked, "cloud")
    assert budget.held - first > 4 * first


def test_speech_batches_and_compound_are_estimated_each_in_its_own_way() -> None:
    spoken = {"model": "canopylabs/orpheus-v1-english", "input": "x" * 1000, "voice": "a"}
    assert estimate(call(spoken, "/audio/speech")) == pytest.approx(0.022)
    assert estimate(call({"input_file_id": "f"}, "/batches")) is None
    assert estimate(call({"purpose": "batch"}, "/files")) == 0
    compound = estimate(call({"model": "groq/compound", "messages": MESSAGES}))
    assert compound is not None
    assert compound > 0.01


def test_a_recording_tells_its_length() -> None:
    import io
    import wave

    kept = io.BytesIO()
    with wave.open(kept, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(2 * 8000 * 3))
    data = kept.getvalue()
    assert seconds_in(data, len(data)) == 3
    assert seconds_in(data[:100], len(data)) == 3
    assert seconds_in(b"RIFF", 4) is None
    packed = (16_000 << 44) | (15 << 36) | 32_000
    flac = b"fLaC" + bytes([0, 0, 0, 34]) + bytes(10) + packed.to_bytes(8, "big") + bytes(16)
    assert seconds_in(flac, len(flac)) == 2


# --- batches ---

_BATCH = {
    "id": "batch_1",
    "object": "batch",
    "endpoint": "/v1/chat/completions",
    "input_file_id": "file_1",
    "completion_window": "24h",
    "status": "validating",
    "created_at": 1,
}


def rows(count: int, model: str = MODEL) -> bytes:
    """A file of requests of 1,000 tokens out each."""
    body = {"model": model, "messages": MESSAGES, "max_completion_tokens": 1000}
    line = {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": body}
    return b"\n".join([json.dumps(line).encode()] * count) + b"\n"


def batching(seen: list[str]) -> httpx.MockTransport:
    """A server that takes files and starts batches."""

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path.removeprefix("/openai/v1"))
        if request.url.path.endswith("/files"):
            file = {"id": "file_1", "object": "file", "bytes": 1, "created_at": 1}
            return httpx.Response(200, json={**file, "filename": "a.jsonl", "purpose": "batch"})
        return httpx.Response(200, json=_BATCH)

    return httpx.MockTransport(answer)


def start(world: World, client: Any, content: bytes) -> Any:
    uploaded = world.run(client, lambda c: c.files.create(file=content, purpose="batch"))
    return world.run(
        client,
        lambda c: c.batches.create(
            input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h"
        ),
    )


@both
def test_a_batch_that_would_spend_too_much_is_never_started(world: World) -> None:
    """By the requests in its file, at half the price; the file had been uploaded."""
    groqnb.budget(0.03)
    seen: list[str] = []
    client = world.client(transport=batching(seen))
    with pytest.raises(groqnb.BudgetError, match="does not allow this batch") as raised:
        start(world, client, rows(100))
    assert seen == ["/files"]
    assert raised.value.estimate == pytest.approx(100 * 1000 * 0.79e-6 / 2, rel=0.02)


@both
def test_a_batch_counts_in_full_when_it_is_started(world: World) -> None:
    """Nobody knows better until its results are fetched."""
    budget = groqnb.budget(1)
    assert budget is not None
    seen: list[str] = []
    client = world.client(transport=batching(seen))
    start(world, client, rows(100))
    assert seen == ["/files", "/batches"]
    assert budget.spent == pytest.approx(100 * 1000 * 0.79e-6 / 2, rel=0.02)
    assert budget.held == pytest.approx(0)
    with pytest.raises(groqnb.BudgetError):
        start(world, client, rows(2500))


def test_a_batch_of_unknown_price_is_told_of_or_refused() -> None:
    """As any call of unknown price is."""
    told: list[str] = []
    watch.budget = Budget(1, tell=told.append)
    world = World("sync")
    start(world, world.client(transport=batching([])), rows(2, "acme/new-70b"))
    assert "No price is known for a batch" in told[0]
    groqnb.budget(1, strict=True)
    with pytest.raises(groqnb.BudgetError, match="a batch"):
        start(world, world.client(transport=batching([])), rows(2, "acme/new-70b"))


@pytest.mark.parametrize("content", [b"no json\n", b"[1]\n", b"{}\n"])
def test_what_is_no_file_of_requests_is_left_to_the_server(content: bytes) -> None:
    """It is uploaded and refused there; nothing breaks here."""
    budget = groqnb.budget(1)
    assert budget is not None
    world = World("sync")
    start(world, world.client(transport=batching([])), content)
    assert budget.spent == 0
