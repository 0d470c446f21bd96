"""The errors groqnb raises.

```
GroqnbError                      .hint: what to do next, or None
├─ APIError                      .received: the chunks that had come when a stream failed
│  ├─ APIConnectionError         no answer: no network, refused, cut off
│  │  └─ APITimeoutError         no answer in time
│  ├─ StreamError                a stream broke before its end
│  ├─ ResponseError              a reply that is not what was promised (not JSON, wrong shape)
│  └─ APIStatusError             .status_code .body .type .code .param .request_id .headers .retries
│     ├─ BadRequestError         400
│     │  └─ SpendLimitError      400 with the code blocked_api_access
│     ├─ AuthenticationError     401
│     ├─ PermissionDeniedError   403
│     ├─ NotFoundError           404
│     ├─ RequestTooLargeError    413
│     ├─ UnprocessableEntityError 422
│     ├─ RateLimitError          429, .retry_after in seconds, or None
│     ├─ FlexCapacityError       498
│     └─ InternalServerError     500 and above
├─ BudgetError                   a call would spend more than the budget allows; nothing was sent
├─ ReplayError                   a record cannot be read, or has no answer to a request
├─ GuardError                    a guard model objects, .checked
├─ LocalEngineError              the local engine could not start, or died
└─ ParameterError (ValueError)   refused here, before anything was sent
```

Every message is one short sentence or two; `str(error)` adds the hint. No message ever holds a key.
All of them can be pickled, so they survive the way back from a process pool.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "BudgetError",
    "FlexCapacityError",
    "GroqnbError",
    "GuardError",
    "InternalServerError",
    "LocalEngineError",
    "NotFoundError",
    "ParameterError",
    "PermissionDeniedError",
    "RateLimitError",
    "ReplayError",
    "RequestTooLargeError",
    "ResponseError",
    "SpendLimitError",
    "StreamError",
    "UnprocessableEntityError",
    "error_class",
]


def _rebuild(cls: type[GroqnbError], state: dict[str, Any]) -> GroqnbError:
    error = cls.__new__(cls)
    error.__dict__.update(state)
    error.args = (state.get("message", ""),)
    return error


class GroqnbError(Exception):
    """The root of every error that groqnb raises by itself.

    Attributes:
        message: what went wrong, in a sentence.
        hint: what to do next, in a sentence, or None.
        run: the ToolRun up to here, where tools were run before it; else None.

    ```python
    try:
        client.models.list()
    except GroqnbError as error:
        print(error.message, error.hint)
    ```
    """

    message: str
    hint: str | None
    run: Any = None

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), dict(self.__dict__))


class APIError(GroqnbError):
    """A call that was sent and did not end well.

    Attributes:
        received: the chunks that had come before a stream failed; empty for plain replies.
    """

    received: Sequence[Any] = ()


class APIConnectionError(APIError):
    """No answer came: no network, a wrong host, a refused or broken connection."""


class APITimeoutError(APIConnectionError):
    """No answer came in time; the limit is the client's `timeout`, in seconds."""


class StreamError(APIError):
    """A stream broke before its end; `received` holds the chunks that came, in order.

    ```python
    try:
        for chunk in stream:
            print(chunk.text, end="")
    except StreamError as error:
        partial = "".join(chunk.text for chunk in error.received)
    ```
    """

    def __init__(
        self, message: str, *, hint: str | None = None, received: Sequence[Any] = ()
    ) -> None:
        super().__init__(message, hint=hint)
        self.received = received


class ResponseError(APIError):
    """A reply that is not what was promised: not JSON, or JSON of another shape.

    Attributes:
        body: the first 2,000 characters of the reply.
        headers: the reply's headers, where they are at hand.
    """

    def __init__(self, message: str, *, hint: str | None = None, body: str = "") -> None:
        super().__init__(message, hint=hint)
        self.body = body
        self.headers: Mapping[str, str] = {}


class APIStatusError(APIError):
    """The server refused the request, or failed at it. Docs: API Error Codes and Responses.

    Attributes:
        status_code: the HTTP status.
        body: the reply's JSON, or its text where it is not JSON.
        type, code, param: the fields of the API's error object, where it has them.
        request_id: the id under which Groq's logs know the request, where one was given.
        headers: the reply's headers.
        retries: how many times the request had been sent again before this error was raised.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        request_id: str | None = None,
        retries: int = 0,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        detail = body.get("error") if isinstance(body, dict) else None
        fields = detail if isinstance(detail, dict) else {}
        self.status_code = status_code
        self.body = body
        self.type: str | None = fields.get("type")
        self.code: str | None = fields.get("code")
        self.param: str | None = fields.get("param")
        self.request_id = request_id
        self.headers: Mapping[str, str] = {} if headers is None else headers
        self.retries = retries


class BadRequestError(APIStatusError):
    """400: the request is not one that the API understands."""


class SpendLimitError(BadRequestError):
    """400 with the code `blocked_api_access`: the organisation's spend limit is reached."""


class AuthenticationError(APIStatusError):
    """401: no key, or a wrong one. Raised before anything is sent when no key was found."""


class PermissionDeniedError(APIStatusError):
    """403: the key may not do this."""


class NotFoundError(APIStatusError):
    """404: no such model, file, batch or path."""


class RequestTooLargeError(APIStatusError):
    """413: the request, or a file in it, is larger than the limit."""


class UnprocessableEntityError(APIStatusError):
    """422: well formed, yet it cannot be followed."""


class RateLimitError(APIStatusError):
    """429: a rate limit is reached. Docs: Rate Limits.

    Attributes:
        retry_after: seconds until the limit resets, where the server said so.
    """

    retry_after: float | None = None


class FlexCapacityError(APIStatusError):
    """498: the flex service tier has no capacity now."""


class InternalServerError(APIStatusError):
    """500 and above: the server failed, or is not ready."""


class GuardError(GroqnbError):
    """A guard model objects to what was asked or answered. Docs: Content Moderation.

    Attributes:
        checked: the words of the guard models.
    """

    checked: Sequence[Any] = ()


class BudgetError(GroqnbError):
    """A call was not sent: with it, more would be spent than `groqnb.budget` allows.

    Attributes:
        limit: the budget, in US dollars.
        spent: what is spent of it, with what is held for calls under way.
        estimate: what this call may cost; None where no price is known.
    """

    limit: float = 0.0
    spent: float = 0.0
    estimate: float | None = None


class ReplayError(GroqnbError):
    """A record of `groqnb.replay` cannot be read, or has no answer to a request in strict mode."""


class LocalEngineError(GroqnbError):
    """The local engine could not start, or died while it answered.

    Attributes:
        log_tail: the last lines of the engine's log, where it could not start.
    """

    log_tail: str = ""


class ParameterError(GroqnbError, ValueError):
    """A parameter was refused here, before a request was spent on it."""


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    413: RequestTooLargeError,
    422: UnprocessableEntityError,
    429: RateLimitError,
    498: FlexCapacityError,
}


def error_class(status_code: int, code: str | None = None) -> type[APIStatusError]:
    """The class of the error for an HTTP status and, where it matters, an error code.

    ```python
    error_class(429)  # RateLimitError
    ```
    """
    if code == "blocked_api_access":
        return SpendLimitError
    if status_code >= 500:
        return InternalServerError
    return _BY_STATUS.get(status_code, APIStatusError)
