"""Tools, structured output, reasoning and search in a chat request: checked as documented.

What passes the checks and cannot be served for real here is refused with a 501 that names it.
Docs: "Create chat completion"; "Structured Outputs"; "Reasoning"; "Compound".
"""

from __future__ import annotations

from typing import Any

from groqnb import catalog
from groqnb.catalog import ModelInfo
from groqnb.local import fields
from groqnb.local.refusal import bad_request, not_served

__all__ = ["check_grounding", "check_reasoning", "check_tools", "response_format"]


def response_format(body: dict[str, Any], info: ModelInfo | None, stream: bool) -> bool:
    """Whether JSON object mode is on."""
    wanted = fields.mapping(body, "response_format")
    if wanted is None:
        return False
    at = "response_format."
    fields.string(wanted, "type", at=at, required=True)
    kind = fields.choice(wanted, "type", ("text", "json_object", "json_schema"), at=at)
    if kind == "json_schema":
        schema = fields.mapping(wanted, "json_schema", at=at)
        if schema is None:
            raise bad_request("`response_format.json_schema` is required.", f"{at}json_schema")
        fields.name(schema, "name", at=f"{at}json_schema.")
        fields.string(schema, "description", at=f"{at}json_schema.")
        fields.mapping(schema, "schema", at=f"{at}json_schema.")
        fields.boolean(schema, "strict", at=f"{at}json_schema.")
        if info is not None and not info.capabilities.get("structured_outputs"):
            raise bad_request(
                f"The model `{info.id}` does not support the response format `json_schema`.",
                "response_format",
            )
        if stream:
            raise bad_request(
                "Streaming is not supported with structured outputs.", "response_format"
            )
        raise not_served("structured outputs (`json_schema`)", "response_format")
    return kind == "json_object"


def check_tools(body: dict[str, Any], info: ModelInfo | None) -> None:
    """Tools and the older functions, with the choice among them."""
    tools = fields.items(body, "tools") or []
    functions = fields.items(body, "functions") or []
    most = catalog.limit("tools")
    for key, given in (("tools", tools), ("functions", functions)):
        if len(given) > most:
            raise bad_request(f"`{key}` may hold at most {most} functions.", key)
    for index, tool in enumerate(tools):
        _check_tool(tool, f"tools[{index}]")
    for index, function in enumerate(functions):
        _check_function(function, f"functions[{index}]")
    named = _tool_choice(body, "tool_choice", ("none", "auto", "required"))
    called = _tool_choice(body, "function_call", ("none", "auto"))
    if not tools and named not in (None, "none", "auto"):
        raise bad_request("`tool_choice` needs `tools`.", "tool_choice")
    if info is not None and tools and info.capabilities.get("tool_use") is False:
        raise bad_request(f"The model `{info.id}` does not support tools.", "tools")
    # With "none" the model is not to call anything, which any model can do.
    if tools and named != "none":
        raise not_served("tools", "tools")
    if functions and called != "none":
        raise not_served("functions", "functions")


def _check_tool(tool: object, at: str) -> None:
    if not isinstance(tool, dict):
        raise bad_request(f"`{at}` must be an object, not {fields.json_type(tool)}.", at)
    kind = fields.string(tool, "type", at=f"{at}.", required=True)
    if kind == "function":
        function = fields.mapping(tool, "function", at=f"{at}.")
        if function is None:
            raise bad_request(f"`{at}.function` is required.", f"{at}.function")
        _check_function(function, f"{at}.function")
    elif kind not in ("browser_search", "code_interpreter", "mcp"):
        raise bad_request(f"`{at}.type` is not a known kind of tool: `{kind}`.", f"{at}.type")


def _check_function(function: object, at: str) -> None:
    if not isinstance(function, dict):
        raise bad_request(f"`{at}` must be an object, not {fields.json_type(function)}.", at)
    fields.name(function, "name", at=f"{at}.")
    fields.string(function, "description", at=f"{at}.")
    fields.mapping(function, "parameters", at=f"{at}.")
    fields.boolean(function, "strict", at=f"{at}.")


