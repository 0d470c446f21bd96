"""What tests of the magics do with a shell of IPython: run cells, and look at what they showed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from IPython.core.error import UsageError
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

from groqnb.types.errors import GroqnbError

__all__ = ["failed", "interrupt_when", "last", "outputs", "run", "usage_error"]


def run(ip: InteractiveShell, cell: str) -> ExecutionResult:
    return ip.run_cell(cell, store_history=False)


def outputs(ip: InteractiveShell) -> list[dict[str, Any]]:
    return ip.display_pub.outputs  # type: ignore[attr-defined, no-any-return]


def last(ip: InteractiveShell, kind: str = "text/plain") -> str:
    return str(outputs(ip)[-1]["data"][kind])


def interrupt_when(ready: Callable[[], object]) -> None:
    """Ctrl-C as soon as something is so, however slow the machine is."""

    def wait() -> None:
        end = time.monotonic() + 60
        while not ready() and time.monotonic() < end:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=wait, daemon=True).start()


def usage_error(ip: InteractiveShell, cell: str) -> str:
    result = run(ip, cell)
    assert isinstance(result.error_in_exec, UsageError), result
    return str(result.error_in_exec)


def failed(ip: InteractiveShell, cell: str) -> GroqnbError:
    result = run(ip, cell)
    assert isinstance(result.error_in_exec, GroqnbError), result
    return result.error_in_exec
