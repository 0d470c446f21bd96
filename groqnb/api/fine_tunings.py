"""`client.fine_tunings`. Docs: API Reference, Fine Tuning (closed beta); LoRA Inference.

These endpoints alone stand under /v1, not under /openai/v1.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, overload

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
from groqnb.types.chat import RequestOptions
from groqnb.types.fine_tunings import (
    DeletedFineTuning,
    FineTuning,
    FineTuningList,
    FineTuningParams,
)
from groqnb.wire.call import Call

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["FineTunings"]

_KNOWN = frozenset(FineTuningParams.__annotations__)


class FineTunings(Resource[S]):
    """LoRA adapters, registered as models."""

    @overload
    def create(self: FineTunings[SyncSender], **params: Unpack[FineTuningParams]) -> FineTuning: ...
    @overload
    def create(
        self: FineTunings[AsyncSender], **params: Unpack[FineTuningParams]
    ) -> Awaitable[FineTuning]: ...
    @shows_parameters(FineTuningParams)
    def create(self, **params: Any) -> Any:
        """Registers an uploaded adapter; `.data.fine_tuned_model` is what to pass as `model`.

        It is sent again only where the server surely did nothing.

        ```python
        file = client.files.create(file="adapter.zip", purpose="fine_tuning")
        client.fine_tunings.create(
            base_model="llama-3.1-8b-instant", input_file_id=file.id, name="mine", type="lora"
        )
        ```

        Docs: API Reference, Create fine tuning.
        """
        return self._sender.send(
            Call(
                "POST",
                "/fine_tunings",
                FineTuning,
                body=body_of(_KNOWN, params, {}),
                headers=headers_of(params),
                timeout=params.get("timeout"),
                root=True,
                once=True,
            )
        )

    @overload
    def list(
        self: FineTunings[SyncSender], **options: Unpack[RequestOptions]
    ) -> FineTuningList: ...
    @overload
    def list(
        self: FineTunings[AsyncSender], **options: Unpack[RequestOptions]
    ) -> Awaitable[FineTuningList]: ...
    @shows_parameters(RequestOptions)
    def list(self, **options: Any) -> Any:
        """Every fine tuning of the organisation, in `.data`.

        ```python
        [tuning.fine_tuned_model for tuning in client.fine_tunings.list().data]
        ```

        Docs: API Reference, List fine tunings.
        """
        return self._sender.send(
            plain_call("GET", "/fine_tunings", FineTuningList, options, root=True)
        )

    @overload
    def retrieve(
        self: FineTunings[SyncSender], fine_tuning_id: str, **options: Unpack[RequestOptions]
    ) -> FineTuning: ...
    @overload
    def retrieve(
        self: FineTunings[AsyncSender], fine_tuning_id: str, **options: Unpack[RequestOptions]
    ) -> Awaitable[FineTuning]: ...
    @shows_parameters(RequestOptions)
    def retrieve(self, fine_tuning_id: str, **options: Any) -> Any:
        """One fine tuning by its id.

        Raises NotFoundError for an id that the server does not know.

        ```python
        client.fine_tunings.retrieve("ft_01").data.name
        ```

        Docs: API Reference, Get fine tuning.
        """
        path = _path(fine_tuning_id)
        return self._sender.send(plain_call("GET", path, FineTuning, options, root=True))

    @overload
    def delete(
        self: FineTunings[SyncSender], fine_tuning_id: str, **options: Unpack[RequestOptions]
    ) -> DeletedFineTuning: ...
    @overload
    def delete(
        self: FineTunings[AsyncSender], fine_tuning_id: str, **options: Unpack[RequestOptions]
    ) -> Awaitable[DeletedFineTuning]: ...
    @shows_parameters(RequestOptions)
    def delete(self, fine_tuning_id: str, **options: Any) -> Any:
        """Deletes a fine tuning; its model can no longer be asked.

        Raises NotFoundError for an id that the server does not know; also where a first attempt
        succeeded and its answer was lost.

        ```python
        client.fine_tunings.delete("ft_01").deleted
        ```

        Docs: API Reference, Delete fine tuning.
        """
        path = _path(fine_tuning_id)
        return self._sender.send(plain_call("DELETE", path, DeletedFineTuning, options, root=True))


def _path(fine_tuning_id: Any) -> str:
    return f"/fine_tunings/{quoted_id('fine tuning', fine_tuning_id)}"