def _tool_choice(body: dict[str, Any], key: str, words: tuple[str, ...]) -> str | None:
    value = body.get(key)
    if value is None or isinstance(value, str):
        return fields.choice(body, key, words)
    wanted = fields.mapping(body, key) or {}
    if key == "function_call":
        return fields.name(wanted, "name", at=f"{key}.")
    if wanted.get("type") != "function":
        raise bad_request("`tool_choice.type` must be `function`.", "tool_choice.type")
    function = fields.mapping(wanted, "function", at="tool_choice.") or {}
    return fields.name(function, "name", at="tool_choice.function.")


def check_reasoning(body: dict[str, Any], info: ModelInfo | None, json_mode: bool) -> None:
    """Effort, format and inclusion of reasoning, by what the model is documented to take."""
    effort = fields.choice(body, "reasoning_effort", ("none", "default", "low", "medium", "high"))
    form = fields.choice(body, "reasoning_format", ("hidden", "raw", "parsed"))
    include = fields.boolean(body, "include_reasoning")
    if form is not None and include is not None:
        raise bad_request(
            "`include_reasoning` and `reasoning_format` exclude each other.", "reasoning_format"
        )
    if form == "raw" and (json_mode or body.get("tools")):
        raise bad_request(
            "`reasoning_format` must be `parsed` or `hidden` with JSON mode or tools.",
            "reasoning_format",
        )
    able = info is not None and info.capabilities.get("reasoning")
    if info is not None and not able:
        for key, value in (("reasoning_effort", effort), ("reasoning_format", form)):
            if value is not None:
                raise bad_request(f"The model `{info.id}` does not support `{key}`.", key)
    if info is not None and effort is not None:
        allowed = info.capabilities.get("reasoning_effort_values") or []
        if effort not in allowed:
            raise bad_request(
                f"`reasoning_effort` of `{info.id}` must be one of "
                + ", ".join(f"`{word}`" for word in allowed)
                + f", not `{effort}`.",
                "reasoning_effort",
            )
    if info is not None and form and info.capabilities.get("reasoning_format_supported") is False:
        raise bad_request(
            f"The model `{info.id}` does not support `reasoning_format`.", "reasoning_format"
        )
    # Reasoning that is to be left out can be left out; reasoning to be shown cannot be shown.
    if effort not in (None, "none") and form != "hidden" and include is not False:
        raise not_served("reasoning (`reasoning_effort`)", "reasoning_effort")
    if form in ("raw", "parsed"):
        raise not_served("reasoning (`reasoning_format`)", "reasoning_format")
    if include and able:
        raise not_served("reasoning (`include_reasoning`)", "include_reasoning")


def check_grounding(body: dict[str, Any], info: ModelInfo | None) -> None:
    """Search, documents and Compound's settings: checked, then not served."""
    compound = fields.mapping(body, "compound_custom")
    settings = fields.mapping(body, "search_settings")
    at = "search_settings."
    fields.string(settings or {}, "country", at=at)
    for key in ("include_domains", "exclude_domains"):
        fields.strings(settings or {}, key, at=at)
        fields.strings(body, key)
    fields.boolean(settings or {}, "include_images", at=at)
    documents = fields.items(body, "documents") or []
    for index, document in enumerate(documents):
        here = f"documents[{index}]"
        if not isinstance(document, dict):
            raise bad_request(
                f"`{here}` must be an object, not {fields.json_type(document)}.", here
            )
        if document.get("source") is None:
            fields.string(document, "text", at=f"{here}.", required=True)
    given = {
        "compound_custom": compound,
        "search_settings": settings,
        "include_domains": body.get("include_domains"),
        "exclude_domains": body.get("exclude_domains"),
    }
    for key, value in given.items():
        if value and info is not None and info.kind != "compound":
            raise bad_request(
                f"`{key}` is for `groq/compound` and `groq/compound-mini`, not `{info.id}`.", key
            )
        if value:
            raise not_served(f"`{key}`", key)
    if documents:
        raise not_served("`documents`", "documents")
