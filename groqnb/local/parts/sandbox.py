"""Code of a model, run where it can do no harm: the engine's side of the sandbox.

It runs in a process of its own without network, with an empty folder as the only place to write,
Python's libraries as all that it can read, and limits on time, memory, processes and output. Where
the host does not let a process be shut in like that, nothing is run, unless the user said so.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import selectors
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Limits", "Ran", "Sandbox", "SandboxUnavailable"]

_START_SECONDS = 60.0
_MORE_SECONDS = 10.0
_IDLE_SECONDS = 900.0
_LONGEST_LINE = 64 << 20
_PACKAGES = ("numpy", "pandas", "matplotlib", "e2b_charts", "pydantic", "PIL", "dateutil")
_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"),
    *("/usr/share/fonts", "/usr/share/zoneinfo", "/etc/localtime"),
)
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from groqnb.local.parts.sandbox_worker import main; main()"
)
_MB = 1 << 20
_FAULT = ("name", "message", "traceback")


class SandboxUnavailable(Exception):
    """This host does not let code be shut in. The text says what is missing."""


@dataclass(frozen=True)
class Limits:
    """What one run may use: seconds, bytes, counts. `memory` is of each process."""

    seconds: float = 15.0
    cpu: int = 12
    memory: int = 2048 * _MB
    memory_of_all: int = 1024 * _MB
    processes: int = 24
    files: int = 128
    folder: int = 64 * _MB
    stdout: int = 200_000
    stderr: int = 50_000
    result: int = 24 * _MB


@dataclass(frozen=True)
class Ran:
    """What came of a run of code.

    `value` is the last expression's text, as a notebook shows it. `figures` have `text`, `png`
    (base64) and where it could be read `chart` or `charts`. `error` is the name, the message and
    the traceback of what was raised, or how the code was ended: then the name says by what.
    `cut` tells that more was printed than is kept.
    """

    stdout: str = ""
    stderr: str = ""
    value: str | None = None
    figures: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, str] | None = None
    cut: bool = False
    seconds: float = 0.0


class Sandbox:
    """Runs code, one piece at a time. Its process starts at the first, and is kept warm.

    `isolated` false runs it where the host does not let it be shut in, under limits alone; where
    the host does, it is shut in all the same.

    >>> Sandbox().run_now("print(6 * 7)").stdout  # doctest: +SKIP
    '42\\n'
    """

    def __init__(self, limits: Limits = Limits(), *, isolated: bool = True) -> None:
        self.limits = limits
        #: Whether code is, or will be, shut in.
        self.isolated = True
        self._insists = isolated
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, "sandbox")
        self._child: subprocess.Popen[bytes] | None = None
        self._folder: str | None = None

    async def run(self, code: str) -> Ran:
        """Run `code`. Raises SandboxUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.run_now, code)

    async def ready(self) -> None:
        """Start the process, if it is not there. Raises SandboxUnavailable."""

        def start() -> None:
            with self._lock:
                self._ready()

        await asyncio.get_running_loop().run_in_executor(self._thread, start)

    def run_now(self, code: str) -> Ran:
        """Run `code` in this thread. Raises SandboxUnavailable."""
        with self._lock:
            child = self._ready()
            folder = None if self.isolated else tempfile.mkdtemp(prefix="groqnb-code-")
            try:
                return self._ask(child, code, folder)
            finally:
                if folder is not None:
                    shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._end()

    def _ask(self, child: subprocess.Popen[bytes], code: str, folder: str | None) -> Ran:
        wanted = {"code": code, "limits": asdict(self.limits), "folder": folder}
        try:
            _send(child, wanted)
            reply = _receive(child, self.limits.seconds + _MORE_SECONDS)
        except (OSError, ValueError) as error:
            self._end()
            return Ran(error=_fault("SandboxError", f"the sandbox itself failed: {error}"))
        return _read(reply, self.limits)

    def _ready(self) -> subprocess.Popen[bytes]:
        try:
            return self._running()
        except SandboxUnavailable:
            if self._insists or not self.isolated or os.name != "posix":
                raise
            self.isolated = False
            return self._running()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self._end()
        if os.name != "posix" or (self.isolated and sys.platform != "linux"):
            raise SandboxUnavailable("only Linux has the namespaces that it takes")
        self._folder = tempfile.mkdtemp(prefix="groqnb-sandbox-")
        child = self._child = _start()
        try:
            _send(child, self._settings(self._folder))
            told = _receive(child, _START_SECONDS)
        except (OSError, ValueError) as error:
            self._end()
            raise SandboxUnavailable(f"its process ended at its start ({error})") from None
        if not told.get("ready"):
            self._end()
            raise SandboxUnavailable(f"the system refuses a step ({told.get('why')})")
        # It has moved out of it, into memory.
        self._remove_folder()
        return child

    def _settings(self, folder: str) -> dict[str, Any]:
        packages = _package_folders()
        libraries = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib")]
        libraries.append(os.path.join(sys.base_prefix, "lib"))
        return {
            "isolated": self.isolated,
            "folder": folder,
            "shown": [*_SYSTEM, *libraries, *packages],
            "packages": packages,
            "forget": [_root()],
            "idle": _IDLE_SECONDS,
        }

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    pipe.close()
        self._remove_folder()

    def _remove_folder(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _root() -> str:
    return str(Path(__file__).parents[3])


def _package_folders() -> list[str]:
    """Where the packages are that code may use. Folders of the user's own sources are not."""
    found: list[str] = []
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            continue
        folder = str(Path(next(iter(spec.submodule_search_locations))).parent)
        if folder not in found:
            found.append(folder)
    return found


def _start() -> subprocess.Popen[bytes]:
    environment = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        # Threads do not survive a fork, and one core is enough.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-B", "-X", "utf8", "-c", _START, _root()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        cwd="/",
        start_new_session=True,
    )


