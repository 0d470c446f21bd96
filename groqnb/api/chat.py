"""`client.chat.completions`. Docs: API Reference, Chat, Create chat completion."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from groqnb.api.checks import check_chat, list_tools
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
from groqnb.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatParams,
    MessageParam,
    ParseParams,
)
from groqnb.types.errors import ParameterError
from groqnb.wire.call import Call
from groqnb.wire.stream import AsyncStream, Stream

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from groqnb.types.parsed import ParsedChatCompletion

__all__ = ["Chat", "Completions"]

T = TypeVar("T")

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

    @overload
    def parse(
        self: Completions[SyncSender],
        *,
        model: str,
        messages: Iterable[MessageParam],
        response_format: type[T],
        **params: Unpack[ParseParams],
    ) -> ParsedChatCompletion[T]: ...
    @overload
    def parse(
        self: Completions[SyncSender],
        *,
        model: str,
        messages: Iterable[MessageParam],
        response_format: Any,
        **params: Unpack[ParseParams],
    ) -> ParsedChatCompletion[Any]: ...
    @overload
    def parse(
        self: Completions[AsyncSender],
        *,
        model: str,
        messages: Iterable[MessageParam],
        response_format: type[T],
        **params: Unpack[ParseParams],
    ) -> Awaitable[ParsedChatCompletion[T]]: ...
    @overload
    def parse(
        self: Completions[AsyncSender],
        *,
        model: str,
        messages: Iterable[MessageParam],
        response_format: Any,
        **params: Unpack[ParseParams],
    ) -> Awaitable[ParsedChatCompletion[Any]]: ...
    @shows_parameters(ParseParams)
    def parse(
        self,
        *,
        model: str,
        messages: Iterable[MessageParam],
        response_format: Any,
        **params: Any,
    ) -> Any:
        """Asks for an answer of a Python type; the reply's `parsed` is a value of it.

        `response_format` is a pydantic model, a dataclass, a TypedDict, an Enum, a `Literal`, a
        list or union of such, or a dict of names and types. A model that keeps to schemas gets
        the type's schema; any other gets JSON object mode and the schema in words (then
        `by_schema` is False). An answer that does not fit is asked for once more.

        Raises SchemaError, with the place, for a type that structured outputs cannot hold;
        ParameterError for streaming and tools, which they exclude; ResponseError for an answer
        that does not fit or was cut off; and what `create` raises.

        ```python
        class Invoice(pydantic.BaseModel):
            seller: str
            total: float


        reply = client.chat.completions.parse(
            model="openai/gpt-oss-20b",
            messages=[{"role": "user", "content": "ACME, bill no. 7, total 12.50 EUR"}],
            response_format=Invoice,
        )
        reply.parsed.total  # 12.5
        ```

        Docs: Structured Outputs.
        """
        from groqnb.api.parsing import check_parsing, parse_plan

        check_parsing(params)
        call = completion_call(model, messages, stream=False, params=params)
        return self._sender.follow(parse_plan(call, response_format))


class Chat(Resource[S]):
    """`client.chat`.

    Attributes:
        completions: answers to a conversation.
    """

    __slots__ = ("completions",)

    def __init__(self, sender: S) -> None:
        self._sender = sender
        self.completions: Completions[S] = Completions(sender)


def listed_messages(messages: Iterable[MessageParam]) -> list[dict[str, Any]]:
    """The messages as dicts, whatever was given. Raises ParameterError for what is none.

    ```python
    listed_messages([{"role": "user", "content": "Hi"}, reply.choices[0].message])
    ```
    """
    hint = "Write [{'role': 'user', 'content': ...}]."
    one = isinstance(messages, (str, bytes, Mapping, Model))
    if one or not isinstance(messages, Iterable):
        raise ParameterError(f"messages is {_kind(messages)}, not a list.", hint=hint)
    listed = []
    for place, message in enumerate(messages):
        if isinstance(message, Model):
            message = message.model_dump(exclude_none=True)
        elif not isinstance(message, Mapping):
            raise ParameterError(f"messages[{place}] is {_kind(message)}, not a dict.", hint=hint)
        listed.append(dict(message))
    return listed


def _kind(value: object) -> str:
    return "a text" if isinstance(value, (str, bytes)) else f"a {type(value).__name__}"


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
    body = body_of(_KNOWN, params, {"model": model, "messages": listed_messages(messages)})
    list_tools(body)
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
