"""Limits as a client meets them: headers, 429, 498, the spend limit, faults on demand."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import groq
import httpx
import pytest

from groqnb.local.process import Engine

pytestmark = pytest.mark.engine

Serve = Callable[..., AbstractContextManager[Engine]]


def body(tokens: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "model": "llama-3.3-70b-versatile",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_completion_tokens": tokens,
        **more,
    }


def client(engine: Engine) -> groq.Groq:
    root = engine.base_url.removesuffix("/openai/v1")
    return groq.Groq(base_url=root, api_key=engine.api_key, max_retries=0, timeout=240)


def test_the_headers_are_on_every_answer_in_the_documented_form(http: httpx.Client) -> None:
    """Numbers, and durations in Go's way; whole answers and streams alike, and the region."""
    for stream in (False, True):
        reply = http.post("/chat/completions", json=body(stream=stream))
        assert reply.headers["x-ratelimit-limit-requests"] == "1000"
        assert reply.headers["x-ratelimit-limit-tokens"] == "12000"
        for kind in ("requests", "tokens"):
            assert reply.headers[f"x-ratelimit-remaining-{kind}"].isdigit()
            reset = reply.headers[f"x-ratelimit-reset-{kind}"]
            assert re.fullmatch(r"(\d+h)?(\d+m)?\d+(\.\d+)?s|\d+(\.\d)?ms", reset)
        assert "retry-after" not in reply.headers
        assert reply.headers["x-groq-region"] == "local"


def test_groq_package_sees_a_rate_limit_error(serve: Serve) -> None:
    """More tokens than a minute has left: 429, when to come back, and all six headers."""
    with serve("--plan", "free") as engine, client(engine) as limited:
        words = body(model="llama-3.1-8b-instant")
        limited.chat.completions.create(**words)
        # Within a minute's 6,000 tokens, were there not the few of the request before.
        words["messages"] = [{"role": "user", "content": "word " * 5960}]
        with pytest.raises(groq.RateLimitError) as caught:
            limited.chat.completions.create(**words)
        headers = caught.value.response.headers
        assert 1 <= int(headers["retry-after"]) <= 60
        assert sum(name.startswith("x-ratelimit-") for name in headers) == 6
        assert "TPM" in caught.value.body["error"]["message"]  # type: ignore[index]


def test_flex_is_a_498_when_every_place_is_taken(http: httpx.Client) -> None:
    """The real capacity of the local model: four at once. The normal tier would wait."""
    asked = body(1000, stream=True)
    asked["messages"] = [{"role": "user", "content": "Tell a very long story."}]
    with ExitStack() as stack:
        streams = []
        for _ in range(4):
            reply = stack.enter_context(http.stream("POST", "/chat/completions", json=asked))
            # The first text says that the place is taken; leaving the block gives it back.
            streams.append(reply.iter_lines())
            while '"delta":{"content"' not in next(streams[-1]):
                continue
        refused = http.post("/chat/completions", json=body(service_tier="flex"))
    assert refused.status_code == 498
    assert refused.json()["error"]["code"] == "capacity_exceeded"
    deadline = time.monotonic() + 60
    while (reply := http.post("/chat/completions", json=body(service_tier="flex"))).is_error:
        assert time.monotonic() < deadline
    assert reply.json()["service_tier"] == "flex"


def test_past_the_spend_limit_every_costly_request_is_blocked(serve: Serve, tmp_path: Path) -> None:
    """400 `blocked_api_access`, also after a restart; reading costs nothing and goes on."""
    options = ("--data", str(tmp_path), "--spend-limit", "0.00001")
    with serve(*options) as engine, client(engine) as poor:
        poor.chat.completions.create(**body())
        with pytest.raises(groq.BadRequestError) as caught:
            poor.chat.completions.create(**body())
        assert caught.value.body["error"]["code"] == "blocked_api_access"  # type: ignore[index]
        assert "spend limit of 0.000010 USD" in caught.value.body["error"]["message"]  # type: ignore[index]
        time.sleep(0.2)
    with serve(*options) as engine, client(engine) as poor:
        for call in (
            lambda: poor.chat.completions.create(**body()),
            lambda: poor.audio.speech.create(
                model="playai-tts", voice="Fritz-PlayAI", input="Hello"
            ),
            lambda: poor.batches.create(
                completion_window="24h", endpoint="/v1/chat/completions", input_file_id="x"
            ),
        ):
            with pytest.raises(groq.BadRequestError) as caught:
                call()
            assert caught.value.body["error"]["code"] == "blocked_api_access"  # type: ignore[index]
        assert poor.models.list().data
        assert poor.files.list().data == []


def test_faults_reach_a_client_through_the_whole_engine(serve: Serve) -> None:
    """The official client retries what can be retried, and sees a stream that broke off."""
    with serve("--faults", "503:#1, cut=400:#3") as engine:
        root = engine.base_url.removesuffix("/openai/v1")
        with groq.Groq(
            base_url=root, api_key=engine.api_key, max_retries=1, timeout=240
        ) as patient:
            assert patient.chat.completions.create(**body()).choices
            with pytest.raises(httpx.RemoteProtocolError):
                list(patient.chat.completions.create(**body(20), stream=True))
            assert list(patient.chat.completions.create(**body(), stream=True))
        marks = httpx.get(f"{engine.base_url}/models", headers={"Authorization": "Bearer no"})
        assert marks.status_code == 401


@pytest.mark.parametrize(
    ("option", "value", "word"),
    [
        ("--faults", "teapot", "teapot"),
        ("--faults", "429:often", "often"),
        ("--spend-limit", "-1", "-1"),
        ("--spend-limit", "nan", "nan"),
        ("--plan", "gold", "gold"),
    ],
)
def test_a_bad_option_is_told_before_anything_starts(option: str, value: str, word: str) -> None:
    """Exit code 2, a sentence, no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "groqnb", "serve", option, value],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr
