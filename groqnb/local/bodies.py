"""What goes in and out of an endpoint: a JSON body read within bounds, a JSON reply."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from groqnb.local.refusal import Refusal, bad_request

__all__ = ["LARGEST_BODY", "json_body", "json_reply", "no_constant"]

#: The largest JSON body that is read, in bytes.
LARGEST_BODY = 25_000_000
# A client that is still sending cannot read the refusal: somewhat too large bodies are read to
# their end and thrown away.
_LARGEST_DRAINED = 250_000_000


async def json_body(request: Request) -> object:
    """The parsed body. Raises a 413 when it is too large, a 400 when it is not JSON."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > _LARGEST_DRAINED:
        raise _too_large()
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > _LARGEST_DRAINED:
            raise _too_large()
        if size <= LARGEST_BODY:
            parts.append(part)
    if size > LARGEST_BODY:
        raise _too_large()
    try:
        body: object = json.loads(b"".join(parts), parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"The body is not valid JSON: {error}", code="invalid_json") from None
    return body


def no_constant(name: str) -> object:
    """For `json.loads(parse_constant=…)`: NaN and Infinity are Python's, not JSON's."""
    raise ValueError(f"{name} is not JSON")


def _too_large() -> Refusal:
    return Refusal(
        413, f"The body is larger than {LARGEST_BODY // 1_000_000} MB.", code="request_too_large"
    )


def json_reply(
    content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """`content` as a reply."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    # A message may quote half a surrogate pair out of a request.
    return Response(body.encode("utf-8", "replace"), status, headers, "application/json")
