"""What is finished is on disk: nothing is lost, nothing asked twice, whatever ends the process."""

from __future__ import annotations

import _thread
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from row_server import KEY, MODEL, RowServer, said

import groqnb
from groqnb.mapping.interrupts import Interrupts
from groqnb.mapping.journal import Journal

ROWS = 300
KILLS = 20

# Imports once, then runs the map in a forked child for each line on its standard input.
ZYGOTE = """
import os, sys
import pandas as pd
import groqnb, groqnb.frames, groqnb.mapping.columns
frame = pd.DataFrame({"n": range(ROWS)})
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        client = groqnb.Groq(base_url=URL, api_key=KEY)
        out = frame.groq.map(
            "row {n}", model=MODEL, client=client, concurrency=8, resume=PATH, progress=False
        )
        out.to_json(PATH + ".json")
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


def kept(path: Path) -> set[str]:
    """The answers that are on disk."""
    if not path.exists():
        return set()
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        try:
            return {text for (text,) in connection.execute("SELECT text FROM answers")}
        except sqlite3.OperationalError:  # it was killed before there was a table
            return set()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children")
def test_twenty_kills_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    """kill -9 at twenty random moments: the resumed result equals the uninterrupted one."""
    path = tmp_path / "rows.sqlite"
    dice = random.Random(4)
    with RowServer() as server:
        names = {"ROWS": ROWS, "URL": server.url, "KEY": KEY, "MODEL": MODEL, "PATH": str(path)}
        code = "".join(f"{name} = {value!r}\n" for name, value in names.items()) + ZYGOTE
        with subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as zygote:
            assert zygote.stdin is not None
            assert zygote.stdout is not None
            for _ in range(KILLS):
                finished = kept(path)
                asked = server.asked.copy()
                print(file=zygote.stdin, flush=True)
                child = int(zygote.stdout.readline())
                server.wait_for(server.answered.total() + dice.randint(1, 12))
                os.kill(child, signal.SIGKILL)
                assert int(zygote.stdout.readline()) != 0
                again = {f"re: {prompt}" for prompt in server.asked - asked}
                assert not again & finished, "a finished row was asked again"
                assert finished <= kept(path), "a finished row was lost"
            finished = kept(path)
            asked = server.asked.copy()
            print(file=zygote.stdin, flush=True)
            zygote.stdout.readline()
            assert int(zygote.stdout.readline()) == 0
            assert not {f"re: {prompt}" for prompt in server.asked - asked} & finished
            zygote.stdin.close()
    out = pd.read_json(f"{path}.json")
    assert list(out["answer"]) == [f"re: row {n}" for n in range(ROWS)]
    assert out["answer_error"].isna().all()


def options(server: RowServer, **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "client": server.client(), "progress": False, **more}


def interrupting(count: int) -> RowServer:
    """A server that has the main thread interrupted at its answer number `count`.

    From there on it is slow, so that the map is not over before the interrupt is seen.
    """
    interrupted = threading.Event()
    again = threading.Event()

    def answer(body: dict[str, Any], before: int) -> Any:
        if interrupted.is_set() and not again.is_set():
            again.wait(1.0)
        return f"re: {said(body)}"

    def look(now: int) -> None:
        if now >= count and not interrupted.is_set():
            interrupted.set()
            _thread.interrupt_main()

    server = RowServer(answer)
    server.on_answer = look
    server.go_on = again.set  # type: ignore[attr-defined]
    return server


def test_an_interrupt_returns_what_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C gives the frame with the finished rows and says how to go on; the same call does."""
    frame = pd.DataFrame({"n": range(400)})
    with interrupting(50) as server:
        first = frame.groq.map("row {n}", **options(server, concurrency=4))
        done = first["answer"].notna()
        assert 40 <= done.sum() < 400
        finished = set(first["answer"][done])
        server.go_on()  # type: ignore[attr-defined]
        assert set(first["answer"][done]) <= {f"re: row {n}" for n in range(400)}
        assert {error.type for error in first["answer_error"][~done]} == {"NotAsked"}
        told = capsys.readouterr().out
        assert f"Interrupted. {done.sum()} of 400 rows are done." in told
        assert "the same call goes on" in told
        second = frame.groq.map("row {n}", **options(server, concurrency=4))
        assert list(second["answer"]) == [f"re: row {n}" for n in range(400)]
        assert all(server.asked[text.removeprefix("re: ")] == 1 for text in finished)


