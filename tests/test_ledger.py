"""The usage ledger: a row for every call whatever its end, whoever else writes to it."""

from __future__ import annotations

import asyncio
import gc
import io
import os
import signal
import sqlite3
import subprocess
import sys
import time
import warnings
import wave
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from both_worlds import MESSAGES, World, both, completion
from both_worlds import answering as in_turn

import groqnb
from groqnb.catalog.cost import PricesUnreadable, cost
from groqnb.ledger import blocks, frame, recorder
from groqnb.ledger.columns import COLUMNS, row
from groqnb.ledger.store import LedgerUnreadable, Store
from groqnb.render.message import cost as footer_cost

KEY = "gsk_0123456789abcdefghijklmnop"
MODEL = "llama-3.3-70b-versatile"
NAMES = [column.name for column in COLUMNS if not column.asked_for]


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("GROQNB_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("GROQNB_LEDGER", raising=False)
    (tmp_path / "prices.json").write_text('{"models": {}}')
    monkeypatch.setenv("GROQNB_PRICES", str(tmp_path / "prices.json"))
    return tmp_path / "usage.sqlite"


def answering(
    body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
) -> httpx.MockTransport:
    return in_turn(httpx.Response(status, json=body, headers=headers))


def made(number: int, **more: Any) -> Any:
    return row(
        {
            "time": 1.8e9 + number,
            "model": f"m{number % 3}",
            "status": "ok",
            "where": "cloud",
            "prompt_tokens": number,
            "cost": number / 1000,
            "request_id": f"req_{number}",
            **more,
        }
    )


def append(store: Store, numbers: range) -> None:
    for number in numbers:
        store.append(made(number))


# --- what becomes a row ---


@both
def test_an_answered_call_is_a_row_with_its_numbers(world: World) -> None:
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 20,
        "total_tokens": 1020,
        "queue_time": 0.1,
        "total_time": 0.5,
        "prompt_tokens_details": {"cached_tokens": 400},
        "completion_tokens_details": {"reasoning_tokens": 7},
    }
    reply = completion(usage=usage, service_tier="flex")
    headers = {"x-groq-region": "us-east-1"}
    client = world.client(transport=answering(reply, headers=headers), api_key=KEY, where="cloud")
    world.ask(client, model=MODEL)
    (one,) = groqnb.usage().to_dict("records")
    assert (one["endpoint"], one["model"], one["where"], one["status"]) == (
        "chat.completions",
        MODEL,
        "cloud",
        "ok",
    )
    assert (one["prompt_tokens"], one["cached_tokens"], one["completion_tokens"]) == (1000, 400, 20)
    assert (one["reasoning_tokens"], one["tier"], one["region"]) == (7, "flex", "us-east-1")
    assert (one["queue_time"], one["total_time"], one["http_status"]) == (0.1, 0.5, 200)
    assert one["cost"] == pytest.approx((600 * 0.59 + 400 * 0.295 + 20 * 0.79) / 1e6)
    assert "documentation" in one["price"]
    assert one["wall"] > 0


@both
def test_a_refused_call_is_a_row_with_its_error_and_its_retries(world: World) -> None:
    body = {"error": {"message": "too fast", "type": "tokens", "code": "rate_limit_exceeded"}}
    client = world.client(
        transport=answering(body, status=429, headers={"retry-after": "0"}),
        api_key=KEY,
        where="cloud",
        max_retries=2,
    )
    with pytest.raises(groqnb.RateLimitError):
        world.ask(client, model=MODEL)
    (one,) = groqnb.usage().to_dict("records")
    assert (one["status"], one["error"], one["http_status"]) == ("error", "RateLimitError", 429)
    assert (one["code"], one["retries"]) == ("rate_limit_exceeded", 2)
    assert np.isnan(one["cost"])


def events(*deltas: dict[str, Any], usage: bool = True) -> bytes:
    import json

    lines = [
        {
            "id": "c",
            "model": MODEL,
            "choices": [{"index": 0, "delta": d}],
            "x_groq": {"id": "req_9"},
        }
        for d in deltas
    ]
    if usage:
        end = {
            "prompt_tokens": 4,
            "completion_tokens": 3,
            "total_tokens": 7,
            "completion_time": 0.5,
        }
        last = {"index": 0, "delta": {}, "finish_reason": "stop"}
        lines.append({"id": "c", "model": MODEL, "choices": [last], "x_groq": {"usage": end}})
    return b"".join(b"data: %s\n\n" % json.dumps(line).encode() for line in lines) + (
        b"data: [DONE]\n\n" if usage else b""
    )


