"""From a refusal or a broken connection to the error that says what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic_core import ValidationError, from_json

from groqnb.types.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    LocalEngineError,
    RateLimitError,
    ResponseError,
    error_class,
)
from groqnb.types.rate_limit import RateLimit
from groqnb.types.secret import Secret
from groqnb.wire.retry import retry_after

__all__ = [
    "Scene",
    "connection_error",
    "no_key_error",
    "shape_error",
    "status_error",
    "status_of",
]

KEYS_PAGE = "https://console.groq.com/keys"
OFFLINE = "The local engine works offline: `%groq use local`, or Groq(where='local')."
LISTING = "`%groq models` lists what there is."
ENGINE_DIED = "The next call starts a new engine by itself."


@dataclass(frozen=True)
class Scene:
    """What a message may need to know of where a call goes."""

    kind: str
    base_url: str
    key: Secret | None = None
    key_source: str | None = None

    @property
    def host(self) -> str:
        """The server's host and port."""
        return urlsplit(self.base_url).netloc

    def without_key(self, body: bytes) -> bytes:
        """A body in which a server may have quoted the key that it was sent."""
        if not self.key:
            return body
        return body.replace(self.key.reveal().encode(), self.key.masked.encode())


def no_key_error(places: str) -> APIStatusError:
    """401 before anything is sent: the cloud needs a key and none was found."""
    return error_class(401)(
        f"No API key was found in {places}.",
        status_code=401,
        hint=f"`%groq key` asks for one ({KEYS_PAGE}). {OFFLINE}",
    )


def connection_error(
    kind: str, reason: str, timeout: float | None, scene: Scene
) -> APIConnectionError | LocalEngineError:
    """The error for a reply that did not come; `kind` is that of `Broken`."""
    if kind == "timeout":
        after = f" within {timeout:g} s" if timeout is not None else ""
        return APITimeoutError(
            f"{_who(scene)} did not answer{after}.",
            hint="Give it more time with timeout= (seconds), or ask for a shorter answer.",
        )
    if scene.kind == "local" and kind == "cut" and _engine_is_gone():
        return LocalEngineError("The local engine ended while it answered.", hint=ENGINE_DIED)
    what = {
        "cut": f"The connection to {scene.host} broke before the reply was complete",
        "decode": f"The reply of {scene.host} could not be decompressed",
        "protocol": f"{scene.host} answered with something that is not HTTP",
    }.get(kind, f"No connection to {scene.host}")
    hint = None
    if kind == "tls":
        hint = (
            "If a proxy on your network re-signs traffic, point SSL_CERT_FILE to its certificate."
        )
    elif scene.kind == "cloud":
        hint = f"Check the network. {OFFLINE}"
    elif scene.kind == "url":
        hint = "Is a server running there? `%groq use` chooses another."
    return APIConnectionError(f"{what}: {reason}." if reason else f"{what}.", hint=hint)


def _who(scene: Scene) -> str:
    return "The local engine" if scene.kind == "local" else scene.host


def _engine_is_gone() -> bool:
    from groqnb.local import process

    return process.current() is None


def status_error(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    scene: Scene,
    model: str | None,
) -> APIStatusError:
    """The error for a reply whose status is not a success."""
    body = scene.without_key(body)
    try:
        content: Any = from_json(body)
    except ValueError:
        content = body[:2000].decode(errors="replace")
    return _build(status, headers, content, scene, model)


def _build(
    status: int, headers: Mapping[str, str], content: Any, scene: Scene, model: str | None
) -> APIStatusError:
    fields = content.get("error") if isinstance(content, dict) else None
    if not isinstance(fields, dict):
        fields = {"message": fields} if isinstance(fields, str) else {}
    code = fields.get("code")
    message = fields.get("message")
    if not isinstance(message, str) or not message.strip():
        message = f"{_who(scene)} answered with the status {status}"
        if isinstance(content, str) and content.strip() and "<html" not in content.lower():
            message += f": {' '.join(content.split())[:200]}"
    message = message.strip()
    error = error_class(status, code if isinstance(code, str) else None)(
        message if message.endswith((".", "!", "?")) else f"{message}.",
        status_code=status,
        body=content,
        headers=headers,
        request_id=_request_id(content, headers),
    )
    if isinstance(error, RateLimitError):
        error.retry_after = retry_after(headers)
    error.hint = _hint(error, scene, model)
    return error