def _send(child: subprocess.Popen[bytes], value: object) -> None:
    assert child.stdin is not None
    child.stdin.write(json.dumps(value).encode() + b"\n")
    child.stdin.flush()


def _receive(child: subprocess.Popen[bytes], seconds: float) -> dict[str, Any]:
    """One line of JSON from the child. Raises OSError or ValueError when there is none in time."""
    assert child.stdout is not None
    deadline = time.monotonic() + seconds
    data = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while not data.endswith(b"\n"):
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError("no answer in time")
            piece = os.read(child.stdout.fileno(), 1 << 20)
            if not piece or len(data) > _LONGEST_LINE:
                raise ValueError("its answer broke off")
            data += piece
    told = json.loads(data)
    if not isinstance(told, dict):
        raise ValueError("its answer makes no sense")
    return told


def _read(reply: Mapping[str, Any], limits: Limits) -> Ran:
    result: Any = None
    told = str(reply["result"] or "null")
    try:
        result = json.loads(told)
        if "\\ud" in told.lower():
            # JSON can write half a character, and UTF-8 cannot.
            result = json.loads(json.dumps(result, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        # The code may write what it likes where its result is read from.
        result = None
    made = result if isinstance(result, dict) else {}
    error = made.get("error")
    if not isinstance(error, dict) or not all(isinstance(error.get(key), str) for key in _FAULT):
        error = None
    if result is None:
        error = _ended(str(reply["end"]), limits)
    value = made.get("value")
    figures = made.get("figures")
    return Ran(
        stdout=reply["stdout"],
        stderr=reply["stderr"],
        value=value if isinstance(value, str) else None,
        figures=[_figure(each) for each in figures if isinstance(each, dict)]
        if isinstance(figures, list)
        else [],
        error=error,
        cut=bool(reply["cut"]),
        seconds=round(float(reply["seconds"]), 3),
    )


def _figure(told: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {"text": str, "png": str, "chart": dict, "charts": list}
    return {key: told[key] for key, kind in kinds.items() if isinstance(told.get(key), kind)}


def _ended(end: str, limits: Limits) -> dict[str, str]:
    if end == "time":
        return _fault("TimeoutError", f"the code ran longer than {limits.seconds:g} seconds")
    if end == "memory":
        return _fault("MemoryError", f"the code took more than {limits.memory_of_all // _MB} MB")
    if end == "processes":
        return _fault("ProcessError", f"the code started more than {limits.processes} processes")
    if end in ("exit 137", "exit 152"):
        return _fault("TimeoutError", f"the code took more than {limits.cpu} seconds of CPU")
    return _fault("ProcessError", f"the code's process ended without a result ({end or 'exit 0'})")


def _fault(name: str, message: str) -> dict[str, str]:
    return {"name": name, "message": message, "traceback": f"{name}: {message}"}
