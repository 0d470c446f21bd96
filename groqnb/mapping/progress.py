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

    In a terminal the bar is tqdm's and goes away at the end; in a notebook it is a display of ours
    with tqdm's words, which ends as a line that a saved notebook can keep.

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
        self._page: Any = None

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
            elif result.text is not None:  # where nothing was asked, nothing has a price
                self.unpriced += 1
        self.rows += count
        if self._shown is False:
            return
        now = time.monotonic()
        if self._bar is None and self._page is None:
            if not self._shown and now - self.began < _AFTER:
                return
            self._open()
        elif self._bar is not None:
            self._bar.update(count)
        if now - self._told > _EVERY:
            self._told = now
            self._tell(now, lanes)

    def _open(self) -> None:
        from groqnb.render.bars import page_bar

        self._page = page_bar()
        self._told = float("-inf")
        if self._page is None:
            from tqdm.std import tqdm

            self._bar = tqdm(total=self._total, unit=" rows", leave=False)
            self._bar.update(self.rows)

    def _tell(self, now: float, lanes: Iterable[Lane]) -> None:
        words = self._words(now, lanes)
        if self._bar is not None:
            self._bar.set_postfix_str(words)
            return
        from tqdm.std import tqdm

        meter = tqdm.format_meter(
            self.rows,
            self._total,  # type: ignore[arg-type,unused-ignore]
            now - self.began,
            unit=" rows",
            postfix=words,
            bar_format="{n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"
            if self._total
            else None,
        )
        self._page.show(meter, self.rows, self._total)

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
        if self.unpriced and not self.cost:
            return "price unknown"
        if self.unpriced:
            return f"${self.cost:.4f} and {self.unpriced} rows of unknown price"
        return f"${self.cost:.4f}"

    def close(self) -> None:
        """Take the bar away; on the page, leave what it came to."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        if self._page is not None:
            words = [f"{self.rows:,} rows", self.price() if self.cost or self.unpriced else ""]
            if self.failed:
                words.append(f"{self.failed:,} without an answer")
            self._page.finish(", ".join(word for word in words if word))
            self._page = None
