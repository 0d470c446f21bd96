"""The progress bar of a map: rows, rate, time left, and what it has cost so far."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groqnb.mapping.lanes import Lane
    from groqnb.mapping.results import RowResult

__all__ = ["Progress"]

_AFTER = 2.0  # s: what is over sooner needs no bar
_EVERY = 0.5  # s between two changes of the words beside it


class Progress:
    """Shows how far a map is. `shown` None: once it takes longer than two seconds.

    The bar is tqdm's, in a notebook as a widget; it goes away at the end.

    Attributes:
        rows, failed, resumed: how many came out; without an answer; with one from disk.
        tokens: prompt and answer tokens of what was asked in this run.
        cost: US dollars; `unpriced` rows have no known price.
    """

    def __init__(self, total: int | None, *, shown: bool | None = None) -> None:
        self.rows = self.failed = self.resumed = self.tokens = self.answer_tokens = 0
        self.unpriced = 0
        self.cost = 0.0
        self.began = time.monotonic()
        self._told = self.began
        self._total = total
        self._shown = shown
        self._bar: Any = None

    def note(self, results: Iterable[RowResult], lanes: Iterable[Lane] = ()) -> None:
        """Take in rows that came out."""
        count = 0
        for result in results:
            count += 1
            self.failed += result.error is not None
            self.resumed += result.resumed
            self.tokens += result.prompt_tokens + result.completion_tokens
            self.answer_tokens += result.completion_tokens
            if result.cost is not None:
                self.cost += result.cost
            elif result.error is None:
                self.unpriced += 1
        self.rows += count
        if self._shown is False:
            return
        now = time.monotonic()
        if self._bar is None and (self._shown or now - self.began > _AFTER):
            from tqdm.auto import tqdm

            self._bar = tqdm(total=self._total, unit=" rows", leave=False, initial=0)
            self._bar.update(self.rows)
        elif self._bar is not None:
            self._bar.update(count)
        if self._bar is not None and now - self._told > _EVERY:
            self._told = now
            self._bar.set_postfix_str(self._words(now, lanes))

    def _words(self, now: float, lanes: Iterable[Lane]) -> str:
        spent = max(now - self.began, 1e-9)
        words = [f"{self.answer_tokens / spent:,.0f} tokens/s", self.price()]
        if self.failed:
            words.append(f"{self.failed} failed")
        waits = [lane.waits_for() for lane in lanes]
        if waits and min(waits) > 2:
            words.append(f"waiting {min(waits):.0f} s for the limit")
        return ", ".join(word for word in words if word)

    def price(self) -> str:
        """What it cost so far."""
        if self.unpriced:
            return f"${self.cost:.4f} and {self.unpriced} rows of unknown price"
        return f"${self.cost:.4f}"

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
