"""One engine for this process: start it, find it, end it.

The engine is a child process. The way in is its standard input, a pipe: the settings (the key
among them, so it stands in no argument list and no environment) come down as one JSON line, and
after that the pipe is a life line that the child watches. It reads end-of-file when this process
ends, cleanly or not, and exits. Its standard output carries one line back when it listens.

>>> from groqnb.local import process
>>> process.current() is None
True
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
import selectors
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from groqnb.local.errors import EngineNotInstalled, EngineStartFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from groqnb.local.weights import Weights

__all__ = ["Engine", "Progress", "current", "ensure", "stop"]

_START_SECONDS = 60.0
_STOP_SECONDS = 2.0
_KEPT_LOGS = 10


@dataclass(frozen=True)
class Progress:
    """How far a download is: `what` is fetched, `done` of `total` bytes."""

    what: str
    done: int
    total: int


@dataclass(frozen=True)
class Engine:
    """A running engine: where it listens, its key, the weights it runs, its process id."""

    base_url: str
    api_key: str = field(repr=False)
    model: str
    pid: int


@dataclass
class _Running:
    """What this process knows of its child. `owner` tells a fork's copy from the real one."""

    engine: Engine
    child: subprocess.Popen[bytes]
    weights: Path
    owner: int


_lock = threading.Lock()
_running: _Running | None = None


def ensure(
    model: str | None = None, *, progress: Callable[[Progress], None] | None = None
) -> Engine:
    """The engine of this process, started now if it does not run yet.

    `model` is "small", "default", "large" or the path of a GGUF file; None means the one that
    runs already, else `GROQNB_LOCAL_MODEL`, else "default". Asking for another model than the
    one that runs restarts the engine. Missing weights are fetched first, here, and `progress`
    hears about it. The model loads in the background after this returns; a request that comes
    early waits for it.

    Raises EngineError: EngineNotInstalled, WeightsUnavailable, WeightsCorrupt, DiskFull,
    EngineStartFailed.

        engine = ensure("small")
        engine.base_url  # 'http://127.0.0.1:40123/openai/v1'
    """
    with _lock:
        alive = _alive()
        if alive is not None and model is None:
            return alive.engine
        _require_packages()
        # Imported here: the weights' machinery is not needed to ask for a running engine.
        from groqnb.local import weights

        wanted = weights.ensure(
            model or os.environ.get("GROQNB_LOCAL_MODEL") or "default", progress=progress
        )
        if alive is not None and alive.weights == wanted.path:
            return alive.engine
        _end()
        return _start(wanted)


def current() -> Engine | None:
    """The engine that runs for this process, or None.

    It never waits: not for another thread that starts one, or fetches its weights, for minutes.
    """
    alive = _alive()
    return None if alive is None else alive.engine


def stop() -> None:
    """End the engine of this process, if there is one."""
    with _lock:
        _end()


def _alive() -> _Running | None:
    running = _running
    if running is None or running.owner != os.getpid() or running.child.poll() is not None:
        return None
    return running


def _require_packages() -> None:
    from importlib.util import find_spec

    for package in ("starlette", "uvicorn", "httptools", "python_multipart", "xllamacpp"):
        if find_spec(package) is None:
            raise EngineNotInstalled(package)