def streaming(content: bytes) -> httpx.MockTransport:
    headers = {"content-type": "text/event-stream"}
    return httpx.MockTransport(lambda _: httpx.Response(200, content=content, headers=headers))


def test_a_stream_is_a_row_with_its_first_token_and_the_tools_that_ran() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    tool = {"type": "python", "index": 0}
    body = events({"content": "a"}, {"tool_calls": [call]}, {"executed_tools": [tool]})
    with groqnb.Groq(transport=streaming(body), api_key=KEY, where="cloud") as client:
        list(client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True))
    (one,) = groqnb.usage().to_dict("records")
    assert one["ttft"] > 0
    assert (one["tool_calls"], one["executed_tools"], one["request_id"]) == (1, 1, "req_9")
    assert one["tokens_per_second"] == pytest.approx(6)


def test_a_single_token_has_no_rate_in_the_ledger() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
    usage_with_time = {**usage, "completion_time": 0.000001, "total_time": 0.1}
    reply = completion(usage=usage_with_time)
    with groqnb.Groq(transport=answering(reply), api_key=KEY, where="cloud") as client:
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
    (one,) = groqnb.usage().to_dict("records")
    assert one["completion_tokens"] == 1
    assert one["tokens_per_second"] != one["tokens_per_second"], "it is NaN"


def test_a_stream_closed_early_is_a_row_that_says_so() -> None:
    with groqnb.Groq(transport=streaming(events({"content": "a"}, {})), api_key=KEY) as client:
        stream = client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
        next(stream)
        stream.close()
    assert list(groqnb.usage().status) == ["interrupted"]


@pytest.mark.parametrize("read", [0, 1], ids=["unread", "half read"])
def test_an_async_stream_that_is_dropped_is_a_row_that_says_so(read: int) -> None:
    """Nobody closes it, and nobody reads it to its end; its connection is free again."""

    async def main() -> None:
        body = events({"content": "a"}, {"content": "b"}, {})
        async with groqnb.AsyncGroq(transport=streaming(body), api_key=KEY) as client:
            stream = await client.chat.completions.create(
                model=MODEL, messages=MESSAGES, stream=True
            )
            for _ in range(read):
                await stream.__anext__()
            del stream
            gc.collect()
            for _ in range(9):
                await asyncio.sleep(0)
            await client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)

    asyncio.run(main())
    gc.collect()
    assert list(groqnb.usage().status) == ["interrupted", "interrupted"]


def test_compound_is_paid_for_by_the_models_that_answered() -> None:
    usage = {"prompt_tokens": 3_000_000, "completion_tokens": 0, "total_tokens": 3_000_000}
    shares = [
        {"model": "openai/gpt-oss-120b", "usage": {**usage, "prompt_tokens": 2_000_000}},
        {"model": MODEL, "usage": {**usage, "prompt_tokens": 1_000_000}},
    ]
    reply = completion(usage=usage, usage_breakdown={"models": shares})
    reply["choices"][0]["message"]["executed_tools"] = [{"type": "search"}, {"type": "search"}]
    with groqnb.Groq(transport=answering(reply), api_key=KEY, where="cloud") as client:
        client.chat.completions.create(model="groq/compound", messages=MESSAGES)
    (one,) = groqnb.usage().to_dict("records")
    assert one["cost"] == pytest.approx(2 * 0.15 + 0.59 + 2 * 0.005)
    assert one["executed_tools"] == 2


def test_an_unknown_price_is_missing_and_never_nothing() -> None:
    reply = completion()
    with groqnb.Groq(transport=answering(reply), api_key=KEY, where="cloud") as client:
        client.chat.completions.create(model="acme/new", messages=MESSAGES)
    assert groqnb.usage().cost.isna().all()


