"""What was spent this month by the catalogue's prices, and a limit for it.

Docs: "Spend Limits": past the limit every request gets a 400 with the code `blocked_api_access`;
what runs is finished; on the 1st of a month (UTC) it begins again. The cloud's figures lag 10 to
15 minutes, these do not. The engines of one data folder share the figure, and it survives them.
A model without a price in the catalogue costs nothing here, and so does one that is answered
while no limit is set: only then is anything counted.
"""

from __future__ import annotations

import asyncio
import math
import sys
import time
from typing import TYPE_CHECKING

from groqnb.catalog import ModelInfo
from groqnb.local.refusal import Refusal
from groqnb.local.store import Store

if TYPE_CHECKING:
    from sqlite3 import Connection

__all__ = ["Spending", "cost"]

# Docs: "Speech to Text", "Minimum Billed Length".
_LEAST_SECONDS = 10

_REFRESH_SECONDS = 1.0


def _amount(usd: float) -> str:
    """Dollars for people: cents, and of what is less than a cent the first two digits."""
    if usd >= 0.01 or usd <= 0:
        return f"{usd:.2f}"
    return f"{usd:.{1 - math.floor(math.log10(usd))}f}"


def cost(
    model: ModelInfo | None,
    *,
    prompt: int = 0,
    completion: int = 0,
    audio_seconds: float = 0,
    characters: int = 0,
) -> float:
    """US dollars for so many tokens, seconds heard, characters spoken; 0 without a price.

    Any audio costs as much as 10 seconds of it.

    >>> from groqnb import catalog
    >>> cost(catalog.find("llama-3.3-70b-versatile"), prompt=1_000_000)
    0.59
    """
    price = None if model is None else model.price
    if price is None:
        return 0.0
    heard = max(_LEAST_SECONDS, audio_seconds) / 3600 if audio_seconds else 0.0
    return (
        (price.input or 0.0) * prompt
        + (price.output or 0.0) * completion
        + (price.per_million_characters or 0.0) * characters
    ) / 1e6 + (price.per_audio_hour or 0.0) * heard


class Spending:
    """The month's spending against `limit` (USD). `open` reads what was spent before."""

    def __init__(self, store: Store, limit: float) -> None:
        self.limit = limit
        self._store = store
        self._month = _month()
        self._usd = 0.0
        self._pending = 0.0
        self._read_at = 0.0
        self._writing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Read what was spent. Raises a 503 when the data folder cannot be used."""
        await self._write()

    @property
    def usd(self) -> float:
        """What was spent this month, as far as this engine knows."""
        if self._month != _month():
            self._month, self._usd = _month(), 0.0
        return self._usd + self._pending

    def charge(self, usd: float) -> None:
        """Count `usd`. It is on disk a moment later."""
        if usd > 0:
            self._pending += usd
            self._sync()

    def check(self) -> None:
        """Raise the 400 when the limit is reached."""
        if time.monotonic() - self._read_at > _REFRESH_SECONDS:
            # Other engines spend too; the next request will know.
            self._sync()
        if self.usd >= self.limit:
            raise Refusal(
                400,
                f"The spend limit of {_amount(self.limit)} USD a month is reached "
                f"({_amount(self.usd)} USD by the catalogue's prices). It begins again on the 1st; "
                "a higher --spend-limit opens the engine before.",
                code="blocked_api_access",
            )

    def _sync(self) -> None:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._keep())

    async def _keep(self) -> None:
        try:
            await self._write()
            while self._pending:
                await self._write()
        except Refusal as refusal:
            # It is still counted in memory.
            print(f"spending: {refusal.message}", file=sys.stderr)

    async def _write(self) -> None:
        month, usd = _month(), self._pending

        def work(db: Connection) -> float:
            db.execute("INSERT OR IGNORE INTO spending (month, usd) VALUES (?, 0)", [month])
            db.execute("UPDATE spending SET usd = usd + ? WHERE month = ?", [usd, month])
            total: float = db.execute(
                "SELECT usd FROM spending WHERE month = ?", [month]
            ).fetchone()[0]
            return total

        total = await self._store.write(work)
        self._pending -= usd
        self._month, self._usd = month, total
        self._read_at = time.monotonic()


def _month() -> str:
    return time.strftime("%Y-%m", time.gmtime())
