"""Maps over Dask's frames: lazy, of one form, one budget, and nothing lost with a worker."""

from __future__ import annotations

import _thread
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pytest
from pydantic import BaseModel
from row_server import KEY, MODEL, TYPED_MODEL, RowServer, said

import groqnb
from groqnb.session import session

dd = pytest.importorskip("dask.dataframe", reason="Dask is not installed: groqnb[dask]")
distributed = pytest.importorskip("distributed", reason="Dask is not installed: groqnb[dask]")

PATIENCE = 60.0  # s


@dataclass
class Cluster:
    """Two worker processes, and the folder where they keep answers."""

    client: Any
    folder: Path

    def kept(self) -> set[str]:
        """The answers that are on disk."""
        found: set[str] = set()
        for path in (self.folder / "maps").glob("*.sqlite"):
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
                found |= {text for (text,) in connection.execute("SELECT text FROM answers")}
            connection.close()
        return found


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    import dask

    folder = tmp_path_factory.mktemp("workers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROQ_API_KEY", KEY)
        patch.setenv("GROQNB_DATA_DIR", str(folder))
        patch.delenv("GROQ_BASE_URL", raising=False)
        slow = {
            "distributed.comm.timeouts.connect": "120s",
            "distributed.comm.timeouts.tcp": "120s",
            "distributed.scheduler.worker-ttl": None,
        }
        with (
            dask.config.set(slow),
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
            ) as made,
            distributed.Client(made, timeout=120) as client,
        ):
            client.wait_for_workers(2, timeout=120)
            yield Cluster(client, folder)


