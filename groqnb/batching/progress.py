"""How far the batches of a map are: bytes that go up, then rows that are done."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from groqnb.batching.shards import Shard

__all__ = ["Bar"]

_AFTER = 2.0  # s: what is over sooner needs no bar
_EVERY = 0.25  # s between two changes


class Bar:
    """One bar for all shards. `shown` None: once it takes longer than two seconds."""

    def __init__(self, shown: bool | None) -> None:
        self._shown = shown
        self._began = time.monotonic()
        self._told = float("-inf")
        self._bar: Any = None
        self._page: Any = None
        self.words = ""

    def sending(self, shards: Sequence[Shard], shard: Shard, done: int, total: int) -> None:
        """Bytes of a shard have gone out."""
        at = [one.id for one in shards].index(shard.id)
        before = sum(one.bytes for one in shards[:at])
        whole = max(sum(one.bytes for one in shards), total)
        sent = min(before + done, whole)
        self._show(
            f"sending file {at + 1} of {len(shards)}: {sent / 1e6:,.1f} of {whole / 1e6:,.1f} MB",
            sent,
            whole,
        )

    def watching(self, shards: Sequence[Shard], remark: str = "") -> None:
        """The batches were looked at."""
        total = sum(one.lines for one in shards)
        done = sum(one.completed for one in shards)
        failed = sum(one.failed for one in shards)
        words = [f"{done + failed:,} of {total:,} rows"]
        if failed:
            words.append(f"{failed:,} failed")
        words.append("; ".join(_state(one, len(shards) > 1) for one in shards[:6]))
        if len(shards) > 6:
            words.append(f"{len(shards) - 6} more batches")
        if remark:
            words.append(remark)
        self._show(", ".join(words), done + failed, total, always=True)

    def _show(self, words: str, done: int, total: int, *, always: bool = False) -> None:
        self.words = words
        now = time.monotonic()
        if self._shown is False or (now - self._told < _EVERY and not always):
            return
        if self._bar is None and self._page is None:
            if not self._shown and now - self._began < _AFTER:
                return
            self._open()
        self._told = now
        if self._page is not None:
            self._page.show(words, done, total)
        else:
            self._bar.total = max(total, 1)
            self._bar.n = done
            self._bar.set_description_str(words)

    def _open(self) -> None:
        from groqnb.render.bars import page_bar

        self._page = page_bar()
        if self._page is None:
            from tqdm.std import tqdm

            form = "{desc} |{bar}| {percentage:3.0f}% [{elapsed}]"
            self._bar = tqdm(total=1, leave=False, bar_format=form)

    def close(self) -> None:
        """Take the bar away; on the page, leave what it came to."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        if self._page is not None:
            self._page.finish(self.words)
            self._page = None


def _state(shard: Shard, several: bool) -> str:
    of = f" {shard.completed + shard.failed:,}/{shard.lines:,}" if several else ""
    return f"{shard.status or shard.state}{of}"
