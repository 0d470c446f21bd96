"""What batches cost: told and asked for before, in the ledger once, the budget set right after."""

from __future__ import annotations

from typing import Any

import httpx
import pandas as pd
import pytest
from map_batch_server import KEY, BatchServer
from map_batch_server import TYPED_MODEL as MODEL

import groqnb
from groqnb.catalog.cost import cost
from groqnb.types.errors import BudgetError

FRAME = pd.DataFrame({"n": [1, 2, 3]})
USED = {"prompt_tokens": 100, "completion_tokens": 10}  # of each line, as the server says


def cloud(server: BatchServer) -> groqnb.Groq:
    """A client for the cloud whose network leads to the server of the test."""

    port = httpx.URL(server.url).port

    def forward(request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=port)
        headers = {"content-type": request.headers.get("content-type", "")}
        with httpx.Client(trust_env=False) as through:
            reply = through.request(
                request.method, url, content=request.read(), headers=headers, timeout=30
            )
        return httpx.Response(reply.status_code, content=reply.content)

    return groqnb.Groq(api_key=KEY, transport=httpx.MockTransport(forward))


def options(server: BatchServer, **more: Any) -> dict[str, Any]:
    return {
        "model": MODEL,
        "client": cloud(server),
        "tier": "batch",
        "progress": False,
        "max_completion_tokens": 50,
        **more,
    }


def half(rows: int) -> float:
    """What so many lines cost at half the price."""
    single = cost(MODEL, **USED)
    batch = cost(MODEL, batch=True, **USED)
    assert single is not None
    assert batch is not None
    assert batch.usd == pytest.approx(single.usd / 2)
    return rows * batch.usd


def billed() -> pd.DataFrame:
    """The ledger's rows that cost something."""
    usage = groqnb.usage()
    return usage[usage["cost"] > 0]


def test_the_price_is_half_and_in_the_ledger_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Tokens of all lines at half the price; running the cell again adds nothing."""
    with BatchServer() as server:
        FRAME.groq.map("row {n}", **options(server))
        assert "for about $0.0000" in capsys.readouterr().out
        FRAME.groq.map("row {n}", **options(server))
        table = groqnb.map("row {}", [1, 2, 3], **options(server)).to_frame()
    rows = billed()
    assert rows["cost"].sum() == pytest.approx(half(3))
    assert rows["prompt_tokens"].sum() == 300
    assert list(table["answer"]) == ["re: row 1", "re: row 2", "re: row 3"]


def test_rows_tell_what_they_took() -> None:
    """Each row has its own tokens and cost; a double cost nothing."""
    with BatchServer() as server:
        table = groqnb.map("row {}", [1, 2, 1], **options(server)).to_frame()
    assert list(table["cost"]) == pytest.approx([half(1), half(1), 0.0])
    assert list(table["prompt_tokens"]) == [100, 100, 0]
    assert list(table["resumed"]) == [False, False, True]


def test_lines_that_failed_are_not_paid_for() -> None:
    """What has no answer used nothing; what did not fit was paid for all the same."""
    with BatchServer(lambda line: 500) as server, pytest.warns(groqnb.RowsFailed):
        FRAME.groq.map("row {n}", **options(server))
    assert billed().empty
    with BatchServer(lambda line: "?") as server, pytest.warns(groqnb.RowsFailed):
        FRAME.groq.classify(["a", "b"], from_="n", **options(server))
    assert billed()["cost"].sum() == pytest.approx(half(3))


def test_a_budget_is_asked_before_anything_is_sent() -> None:
    """With too little left nothing is uploaded, and no request stays on the disk."""
    with BatchServer() as server:
        groqnb.budget(1e-6)
        with pytest.raises(BudgetError, match="this batch of 3 requests"):
            FRAME.groq.map("row {n}", **options(server))
        assert server.requests == []
        groqnb.budget(1.0)
        out = FRAME.groq.map("row {n}", **options(server))
    assert out["answer"].notna().all()


def test_the_estimate_counts_until_the_cost_is_known() -> None:
    """A batch that runs is counted at its estimate, one that is collected at its cost."""
    with BatchServer() as server:
        server.looks = 3
        budget = groqnb.budget(1.0)
        before = budget.spent
        FRAME.groq.map("row {n}", **options(server, wait=False))
        assert budget.spent - before > half(3)  # 50 tokens of an answer each, and not 10
        FRAME.groq.map("row {n}", **options(server))
        assert budget.spent - before == pytest.approx(half(3))
        assert budget.held == 0
        FRAME.groq.map("row {n}", **options(server))
        assert budget.spent - before == pytest.approx(half(3))


def test_a_batch_that_was_started_without_a_budget_counts_when_it_is_collected() -> None:
    """What another kernel started is spent where its results are read."""
    with BatchServer() as server:
        server.looks = 2
        FRAME.groq.map("row {n}", **options(server, wait=False))
        budget = groqnb.budget(1.0)
        before = budget.spent
        FRAME.groq.map("row {n}", **options(server))
        assert budget.spent - before == pytest.approx(half(3))


def test_a_strict_budget_refuses_a_batch_of_unknown_price() -> None:
    with BatchServer() as server:
        groqnb.budget(1.0, strict=True)
        client = server.client()  # an address of the user's own has no known prices
        with pytest.raises(BudgetError, match="strict"):
            FRAME.groq.map("row {n}", **options(server, client=client))
        assert server.requests == []
