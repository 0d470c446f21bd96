"""From a file of requests to a batch that runs, so that no death of this process starts it twice.

Before a step that the server may do without our hearing of it, the intent is written down. Who
comes after a death looks at the server whether it was done: an upload by the file's name, a batch
by its file and its metadata.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groqnb.batching.shards import (
    CREATED,
    CREATING,
    MADE,
    UPLOADED,
    UPLOADING,
    Shard,
    Shards,
)
from groqnb.mapping.retrying import backoff
from groqnb.types.errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
    ResponseError,
)
from groqnb.wire.retry import waiting_is_off

if TYPE_CHECKING:
    from groqnb.client import Groq
    from groqnb.types.batches import BatchCard

__all__ = ["TAG", "Sender"]

TAG = "groqnb_map"
"""The key of a batch's metadata under which the shard's name stands."""

_ATTEMPTS = 5
_SETTLES = 10.0  # s that a request whose sender died may still take to show
_LOOKS = 2.0  # s between two looks in that time
_SKEW = 3600.0  # s by which clocks may differ

Told = Callable[[Shard, int, int], object]


class Sender:
    """Sends the shards of one map. `told` hears of a shard's bytes that went out, of how many."""

    def __init__(
        self, client: Groq, shards: Shards, folder: Path, told: Told = lambda *_: None
    ) -> None:
        self._client = client
        self._shards = shards
        self._folder = folder
        self._told = told

    def clear(self) -> None:
        """Take away what no step needs: files that were being made, and those of no shard."""
        for shard in self._shards.made_only():
            self._shards.drop(shard)
        if self._folder.is_dir():
            kept = self._shards.tags()
            for path in self._folder.glob("groqnb-*.jsonl"):
                if path.stem not in kept:
                    path.unlink(missing_ok=True)
            with suppress(OSError):  # not empty
                self._folder.rmdir()

    def send(self, shard: Shard) -> None:
        """Do what is left until the batch runs. Raises what the calls raise."""
        if shard.state == UPLOADING:
            self._find_file(shard)
        if shard.state == CREATING:
            self._find_batch(shard, patient=True)
        if shard.state in (MADE, UPLOADING):
            self._upload(shard)
        if shard.state in (UPLOADED, CREATING):
            self._create(shard)

    # --- the file ---

    def _path(self, shard: Shard) -> Path:
        return self._folder / f"{shard.tag}.jsonl"

    def _upload(self, shard: Shard) -> None:
        self._shards.change(shard, state=UPLOADING)

        def progress(done: int, total: int) -> None:
            self._told(shard, done, total)

        file = self._client.files.create(file=self._path(shard), purpose="batch", progress=progress)
        self._shards.change(shard, state=UPLOADED, file_id=file.id)

    def _find_file(self, shard: Shard) -> None:
        name = f"{shard.tag}.jsonl"
        for file in self._client.files.list().data:
            if file.filename == name and file.bytes == shard.bytes:
                self._shards.change(shard, state=UPLOADED, file_id=file.id)
                return

    # --- the batch ---

    def _create(self, shard: Shard) -> None:
        from groqnb.ledger.watch import watch

        assert shard.file_id is not None
        if watch.budget is not None:
            watch.budget.files.put(shard.file_id, shard.estimate)
        for attempt in range(_ATTEMPTS):
            self._shards.change(shard, state=CREATING)
            try:
                batch = self._client.batches.create(
                    input_file_id=shard.file_id,
                    endpoint=shard.endpoint,  # type: ignore[arg-type]
                    completion_window=shard.window,
                    metadata={TAG: shard.tag},
                )
            except APIError as error:
                self._look_after(shard, error, last=attempt == _ATTEMPTS - 1)
                if shard.state == CREATED:
                    return
                _sleep(backoff(attempt))
            else:
                self._created(shard, batch)
                return

    def _look_after(self, shard: Shard, error: APIError, *, last: bool) -> None:
        """A batch was asked for and did not come: whether it is there. Raises what is final."""
        unsure = isinstance(error, (APIConnectionError, InternalServerError, ResponseError))
        if unsure:
            self._find_batch(shard, patient=isinstance(error, APIConnectionError))
            if shard.state == CREATED:
                return
        else:
            self._shards.change(shard, state=UPLOADED)  # it was refused: nothing runs
        if isinstance(error, NotFoundError) or _is_gone(error):
            self._path(shard).unlink(missing_ok=True)
            self._shards.drop(shard)
        if last or not (unsure or isinstance(error, RateLimitError)):
            raise error.with_traceback(None)

    def _find_batch(self, shard: Shard, *, patient: bool) -> None:
        """Find the batch that was asked for, where the answer never came."""
        while True:
            before: int | None = None
            for batch in self._client.batches.list():
                if batch.input_file_id == shard.file_id or _tag_of(batch) == shard.tag:
                    self._created(shard, batch)
                    return
                made = batch.created_at
                if made and before and made < before and made < shard.made - _SKEW:
                    break  # the list goes back in time, and is behind the moment already
                before = made
            left = shard.since + _SETTLES - time.time()
            if not patient or not 0 < left <= _SETTLES:
                return
            time.sleep(min(left, _LOOKS))

    def _created(self, shard: Shard, batch: BatchCard) -> None:
        self._shards.change(shard, state=CREATED, batch_id=batch.id, status=batch.status)
        self._path(shard).unlink(missing_ok=True)


def _tag_of(batch: BatchCard) -> Any:
    return (batch.metadata or {}).get(TAG)


def _is_gone(error: APIError) -> bool:
    """True where the server no longer has the file: its time was up."""
    return isinstance(error, APIStatusError) and error.code in (
        "file_not_found",
        "input_file_not_found",
    )


def _sleep(seconds: float) -> None:
    if not waiting_is_off():
        time.sleep(seconds)
