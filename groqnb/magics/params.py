"""`-p NAME=VALUE`: short and dotted names, and the objects of the API that they fill.

```python
>>> nested({"temperature": 0, "search_settings.country": "germany"})
{'temperature': 0, 'search_settings': {'country': 'germany'}}

```
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from groqnb.magics.words import GrammarError

if TYPE_CHECKING:
    from groqnb.magics.parser import Param

__all__ = [
    "HEADER",
    "INNER",
    "SHORT",
    "canonical",
    "nested",
    "refuse_typed_key",
    "value_from",
    "with_wolfram",
]

HEADER = "Groq-Model-Version"
_TOOLS = "compound_custom.tools.enabled_tools"

SHORT = {
    "enabled_tools": _TOOLS,
    "answering_model": "compound_custom.models.answering_model",
    "reasoning_model": "compound_custom.models.reasoning_model",
    "country": "search_settings.country",
    "include_domains": "search_settings.include_domains",
    "exclude_domains": "search_settings.exclude_domains",
    "include_images": "search_settings.include_images",
    HEADER: f"extra_headers.{HEADER}",
}
"""Names that need no dots, and where the API has them. Docs: API Reference, Compound."""

INNER = tuple(name for name in SHORT.values() if not name.startswith("extra_headers"))

_LISTS = {_TOOLS, SHORT["include_domains"], SHORT["exclude_domains"]}
_TEXTS = {"user", "stop", SHORT["country"]}
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_][\w-]*)*")
_BY_LOWER = {name.lower(): name for name in SHORT}


def canonical(name: str) -> str | None:
    """The full name, dots and all; None for what is no name.

    ```python
    >>> canonical("enabled_tools"), canonical("groq-model-version"), canonical("4x")
    ('compound_custom.tools.enabled_tools', 'extra_headers.Groq-Model-Version', None)

    ```
    """
    if name.lower() in _BY_LOWER:
        return SHORT[_BY_LOWER[name.lower()]]
    return name if _NAME.fullmatch(name) else None


def refuse_typed_key(name: str, param: Param) -> None:
    """Refuse a key of Wolfram's that is typed into a cell: it would be saved with the notebook.

    Raises GrammarError, without the key.
    """
    typed = not (param.text.startswith("{{") and param.text.endswith("}}"))
    named = any(part.lower().startswith("wolfram") for part in name.split("."))
    if typed and (named or re.search(r"wolfram_?settings", param.text, re.I)):
        from groqnb.wolfram import NAMES

        raise GrammarError(
            "a key of Wolfram's in a cell would be saved with the notebook: set "
            f"{NAMES[0]} in the environment and write -p enabled_tools=wolfram_alpha"
        )


def value_from(name: str, param: Param, value: Any) -> Any:
    """The value as the parameter `name` takes it: `a,b` is a list for lists, `5` a text for texts.

    ```python
    >>> from groqnb.magics.parser import Param
    >>> value_from("search_settings.include_domains", Param("", ""), "*.edu,a.org")
    ['*.edu', 'a.org']

    ```
    """
    if name in _LISTS and isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if name in _TEXTS and isinstance(value, (int, float)):
        return param.text
    if name == "response_format" and isinstance(value, str):
        return {"type": value}
    return value


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a call: dotted names fill objects. Raises GrammarError.

    A whole object and dotted names go together; what is dotted counts.
    """
    found: dict[str, Any] = {}
    for name in sorted(values, key=lambda name: name.count(".")):
        *path, last = name.split(".")
        place, at = found, ""
        for part in path:
            at = f"{at}.{part}".strip(".")
            inner = place.get(part, {})
            if not isinstance(inner, Mapping):
                raise GrammarError(f"-p {name}=…: {at} is no object, but {inner!r}")
            place[part] = dict(inner)
            place = place[part]
        place[last] = values[name]
    # In the order in which they are written.
    return {name: found[name] for name in dict.fromkeys(key.split(".")[0] for key in values)}


def with_wolfram(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters with Wolfram's key from the environment, where its tool is enabled.

    Raises ParameterError where there is none.
    """
    custom = params.get("compound_custom")
    if not isinstance(custom, Mapping):
        return params
    tools = custom.get("tools")
    if not isinstance(tools, Mapping) or "wolfram_settings" in tools:
        return params
    enabled = tools.get("enabled_tools")
    if not isinstance(enabled, (list, tuple)) or "wolfram_alpha" not in enabled:
        return params
    from groqnb.wolfram import wolfram_settings

    more = {**tools, "wolfram_settings": wolfram_settings()}
    return {**params, "compound_custom": {**custom, "tools": more}}
