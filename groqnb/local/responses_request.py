"""The body of a responses request, checked, and the chat request that it stands for.

Docs: "Create response"; "Responses API", Unsupported Features. What chat completions check as
well is checked there, once; a refusal then says it in the words of this endpoint.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groqnb.catalog import ModelInfo
from groqnb.local import fields
from groqnb.local.chat_request import ChatRequest, find_model, read_request
from groqnb.local.refusal import Refusal, bad_request
from groqnb.local.responses_input import Conversation, read_input

__all__ = ["ResponseRequest", "in_own_words", "read_response_request"]

_KNOWN = frozenset(
    {
        "input",
        "instructions",
        "max_output_tokens",
        "metadata",
        "model",
        "parallel_tool_calls",
        "reasoning",
        "service_tier",
        "store",
        "stream",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_p",
        "truncation",
        "user",
    }
)
# Named as unsupported, or parameters of OpenAI's that are not documented: they take only what asks
# for nothing, since OpenAI's own packages send that.
_UNSUPPORTED = frozenset(
    {
        "background",
        "conversation",
        "include",
        "max_tool_calls",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "safety_identifier",
        "stream_options",
        "top_logprobs",
    }
)
_MOST_METADATA = 16
_MOST_LEVELS = 100
_TIERS = {"auto": "auto", "default": "on_demand", "flex": "flex"}
_HOSTED = ("browser_search", "code_interpreter")


@dataclass(frozen=True)
class ResponseRequest:
    """A checked request: the chat to have, and what the reply repeats of the request.

    `origins` tells of each message of the chat where in the request it came from.
    """

    chat: ChatRequest
    echo: dict[str, Any]
    origins: Sequence[str]


def read_response_request(body: object, local_name: str) -> ResponseRequest:
    """Check `body` (parsed JSON) whole. Raises Refusal with 400, 404, 413 or 501."""
    if not isinstance(body, dict):
        raise bad_request(f"The body must be a JSON object, not {fields.json_type(body)}.")
    _refuse_unknown(body)
    _check_echo(body)
    model = fields.string(body, "model", required=True)
    assert model is not None
    # What may be asked of a model depends on it: an unknown one is told first.
    info = find_model(model, local_name)
    if fields.boolean(body, "store"):
        raise bad_request("`store` must be false or null: responses are not stored.", "store")
    fields.choice(body, "truncation", ("auto", "disabled"))
    metadata = fields.mapping(body, "metadata") or {}
    if len(metadata) > _MOST_METADATA:
        raise bad_request(
            f"`metadata` may hold at most {_MOST_METADATA} pairs, not {len(metadata)}.", "metadata"
        )
    talk = read_input(body)
    wanted = _chat_body(body, talk, info)
    try:
        chat = read_request(wanted, local_name)
    except Refusal as refusal:
        raise in_own_words(refusal, talk.origins) from None
    return ResponseRequest(chat, _echo(body, info), talk.origins)


def _refuse_unknown(body: dict[str, Any]) -> None:
    for key, value in body.items():
        asks_nothing = value is None or value is False or value == []
        if key in _KNOWN or (key in _UNSUPPORTED and asks_nothing):
            continue
        near = difflib.get_close_matches(key, _KNOWN, 1) if key not in _UNSUPPORTED else []
        meant = f" Did you mean `{near[0]}`?" if near else ""
        raise bad_request(f"The property `{key[:64]}` is not supported.{meant}", key)


def _check_echo(body: dict[str, Any]) -> None:
    """The reply repeats what stands here: it must be possible to write it as JSON."""
    for key in ("metadata", "reasoning", "text", "tool_choice", "tools", "user"):
        level: list[Any] = [body.get(key)]
        for _ in range(_MOST_LEVELS):
            level = [part for value in level for part in _inside(value, key)]
            if not level:
                break
        else:
            raise bad_request(f"`{key}` is nested deeper than {_MOST_LEVELS} levels.", key)


def _inside(value: object, key: str) -> Sequence[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    if isinstance(value, list):
        return value
    if isinstance(value, str):
        fields.text_is_clean(value, key)
    elif isinstance(value, float) and not math.isfinite(value):
        raise bad_request(f"`{key}` holds a number that is too large.", key)
    return ()


def _chat_body(body: dict[str, Any], talk: Conversation, info: ModelInfo | None) -> dict[str, Any]:
    tier = fields.choice(body, "service_tier", tuple(_TIERS))
    effort = _effort(body)
    return {
        "model": body["model"],
        "messages": talk.messages,
        "stream": body.get("stream"),
        "max_completion_tokens": fields.integer(body, "max_output_tokens", 1),
        "temperature": body.get("temperature"),
        "top_p": body.get("top_p"),
        "user": body.get("user"),
        "service_tier": _TIERS[tier or "auto"],
        "reasoning_effort": effort,
        "reasoning_format": _reasoning_format(info, effort),
        "response_format": _format(body),
        "tools": _tools(body),
        "tool_choice": _tool_choice(body),
        "parallel_tool_calls": body.get("parallel_tool_calls"),
    }


def _effort(body: dict[str, Any]) -> str | None:
    reasoning = fields.mapping(body, "reasoning") or {}
    for key, value in reasoning.items():
        if key != "effort" and value is not None:
            raise bad_request(f"`reasoning.{key[:64]}` is not supported.", f"reasoning.{key}")
    return fields.choice(reasoning, "effort", ("low", "medium", "high"), at="reasoning.")


def _reasoning_format(info: ModelInfo | None, effort: str | None) -> str | None:
    """Reasoning is an item of its own here, so it must not stand in the text."""
    if info is None:
        return "parsed" if effort else None
    return "parsed" if info.capabilities.get("reasoning_format_supported") else None


def _format(body: dict[str, Any]) -> dict[str, Any] | None:
    """`text.format`, which is flat here, as chat's `response_format`."""
    text = fields.mapping(body, "text") or {}
    for key, value in text.items():
        if key != "format" and value is not None:
            raise bad_request(f"`text.{key[:64]}` is not supported.", f"text.{key}")
    wanted = fields.mapping(text, "format", at="text.")
    if wanted is None or wanted.get("type") != "json_schema":
        return wanted
    schema = {key: value for key, value in wanted.items() if key != "type"}
    return {"type": "json_schema", "json_schema": schema}