def test_own_prices_go_before_the_catalogue(own_ledger: Path) -> None:
    prices = own_ledger.with_name("prices.json")
    prices.write_text('{"models": {"acme/new": {"input": 1, "output": 2}}}')
    usage = {"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000, "total_tokens": 0}
    reply = completion(usage=usage)
    with groqnb.Groq(transport=answering(reply), api_key=KEY, where="cloud") as client:
        client.chat.completions.create(model="acme/new", messages=MESSAGES)
    (one,) = groqnb.usage().to_dict("records")
    assert (one["cost"], one["price"]) == (3, "your prices.json")


def test_nothing_that_was_said_and_no_key_is_in_the_file(own_ledger: Path) -> None:
    with groqnb.Groq(transport=answering(completion("the answer")), api_key=KEY) as client:
        client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "the question"}],
            compound_custom={"tools": {"wolfram_settings": {"authorization": "wolfram-secret"}}},
        )
    recorder.default_store().close()
    content = own_ledger.read_bytes()
    assert MODEL.encode() in content
    for secret in (KEY, "the answer", "the question", "wolfram-secret"):
        assert secret.encode() not in content


def test_switched_off_it_keeps_nothing(monkeypatch: pytest.MonkeyPatch, own_ledger: Path) -> None:
    monkeypatch.setenv("GROQNB_LEDGER", "off")
    with groqnb.Groq(transport=answering(completion()), api_key=KEY) as client:
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
    assert not own_ledger.exists()


# --- the table ---


def test_columns_have_proper_types_and_missing_values_are_missing(tmp_path: Path) -> None:
    store = Store(tmp_path / "u.sqlite")
    store.append(made(1))
    store.append(row({"time": None}))
    table = frame.usage_frame(store)
    assert list(table.columns) == [*NAMES, "tokens_per_second", "network", "cached_share"]
    assert str(table.time.dtype).startswith("datetime64")
    assert str(table.time.dt.tz) == "UTC"
    assert str(table.prompt_tokens.dtype) == "Int64"
    assert str(table.model.dtype) == "string"
    assert str(table.cost.dtype) == "float64"
    assert table.iloc[1].drop(["time"]).isna().all()


def test_filters_narrow_the_rows(tmp_path: Path) -> None:
    store = Store(tmp_path / "u.sqlite")
    for number in range(30):
        store.append(made(number, cell=number % 5, notebook=f"n{number % 2}.ipynb"))
    assert len(frame.usage_frame(store, model="m1")) == 10
    assert len(frame.usage_frame(store, model=["m1", "m2"])) == 20
    assert len(frame.usage_frame(store, notebook="n0.ipynb", cell=4)) == 3
    assert len(frame.usage_frame(store, since=1.8e9 + 25)) == 5
    assert frame.usage_frame(store, model="none").empty


def test_since_takes_what_people_write() -> None:
    now = time.time()
    assert frame.since_seconds("2h") == pytest.approx(now - 7200, abs=5)
    assert frame.since_seconds(timedelta(days=1)) == pytest.approx(now - 86400, abs=5)
    midnight = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
    assert frame.since_seconds("today") == pytest.approx(midnight.timestamp(), abs=90_000)
    assert frame.since_seconds("2026-01-31") == datetime(2026, 1, 31).timestamp()
    assert frame.since_seconds("2026-01-31T12:00:00Z") == 1769860800
    week = datetime.fromtimestamp(frame.since_seconds("week") or 0)
    assert (week.weekday(), week.hour, week.minute) == (0, 0, 0)
    assert datetime.fromtimestamp(frame.since_seconds("year") or 0).timetuple().tm_yday == 1
    with pytest.raises(ValueError, match="'7d'"):
        frame.since_seconds("yesterdayish")


def test_an_empty_ledger_is_an_empty_table() -> None:
    table = groqnb.usage()
    assert table.empty
    assert "cost" in table


# --- blocks ---


def test_packed_rows_are_the_rows(tmp_path: Path) -> None:
    store = Store(tmp_path / "u.sqlite")
    for number in range(50):
        store.append(made(number, code=None if number % 2 else "é\nü"))
    before = frame.usage_frame(store)
    store.pack(at_least=1)
    with sqlite3.connect(tmp_path / "u.sqlite") as file:
        assert file.execute("SELECT count(*) FROM calls").fetchone() == (0,)
    store.append(made(50))
    after = frame.usage_frame(store)
    assert len(after) == store.count() == 51
    assert after.iloc[:50].reset_index(drop=True).equals(before)