def test_an_interrupted_iteration_raises_and_goes_on() -> None:
    """A loop over the answers is interrupted as any loop is; the answers are kept."""
    rows = [str(n) for n in range(400)]
    with interrupting(50) as server:
        mapped = groqnb.map("{}", rows, **options(server, concurrency=4))
        with pytest.raises(KeyboardInterrupt):
            list(mapped)
        server.go_on()  # type: ignore[attr-defined]
        assert list(mapped) == [f"re: {n}" for n in rows]


def test_maps_gone_through_side_by_side_leave_interrupts_as_they_were() -> None:
    """Whichever ends first: Ctrl-C afterwards is what it was before, at the first time."""
    before = signal.getsignal(signal.SIGINT)
    with RowServer() as server:
        short = groqnb.map("a {}", ["1"], **options(server))
        long = groqnb.map("b {}", ["1", "2"], **options(server))
        assert list(zip(short, long, strict=False)) == [("re: a 1", "re: b 1")]
        third = groqnb.map("c {}", ["1"], **options(server))
        assert list(zip(long, third, strict=False)) == [("re: b 1", "re: c 1")]
    assert signal.getsignal(signal.SIGINT) == before
    first, second = Interrupts(), Interrupts()
    with second:
        with first:
            pass
        assert signal.getsignal(signal.SIGINT) == second._note
    first.__enter__()
    with second:
        first.__exit__(None, None, None)
        signal.raise_signal(signal.SIGINT)
        assert (first.count, second.count) == (0, 1)
    assert signal.getsignal(signal.SIGINT) == before


