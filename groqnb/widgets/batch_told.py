"""What a monitor tells the page of batches, and what of it is saved with the notebook."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

from groqnb.render.batches import BatchLine
from groqnb.types.batches import BatchCard
from groqnb.watching.following import Follower
from groqnb.watching.rows import ended_at, name_of, problem_texts

__all__ = ["lines_of", "told"]

_MOST_SHOWN = 50


def told(follower: Follower, cancelling: Collection[str], trouble: str) -> dict[str, Any]:
    """The state of the widget; moments are in seconds since 1970, by the kernel's clock `now`."""
    batches = follower.batches
    shown: list[dict[str, Any]] = [
        _card(one, follower, one.id in cancelling) for one in batches[:_MOST_SHOWN]
    ]
    had = {one.id for one in batches}
    for batch_id in follower.ids:
        if batch_id not in had and len(shown) < _MOST_SHOWN:
            status = "unknown" if batch_id in follower.missing else "asking"
            shown.append({"id": batch_id, "name": "", "status": status, "problems": []})
    return {
        "batches": shown,
        "hidden": max(len(follower.ids) - len(shown), 0),
        "now": time.time(),
        "looked_at": follower.looked_at,
        "next_at": follower.next_at,
        "running": follower.running,
        "trouble": trouble,
    }


def _card(batch: BatchCard, follower: Follower, cancelling: bool) -> dict[str, Any]:
    counts = batch.request_counts
    left = follower.left(batch)
    return {
        "id": batch.id,
        "name": name_of(batch),
        "status": batch.status,
        "endpoint": batch.endpoint,
        "ended": batch.ended,
        "total": counts.total if counts else 0,
        "completed": counts.completed if counts else 0,
        "failed": counts.failed if counts else 0,
        "created_at": batch.created_at,
        "ended_at": ended_at(batch),
        "expires_at": batch.expires_at,
        "left": None if left is None else list(left),
        "problems": problem_texts(batch),
        "files": [
            kind
            for kind, file_id in (("output", batch.output_file_id), ("error", batch.error_file_id))
            if file_id
        ],
        "cancelling": cancelling,
    }


def lines_of(follower: Follower) -> list[BatchLine]:
    """The rows of the table that is saved, and printed; without times, which tell of one run."""
    lines = []
    for one in follower.batches:
        counts = one.request_counts
        lines.append(
            BatchLine(
                name_of(one) or one.id,
                one.status,
                counts.completed if counts else None,
                counts.failed if counts else None,
                counts.total if counts else None,
                problem_texts(one),
            )
        )
    had = {one.id for one in follower.batches}
    for batch_id in follower.ids:
        if batch_id not in had:
            status = "not known to the server" if batch_id in follower.missing else "asking …"
            lines.append(BatchLine(batch_id, status, None, None, None))
    return lines
