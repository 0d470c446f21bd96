"""Batches and dying processes: nothing is sent twice, nothing lost, whoever goes on."""

from __future__ import annotations

import _thread
import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from map_batch_server import KEY, MODEL, BatchServer, echo

import groqnb
from groqnb.batching import batch_ids
from groqnb.batching.making import files_of, make
from groqnb.batching.shards import Shards
from groqnb.batching.terms import Terms
from groqnb.mapping.interrupts import Interrupts
from groqnb.mapping.journal import Journal
from groqnb.mapping.judges import AnyText
from groqnb.mapping.question import Question

ROWS = 7
SHARD = 3  # lines in a file, so that there are several

# Imports once, then runs the map in a forked child for each line on its standard input.
ZYGOTE = """
import os, sys
import pandas as pd
import groqnb, groqnb.frames, groqnb.mapping.columns
from groqnb.batching import making, running, sending, watching
making.MOST_LINES = SHARD
sending._SETTLES = 0.3  # the server of this test does nothing later than that
sending._LOOKS = 0.1
watching._FIRST = 0.02
frame = pd.DataFrame({"n": range(ROWS)})
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        sys.stdout = open(os.devnull, "w")
        client = groqnb.Groq(base_url=URL, api_key=KEY)
        out = frame.groq.map(
            "row {n}", model=MODEL, client=client, tier="batch", resume=PATH, progress=False,
            errors="raise",
        )
        out.to_json(PATH + ".json")
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


def zygote(server: BatchServer, path: Path) -> subprocess.Popen[str]:
    names = {"ROWS": ROWS, "SHARD": SHARD, "URL": server.url, "KEY": KEY, "MODEL": MODEL}
    names["PATH"] = str(path)
    code = "".join(f"{name} = {value!r}\n" for name, value in names.items()) + ZYGOTE
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


class Kills:
    """Kills the child at the request that comes next in line, before or after it is done."""

    def __init__(self, moment: str) -> None:
        self.moment = moment
        self.child = 0
        self.started = threading.Event()
        self.seen = 0
        self.at = 0

    def __call__(self, moment: str, method: str, path: str) -> Any:
        if moment != self.moment:
            return None
        self.seen += 1
        if self.seen == self.at:
            assert self.started.wait(60)
            os.kill(self.child, signal.SIGKILL)
            return "reset"
        return None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children")
@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_every_request_nothing_is_sent_twice(tmp_path: Path, moment: str) -> None:
    """kill -9 at each request in turn, the server having done it or not: each row in one batch.

    Every run is killed at its first, second, third… request, until one comes through.
    """
    kills = Kills(moment)
    with BatchServer(fault=kills) as server:
        server.looks = 2
        path = tmp_path / "rows.sqlite"
        with zygote(server, path) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            ended, deaths = 1, 0
            while ended:
                assert deaths < 60
                kills.seen, kills.at = 0, deaths // 3 + 1
                kills.started.clear()
                print(file=process.stdin, flush=True)
                kills.child = int(process.stdout.readline())
                kills.started.set()
                ended = int(process.stdout.readline())
                deaths += ended != 0
            process.stdin.close()
        assert deaths >= 6
        assert server.lines == {f"row {n}": 1 for n in range(ROWS)}
    out = pd.read_json(f"{path}.json")
    assert list(out["answer"]) == [f"re: row {n}" for n in range(ROWS)]
    assert len(batch_ids(path)) == len(server.batches) == 3
    usage = groqnb.usage()
    assert usage["prompt_tokens"].sum() == 100 * ROWS


@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs forked children")
def test_two_kernels_take_in_the_same_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both wait for one map's batches: both have all answers, and the ledger has them once."""
    monkeypatch.setattr("groqnb.batching.running._PATIENCE", 60.0)
    path = tmp_path / "rows.sqlite"
    frame = pd.DataFrame({"n": range(ROWS)})
    with BatchServer() as server:
        server.looks = 10**9
        options: dict[str, Any] = {"model": MODEL, "client": server.client(), "tier": "batch"}
        options.update(resume=path, progress=False)
        frame.groq.map("row {n}", wait=False, **options)
        looks = server.count("GET", "/batches/.*")
        with zygote(server, path) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            print(file=process.stdin, flush=True)
            process.stdout.readline()
            with server.changed:
                both = lambda: server.count("GET", "/batches/.*") > looks + 2  # noqa: E731
                assert server.changed.wait_for(both, timeout=60)
                server.looks = 1
            out = frame.groq.map("row {n}", **options)
            assert int(process.stdout.readline()) == 0
            process.stdin.close()
        assert server.count("POST", "/batches") == 1
    answers = [f"re: row {n}" for n in range(ROWS)]
    assert list(out["answer"]) == list(pd.read_json(f"{path}.json")["answer"]) == answers
    assert groqnb.usage()["prompt_tokens"].sum() == 100 * ROWS


