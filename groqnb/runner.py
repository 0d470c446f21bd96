"""``groqnb run``: a notebook from top to bottom without a browser, its outputs printed."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def run_notebook(path: Path, *, output: Path | None = None, timeout: float = 600) -> int:
    """Run the notebook in a fresh kernel and print what each cell shows.

    The file itself stays as it is; ``output`` names a file for the notebook with its outputs.
    ``timeout`` is in seconds for one cell. Returns 0, or 1 when a cell failed.

    Example::

        from pathlib import Path
        from groqnb.runner import run_notebook

        run_notebook(Path("notebooks/00_start.ipynb"))
    """
    if find_spec("nbclient") is None or find_spec("ipykernel") is None:
        return _fail('Running notebooks needs an extra: pip install "groqnb[lab]"')
    if not path.is_file():
        return _fail(f"There is no notebook {path}.")
    if output is not None and (output.is_dir() or not output.resolve().parent.is_dir()):
        # Told before an hour's work, not behind it.
        return _fail(
            f"{output} cannot be written: it is a folder, or is to go into one that is not there."
        )

    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    # Its functions have no types.
    nbformat: Any = import_module("nbformat")
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # noqa: BLE001 - nbformat raises many kinds for a broken file
        return _fail(f"{path} is not a notebook: {error}")

    begun = 0

    def count(cell: Any, cell_index: int, **_: Any) -> None:
        nonlocal begun
        begun += 1

    def show(cell: Any, cell_index: int, **_: Any) -> None:
        if cell.cell_type == "code":
            for item in cell.outputs:
                text = _as_text(item)
                if text:
                    print(text, flush=True)

    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name=notebook.metadata.get("kernelspec", {}).get("name", "python3"),
        resources={"metadata": {"path": str(path.resolve().parent)}},
        store_widget_state=False,
        # A kernel on loopback warns of its own transport, and one that is ended in the middle of a
        # cell tells of its socket: that is no news to whoever runs this.
        extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
        on_cell_execute=count,
        on_cell_executed=show,
    )
    code = 0
    try:
        # As Jupyter's server does, so that a cell can know which notebook it is in.
        with _interrupts_as_before():
            client.execute(env={**os.environ, "JPY_SESSION_NAME": str(path.resolve())})
    except CellExecutionError as error:
        code = _fail(f"Cell [{begun}] of {path} failed: {error.ename}: {error.evalue}")
    except CellTimeoutError:
        code = _fail(f"Cell [{begun}] of {path} took longer than {timeout:g} s; see --timeout.")
    except DeadKernelError:
        code = _fail(f"The kernel died in cell [{begun}] of {path}.")
    except NoSuchKernel as error:
        code = _fail(
            f"{path} is written for the kernel {error.name!r}, which is not installed here."
        )
    except KeyboardInterrupt:
        code = _fail("Stopped.")
    if output is not None:
        try:
            nbformat.write(notebook, output)
        except OSError as error:
            code = _fail(f"{output} cannot be written: {error.strerror}.")
    return code


@contextmanager
def _interrupts_as_before() -> Iterator[None]:
    """nbclient takes Ctrl-C for its kernel, and keeps it where that does not start."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread() and before is not None:
            signal.signal(signal.SIGINT, before)


def _as_text(item: Any) -> str:
    if item.output_type == "stream":
        return str(item.text).rstrip("\n")
    if item.output_type == "error":
        return ""
    return str(item.get("data", {}).get("text/plain", "")).rstrip("\n")


def _fail(message: str) -> int:
    print(_ANSI.sub("", message), file=sys.stderr)
    return 1
