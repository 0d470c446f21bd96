"""Parameters of `%%groq` held against the catalogue before they are sent.

Only what the documentation is sure of is refused; `-p extra_body.NAME=VALUE` goes unchecked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from groqnb import catalog, sampling
from groqnb.magics.options import did_you_mean, near
from groqnb.magics.params import HEADER, INNER, SHORT
from groqnb.magics.words import GrammarError
from groqnb.types.errors import ParameterError

__all__ = ["SWITCHES", "TOOLS", "check_names", "check_params", "choices_of"]

TOOLS = ("web_search", "code_interpreter", "visit_website", "browser_automation", "wolfram_alpha")
_NEWER_TOOLS = TOOLS[2:]
_STABLE = "2025-07-23"
_VERSION = re.compile(r"latest|\d{4}-\d\d-\d\d")
_CHECKED = (
    *("temperature", "top_p", "max_completion_tokens", "seed", "reasoning_effort"),
    *("reasoning_format", "include_reasoning", "service_tier"),
)
_CHOICES = {"tool_choice": ("none", "auto", "required")}
SWITCHES = ("include_reasoning", "parallel_tool_calls", "disable_tool_validation", "include_images")
_FORMATS = ("text", "json_object", "json_schema")
_UNCHECKED = "(-p extra_body.NAME=VALUE goes unchecked.)"


def choices_of(name: str, model: str) -> list[str]:
    """The values that a parameter takes, those of the model where it has its own.

    ```python
    >>> choices_of("reasoning_effort", "openai/gpt-oss-20b")
    ['low', 'medium', 'high']

    ```
    """
    if name in ("enabled_tools", SHORT["enabled_tools"]):
        known = catalog.find(model)
        able = [tool for tool in TOOLS if known and known.capabilities.get(tool)]
        return able if known and known.kind == "compound" else list(TOOLS)
    if name.rpartition(".")[2] in SWITCHES:
        return ["true", "false"]
    if name.rpartition(".")[2] == HEADER:
        return ["latest"]
    if name == "response_format":
        return list(_FORMATS[:2])
    if name in _CHOICES:
        return list(_CHOICES[name])
    parameter = next((each for each in sampling.PARAMETERS if each.name == name), None)
    own = sampling.support(model).get(name, {})
    return list(own.get("choices") or (parameter.choices if parameter else ()))


def check_names(names: Iterable[str]) -> None:
    """Raises GrammarError, with the nearest name, for a parameter that the API does not have."""
    from groqnb.types.chat import ChatParams

    known = set(ChatParams.__annotations__)
    for name in names:
        root, *rest = name.split(".")
        if root not in known:
            found = did_you_mean(near(name if rest else root, [*known, *SHORT, *INNER]))
            raise GrammarError(
                f"there is no parameter {root!r}.{found} What is newer than groqnb: "
                f"-p extra_body.{root}=…"
            )
        inner = [each for each in INNER if each.startswith(f"{root}.")]
        known_here = any(each == name or each.startswith(f"{name}.") for each in inner)
        if rest and inner and not known_here:
            found = did_you_mean(near(name, inner))
            # What is like none of them may be newer than this list.
            if found:
                raise GrammarError(f"there is no parameter {name!r}.{found}")


def check_params(params: Mapping[str, Any], model: str) -> None:
    """Raises GrammarError, with what is allowed, for a value that the API is sure to refuse."""
    for name in _CHECKED:
        if params.get(name) is not None:
            _check_one(name, params[name], model)
    _check_choice("tool_choice", params.get("tool_choice"), _CHOICES["tool_choice"])
    wanted = params.get("response_format")
    if isinstance(wanted, Mapping):
        _check_choice("response_format", wanted.get("type"), _FORMATS)
    stops = params.get("stop")
    if isinstance(stops, (list, tuple)) and len(stops) > catalog.limit("stop_sequences"):
        most = catalog.limit("stop_sequences")
        raise GrammarError(f"-p stop: {len(stops)} texts; at most {most} are allowed")
    _check_compound(params, model)


def _check_one(name: str, value: Any, model: str) -> None:
    try:
        sampling.check({name: value}, model)
    except ParameterError as error:
        offered = near(value, choices_of(name, model)) if isinstance(value, str) else []
        raise GrammarError(
            f"-p {error.message.rstrip('.')}.{did_you_mean(offered)} {_UNCHECKED}"
        ) from None


def _check_choice(name: str, value: Any, choices: Iterable[str]) -> None:
    if isinstance(value, str) and value not in choices:
        raise GrammarError(
            f"-p {name} is {value!r}; it is one of {', '.join(choices)}."
            f"{did_you_mean(near(value, choices))}"
        )


def _check_compound(params: Mapping[str, Any], model: str) -> None:
    headers = params.get("extra_headers")
    version = headers.get(HEADER) if isinstance(headers, Mapping) else None
    if version is not None and not _VERSION.fullmatch(str(version)):
        raise GrammarError(f"-p {HEADER}={version}: it is latest, or a date such as {_STABLE}")
    custom = params.get("compound_custom")
    used = [name for name in ("compound_custom", "search_settings") if params.get(name)]
    known = catalog.find(model)
    if used and known is not None and known.kind != "compound":
        names = ", ".join(each.id for each in catalog.models() if each.kind == "compound")
        what = "enabled_tools" if _tools_of(custom) else used[0]
        raise GrammarError(f"-p {what} is for {names}, not for {model}: name one after -m")
    enabled = _tools_of(custom)
    for tool in enabled:
        _check_choice("enabled_tools", tool, TOOLS)
    if "browser_automation" in enabled and "web_search" not in enabled:
        raise GrammarError("-p enabled_tools: browser_automation needs web_search, too")
    newer = [tool for tool in enabled if tool in _NEWER_TOOLS]
    if newer and version in (None, _STABLE):
        raise GrammarError(f"-p enabled_tools={newer[0]} needs -p {HEADER}=latest, too")


def _tools_of(custom: Any) -> list[Any]:
    tools = custom.get("tools") if isinstance(custom, Mapping) else None
    enabled = tools.get("enabled_tools") if isinstance(tools, Mapping) else None
    return list(enabled) if isinstance(enabled, (list, tuple)) else []
