"""A request as it is kept, and the key under which it is found again.

The key is made of what is kept, so a record that was edited by hand answers what it says now. The
order of JSON's names makes no difference, nor does 1 or 1.0; every other character does. Secrets
are taken out before: whose key is used makes no difference either. A file counts by its bytes, not
by its name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groqnb.record.scrub import HIDDEN, Scrubber, is_secret_name

if TYPE_CHECKING:
    from groqnb.wire.call import Call
    from groqnb.wire.multipart import FileContent

__all__ = ["key_of", "request_of"]

_LONGEST_DATA = 512  # characters of a data: URL that are kept as they are
# They say how the answer travels, not what is asked.
_OF_NO_MATTER = frozenset({"accept", "accept-encoding", "if-range"})


def request_of(call: Call[Any], scrub: Scrubber) -> dict[str, Any]:
    """What is kept of a call's request, without secrets."""
    request: dict[str, Any] = {"method": call.method, "path": scrub.text(call.path)}
    if call.root:
        request["root"] = True
    if call.query:
        request["query"] = {
            name: scrub.text(value) if isinstance(value, str) else [*map(scrub.text, value)]
            for name, value in call.query.items()
        }
    headers = _headers(call.headers or {}, scrub)
    if headers:
        request["headers"] = headers
    if call.body is not None:
        request["body"] = _short(scrub.value(json.loads(call.json())))
    if call.form is not None and call.form.file is not None:
        request["file"] = _file(call.form.file)
    return request


def _headers(headers: Mapping[str, str], scrub: Scrubber) -> dict[str, str]:
    return {
        name.lower(): HIDDEN if is_secret_name(name) else scrub.text(value)
        for name, value in sorted(headers.items())
        if name.lower() not in _OF_NO_MATTER
    }


def _file(file: FileContent) -> dict[str, Any]:
    digest = hashlib.sha256()
    pieces = file.open()
    try:
        while piece := pieces.read():
            digest.update(piece)
    finally:
        pieces.close()
    return {"name": file.name, "bytes": file.size, "sha256": digest.hexdigest()}


def _short(value: Any) -> Any:
    """The value with long data: URLs, which nobody reads, as their digests."""
    if isinstance(value, dict):
        return {name: _short(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_short(one) for one in value]
    if isinstance(value, str) and len(value) > _LONGEST_DATA and value.startswith("data:"):
        head, comma, data = value.partition(",")
        if comma and len(head) < 100:
            digest = hashlib.sha256(data.encode("utf-8", "surrogatepass")).hexdigest()
            return f"{head},({len(data)} characters, sha256 {digest})"
    return value


def key_of(request: Mapping[str, Any]) -> str:
    """The key of a request that `request_of` made: 16 hexadecimal digits.

    ```python
    >>> key_of({"body": {"a": 1, "b": 2.0}}) == key_of({"body": {"b": 2, "a": 1}})
    True

    ```
    """
    file = request.get("file")
    if isinstance(file, Mapping):
        request = {**request, "file": {n: v for n, v in file.items() if n != "name"}}
    text = json.dumps(_normal(request), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _normal(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _normal(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_normal(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
