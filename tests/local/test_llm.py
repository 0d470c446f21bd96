"""What the local model does with the parameters: on the small model, over HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from groqnb.local.process import Engine

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def http(engine: Engine) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {engine.api_key}"}
    with httpx.Client(base_url=engine.base_url, headers=headers, timeout=240) as client:
        yield client


def ask(http: httpx.Client, content: str = "Count from one to ten.", **options: Any) -> Any:
    body = {
        "model": "llama-3.1-8b-instant",
        "messages": [{"role": "user", "content": content}],
        "max_tokens": 24,
        **options,
    }
    reply = http.post("/chat/completions", json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


def text(reply: Any) -> str:
    found: str = reply["choices"][0]["message"]["content"]
    return found


def test_a_seed_repeats_the_text_and_another_changes_it(http: httpx.Client) -> None:
    """Also after other requests have used the model's cache."""
    first = text(ask(http, seed=11, temperature=1.2))
    ask(http, "Something else entirely.")
    assert text(ask(http, seed=11, temperature=1.2)) == first
    assert text(ask(http, seed=12, temperature=1.2)) != first


def test_temperature_zero_is_the_same_text_every_time(http: httpx.Client) -> None:
    """It becomes 1e-8; no seed needed."""
    assert text(ask(http, temperature=0)) == text(ask(http, temperature=0))


def test_a_tiny_top_p_is_as_good_as_temperature_zero(http: httpx.Client) -> None:
    """Only the likeliest token remains, however hot."""
    cold = text(ask(http, temperature=0, seed=1))
    assert text(ask(http, temperature=2, top_p=1e-6, seed=1)) == cold
    assert text(ask(http, temperature=2, top_p=1, seed=1)) != cold


def test_stop_ends_before_the_sequence(http: httpx.Client) -> None:
    """The text excludes it, whichever of several comes first; the reason is `stop`."""
    whole = text(ask(http, temperature=0, seed=1))
    word = whole.split()[3]
    reply = ask(http, temperature=0, seed=1, stop=["zebra crossing", word])
    assert text(reply) == whole[: whole.index(word)]
    assert reply["choices"][0]["finish_reason"] == "stop"


def test_max_tokens_is_exact(http: httpx.Client) -> None:
    """Under either name; the newer one wins; the reason is `length`."""
    for options in ({"max_tokens": 7}, {"max_tokens": 20, "max_completion_tokens": 7}):
        reply = ask(http, temperature=0, **options)
        assert reply["usage"]["completion_tokens"] == 7
        assert reply["choices"][0]["finish_reason"] == "length"


def test_prefill_is_continued_and_not_repeated(http: httpx.Client) -> None:
    """A trailing assistant message is the answer's beginning."""
    messages = [
        {"role": "user", "content": "Count from one to ten, in words."},
        {"role": "assistant", "content": "one, two, three,"},
    ]
    reply = ask(http, messages=messages, temperature=0)
    assert text(reply).startswith(" four")


def test_prompt_tokens_are_the_tokenizers(http: httpx.Client) -> None:
    """Ten more words that are one token each are ten more tokens."""
    few = ask(http, "hello" + " hello" * 10, max_tokens=1)["usage"]["prompt_tokens"]
    many = ask(http, "hello" + " hello" * 20, max_tokens=1)["usage"]["prompt_tokens"]
    assert many - few == 10


def test_system_messages_reach_the_model(http: httpx.Client) -> None:
    """They are in the prompt; the template's own default is then not."""
    plain = ask(http, "Hi", max_tokens=1)["usage"]["prompt_tokens"]
    messages = [
        {"role": "system", "content": "word " * 50},
        {"role": "user", "content": "Hi"},
    ]
    assert ask(http, messages=messages, max_tokens=1)["usage"]["prompt_tokens"] > plain + 20


def test_text_of_any_script_streams_whole(http: httpx.Client) -> None:
    """No piece breaks a character; the pieces together are the text."""
    body = {
        "model": "llama-3.1-8b-instant",
        "messages": [
            {"role": "user", "content": "Repeat: 🎉🎉 日本語 ÄÖÜ"},
            {"role": "assistant", "content": "🎉🎉 日本"},
        ],
        "max_tokens": 24,
        "temperature": 0,
        "stream": True,
    }
    with http.stream("POST", "/chat/completions", json=body) as reply:
        lines = [line for line in reply.iter_lines() if line.startswith("data: {")]
    pieces = [json.loads(line[6:])["choices"][0]["delta"].get("content", "") for line in lines]
    assert "".join(pieces)
    assert "\ufffd" not in "".join(pieces)


def test_a_repeated_prompt_reports_cached_tokens(http: httpx.Client) -> None:
    """What the runtime still has is not computed again; models that cache prompts tell it."""
    caches = "moonshotai/kimi-k2-instruct-0905"
    ask(http, "A long question. " * 20, max_tokens=1, model=caches)
    usage = ask(http, "A long question. " * 20, max_tokens=1, model=caches)["usage"]
    assert usage["prompt_tokens_details"]["cached_tokens"] > 50
    usage = ask(http, "A long question. " * 20, max_tokens=1)["usage"]
    assert "prompt_tokens_details" not in usage


def test_four_at_once_and_a_fifth_waits_its_turn(http: httpx.Client) -> None:
    """All are answered; who waited is told how long."""
    usages: list[Any] = []

    def one(number: int) -> None:
        usages.append(ask(http, f"Tell a story about {number}.", max_tokens=16)["usage"])

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(usages) == 6
    assert max(usage["queue_time"] for usage in usages) > 0.02
    assert min(usage["queue_time"] for usage in usages) < 0.02


@pytest.mark.parametrize("phase", ["prompt", "answer", "whole"])
def test_a_client_that_hangs_up_stops_the_work(
    http: httpx.Client, engine: Engine, phase: str
) -> None:
    """In the middle of a long prompt, of a stream, or while a whole reply is made."""
    content = "thing " * 6000 if phase == "prompt" else "Write a very long story about a dragon."
    body = {
        "model": "llama-3.1-8b-instant",
        "messages": [{"role": "user", "content": content}],
        "max_tokens": 1500,
        "stream": phase != "whole",
        "seed": 4,
    }
    if phase == "whole":
        with pytest.raises(httpx.ReadTimeout):
            http.post("/chat/completions", json=body, timeout=httpx.Timeout(240, read=0.5))
    else:
        with http.stream("POST", "/chat/completions", json=body) as reply:
            for count, _ in enumerate(reply.iter_lines()):
                if count > 5 or phase == "prompt":
                    break
            time.sleep(0.3)
    # What is under way is finished first, a batch of the prompt for one: seconds, when others
    # share the processor.
    assert _idle_within(engine.pid, 60), "the model went on"


def _idle_within(pid: int, seconds: float) -> bool:
    """Whether the process comes to rest: well under a tenth of a core for a while."""
    child = psutil.Process(pid)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        before = child.cpu_times()
        time.sleep(0.5)
        after = child.cpu_times()
        if after.user - before.user < 0.05:
            return True
    return False
