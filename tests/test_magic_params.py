"""`-p` in `%%groq`: dotted and short names, values held against the catalogue, Wolfram's key."""

from __future__ import annotations

import contextlib
import copy
import json
import pickle
import pprint
from collections.abc import Callable
from typing import Any

import pytest
from chat_server import ChatServer
from IPython.core.interactiveshell import InteractiveShell
from IPython.lib.pretty import pretty
from magic_shell import outputs, run, usage_error
from test_completion import offered

import groqnb
from groqnb.magics.checks import check_params
from groqnb.magics.params import nested
from groqnb.magics.parser import parse_cell
from groqnb.magics.words import GrammarError
from groqnb.types.errors import ParameterError
from groqnb.wire.call import Call

COMPOUND = "-m groq/compound"
KEY = "WXYZ12-ABCDEF3456"


def values(line: str) -> dict[str, object]:
    """What a line's `-p` come to, as the magic sends them."""
    from groqnb.magics.question import _params

    return _params(parse_cell(line), {}, [])


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("-p seed=7 -p service_tier=flex", {"seed": 7, "service_tier": "flex"}),
        ('-p stop=\'["END", "STOP"]\'', {"stop": ["END", "STOP"]}),
        ("-p stop=END", {"stop": "END"}),
        ("-p stop=5 -p user=7", {"stop": "5", "user": "7"}),
        ("-p response_format=json_object", {"response_format": {"type": "json_object"}}),
        (
            "-p search_settings.include_domains='[\"*.edu\"]'",
            {"search_settings": {"include_domains": ["*.edu"]}},
        ),
        (
            "-p include_domains=*.edu,nasa.gov -p country=france",
            {"search_settings": {"include_domains": ["*.edu", "nasa.gov"], "country": "france"}},
        ),
        (
            '-p search_settings.country=france -p search_settings={"include_images": true}',
            {"search_settings": {"include_images": True, "country": "france"}},
        ),
        (
            "-p enabled_tools=web_search,code_interpreter -p answering_model=openai/gpt-oss-20b",
            {
                "compound_custom": {
                    "tools": {"enabled_tools": ["web_search", "code_interpreter"]},
                    "models": {"answering_model": "openai/gpt-oss-20b"},
                }
            },
        ),
        (
            "-p enabled_tools=web_search",
            {"compound_custom": {"tools": {"enabled_tools": ["web_search"]}}},
        ),
        ("-p groq-model-version=latest", {"extra_headers": {"Groq-Model-Version": "latest"}}),
        ("-p extra_body.brand_new.inner=1", {"extra_body": {"brand_new": {"inner": 1}}}),
    ],
)
def test_short_and_dotted_names_fill_what_the_api_takes(line: str, sent: dict[str, object]) -> None:
    assert values(line) == sent


def test_a_short_name_and_its_long_one_are_the_same_parameter() -> None:
    with pytest.raises(GrammarError, match="given twice"):
        parse_cell("-p country=france -p search_settings.country=spain")
    with pytest.raises(GrammarError, match="is no object"):
        nested({"search_settings": 5, "search_settings.country": "spain"})


