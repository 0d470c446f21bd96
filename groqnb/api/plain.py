"""Calls of the plain kind: an object named in the path, and no parameters but the options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from groqnb.api.resource import body_of, headers_of
from groqnb.types.chat import RequestOptions
from groqnb.types.errors import ParameterError
from groqnb.wire.call import Call

__all__ = ["plain_call", "quoted_id"]

_KNOWN = frozenset(RequestOptions.__annotations__)


def plain_call(
    method: str, path: str, reply: type[Any], options: Mapping[str, Any], *, root: bool = False
) -> Call[Any]:
    """A call without a body of its own. `extra_body` goes into the query of a GET.

    ```python
    plain_call("GET", "/files", FileList, {"timeout": 5.0})
    ```
    """
    extra = body_of(_KNOWN, options, {})
    get = method == "GET"
    return Call(
        method,
        path,
        reply,
        body=extra if extra and not get else None,
        query={name: str(value) for name, value in extra.items()} if extra and get else None,
        headers=headers_of(options),
        timeout=options.get("timeout"),
        root=root,
    )


def quoted_id(what: str, value: Any) -> str:
    """An id as a part of a path. Raises ParameterError for one that would lead elsewhere.

    ```python
    quoted_id("file", "file_01")  # 'file_01'
    ```
    """
    # Without an id, GET /files/ would be the list, and DELETE something worse.
    if not isinstance(value, str) or value.strip() in ("", ".", ".."):
        hint = f"It is the `id` of a {what}."
        raise ParameterError(f"The {what}'s id is {value!r}.", hint=hint)
    return quote(value.strip(), safe="")
