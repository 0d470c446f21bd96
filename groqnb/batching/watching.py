"""Batches looked at until they have ended, ever less often; they go on whether one looks or not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from groqnb.batching.progress import Bar
from groqnb.batching.shards import COLLECTED, Shard
from groqnb.mapping.interrupts import Interrupts
from groqnb.types.batches import Batch
from groqnb.types.errors import (
    APIConnectionError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
    ResponseError,
)
from groqnb.wire.retry import waiting_is_off

if TYPE_CHECKING:
    from groqnb.client import Groq

__all__ = ["ended", "pause"]

_FIRST = 1.0  # s between two looks
_LONGEST = 30.0
_MOMENT = 0.1  # s between two looks for an interrupt
_MOST_FAILURES = 20  # looks in a row: about ten minutes
_KEPT = 30 * 86_400.0  # s for which the server keeps a batch's files
_PASSES = (APIConnectionError, InternalServerError, RateLimitError, ResponseError)


def ended(
    client: Groq, shards: list[Shard], bar: Bar, interrupts: Interrupts, *, wait: bool
) -> Iterator[tuple[Shard, Batch]]:
    """The batches of `shards` as they end; notes in each how it stands.

    Without `wait` each is looked at once. Ends after an interrupt. Failures that pass are waited
    out for about ten minutes. Raises NotFoundError for a batch that the server does not know.
    """
    left = [shard for shard in shards if shard.state != COLLECTED]
    wait_for, failures, remark = _FIRST, 0, ""
    while left and not interrupts.count:
        came: list[tuple[Shard, Batch]] = []
        for shard in left:
            try:
                batch = _look(client, shard)
            except _PASSES as error:
                failures += 1
                if failures >= _MOST_FAILURES or not wait:
                    raise error.with_traceback(None) from None
                remark = f"no answer from the server ({type(error).__name__}), trying again"
                break
            failures, remark = 0, ""
            if batch.ended:
                came.append((shard, batch))
        bar.watching(shards, remark)
        for shard, batch in came:
            left.remove(shard)
            yield shard, batch
        if not left or not wait:
            return
        pause(wait_for, interrupts)
        wait_for = min(_LONGEST, wait_for * 1.5)


def _look(client: Groq, shard: Shard) -> Batch:
    assert shard.batch_id is not None
    try:
        batch = client.batches.retrieve(shard.batch_id)
    except NotFoundError as error:
        if time.time() - shard.made > _KEPT:
            # It was long ago, and nothing of it is left: its rows may be sent again.
            return Batch(id=shard.batch_id, status="expired")
        day = time.strftime("%d %B", time.gmtime(shard.made))
        error.hint = (
            f"This map started {shard.batch_id} on {day}, maybe with the key of another "
            "organisation: pass that client. A new name as resume= asks all rows anew."
        )
        raise error.with_traceback(None) from None
    shard.status = batch.status
    if batch.request_counts is not None:
        shard.completed = batch.request_counts.completed
        shard.failed = batch.request_counts.failed
    return batch


def pause(seconds: float, interrupts: Interrupts) -> None:
    """Wait, and end early after an interrupt."""
    until = time.monotonic() + (_MOMENT / 10 if waiting_is_off() else seconds)
    while not interrupts.count and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _MOMENT))
