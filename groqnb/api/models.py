"""`client.models`. Docs: API Reference, Models."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, overload
from urllib.parse import quote

from groqnb.api.plain import plain_call
from groqnb.api.resource import AsyncSender, Resource, S, SyncSender, shows_parameters
from groqnb.types.chat import RequestOptions
from groqnb.types.errors import ParameterError
from groqnb.types.models import ModelList, RetrievedModel

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["Models"]


class Models(Resource[S]):
    """The models that the server serves now."""

    @overload
    def list(self: Models[SyncSender], **options: Unpack[RequestOptions]) -> ModelList: ...
    @overload
    def list(
        self: Models[AsyncSender], **options: Unpack[RequestOptions]
    ) -> Awaitable[ModelList]: ...
    @shows_parameters(RequestOptions)
    def list(self, **options: Any) -> Any:
        """Every model, in `.data`.

        ```python
        sorted(card.id for card in client.models.list().data)
        ```

        Docs: API Reference, List models.
        """
        return self._sender.send(plain_call("GET", "/models", ModelList, options))

    @overload
    def retrieve(
        self: Models[SyncSender], model: str, **options: Unpack[RequestOptions]
    ) -> RetrievedModel: ...
    @overload
    def retrieve(
        self: Models[AsyncSender], model: str, **options: Unpack[RequestOptions]
    ) -> Awaitable[RetrievedModel]: ...
    @shows_parameters(RequestOptions)
    def retrieve(self, model: str, **options: Any) -> Any:
        """One model by its id; ids with a slash in them are fine.

        Raises NotFoundError for an id that the server does not know.

        ```python
        client.models.retrieve("openai/gpt-oss-20b").context_window
        ```

        Docs: API Reference, Retrieve model.
        """
        if not isinstance(model, str) or not model.strip():
            raise ParameterError("The model's id is missing.")
        # The slash of an id such as openai/gpt-oss-20b stays: that is how the API takes it.
        path = f"/models/{quote(model)}"
        return self._sender.send(plain_call("GET", path, RetrievedModel, options))
