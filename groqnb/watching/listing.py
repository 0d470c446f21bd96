"""`groqnb.batches()`: the batches on the server, as a DataFrame. Docs: API Reference, Batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from groqnb.ledger.batch_rows import known_costs
from groqnb.types.batches import BatchCard
from groqnb.types.errors import ParameterError
from groqnb.watching.choosing import the_client
from groqnb.watching.rows import checked_statuses, frame_of

if TYPE_CHECKING:
    import pandas as pd

    from groqnb.client import Groq

__all__ = ["batches", "costs_of"]


def batches(
    status: str | Sequence[str] | None = None,
    *,
    limit: int | None = None,
    client: Groq | None = None,
) -> pd.DataFrame:
    """The batches on the server, one row each, the newest first; all pages of the list.

    Columns are named as the API names them: `id`, `status`; of the requests `total`, `completed`
    and `failed`; `created_at`, `in_progress_at` and `expires_at` in UTC; the ids of the files,
    `endpoint`, `completion_window`, `metadata`; `errors` are the texts of the file's errors. Of our
    own are `ended_at`, when it was completed or came to another end; `seconds` from its creation to
    that; and `cost` in US dollars: 0 for the local engine, else what its results used, once they
    were read with `BatchMonitor.results`, and NaN before.

    Args:
        status: "in_progress", "completed" …, or several; all by default.
        limit: how many rows at most; the newest ones.
        client: whose server is asked; the session's by default.

    Raises ParameterError for an unknown status or a limit below 1, and what a call raises.

    ```python
    groqnb.batches()
    groqnb.batches("in_progress")[["id", "completed", "total", "expires_at"]]
    groqnb.batches(["failed", "expired"], limit=10)
    ```

    Docs: API Reference, List batches.
    """
    wanted = checked_statuses(status)
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise ParameterError(f"limit is {limit!r}; it is a whole number from 1.")
    client = the_client(client)
    found = [one for one in client.batches.list() if wanted is None or one.status in wanted]
    # Lists come with the newest first, which nobody promises.
    found.sort(key=lambda one: one.created_at or 0, reverse=True)
    found = found[:limit]
    return frame_of(found, costs_of(found, client.target.kind))


def costs_of(found: Sequence[BatchCard], where: str) -> Mapping[str, float]:
    """US dollars by id, where they are known; `where` is the target's kind."""
    if where == "local":
        return {one.id: 0.0 for one in found}
    first = min((one.created_at or 0 for one in found), default=None)
    return {} if first is None else known_costs(first)
