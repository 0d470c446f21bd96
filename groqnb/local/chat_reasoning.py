"""Reasoning in a chat request: whether, how much, and where it is shown.

Docs: "Reasoning"; "Create chat completion", `reasoning_effort`, `reasoning_format`,
`include_reasoning`. Where the documentation contradicts itself this reads it so: the effort's
values and default are each model's own; gpt-oss has no `reasoning_format` and shows its reasoning
in `message.reasoning` unless `include_reasoning` is false; elsewhere the format is `raw` by
default, and `parsed` with JSON mode or tools.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from groqnb.catalog import ModelInfo
from groqnb.local import fields
from groqnb.local.refusal import bad_request

__all__ = ["Reasoning", "read_reasoning"]

# How many tokens the first pass may take. The local models say little that is useful after that.
_TOKENS = {"low": 64, "default": 192, "medium": 192, "high": 512}


@dataclass(frozen=True)
class Reasoning:
    """A first pass of at most `tokens` tokens. `show` is "parsed", "raw" or "hidden"."""

    tokens: int
    show: str


def read_reasoning(
    body: dict[str, Any], info: ModelInfo | None, *, json_mode: bool, tools: bool
) -> Reasoning | None:
    """The reasoning that `body` asks for, or that its model does by itself; None for none."""
    effort = fields.choice(body, "reasoning_effort", ("none", "default", "low", "medium", "high"))
    form = fields.choice(body, "reasoning_format", ("hidden", "raw", "parsed"))
    include = fields.boolean(body, "include_reasoning")
    if form is not None and include is not None:
        raise bad_request(
            "`include_reasoning` and `reasoning_format` exclude each other.", "reasoning_format"
        )
    if form == "raw" and (json_mode or tools):
        raise bad_request(
            "`reasoning_format` must be `parsed` or `hidden` with JSON mode or tools.",
            "reasoning_format",
        )
    if info is not None:
        _check_model(info, effort, form)
        if not info.capabilities.get("reasoning"):
            return None
        effort = effort or info.capabilities.get("reasoning_effort_default") or "default"
    elif effort is None and form is None:
        # The local model under its own name reasons when it is told to.
        return None
    if effort == "none":
        return None
    if include is not None or (
        info and info.capabilities.get("reasoning_format_supported") is False
    ):
        form = "hidden" if include is False else "parsed"
    default = "parsed" if json_mode or tools else "raw"
    return Reasoning(_TOKENS[effort or "default"], form or default)


def _check_model(info: ModelInfo, effort: str | None, form: str | None) -> None:
    if not info.capabilities.get("reasoning"):
        for key, value in (("reasoning_effort", effort), ("reasoning_format", form)):
            if value is not None:
                raise bad_request(f"The model `{info.id}` does not support `{key}`.", key)
        return
    allowed = info.capabilities.get("reasoning_effort_values") or []
    if effort is not None and effort not in allowed:
        raise bad_request(
            f"`reasoning_effort` of `{info.id}` must be one of "
            + ", ".join(f"`{word}`" for word in allowed)
            + f", not `{effort}`.",
            "reasoning_effort",
        )
    if form is not None and info.capabilities.get("reasoning_format_supported") is False:
        raise bad_request(
            f"The model `{info.id}` does not support `reasoning_format`; "
            "`include_reasoning` says whether its reasoning is shown.",
            "reasoning_format",
        )