def _tools(body: dict[str, Any]) -> list[Any] | None:
    """The tools, which are flat here, as chat nests them."""
    tools = fields.items(body, "tools")
    return tools and [_tool(tool, f"tools[{index}]") for index, tool in enumerate(tools)]


def _tool(tool: object, at: str) -> object:
    if not isinstance(tool, dict):
        return tool
    kind = fields.string(tool, "type", at=f"{at}.", required=True)
    if kind in _HOSTED:
        return {"type": kind}
    if kind != "function":
        known = "`function`, `code_interpreter` or `browser_search`"
        raise bad_request(f"`{at}.type` must be {known}, not `{kind}`.", f"{at}.type")
    if isinstance(tool.get("function"), dict) and tool.get("name") is None:
        raise bad_request(
            f"`{at}.name` is required: a function stands in the tool itself here, "
            "not under `function`.",
            f"{at}.name",
        )
    return {"type": "function", "function": {k: v for k, v in tool.items() if k != "type"}}


def _tool_choice(body: dict[str, Any]) -> object:
    """The choice, as chat nests it; a named function may be flat, as OpenAI's package sends it."""
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "function" and "name" in choice:
        name = fields.name(choice, "name", at="tool_choice.")
        return {"type": "function", "function": {"name": name}}
    return choice


def _echo(body: dict[str, Any], info: ModelInfo | None) -> dict[str, Any]:
    """What the reply repeats; each field with its default where the request leaves it out."""

    def given(key: str, default: Any) -> Any:
        value = body.get(key)
        return default if value is None else value

    effort = (body.get("reasoning") or {}).get("effort")
    if effort is None and info is not None:
        effort = info.capabilities.get("reasoning_effort_default")
    text = body.get("text") or {}
    return {
        "background": False,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": None,
        "metadata": given("metadata", {}),
        "model": body["model"],
        "parallel_tool_calls": given("parallel_tool_calls", True),
        "previous_response_id": None,
        "reasoning": {"effort": effort, "summary": None},
        "store": False,
        "temperature": given("temperature", 1),
        "text": {"format": text.get("format") or {"type": "text"}},
        "tool_choice": given("tool_choice", "auto"),
        "tools": given("tools", []),
        "top_logprobs": 0,
        "top_p": given("top_p", 1),
        "truncation": given("truncation", "disabled"),
        "user": body.get("user"),
    }


_NAMES = (
    (re.compile(r"\bimage_url\.url\b"), "image_url"),
    (re.compile(r"\bimage_url\.detail\b"), "detail"),
    (re.compile(r"\bresponse_format(\.json_schema)?"), "text.format"),
    (re.compile(r"\bmax_completion_tokens\b"), "max_output_tokens"),
    (re.compile(r"\breasoning_effort\b"), "reasoning.effort"),
    (re.compile(r"\b(tools\[\d+\])\.function\b"), r"\1"),
)


def in_own_words(refusal: Refusal, origins: Sequence[str]) -> Refusal:
    """A refusal by chat's checks, with the names that the fields have in this endpoint."""

    def origin(found: re.Match[str]) -> str:
        if found[1] is None:
            return "input"
        # A message may quote what the request says, and that may look like a place.
        return origins[int(found[1])] if int(found[1]) < len(origins) else found[0]

    def renamed(path: str) -> str:
        for pattern, name in _NAMES:
            path = pattern.sub(name, path)
        return re.sub(r"^messages\b(?:\[(\d{1,9})\])?", origin, path)

    message = re.sub(r"`([^`]+)`", lambda found: f"`{renamed(found[1])}`", refusal.message)
    return Refusal(
        refusal.status,
        message,
        type=refusal.type,
        code=refusal.code,
        param=None if refusal.param is None else renamed(refusal.param),
        headers=refusal.headers,
        extra=refusal.extra,
    )