def shape_error(headers: Mapping[str, str], body: bytes, error: ValidationError) -> ResponseError:
    """The error for a reply of another shape than its endpoint promises."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(step) for step in first["loc"])
    what = f"{place}: {first['msg']}" if place else first["msg"]
    text = body[:2000].decode(errors="replace")
    kind = headers.get("content-type", "")
    hint = None
    if "html" in kind or text.lstrip().startswith("<"):
        hint = "It is a web page: is the base URL right?"
    return ResponseError(
        f"The reply is not what this endpoint promises ({what}).", hint=hint, body=text
    )


def status_of(fields: Mapping[str, Any]) -> int | None:
    """The HTTP status that an error object inside a stream stands for, where it tells."""
    for name in ("status_code", "status", "code"):
        value = fields.get(name)
        if isinstance(value, int) and 400 <= value < 600:
            return value
    told = f"{fields.get('type')} {fields.get('code')}"
    for sign, status in (
        ("rate_limit", 429),
        ("capacity", 498),
        ("invalid_request", 400),
        ("blocked_api_access", 400),
        ("authentication", 401),
        ("permission", 403),
        ("not_found", 404),
        ("internal", 500),
        ("server_error", 500),
        ("unavailable", 503),
    ):
        if sign in told:
            return status
    return None


def _request_id(content: Any, headers: Mapping[str, str]) -> str | None:
    inside = content.get("x_groq") if isinstance(content, dict) else None
    found = inside.get("id") if isinstance(inside, dict) else None
    return found if isinstance(found, str) else headers.get("x-request-id")


def _hint(error: APIStatusError, scene: Scene, model: str | None) -> str | None:
    status = error.status_code
    if status == 401:
        return _hint_401(scene)
    if status == 404 and model is not None:
        # The local engine knows near names by itself.
        return LISTING if "Did you mean" in error.message else _hint_model(model)
    if status == 413:
        return _hint_413(model)
    if status == 429:
        return _hint_429(error)
    if status in (301, 302, 303, 307, 308):
        return f"It redirects to {error.headers.get('location')}: use that as the base URL."
    if error.code == "blocked_api_access":
        return "Raise the limit in the console's settings, or wait for the first of the month."
    return {
        403: "This key's organisation or project may not do this: see its settings and limits.",
        498: "Try again later, or pass service_tier='on_demand'.",
        503: "The service is overloaded or under maintenance: try again in a while.",
    }.get(status)


def _hint_401(scene: Scene) -> str:
    if scene.key_source is None:
        return "No key was sent: pass api_key=, or set GROQ_API_KEY."
    check = f" or check it at {KEYS_PAGE}" if scene.kind == "cloud" else ""
    return f"The key came from {scene.key_source}: replace it there{check}."


def _hint_model(model: str) -> str:
    from groqnb import catalog

    near = catalog.near(model)
    if not near or model in near:
        return LISTING
    return f"Did you mean {' or '.join(repr(name) for name in near)}? {LISTING}"


def _hint_413(model: str | None) -> str:
    from groqnb import catalog

    found = catalog.find(model) if model else None
    if found is None:
        return "Send less: the message above names the limit."
    known = []
    if found.context_window:
        known.append(f"{found.context_window:,} tokens of prompt and answer together")
    if found.limits.get("TPM"):
        known.append(f"{found.limits['TPM']:,} tokens a minute on the free plan")
    if found.max_file_size_mb:
        known.append(f"{found.max_file_size_mb} MB a file")
    return f"{found.id} takes {', '.join(known)}." if known else "Send less."


def _hint_429(error: APIStatusError) -> str | None:
    asked = retry_after(error.headers)
    limit = RateLimit.from_headers(error.headers)
    spent = []
    if limit is not None:
        if limit.remaining_requests == 0:
            asked = limit.reset_requests if asked is None else asked
            spent.append(f"all {limit.limit_requests:,} requests of the day"
                         if limit.limit_requests else "all requests of the day")  # fmt: skip
        if limit.remaining_tokens == 0:
            asked = limit.reset_tokens if asked is None else asked
            spent.append(f"all {limit.limit_tokens:,} tokens of the minute"
                         if limit.limit_tokens else "all tokens of the minute")  # fmt: skip
    if "try again in" in error.message.lower():  # said already
        return f"{', '.join(spent).capitalize()} are used." if spent else None
    when = "Wait for the limit to reset" if asked is None else f"The limit resets in {_span(asked)}"
    return f"{when} ({', '.join(spent)} are used)." if spent else f"{when}."


def _span(seconds: float) -> str:
    """A time span for people.

    ```python
    _span(7.66)  # '7.7 s'
    ```
    """
    if seconds < 60:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
