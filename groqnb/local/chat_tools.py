"""Tools of a chat request, and the older functions: checked as documented.

Docs: "Create chat completion", `tools`, `tool_choice`, `disable_tool_validation`; "Tool Use".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groqnb import catalog
from groqnb.catalog import ModelInfo
from groqnb.local import fields
from groqnb.local.built_in_tools import BuiltInTools
from groqnb.local.refusal import bad_request, not_served
from groqnb.local.schemas import check_schema

__all__ = ["Function", "Tools", "read_tools"]

# A function whose parameters tell none of these takes no arguments.
_SHAPES = ("properties", "additionalProperties", "$ref", "allOf", "anyOf", "oneOf")
_BUILT_IN = ("browser_search", "code_interpreter")


@dataclass(frozen=True)
class Function:
    """A function that may be called. `parameters` is the JSON Schema of its arguments."""

    name: str
    description: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Tools:
    """The functions and how to choose among them.

    `choice` is "auto", "required", or the name of the one to call. `older` says that they came
    as `functions`, and a call is to be told as `function_call`. `checked` is false where calls
    are not to be held against the functions. `built_in` are the tools that the engine itself runs.
    """

    functions: Sequence[Function]
    choice: str
    parallel: bool
    older: bool
    checked: bool
    built_in: Sequence[str] = ()

    @property
    def named(self) -> bool:
        """Whether one function is asked for by its name."""
        return self.choice not in ("auto", "required")


def read_tools(body: dict[str, Any], info: ModelInfo | None) -> Tools | None:
    """The tools of `body`; None where there are none, or none are to be used."""
    tools = fields.items(body, "tools") or []
    functions = fields.items(body, "functions") or []
    _check_counts(tools, functions, info)
    found = [
        *(_tool(tool, f"tools[{index}]", info) for index, tool in enumerate(tools)),
        *(_function(each, f"functions[{index}]") for index, each in enumerate(functions)),
    ]
    key = "functions" if functions else "tools"
    choice = _choice(body, "tool_choice", ("none", "auto", "required"))
    called = _choice(body, "function_call", ("none", "auto"))
    for given, name, needed in (
        (choice, "tool_choice", tools),
        (called, "function_call", functions),
    ):
        if not needed and given not in (None, "none", "auto"):
            wanted = "tools" if name == "tool_choice" else "functions"
            raise bad_request(f"`{name}` needs `{wanted}`.", name)
    chosen = called if functions else choice
    unchecked = bool(fields.boolean(body, "disable_tool_validation"))
    parallel = fields.boolean(body, "parallel_tool_calls")
    if not found or chosen == "none":
        return None
    _refuse_missing(found)
    known = [function for function in found if isinstance(function, Function)]
    _check_names(known, key)
    if chosen not in (None, "auto", "required"):
        _check_named(chosen, known, unchecked, "function_call" if functions else "tool_choice")
    able = info is None or info.capabilities.get("parallel_tool_use") is not False
    return Tools(
        known,
        chosen or "auto",
        parallel is not False and able and not functions,
        bool(functions),
        not unchecked,
        tuple(dict.fromkeys(each for each in found if isinstance(each, str))),
    )


def _check_counts(tools: list[Any], functions: list[Any], info: ModelInfo | None) -> None:
    most = catalog.limit("tools")
    for key, given in (("tools", tools), ("functions", functions)):
        if len(given) > most:
            raise bad_request(f"`{key}` may hold at most {most} functions.", key)
        if not given or info is None:
            continue
        if info.kind == "compound":
            raise bad_request(
                f"`{info.id}` has its own tools; custom tools are not supported.", key
            )
        if not info.capabilities.get("tool_use"):
            raise bad_request(f"The model `{info.id}` does not support tools.", key)
    if tools and functions:
        raise bad_request("`tools` and `functions` exclude each other.", "functions")


def _tool(tool: object, at: str, info: ModelInfo | None) -> Function | str:
    """A function, or the name of a built-in tool."""
    if not isinstance(tool, dict):
        raise bad_request(f"`{at}` must be an object, not {fields.json_type(tool)}.", at)
    kind = fields.string(tool, "type", at=f"{at}.", required=True)
    if kind == "function":
        function = fields.mapping(tool, "function", at=f"{at}.")
        if function is None:
            raise bad_request(f"`{at}.function` is required.", f"{at}.function")
        return _function(function, f"{at}.function")
    if kind == "mcp":
        fields.string(tool, "server_url", at=f"{at}.", required=True)
        fields.string(tool, "server_label", at=f"{at}.")
        fields.mapping(tool, "headers", at=f"{at}.")
        return "mcp"
    if kind not in _BUILT_IN:
        shown = fields.shown(kind)
        raise bad_request(f"`{at}.type` is not a known kind of tool: `{shown}`.", f"{at}.type")
    if info is not None and not info.capabilities.get(kind):
        raise bad_request(f"The model `{info.id}` does not support `{kind}`.", f"{at}.type")
    assert kind is not None
    return kind


def _function(function: object, at: str) -> Function:
    if not isinstance(function, dict):
        raise bad_request(f"`{at}` must be an object, not {fields.json_type(function)}.", at)
    name = fields.name(function, "name", at=f"{at}.")
    description = fields.string(function, "description", at=f"{at}.")
    parameters = fields.mapping(function, "parameters", at=f"{at}.") or {}
    strict = bool(fields.boolean(function, "strict", at=f"{at}."))
    if parameters:
        check_schema(parameters, f"{at}.parameters", strict=strict)
        if parameters.get("type", "object") != "object":
            raise bad_request(
                f"`{at}.parameters.type` must be `object`: arguments have names.",
                f"{at}.parameters.type",
            )
    if not any(word in parameters for word in _SHAPES):
        parameters = {**parameters, "properties": {}, "additionalProperties": False}
    return Function(name, description or "", {**parameters, "type": "object"})


def _choice(body: dict[str, Any], key: str, words: tuple[str, ...]) -> str | None:
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


def _refuse_missing(found: Sequence[Function | str]) -> None:
    for each in found:
        if isinstance(each, str) and not BuiltInTools.has(each):
            what = "remote MCP servers" if each == "mcp" else f"the built-in tool `{each}`"
            raise not_served(what, "tools")


def _check_names(functions: Sequence[Function], key: str) -> None:
    seen: set[str] = set()
    for index, function in enumerate(functions):
        if function.name in seen:
            raise bad_request(f"The name `{function.name}` is used twice.", f"{key}[{index}]")
        seen.add(function.name)


def _check_named(
    name: str | None, functions: Sequence[Function], unchecked: bool, key: str
) -> None:
    names = [function.name for function in functions]
    if name not in names:
        known = ", ".join(f"`{each}`" for each in names[:8])
        raise bad_request(f"`{key}` names `{name}`, which is not among the tools: {known}.", key)
    if unchecked:
        raise bad_request("With `disable_tool_validation` no specific tool can be required.", key)
