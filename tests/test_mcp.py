"""Tools of real MCP servers, run as processes of their own on the official package."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from both_worlds import KEY, MODEL, answering, completion

import groqnb
from groqnb import Groq, GroqnbError, McpServer, ParameterError
from groqnb.tools.mcp import _McpTool
from groqnb.tools.tool import ArgumentError

pytest.importorskip("mcp")

COMMAND = [sys.executable, str(Path(__file__).with_name("mcp_server.py"))]


@pytest.fixture(scope="module")
def server() -> Iterator[McpServer]:
    """A server that was started as a command."""
    with McpServer(COMMAND, env={"COLOUR": "red"}) as running:
        yield running


def test_its_tools_are_listed_with_their_schemas(server: McpServer) -> None:
    """Names, descriptions and parameters are the server's."""
    assert [tool.name for tool in server.tools] == ["add", "forget", "environment", "fail", "sleep"]
    function = server.tools[0]["function"]
    assert function["description"] == "Adds two numbers."
    assert list(function["parameters"]["properties"]) == ["a", "b"]
    assert json.loads(json.dumps(server.tools[0]))["type"] == "function"


def test_a_tool_is_called_from_python(server: McpServer) -> None:
    """By the server, or as the function that it is."""
    assert server.call("add", {"a": 2, "b": 3}) == 5
    assert server.tools[0](a=20, b=30) == 50


def test_what_does_not_only_read_is_confirmed(server: McpServer) -> None:
    """The server's own word counts; without one a tool may have effects."""
    assert [tool.effects for tool in server.tools] == [False, True, False, False, False]


def test_the_key_of_the_user_is_not_passed_on(
    server: McpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process gets what it needs to run, and what was given to it."""
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    with McpServer(COMMAND) as running:
        assert running.call("environment", {"name": "GROQ_API_KEY"})["value"] is None
        assert running.call("environment", {"name": "COLOUR"})["value"] is None
    assert server.call("environment", {"name": "COLOUR"})["value"] == "red"
    assert server.call("environment", {"name": "PATH"})["value"] == os.environ["PATH"]


def test_the_loop_carries_its_calls_out(server: McpServer) -> None:
    """Results and errors of the server go to the model."""
    calls = [
        {"id": "1", "type": "function", "function": {"name": name, "arguments": json.dumps(given)}}
        for name, given in (("add", {"a": 2, "b": 3}), ("fail", {"why": "no"}), ("add", {"a": "x"}))
    ]
    asking = completion()
    asking["choices"][0]["message"] = {"role": "assistant", "content": None, "tool_calls": calls}
    seen: list[httpx.Request] = []
    client = Groq(
        api_key=KEY,
        where="cloud",
        transport=answering(
            httpx.Response(200, json=asking), httpx.Response(200, json=completion("5")), seen=seen
        ),
    )
    run = groqnb.run_tools(client, model=MODEL, messages="2 + 3?", tools=server.tools)
    assert run.text == "5"
    assert run.steps[0].value == 5
    assert "fail" in str(run.steps[1].error)
    assert "integer" in str(run.steps[2].error)
    sent = json.loads(seen[1].content)["messages"]
    assert next(message["content"] for message in sent if message["role"] == "tool") == "5"


def test_arguments_that_are_no_object_are_refused(server: McpServer) -> None:
    """They never reach the server."""
    for text in ("[1]", "{"):
        with pytest.raises(ArgumentError):
            server.tools[0].arguments(text)


def test_a_tool_that_hangs_is_given_up() -> None:
    """The error says after how long, and the server can still be ended."""
    with McpServer(COMMAND, timeout=20) as running:
        running._timeout = 0.5
        with pytest.raises(GroqnbError, match=r"longer than 0.5 s"):
            running.call("sleep", {"seconds": 30})
        running._timeout = 20


def test_a_closed_server_says_so() -> None:
    """The thread that keeps its process has ended."""
    running = McpServer(COMMAND)
    running.close()
    assert not running._thread.is_alive()
    running.close()
    with pytest.raises(GroqnbError, match="closed"):
        running.call("add", {"a": 1, "b": 2})


def test_a_server_that_does_not_start_says_why() -> None:
    """The last line that it wrote is in the error."""
    with pytest.raises(GroqnbError, match="there is no such option"):
        McpServer([*COMMAND, "--broken"])
    with pytest.raises(GroqnbError, match="no-such-command"):
        McpServer(["no-such-command"])


@pytest.mark.skipif(os.name == "nt", reason="os.kill asks no process there")
def test_a_server_that_never_answers_is_ended_too(tmp_path: Path) -> None:
    """The error says for how long it was waited, and no process is left behind."""
    place = tmp_path / "process"
    code = f"import os, time; open({str(place)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    with pytest.raises(GroqnbError, match="nothing came in"):
        # So long that the process has begun; a slow machine needs that.
        McpServer([sys.executable, "-c", code], timeout=10)
    process = int(place.read_text())
    end = time.monotonic() + 60
    with pytest.raises(ProcessLookupError):  # noqa: PT012 - it goes when it has gone
        while time.monotonic() < end:
            os.kill(process, 0)
            time.sleep(0.1)


def test_what_was_given_to_a_server_is_not_in_its_errors() -> None:
    """What it wrote last is shown, without the values of its environment."""
    code = "import os, sys; sys.exit('cannot log in with ' + os.environ['SHOP_KEY'])"
    with pytest.raises(GroqnbError, match="cannot log in with") as raised:
        McpServer([sys.executable, "-c", code], env={"SHOP_KEY": "not-for-your-eyes"})
    assert "not-for-your-eyes" not in str(raised.value)


@pytest.mark.parametrize(
    "headers", [{"Authorization": "Bearer not-for-your-eyes\n"}, {"X": "not-för-your-eyes"}]
)
def test_headers_that_cannot_be_sent_are_refused_without_their_values(
    headers: dict[str, str],
) -> None:
    """A key that was read from a file often ends with a line break."""
    with pytest.raises(ParameterError, match="not a text of one line") as raised:
        McpServer("http://127.0.0.1:9/mcp", headers=headers)
    assert "your-eyes" not in str(raised.value)


def test_a_tool_without_parameters_is_told_as_others_are() -> None:
    """Its server may leave the properties out."""
    told = SimpleNamespace(
        name="now", description=None, annotations=None, input_schema={"type": "object"}
    )
    made = _McpTool(SimpleNamespace(call=lambda *_: "noon"), told, 1.0, None)  # type: ignore[arg-type]
    assert repr(made) == "<tool now()>"
    assert made() == "noon"


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("server.py", {}),
        ([], {}),
        ("https://example.com/mcp", {"env": {}}),
        (COMMAND, {"headers": {"Authorization": "x"}}),
    ],
    ids=["no address", "empty", "env for an address", "headers for a command"],
)
def test_wrong_targets_are_refused(target: Any, options: dict[str, Any]) -> None:
    """At once, with what to write."""
    with pytest.raises(ParameterError):
        McpServer(target, **options)


def test_a_server_behind_an_address_is_reached_and_its_headers_are_shown_nowhere() -> None:
    """Streamable HTTP, as running servers speak it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        [*COMMAND, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            end = time.monotonic() + 60
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    assert time.monotonic() < end
                    time.sleep(0.1)
            secret = "Bearer not-for-your-eyes"
            address = f"http://127.0.0.1:{port}/mcp"
            with McpServer(address, headers={"Authorization": secret}) as running:
                assert running.call("add", {"a": 2, "b": 3}) == 5
                assert "not-for-your-eyes" not in repr(running)
        finally:
            process.terminate()
