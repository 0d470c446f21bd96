"""`groqnb.BatchMonitor` without a page: what it follows, survives, tells, cancels and keeps."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from batch_server import BatchServer, batch_json, output, refused

import groqnb
from groqnb.types.batches import Batch, BatchCard
from groqnb.watching import following
from groqnb.watching.following import Follower, next_pause
from groqnb.widgets import batch_monitor
from groqnb.widgets.batch_monitor import BatchMonitor

Make = Callable[..., BatchMonitor]


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GROQNB_DATA_DIR", str(tmp_path))


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks follow one another closely, and the first one is waited for however long it takes."""
    monkeypatch.setattr(batch_monitor, "_PATIENCE", 60.0)
    monkeypatch.setattr(following, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(following, "LONGEST_PAUSE", 0.05)


@pytest.fixture
def monitor() -> Iterator[Make]:
    made: list[BatchMonitor] = []

    def make(*args: Any, **options: Any) -> BatchMonitor:
        made.append(BatchMonitor(*args, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def ask(monitor: BatchMonitor, what: str, **content: Any) -> dict[str, Any]:
    """What the widget answers to its page."""
    said: list[dict[str, Any]] = []
    monitor._tell = lambda kind, buffers=(), **told: said.append(told)  # type: ignore[method-assign]
    ask_id = f"{what}-{time.monotonic_ns()}"
    monitor._handle_custom_msg(
        {"kind": "gn-ask", "id": ask_id, "what": what, "content": content}, []
    )
    del monitor._tell  # type: ignore[method-assign]
    return said[-1]


def cards(monitor: BatchMonitor) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = monitor.state["batches"]
    return found


# --- which are followed ---


def test_one_batch_is_followed_to_its_end_and_no_further(monitor: Make) -> None:
    """From the object or the id; `value` is what was seen last, and at the end nobody looks."""
    server = BatchServer(batch_json(status="validating"))
    shown = monitor("batch_1", client=server.client())
    assert isinstance(shown.value, Batch)
    assert shown.value.status == "validating"
    server.set("batch_1", "in_progress", counts=(3, 1, 10))
    until(lambda: cards(shown)[0]["completed"] == 3)
    assert cards(shown)[0]["ended"] is False
    server.set("batch_1", "completed", counts=(9, 1, 10), output_file_id="file_out")
    until(lambda: shown.state["batches"][0]["status"] == "completed")
    until(lambda: not shown._follower.running)
    assert (cards(shown)[0]["files"], shown.state["running"]) == (["output"], False)
    assert shown.value.status == "completed"


def test_what_has_ended_already_asks_nobody(monitor: Make) -> None:
    server = BatchServer()
    shown = monitor(BatchCard(**batch_json(status="completed")), client=server.client())
    assert (server.asked, shown.state["running"]) == ([], False)
    assert cards(shown)[0]["status"] == "completed"


def test_several_are_asked_for_in_one_call(monitor: Make) -> None:
    server = BatchServer(*(batch_json(f"batch_{number}") for number in range(4)))
    shown = monitor([f"batch_{number}" for number in (2, 0, 3)], client=server.client())
    assert isinstance(shown.value, list)
    assert [one.id for one in shown.value] == ["batch_2", "batch_0", "batch_3"]
    assert set(server.asked) == {"GET /batches"}


def test_without_a_name_all_are_shown_that_have_not_ended(monitor: Make) -> None:
    """Those of later pages too, and new ones as they come."""
    states = ["in_progress", "completed", "failed", "completed", "validating"]
    server = BatchServer(
        *(batch_json(f"batch_{n}", one, created_at=n) for n, one in enumerate(states))
    )
    shown = monitor(client=server.client())
    assert [one["id"] for one in cards(shown)] == ["batch_4", "batch_0"]
    server.set("batch_5", "validating", created_at=5)
    until(lambda: [one["id"] for one in cards(shown)] == ["batch_5", "batch_4", "batch_0"])
    for each in ("batch_0", "batch_4", "batch_5"):
        server.set(each, "completed")
    until(lambda: not shown._follower.running)
    assert {one["status"] for one in cards(shown)} == {"completed"}
    server.set("batch_6", "in_progress", created_at=6)
    ask(shown, "refresh")
    until(lambda: "batch_6" in [one["id"] for one in cards(shown)])


def test_where_none_is_running_it_says_so(monitor: Make) -> None:
    shown = monitor(client=BatchServer(batch_json(status="completed")).client())
    assert (shown.value, cards(shown)) == ([], [])
    assert repr(shown) == "BatchMonitor: no batch is running"
    assert "No batch is running." in shown._result_bundle()["text/html"]


def test_batches_are_found_by_the_name_in_their_metadata(monitor: Make) -> None:
    server = BatchServer(
        batch_json("batch_1", "completed", metadata={"name": "reviews"}),
        batch_json("batch_2", metadata={"name": "other"}),
    )
    assert [one["id"] for one in cards(monitor(name="reviews", client=server.client()))] == [
        "batch_1"
    ]
    with pytest.raises(groqnb.ParameterError, match=r"No map.* has the name 'review'"):
        monitor(name="review", client=server.client())


def test_batches_of_a_map_are_found_by_its_name(
    monitor: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those too that it starts later; its name goes before that in metadata."""
    from groqnb import batching

    started = ["batch_1"]
    monkeypatch.setattr(batching, "batch_ids", lambda name: started if name == "labels" else [])
    server = BatchServer(*(batch_json(f"batch_{n}") for n in (1, 2, 3)))
    shown = monitor(name="labels", client=server.client())
    assert [one["id"] for one in cards(shown)] == ["batch_1"]
    started.append("batch_2")
    until(lambda: [one["id"] for one in cards(shown)] == ["batch_1", "batch_2"])
    for each in started:
        server.set(each, "completed")
    until(lambda: not shown._follower.running)
    started.append("batch_3")
    ask(shown, "refresh")
    until(lambda: len(cards(shown)) == 3)


@pytest.mark.parametrize(
    ("given", "options", "says"),
    [
        (5, {}, "type int is no batch"),
        ([None], {}, "type NoneType is no batch"),
        ("  ", {}, "empty text is no batch"),
        ([], {}, "names none"),
        ("batch_1", {"name": "x"}, "Give one of them"),
        ("batch_1", {"clint": None}, "Did you mean 'client'"),
        ("batch_1", {"client": "cloud"}, "client is of type str"),
    ],
)
def test_what_is_no_batch_is_refused(given: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises(groqnb.ParameterError, match=says):
        BatchMonitor(given, **({"client": BatchServer().client()} | options))


def test_an_id_that_the_server_does_not_know_is_told_at_once(monitor: Make) -> None:
    server = BatchServer(batch_json())
    for ids in ("batch_x", ["batch_1", "batch_x"]):
        with pytest.raises(groqnb.NotFoundError, match="no batch batch_x"):
            monitor(ids, client=server.client())


def test_a_key_that_is_refused_is_told_at_once(monitor: Make) -> None:
    server = BatchServer(batch_json())
    server.faults = [401]
    with pytest.raises(groqnb.AuthenticationError):
        monitor("batch_1", client=server.client())


# --- failures ---


def test_a_network_that_fails_is_told_and_tried_again(monitor: Make) -> None:
    """What was seen before stays, and the page says when it is tried again."""
    server = BatchServer(batch_json(counts=(3, 0, 10)))
    shown = monitor("batch_1", client=server.client())
    server.faults = [httpx.ConnectError("no route"), 503, httpx.ReadTimeout("slow")] * 50_000
    until(lambda: shown.trouble)
    until(lambda: shown.state["trouble"] and shown.state["running"] and shown.state["next_at"])
    assert cards(shown)[0]["completed"] == 3
    server.faults = []
    server.set("batch_1", "completed", counts=(10, 0, 10))
    until(lambda: cards(shown)[0]["status"] == "completed")
    until(lambda: shown.state["trouble"] == "")
    assert shown.trouble == ""


def test_it_can_be_made_while_the_network_is_away(monitor: Make) -> None:
    server = BatchServer(batch_json(counts=(3, 0, 10)))
    server.faults = [httpx.ConnectError("no route")] * 5
    shown = monitor("batch_1", client=server.client())
    until(lambda: shown.value is not None)
    assert shown.value.request_counts.completed == 3


def test_a_refusal_ends_the_looking_until_somebody_asks_again(monitor: Make) -> None:
    server = BatchServer(batch_json())
    shown = monitor("batch_1", client=server.client())
    server.faults = [403] * 100_000
    until(lambda: not shown.state["running"])
    assert "PermissionDeniedError" in shown.state["trouble"]
    server.faults = []
    ask(shown, "refresh")
    until(lambda: shown.state["running"] and not shown.state["trouble"])


def test_retry_after_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A 429 that names a time is not asked again before it."""
    server = BatchServer(batch_json())
    clock = [1000.0]
    follower = Follower(server.client(), ids=["batch_1"], clock=lambda: clock[0])
    waited: list[float] = []

    class Wake:
        def clear(self) -> None: ...
        def is_set(self) -> bool:
            return False

        def wait(self, seconds: float) -> None:
            waited.append(seconds)
            follower._halted = True

    follower._wake = Wake()  # type: ignore[assignment]
    error = groqnb.RateLimitError.__new__(groqnb.RateLimitError)
    error.retry_after = 77.0
    monkeypatch.setattr(follower, "look", lambda: (_ for _ in ()).throw(error))
    follower._run()
    assert waited == [77.0]


def test_stopped_and_started_again_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever that happens: no start is lost between a thread's last look and its end."""
    server = BatchServer(batch_json())
    follower = Follower(server.client(), ids=["batch_1"])
    for _ in range(200):
        follower.start()
        follower.stop()
    follower.start()
    asked = len(server.asked)
    until(lambda: len(server.asked) > asked + 2)
    follower.stop()
    until(lambda: not follower.running)


def test_looks_become_rarer_without_news_and_with_age(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "FIRST_PAUSE", 1.0)
    monkeypatch.setattr(following, "LONGEST_PAUSE", 30.0)
    pause, pauses = 1.0, []
    for _ in range(12):
        pause = next_pause(pause, False, 0)
        pauses.append(pause)
    assert pauses[:2] == [1.5, 2.25]
    assert pauses[-1] == 30
    assert next_pause(30, True, 0) == 15
    assert next_pause(1, True, 0) == 1
    assert next_pause(1, True, 600) == 10
    assert next_pause(1, True, 1e6) == 30


# --- who looks on ---


def test_closed_it_looks_no_more(monitor: Make) -> None:
    server = BatchServer(batch_json())
    shown = monitor("batch_1", client=server.client())
    shown.close()
    until(lambda: not shown._follower.running)
    state, asked = shown.state, len(server.asked)
    server.set("batch_1", "completed")
    shown._show()
    assert (shown.state, len(server.asked)) == (state, asked)


def test_without_a_page_that_shows_it_nobody_looks(monitor: Make) -> None:
    """The last view that goes ends the looking; one that comes begins it again."""
    server = BatchServer(batch_json())
    shown = monitor("batch_1", client=server.client())
    for view in ("a", "b"):
        ask(shown, "seen", view=view, look=True)
    ask(shown, "gone", view="a")
    assert shown.state["running"]
    ask(shown, "gone", view="b")
    until(lambda: not shown._follower.running)
    server.set("batch_1", "completed")
    ask(shown, "seen", view="c", look=True)
    until(lambda: cards(shown)[0]["status"] == "completed")


def test_a_page_that_has_said_nothing_for_long_is_gone(
    monitor: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = BatchServer(batch_json())
    shown = monitor("batch_1", client=server.client())
    ask(shown, "seen", view="a", look=False)
    monkeypatch.setattr(batch_monitor, "_AWAY", -1.0)
    until(lambda: not shown._follower.running)


# --- cancelling ---


def test_the_page_cancels_a_batch_once(monitor: Make) -> None:
    server = BatchServer(batch_json())
    shown = monitor("batch_1", client=server.client())
    ask(shown, "cancel", id="batch_1")
    until(lambda: cards(shown)[0]["status"] == "cancelling")
    server.set("batch_1", "cancelled")
    until(lambda: cards(shown)[0]["status"] == "cancelled")
    assert server.asked.count("POST /batches/batch_1/cancel") == 1


def test_a_refused_cancelling_is_told_on_the_page(monitor: Make) -> None:
    server = BatchServer(batch_json(status="finalizing"))
    shown = monitor("batch_1", client=server.client())
    ask(shown, "cancel", id="batch_1")
    until(lambda: "cannot be cancelled" in shown.error)
    assert cards(shown)[0]["cancelling"] is False


def test_the_page_cannot_cancel_what_it_does_not_show(monitor: Make) -> None:
    server = BatchServer(batch_json(), batch_json("batch_2"))
    shown = monitor("batch_1", client=server.client())
    assert "not among the batches" in ask(shown, "cancel", id="batch_2")["error"]
    assert not [each for each in server.asked if "cancel" in each]


def test_python_cancels_the_only_one_or_the_named_one(monitor: Make) -> None:
    server = BatchServer(batch_json(), batch_json("batch_2"))
    shown = monitor(["batch_1", "batch_2"], client=server.client())
    with pytest.raises(groqnb.ParameterError, match=r"There are: batch_1, batch_2"):
        shown.cancel()
    assert shown.cancel("batch_2").status == "cancelling"
    server.set("batch_2", "cancelled")
    shown.refresh()
    assert shown.cancel().id == "batch_1"


def test_a_look_that_began_before_a_cancelling_does_not_undo_it() -> None:
    """What it brings is older than what the cancelling returned, by id and from the list."""
    for settings in ({"ids": ["batch_1"]}, {"wanted": lambda one: True}):
        server = BatchServer(batch_json())
        client = server.client()
        follower = Follower(client, **settings)
        follower.look()

        def cancel(client: Any = client, follower: Follower = follower) -> None:
            follower.take(client.batches.cancel("batch_1"))

        server.meanwhile = cancel
        follower.look()
        assert [one.status for one in follower.batches] == ["cancelling"]
        server.set("batch_1", "cancelled")
        follower.look()
        assert [one.status for one in follower.batches] == ["cancelled"]


def test_a_batch_that_has_ended_does_not_run_again() -> None:
    """The answer to a cancelling may come after a look that saw the end."""
    server = BatchServer(batch_json())
    client = server.client()
    follower = Follower(client, ids=["batch_1"])
    late = client.batches.cancel("batch_1")
    server.set("batch_1", "cancelled")
    follower.look()
    assert not follower.take(late)
    assert [one.status for one in follower.batches] == ["cancelled"]
    assert follower.over


# --- results ---


def test_results_and_frame_are_there_when_it_has_ended(monitor: Make) -> None:
    server = BatchServer(batch_json())
    shown = monitor("batch_1", client=server.client())
    with pytest.raises(groqnb.ParameterError, match="is in_progress"):
        shown.results()
    server.files = {"out": output("a", "Paris").encode(), "err": refused("b", "No.").encode()}
    server.set("batch_1", "completed", output_file_id="out", error_file_id="err", counts=(1, 1, 2))
    frame = shown.results()  # it looks by itself
    assert list(frame.custom_id) == ["a", "b"]
    assert shown.to_frame().cost[0] == pytest.approx(frame.cost.sum())
    assert list(shown.results("batch_1").text.fillna("")) == ["Paris", ""]
    with pytest.raises(groqnb.ParameterError, match="'batch_9' is not among"):
        shown.results("batch_9")


def test_the_page_loads_a_file_and_then_it_is_let_go(monitor: Make) -> None:
    server = BatchServer(batch_json(status="completed", output_file_id="out"))
    server.files["out"] = output("a", "Paris").encode()
    shown = monitor("batch_1", client=server.client())
    ask(shown, "load", id="batch_1", kind="output")
    until(lambda: "batch_1/output" in shown._gn_offers)
    assert shown._offered["batch_1/output"] == server.files["out"]
    ask(shown, "had", name="batch_1/output")
    assert shown._offered == {}
    assert "no such file" in ask(shown, "load", id="batch_1", kind="error")["error"]


def test_a_file_too_large_for_a_page_says_how_to_save_it(
    monitor: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_monitor, "_MOST_DOWNLOAD", 10)
    server = BatchServer(batch_json(status="completed", output_file_id="out"))
    server.files["out"] = b"x" * 1000
    shown = monitor("batch_1", client=server.client())
    ask(shown, "load", id="batch_1", kind="output")
    until(lambda: 'client.files.content("out").save' in shown.error)
    assert shown._offered == {}


# --- what is kept ---


def test_in_a_terminal_it_is_a_table_of_text(monitor: Make) -> None:
    server = BatchServer(
        batch_json("batch_1", "completed", counts=(1200, 3, 1203), metadata={"name": "reviews"}),
        batch_json(
            "batch_2", "failed", counts=(0, 0, 0), errors=[{"line": 2, "message": "no\nJSON"}]
        ),
    )
    shown = monitor(["batch_1", "batch_2"], client=server.client())
    assert repr(shown).splitlines() == [
        "batch    status     completed  failed  total",
        "reviews  completed      1,200       3  1,203",
        "batch_2  failed             0       0      0",
        "batch_2: line 2: no JSON",
    ]


def test_a_saved_notebook_keeps_the_last_state(monitor: Make) -> None:
    """With the time where it will not stay so; and what a server wrote runs nowhere."""
    evil = "<img src=x onerror=alert(1)>"
    server = BatchServer(batch_json(metadata={"name": evil}, counts=(3, 1, 10)))
    shown = monitor("batch_1", client=server.client())
    html = shown._result_bundle()["text/html"]
    assert "in progress" in html
    assert "As of " in html
    assert evil not in html
    server.set("batch_1", "completed", counts=(9, 1, 10))
    until(lambda: not shown._follower.running)
    saved = shown._result_bundle()
    assert "As of " not in saved["text/html"]
    assert saved["text/plain"].splitlines()[1].split()[-4:] == ["completed", "9", "1", "10"]


def test_the_key_is_nowhere_in_what_the_page_gets(monitor: Make) -> None:
    server = BatchServer(batch_json())
    shown = monitor("batch_1", client=server.client())
    server.faults = [httpx.ConnectError("no route")] * 3
    until(lambda: shown.trouble or not server.faults)
    from both_worlds import KEY

    assert KEY not in repr(shown.get_state())


def test_a_client_without_its_own_transport_has_a_twin_that_is_closed_with_the_monitor(
    monitor: Make,
) -> None:
    """The user's client stays open, and its events hear nothing of the looking."""
    client = groqnb.Groq(base_url="http://127.0.0.1:1/", api_key="k" * 20, max_retries=0)
    heard: list[Any] = []
    client.events.subscribe(heard.append)
    shown = monitor("batch_1", client=client)
    until(lambda: shown.trouble)
    assert shown._client is not client
    shown.close()
    assert heard == []
    with contextlib.suppress(groqnb.APIConnectionError):
        client.models.list()
    assert heard
