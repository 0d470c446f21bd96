"""Compound's settings and versions, documents, tiers: checked, and told in the reply."""

from __future__ import annotations

import json
from typing import Any

import groq
import httpx
import pytest

from groqnb.local.process import Engine

COMPOUND = "groq/compound"


def ask(http: httpx.Client, version: str | None = None, **body: Any) -> httpx.Response:
    wanted = {"model": COMPOUND, "messages": [{"role": "user", "content": "Say hello."}]}
    headers = {} if version is None else {"groq-model-version": version}
    return http.post("/chat/completions", json={**wanted, "max_tokens": 4, **body}, headers=headers)


def tools(*names: str) -> dict[str, Any]:
    return {"tools": {"enabled_tools": list(names)}}


def test_compound_tells_which_model_answered(http: httpx.Client, engine: Engine) -> None:
    """`usage_breakdown` names the local model; in a stream it stands in the last chunk."""
    (part,) = ask(http).json()["usage_breakdown"]["models"]
    assert part["model"] == engine.model
    assert part["usage"]["total_tokens"] > 0
    lines = ask(http, stream=True).text.split("\n\n")
    last = json.loads(lines[-3][6:])
    assert last["x_groq"]["usage_breakdown"]["models"][0]["model"] == engine.model
    assert "usage_breakdown" not in ask(http, model="llama-3.1-8b-instant").json()


@pytest.mark.parametrize("version", [None, "latest", "2025-07-23", "2025-08-16"])
def test_documented_versions_are_served(http: httpx.Client, version: str | None) -> None:
    """By the header Groq-Model-Version."""
    assert ask(http, version, compound_custom=tools("web_search")).status_code == 200


def test_an_unknown_version_is_a_400(groq_client: groq.Groq, http: httpx.Client) -> None:
    """Other models have no versions: there the header means nothing."""
    with pytest.raises(groq.BadRequestError, match="2025-07-23"):
        groq_client.chat.completions.create(
            model=COMPOUND,
            messages=[{"role": "user", "content": "Hello."}],
            extra_headers={"Groq-Model-Version": "2020-01-01"},
        )
    assert ask(http, "2020-01-01", model="llama-3.1-8b-instant").status_code == 200


@pytest.mark.parametrize(
    ("version", "custom", "status"),
    [
        ("latest", tools("browser_automation", "web_search"), 200),
        ("latest", tools("browser_automation"), 400),
        (None, tools("visit_website"), 400),
        ("latest", tools("visit_website", "wolfram_alpha"), 200),
        ("latest", tools("telepathy"), 400),
        (None, {"models": {"answering_model": "llama-3.3-70b-versatile"}}, 200),
        (None, {"models": {"answering_model": "nobody"}}, 400),
        (None, {"models": 3}, 400),
        (None, {"tools": {"wolfram_settings": {"authorization": 3}}}, 400),
        (None, {"tools": {"enabled_tools": [None]}}, 400),
    ],
)
def test_compound_custom_is_checked(
    http: httpx.Client, version: str | None, custom: Any, status: int
) -> None:
    """Names of tools, by version; names of models."""
    assert ask(http, version, compound_custom=custom).status_code == status


def test_search_settings_are_for_compound_alone(http: httpx.Client) -> None:
    """They only restrict where it may search."""
    settings = {"country": "france", "include_domains": ["*.fr"], "include_images": False}
    assert ask(http, search_settings=settings).status_code == 200
    reply = ask(http, search_settings=settings, model="llama-3.1-8b-instant")
    assert reply.json()["error"]["param"] == "search_settings"


def test_custom_tools_are_refused(http: httpx.Client) -> None:
    """As documented."""
    reply = ask(http, tools=[{"type": "function", "function": {"name": "f"}}])
    assert reply.status_code == 400
    assert "custom tools" in reply.json()["error"]["message"]


def test_documents_are_read_by_the_model(http: httpx.Client) -> None:
    """They are part of the prompt."""
    body: dict[str, Any] = {"model": "llama-3.1-8b-instant"}
    text = "The parcel is under the third oak. " * 10
    without = ask(http, **body).json()["usage"]["prompt_tokens"]
    more: list[dict[str, Any]] = [
        {"text": text},
        {"source": {"type": "text", "text": text}},
        {"source": {"type": "json", "data": {"parcel": text}}},
    ]
    for document in more:
        usage = ask(http, **body, documents=[document]).json()["usage"]
        assert usage["prompt_tokens"] > without + 60


@pytest.mark.parametrize("document", [3, {}, {"text": 3}, {"source": {"type": "text"}}])
def test_malformed_documents_are_a_400(http: httpx.Client, document: Any) -> None:
    """The field at fault is named."""
    reply = ask(http, model="llama-3.1-8b-instant", documents=[document])
    assert reply.status_code == 400
    assert reply.json()["error"]["param"].startswith("documents[0]")


def test_the_tier_is_told_where_it_was_asked_for(http: httpx.Client) -> None:
    """The one that served, which for `auto` is on_demand while its limits last."""
    for asked, served in (("auto", "on_demand"), ("on_demand", "on_demand"), ("flex", "flex")):
        reply = ask(http, model="llama-3.1-8b-instant", service_tier=asked)
        assert reply.json()["service_tier"] == served
    assert ask(http).json()["service_tier"] == "on_demand"
    assert ask(http, service_tier="gold").status_code == 400


def test_the_prompts_cache_counts_from_the_first_token_on(http: httpx.Client) -> None:
    """A prompt that begins differently has nothing cached, one that goes on has its beginning."""
    caches = "moonshotai/kimi-k2-instruct-0905"
    start = "Unique words at the start of this one: zebra quilt. " * 12

    def cached(text: str) -> int:
        messages = [{"role": "user", "content": text}]
        details = ask(http, model=caches, messages=messages).json()["usage"]
        found: int = details["prompt_tokens_details"]["cached_tokens"]
        return found

    cached(start + "One?")
    assert cached(start + "Two?") > 100
    assert cached("Other. " + start + "Two?") < 60
