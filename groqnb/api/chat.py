"""`client.chat.completions`. Docs: API Reference, Chat, Create chat completion."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING, Any, Literal, overload

from groqnb.api.checks import check_chat
from groqnb.api.resource import (
    AsyncSender,
    Resource,
    S,
    SyncSender,
    body_of,
    headers_of,
    shows_parameters,
)
from groqnb.types.base import Model
from groqnb.types.chat import ChatCompletion, ChatCompletionChunk, ChatParams, MessageParam
from groqnb.types.errors import ParameterError
from groqnb.wire.call import Call
from groqnb.wire.stream import AsyncStream, Stream

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["Chat", "Completions"]

_KNOWN = frozenset(ChatParams.__annotations__)


class Completions(Resource[S]):
    """Answers to a conversation."""

    @overload
    def create(
        self: Completions[SyncSender],
        *,
        model: str,
        messages: Iterable[MessageParam],
        stream: Literal[False] | None = False,
        **params: Unpack[ChatParams],
    ) -> ChatCompletion: ...
    @overload
    def create(
        self: Completions[SyncSender],
        *,
        model: str,
        messages: Iterable[MessageParam],
        stream: Literal[True],
        **params: Unpack[ChatParams],
    ) -> Stream[ChatCompletionChunk]: ...
    @overload
    def create(
        self: Completions[SyncSender],
        *,
        model: str,
        messages: Iterable[MessageParam],
        stream: bool,
        **params: Unpack[ChatParams],
    ) -> ChatCompletion | Stream[ChatCompletionChunk]: ...
    @overload
    def create(
        self: Completions[AsyncSender],
        *,
        model: str,
        messages: Iterable[MessageParam],
        stream: Literal[False] | None = False,
        **params: Unpack[ChatParams],
    ) -> Awaitable[ChatCompletion]: ...
    @overload
    def create(
        self: Completions[AsyncSender],
        *,
        model: str,
        messages: Iterable[MessageParam],
        stream: Literal[True],
        **params: Unpack[ChatParams],
    ) -> Awaitable[AsyncStream[ChatCompletionChunk]]: ...
    @overload
    def create(
        self: Completions[AsyncSender],
        *,
        model: str,
        messages: Iterable[MessageParam],
        stream: bool,
        **params: Unpack[ChatParams],
    ) -> Awaitable[ChatCompletion | AsyncStream[ChatCompletionChunk]]: ...
    @shows_parameters(ChatParams)
    def create(
        self,
        *,
        model: str,
        messages: Iterable[MessageParam],
        stream: bool | None = False,
        **params: Any,
    ) -> Any:
        """Asks a model to continue a conversation.

        `messages` are dicts such as `{"role": "user", "content": "Hello"}`, or messages of
        earlier replies. With `stream=True` the answer comes in chunks, as a `Stream` to iterate
        over. A parameter that is None is not sent. `timeout` is in seconds; what groqnb does not
        know yet goes into `extra_body`.

        Raises ParameterError for what the API is sure to refuse, and the errors drawn in
        `groqnb.types.errors` for the rest.

        ```python
        reply = client.chat.completions.create(
            model="llama-3.3-70b-versatile",
            messages=[{"role": "user", "content": "Say hello."}],
            temperature=0.2,
        )
        print(reply.choices[0].message.content)
        ```

        Docs: API Reference, Create chat completion.
        """
        call = completion_call(model, messages, stream=bool(stream), params=params)
        return self._sender.open(call) if stream else self._sender.send(call)


class Chat(Resource[S]):
    """`client.chat`.

    Attributes:
        completions: answers to a conversation.
    """

    __slots__ = ("completions",)

    def __init__(self, sender: S) -> None:
        self._sender = sender
        self.completions: Completions[S] = Completions(sender)


def completion_call(
    model: str, messages: Iterable[MessageParam], *, stream: bool, params: dict[str, Any]
) -> Call[Any]:
    """The request for a chat completion. Raises ParameterError.

    ```python
    completion_call("m", [{"role": "user", "content": "Hi"}], stream=False, params={}).path
    # '/chat/completions'
    ```
    """
    if not isinstance(model, str) or not model.strip():
        raise ParameterError("The model is missing.", hint="Name one, as in `model='...'`.")
    if isinstance(messages, (str, bytes)):
        raise ParameterError(
            "messages is a text, not a list.",
            hint="Write [{'role': 'user', 'content': ...}].",
        )
    listed = [
        message.model_dump(exclude_none=True) if isinstance(message, Model) else message
        for message in messages
    ]
    body = body_of(_KNOWN, params, {"model": model, "messages": listed})
    tools = body.get("tools")
    if tools is not None and not isinstance(tools, (list, tuple)):
        body["tools"] = list(tools)
    check_chat(body, stream=stream)
    if stream:
        body["stream"] = True
    return Call(
        "POST",
        "/chat/completions",
        ChatCompletionChunk if stream else ChatCompletion,
        body=body,
        headers=headers_of(params),
        timeout=params.get("timeout"),
    )
