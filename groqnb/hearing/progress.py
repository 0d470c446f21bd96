"""A bar for transcriptions that take their time."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

__all__ = ["Bar"]

_OFTEN = 0.5  # s between two paints while nothing happens
_PATIENCE = 2.0  # s: what is over before needs no bar


class Bar:
    """A bar of tqdm's, in seconds of audio; it comes into being after two seconds.

    A function in its place (`shown`) is told how many seconds are done, and of how many.

    ```python
    with Bar("talk.mp3", total=3600.0) as bar:
        bar.add(300.0)
    ```
    """

    def __init__(
        self,
        name: str,
        total: float | None,
        *,
        shown: bool | Callable[[float, float | None], None] = True,
    ) -> None:
        self._name, self._total, self._shown = name, total, shown is True
        self._listener = shown if callable(shown) else None
        self._began = time.monotonic()
        self._done = 0.0
        self._bar: Any = None
        self._told = 0.0

    def add(self, seconds: float) -> None:
        """So many seconds more are done."""
        self._done += seconds
        if self._total is not None and self._done > self._total:
            # The file said too little of itself; tqdm has no total for what is beyond it.
            self._total = self._done
            if self._bar is not None:
                self._bar.total = round(self._done, 1)
        if self._listener is not None:
            self._listener(self._done, self._total)
        if self._visible():
            self._bar.update(self._done - self._bar.n)

    def idle(self, waiting: float) -> None:
        """Nothing is done yet; for `waiting` seconds more the limits let nothing go."""
        if self._visible() and time.monotonic() - self._told > _OFTEN:
            self._told = time.monotonic()
            note = f"waiting {waiting:.0f} s for the rate limit" if waiting > 1 else ""
            self._bar.set_postfix_str(note, refresh=True)

    def _visible(self) -> bool:
        if self._bar is None and self._shown and time.monotonic() - self._began > _PATIENCE:
            with warnings.catch_warnings():
                # Without ipywidgets it is a bar of characters, which is a bar as well.
                warnings.simplefilter("ignore")
                from tqdm.auto import tqdm
            total = None if self._total is None else round(self._total, 1)
            self._bar = tqdm(
                desc=f"transcribing {self._name}",
                total=total,
                unit="s",
                leave=False,
                bar_format="{desc}: {percentage:3.0f}% |{bar}| {n:.0f}/{total:.0f} s "
                "[{elapsed}<{remaining}{postfix}]"
                if total
                else "{desc}: {n:.0f} s [{elapsed}{postfix}]",
            )
            self._bar.update(self._done)
        return self._bar is not None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