def test_an_impatient_interrupt_of_the_end_lets_the_file_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while a map is put away: the same call is not refused as running already."""
    path = tmp_path / "rows.sqlite"

    def impatient(self: threading.Thread, timeout: float | None = None) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    with RowServer() as server:
        rows = groqnb.map("{}", ["a", "b"], **options(server, resume=path))
        answers = iter(rows)
        assert next(answers) == "re: a"
        monkeypatch.setattr(threading.Thread, "join", impatient)
        with pytest.raises(KeyboardInterrupt):
            answers.close()  # type: ignore[attr-defined]
        assert list(rows) == ["re: a", "re: b"]


def test_a_loop_that_is_left_stops_the_map() -> None:
    """`break` ends the requests, and what is answered is kept."""
    with RowServer() as server:
        mapped = groqnb.map("{}", (str(n) for n in range(10_000)), **options(server, concurrency=2))
        for number, _ in enumerate(mapped):
            if number == 10:
                break
        assert server.asked.total() < 9_000


def test_the_same_call_asks_nothing_and_a_changed_one_anew() -> None:
    """Prompt, model, system prompt and parameters make the answers, and who answered."""
    frame = pd.DataFrame({"n": range(5)})
    with RowServer() as server:
        frame.groq.map("row {n}", **options(server))
        assert server.asked.total() == 5
        again = frame.groq.map("row {n}", **options(server))
        assert server.asked.total() == 5
        assert list(again["answer"]) == [f"re: row {n}" for n in range(5)]
        frame.groq.map("row {n}", **options(server, temperature=0.5))
        frame.groq.map("row {n}", **options(server, system="Be brief."))
        frame.groq.map("row: {n}", **options(server))
        assert server.asked.total() == 20
        frame.groq.map("row {n}", **options(server, resume=False))
        assert server.asked.total() == 25
        with RowServer() as other:
            frame.groq.map("row {n}", **options(other))
            assert other.asked.total() == 5


def test_more_rows_under_the_same_prompt_ask_only_the_new_ones() -> None:
    """Rows are known by what they ask, not by where they stand."""
    with RowServer() as server:
        pd.DataFrame({"n": [1, 2]}).groq.map("row {n}", **options(server))
        out = pd.DataFrame({"n": [3, 2, 1]}).groq.map("row {n}", **options(server))
    assert list(out["answer"]) == ["re: row 3", "re: row 2", "re: row 1"]
    assert server.asked.total() == 3


def test_failed_rows_are_asked_again() -> None:
    """An error is not kept: the same call tries once more."""
    with RowServer(lambda body, before: 400 if before == 0 else "ok") as server:
        frame = pd.DataFrame({"n": [1]})
        with pytest.warns(groqnb.RowsFailed):
            frame.groq.map("row {n}", **options(server))
        assert list(frame.groq.map("row {n}", **options(server))["answer"]) == ["ok"]


def test_a_map_runs_once_at_a_time(tmp_path: Path) -> None:
    """A second kernel with the same map is told so, before it pays for anything."""
    path = tmp_path / "one.sqlite"
    journal = Journal(path)
    with RowServer() as server:
        with pytest.raises(groqnb.ParameterError, match="running already"):
            list(groqnb.map("{}", ["a"], **options(server, resume=path)))
        journal.close()
        assert list(groqnb.map("{}", ["a"], **options(server, resume=path))) == ["re: a"]


@pytest.mark.parametrize("content", [b"no database at all" * 50, None])
def test_another_file_is_not_touched(tmp_path: Path, content: bytes | None) -> None:
    """A file that is no map's is refused with a sentence, and stays as it is."""
    path = tmp_path / "other.sqlite"
    if content is None:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE mine (a)")
        connection.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(groqnb.ParameterError, match=r"something else|no file of a map"):
        list(groqnb.map("{}", ["a"], model=MODEL, client=groqnb.Groq(api_key=KEY), resume=path))
    assert path.read_bytes() == before


def test_a_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "later.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(groqnb.ParameterError, match="later version"):
        Journal(path)


