"""What `%%groq -p` sends and refuses, and what the engine takes and refuses: the same."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from groqnb.magics.checks import check_names, check_params
from groqnb.magics.params import nested, value_from, with_wolfram
from groqnb.magics.parser import parse_cell
from groqnb.magics.words import GrammarError

LLAMA, OSS, QWEN, COMPOUND = (
    "llama-3.1-8b-instant",
    "openai/gpt-oss-20b",
    "qwen/qwen3-32b",
    "groq/compound",
)
LATEST = "-p Groq-Model-Version=latest"


def parameters(line: str) -> dict[str, Any]:
    """What the magic makes of the line's `-p`."""
    params = parse_cell(line).params
    return with_wolfram(nested({n: value_from(n, p, p.value()) for n, p in params.items()}))


def check(params: dict[str, Any], model: str) -> None:
    """As the magic does before it sends anything."""
    check_names(params)
    check_params(params, model)


def post(http: httpx.Client, model: str, params: dict[str, Any]) -> httpx.Response:
    body = {**params}
    headers = body.pop("extra_headers", {})
    messages = [{"role": "user", "content": "Say hello."}]
    more = {} if "max_completion_tokens" in body else {"max_completion_tokens": 8}
    return http.post(
        "/chat/completions",
        json={"model": model, "messages": messages, **more, **body},
        headers=headers,
    )


@pytest.mark.parametrize(
    ("model", "line"),
    [
        (LLAMA, "-p seed=7 -p temperature=0 -p top_p=0.5 -p stop='[\"END\"]' -p user=7"),
        (LLAMA, "-p stop=END -p service_tier=flex -p max_completion_tokens=4"),
        (LLAMA, "-p service_tier=auto -p tool_choice=none"),
        (OSS, "-p reasoning_effort=low -p include_reasoning=false"),
        (QWEN, "-p reasoning_effort=none"),
        (QWEN, "-p reasoning_format=hidden"),
        (COMPOUND, "-p enabled_tools=web_search,code_interpreter -p include_domains=*.edu"),
        (COMPOUND, f"-p enabled_tools=visit_website -p country=france {LATEST}"),
        (COMPOUND, f"-p enabled_tools=web_search,browser_automation {LATEST}"),
        (COMPOUND, f"-p enabled_tools=wolfram_alpha {LATEST}"),
        (COMPOUND, f"-p answering_model={OSS} -p search_settings.include_images=true"),
    ],
)
def test_what_the_short_ways_send_is_taken(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch, model: str, line: str
) -> None:
    monkeypatch.setenv("WOLFRAM_APP_ID", "DEMO12-0123456789")
    params = parameters(line)
    check(params, model)
    reply = post(http, model, params)
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize(
    ("model", "line"),
    [
        (LLAMA, "-p temprature=0"),
        (LLAMA, "-p temperature=3"),
        (LLAMA, "-p temperature=hot"),
        (LLAMA, "-p max_completion_tokens=0"),
        (LLAMA, "-p service_tier=fles"),
        (LLAMA, "-p tool_choice=requird"),
        (LLAMA, "-p response_format=jsn_object"),
        (LLAMA, '-p stop=["a","b","c","d","e"]'),
        (LLAMA, "-p reasoning_effort=low"),
        (LLAMA, "-p enabled_tools=web_search"),
        (LLAMA, "-p country=france"),
        (OSS, "-p reasoning_effort=none"),
        (OSS, "-p reasoning_format=parsed"),
        (QWEN, "-p reasoning_effort=low"),
        (COMPOUND, "-p enabled_tools=web_serch"),
        (COMPOUND, "-p enabled_tools=visit_website"),
        (COMPOUND, f"-p enabled_tools=browser_automation {LATEST}"),
        (COMPOUND, "-p Groq-Model-Version=newest"),
    ],
)
def test_what_the_magic_refuses_is_refused(http: httpx.Client, model: str, line: str) -> None:
    params = parameters(line)
    with pytest.raises(GrammarError):
        check(params, model)
    assert post(http, model, params).status_code == 400
