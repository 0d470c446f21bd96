"""What goes to the language model's runtime for one completion, and what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groqnb.local.refusal import Refusal

__all__ = ["Completion", "Done", "Prompt", "done", "runtime_refusal", "runtime_request"]

# llama.cpp takes 32 bits, and the last value means "choose one".
_SEEDS = 2**32 - 1


@dataclass(frozen=True)
class Prompt:
    """A prompt as the model reads it, its length in tokens, the seconds it waited for the model."""

    text: str
    tokens: int
    waited: float = 0.0


@dataclass(frozen=True)
class Completion:
    """How to complete a prompt. `max_tokens` None means the engine's own bound.

    `schema` is a JSON Schema (of parts.json_bounds) that the text will match.
    """

    temperature: float
    top_p: float
    seed: int | None
    stop: Sequence[str]
    max_tokens: int | None
    schema: dict[str, Any] | None = None


@dataclass(frozen=True)
class Done:
    """The end of a completion. Times are in seconds."""

    finish_reason: str
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    queue_time: float
    prompt_time: float
    completion_time: float


def runtime_request(prompt: Prompt, how: Completion, tokens: int) -> dict[str, Any]:
    """The body for the runtime's completion of `prompt`, of at most `tokens` tokens."""
    request: dict[str, Any] = {
        "prompt": prompt.text,
        "stream": True,
        # Events during the prompt are the chance to stop there.
        "return_progress": True,
        "max_tokens": tokens,
        "temperature": how.temperature,
        "top_p": how.top_p,
        "stop": list(how.stop),
    }
    if how.seed is not None:
        request["seed"] = how.seed % _SEEDS
        # A prompt taken from the cache is computed in other steps than a fresh one, with other
        # roundings: a seed is to give the same text each time.
        request["cache_prompt"] = False
    if how.schema is not None:
        request["json_schema"] = how.schema
    return request


def done(event: dict[str, Any], reason: str, waited: float) -> Done:
    """The end, from the runtime's last event and the seconds waited before."""
    usage, timings = event["usage"], event["timings"]
    return Done(
        finish_reason=reason,
        prompt_tokens=usage["prompt_tokens"],
        cached_tokens=usage.get("prompt_tokens_details", {}).get("cached_tokens", 0),
        completion_tokens=usage["completion_tokens"],
        queue_time=waited,
        prompt_time=timings["prompt_ms"] / 1000,
        completion_time=timings["predicted_ms"] / 1000,
    )


def runtime_refusal(error: dict[str, Any]) -> Refusal:
    """The runtime's error object as ours: 400 for what it refuses, 500 for the rest."""
    status = int(error.get("code", 500))
    message = f"The local model's runtime refused: {error.get('message', 'no reason given')}"
    if 400 <= status < 500:
        return Refusal(400, message)
    return Refusal(500, message, type="internal_server_error")
