"""``groqnb lab``: JupyterLab, opened on the gallery of a copy of the cookbook."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from groqnb.cookbook import GALLERY, Copied, copy_to

# Settings of JupyterLab that hold for this start alone, below the user's own: Markdown opens as a
# page, and no question about Jupyter's news covers it.
_CONFIG = Path(__file__).resolve().parent / "lab_config"


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
        print(f"Cannot write the cookbook to {folder}: {error.strerror or error}", file=sys.stderr)
        return 1
    print(told(copied), flush=True)
    trust(copied)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.resolve()}"]
    # JupyterLab takes a path relative to its root as the page to open.
    command.append(f"--LabApp.default_url=/lab/tree/{GALLERY}")
    if not browser:
        command.append("--no-browser")
    others = os.environ.get("JUPYTER_CONFIG_PATH")
    paths = os.pathsep.join([str(_CONFIG), *([others] if others else [])])
    try:
        return subprocess.call([*command, *more], env={**os.environ, "JUPYTER_CONFIG_PATH": paths})
    except KeyboardInterrupt:
        return 0


def trust(copied: Copied) -> None:
    """Sign the notebooks that are as the cookbook has them, so that Lab shows their outputs whole.

    In a notebook that is not signed, Lab takes the styles out of what cells show. Those that the
    user changed are the user's to trust.

    Example::

        from pathlib import Path
        from groqnb.cookbook import copy_to
        from groqnb.lab import trust

        trust(copy_to(Path("groqnb-cookbook")))
    """
    nbformat: Any = import_module("nbformat")
    notary = import_module("nbformat.sign").NotebookNotary()
    for name in (*copied.new, *copied.updated, *copied.same):
        if name.endswith(".ipynb"):
            with suppress(OSError, ValueError):  # it opens all the same
                notary.sign(nbformat.read(copied.folder / name, as_version=4))
    notary.store.close()


def told(copied: Copied) -> str:
    """What was copied and what was left, in a few lines.

    Example::

        from pathlib import Path
        from groqnb.cookbook import copy_to
        from groqnb.lab import told

        print(told(copy_to(Path("groqnb-cookbook"))))
    """
    lines = [f"The cookbook is in {copied.folder}; begin with {GALLERY}."]
    if copied.same and not (copied.new or copied.updated):
        lines.append("  Nothing to bring up to date.")
    for what, names in (("New", copied.new), ("Updated", copied.updated)):
        if names:
            lines.append(f"  {what}: {_few(names)}")
    if copied.kept:
        lines.append(f"  Kept as yours: {_few(copied.kept)}")
    if copied.newer:
        lines.append(f"  Of these the cookbook has newer ones: {_few(copied.newer)}")
        lines.append("  Rename yours and start again to get them beside it.")
    return "\n".join(lines)


def _few(names: Sequence[str]) -> str:
    if len(names) <= 5:
        return ", ".join(names)
    return f"{', '.join(names[:3])} and {len(names) - 3} more"
