"""The engine as a child process: it ends with its parent, however that ends."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from groqnb.local import process, weights
from groqnb.local.errors import (
    EngineNotInstalled,
    EngineStartFailed,
    WeightsCorrupt,
    WeightsUnavailable,
)

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.name != "posix", reason="signals and process groups"),
]


@pytest.fixture(autouse=True)
def _no_engine_left() -> Iterator[None]:
    weights.ensure("small")
    yield
    process.stop()
    assert process.current() is None


def answers(engine: process.Engine) -> bool:
    reply = httpx.get(
        f"{engine.base_url}/models",
        headers={"Authorization": f"Bearer {engine.api_key}"},
        timeout=240,
    )
    return reply.status_code == 200


def gone(pid: int, within: float = 60.0) -> bool:
    """Whether the process ends in time; a zombie that nobody waits for counts as ended."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


PARENT = """
    import json, sys, time
    from groqnb.local import process
    engine = process.ensure("small")
    print(json.dumps([engine.base_url, engine.api_key, engine.model, engine.pid]), flush=True)
"""


def parent(code: str) -> tuple[subprocess.Popen[str], process.Engine]:
    """A Python process that has an engine and then runs `code`."""
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT) + textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stdout is not None
    return child, process.Engine(*json.loads(child.stdout.readline()))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_parent_leaves_nothing_running(number: signal.Signals) -> None:
    """`kill -9` of a kernel gives it no chance to clean up."""
    child, engine = parent("time.sleep(60)")
    with child:
        assert answers(engine)
        child.send_signal(number)
        child.wait()
        assert gone(engine.pid)


def test_a_killed_parent_with_a_fork_leaves_nothing_running() -> None:
    """A fork that lives on holds no life line of the engine."""
    child, engine = parent(
        """
        import os
        if os.fork() == 0:
            os.close(1)
            time.sleep(20)
            os._exit(0)
        time.sleep(60)
        """
    )
    with child:
        forks = psutil.Process(child.pid).children()
        child.kill()
        child.wait()
        assert gone(engine.pid)
        for fork in forks:
            if fork.pid != engine.pid:
                fork.kill()


def test_an_inherited_life_line_does_not_keep_the_engine() -> None:
    """A grandchild that got every descriptor (close_fds=False) is no reason to stay."""
    child, engine = parent(
        """
        import os, subprocess
        for fd in os.listdir("/proc/self/fd"):
            try: os.set_inheritable(int(fd), True)
            except OSError: pass
        helper = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(20)"],
            close_fds=False, stdout=subprocess.DEVNULL,
        )
        print(helper.pid, flush=True)
        time.sleep(60)
        """
    )
    if not Path("/proc/self/fd").exists():
        child.kill()
        pytest.skip("needs /proc")
    with child:
        assert child.stdout is not None
        helper = int(child.stdout.readline())
        child.kill()
        child.wait()
        assert gone(engine.pid)
        os.kill(helper, signal.SIGKILL)


def test_a_parent_that_ends_cleanly_takes_the_engine_along() -> None:
    """atexit: no stop() is asked of the user."""
    child, engine = parent("")
    with child:
        assert child.wait(10) == 0
        assert gone(engine.pid, 1)


