"""Batches without a model: states, claims, takeovers, with answers of the test's own."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from groqnb.local import batches, files
from groqnb.local.batch_runner import BatchRunner
from groqnb.local.batch_steps import end
from groqnb.local.batch_table import Claims, Lost
from groqnb.local.parts.seats import Seats
from groqnb.local.refusal import Refusal
from groqnb.local.store import Store, new_id

Answer = tuple[int, dict[str, Any]]


class Answers:
    """Answers each line; `calls` counts them by their custom number, `gate` holds them back."""

    def __init__(self, act: Callable[[int], Awaitable[int]] | None = None) -> None:
        self.calls: Counter[int] = Counter()
        self._act = act

    async def ready(self) -> None:
        pass

    async def answer(
        self, endpoint: str, body: dict[str, Any], request_id: str | None = None
    ) -> Answer:
        number = body["number"]
        self.calls[number] += 1
        status = 200 if self._act is None else await self._act(number)
        return status, {"echo": number}


async def hold(_number: int) -> int:
    await asyncio.sleep(60)
    return 200


class Engine:
    """A store and a runner of its own on a folder, as one engine has them."""

    def __init__(self, folder: Path, answers: Answers) -> None:
        self.store = Store(folder)
        self.answers = answers
        self.runner = BatchRunner(self.store, answers)

    async def __aenter__(self) -> Engine:
        self.runner.start()
        self.runner.wake()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runner.stop()
        self.store.close()

    async def create(self, lines: list[str], window: str = "24h") -> str:
        await self.store.prepare()
        file_id = new_id("file")
        content = "\n".join(lines).encode()
        self.store.content(file_id).write_bytes(content)
        await self.store.write(
            lambda db: files.add_file(db, file_id, "in.jsonl", "batch", len(content))
        )
        body = {
            "completion_window": window,
            "endpoint": "/v1/chat/completions",
            "input_file_id": file_id,
        }
        batch = await batches._create(self.store, body)
        self.runner.wake()
        return str(batch["id"])

    async def get(self, batch_id: str) -> dict[str, Any]:
        return await batches._find(self.store, batch_id)

    async def until(self, batch_id: str, *statuses: str) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while (batch := await self.get(batch_id))["status"] not in statuses:
            assert time.monotonic() < deadline, batch
            await asyncio.sleep(0.01)
        return batch

    async def until_done(self, batch_id: str, lines: int) -> None:
        while (await self.get(batch_id))["request_counts"]["completed"] < lines:
            await asyncio.sleep(0.01)

    def records(self, file_id: str | None) -> list[dict[str, Any]]:
        if file_id is None:
            return []
        return [json.loads(line) for line in self.store.content(file_id).read_text().splitlines()]


def line(number: int, **changes: Any) -> str:
    request = {
        "custom_id": f"r{number}",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "llama-3.1-8b-instant", "number": number},
    }
    return json.dumps({**request, **changes})


def kill(engine: Engine) -> None:
    """Leave as a killed process does: nothing is written any more, the lock is free."""
    for task in list(engine.runner._tasks):
        task.cancel()
    engine.runner._claims.close()


def test_lines_run_once_and_files_have_their_shape(tmp_path: Path) -> None:
    """Successes in the output file, failures in the error file, both by custom_id."""

    async def act(number: int) -> int:
        return 400 if number == 2 else 200

    async def main() -> None:
        async with Engine(tmp_path, Answers(act)) as engine:
            batch = await engine.until(
                await engine.create([line(n) for n in range(5)]), "completed"
            )
            assert batch["request_counts"] == {"total": 5, "completed": 4, "failed": 1}
            assert batch["errors"] is None
            output = engine.records(batch["output_file_id"])
            assert [record["custom_id"] for record in output] == ["r0", "r1", "r3", "r4"]
            first = output[0]
            assert first["id"].startswith("batch_req_")
            assert first["error"] is None
            assert first["response"]["status_code"] == 200
            assert first["response"]["request_id"].startswith("req_")
            assert first["response"]["body"] == {"echo": 0}
            (failure,) = engine.records(batch["error_file_id"])
            assert failure["response"]["status_code"] == 400
            file = await files.find_file(engine.store, batch["output_file_id"])
            assert file["purpose"] == "batch_output"
            assert file["bytes"] == engine.store.content(file["id"]).stat().st_size
            assert set(engine.answers.calls.values()) == {1}

    asyncio.run(main())


def test_bad_lines_are_told_with_their_numbers_and_the_rest_runs(tmp_path: Path) -> None:
    """In `errors`, in the error file, and in the counts; blank lines count for nothing."""
    lines = [
        line(0),
        "",
        "{nonsense",
        line(3, method="GET"),
        line(4, url="/v1/embeddings"),
        line(5, custom_id="r0"),
        line(6, body=[]),
        '{"custom_id": "r7"}',
        "[]",
        line(9),
    ]

    async def main() -> None:
        async with Engine(tmp_path, Answers()) as engine:
            batch = await engine.until(await engine.create(lines), "completed")
            assert batch["errors"]["object"] == "list"
            told = [(e["line"], e["code"], e["param"]) for e in batch["errors"]["data"]]
            assert told == [
                (3, "invalid_json_line", None),
                (4, "invalid_method", "method"),
                (5, "invalid_url", "url"),
                (6, "duplicate_custom_id", "custom_id"),
                (7, "invalid_body", "body"),
                (8, "missing_required_parameter", "method"),
                (9, "invalid_json_line", None),
            ]
            assert batch["errors"]["data"][1]["message"] == (
                "Invalid value: 'GET'. Supported values are: 'POST'"
            )
            assert batch["request_counts"] == {"total": 9, "completed": 2, "failed": 7}
            errors = engine.records(batch["error_file_id"])
            assert [record["error"]["line"] for record in errors] == [3, 4, 5, 6, 7, 8, 9]
            assert errors[1]["custom_id"] == "r3"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["", "  "], "empty_file"),
        (["x", "y"], "no_valid_requests"),
        ([line(n) for n in range(50_001)], "too_many_requests"),
    ],
)
def test_a_file_that_holds_no_batch_fails_it(tmp_path: Path, lines: list[str], code: str) -> None:
    """`failed` is the status of a failed validation; nothing runs."""

    async def main() -> None:
        async with Engine(tmp_path, Answers()) as engine:
            batch = await engine.until(await engine.create(lines), "failed")
            assert batch["errors"]["data"][0]["code"] == code
            assert batch["errors"]["data"][0]["line"] is None
            assert batch["failed_at"] is not None
            assert batch["output_file_id"] is None
            assert not engine.answers.calls

    asyncio.run(main())


def test_the_errors_of_a_reply_stay_few(tmp_path: Path) -> None:
    """Thousands of bad lines: the first thousand are told, the error file has all."""
    lines = [line(0), *(f"bad {n}" for n in range(3000))]

    async def main() -> None:
        async with Engine(tmp_path, Answers()) as engine:
            batch = await engine.until(await engine.create(lines), "completed")
            assert len(batch["errors"]["data"]) == 1001
            assert batch["errors"]["data"][-1]["code"] == "more_errors"
            assert len(engine.records(batch["error_file_id"])) == 3000

    asyncio.run(main())


def test_cancelling_keeps_what_was_done(tmp_path: Path) -> None:
    """The lines in flight are given up, the results stay, the status goes by `cancelling`."""

    async def act(number: int) -> int:
        return 200 if number < 4 else await hold(number)

    async def main() -> None:
        async with Engine(tmp_path, Answers(act)) as engine:
            batch_id = await engine.create([line(n) for n in range(20)])
            await engine.until_done(batch_id, 4)
            assert (await batches._cancel(engine.store, batch_id))["status"] == "cancelling"
            engine.runner.cancel(batch_id)
            batch = await engine.until(batch_id, "cancelled")
            assert batch["request_counts"] == {"total": 20, "completed": 4, "failed": 0}
            assert len(engine.records(batch["output_file_id"])) == 4
            assert batch["error_file_id"] is None
            assert batch["cancelling_at"] <= batch["cancelled_at"]
            assert (await batches._cancel(engine.store, batch_id))["status"] == "cancelled"

    asyncio.run(main())


def test_another_engine_may_cancel_a_batch(tmp_path: Path) -> None:
    """The one that runs it hears of it from the folder."""

    async def main() -> None:
        async with Engine(tmp_path, Answers(hold)) as engine:
            batch_id = await engine.create([line(0)])
            await engine.until(batch_id, "in_progress")
            other = Store(tmp_path)
            await batches._cancel(other, batch_id)
            other.close()
            await engine.until(batch_id, "cancelled")

    asyncio.run(main())


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_what_is_over_cannot_be_cancelled(tmp_path: Path, status: str) -> None:
    """A 400 that says so."""

    async def main() -> None:
        async with Engine(tmp_path, Answers()) as engine:
            batch_id = await engine.create([line(0) if status == "completed" else "x"])
            await engine.until(batch_id, status)
            with pytest.raises(Refusal) as caught:
                await batches._cancel(engine.store, batch_id)
            assert caught.value.status == 400
            assert status in caught.value.message

    asyncio.run(main())


def test_at_the_end_of_its_window_a_batch_expires(tmp_path: Path) -> None:
    """Done lines stay; the others are in the error file as batch_expired."""

    async def act(number: int) -> int:
        return 200 if number < 2 else await hold(number)

    async def main() -> None:
        async with Engine(tmp_path, Answers(act)) as engine:
            batch_id = await engine.create([line(n) for n in range(6)])
            await engine.until_done(batch_id, 2)
        with sqlite3.connect(tmp_path / "engine.db") as db:
            db.execute("UPDATE batches SET expires_at = ?", [int(time.time()) + 1])
        async with Engine(tmp_path, Answers(act)) as engine:
            batch = await engine.until(batch_id, "expired")
            assert batch["expired_at"] >= batch["expires_at"]
            assert batch["request_counts"] == {"total": 6, "completed": 2, "failed": 4}
            assert len(engine.records(batch["output_file_id"])) == 2
            errors = engine.records(batch["error_file_id"])
            assert [record["custom_id"] for record in errors] == ["r2", "r3", "r4", "r5"]
            assert {record["error"]["code"] for record in errors} == {"batch_expired"}
            assert {record["response"] for record in errors} == {None}

    asyncio.run(main())


def test_a_killed_engines_batch_goes_on_with_another(tmp_path: Path) -> None:
    """What was done is not done again; what was in flight is done once more, by the next."""

    async def act(number: int) -> int:
        return 200 if number < 5 else await hold(number)

    async def main() -> None:
        first = Engine(tmp_path, Answers(act))
        await first.__aenter__()
        batch_id = await first.create([line(n) for n in range(12)])
        await first.until_done(batch_id, 5)
        kill(first)
        async with Engine(tmp_path, Answers()) as second:
            batch = await second.until(batch_id, "completed")
            assert batch["request_counts"]["completed"] == 12
            assert sorted(second.answers.calls) == [5, 6, 7, 8, 9, 10, 11]
            assert set(second.answers.calls.values()) == {1}
            ids = [record["custom_id"] for record in second.records(batch["output_file_id"])]
            assert ids == [f"r{n}" for n in range(12)]
        first.store.close()

    asyncio.run(main())


def test_an_engine_that_hangs_is_taken_over_and_changes_nothing_any_more(tmp_path: Path) -> None:
    """Its lease ran out while it slept; when it wakes up, its results are refused."""

    async def main() -> None:
        wakes = asyncio.Event()

        async def asleep(number: int) -> int:
            if number:
                await wakes.wait()
            return 200

        first = Engine(tmp_path, Answers(asleep))
        await first.__aenter__()
        batch_id = await first.create([line(n) for n in range(3)])
        await first.until_done(batch_id, 1)
        await first.store.write(lambda db: db.execute("UPDATE batches SET lease = 1"))
        async with Engine(tmp_path, Answers()) as second:
            batch = await second.until(batch_id, "completed")
            assert sorted(second.answers.calls) == [1, 2]
            before = second.records(batch["output_file_id"])
            wakes.set()
            await asyncio.sleep(0.3)
            assert await second.get(batch_id) == batch
            assert second.records(batch["output_file_id"]) == before
            assert not await second.store.read(
                lambda db: db.execute("SELECT * FROM results").fetchall()
            )
        await first.__aexit__()

    asyncio.run(main())


def test_two_engines_share_the_work_and_do_nothing_twice(tmp_path: Path) -> None:
    """Many batches, two engines: every line of every batch is answered exactly once."""

    async def act(_number: int) -> int:
        await asyncio.sleep(0.005)
        return 200

    async def main() -> None:
        one, two = Engine(tmp_path, Answers(act)), Engine(tmp_path, Answers(act))
        async with one, two:
            ids = []
            for start in range(0, 80, 10):
                lines = [line(n) for n in range(start, start + 10)]
                ids.append(await (one if start % 20 else two).create(lines))
            for batch_id in ids:
                await one.until(batch_id, "completed")
            assert set((one.answers.calls + two.answers.calls).values()) == {1}
            assert len(one.answers.calls) + len(two.answers.calls) == 80
            assert one.answers.calls
            assert two.answers.calls

    asyncio.run(main())


def test_an_end_that_was_interrupted_is_done_again_with_the_same_files(tmp_path: Path) -> None:
    """The engine died in `finalizing`, its files half written: no other file is left behind."""

    async def main() -> None:
        first = Engine(tmp_path, Answers(hold))
        await first.__aenter__()
        batch_id = await first.create([line(0)])
        await first.until(batch_id, "in_progress")
        await asyncio.sleep(0.1)
        owner = first.runner._claims.owner
        await first.store.write(
            lambda db: db.execute(
                "INSERT INTO results VALUES (?, 1, 1, ?)", [batch_id, b'{"custom_id":"r0"}\n']
            )
        )
        real = first.store.write
        writes = 0

        async def dies(work: Any) -> Any:
            nonlocal writes
            writes += 1
            if writes == 2:
                raise KeyError("killed here")
            return await real(work)

        first.store.write = dies  # type: ignore[method-assign]
        with pytest.raises(KeyError):
            await end(first.store, await first.get(batch_id), owner, "completed")
        kill(first)
        left = {path.name for path in (tmp_path / "files").iterdir()}
        async with Engine(tmp_path, Answers()) as second:
            assert (await second.get(batch_id))["status"] == "finalizing"
            batch = await second.until(batch_id, "completed")
            assert {path.name for path in (tmp_path / "files").iterdir()} == left
            assert batch["output_file_id"] in left
            assert not second.answers.calls

    asyncio.run(main())


def test_a_line_that_gives_way_is_begun_again(tmp_path: Path) -> None:
    """A live request took its seat: the line has its answer later, and only one."""

    async def main() -> None:
        seats = Seats(1, 100)

        async def act(number: int) -> int:
            async with seats.take(10):
                # The first time it would hold its seat for long: it has to be asked to leave.
                await asyncio.sleep(60 if engine.answers.calls[number] == 1 else 0)
            return 200

        async with Engine(tmp_path, Answers(act)) as engine:
            batch_id = await engine.create([line(0)])
            while not engine.answers.calls:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.01)
            async with seats.take(100):
                pass
            batch = await engine.until(batch_id, "completed")
            assert engine.answers.calls[0] == 2
            assert batch["request_counts"] == {"total": 1, "completed": 1, "failed": 0}

    asyncio.run(main())


def test_a_deleted_input_file_is_there_for_its_batch_until_the_end(tmp_path: Path) -> None:
    """The API has forgotten it at once; the disk, when the batch is over."""

    async def main() -> None:
        free = asyncio.Event()

        async def act(_number: int) -> int:
            await free.wait()
            return 200

        async with Engine(tmp_path, Answers(act)) as engine:
            batch_id = await engine.create([line(n) for n in range(5)])
            batch = await engine.until(batch_id, "in_progress")
            file_id = batch["input_file_id"]
            await engine.store.write(lambda db: db.execute(files._MARK_DELETED, [file_id]))
            await files.unlink_unneeded(engine.store)
            with pytest.raises(Refusal):
                await files.find_file(engine.store, file_id)
            assert engine.store.content(file_id).exists()
            free.set()
            batch = await engine.until(batch_id, "completed")
            assert batch["request_counts"]["completed"] == 5
            assert not engine.store.content(file_id).exists()

    asyncio.run(main())


def test_a_claim_is_for_one(tmp_path: Path) -> None:
    """Two engines ask at once: one has it, and only that one may write."""

    async def main() -> None:
        engine = Engine(tmp_path, Answers())
        batch_id = await engine.create([line(0)])
        other = Store(tmp_path)
        claims = Claims(engine.store), Claims(other)
        taken = await asyncio.gather(*(c.take("status = 'validating'") for c in claims))
        assert [t is not None for t in taken].count(True) == 1
        loser = claims[0] if taken[0] is None else claims[1]
        with pytest.raises(Lost):
            await end(other, await engine.get(batch_id), loser.owner, "cancelled")
        for each in claims:
            each.close()
        engine.store.close()
        other.close()

    asyncio.run(main())
