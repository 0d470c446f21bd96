"""An answer on its way to a widget: what changed since the last time, part by part.

Text and reasoning grow at their ends: of these only the blocks that are new go out, and the one
that still changes. The other parts are small and go out whole when they changed.
"""

from __future__ import annotations

from groqnb.render.html import Markup
from groqnb.render.message import LiveView
from groqnb.types.answer import Answer

__all__ = ["Change", "Growing", "finished"]

Change = dict[str, str]
"""What happens to one part: `set`, all of it; or `add`, put after the rest, and `tail`, its end."""


class Growing:
    """The changes of an answer while it streams.

    ```python
    growing = Growing()
    growing.changes(builder.build(complete=False))  # {"text": {"add": "", "tail": "<p>Hel</p>"}}
    growing.changes(builder.build(complete=False))  # {"text": {"add": "", "tail": "<p>Hello</p>"}}
    ```
    """

    def __init__(self) -> None:
        self._view = LiveView()
        self._sent: dict[str, str] = {}
        self._added: dict[str, int] = {}

    def changes(self, answer: Answer) -> dict[str, Change]:
        """What to change on a page that shows what was given before."""
        slots = self._view.slots(answer)
        closed = self._view.closed
        found = {}
        for name, html in slots.items():
            whole = html or ""
            if whole == self._sent.get(name, ""):
                continue
            self._sent[name] = whole
            found[name] = self._change(name, whole, closed.get(name))
        return found

    def so_far(self) -> dict[str, Change]:
        """The same for a page that shows nothing yet."""
        found = {}
        for name, whole in self._sent.items():
            if whole:
                end = self._added.get(name, len(whole))
                found[name] = {"set": whole[:end], "tail": whole[end:]}
        return found

    def _change(self, name: str, whole: str, closed: Markup | None) -> Change:
        added = self._added.get(name, 0)
        if closed is None or not whole.startswith(closed):
            self._added.pop(name, None)
            return {"set": whole}
        self._added[name] = len(closed)
        if not added:  # what stood there may have been something else
            return {"set": str(closed), "tail": whole[len(closed) :]}
        return {"add": str(closed[added:]), "tail": whole[len(closed) :]}


def finished(answer: Answer, note: str | None = None) -> dict[str, Markup]:
    """The parts of a finished answer, with the footer in "foot"; empty ones are left out."""
    view = LiveView()
    slots = {**view.slots(answer, complete=True), "foot": view.foot(answer, note)}
    return {name: html for name, html in slots.items() if html}
