"""Many rows, one question: asked at once, inside the limits, each answer on disk when it is there.

How a row goes: `template` makes its prompt; `run` (the caller's thread) looks whether `journal`
has its answer already, and hands it to `engine` (an event loop in a thread of its own). There
`lanes` say when it may go out, `width` how many may be under way, and the client's wire sends it.
`keeper` (a third thread) writes answers down in groups, and only then they count as finished.
"""

from __future__ import annotations

__all__: list[str] = []
