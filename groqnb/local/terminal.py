"""Progress of a download in a terminal, and short errors: what `serve` and `setup` share."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from groqnb.local.download import size_in_words
from groqnb.local.errors import EngineError
from groqnb.local.process import Progress

__all__ = ["ProgressBar", "complain"]

_WIDTH = 30
_REPAINT_SECONDS = 0.1


class ProgressBar:
    """Call it with each Progress. In a terminal it paints a bar, elsewhere a line at each tenth.

    >>> import io
    >>> bar = ProgressBar(io.StringIO())
    >>> bar(Progress("weights", 5_000_000, 10_000_000))
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._painted = 0.0
        self._tenth = -1

    def __call__(self, progress: Progress) -> None:
        """Show `progress`."""
        share = progress.done / progress.total if progress.total else 1.0
        told = f"{size_in_words(progress.done)} of {size_in_words(progress.total)}"
        whole = progress.done >= progress.total
        if not self._stream.isatty():
            if int(share * 10) > self._tenth:
                self._tenth = int(share * 10)
                print(f"{progress.what}: {told}", file=self._stream, flush=True)
            return
        now = time.monotonic()
        if not whole and now - self._painted < _REPAINT_SECONDS:
            return
        self._painted = now
        bar = ("█" * round(share * _WIDTH)).ljust(_WIDTH, "░")
        end = "\n" if whole else ""
        print(f"\r{progress.what} {bar} {told}\x1b[K", end=end, file=self._stream, flush=True)


def complain(command: str, error: EngineError) -> None:
    """Print an error for people: one line, and one that says what to do."""
    print(f"{command}: {error}", file=sys.stderr)
    if error.hint:
        print(error.hint, file=sys.stderr)
