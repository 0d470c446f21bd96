"""Documents, and the settings of the Compound systems: checked as documented.

What they say of the tools is read in chat_built_in.
Docs: "Create chat completion", `documents`, `compound_custom`, `search_settings`; "Compound",
"System Versioning"; "Built-in Tools".
"""

from __future__ import annotations

import json
from typing import Any

from groqnb import catalog
from groqnb.catalog import ModelInfo
from groqnb.local import fields
from groqnb.local.refusal import bad_request

__all__ = ["STABLE", "check_compound", "check_version", "read_documents"]

#: The version that is served without a header.
STABLE = "2025-07-23"
_VERSIONS = (STABLE, "2025-08-16", "latest")
_IN_EVERY_VERSION = ("web_search", "code_interpreter")
_IN_NEWER_VERSIONS = ("visit_website", "browser_automation", "wolfram_alpha")


def check_version(version: str | None, info: ModelInfo | None) -> None:
    """The header `Groq-Model-Version`; other models than Compound have no versions."""
    if version is None or info is None or info.kind != "compound":
        return
    if version not in _VERSIONS:
        known = ", ".join(f"`{each}`" for each in _VERSIONS)
        raise bad_request(
            f"`Groq-Model-Version` must be one of {known}, not `{fields.shown(version)}`.",
            "Groq-Model-Version",
        )


def read_documents(body: dict[str, Any]) -> list[str]:
    """The texts of `documents`."""
    texts: list[str] = []
    for index, document in enumerate(fields.items(body, "documents") or []):
        at = f"documents[{index}]"
        if not isinstance(document, dict):
            raise bad_request(f"`{at}` must be an object, not {fields.json_type(document)}.", at)
        source = fields.mapping(document, "source", at=f"{at}.")
        if source is None:
            text = fields.string(document, "text", at=f"{at}.", required=True)
        elif fields.choice(source, "type", ("text", "json"), at=f"{at}.source.") == "json":
            text = json.dumps(fields.mapping(source, "data", at=f"{at}.source."))
        else:
            text = fields.string(source, "text", at=f"{at}.source.", required=True)
        texts.append(text or "")
    return texts


def check_compound(body: dict[str, Any], info: ModelInfo | None, version: str | None) -> None:
    """`compound_custom` and the settings of search."""
    custom = fields.mapping(body, "compound_custom")
    settings = fields.mapping(body, "search_settings")
    _check_search(body, settings or {})
    for key in ("compound_custom", "search_settings", "include_domains", "exclude_domains"):
        if body.get(key) and info is not None and info.kind != "compound":
            raise bad_request(
                f"`{key}` is for `groq/compound` and `groq/compound-mini`, not `{info.id}`.", key
            )
    if custom is None:
        return
    at = "compound_custom.models."
    models = fields.mapping(custom, "models", at="compound_custom.") or {}
    for key in ("answering_model", "reasoning_model"):
        name = fields.string(models, key, at=at)
        if name is not None and catalog.find(name) is None:
            shown = fields.shown(name)
            raise bad_request(f"`{at}{key}` names no known model: `{shown}`.", f"{at}{key}")
    tools = fields.mapping(custom, "tools", at="compound_custom.") or {}
    at = "compound_custom.tools."
    wolfram = fields.mapping(tools, "wolfram_settings", at=at) or {}
    fields.string(wolfram, "authorization", at=f"{at}wolfram_settings.")
    _check_enabled(fields.strings(tools, "enabled_tools", at=at) or [], version)


def _check_search(body: dict[str, Any], settings: dict[str, Any]) -> None:
    at = "search_settings."
    fields.string(settings, "country", at=at)
    for key in ("include_domains", "exclude_domains"):
        fields.strings(settings, key, at=at)
        fields.strings(body, key)
    fields.boolean(settings, "include_images", at=at)


def _check_enabled(names: list[str], version: str | None) -> None:
    for index, name in enumerate(names):
        at = f"compound_custom.tools.enabled_tools[{index}]"
        if name not in (*_IN_EVERY_VERSION, *_IN_NEWER_VERSIONS):
            known = ", ".join(f"`{each}`" for each in (*_IN_EVERY_VERSION, *_IN_NEWER_VERSIONS))
            raise bad_request(f"`{at}` must be one of {known}, not `{fields.shown(name)}`.", at)
        if name in _IN_NEWER_VERSIONS and version in (None, STABLE):
            raise bad_request(
                f"`{name}` needs a newer version than {STABLE}: "
                "send the header `Groq-Model-Version: latest`.",
                at,
            )
    if "browser_automation" in names and "web_search" not in names:
        raise bad_request(
            "`browser_automation` needs `web_search` to be enabled as well.",
            "compound_custom.tools.enabled_tools",
        )
