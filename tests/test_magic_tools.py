"""`%%groq --tools` and `--as` in a real shell of IPython, against a server on loopback."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chat_server import ChatServer
from IPython.core.interactiveshell import InteractiveShell
from magic_shell import failed, last, outputs, run, usage_error
from pydantic import BaseModel

import groqnb
from groqnb.completion import candidates

SCHEMA_MODEL = "openai/gpt-oss-20b"


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server knows a model that keeps to schemas."""
    monkeypatch.setattr("chat_server.MODELS", [SCHEMA_MODEL, "llama-3.1-8b-instant"])


class Bill(BaseModel):
    seller: str
    total: float


def define(ip: InteractiveShell, code: str) -> None:
    assert run(ip, code).success


# --- tools ----------------------------------------------------------------------------------------


def test_functions_are_called_and_the_answer_has_their_steps(
    ip: InteractiveShell, server: ChatServer
) -> None:
    """The model calls, the function runs, its result is sent, and everything is on the page."""
    define(ip, "def double(n: int) -> dict:\n    'Doubles.'\n    return {'twice': 2 * n}")
    run(ip, '%%groq --tools double -m llama-3.1-8b-instant -o answer\ncall double {"n": 21}')
    first, second = server.requests
    assert first["tools"][0]["function"]["name"] == "double"
    assert [message["role"] for message in second["messages"]] == ["user", "assistant", "tool"]
    assert second["messages"][2]["content"] == '{"twice":42}'
    answer = ip.user_ns["answer"]
    assert answer.text == 'You said: {"twice":42}'
    assert answer.steps[0].value == {"twice": 42}
    assert answer.steps.to_frame()["name"].tolist() == ["double"]
    assert "[called double(" in last(ip)
    # The turns paint one display, not one each.
    assert len({str(each.get("transient")) for each in outputs(ip)}) == 1


def test_a_table_that_a_tool_returns_is_shown(ip: InteractiveShell) -> None:
    """People see the table, the model gets its text."""
    define(
        ip,
        "import pandas as pd\ndef sales() -> pd.DataFrame:\n    return pd.DataFrame({'a': [1]})",
    )
    run(ip, "%%groq --tools sales -m llama-3.1-8b-instant\ncall sales {}")
    assert any("<table" in str(each["data"].get("text/html")) for each in outputs(ip))
    assert "A table of 1 rows and 1 columns" in last(ip)


def test_a_conversation_keeps_the_turns_with_tools(
    ip: InteractiveShell, server: ChatServer
) -> None:
    """The next question has the calls and their results before it."""
    define(ip, "def one() -> int:\n    return 1")
    run(ip, "%%groq -c --tools one -m llama-3.1-8b-instant\ncall one {}")
    run(ip, "%%groq -c -m llama-3.1-8b-instant\nGo on")
    roles = [message["role"] for message in server.requests[-1]["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]


def test_parallel_calls_are_asked_for_only_where_the_model_makes_them(
    ip: InteractiveShell, server: ChatServer
) -> None:
    """Refused in two lines, and nothing is sent; left out, the model is told so."""
    define(ip, "def one() -> int:\n    return 1")
    ask = f"%%groq --tools one -m {SCHEMA_MODEL}"
    error = failed(ip, f"{ask} -p parallel_tool_calls=true\nHello")
    assert "one call at a time" in str(error)
    assert server.requests == []
    run(ip, f"{ask}\nHello")
    assert server.requests[0]["parallel_tool_calls"] is False


def test_a_call_that_fails_later_keeps_the_steps(ip: InteractiveShell) -> None:
    """The function had run: what it gave is in `_groq`, and the cell fails."""
    define(ip, "def stop() -> str:\n    return 'status 500'")
    error = failed(ip, "%%groq --tools stop -m llama-3.1-8b-instant\ncall stop {}")
    assert isinstance(error, groqnb.InternalServerError)
    assert ip.user_ns["_groq"].steps[0].value == "status 500"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--tools dubble", "no 'dubble' here. Did you mean double?"),
        ("--tools zzz", "no 'zzz' here. Name functions of the notebook"),
        ("--tools text", "A tool is a function or a dict, not str"),
        ("--tools double --as json", "exclude each other"),
        ("--tools double -m a,b", "one model"),
        ("--tools double -p tools=[]", "--tools and -p tools"),
    ],
)
def test_what_is_no_tool_is_refused_shortly(
    ip: InteractiveShell, server: ChatServer, options: str, told: str
) -> None:
    """Nothing is sent."""
    define(ip, "text = 'hello'\ndef double(n: int) -> int:\n    return 2 * n")
    assert told in usage_error(ip, f"%%groq {options}\nHello")
    assert server.requests == []


# --- types ----------------------------------------------------------------------------------------


