"""What a call may cost, said before it is sent: what a budget holds back for it.

Text is counted at three bytes for a token, which is more than most text comes to. The length of
the answer is bounded by the request's own limit where it has one; else it is taken to be the
longest that the model has given so far, and 1,024 tokens at least. So a limit makes a budget exact,
and without one a call may cost more than was held back for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from groqnb.catalog import find
from groqnb.catalog.cost import PricesUnreadable, cost

if TYPE_CHECKING:
    from groqnb.wire.call import Call

__all__ = ["estimate", "tokens_in", "tokens_out"]

USUAL_ANSWER = 1_024  # tokens
_BYTES_PER_TOKEN = 3
_PER_MESSAGE = 4  # tokens around each message
_PER_IMAGE = 2_500  # tokens; what an image comes to, only the model's maker knows
_SLOWEST_SOUND = 4_000  # bytes a second: what a small file may hold at most
_PAID = re.compile(r"/(?:chat/completions|responses|audio/\w+|embeddings|batches)")
# A Compound system is billed for the models that it asks, more than once, and for its tools.
_COMPOUND_ASKS = "openai/gpt-oss-120b"
_COMPOUND_TOKENS = 8_000
_COMPOUND_TOOLS = 0.01  # US dollars
_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")


def tokens_in(body: Mapping[str, Any]) -> int:
    """About how many tokens a request is, rather too many than too few.

    ```python
    >>> tokens_in({"messages": [{"role": "user", "content": "Say hello."}]})
    8

    ```
    """
    images = messages = 0
    # The model reads the names in a schema too.
    size = sum(_length(body.get(name)) for name in ("tools", "response_format"))
    left: list[Any] = [
        body.get(name) for name in ("messages", "input", "instructions", "documents")
    ]
    for name in ("messages", "input"):
        value = body.get(name)
        messages += len(value) if isinstance(value, (list, tuple)) else 0
    while left:
        value = left.pop()
        if isinstance(value, str):
            size += len(value) if value.isascii() else len(value.encode(errors="replace"))
        elif isinstance(value, Mapping):
            if value.get("type") in ("image_url", "input_image"):
                images += 1
            elif "role" in value:
                left += [part for name, part in value.items() if name != "role"]
            else:
                left += [part for name, part in value.items() if name != "type"]
        elif isinstance(value, (list, tuple)):
            left += value
    return -(-size // _BYTES_PER_TOKEN) + _PER_MESSAGE * messages + _PER_IMAGE * images


def _length(value: Any) -> int:
    return 0 if value is None else len(json.dumps(value, default=str))


def tokens_out(body: Mapping[str, Any], usual: int = USUAL_ANSWER) -> int:
    """How many tokens the answer may have: the request's limit, else `usual`."""
    for name in _LIMITS:
        limit = body.get(name)
        if isinstance(limit, int) and not isinstance(limit, bool):
            return limit
    model = find(str(body.get("model")))
    most = model.max_completion_tokens if model is not None else None
    return usual if most is None else min(usual, most)


def estimate(call: Call[Any], usual: int = USUAL_ANSWER, *, batch: bool = False) -> float | None:
    """US dollars that a call may cost; 0 for what costs nothing, None where no price is known.

    With `batch` it is a request of a batch's file, which costs less.
    """
    if call.method != "POST" or not _PAID.fullmatch(call.path):
        return 0.0
    model, body = call.model, call.body or {}
    if model is None:  # a batch: its rows are in a file (groqnb.ledger.batches)
        return None
    try:
        return _estimate(call, model, body, usual, batch)
    except PricesUnreadable:
        return None


def _estimate(
    call: Call[Any], model: str, body: Mapping[str, Any], usual: int, batch: bool
) -> float | None:
    if call.path == "/audio/speech":
        spoken = body.get("input")
        characters = len(spoken) if isinstance(spoken, str) else 0
        found = cost(model, characters=characters)
    elif call.path.startswith("/audio/"):
        found = cost(model, audio_seconds=_seconds(call), batch=batch)
    else:
        sent, answered = tokens_in(body), tokens_out(body, usual)
        if model.startswith("groq/compound"):
            found = cost(
                _COMPOUND_ASKS,
                prompt_tokens=2 * sent + _COMPOUND_TOKENS,
                completion_tokens=2 * answered,
            )
            return None if found is None else found.usd + _COMPOUND_TOOLS
        found = cost(model, prompt_tokens=sent, completion_tokens=answered, batch=batch)
    return None if found is None else found.usd


def _seconds(call: Call[Any]) -> float:
    """How long a recording is; where that is not known, what its size allows."""
    from groqnb.ledger.sound import seconds_of

    file = call.form.file if call.form is not None else None
    if file is None:  # a URL
        return 600.0
    known = seconds_of(file)
    return file.size / _SLOWEST_SOUND if known is None else known
