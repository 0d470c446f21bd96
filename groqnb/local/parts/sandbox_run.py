"""One run of code in the warm worker: forked off, limited, watched, and cleaned up after.

The first child makes the room and watches; the second is the root of a world of processes that
ends with it, so nothing that the code leaves running outlives the run; the third runs the code.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any, NoReturn

from groqnb.local.parts import sandbox_namespaces as namespaces
from groqnb.local.parts.sandbox_code import run_code
from groqnb.local.parts.sandbox_filter import filter_calls

__all__ = ["run"]

_CHUNK = 1 << 16
_PAGE = resource.getpagesize()
_WATCH_SECONDS = 0.03
_LAST_SECONDS = 1.0
_BROKEN, _MEMORY, _PROCESSES = 97, 98, 99
_ENDS = {0: "", _BROKEN: "broken", _MEMORY: "memory", _PROCESSES: "processes"}


def run(wanted: Mapping[str, Any], out: int, isolated: bool) -> dict[str, Any]:
    """What `wanted["code"]` printed and made, or how it ended without.

    `end` is empty where it ended by itself; else "time", "memory", "processes" or "exit N".
    """
    began = time.monotonic()
    limits = wanted["limits"]
    pipes = {name: os.pipe() for name in ("result", "stdout", "stderr")}
    child = os.fork()
    if child == 0:
        os.close(out)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for read, _ in pipes.values():
            os.close(read)
        _as_first(wanted, {name: write for name, (_, write) in pipes.items()}, isolated)
    for _, write in pipes.values():
        os.close(write)
    kept = {name: _Kept(limits[name]) for name in pipes}
    readers = {pipes[name][0]: kept[name] for name in pipes}
    timely = _read_all(readers, child, began + limits["seconds"])
    status = _end(child, isolated, patient=timely)
    for read in readers:
        os.close(read)
    return {
        "stdout": kept["stdout"].text(),
        "stderr": kept["stderr"].text(),
        "cut": kept["stdout"].cut or kept["stderr"].cut,
        "result": "" if kept["result"].cut or not timely else kept["result"].text(),
        "seconds": time.monotonic() - began,
        "end": _ENDS.get(status, f"exit {status}") if timely else "time",
    }


class _Kept:
    """The beginning of what a pipe brings."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._data = bytearray()
        self.cut = False

    def add(self, data: bytes) -> None:
        left = self._most - len(self._data)
        self.cut = self.cut or len(data) > left
        self._data += data[: max(0, left)]

    def text(self) -> str:
        return self._data.decode("utf-8", "replace")


def _read_all(readers: Mapping[int, _Kept], child: int, deadline: float) -> bool:
    """Read until all pipes are closed; false when the time was over before."""
    waiting = set(readers)
    while waiting:
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        # What can be read of the standard input while code runs is its end: the engine's.
        ready = select.select([*waiting, 0], [], [], min(left, 0.5))[0]
        if 0 in ready:
            return False
        for descriptor in waiting.intersection(ready):
            data = os.read(descriptor, _CHUNK)
            if data:
                readers[descriptor].add(data)
            else:
                waiting.discard(descriptor)
        # Without isolation a process that was left behind may hold the pipes open.
        if not ready and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return True
    return True


def _end(child: int, isolated: bool, *, patient: bool) -> int:
    """The exit code of the child, which is made to end, and all that it started."""
    deadline = time.monotonic() + (_LAST_SECONDS if patient else 0)
    while time.monotonic() < deadline:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
        time.sleep(0.002)
    with contextlib.suppress(ProcessLookupError):
        # Isolated, the kernel ends the second child with the first, and the rest with that.
        os.kill(child, signal.SIGKILL)
    if not isolated:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    code = _code(os.waitpid(child, 0)[1])
    # What it leaves comes to the worker, the first process of its world: until it is gone it
    # counts among the processes that the next run may have.
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    return code


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _as_first(wanted: Mapping[str, Any], pipes: Mapping[str, int], isolated: bool) -> NoReturn:
    status = _BROKEN
    try:
        if isolated:
            namespaces.end_with_parent()
            processes = _Processes()
            namespaces.own_room(wanted["limits"]["folder"])
            second = os.fork()
            if second == 0:
                processes.close()
                _as_second(wanted, pipes)
            _close(pipes)
            status = processes.watch(second, wanted["limits"])
        else:
            os.setsid()
            os.chdir(wanted["folder"])
            _as_third(wanted, pipes, isolated)
    except BaseException as error:  # noqa: BLE001 — nothing may return into the worker's loop
        with contextlib.suppress(OSError):
            os.write(pipes["stderr"], f"The sandbox could not be set up: {error}\n".encode())
    finally:
        os._exit(status)


