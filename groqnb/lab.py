"""``groqnb lab``: JupyterLab, opened on a copy of the cookbook."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from groqnb.cookbook import FIRST, copy_to


def open_lab(folder: Path, *, browser: bool = True, more: Sequence[str] = ()) -> int:
    """Copy the cookbook to ``folder``, start JupyterLab there, and return its exit code.

    Example::

        from pathlib import Path
        from groqnb.lab import open_lab

        open_lab(Path("groqnb-cookbook"), browser=False)
    """
    if find_spec("jupyterlab") is None:
        print(
            'JupyterLab is not installed here. Install it: pip install "groqnb[lab]"',
            file=sys.stderr,
        )
        return 1
    try:
        copied = copy_to(folder)
    except OSError as error:
        print(f"Cannot write the cookbook to {folder}: {error.strerror}.", file=sys.stderr)
        return 1
    print(f"The cookbook is in {folder}: {len(copied.new)} new notebooks and files.", flush=True)
    if copied.kept:
        print(f"Left as they are, since they differ: {', '.join(copied.kept)}", flush=True)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.resolve()}"]
    # JupyterLab takes a path relative to its root as the page to open.
    command.append(f"--LabApp.default_url=/lab/tree/{FIRST}")
    if not browser:
        command.append("--no-browser")
    try:
        return subprocess.call([*command, *more])
    except KeyboardInterrupt:
        return 0