def test_objects_of_the_notebook_are_filled_and_stay_as_they_are(
    ip: InteractiveShell, server: ChatServer
) -> None:
    ip.user_ns["mine"] = {"include_domains": ["a.org"]}
    line = f"{COMPOUND} --dry-run -p search_settings={{{{mine}}}} -p country=france"
    assert run(ip, f"%%groq {line}\nHi").success
    assert '"country": "france"' in str(outputs(ip))
    assert ip.user_ns["mine"] == {"include_domains": ["a.org"]}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("-p temprature=0", "there is no parameter 'temprature'. Did you mean temperature"),
        ("-p enabled_tool=web_search", "Did you mean enabled_tools"),
        ("-p search_setings.country=x", "Did you mean search_settings.country"),
        ("-p search_settings.contry=x", "Did you mean search_settings.country"),
        ("-p brand_new=1", "-p extra_body.brand_new=…"),
        ("-p temperature=hot", "temperature is 'hot'; it is a number"),
        ("-p temperature=3", "it goes from 0 to 2"),
        ("-p seed=1.5", "seed is 1.5; it is a whole number"),
        ("-p seed=1e999", "seed is inf; it is a whole number"),
        ("-p service_tier=fles", "on_demand, flex, auto, performance. Did you mean flex?"),
        ("-p tool_choice=requird", "Did you mean required?"),
        ("-p response_format=jsn_object", "Did you mean json_object?"),
        ('-p stop=\'["a","b","c","d","e"]\'', "5 texts; at most 4 are allowed"),
        ("-p reasoning_effort=low", "llama-3.3-70b-versatile does not reason"),
        ("-m openai/gpt-oss-20b -p reasoning_effort=none", "it is one of low, medium, high"),
        ("-m qwen/qwen3-32b -p reasoning_effort=low", "it is one of none, default"),
        ("-m openai/gpt-oss-20b -p reasoning_format=parsed", "see include_reasoning"),
        ("-p enabled_tools=web_search", "is for groq/compound, groq/compound-mini, not for llama"),
        (f"{COMPOUND} -p enabled_tools=web_serch", "Did you mean web_search?"),
        (f"{COMPOUND} -p enabled_tools=visit_website", "needs -p Groq-Model-Version=latest, too"),
        (
            f"{COMPOUND} -p Groq-Model-Version=latest -p enabled_tools=browser_automation",
            "browser_automation needs web_search, too",
        ),
        (f"{COMPOUND} -p Groq-Model-Version=newest", "it is latest, or a date"),
        ("-p messages.0=x", "needs NAME=VALUE"),
        ("-p stream.x=1", "answers stream by default"),
        ("-p .x=1", "needs NAME=VALUE"),
        ("-p temperature", "needs NAME=VALUE"),
        (
            "-m llama-3.1-8b-instant,openai/gpt-oss-20b -p reasoning_effort=low",
            "llama-3.1-8b-instant does not reason",
        ),
    ],
)
def test_what_the_api_would_refuse_is_told_before_anything_is_sent(
    ip: InteractiveShell, server: ChatServer, line: str, told: str
) -> None:
    assert told in usage_error(ip, f"%%groq {line}\nHi")
    assert server.requests == []


@pytest.mark.parametrize(
    "value", [{}, [], [{}, ["a"], None], 5, "x", {"tools": [{}]}, float("nan")]
)
@pytest.mark.parametrize(
    "name", ["compound_custom", "extra_headers", "stop", "seed", "tool_choice"]
)
def test_whatever_a_value_is_a_check_tells_or_lets_it_pass(name: str, value: object) -> None:
    nest = {"tools": {"enabled_tools": value}} if name == "compound_custom" else value
    with contextlib.suppress(GrammarError):
        check_params({name: nest}, "groq/compound")
    with contextlib.suppress(GrammarError):
        check_params({name: value}, "openai/gpt-oss-20b")


def test_what_goes_into_extra_body_is_not_checked(ip: InteractiveShell, server: ChatServer) -> None:
    assert run(ip, "%%groq -p extra_body.reasoning_effort=low\nHi").success
    assert server.requests[-1]["reasoning_effort"] == "low"


def test_a_model_that_the_catalogue_does_not_know_is_asked_as_told(
    ip: InteractiveShell, server: ChatServer
) -> None:
    assert run(ip, "%%groq -m acme/brand-new-70b -p reasoning_effort=low\nHi").success
    assert server.requests[-1]["reasoning_effort"] == "low"


def test_a_preset_in_python_has_the_objects_of_the_api(ip: InteractiveShell) -> None:
    run(ip, "%groq preset save search -m groq/compound -p include_domains=*.edu -p seed=1")
    assert groqnb.preset("search") == {
        "model": "groq/compound",
        "search_settings": {"include_domains": ["*.edu"]},
        "seed": 1,
    }


# --- Wolfram's key ---


@pytest.mark.parametrize(
    "line",
    [
        f"-p wolfram_settings.authorization={KEY}",
        f"-p wolfram={KEY}",
        f"-p WOLFRAM_APP_ID={KEY}",
        f"-p compound_custom.tools.wolfram_settings.authorization={KEY}",
        f'-p compound_custom={{"tools":{{"wolfram_settings":{{"authorization":"{KEY}"}}}}}}',
    ],
)
def test_a_key_of_wolframs_in_a_cell_is_refused_without_being_shown(
    ip: InteractiveShell, server: ChatServer, line: str
) -> None:
    told = usage_error(ip, f"%%groq {COMPOUND} {line}\nHi")
    assert "set WOLFRAM_APP_ID in the environment" in told
    assert KEY not in told
    assert server.requests == []
    assert KEY not in usage_error(ip, f"%groq preset save w {line}")


