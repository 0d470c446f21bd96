"""In which notebook and cell a call is made, where the front end tells it."""

from __future__ import annotations

import os
import sys
from typing import Any

__all__ = ["here", "running_cell"]


def here() -> tuple[str | None, int | None]:
    """The notebook's file name and the number of the cell's execution; None where unknown.

    Jupyter's server names the notebook in JPY_SESSION_NAME, VS Code in a variable of the kernel's
    names. A program without IPython has neither, and IPython is not imported to find that out.
    """
    module = sys.modules.get("IPython.core.getipython")
    shell: Any = module.get_ipython() if module is not None else None
    if shell is None:
        return None, None
    path = getattr(shell, "user_ns", {}).get("__vsc_ipynb_file__") or os.environ.get(
        "JPY_SESSION_NAME"
    )
    name = os.path.basename(str(path)) if path else None
    # Jupyter names a console's session by a random id, which is no file.
    if name is not None and not name.endswith(".ipynb"):
        name = None
    return name, running_cell(shell)


def running_cell(shell: Any) -> int | None:
    """The number of the execution that runs, as the page has it; None where unknown.

    IPython 9.18 counts on when a cell begins, those before when it has ended. The result of the
    cell that runs has its number either way.
    """
    result = getattr(getattr(shell, "displayhook", None), "exec_result", None)
    for holder in (result, shell):
        count = getattr(holder, "execution_count", None)
        if isinstance(count, int):
            return count
    return None
