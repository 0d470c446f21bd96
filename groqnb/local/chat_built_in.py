"""Which built-in tools a chat request lets the engine run, and how.

Docs: "Built-in Tools", "Configuring Tools"; "Compound", "System Versioning"; "Code Execution" and
"Browser Search" for the gpt-oss models; "Create chat completion", `compound_custom`,
`search_settings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groqnb.catalog import ModelInfo
from groqnb.local.built_in_tools import BuiltInTools
from groqnb.local.chat_grounding import STABLE
from groqnb.local.chat_tools import Tools
from groqnb.local.parts.built_in import Settings
from groqnb.local.refusal import bad_request

__all__ = ["Use", "read_use"]

_BY_DEFAULT = ("web_search", "code_interpreter")
_BY_DEFAULT_IN_NEWER = (*_BY_DEFAULT, "visit_website")
_MOST_CALLS = 10
_MOST_CALLS_OF_MINI = 1


@dataclass(frozen=True)
class Use:
    """The tools that may be run (`names`), and how many runs there may be at `most`.

    `required` says that one has to be run. `named` says that the request itself names them; else
    they come with the system, and where one cannot work the answer goes on without it.
    """

    names: Sequence[str]
    most: int
    required: bool
    named: bool
    settings: Settings


def read_use(
    body: dict[str, Any], info: ModelInfo | None, version: str | None, tools: Tools | None
) -> Use | None:
    """The built-in tools of a `body` that was checked; None where there are none.

    Raises Refusal (400) for what does not go with them.
    """
    if info is not None and info.kind == "compound":
        custom = (body.get("compound_custom") or {}).get("tools") or {}
        names = custom.get("enabled_tools")
        if names is None:
            names = _BY_DEFAULT if version in (None, STABLE) else _BY_DEFAULT_IN_NEWER
        most = _MOST_CALLS_OF_MINI if info.id.endswith("-mini") else _MOST_CALLS
        names = [name for name in dict.fromkeys(names) if BuiltInTools.has(name)]
        return Use(names, most, False, False, _settings(body, custom)) if names else None
    if tools is None or not tools.built_in:
        return None
    form = body.get("response_format") or {}
    if "browser_search" in tools.built_in and form.get("type") == "json_schema":
        raise bad_request(
            "`browser_search` does not go together with structured outputs.", "response_format"
        )
    required = tools.choice == "required"
    return Use(tools.built_in, _MOST_CALLS, required, True, _settings(body, {}))


def _settings(body: dict[str, Any], custom: dict[str, Any]) -> Settings:
    search = body.get("search_settings") or {}
    wolfram = custom.get("wolfram_settings") or {}
    return Settings(
        country=search.get("country"),
        include_domains=search.get("include_domains") or body.get("include_domains") or (),
        exclude_domains=search.get("exclude_domains") or body.get("exclude_domains") or (),
        include_images=bool(search.get("include_images")),
        wolfram_key=wolfram.get("authorization"),
    )