def test_the_key_comes_from_the_environment_and_is_shown_nowhere(
    ip: InteractiveShell,
    server: ChatServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = f"{COMPOUND} -p enabled_tools=wolfram_alpha -p Groq-Model-Version=latest"
    monkeypatch.delenv("WOLFRAM_APP_ID", raising=False)
    assert "Set WOLFRAM_APP_ID" in usage_error(ip, f"%%groq {line}\nHi")
    monkeypatch.setenv("WOLFRAM_APP_ID", KEY)
    run(ip, f"%%groq --dry-run {line}\nHi")
    ip.user_ns["text"] = f"the id is {KEY}"
    run(ip, f"%%groq --doc text {line}\nHi")  # a server that has no such model
    sent = server.requests[-1]
    assert sent["compound_custom"]["tools"]["wolfram_settings"] == {"authorization": KEY}
    assert KEY not in json.dumps(sent["documents"])
    run(ip, "groqnb = __import__('groqnb')\ngroqnb.wolfram_settings()")
    assert KEY not in str(outputs(ip)) + capsys.readouterr().out


def test_wolframs_settings_in_python_keep_their_key_to_themselves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WOLFRAM_APP_ID", f" {KEY}\n")
    settings = groqnb.wolfram_settings()
    assert settings["authorization"] == KEY
    assert json.loads(json.dumps(settings)) == {"authorization": KEY}
    assert KEY not in f"{settings} {settings!r} {[settings]} {copy.deepcopy({'a': settings})}"
    with pytest.raises(TypeError):
        pickle.dumps(settings)
    for name in ("WOLFRAM_APP_ID", "WOLFRAM_ALPHA_APPID", "WOLFRAM_ALPHA_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("WOLFRAM_API_KEY", raising=False)
    with pytest.raises(ParameterError, match="WOLFRAM_APP_ID"):
        groqnb.wolfram_settings()


@pytest.mark.parametrize(
    "made",
    [
        lambda settings: settings | {},
        lambda settings: {} | settings,
        lambda settings: {**settings},
        lambda settings: dict(settings),
        lambda settings: settings.copy(),
        lambda settings: copy.copy(settings),
        lambda settings: copy.deepcopy(settings),
        lambda settings: {**settings, "more": "1"},
    ],
)
def test_what_is_made_of_wolframs_settings_hides_the_key_and_sends_it(
    monkeypatch: pytest.MonkeyPatch, made: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    monkeypatch.setenv("WOLFRAM_APP_ID", KEY)
    copied = made(groqnb.wolfram_settings())
    shown = [f"{copied} {copied!r}", pretty(copied), pprint.pformat(copied)]
    shown += [f"{value} {value!r} {value:>30}" for value in copied.values()]
    assert KEY not in " ".join(shown)
    assert KEY.encode() in Call("POST", "/", dict, copied).json()
    assert KEY in json.dumps(copied, indent=1)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(copied)


# --- completion ---


@pytest.mark.parametrize(
    ("text", "fragment", "words"),
    [
        ("%%groq -p enab^", "enab", ["enabled_tools="]),
        ("%%groq -p groq^", "groq", ["Groq-Model-Version="]),
        ("%%groq -p search_settings.c^", "search_settings.c", ["search_settings.country="]),
        (
            "%%groq -m openai/gpt-oss-20b -p reasoning_effort=^",
            "",
            ["low", "medium", "high"],
        ),
        ("%%groq --model=qwen/qwen3-32b -p reasoning_effort=^", "", ["none", "default"]),
        ("%%groq -p Groq-Model-Version=^", "", ["latest"]),
        ("%%groq -p include_reasoning=^", "", ["true", "false"]),
        ("%%groq -p enabled_tools=web_search,co^", "co", ["code_interpreter"]),
        ("%%groq -p answering_model=llama-3.3^", "llama-3.3", ["llama-3.3-70b-versatile"]),
        ("%%groq -p service_tier=fl^", "fl", ["flex"]),
        ("%%groq -p response_format=^", "", ["text", "json_object"]),
    ],
)
def test_names_and_values_are_offered_as_the_model_takes_them(
    text: str, fragment: str, words: list[str]
) -> None:
    assert offered(text) == (fragment, words)
