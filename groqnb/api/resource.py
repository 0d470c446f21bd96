"""One description of each endpoint for sync and async.

A resource is generic over its sender. Its methods check their parameters, build one `Call`, and
hand it to the sender: `SyncSender` returns the reply, `AsyncSender` a coroutine of it. What a type
checker sees is told by overloads on the type of `self`:

```python
class Models(Resource[S]):
    @overload
    def list(self: Models[SyncSender]) -> ModelList: ...
    @overload
    def list(self: Models[AsyncSender]) -> Awaitable[ModelList]: ...
    def list(self) -> Any:
        return self._sender.send(Call("GET", "/models", ModelList))
```

Why this way, and not a twin of each class, generated or copied: the body, where mistakes are made,
exists once, so the two faces cannot differ; only signatures are said twice, beside each other,
and a type checker holds them to one implementation. Nothing has to be generated, and a notebook's
`?` and completion lead to the source that runs. What it costs: local checks raise when an async
method is called, not when its result is awaited.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from groqnb.types.errors import ParameterError
from groqnb.wire.sender import AsyncSender, SyncSender

__all__ = [
    "AsyncSender",
    "Resource",
    "S",
    "SyncSender",
    "body_of",
    "headers_of",
    "shows_parameters",
]

S = TypeVar("S", SyncSender, AsyncSender)
F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = ("extra_body", "extra_headers", "timeout")
# What HTTP calls a token.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Resource(Generic[S]):
    """A group of endpoints, bound to a sender."""

    __slots__ = ("_sender",)

    def __init__(self, sender: S) -> None:
        self._sender: S = sender

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of a Groq client>"


def shows_parameters(params: type) -> Callable[[F], F]:
    """Gives a function that takes `**params: Unpack[...]` a signature with every name in it.

    Completion and `?` in a notebook read the signature at run time and do not look into a
    TypedDict.
    """

    def decorate(function: F) -> F:
        # Built by hand: inspect.signature would evaluate nothing here, and costs more.
        given = inspect.signature(function)
        own = [p for p in given.parameters.values() if p.kind is not p.VAR_KEYWORD]
        names = _annotations(params)
        listed = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=hint)
            for name, hint in names.items()
        ]
        function.__signature__ = given.replace(parameters=own + listed)  # type: ignore[attr-defined]
        return function

    return decorate


def _annotations(params: type) -> dict[str, Any]:
    """Names and annotations of a TypedDict, as they are written."""
    return {
        name: getattr(hint, "__forward_arg__", hint)
        for name, hint in sorted(params.__annotations__.items())
    }


def body_of(
    known: Iterable[str], params: Mapping[str, Any], required: Mapping[str, Any]
) -> dict[str, Any]:
    """The body of a request: what is required, then every parameter that is not None.

    Raises ParameterError for a name that is not among `known`, with the nearest one, and for a
    `timeout` that is no number of seconds. What groqnb does not know yet travels in `extra_body`,
    and overrides.

    ```python
    body_of({"seed"}, {"seed": 1}, {"model": "m"})  # {'model': 'm', 'seed': 1}
    ```
    """
    unknown = [name for name in params if name not in known]
    if unknown:
        from difflib import get_close_matches

        near = get_close_matches(unknown[0], [*known, *required], n=1)
        guess = f"Did you mean {near[0]!r}? " if near else ""
        raise ParameterError(
            f"There is no parameter {unknown[0]!r}.",
            hint=f"{guess}What is newer than groqnb goes into extra_body={{...}}.",
        )
    timeout = params.get("timeout")
    # `not >=` rather than `<`: NaN is no time.
    if timeout is not None and not (isinstance(timeout, (int, float)) and timeout >= 0):
        raise ParameterError(f"timeout is {timeout!r}; it is in seconds and at least 0.")
    body = dict(required)
    for name, value in params.items():
        if value is not None and name not in OPTIONS:
            body[name] = value
    extra = params.get("extra_body")
    if extra:
        body.update(extra)
    return body


def headers_of(params: Mapping[str, Any]) -> Mapping[str, str] | None:
    """The `extra_headers` of a call. Raises ParameterError for a key among them.

    ```python
    headers_of({"extra_headers": {"Groq-Model-Version": "latest"}})
    ```
    """
    headers: Mapping[str, str] | None = params.get("extra_headers")
    for name in headers or ():
        if isinstance(name, str) and name.lower() == "authorization":
            raise ParameterError("A key does not go into headers: pass it as Groq(api_key=...).")
    check_headers(headers or {})
    return headers


def check_headers(headers: Mapping[str, str]) -> None:
    """Raises ParameterError, which holds no value, for what cannot be sent as headers."""
    for name, value in headers.items():
        if not (isinstance(name, str) and _HEADER_NAME.fullmatch(name)):
            raise ParameterError(
                f"{name!r} is no name of a header.", hint="It holds letters, digits and dashes."
            )
        if not (isinstance(value, str) and value.isascii() and value.isprintable()):
            raise ParameterError(f"The header {name!r} is not a text of one line in ASCII.")
