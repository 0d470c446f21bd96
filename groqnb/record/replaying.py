"""`groqnb.replay`: switching a record on and off."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, get_args

from groqnb.ledger.place import here
from groqnb.record.tape import Mode, Tape
from groqnb.types.errors import ParameterError
from groqnb.wire import tap

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Replay", "current_tape", "replay", "switch_off"]

SUFFIX = ".replay.json"
_lock = threading.Lock()


class Replay:
    """A record that is switched on, until `close` or the end of a `with` block.

    Attributes:
        tape: what the calls go through.
    """

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        with _lock:
            self._before = tap.current
            tap.current = tape

    @property
    def path(self) -> Path:
        """Its file."""
        return self.tape.path

    @property
    def mode(self) -> Mode:
        """ "auto", "strict" or "record"."""
        return self.tape.mode

    @property
    def replayed(self) -> int:
        """How many requests were answered from it."""
        return self.tape.replayed

    @property
    def added(self) -> int:
        """How many exchanges were added to it."""
        return self.tape.added

    @property
    def size(self) -> int:
        """How many it holds."""
        return self.tape.size

    @property
    def unused(self) -> int:
        """How many of them nobody asked for yet."""
        return self.tape.unused

    def close(self) -> None:
        """Switches it off; what was on before is on again."""
        with _lock:
            if tap.current is self.tape:
                before = self._before
                # What was switched off meanwhile stays off.
                ended = isinstance(before, Tape) and before.closed
                tap.current = None if ended else before
        self.tape.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return (
            f"<Replay of {self.tape.name}, mode {self.mode}: holds {self.size}, "
            f"{self.replayed} replayed, {self.added} added>"
        )


def replay(
    path: str | os.PathLike[str] | None = None,
    mode: Mode = "auto",
    *,
    timing: bool = False,
) -> Replay:
    """Keep what is asked and answered in a file, and answer from it the next time.

    From here on, until `close()` or the end of a `with` block, the calls of every client in this
    process go through the record: a known request is answered from the file, with no network, no
    key and no cost, streams event by event. The file lies beside the notebook, is made to be read
    and compared, and holds no key or other secret. Several kernels may use one at once.

    Rows of a map, parts of a transcript or a speech that were kept on disk before it was switched
    on are not taken from there: what the record does not have is asked once more, at its price.

    Args:
        path: the file; by default the notebook's name with the ending `.replay.json`.
        mode: "auto" makes unknown requests and keeps them; of failures it keeps those that would
            come again, such as 400. "strict" raises ReplayError for an unknown request, which is
            what tests want. "record" makes every request anew and keeps it, failures too.
        timing: True takes as long as the recorded replies took, in seconds.

    Raises ReplayError for a file that is no record or cannot be read, ParameterError for another
    mode, and where the notebook's name is not known and no path is given.

    ```python
    with groqnb.replay("demo.replay.json"):
        client.chat.completions.create(model=m, messages=q)  # asks once, ever
    ```
    """
    if mode not in get_args(Mode):
        from difflib import get_close_matches

        near = get_close_matches(str(mode), get_args(Mode), n=1)
        guess = f"Did you mean {near[0]!r}? " if near else ""
        raise ParameterError(
            f"mode is {mode!r}.", hint=f"{guess}It is 'auto', 'strict' or 'record'."
        )
    return Replay(Tape(_place(path), mode, timing=timing))


def _place(path: str | os.PathLike[str] | None) -> Path:
    if path is None:
        name, _ = here()
        if name is None:
            raise ParameterError(
                "The notebook's name is not known here.",
                hint="Name the record's file: groqnb.replay('demo.replay.json').",
            )
        path = name.removesuffix(".ipynb") + SUFFIX
    place = Path(os.path.expanduser(path)).absolute()
    if place.is_dir():
        raise ParameterError(f"{os.fspath(path)} is a folder.", hint="Name a file in it.")
    return place


def current_tape() -> Tape | None:
    """The record that is switched on, or None."""
    tape = tap.current
    return tape if isinstance(tape, Tape) else None


def switch_off() -> Tape | None:
    """Switches off whatever is on; it, or None."""
    with _lock:
        tape = current_tape()
        tap.current = None
    if tape is not None:
        tape.close()
    return tape
