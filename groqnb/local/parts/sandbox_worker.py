"""The sandbox from the inside: a warm process that forks a child for each run of code.

The engine starts it with a clean environment and one line of settings; it seals itself in, imports
what code likes to use, and answers lines of JSON with lines of JSON.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import sys

from groqnb.local.parts import sandbox_namespaces as namespaces
from groqnb.local.parts.sandbox_figures import set_up
from groqnb.local.parts.sandbox_run import run

__all__ = ["main"]

_WARM = ("numpy", "pandas", "random", "decimal", "fractions", "statistics", "itertools")


def main() -> None:
    """Run until the standard input ends, or nothing was asked for long."""
    settings = json.loads(sys.stdin.buffer.readline())
    sys.path[:] = [path for path in sys.path if path not in settings["forget"]]
    sys.path += [path for path in settings["packages"] if path not in sys.path]
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    isolated = settings["isolated"]
    try:
        if isolated:
            namespaces.seal(settings["folder"], settings["shown"])
            os.environ["HOME"] = os.environ["TMPDIR"] = namespaces.ROOM
            os.environ["MPLCONFIGDIR"] = "/cache"
        for name in _WARM:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        set_up()
        if isolated:
            namespaces.write_protect()
    except OSError as error:
        _tell(out, {"ready": False, "why": str(error.strerror or error)})
        return
    gc.freeze()
    _tell(out, {"ready": True})
    while (line := _next_line(settings["idle"])) is not None:
        _tell(out, run(json.loads(line), out, isolated))


def _next_line(idle: float) -> bytes | None:
    if not select.select([0], [], [], idle)[0]:
        return None
    return sys.stdin.buffer.readline() or None


def _tell(descriptor: int, value: object) -> None:
    data = json.dumps(value).encode() + b"\n"
    while data:
        data = data[os.write(descriptor, data) :]
