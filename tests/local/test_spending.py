"""What was spent, by the catalogue's prices; and the limit."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from groqnb import catalog
from groqnb.local import spending as module
from groqnb.local.quota import Quota
from groqnb.local.refusal import Refusal
from groqnb.local.spending import Spending, cost
from groqnb.local.store import Store

MODEL = catalog.find("llama-3.3-70b-versatile")  # 0.59 and 0.79 USD per 1M tokens


async def settle(spending: Spending) -> None:
    while spending._writing is not None and not spending._writing.done():
        await asyncio.sleep(0.005)


def test_prompt_and_answer_have_their_own_prices() -> None:
    """Per million tokens; what has no price costs nothing."""
    assert cost(MODEL, prompt=1_000_000, completion=2_000_000) == pytest.approx(0.59 + 1.58)
    assert cost(catalog.find("moonshotai/kimi-k2-instruct-0905"), prompt=10**9) == 0
    assert cost(None, prompt=10**9) == 0


def test_past_the_limit_the_next_request_is_blocked(tmp_path: Path) -> None:
    """The one that crossed it is answered whole: a 400 `blocked_api_access` after that."""

    async def main() -> None:
        store = Store(tmp_path)
        spending = Spending(store, 1.0)
        await spending.open()
        quota = Quota(enforced=False, spending=spending)
        quota.admit(MODEL, 1_000_000)
        quota.spent(MODEL, 1_000_000)
        with pytest.raises(Refusal) as caught:
            quota.admit(MODEL, 1)
        assert (caught.value.status, caught.value.code) == (400, "blocked_api_access")
        with pytest.raises(Refusal):
            quota.check_spending()
        await settle(spending)
        store.close()

    asyncio.run(main())


def test_spending_is_shared_and_survives(tmp_path: Path) -> None:
    """Two engines on a folder have one purse; a third finds what they spent. Batches cost half."""

    async def main() -> None:
        stores = [Store(tmp_path), Store(tmp_path), Store(tmp_path)]
        one, two = Spending(stores[0], 10), Spending(stores[1], 10)
        for each in (one, two):
            await each.open()
            Quota(enforced=False, spending=each).admit(MODEL, 1_000_000)
        Quota(enforced=False, spending=one).for_batches().admit(MODEL, 1_000_000)
        for each in (one, two):
            await settle(each)
        three = Spending(stores[2], 10)
        await three.open()
        assert three.usd == pytest.approx(2.5 * 0.59)
        for store in stores:
            store.close()

    asyncio.run(main())


def test_a_new_month_begins_with_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the 1st, without a restart."""
    month = "2026-01"
    monkeypatch.setattr(module, "_month", lambda: month)

    async def main() -> None:
        nonlocal month
        store = Store(tmp_path)
        spending = Spending(store, 1.0)
        await spending.open()
        spending.charge(5)
        await settle(spending)
        with pytest.raises(Refusal):
            spending.check()
        month = "2026-02"
        spending.check()
        assert spending.usd == 0
        await settle(spending)
        store.close()

    asyncio.run(main())
