"""`groqnb serve` as a user meets it: what it prints, how it fails, how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from groqnb.local import weights
from groqnb.local.process import Engine

pytestmark = pytest.mark.engine

Serve = Callable[..., AbstractContextManager[Engine]]

SERVE = [sys.executable, "-m", "groqnb", "serve"]


def fails(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [*SERVE, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_one_line_of_json_then_how_to_use_it_then_a_clean_end(tmp_path: Path) -> None:
    """The port and key asked for are the ones it has; Ctrl-C ends it with code 0."""
    weights.ensure("small")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen(
        [
            *SERVE,
            *("--model", "small", "--port", str(port), "--key", "my-own-key"),
            *("--data", str(tmp_path / "data")),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        ready = json.loads(child.stdout.readline())
        assert ready == {
            "base_url": f"http://127.0.0.1:{port}/openai/v1",
            "api_key": "my-own-key",
            "model": "SmolLM2-135M-Instruct-Q4_1",
            "pid": child.pid,
        }
        usage = "".join(child.stdout.readline() for _ in range(3))
        assert f'groq.Groq(base_url="http://127.0.0.1:{port}"' in usage
        assert f'openai.OpenAI(base_url="http://127.0.0.1:{port}/openai/v1"' in usage
        headers = {"Authorization": "Bearer my-own-key"}
        assert (
            httpx.get(f"{ready['base_url']}/models", headers=headers, timeout=60).status_code == 200
        )
        child.send_signal(signal.SIGINT)
        assert child.wait(10) == 0
        assert child.stderr.read() == ""
    assert (tmp_path / "data").is_dir()


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    """Before any weights are fetched or loaded."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = fails("--port", str(port), "--model", "small")
    assert code == 1
    assert f"Port {port} is in use." in said


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--model", "huge"], 2, "There is no local model 'huge'."),
        (["--model", "/nowhere/x.gguf"], 1, "There is no file /nowhere/x.gguf."),
        (["--key", "a b c d"], 2, "This key cannot be used."),
        (["--key", ""], 2, "This key cannot be used."),
        (["--port", "99999"], 2, "There is no port 99999."),
        (["--port", "http"], 2, "invalid int value"),
        (["--plan", "gold"], 2, "invalid choice"),
        (["--nothing"], 2, "unrecognized arguments"),
    ],
)
def test_bad_options_are_short_errors(arguments: list[str], code: int, words: str) -> None:
    """Exit code 2 for a word that makes no sense, 1 for what is missing."""
    found, said = fails(*arguments)
    assert found == code
    assert words in said


def test_a_broken_gguf_ends_with_an_error(tmp_path: Path) -> None:
    """It is loaded before it is called ready."""
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\0" * 100_000)
    code, said = fails("--model", str(broken))
    assert code == 1
    assert "could not be loaded" in said


def test_the_free_plan_refuses_with_429_and_says_when(serve: Serve) -> None:
    """Enforced limits: retry-after in whole seconds, the six headers, the error object."""
    body = {
        "model": "llama-3.1-8b-instant",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 1,
    }
    with serve("--plan", "free") as engine, httpx.Client(timeout=240) as http:
        url = f"{engine.base_url}/chat/completions"
        http.headers["Authorization"] = f"Bearer {engine.api_key}"
        replies = [http.post(url, json=body) for _ in range(31)]
        long = {**body, "messages": [{"role": "user", "content": "word " * 6500}]}
        too_long = http.post(url, json={**long, "model": "qwen/qwen3-32b"})
    assert [reply.status_code for reply in replies] == [200] * 30 + [429]
    refused = replies[-1]
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert "requests per minute (RPM): limit 30" in refused.json()["error"]["message"]
    assert sum(name.startswith("x-ratelimit-") for name in refused.headers) == 6
    assert too_long.status_code == 413