def test_a_class_of_the_notebook_is_the_type_of_the_answer(
    ip: InteractiveShell, server: ChatServer
) -> None:
    """Its schema is sent, and `parsed` is a value of it."""
    ip.user_ns["Bill"] = Bill
    run(ip, f'%%groq --as Bill -m {SCHEMA_MODEL}\nanswer {{"seller": "ACME", "total": 12.5}}')
    assert server.requests[0]["response_format"]["json_schema"]["name"] == "Bill"
    answer = ip.user_ns["_groq"]
    assert answer.parsed == Bill(seller="ACME", total=12.5)
    assert answer.to_frame().loc[0, "total"] == 12.5
    assert "ACME" in last(ip)


def test_a_list_becomes_a_table(ip: InteractiveShell) -> None:
    """`list[Bill]` is an expression of the notebook's names."""
    ip.user_ns["Bill"] = Bill
    rows = {"items": [{"seller": "A", "total": 1}, {"seller": "B", "total": 2}]}
    run(ip, f"%%groq --as list[Bill] -m {SCHEMA_MODEL} --raw\nanswer {json.dumps(rows)}")
    assert ip.user_ns["_groq"].to_frame()["total"].tolist() == [1, 2]


def test_fields_in_line_need_no_class(ip: InteractiveShell, server: ChatServer) -> None:
    """Names and types in quotes; a model without schemas says so in the footer."""
    run(
        ip,
        "%%groq --as \"name: str, mood: Literal['good', 'bad']\" -m llama-3.1-8b-instant\n"
        'answer {"name": "Ada", "mood": "good"}',
    )
    assert server.requests[0]["response_format"] == {"type": "json_object"}
    parsed = ip.user_ns["_groq"].parsed
    assert (parsed.name, parsed.mood) == ("Ada", "good")
    assert "JSON mode: this model keeps to no schema" in last(ip)


def test_as_json_streams_and_is_parsed(ip: InteractiveShell, server: ChatServer) -> None:
    """JSON object mode, without any schema."""
    run(ip, '%%groq --as json -m llama-3.1-8b-instant\nanswer {"a": [1, 2]}')
    assert server.requests[0]["response_format"] == {"type": "json_object"}
    assert server.requests[0]["stream"] is True
    assert ip.user_ns["_groq"].parsed == {"a": [1, 2]}


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("Bil", "there is no 'Bil' here. Did you mean Bill?"),
        ("'name: str, age'", "age has no type"),
        ("'name: strr'", "there is no 'strr' here"),
        ("'name: str = 5'", "names and types only"),
        ("'name: str,, age: int'", "is not a list of names and types"),
        ("5", "5 is no type"),
        ("1/0", "gives ZeroDivisionError"),
        ("'scores: dict[str, int]'", "an object must name its properties"),
    ],
)
def test_what_is_no_type_is_refused_shortly(
    ip: InteractiveShell, server: ChatServer, form: str, told: str
) -> None:
    """The message names the place, or offers a name."""
    ip.user_ns["Bill"] = Bill
    assert told in usage_error(ip, f"%%groq --as {form}\nHello")
    assert server.requests == []


def test_an_answer_that_does_not_fit_fails_the_cell(ip: InteractiveShell) -> None:
    """After one more try, with what was wrong."""
    ip.user_ns["Bill"] = Bill
    error = failed(ip, f"%%groq --as Bill -m {SCHEMA_MODEL}\nHello")
    assert isinstance(error, groqnb.ResponseError)
    assert "is not the JSON of Bill" in str(error)


def test_a_dry_run_shows_the_schema_and_the_tools(ip: InteractiveShell, server: ChatServer) -> None:
    """What would be sent is all there; nothing is sent."""
    ip.user_ns["Bill"] = Bill
    run(ip, "%%groq --as Bill --dry-run\nHello")
    assert '"seller"' in last(ip)
    define(ip, "def double(n: int) -> int:\n    return 2 * n")
    run(ip, "%%groq --tools double --dry-run\nHello")
    assert '"double"' in last(ip)
    assert server.requests == []


def test_completion_offers_functions_and_classes(ip: InteractiveShell) -> None:
    """Those of the notebook, without what is taken already."""
    define(ip, "def double(n: int) -> int:\n    return 2 * n\ndef triple(n: int) -> int: ...")
    ip.user_ns["Bill"] = Bill

    def offered(line: str) -> list[str]:
        _, found = candidates(line, 0, len(line), ip.user_ns)
        return [word for word, _ in found]

    assert {"double", "triple"} <= set(offered("%%groq --tools "))
    assert "double" not in offered("%%groq --tools double,")
    assert offered("%%groq --as B") == ["Bill"]
    assert "json" in offered("%%groq --as ")


def test_the_type_of_any_keeps_its_python_value(ip: InteractiveShell) -> None:
    """Dates are dates."""
    import datetime

    run(
        ip,
        f"%%groq --as \"day: __import__('datetime').date\" -m {SCHEMA_MODEL}\n"
        'answer {"day": "2026-02-03"}',
    )
    value: Any = ip.user_ns["_groq"].parsed
    assert value.day == datetime.date(2026, 2, 3)