def test_a_full_disk_is_told_and_costs_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers that cannot be written are in the result all the same, with a warning."""

    def full(self: Journal, answers: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Journal, "add", full)
    frame = pd.DataFrame({"n": range(20)})
    with RowServer() as server, pytest.warns(groqnb.RowsFailed, match="disk is full"):
        out = frame.groq.map("row {n}", **options(server, resume=tmp_path / "full.sqlite"))
    assert list(out["answer"]) == [f"re: row {n}" for n in range(20)]


def test_an_answer_that_cannot_be_written_is_given_all_the_same() -> None:
    """Numbers from a server that no database holds: told, in the result, and never waited for."""
    usage = {"prompt_tokens": 10**30, "completion_tokens": 1, "total_tokens": 10**30}
    reply = {"id": "c", "model": MODEL, "choices": [{"message": {"content": "yes"}}]}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={**reply, "usage": usage}))
    client = groqnb.Groq(base_url="http://odd.test", api_key=KEY, transport=transport)
    with pytest.warns(groqnb.RowsFailed, match="could not be kept on disk"):
        answers = list(groqnb.map("{}", ["a"], model=MODEL, client=client, progress=False))
    assert answers == ["yes"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a folder is opened differently on Windows")
def test_a_path_that_is_no_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(groqnb.ParameterError, match=r"cannot be kept in .*resume=False"):
        list(groqnb.map("{}", ["a"], model=MODEL, client=groqnb.Groq(api_key=KEY), resume=tmp_path))


def test_what_is_on_disk_holds_neither_key_nor_prompt(tmp_path: Path) -> None:
    """The file has answers; whoever finds it learns no key and no prompt."""
    path = tmp_path / "rows.sqlite"
    with RowServer(lambda body, before: "an answer") as server:
        list(groqnb.map("very secret {}", ["prompt"], **options(server, resume=path)))
    content = b"".join(file.read_bytes() for file in tmp_path.glob("rows.sqlite*"))
    assert b"an answer" in content
    assert KEY.encode() not in content
    assert b"secret" not in content
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == 0


def test_answers_that_no_longer_fit_are_asked_again(tmp_path: Path) -> None:
    """A kept answer is judged when it is read, as a new one is."""
    path = tmp_path / "rows.sqlite"
    frame = pd.DataFrame({"n": [1]})
    with RowServer(lambda body, before: "good") as server:
        frame.groq.classify(["good", "bad"], from_="n", **options(server, resume=path))
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE answers SET text = 'ugly'")
        connection.close()
        for _ in range(2):
            out = frame.groq.classify(["good", "bad"], from_="n", **options(server, resume=path))
            assert list(out["label"]) == ["good"]
    assert server.asked == {"1": 2}, "the new answer was not kept"


# --- with a record ---


def test_a_record_that_is_switched_on_later_has_the_rows_that_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it answers all of them where nothing is known; and none is asked a third time."""
    record = tmp_path / "rows.replay.json"
    frame = pd.DataFrame({"n": range(5)})

    def ask(server: RowServer) -> list[Any]:
        return list(frame.groq.map("row {n}", **options(server))["answer"])

    with RowServer(lambda body, before: f"{before}: {said(body)}") as server:
        assert ask(server) == [f"0: row {n}" for n in range(5)]
        newer = [f"1: row {n}" for n in range(5)]
        with groqnb.replay(record) as first:
            assert ask(server) == newer
            assert first.added == 5
            assert ask(server) == newer
        assert ask(server) == newer, "what was kept on disk is what was answered last"
        monkeypatch.setenv("GROQNB_DATA_DIR", str(tmp_path / "elsewhere"))
        with groqnb.replay(record, "strict"):
            assert ask(server) == newer
        assert set(server.asked.values()) == {2}


def test_with_a_record_equal_rows_are_asked_once(tmp_path: Path) -> None:
    """Also where the first of them is done, and known from before, when the other comes."""

    def rows(server: RowServer) -> Any:
        before = server.answered.total()
        yield "a"
        time.sleep(0.05)  # with what comes now the first is sent off
        yield "b"
        server.wait_for(before + 2)
        time.sleep(0.3)  # until both are on disk, and no longer under way
        yield "a"

    with RowServer(lambda body, before: f"{before}: {said(body)}") as server:
        assert list(groqnb.map("row {}", ["a"], **options(server))) == ["0: row a"]
        with groqnb.replay(tmp_path / "rows.replay.json"):
            answers = list(groqnb.map("row {}", rows(server), **options(server)))
        assert answers == ["1: row a", "0: row b", "1: row a"]
        assert server.asked == {"row a": 2, "row b": 1}


def test_what_was_kept_before_a_record_stays_where_asking_again_fails(tmp_path: Path) -> None:
    """An answer that is paid for is lost to no failure, nor to a record that lacks it."""
    refused = threading.Event()

    def answer(body: dict[str, Any], before: int) -> Any:
        return 400 if refused.is_set() else f"{before}: {said(body)}"

    with RowServer(answer) as server:

        def ask() -> pd.DataFrame:
            return groqnb.map("row {}", ["a"], **options(server)).to_frame()

        ask()
        refused.set()
        for mode in ("auto", "strict"):
            path = tmp_path / f"{mode}.replay.json"
            with groqnb.replay(path, mode), pytest.warns(groqnb.RowsFailed):
                assert ask()["error"].notna().all()
        assert list(ask()["answer"]) == ["0: row a"]
        assert server.asked.total() == 2