def test_ten_thousand_rows_are_packed_without_being_asked(tmp_path: Path) -> None:
    store = Store(tmp_path / "u.sqlite")
    for number in range(12_000):
        store.append(made(number))
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with sqlite3.connect(tmp_path / "u.sqlite") as file:
            if file.execute("SELECT count(*) FROM blocks").fetchone() != (0,):
                break
        time.sleep(0.05)
    columns = store.read()
    assert columns["rows"] == 12_000
    assert sorted(columns["prompt_tokens"]) == list(range(12_000))


def test_a_block_of_an_older_table_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    block = blocks.encode([made(1), made(2)])
    newer = (*COLUMNS, COLUMNS[3]._replace(name="new_count"))
    monkeypatch.setattr(blocks, "COLUMNS", newer)
    joined = blocks.joined([blocks.decode(block)])
    assert list(joined["new_count"]) == [-1, -1]


# --- many writers, bad days ---

WRITER = """
import sys, time
from pathlib import Path
from groqnb.ledger.columns import row
from groqnb.ledger.store import Store
store = Store(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    store.append(row({"time": time.time(), "model": sys.argv[2], "prompt_tokens": number}))
    time.sleep(0.0001)  # no call is faster, and what waits in memory has a bound
    if number == 200:
        print("going", flush=True)
store.close()
"""