@pytest.fixture
def cluster(workers: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    # A worker that is started again inherits what this process has then.
    monkeypatch.setenv("GROQNB_DATA_DIR", str(workers.folder))
    return workers


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process has a key, and its target is given back afterwards."""
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    before = session.where
    yield
    session.close()
    session.use(before)


def lazily(count: int, parts: int, word: str = "row") -> Any:
    frame = pd.DataFrame({"text": [f"{word} {n}" for n in range(count)]})
    return dd.from_pandas(frame, npartitions=parts)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills a worker")
def test_a_killed_worker_loses_and_doubles_no_row_and_the_budget_is_kept(
    cluster: Cluster, here: None
) -> None:
    """kill -9 of one of two: what it had finished is not asked again, and all rows are there."""
    times: list[float] = []

    def answer(body: dict[str, Any], before: int) -> Any:
        times.append(time.monotonic())
        return f"re: {said(body)}"

    with RowServer(answer) as server:
        session.use(server.url)
        ddf = lazily(60, 6)
        mapped = ddf.groq.map("{text}", into="said", model=MODEL, limits={"RPM": 360})
        began = time.monotonic()
        future = cluster.client.compute(mapped)
        server.wait_for(20)
        victim = next(iter(cluster.client.run(os.getpid).values()))
        finished = cluster.kept()
        asked = server.asked.copy()
        os.kill(victim, signal.SIGKILL)
        out = future.result(timeout=3 * PATIENCE)
        again = {f"re: {prompt}" for prompt in server.asked - asked}
    assert out["text"].tolist() == [f"row {n}" for n in range(60)]
    assert out["said"].tolist() == [f"re: row {n}" for n in range(60)]
    assert out["said_error"].isna().all()
    assert finished, "nothing was on disk after twenty answers"
    assert again & finished == set(), "a finished row was asked again"
    # Six a second for both workers together: the sixtieth is at its turn ten seconds later.
    assert max(times) - began > 9.0


def test_nothing_is_asked_before_it_is_computed_and_nothing_twice(
    cluster: Cluster, here: None
) -> None:
    """Lazy as Dask is; another compute, of the whole or of a part, finds the answers."""
    with RowServer() as server:
        session.use(server.url)
        mapped = lazily(12, 3, "lazy").groq.map("{text}", model=MODEL)
        assert isinstance(mapped, dd.DataFrame)
        assert server.asked.total() == 0
        assert mapped.compute()["answer"].tolist() == [f"re: lazy {n}" for n in range(12)]
        assert mapped.partitions[1].compute().shape == (4, 3)
        assert (mapped["answer"].str.len() > 3).sum().compute() == 12
        assert server.asked.total() == 12


class Trip(BaseModel):
    """A form for `extract`."""

    city: str
    people: int | None
    by: Literal["car", "train"]


def reply(body: dict[str, Any], before: int) -> Any:
    if "city" in str(body.get("response_format")):
        return '{"city": "Rome", "people": 2, "by": "car"}'
    if "bad" in said(body):
        return 400
    return "yes"


CALLS: dict[str, Any] = {
    "map": lambda rows: rows.map("{text}", model=MODEL),
    "samples": lambda rows: rows.map("{text}", model=MODEL, samples=2),
    "extract": lambda rows: rows.extract(Trip, from_="text", model=TYPED_MODEL),
    "classify": lambda rows: rows.classify(["yes", "no"], from_="text", model=MODEL, into="kind"),
    "filter": lambda rows: rows.filter("{text}", model=MODEL),
}


@pytest.mark.filterwarnings("ignore::groqnb.RowsFailed")
@pytest.mark.parametrize("name", CALLS)
def test_every_partition_has_the_form_that_was_promised(name: str, here: None) -> None:
    """The dtypes are known before, and are those of df.groq; errors are text."""
    frame = pd.DataFrame({"text": ["a", "bad", None, "b"]}, index=[5, 6, 7, 8])
    with RowServer(reply) as server:
        session.use(server.url)
        promised = CALLS[name](dd.from_pandas(frame, npartitions=2).groq)
        made = promised.compute(scheduler="sync")
        like = CALLS[name](frame.groq)
    assert made.dtypes.to_dict() == promised.dtypes.to_dict()
    errors = made.columns[-1]
    assert errors.endswith("_error")
    told = [text.partition(" (req_")[0] for text in made[errors].dropna()]
    assert told in ([], ["BadRequestError: refused with 400."])
    assert list(made.index) == list(like.index)
    for column in made.columns.drop(errors):
        values = [
            [None if pd.isna(value) else value for value in frame[column].tolist()]
            for frame in (made, like)
        ]
        assert values[0] == values[1]
        if column != "text":  # Dask makes its own of the strings that it is given
            assert made[column].dtype == like[column].dtype


@pytest.mark.filterwarnings("ignore::groqnb.RowsFailed", "ignore:The model is told")
def test_values_that_differ_in_kind_are_of_one_kind_in_every_partition(here: None) -> None:
    """Moments with and without a time zone, to the microsecond; a number that no column holds."""
    answers = {
        "utc": '{"at": "2024-01-01T00:00:00.123456Z", "n": 1}',
        "east": '{"at": "2024-01-01T02:00:00+02:00", "n": 123456789012345678901234}',
        "plain": '{"at": "1066-10-14T09:00:00", "n": 2}',
    }
    with RowServer(lambda body, before: answers[said(body)]) as server:
        session.use(server.url)
        ddf = dd.from_pandas(pd.DataFrame({"text": [*answers]}), npartitions=3)
        mapped = ddf.groq.extract({"at": datetime, "n": int}, prompt="{text}", model=MODEL)
        made = mapped.compute(scheduler="sync")
    assert made.dtypes.to_dict() == mapped.dtypes.to_dict()
    assert [str(at) for at in made["at"]] == [
        "2024-01-01 00:00:00.123456",
        "2024-01-01 00:00:00",
        "1066-10-14 09:00:00",
    ]
    assert made["n"].fillna(-1).tolist() == [1, -1, 2]
    assert made["extract_error"].notna().tolist() == [False, True, False]


def test_threads_of_one_process_keep_to_one_budget(here: None) -> None:
    """Without a cluster the partitions of Dask's threads share it as well."""
    with RowServer() as server:
        session.use(server.url)
        mapped = lazily(40, 4, "thread").groq.map("{text}", model=MODEL, limits={"RPM": 600})
        began = time.monotonic()
        mapped.compute(scheduler="threads", num_workers=4)
        took = time.monotonic() - began
    assert server.asked.total() == 40
    assert took > 3.5  # ten a second


def test_processes_without_a_budget_are_refused(here: None) -> None:
    """Where nothing could keep the limits, nothing is sent."""
    with RowServer() as server:
        session.use(server.url)
        mapped = lazily(4, 2).groq.map("{text}", model=MODEL)
        with pytest.raises(groqnb.ParameterError, match="keeps one budget"):
            mapped.compute(scheduler="processes", num_workers=2)
    assert server.asked.total() == 0


def test_no_key_goes_through_dask(here: None) -> None:
    """Neither in the graph, nor in what is shown; what would carry one is refused."""
    import cloudpickle

    with RowServer() as server:
        session.use(server.url)
        ddf = lazily(4, 2)
        mapped = ddf.groq.map("{text}", model=MODEL)
        graph = dict(mapped.optimize().__dask_graph__())
        assert KEY.encode() not in cloudpickle.dumps(graph)
        assert KEY not in repr(mapped) + repr(graph)
        tool = {"type": "mcp", "server_url": "https://x.test", "headers": {"a": "secret"}}
        for wrong in (
            {"client": server.client()},
            {"extra_headers": {"authorization": "secret"}},
            {"tools": [tool]},
        ):
            with pytest.raises(groqnb.ParameterError, match="not for Dask") as told:
                ddf.groq.map("{text}", model=MODEL, **wrong)
            assert "secret" not in str(told.value)


def test_mistakes_are_told_at_once(here: None) -> None:
    """A wrong column, an unknown option, a batch: before any graph is made."""
    ddf = lazily(4, 2)
    for call, message in (
        (lambda: ddf.groq.map("{txt}", model=MODEL), "Did you mean 'text'"),
        (lambda: ddf.groq.map("{text}", model=MODEL, modle="x"), "no option 'modle'"),
        (lambda: ddf.groq.classify(["a"], from_="text", model=MODEL), "two labels or more"),
        (lambda: ddf.groq.map("{text}", model=MODEL, tier="batch"), "not for Dask"),
    ):
        with pytest.raises(groqnb.ParameterError, match=message):
            call()


def test_a_wrong_key_is_raised_with_what_to_do_on_the_workers(cluster: Cluster, here: None) -> None:
    """The error of a worker comes through whole, and says where workers find keys."""
    with RowServer(lambda body, before: 401) as server:
        session.use(server.url)
        with pytest.raises(groqnb.AuthenticationError, match="environment of the workers"):
            lazily(4, 2, "key").groq.map("{text}", model=MODEL).compute()


def test_what_is_cancelled_sends_nothing_more(cluster: Cluster, here: None) -> None:
    """Cancelling a computation ends its maps on the workers, and what is done is kept."""

    def maps() -> bool:
        return any(thread.name == "groqnb-map" for thread in threading.enumerate())

    with RowServer() as server:
        session.use(server.url)
        mapped = lazily(2000, 2, "much").groq.map("{text}", model=MODEL, limits={"RPM": 600})
        future = cluster.client.compute(mapped)
        server.wait_for(4)
        cluster.client.cancel([future], force=True)
        del future
        until = time.monotonic() + PATIENCE
        while any(cluster.client.run(maps).values()):
            assert time.monotonic() < until, "the maps went on"
            time.sleep(0.2)
        assert 4 <= server.asked.total() < 2000
    assert any(text.startswith("re: much") for text in cluster.kept())


@pytest.mark.parametrize("order", ["groqnb, dask.dataframe", "dask.dataframe, groqnb"])
def test_frames_have_groq_whichever_is_imported_first(order: str) -> None:
    """`ddf.groq` is there, and groqnb by itself imports no Dask."""
    code = f"""
import sys
import groqnb
assert not any(name.startswith("dask") for name in sys.modules)
for name in [*sys.modules]:
    if name.startswith("groqnb"):
        del sys.modules[name]
sys.meta_path[:] = [one for one in sys.meta_path if not hasattr(one, "waits_for")]
import {order}
import dask.dataframe as dd, pandas as pd
print(type(dd.from_pandas(pd.DataFrame({{"a": [1]}})).groq).__name__, dd.DataFrame.__module__)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.startswith("DaskRows")


def test_an_interrupt_in_the_main_thread_ends_the_whole_computation(
    here: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """No half-asked frame is given out as a whole one, and the answers so far are kept."""
    with RowServer() as server:
        session.use(server.url)
        mapped = lazily(400, 2, "stop").groq.map("{text}", model=MODEL, concurrency=1)
        server.on_answer = lambda count: _thread.interrupt_main() if count == 5 else None
        with pytest.raises(KeyboardInterrupt):
            mapped.compute(scheduler="sync")
        assert "The answers are kept" in capsys.readouterr().out
        assert server.asked.total() < 400
