"""What a call of OpenAI's Responses API has that Groq's does not take.

Docs: "Responses API", Unsupported Features; the API Reference, "Create response".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from groqnb.types.findings import Finding

__all__ = ["responses"]

_FOREIGN = {
    "previous_response_id": "Send the earlier turns in input.",
    "conversation": "Send the earlier turns in input.",
    "include": "Leave it out.",
    "safety_identifier": "Use user.",
    "prompt_cache_key": "Leave it out.",
    "prompt_cache_retention": "Leave it out.",
    "background": "Wait for the answer, or make a batch.",
    "prompt": "Write the prompt into instructions and input.",
    "max_tool_calls": "Leave it out.",
    "top_logprobs": "Leave it out.",
    "stream_options": "Leave it out.",
    "max_tokens": "Use max_output_tokens; it means the same.",
}
_PARTS = (
    # what may stand in it, and what to do instead of all else
    ("text", "format", "Say in instructions how the answer should be."),
    ("reasoning", "effort", "Leave it out; the answer has the reasoning where there is one."),
)


def responses(call: Mapping[str, Any]) -> Iterator[Finding]:
    """What a call of `responses.create` has that there is not, or that is taken otherwise."""
    for name, instead in _FOREIGN.items():
        value = call.get(name)
        # OpenAI's package sends what asks for nothing; that is taken.
        if not (value is None or value is False or value == []):
            yield Finding(name, "refused", f"{name} is not supported.", instead)
    for name, taken, instead in _PARTS:
        whole = call.get(name)
        for part, value in whole.items() if isinstance(whole, Mapping) else ():
            if part != taken and value is not None:
                place = f"{name}.{part}"
                yield Finding(place, "refused", f"{place} is not supported.", instead)
    if call.get("truncation") == "auto":
        what = "Nothing is shortened: an input that is too long is refused."
        yield Finding("truncation", "changed", what, "Shorten the input yourself.")
    if call.get("store"):
        yield Finding("store", "refused", "Responses cannot be stored.", "Leave it out.")
    tier = call.get("service_tier")
    if tier not in (None, "auto", "default", "flex"):
        what = f"There is no service tier {tier!r} for responses."
        yield Finding("service_tier", "refused", what, "Use default (usual), flex or auto.")