def test_an_interrupt_of_the_parents_group_does_not_reach_the_engine() -> None:
    """Ctrl-C in a terminal, or a kernel's interrupt, stops a cell and not the engine."""
    child, engine = parent(
        """
        try:
            print("asleep", flush=True)
            time.sleep(60)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        time.sleep(60)
        """
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "asleep\n"
        os.killpg(child.pid, signal.SIGINT)
        assert child.stdout.readline() == "interrupted\n"
        assert answers(engine)
        child.kill()
        child.wait()
        assert gone(engine.pid)


def test_two_parents_have_two_engines() -> None:
    """Two notebooks at once: each its own port and key, both work."""
    first, one = parent("time.sleep(60)")
    second, two = parent("time.sleep(60)")
    with first, second:
        assert one.base_url != two.base_url
        assert one.api_key != two.api_key
        assert answers(one)
        assert answers(two)
        for child in (first, second):
            child.kill()
            child.wait()
        assert gone(one.pid)
        assert gone(two.pid)


def test_one_engine_for_a_process_whoever_asks() -> None:
    """Threads that ask at the same time get the same one."""
    found: list[process.Engine] = []
    threads = [
        threading.Thread(target=lambda: found.append(process.ensure("small"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({engine.pid for engine in found}) == 1
    assert process.ensure() is process.current() is found[0]


def test_to_look_for_the_engine_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for who starts one, or fetches its weights: event loops look, and may not stand still."""
    begun, go_on = threading.Event(), threading.Event()

    def fetched(*_: object, **__: object) -> None:
        begun.set()
        go_on.wait(60)
        raise WeightsUnavailable("there are none")

    monkeypatch.setattr(weights, "ensure", fetched)
    starting = threading.Thread(target=lambda: suppressed(process.ensure))
    starting.start()
    assert begun.wait(60)
    looked: list[object] = []
    looking = threading.Thread(target=lambda: looked.append(process.current()), daemon=True)
    looking.start()
    looking.join(30)
    go_on.set()
    starting.join(60)
    assert looked == [None]


def suppressed(act: Callable[[], object]) -> None:
    with contextlib.suppress(WeightsUnavailable):
        act()


def test_logs_go_elsewhere_where_the_folder_takes_none(tmp_path: Path) -> None:
    """Whatever the reason: here something stands in its place."""
    (tmp_path / "logs").write_text("")
    log = process._new_log(tmp_path / "logs")
    assert log.parent.is_dir()
    assert log.parent != tmp_path


def test_a_dead_engine_is_replaced() -> None:
    """What killed it does not matter to the next call."""
    first = process.ensure("small")
    os.kill(first.pid, signal.SIGKILL)
    until = time.monotonic() + 60
    while process.current() is not None and time.monotonic() < until:
        time.sleep(0.02)
    assert process.current() is None
    second = process.ensure("small")
    assert second.pid != first.pid
    assert answers(second)


def test_stop_ends_it_at_once() -> None:
    """And is no error when there is none."""
    engine = process.ensure("small")
    process.stop()
    assert gone(engine.pid, 0.1)
    process.stop()


def test_the_key_stands_in_no_argument_list_environment_or_repr(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Other users of the machine can read argument lists; the cloud's key is not passed on."""
    monkeypatch.setenv("GROQ_API_KEY", "gsk_of_the_cloud")
    engine = process.ensure("small")
    child = psutil.Process(engine.pid)
    seen = " ".join([*child.cmdline(), *child.environ().values(), repr(engine)])
    assert engine.api_key not in seen
    assert "gsk_of_the_cloud" not in seen


def test_an_interrupt_during_the_start_leaves_nothing_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C while the engine comes up."""
    started: list[int] = []

    def interrupted(child: subprocess.Popen[bytes], _settings: object) -> None:
        started.append(child.pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(process, "_greet", interrupted)
    with pytest.raises(KeyboardInterrupt):
        process.ensure("small")
    assert gone(started[0], 0.1)
    assert process.current() is None


def test_a_child_that_dies_early_is_reported_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The tail of its log is in the error."""
    small = weights.entry("small").path
    monkeypatch.setenv("GROQNB_CACHE_DIR", str(tmp_path))
    (tmp_path / small.name).symlink_to(small)
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('a bad day')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(EngineStartFailed, match="a bad day") as caught:
        process.ensure("small")
    assert "a bad day" in caught.value.log_tail
    assert ".log" in caught.value.hint


def test_a_kernel_with_many_open_files_starts_one_too() -> None:
    """Beyond the 1,024 that select() can wait for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    held: list[int] = []
    try:
        while not held or held[-1] < 1024:
            held.append(os.open(os.devnull, os.O_RDONLY))
        assert answers(process.ensure("small"))
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The base install has no engine; the error says how to get it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(EngineNotInstalled) as caught:
        process.ensure("small")
    assert 'pip install "groqnb[local]"' in caught.value.hint


def test_a_broken_gguf_is_told_by_each_request(tmp_path: Path) -> None:
    """Its head looks right, the rest does not: a 503 with the error object, no hang."""
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(weights.entry("small").path.read_bytes()[:2_000_000])
    engine = process.ensure(str(broken))
    for stream in (False, True):
        reply = httpx.post(
            f"{engine.base_url}/chat/completions",
            headers={"Authorization": f"Bearer {engine.api_key}"},
            json={
                "model": "llama-3.1-8b-instant",
                "messages": [{"role": "user", "content": "Hi"}],
                "stream": stream,
            },
            timeout=240,
        )
        assert reply.status_code == 503
        assert reply.json()["error"]["code"] == "model_not_loaded"
    (tmp_path / "none.gguf").write_text("hello")
    with pytest.raises(WeightsCorrupt):
        process.ensure(str(tmp_path / "none.gguf"))


def test_a_module_in_the_notebooks_folder_does_not_shadow_the_engines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A json.py beside the notebook is none of the engine's business."""
    (tmp_path / "json.py").write_text("raise RuntimeError('shadowed')")
    monkeypatch.chdir(tmp_path)
    assert answers(process.ensure("small"))
