"""How a cell ends that a person stopped: quietly, and as one that did not succeed.

What had come is shown and kept, so there is nothing to add on the page. Yet a stop means all that
was to follow, too: the rest of the cell (a loop around `%groq ask`) and the cells that Run All has
waiting. Jupyter drops those after a cell that failed, so a stopped one fails, without a traceback.
"""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["Stopped", "stop"]


class Stopped(KeyboardInterrupt):
    """A person stopped an answer; it is in `_groq` as far as it had come."""

    def _render_traceback_(self) -> list[str]:
        # For shells that do not ask the handler below.
        return [f"Stopped: {self}"]


def stop(shell: Any) -> NoReturn:
    """End the cell as stopped. Raises Stopped, which the shell does not show."""
    earlier = shell.custom_exceptions, shell.CustomTB

    def quiet(*_: Any, **__: Any) -> None:
        return None

    def restore(*_: Any) -> None:
        shell.custom_exceptions, shell.CustomTB = earlier
        shell.events.unregister("post_run_cell", restore)

    shell.set_custom_exc((Stopped,), quiet)
    shell.events.register("post_run_cell", restore)
    raise Stopped("what had come is in _groq, and %groq continue goes on.")
