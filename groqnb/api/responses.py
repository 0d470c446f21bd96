"""`client.responses`. Docs: API Reference, Responses (beta), Create response."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, overload

from groqnb.api.checks import check_response, list_tools
from groqnb.api.resource import (
    AsyncSender,
    Resource,
    S,
    SyncSender,
    body_of,
    headers_of,
    shows_parameters,
)
from groqnb.types.errors import ParameterError
from groqnb.types.response_events import ResponseEvent
from groqnb.types.responses import (
    InputItem,
    OutputItem,
    OutputMessage,
    OutputReasoning,
    Response,
    ResponseParams,
)
from groqnb.wire.call import Call
from groqnb.wire.stream import AsyncStream, Stream

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["Responses"]

_KNOWN = frozenset(ResponseParams.__annotations__)


class Responses(Resource[S]):
    """Answers made of items: messages, calls of functions, reasoning."""

    @overload
    def create(
        self: Responses[SyncSender],
        *,
        model: str,
        input: str | Iterable[InputItem],
        stream: Literal[False] | None = False,
        **params: Unpack[ResponseParams],
    ) -> Response: ...
    @overload
    def create(
        self: Responses[SyncSender],
        *,
        model: str,
        input: str | Iterable[InputItem],
        stream: Literal[True],
        **params: Unpack[ResponseParams],
    ) -> Stream[ResponseEvent]: ...
    @overload
    def create(
        self: Responses[SyncSender],
        *,
        model: str,
        input: str | Iterable[InputItem],
        stream: bool,
        **params: Unpack[ResponseParams],
    ) -> Response | Stream[ResponseEvent]: ...
    @overload
    def create(
        self: Responses[AsyncSender],
        *,
        model: str,
        input: str | Iterable[InputItem],
        stream: Literal[False] | None = False,
        **params: Unpack[ResponseParams],
    ) -> Awaitable[Response]: ...
    @overload
    def create(
        self: Responses[AsyncSender],
        *,
        model: str,
        input: str | Iterable[InputItem],
        stream: Literal[True],
        **params: Unpack[ResponseParams],
    ) -> Awaitable[AsyncStream[ResponseEvent]]: ...
    @overload
    def create(
        self: Responses[AsyncSender],
        *,
        model: str,
        input: str | Iterable[InputItem],
        stream: bool,
        **params: Unpack[ResponseParams],
    ) -> Awaitable[Response | AsyncStream[ResponseEvent]]: ...
    @shows_parameters(ResponseParams)
    def create(
        self,
        *,
        model: str,
        input: str | Iterable[InputItem],
        stream: bool | None = False,
        **params: Any,
    ) -> Any:
        """Asks a model for a response.

        `input` is a text, or a list of items: dicts such as `{"role": "user", "content": "Hello"}`
        and items of earlier responses' `output`. Nothing is stored on the server, so each request
        carries the conversation that it belongs to. Of an earlier output, messages go back in the
        form that the API takes, and reasoning stays behind.

        With `stream=True` the answer comes in events, as a `Stream` to iterate over. A parameter
        that is None is not sent. `timeout` is in seconds; what groqnb does not know yet goes into
        `extra_body`.

        Raises ParameterError for what the API is sure to refuse, and the errors drawn in
        `groqnb.types.errors` for the rest.

        ```python
        reply = client.responses.create(
            model="openai/gpt-oss-20b",
            instructions="Answer in one sentence.",
            input="Why is the sky blue?",
        )
        print(reply.output_text)
        ```

        Docs: API Reference, Create response.
        """
        call = response_call(model, input, stream=bool(stream), params=params)
        return self._sender.open(call) if stream else self._sender.send(call)


def response_call(
    model: str, input: str | Iterable[InputItem], *, stream: bool, params: dict[str, Any]
) -> Call[Any]:
    """The request for a response. Raises ParameterError.

    ```python
    response_call("m", "Hello", stream=False, params={}).path  # '/responses'
    ```
    """
    if not isinstance(model, str) or not model.strip():
        raise ParameterError("The model is missing.", hint="Name one, as in `model='...'`.")
    one = isinstance(input, (bytes, Mapping, OutputItem))
    if one or not isinstance(input, Iterable):
        raise ParameterError(
            f"input is of the type {type(input).__name__}.",
            hint="Write a text, or a list of items.",
        )
    sent = input if isinstance(input, str) else list(_items(input))
    body = body_of(_KNOWN, params, {"model": model, "input": sent})
    list_tools(body)
    check_response(body)
    if stream:
        body["stream"] = True
    return Call(
        "POST",
        "/responses",
        ResponseEvent if stream else Response,
        body=body,
        headers=headers_of(params),
        timeout=params.get("timeout"),
    )


def _items(given: Iterable[InputItem]) -> Iterator[Any]:
    """The items as the API takes them; the documentation takes less back than it gives."""
    for item in given:
        if isinstance(item, OutputMessage):
            yield {"role": item.role, "content": item.text}
        elif isinstance(item, OutputItem):
            if not isinstance(item, OutputReasoning):
                yield item.model_dump(exclude_none=True)
        else:
            yield item