def _end() -> None:
    global _running
    running, _running = _running, None
    if running is None or running.owner != os.getpid():
        return
    child = running.child
    if child.stdin is not None:
        # End-of-file on the life line asks the child to go.
        with contextlib.suppress(OSError):
            child.stdin.close()
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _start(wanted: Weights) -> Engine:
    global _running
    from groqnb.local import weights

    key = "gsk_local_" + secrets.token_urlsafe(24)
    settings = {
        "key": key,
        "weights": str(wanted.path),
        "name": wanted.name,
        "context": wanted.context,
        "parent": os.getpid(),
        "folder": _folder(),
    }
    log_path = _new_log(weights.cache_dir() / "logs")
    _read_ahead(wanted.path)
    with log_path.open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "groqnb.local"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            # Not the notebook's folder: a json.py there must not shadow the standard library.
            cwd=log_path.parent,
            env=_environment(),
            **_detached(),
        )
    try:
        ready = _greet(child, settings)
    except BaseException:
        # Also on KeyboardInterrupt: nothing may be left running.
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        raise
    if ready is None:
        code = child.wait()
        tail = _last_lines(log_path)
        raise EngineStartFailed(
            f"The local engine ended before it was ready (exit code {code})."
            + (f" Its last words: {tail.splitlines()[-1]}" if tail else ""),
            f"The whole log is in {log_path}.",
            tail,
        )
    engine = Engine(
        base_url=f"http://127.0.0.1:{ready['port']}/openai/v1",
        api_key=key,
        model=wanted.name,
        pid=child.pid,
    )
    _running = _Running(engine, child, wanted.path, os.getpid())
    return engine


def _greet(child: subprocess.Popen[bytes], settings: dict[str, Any]) -> dict[str, Any] | None:
    """Send the settings, wait for the line that says the engine listens; None if it died."""
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(json.dumps(settings).encode() + b"\n")
        child.stdin.flush()
    except BrokenPipeError:
        return None
    # Windows cannot wait for a pipe with a time limit; there the end of the child ends it.
    if os.name == "posix" and not _readable(child.stdout, _START_SECONDS):
        raise EngineStartFailed(
            f"The local engine did not answer within {_START_SECONDS:.0f} s.", "Try again."
        )
    line = child.stdout.readline()
    child.stdout.close()
    if not line:
        return None
    ready: dict[str, Any] = json.loads(line)
    return ready


def _readable(pipe: IO[bytes], seconds: float) -> bool:
    # Unlike select.select, this also takes a file above 1,024, in a kernel that has many open.
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        return bool(selector.select(seconds))


def _folder() -> str | None:
    """Where the notebook is: a kernel starts in its notebook's folder."""
    with contextlib.suppress(OSError):
        return os.getcwd()
    return None


def _environment() -> dict[str, str]:
    env = dict(os.environ)
    # The engine has no use for the cloud's key.
    env.pop("GROQ_API_KEY", None)
    root = Path(__file__).resolve().parents[2]
    if root.name not in ("site-packages", "dist-packages"):
        # Run from a source tree: the child stands in another folder and must find it too.
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [env.get("PYTHONPATH"), str(root)]))
    return env


def _detached() -> dict[str, Any]:
    """Keep the notebook's interrupt (Ctrl-C goes to the whole process group) from the child."""
    if os.name == "posix":
        return {"start_new_session": True}
    return {"creationflags": 0x00000200 | 0x08000000}  # new process group, no console window


def _read_ahead(path: Path) -> None:
    """Let the disk start reading while the child's interpreter starts."""
    if not hasattr(os, "posix_fadvise"):
        return
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)


def _new_log(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".writable").touch()
    except OSError:
        # The weights may stand in a shared folder that only a teacher, or nobody, writes to.
        folder = Path(tempfile.mkdtemp(prefix="groqnb-"))
    old = sorted(folder.glob("engine-*.log"), key=_written)
    for path in old[: -_KEPT_LOGS + 1]:
        # Windows refuses to delete the log of an engine that runs.
        with contextlib.suppress(OSError):
            path.unlink()
    return folder / f"engine-{os.getpid()}-{secrets.token_hex(3)}.log"


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0  # another kernel has just deleted it


def _last_lines(path: Path, count: int = 15) -> str:
    return "\n".join(path.read_text("utf-8", "replace").strip().splitlines()[-count:])


def _forget_in_fork() -> None:
    """A forked copy has the parent's end of the life line; it must not keep the child alive."""
    global _running, _lock
    running, _running = _running, None
    # The thread that held it does not exist here.
    _lock = threading.Lock()
    if running is not None and running.child.stdin is not None:
        with contextlib.suppress(OSError):
            running.child.stdin.close()
        # Not this process's child: nothing to wait for, nothing to warn about.
        running.child.returncode = 0


atexit.register(stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_fork)
