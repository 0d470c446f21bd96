"""A request that is not served, as the error object of the documentation.

Docs: "API Error Codes and Responses". `message` and `type` are documented; `code` and `param`
stand beside them where they help.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Refusal", "bad_request", "not_served", "unknown_model"]


class Refusal(Exception):
    """An answer with an error status. Raised anywhere in the engine, written out by `app`.

    >>> Refusal(404, "There is no such file.", code="not_found").body()
    {'error': {'message': 'There is no such file.', 'type': 'invalid_request_error', \
'code': 'not_found'}}
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type
        self.code = code
        self.param = param
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def body(self) -> dict[str, Any]:
        """The error object as it goes over the wire."""
        error: dict[str, Any] = {"message": self.message, "type": self.type}
        if self.code is not None:
            error["code"] = self.code
        if self.param is not None:
            error["param"] = self.param
        return {"error": {**error, **self.extra}}


def bad_request(message: str, param: str | None = None, code: str | None = None) -> Refusal:
    """400: the request is not what the documentation allows."""
    return Refusal(400, message, code=code, param=param)


def not_served(feature: str, param: str | None = None) -> Refusal:
    """501: documented, and not something this engine can do. It never makes a result up."""
    return Refusal(
        501,
        f"The local engine does not serve {feature}. The Groq cloud does; "
        "leave it out, or send the request there with an API key.",
        type="not_implemented_error",
        code="not_implemented",
        param=param,
    )


def unknown_model(name: str, near: list[str]) -> Refusal:
    """404: no such model, with the names that were probably meant."""
    meant = f" Did you mean {' or '.join(f'`{model}`' for model in near)}?" if near else ""
    return Refusal(
        404,
        f"The model `{name[:200]}` does not exist or you do not have access to it.{meant}",
        code="model_not_found",
        param="model",
    )
