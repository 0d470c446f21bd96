"""The last error of a notebook, noted at the end of the cell that failed, for `%%groq --err`.

It is noted as text: neither frames nor what they hold are kept alive. What the magics refuse is no
error of the notebook's, and an interrupt is none at all. `%load_ext` runs this module, so it
imports nothing.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["counts", "register", "unregister"]

_EVENT = "post_run_cell"


def register(shell: Any) -> None:
    """Note the errors that end cells from now on."""
    shell.events.register(_EVENT, _seen)


def unregister(shell: Any) -> None:
    """Note none any more, and forget the last one."""
    if _seen in shell.events.callbacks[_EVENT]:
        shell.events.unregister(_EVENT, _seen)
    session = sys.modules.get("groqnb.session")
    if session is not None:
        session.session.failure = None


def counts(error: BaseException) -> bool:
    """False for an interrupt, and for what a magic has told in a line or two."""
    if isinstance(error, (KeyboardInterrupt, SystemExit)) or type(error).__name__ == "UsageError":
        return False
    return "_render_traceback_" not in getattr(error, "__dict__", {})


def _seen(result: Any) -> None:
    error = getattr(result, "error_before_exec", None) or getattr(result, "error_in_exec", None)
    if error is None or not counts(error):
        return
    from groqnb.context.error import failure_of
    from groqnb.render.stream import current_shell
    from groqnb.session import session

    source = getattr(getattr(result, "info", None), "raw_cell", "") or ""
    session.failure = failure_of(current_shell(), error, source)
