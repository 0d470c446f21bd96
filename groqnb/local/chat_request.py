"""The body of a chat request, every documented parameter checked.

Docs: "Create chat completion". What the documentation calls unsupported gets the 400 that it
promises; what it documents and this engine cannot do for real gets a 501 that names it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groqnb import catalog
from groqnb.catalog import ModelInfo
from groqnb.local import fields
from groqnb.local.chat_built_in import Use, read_use
from groqnb.local.chat_format import Format, read_format
from groqnb.local.chat_grounding import check_compound, check_version, read_documents
from groqnb.local.chat_messages import Turn, read_messages
from groqnb.local.chat_reasoning import Reasoning, read_reasoning
from groqnb.local.chat_tools import Tools, read_tools
from groqnb.local.refusal import bad_request, not_served, unknown_model

__all__ = ["ChatRequest", "find_model", "read_request"]

_KNOWN = frozenset(
    {
        "citation_options",
        "compound_custom",
        "disable_tool_validation",
        "documents",
        "exclude_domains",
        "exclude_instance_ids",
        "frequency_penalty",
        "function_call",
        "functions",
        "include_domains",
        "include_reasoning",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "reasoning_effort",
        "reasoning_format",
        "response_format",
        "search_settings",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
    }
)
_TIERS = ("auto", "on_demand", "flex", "performance")
_SMALLEST_TEMPERATURE = 1e-8


@dataclass(frozen=True)
class ChatRequest:
    """A request that can be served. `info` is None for the local model's own name.

    `turns` end with the turn to answer; `prefill` is the start of the answer that a trailing
    assistant message gives. `max_tokens` is None where the request sets no bound.
    """

    model: str
    info: ModelInfo | None
    turns: list[Turn]
    prefill: str
    stream: bool
    include_usage: bool
    temperature: float
    top_p: float
    seed: int | None
    stop: list[str]
    max_tokens: int | None
    service_tier: str | None = None
    documents: Sequence[str] = ()
    format: Format | None = None
    tools: Tools | None = None
    reasoning: Reasoning | None = None
    built_in: Use | None = None

    @property
    def has_images(self) -> bool:
        """Whether there is something to look at."""
        return any(turn.images for turn in self.turns)


def find_model(name: str, local_name: str) -> ModelInfo | None:
    """The catalogue's entry for `name`, None for the local model itself, else a 404."""
    if name.lower() == local_name.lower():
        return None
    # An adapter's model has the limits of its base; whether there is one is asked elsewhere.
    info = catalog.find(name.split(":")[1] if re.match("ft:[^:]+:", name) else name)
    if info is None:
        ids = [local_name, *(model.id for model in catalog.models())]
        raise unknown_model(name, catalog.near(name, ids))
    return info


def read_request(body: object, local_name: str, version: str | None = None) -> ChatRequest:
    """Check `body` (parsed JSON) whole. Raises Refusal with 400, 404, 413 or 501.

    `version` is what the header Groq-Model-Version says.
    """
    if not isinstance(body, dict):
        raise bad_request(f"The body must be a JSON object, not {fields.json_type(body)}.")
    _refuse_unknown(body)
    model = fields.string(body, "model", required=True)
    assert model is not None
    info = find_model(model, local_name)
    _check_kind(info)
    _check_unsupported(body)
    _check_plain(body)
    turns = read_messages(body, info)
    stream = bool(fields.boolean(body, "stream"))
    include_usage = _stream_options(body, stream)
    stop = _stop(body)
    max_tokens = _max_tokens(body, info)
    temperature = fields.number(body, "temperature", 0, 2)
    top_p = fields.number(body, "top_p", 0, 1)
    seed = fields.integer(body, "seed")
    check_version(version, info)
    tools = read_tools(body, info)
    form = read_format(body, info, stream=stream, tools=tools is not None)
    reasoning = read_reasoning(
        body, info, json_mode=form is not None, tools=bool(body.get("tools"))
    )
    check_compound(body, info, version)
    documents = read_documents(body)
    prefill = ""
    if turns[-1].role == "assistant" and not turns[-1].calls:
        prefill = turns[-1].content
        turns = turns[:-1]
    if info is not None and info.kind == "guard":
        # A small language model's guess at a policy would be worse than none.
        raise not_served(f"`{info.id}`: there are no weights of a policy model for it", "model")
    return ChatRequest(
        model=model,
        info=info,
        turns=turns,
        prefill=prefill,
        stream=stream,
        include_usage=include_usage,
        temperature=1.0 if temperature is None else max(temperature, _SMALLEST_TEMPERATURE),
        top_p=1.0 if top_p is None else top_p,
        seed=seed,
        stop=stop,
        max_tokens=max_tokens,
        service_tier=body.get("service_tier"),
        documents=documents,
        format=form,
        tools=tools,
        reasoning=reasoning,
        built_in=read_use(body, info, version, tools),
    )


def _refuse_unknown(body: dict[str, Any]) -> None:
    for key in body:
        if key not in _KNOWN:
            near = difflib.get_close_matches(key, _KNOWN, 1)
            meant = f" Did you mean `{near[0]}`?" if near else ""
            raise bad_request(f"The property `{key[:64]}` is not supported.{meant}", key)


def _check_kind(info: ModelInfo | None) -> None:
    if info is not None and info.kind in ("transcription", "speech"):
        raise bad_request(
            f"The model `{info.id}` does not support chat completions; it does {info.kind}.",
            "model",
        )


def _check_unsupported(body: dict[str, Any]) -> None:
    for key in ("logprobs", "top_logprobs", "logit_bias"):
        if body.get(key) is not None:
            raise bad_request(f"`{key}` is not supported.", key)
    if fields.integer(body, "n") not in (None, 1):
        raise bad_request("`n` must be 1: one choice is made for a request.", "n")


def _check_plain(body: dict[str, Any]) -> None:
    """Parameters whose type and range count, but that change nothing here or anywhere."""
    fields.number(body, "frequency_penalty", -2, 2)
    fields.number(body, "presence_penalty", -2, 2)
    fields.mapping(body, "metadata")
    fields.boolean(body, "store")
    fields.string(body, "user")
    fields.strings(body, "exclude_instance_ids")
    fields.choice(body, "service_tier", _TIERS)
    fields.choice(body, "citation_options", ("enabled", "disabled"))


def _stream_options(body: dict[str, Any], stream: bool) -> bool:
    options = fields.mapping(body, "stream_options")
    if options is None:
        return False
    if not stream:
        raise bad_request("`stream_options` needs `stream: true`.", "stream_options")
    return bool(fields.boolean(options, "include_usage", at="stream_options."))


def _stop(body: dict[str, Any]) -> list[str]:
    value = body.get("stop")
    if value is None:
        return []
    if isinstance(value, str):
        fields.text_is_clean(value, "stop")
        stops = [value]
    elif isinstance(value, list):
        stops = fields.strings(body, "stop") or []
    else:
        raise bad_request(
            f"`stop` must be a string or an array of strings, not {fields.json_type(value)}.",
            "stop",
        )
    most = catalog.limit("stop_sequences")
    if len(stops) > most:
        raise bad_request(f"`stop` may hold at most {most} sequences, not {len(stops)}.", "stop")
    # An empty sequence would end every answer before it starts.
    return [stop for stop in stops if stop]


def _max_tokens(body: dict[str, Any], info: ModelInfo | None) -> int | None:
    most = info.max_completion_tokens if info is not None else None
    old = fields.integer(body, "max_tokens", 1, most)
    new = fields.integer(body, "max_completion_tokens", 1, most)
    return old if new is None else new
