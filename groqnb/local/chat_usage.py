"""The usage of an answer that took several passes of the model."""

from __future__ import annotations

from typing import Any

from groqnb.catalog import ModelInfo
from groqnb.local.parts import llm

__all__ = ["Tally"]

# Every prompt shares the start of the template with the one before. The documentation speaks of
# a least number of tokens for a hit and leaves it open.
_FEWEST_CACHED = 32


class Tally:
    """Sums up passes. The prompt of the first counts, and the completion tokens of all.

    Later passes read on where the one before stopped: to the user they are one answer. Where tools
    were run in between, they read something new: then `every_prompt` counts.
    """

    def __init__(self, info: ModelInfo | None, *, every_prompt: bool = False) -> None:
        self._info = info
        self._every_prompt = every_prompt
        self._passes: list[llm.Done] = []
        self._reasoning = 0

    @property
    def completion_tokens(self) -> int:
        return sum(done.completion_tokens for done in self._passes)

    def add(self, done: llm.Done, *, reasoning: bool = False) -> None:
        """Count a pass."""
        self._passes.append(done)
        if reasoning:
            self._reasoning += done.completion_tokens

    def usage(self) -> dict[str, Any]:
        """The usage object: counts and seconds.

        `cached_tokens` is what the local model really took from its cache. It does so for every
        model's requests, but is told only for models that are documented to cache prompts, and
        for the local model itself: cached tokens cost half, which elsewhere would be wrong.
        """
        asked = self._passes if self._every_prompt else self._passes[:1]
        prompt_tokens = sum(done.prompt_tokens for done in asked)
        prompt_time = sum(done.prompt_time for done in self._passes)
        completion_time = sum(done.completion_time for done in self._passes)
        usage: dict[str, Any] = {
            "queue_time": round(sum(done.queue_time for done in self._passes), 9),
            "prompt_tokens": prompt_tokens,
            "prompt_time": round(prompt_time, 9),
            "completion_tokens": self.completion_tokens,
            "completion_time": round(completion_time, 9),
            "total_tokens": prompt_tokens + self.completion_tokens,
            "total_time": round(prompt_time + completion_time, 9),
        }
        able = self._info.capabilities if self._info is not None else {"prompt_caching": True}
        if able.get("prompt_caching"):
            found = (done.cached_tokens for done in asked)
            cached = sum(count for count in found if count >= _FEWEST_CACHED)
            usage["prompt_tokens_details"] = {"cached_tokens": cached}
        if able.get("reasoning") or self._reasoning:
            usage["completion_tokens_details"] = {"reasoning_tokens": self._reasoning}
        return usage