def _as_second(wanted: Mapping[str, Any], pipes: Mapping[str, int]) -> NoReturn:
    status = _BROKEN
    try:
        namespaces.end_with_parent()
        third = os.fork()
        if third == 0:
            _as_third(wanted, pipes, isolated=True)
        _close(pipes)
        while True:
            done, ended = os.waitpid(-1, 0)
            if done == third:
                status = _code(ended)
                break
    finally:
        os._exit(status)


def _as_third(wanted: Mapping[str, Any], pipes: Mapping[str, int], isolated: bool) -> NoReturn:
    os.dup2(pipes["stdout"], 1)
    os.dup2(pipes["stderr"], 2)
    os.close(pipes["stdout"])
    os.close(pipes["stderr"])
    if isolated:
        os.setsid()
        namespaces.drop_privileges()
        filter_calls()
    _set_limits(wanted["limits"])
    sys.stdin, sys.stdout, sys.stderr = _stream(0, "r"), _stream(1, "w"), _stream(2, "w")
    sys.argv = [""]
    sys.path.insert(0, "")
    result = run_code(wanted["code"])
    data = json.dumps(result).encode()
    while data:
        data = data[os.write(pipes["result"], data) :]
    os._exit(0)


def _stream(descriptor: int, mode: str) -> Any:
    return os.fdopen(descriptor, mode, encoding="utf-8", errors="replace", closefd=False)


def _close(pipes: Mapping[str, int]) -> None:
    for descriptor in pipes.values():
        os.close(descriptor)


def _set_limits(limits: Mapping[str, Any]) -> None:
    for name, most in (
        ("AS", limits["memory"]),
        ("CPU", limits["cpu"]),
        ("FSIZE", limits["folder"]),
        ("NOFILE", limits["files"]),
        ("NPROC", limits["processes"]),
        ("CORE", 0),
        ("MEMLOCK", 0),
        ("MSGQUEUE", 0),
    ):
        number = getattr(resource, f"RLIMIT_{name}", None)
        if number is not None:
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(number, (most, most))
    # Writing beyond the limit is an error that code can tell, not a signal that ends it.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


class _Processes:
    """All processes of a run, seen from outside of it. Some hosts do not let them be seen."""

    def __init__(self) -> None:
        try:
            self._proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            self._proc = -1
        self._inherited = 0
        self._own = {os.getpid(), 1}
        # Forked off the worker, each process starts with its pages and shares them.
        if self._proc >= 0:
            self._inherited = self._memory(1)

    def close(self) -> None:
        if self._proc >= 0:
            os.close(self._proc)

    def watch(self, second: int, limits: Mapping[str, Any]) -> int:
        """Wait for the second child and give its code; give up when all need too much."""
        while True:
            done, status = os.waitpid(second, os.WNOHANG)
            if done:
                return _code(status)
            count, memory = self._count(limits["processes"])
            if memory > limits["memory_of_all"]:
                return _MEMORY
            if count > limits["processes"] + 8:
                return _PROCESSES
            time.sleep(_WATCH_SECONDS)

    def _count(self, most: int) -> tuple[int, int]:
        """How many there are, and the bytes of memory that they alone use."""
        if self._proc < 0:
            return 0, 0
        pids = [int(name) for name in os.listdir(self._proc) if name.isdigit()]
        others = [pid for pid in pids if pid not in self._own]
        return len(others), sum(self._memory(pid) for pid in others[: 2 * most])

    def _memory(self, pid: int) -> int:
        try:
            statm = os.open(f"{pid}/statm", os.O_RDONLY, dir_fd=self._proc)
            try:
                resident, shared = os.read(statm, 200).split()[1:3]
            finally:
                os.close(statm)
        except OSError:
            return 0
        return max(0, (int(resident) - int(shared)) * _PAGE - self._inherited)
