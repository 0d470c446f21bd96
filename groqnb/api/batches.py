"""`client.batches`. Docs: Batch Processing; API Reference, Batches."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, overload

from groqnb.api.paging import AsyncPages, Page
from groqnb.api.plain import plain_call, quoted_id
from groqnb.api.resource import (
    AsyncSender,
    Resource,
    S,
    SyncSender,
    body_of,
    headers_of,
    shows_parameters,
)
from groqnb.types.batches import (
    Batch,
    BatchEndpoint,
    BatchList,
    BatchListParams,
    BatchParams,
)
from groqnb.types.chat import RequestOptions
from groqnb.types.errors import APITimeoutError, ParameterError
from groqnb.wire.call import Call

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["Batches"]

_KNOWN = frozenset(BatchParams.__annotations__)
_KNOWN_LIST = frozenset(BatchListParams.__annotations__)

_FIRST_LOOK = 1.0
_LONGEST_WAIT = 30.0

Watcher = Callable[[Batch], object]


class Batches(Resource[S]):
    """Many requests in one file, done within a day or a week at half the price."""

    @overload
    def create(
        self: Batches[SyncSender],
        *,
        input_file_id: str,
        endpoint: BatchEndpoint,
        completion_window: str,
        **params: Unpack[BatchParams],
    ) -> Batch: ...
    @overload
    def create(
        self: Batches[AsyncSender],
        *,
        input_file_id: str,
        endpoint: BatchEndpoint,
        completion_window: str,
        **params: Unpack[BatchParams],
    ) -> Awaitable[Batch]: ...
    @shows_parameters(BatchParams)
    def create(
        self, *, input_file_id: str, endpoint: str, completion_window: str, **params: Any
    ) -> Any:
        """Starts a batch over an uploaded JSONL file.

        `completion_window` goes from "24h" to "7d". It is sent again only where the server surely
        did nothing: a batch that ran twice would cost twice.

        Raises ParameterError for a window outside of these.

        ```python
        file = client.files.create(file="requests.jsonl", purpose="batch")
        batch = client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        ```

        Docs: API Reference, Create batch.
        """
        quoted_id("file", input_file_id)
        _check_window(completion_window)
        required = {
            "input_file_id": input_file_id,
            "endpoint": endpoint,
            "completion_window": completion_window,
        }
        return self._sender.send(
            Call(
                "POST",
                "/batches",
                Batch,
                body=body_of(_KNOWN, params, required),
                headers=headers_of(params),
                timeout=params.get("timeout"),
                once=True,
            )
        )

    @overload
    def retrieve(
        self: Batches[SyncSender], batch_id: str, **options: Unpack[RequestOptions]
    ) -> Batch: ...
    @overload
    def retrieve(
        self: Batches[AsyncSender], batch_id: str, **options: Unpack[RequestOptions]
    ) -> Awaitable[Batch]: ...
    @shows_parameters(RequestOptions)
    def retrieve(self, batch_id: str, **options: Any) -> Any:
        """How a batch is doing.

        Raises NotFoundError for an id that the server does not know.

        ```python
        client.batches.retrieve("batch_01").request_counts
        ```

        Docs: API Reference, Retrieve batch.
        """
        return self._sender.send(plain_call("GET", _path(batch_id), Batch, options))

    @overload
    def list(self: Batches[SyncSender], **params: Unpack[BatchListParams]) -> Page: ...
    @overload
    def list(self: Batches[AsyncSender], **params: Unpack[BatchListParams]) -> AsyncPages: ...
    @shows_parameters(BatchListParams)
    def list(self, **params: Any) -> Any:
        """Batches, page by page; iterating goes through all pages.

        `cursor` begins at the page that an earlier page's `next_cursor` names; `id`, one or
        several, asks for these batches only.

        ```python
        for batch in client.batches.list():
            print(batch.id, batch.status)
        page = client.batches.list(id=["batch_01", "batch_02"])
        page.data
        ```

        Docs: API Reference, List batches; Batch Processing, List Batches.
        """
        wanted = body_of(_KNOWN_LIST, params, {})
        query = {name: _in_query(value) for name, value in wanted.items()}
        if query.get("id") in ("", []):
            # Without an id the server would list every batch.
            raise ParameterError("id names no batch.", hint="Leave it out to list all.")
        call = Call(
            "GET",
            "/batches",
            BatchList,
            query=query or None,
            headers=headers_of(params),
            timeout=params.get("timeout"),
        )

        def at(cursor: str) -> Call[BatchList]:
            return replace(call, query={**query, "cursor": cursor})

        sender: Any = self._sender
        if isinstance(sender, AsyncSender):
            return AsyncPages(sender, call, at)
        return Page(sender, sender.send(call), at)

    @overload
    def cancel(
        self: Batches[SyncSender], batch_id: str, **options: Unpack[RequestOptions]
    ) -> Batch: ...
    @overload
    def cancel(
        self: Batches[AsyncSender], batch_id: str, **options: Unpack[RequestOptions]
    ) -> Awaitable[Batch]: ...
    @shows_parameters(RequestOptions)
    def cancel(self, batch_id: str, **options: Any) -> Any:
        """Cancels a batch; for up to ten minutes its status is then "cancelling".

        ```python
        client.batches.cancel("batch_01").status
        ```

        Docs: API Reference, Cancel batch.
        """
        return self._sender.send(plain_call("POST", f"{_path(batch_id)}/cancel", Batch, options))

    @overload
    def wait(
        self: Batches[SyncSender],
        batch_id: str,
        *,
        progress: Watcher | None = None,
        give_up_after: float | None = None,
        **options: Unpack[RequestOptions],
    ) -> Batch: ...
    @overload
    def wait(
        self: Batches[AsyncSender],
        batch_id: str,
        *,
        progress: Watcher | None = None,
        give_up_after: float | None = None,
        **options: Unpack[RequestOptions],
    ) -> Awaitable[Batch]: ...
    @shows_parameters(RequestOptions)
    def wait(
        self,
        batch_id: str,
        *,
        progress: Watcher | None = None,
        give_up_after: float | None = None,
        **options: Any,
    ) -> Any:
        """Waits until a batch has ended, however it ended, and returns it.

        It is looked at after one second, then ever less often, at last every 30 seconds; the
        batch itself goes on whether somebody waits or not. `progress` is given it at each look.

        Raises APITimeoutError when it has not ended after `give_up_after` seconds.

        ```python
        batch = client.batches.wait(batch.id, progress=lambda b: print(b.request_counts))
        ```

        Docs: Batch Processing, Check Batch Status.
        """
        call = plain_call("GET", _path(batch_id), Batch, options)
        return self._sender.follow(_watch(call, progress, give_up_after))


def _watch(
    call: Call[Batch], progress: Watcher | None, most: float | None
) -> Generator[Call[Batch] | float, Any, Batch]:
    end = None if most is None else time.monotonic() + most
    pause = _FIRST_LOOK
    while True:
        batch: Batch = yield call
        if progress is not None:
            progress(batch)
        if batch.ended:
            return batch
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            raise APITimeoutError(
                f"The batch is still {batch.status} after {most:g} s.",
                hint="It goes on; wait for it again.",
            )
        yield pause if left is None else min(pause, left)
        pause = min(_LONGEST_WAIT, pause * 1.5)


def _path(batch_id: Any) -> str:
    return f"/batches/{quoted_id('batch', batch_id)}"


def _in_query(value: Any) -> Any:
    if isinstance(value, (str, bytes, Mapping)) or not hasattr(value, "__iter__"):
        return str(value)
    return [str(one) for one in value]


def _check_window(window: Any) -> None:
    found = re.fullmatch(r"(\d+)([hd])", window) if isinstance(window, str) else None
    # What is written in another way the server may understand.
    if found and not 24 <= int(found[1]) * (24 if found[2] == "d" else 1) <= 168:
        raise ParameterError(f"completion_window is {window!r}; it goes from 24h to 7d.")