def writer(path: Path, name: str, rows: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, str(path), name, str(rows)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_two_kernels_write_at_once_and_a_killed_one_leaves_whole_rows(tmp_path: Path) -> None:
    path = tmp_path / "u.sqlite"
    with writer(path, "lives", 10_000) as lives, writer(path, "dies", 1_000_000) as dies:
        assert dies.stdout is not None
        dies.stdout.readline()
        until = time.monotonic() + 60
        while len(frame.usage_frame(Store(path), model="dies")) <= 100 and time.monotonic() < until:
            time.sleep(0.05)
        dies.send_signal(signal.SIGKILL)
        assert lives.wait(300) == 0
    table = frame.usage_frame(Store(path))
    lived = table[table.model == "lives"].prompt_tokens
    died = table[table.model == "dies"].prompt_tokens
    assert sorted(lived) == list(range(10_000))
    assert len(died) > 100
    assert sorted(died) == list(range(len(died))), "a row is missing before the last"


def test_while_another_writer_holds_the_file_nobody_waits_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    path = tmp_path / "u.sqlite"
    store = Store(path)
    store.append(made(0))
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    for number in range(1, 100):
        store.append(made(number))
    assert time.monotonic() - began < 60, "each would wait for 5 s"
    holder.execute("COMMIT")
    holder.close()
    assert store.read()["rows"] == 100


def test_what_no_column_holds_is_not_known_and_harms_no_row(tmp_path: Path) -> None:
    """A server may tell anything: numbers too large, objects for words, half a letter."""
    store = Store(tmp_path / "u.sqlite")
    odd = [{"prompt_tokens": 10**30}, {"code": {"a": 1}}, {"model": "m\ud800"}, {"cell": 2**40}]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number, more in enumerate(odd):
            store.append(made(number, **more))
        append(store, range(4, 8))
        for packed in (False, True):
            if packed:
                store.pack(at_least=1)
            table = frame.usage_frame(store)
            assert list(table.prompt_tokens.fillna(-1)) == [-1, 1, 2, 3, 4, 5, 6, 7]
            assert table.code.isna().all()
            assert table.cell.isna().all()
            assert table.model[2] == "m?"


def test_a_folder_that_cannot_be_made_is_told_of_once_and_rows_stay_in_memory(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("in the way")
    store = Store(tmp_path / "file" / "u.sqlite")
    with pytest.warns(UserWarning, match="cannot be written"):
        store.append(made(0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store.append(made(1))
    assert store.read()["rows"] == 2


def test_a_full_disk_is_told_of_once_and_rows_stay_in_memory(tmp_path: Path) -> None:
    """What SQLite says when no page can be added: the same as on a disk that is full."""
    store = Store(tmp_path / "u.sqlite")
    store.append(made(0))
    assert store._connection is not None
    store._connection.execute("PRAGMA max_page_count = 1")
    with pytest.warns(UserWarning, match="is full") as told:
        append(store, range(1, 2000))
    assert len(told) == 1
    # What is on the disk cannot be counted on any more; what this kernel did since can.
    kept = list(store.read()["prompt_tokens"])
    assert kept == list(range(kept[0], 2000))
    assert "full" in store.broken


def test_a_file_that_became_read_only_is_told_of_once_and_rows_stay_in_memory(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path / "u.sqlite")
    store.append(made(0))
    assert store._connection is not None
    store._connection.execute("PRAGMA query_only = 1")
    with pytest.warns(UserWarning, match="readonly") as told:
        append(store, range(1, 20))
    assert len(told) == 1
    assert store.read()["rows"] == 19


def test_a_clock_that_is_set_back_hides_no_row(tmp_path: Path) -> None:
    """Rows stand in the order in which calls ended, and are found by the time they say."""
    store = Store(tmp_path / "u.sqlite")
    for number in range(60):
        store.append(made(number, time=1.8e9 - 3600 * (number >= 40) + number))
    for packed in (False, True):
        if packed:
            store.pack(at_least=1)
        assert list(store.read()["prompt_tokens"]) == list(range(60))
        assert sorted(store.read(1.8e9)["prompt_tokens"]) == list(range(40))
        assert store.read(1.8e9 - 3600)["rows"] == 60


def test_a_clock_that_jumps_makes_no_call_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Durations are not of the clock that people set."""
    clock = iter([2e9, 1e9, 3e9, 4e8, *range(100)])
    monkeypatch.setattr("groqnb.wire.trace.time.time", lambda: float(next(clock)))
    with groqnb.Groq(transport=answering(completion()), api_key=KEY) as client:
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
    (one,) = groqnb.usage().to_dict("records")
    assert 0 < one["wall"] < 60


def test_a_file_that_is_no_ledger_is_refused_politely(tmp_path: Path) -> None:
    path = tmp_path / "u.sqlite"
    path.write_text("this is not a database" * 100)
    with pytest.raises(LedgerUnreadable, match="Move it away"):
        Store(path).read()


@pytest.mark.parametrize("block", [b"junk", b"\x02\x00\x00\x00{}", b"\xff\xff\xff\xff", b"", "cut"])
def test_a_damaged_block_is_told_of_politely(own_ledger: Path, block: bytes | str) -> None:
    store = Store(own_ledger)
    append(store, range(12))
    store.pack(1)
    store.close()
    with sqlite3.connect(own_ledger) as file:
        (data,) = file.execute("SELECT data FROM blocks").fetchone()
        damaged = data[: len(data) // 2] if block == "cut" else block
        file.execute("UPDATE blocks SET data = ?", [damaged])
    with pytest.raises(LedgerUnreadable, match="Move it away"):
        Store(own_ledger).read()


def test_a_ledger_of_a_later_version_is_left_alone(own_ledger: Path) -> None:
    with sqlite3.connect(own_ledger) as file:
        file.execute("PRAGMA user_version = 99")
        file.execute("CREATE TABLE calls (other TEXT)")
    with pytest.raises(groqnb.GroqnbError, match="later version"):
        groqnb.usage()
    with pytest.warns(UserWarning, match="later version"):
        recorder.default_store().append(made(1))
    with sqlite3.connect(own_ledger) as file:
        assert file.execute("SELECT count(*) FROM calls").fetchone() == (0,)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_writes_with_a_connection_of_its_own(tmp_path: Path) -> None:
    store = Store(tmp_path / "u.sqlite")
    store.append(made(0))
    child = os.fork()
    if child == 0:
        store.append(made(1))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    store.append(made(2))
    assert sorted(store.read()["prompt_tokens"]) == [0, 1, 2]


# --- prices ---


def test_the_footer_of_an_answer_costs_what_the_ledger_says(own_ledger: Path) -> None:
    assert footer_cost(MODEL, 1000, 20, 400) == pytest.approx(
        (600 * 0.59 + 400 * 0.295 + 20 * 0.79) / 1e6
    )
    own_ledger.with_name("prices.json").write_text(
        '{"models": {"acme/new": {"input": 1, "output": 2}}}'
    )
    assert footer_cost("acme/new", 1_000_000, 0) == 1


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"models": {"a": {"input": -1}}}', '{"models": {"a": {"inptu": 1}}}']
)
def test_a_broken_file_of_prices_is_told_of_and_stops_no_answer(
    own_ledger: Path, text: str
) -> None:
    own_ledger.with_name("prices.json").write_text(text)
    with pytest.raises(PricesUnreadable, match="cannot be read"):
        cost("a", prompt_tokens=1)
    assert footer_cost("a", 1, 1) is None
    with groqnb.Groq(transport=answering(completion()), api_key=KEY, where="cloud") as client:
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
    assert groqnb.usage().cost.isna().all()


def test_a_file_of_prices_that_was_named_and_is_not_there_is_told_of(own_ledger: Path) -> None:
    """Once, however many calls; and other prices are not taken in its place."""
    own_ledger.with_name("prices.json").unlink()
    with pytest.raises(PricesUnreadable, match="GROQNB_PRICES names"):
        cost(MODEL, prompt_tokens=1)
    usage = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}
    client = groqnb.Groq(transport=answering(completion(usage=usage)), api_key=KEY, where="cloud")
    with pytest.warns(UserWarning, match="GROQNB_PRICES names"):
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
    assert groqnb.usage().cost.isna().all()


@pytest.mark.parametrize(
    ("ran", "version", "expected"),
    [
        (["search", "search"], None, 2 * 0.005),
        (["search"], "latest", 0.008),
        (["search"], "2025-07-23", 0.005),
        (["visit", "wolfram"], None, 0.001),
        (["search", "python"], None, None),
        (["teleport"], None, None),
    ],
)
def test_tools_cost_by_the_request_and_what_nobody_tells_is_unknown(
    ran: list[str], version: str | None, expected: float | None
) -> None:
    """Code and browsers are billed by the hour, and no reply says how long they ran."""
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    reply = completion(usage=usage)
    reply["choices"][0]["message"]["executed_tools"] = [{"type": kind} for kind in ran]
    with groqnb.Groq(transport=answering(reply), api_key=KEY, where="cloud") as client:
        client.chat.completions.create(
            model="openai/gpt-oss-120b",
            messages=MESSAGES,
            extra_headers=None if version is None else {"Groq-Model-Version": version},
        )
    (one,) = groqnb.usage().to_dict("records")
    assert one["executed_tools"] == len(ran)
    if expected is None:
        assert np.isnan(one["cost"])
    else:
        assert one["cost"] == pytest.approx(expected)


def test_a_response_counts_its_tools_and_images() -> None:
    """The Responses API names things in its own way; the ledger has one name for each."""
    reply = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "openai/gpt-oss-120b",
        "status": "completed",
        "output": [
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "code_interpreter_call", "id": "x", "status": "completed"},
            {"type": "message", "role": "assistant", "content": []},
        ],
        "usage": {
            "input_tokens": 100,
            "output_tokens": 10,
            "total_tokens": 110,
            "input_tokens_details": {"cached_tokens": 40},
            "output_tokens_details": {"reasoning_tokens": 5},
        },
    }
    image = {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"}
    with groqnb.Groq(transport=answering(reply), api_key=KEY, where="cloud") as client:
        client.responses.create(
            model="openai/gpt-oss-120b", input=[{"role": "user", "content": [image]}]
        )
    (one,) = groqnb.usage().to_dict("records")
    assert (one["prompt_tokens"], one["cached_tokens"], one["reasoning_tokens"]) == (100, 40, 5)
    assert (one["tool_calls"], one["executed_tools"], one["images"]) == (1, 1, 1)
    assert np.isnan(one["cost"]), "code is billed by the hour"


@pytest.mark.parametrize("told", [True, False])
def test_a_transcription_is_billed_by_its_length_whoever_tells_it(told: bool) -> None:
    """The reply tells it in verbose JSON; else it stands in the head of the file."""
    reply = {"text": "hello", "x_groq": {"id": "req_1"}} | ({"duration": 60.0} if told else {})
    kept = io.BytesIO()
    with wave.open(kept, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(2 * 8000 * 60))
    with groqnb.Groq(transport=answering(reply), api_key=KEY, where="cloud") as client:
        client.audio.transcriptions.create(
            model="whisper-large-v3", file=("a.wav", kept.getvalue())
        )
    (one,) = groqnb.usage().to_dict("records")
    assert one["audio_seconds"] == 60
    assert one["cost"] == pytest.approx(0.111 / 60)


def test_spoken_text_is_billed_by_the_character_where_a_price_is_known() -> None:
    sound = httpx.Response(200, content=b"RIFF", headers={"content-type": "audio/wav"})
    with groqnb.Groq(transport=in_turn(sound), api_key=KEY, where="cloud") as client:
        for model in ("canopylabs/orpheus-v1-english", "playai-tts"):
            client.audio.speech.create(
                model=model, voice="x", input="x" * 1000, response_format="wav"
            ).read()
    table = groqnb.usage()
    assert list(table.characters) == [1000, 1000]
    assert table.cost[0] == pytest.approx(0.022)
    assert np.isnan(table.cost[1])


def test_the_discounts_do_not_add_up() -> None:
    whole = cost(MODEL, prompt_tokens=1_000_000, batch=True)
    cached = cost(MODEL, prompt_tokens=1_000_000, cached_tokens=1_000_000, batch=True)
    assert whole is not None
    assert cached is not None
    assert whole.usd == cached.usd == pytest.approx(0.295)


def test_ten_seconds_of_a_recording_are_billed_at_least() -> None:
    short = cost("whisper-large-v3", audio_seconds=0.5)
    long = cost("whisper-large-v3", audio_seconds=3600)
    assert short is not None
    assert long is not None
    assert short.usd == pytest.approx(0.111 * 10 / 3600)
    assert long.usd == pytest.approx(0.111)


# --- texts, for those who want them ---


def test_texts_are_kept_only_where_somebody_says_so(
    monkeypatch: pytest.MonkeyPatch, own_ledger: Path
) -> None:
    """Whole and streamed, with their lines; images, headers and keys are never among them."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,SECRETPIXELS"}}
    question: Any = [{"role": "user", "content": [{"type": "text", "text": "one\ntwo é"}, image]}]
    with groqnb.Groq(transport=answering(completion("a\nb")), api_key=KEY) as client:
        client.chat.completions.create(model=MODEL, messages=question)
        assert "answer" not in groqnb.usage()
        monkeypatch.setenv("GROQNB_LEDGER", "texts")
        client.chat.completions.create(model=MODEL, messages=question)
    body = events({"content": "Hel"}, {"content": "lo"})
    with groqnb.Groq(transport=streaming(body), api_key=KEY) as client:
        list(client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True))
    for _ in range(2):
        table = groqnb.usage()
        assert list(table.answer.fillna("")) == ["", "a\nb", "Hello"]
        assert "one\\ntwo é" in table.question[1]
        recorder.default_store().pack(at_least=1)
    if os.name == "posix":
        assert {path.stat().st_mode & 0o077 for path in own_ledger.parent.glob("usage*")} == {0}
    assert b"SECRETPIXELS" not in own_ledger.read_bytes()
    assert KEY.encode() not in own_ledger.read_bytes()


def test_a_ledger_of_an_earlier_version_gets_the_new_columns(tmp_path: Path) -> None:
    """Its rows and blocks stay; several processes may meet it at once."""
    path = tmp_path / "u.sqlite"
    first = [column for column in COLUMNS if column.since == 1]
    names = ", ".join(f'"{column.name}"' for column in first)
    with sqlite3.connect(path) as file:
        file.execute(f"CREATE TABLE calls (id INTEGER PRIMARY KEY AUTOINCREMENT, {names})")
        file.execute("CREATE TABLE blocks (id INTEGER PRIMARY KEY, rows, first, last, data)")
        file.execute("INSERT INTO calls (time, model) VALUES (1.8e9, 'old')")
        file.execute("PRAGMA user_version = 1")
    for name in ("new", "newer"):
        store = Store(path)
        store.append(row({"time": 1.8e9, "model": name, "answer": "yes"}))
        store.close()
    table = frame.usage_frame(Store(path))
    assert list(table.model) == ["old", "new", "newer"]
    assert list(table.answer.fillna("")) == ["", "yes", "yes"]
