"""What the calls of this process came to, whichever client made them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from groqnb.ledger.costs import tokens_of

__all__ = ["Totals"]


@dataclass
class Totals:
    """Calls, tokens and US dollars since the kernel started. Safe with many threads.

    `cost` is in US dollars, of the calls whose price is known; `unpriced` counts those to the
    cloud whose price is not.

    ```python
    from groqnb.ledger.watch import watch

    watch.totals.tokens_in
    ```
    """

    calls: int = 0
    failed: int = 0
    interrupted: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    unpriced: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, event: Any, usd: float | None) -> None:
        """A call has ended, and cost `usd` US dollars where that is known."""
        kind = type(event).__name__
        usage = getattr(event, "usage", None)
        tokens = {} if usage is None else tokens_of(usage)
        answered = kind != "Failed" and bool(event.headers)
        with self._lock:
            self.calls += 1
            self.failed += kind == "Failed"
            self.interrupted += kind == "Interrupted"
            self.tokens_in += tokens.get("prompt_tokens") or 0
            self.tokens_out += tokens.get("completion_tokens") or 0
            self.cost += usd or 0.0
            self.unpriced += (
                answered and usd is None and event.target == "cloud" and bool(event.model)
            )