def interrupting(path: str, count: int = 1) -> BatchServer:
    """A server that has the main thread interrupted at a request for `path`."""
    seen: list[str] = []

    def look(moment: str, method: str, asked: str) -> Any:
        if moment == "after" and f"{method} {asked}".startswith(path):
            seen.append(asked)
            if len(seen) == count:
                _thread.interrupt_main()

    return BatchServer(fault=look)


def test_an_interrupt_leaves_the_batches_running(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C while it waits: what is there is returned, and the same call goes on."""
    frame = pd.DataFrame({"n": [1, 2]})
    with interrupting("GET /batches/", 2) as server:
        server.looks = 4
        options: dict[str, Any] = {"model": MODEL, "client": server.client(), "tier": "batch"}
        out = frame.groq.map("row {n}", progress=False, **options)
        assert {error.type for error in out["answer_error"]} == {"Pending"}
        told = capsys.readouterr().out
        assert "batch_0000 (in_progress)" in told
        assert "They go on by themselves; the same call" in told
        assert server.count("POST", "/batches/.*") == 0  # nothing was cancelled
        out = frame.groq.map("row {n}", progress=False, **options)
        assert list(out["answer"]) == ["re: row 1", "re: row 2"]
        assert server.lines == {"row 1": 1, "row 2": 1}


def test_an_interrupt_between_two_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not sent is not asked, and sent by the same call; what was sent goes on."""
    monkeypatch.setattr("groqnb.batching.making.MOST_LINES", 1)
    frame = pd.DataFrame({"n": [1, 2]})
    with interrupting("POST /batches") as server:
        options: dict[str, Any] = {"model": MODEL, "client": server.client(), "tier": "batch"}
        out = frame.groq.map("row {n}", progress=False, **options)
        assert [error.type for error in out["answer_error"]] == ["Pending", "NotAsked"]
        out = frame.groq.map("row {n}", progress=False, **options)
        assert list(out["answer"]) == ["re: row 1", "re: row 2"]
        assert server.lines == {"row 1": 1, "row 2": 1}


def test_an_interrupted_iteration_raises() -> None:
    """A loop over the answers is interrupted as any loop is; the same map goes on."""
    with interrupting("GET /batches/") as server:
        server.looks = 3
        mapped = groqnb.map("{}", ["a"], model=MODEL, client=server.client(), tier="batch")
        with pytest.raises(KeyboardInterrupt):
            list(mapped)
        assert list(mapped) == ["re: a"]
        assert server.lines == {"a": 1}


def test_a_cancelled_task_leaves_the_batches_running() -> None:
    """In async code a cancelled map ends its waiting alone; the same call goes on."""
    frame = pd.DataFrame({"n": [1, 2]})
    with BatchServer() as server:
        server.looks = 10**9
        options: dict[str, Any] = {"model": MODEL, "client": server.client(), "tier": "batch"}

        def looked() -> bool:
            with server.changed:
                return server.changed.wait_for(lambda: server.count("GET", "/batches/.*"), 60) > 0

        async def main() -> pd.DataFrame:
            task = asyncio.ensure_future(frame.groq.amap("row {n}", progress=False, **options))
            assert await asyncio.to_thread(looked)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            server.looks = 1
            return await frame.groq.amap("row {n}", progress=False, **options)

        assert list(asyncio.run(main())["answer"]) == ["re: row 1", "re: row 2"]
        assert server.lines == {"row 1": 1, "row 2": 1}


def test_rows_that_fail_to_come_leave_nothing_behind(tmp_path: Path) -> None:
    """An iterator that raises: nothing is sent, and no file of requests stays."""

    def rows() -> Any:
        yield from ("a", "b")
        raise OSError("the disk is gone")

    with BatchServer() as server:
        options: dict[str, Any] = {"model": MODEL, "client": server.client(), "tier": "batch"}
        with pytest.raises(OSError, match="the disk is gone"):
            list(groqnb.map("{}", rows(), **options))
        assert server.requests == []
        assert list(tmp_path.rglob("*.jsonl")) == []
        assert list(groqnb.map("{}", ["a"], **options)) == ["re: a"]


def test_files_that_a_dead_process_left_are_taken_away(tmp_path: Path) -> None:
    """Files that were made and not sent, and half a file that nobody knows, are not kept."""
    path = tmp_path / "rows.sqlite"
    journal = Journal(path)
    question = Question([MODEL], AnyText())
    shards = Shards(journal.writer, question.name)
    made = make([(0, "left")], question, Terms(), journal, shards, Interrupts())
    journal.close()
    files_of(path).joinpath("groqnb-half-a-file.jsonl").write_bytes(b'{"custom_')
    assert len(made.shards) == 1
    assert len(list(tmp_path.rglob("*.jsonl"))) == 2
    with BatchServer() as server:
        options: dict[str, Any] = {"model": MODEL, "client": server.client(), "tier": "batch"}
        assert list(groqnb.map("{}", ["a"], resume=path, **options)) == ["re: a"]
        assert server.lines == {"a": 1}
    assert list(tmp_path.rglob("*.jsonl")) == []
    assert not files_of(path).exists()


def test_a_map_that_runs_elsewhere_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another kernel asks the rows of the map, nothing is sent."""
    monkeypatch.setattr("groqnb.batching.running._PATIENCE", 0.0)
    path = tmp_path / "rows.sqlite"
    journal = Journal(path)
    with BatchServer() as server:
        options: dict[str, Any] = {"model": MODEL, "client": server.client(), "tier": "batch"}
        with pytest.raises(groqnb.ParameterError, match="running already"):
            list(groqnb.map("{}", ["a"], resume=path, **options))
        assert server.requests == []
    journal.close()


def test_only_rows_of_the_call_are_waited_for() -> None:
    """Batches of other rows of the map go on by themselves."""
    with BatchServer() as server:
        server.looks = 3
        options: dict[str, Any] = {"model": MODEL, "client": server.client(), "tier": "batch"}
        list(groqnb.map("{}", ["slow"], wait=False, **options))
        server.looks = 1
        server.batches["batch_0000"]["status"] = "finalizing"  # for ever
        assert list(groqnb.map("{}", ["fast"], **options)) == ["re: fast"]
        server.batches["batch_0000"]["status"] = "in_progress"
        assert list(groqnb.map("{}", ["slow", "fast"], **options)) == ["re: slow", "re: fast"]
        assert server.lines == {"slow": 1, "fast": 1}


def test_a_changed_prompt_under_one_name_begins_anew() -> None:
    """Two prompts in one file of answers have batches of their own."""
    with BatchServer(lambda line: json.dumps(echo(line))) as server:
        options: dict[str, Any] = {"model": MODEL, "client": server.client(), "tier": "batch"}
        list(groqnb.map("one {}", ["a"], resume="name", **options))
        list(groqnb.map("two {}", ["a"], resume="name", **options))
        assert server.lines == {"one a": 1, "two a": 1}
    assert batch_ids("name") == ["batch_0000", "batch_0001"]
