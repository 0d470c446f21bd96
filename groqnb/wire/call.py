"""One request as a value.

The modules of `groqnb.api` describe each endpoint once and build Calls; a sender, sync or async,
turns a Call into its reply. Between the two nothing is written twice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic_core import PydanticSerializationError, to_json

from groqnb.types.errors import ParameterError
from groqnb.types.secret import Secret

if TYPE_CHECKING:
    from groqnb.wire.multipart import Form
    from groqnb.wire.retry import RetryPolicy

__all__ = ["Call", "Connection"]

T = TypeVar("T")


@dataclass(frozen=True)
class Connection:
    """A server's base URL, which ends with the version, and the key to send."""

    base_url: str
    key: Secret | None = None


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request. `reply` is the class of the whole reply or, for a stream, of each chunk.

    Attributes:
        method: "GET", "POST" or "DELETE".
        path: what follows the base URL, beginning with a slash, already quoted.
        body: what is sent as JSON, or None.
        query: the query's parameters; a sequence repeats its name.
        headers: sent beside the client's own.
        timeout: seconds of silence before the call is given up; None: the client's.
        form: sends the body as a form, with a file where there is one, in place of JSON.
        root: True for the endpoints under /v1; all others are under /openai/v1.
        once: True where doing it twice would cost twice. It is sent again only when the server
            surely did nothing: it was never reached, or it refused.
        retry: says when it is sent again, in place of the client's policy.

    ```python
    Call("GET", "/models", ModelList)
    ```
    """

    method: str
    path: str
    reply: type[T]
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str | Sequence[str]] | None = None
    # A header may hold a secret of the user's own, and dataclasses print their fields.
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    timeout: float | None = None
    form: Form | None = None
    root: bool = False
    once: bool = False
    retry: RetryPolicy | None = None

    @property
    def model(self) -> str | None:
        """The model asked for, where the endpoint has one."""
        return None if self.body is None else self.body.get("model")

    def json(self) -> bytes:
        """The body as JSON; nothing where there is none.

        Raises ParameterError, with the parameter's name, for what JSON does not have.
        """
        body = self.body or {}
        try:
            text = b"" if self.body is None else to_json(body)
        except PydanticSerializationError:
            failure = _no_json(body)
        else:
            # Texts may say NaN; a number that is none, servers refuse without its name.
            odd = b"NaN" in text or b"Infinity" in text
            names = [name for name, value in body.items() if odd and _is_endless(value)]
            if not names:
                return text
            failure = ParameterError(
                f"{names[0]} cannot be sent as JSON: it holds NaN or an infinity.",
                hint="Pass None where there is no number.",
            )
        raise failure


def _is_endless(value: Any) -> bool:
    """Whether a number in it is no finite one."""
    if isinstance(value, Mapping):
        return any(_is_endless(inner) for inner in value.values())
    if isinstance(value, (list, tuple)):
        return any(_is_endless(inner) for inner in value)
    return isinstance(value, float) and not math.isfinite(value)


def _no_json(body: Mapping[str, Any]) -> ParameterError:
    for name, value in body.items():
        try:
            to_json(value)
        except PydanticSerializationError as error:
            return ParameterError(
                f"{name} cannot be sent as JSON: {error}.",
                hint="Pass plain values of Python, as int(...), str(...) or x.tolist() make them.",
            )
    return ParameterError("The body cannot be sent as JSON.")
