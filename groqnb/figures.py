"""The last matplotlib figure of a notebook, for `%%groq --fig`.

The inline backend closes its figures when a cell ends, so pyplot knows nothing of them in the
next cell. But whatever shows a figure asks IPython's formatters about it, which are registered by
the name of a type: ours sees the figure, adds nothing, and costs nothing while there is no
matplotlib.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["last", "register", "unregister"]

_TYPE = ("matplotlib.figure", "Figure")


def register(shell: Any) -> None:
    """Remember the figures that `shell` shows from now on; the last one is kept in memory."""
    shell.display_formatter.mimebundle_formatter.for_type_by_name(*_TYPE, _seen)


def unregister(shell: Any) -> None:
    """Take away what `register` put there, and forget the figure."""
    formatter = shell.display_formatter.mimebundle_formatter
    if formatter.deferred_printers.get(_TYPE) is _seen:
        del formatter.deferred_printers[_TYPE]
    for kind, printer in list(formatter.type_printers.items()):
        if printer is _seen:
            del formatter.type_printers[kind]
    session = sys.modules.get("groqnb.session")
    if session is not None:
        session.session.figure = None


def last() -> Any:
    """The figure that pyplot has open, else the one that was shown last; None without any.

    ```python
    to_part(figures.last())
    ```
    """
    from groqnb.session import session

    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and pyplot.get_fignums():
        return pyplot.gcf()
    return session.figure


def _seen(figure: Any) -> dict[str, str]:
    from groqnb.session import session

    session.figure = figure
    return {}
