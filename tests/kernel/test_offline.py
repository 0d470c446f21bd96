"""The first cell of a newcomer: no key, no network, a real language model on this machine."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from jupyter_client.manager import start_new_kernel

from groqnb.local import weights

from .frontend import Cell, FrontEnd

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def offline(environment: dict[str, str]) -> Iterator[FrontEnd]:
    weights.ensure("small")
    own = {k: v for k, v in environment.items() if not k.startswith("GROQ_")}
    manager, client = start_new_kernel(env={**own, "GROQNB_LOCAL_MODEL": "small"})
    front = FrontEnd(manager, client)
    front.run("%load_ext groqnb")
    yield front
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_a_cell_is_answered_by_the_engine_which_is_named_at_once_and_why(
    offline: FrontEnd,
) -> None:
    cell = offline.run(
        "%%groq -p max_completion_tokens=40 -p seed=1\nWhat colour is grass?", timeout=120
    )
    assert cell.reply["status"] == "ok", cell.reply
    assert "local engine" in cell.paints[0]["data"]["text/html"]
    plain = cell.paints[-1]["data"]["text/plain"]
    assert "local engine · SmolLM2-135M-Instruct-Q4_1" in plain
    assert "asked for llama-3.3-70b-versatile" in plain
    assert "no API key was found" in plain
    assert "tokens in" in plain
    assert "tokens/s" in cell.paints[-1]["data"]["text/html"]
    assert offline.value("(_groq.where, _groq.usage.completion_tokens > 0)") == ("local", True)


def test_an_interrupted_answer_goes_on_by_prefill(offline: FrontEnd) -> None:
    pressed: list[bool] = []

    def press(cell: Cell) -> None:
        if not pressed and len(cell.paints) > 4:
            pressed.append(True)
            offline.manager.interrupt_kernel()

    offline.run(
        "%%groq -p max_completion_tokens=400\nWrite a long story about a fox.", press, timeout=120
    )
    stopped, text = offline.value("(_groq.stopped, _groq.text)")
    assert stopped
    assert text
    cell = offline.run("%groq continue", timeout=120)
    assert cell.reply["status"] == "ok", cell.reply
    assert offline.value("_groq.text").startswith(text)
    assert len(offline.value("_groq.text")) > len(text)


def test_an_answer_begins_as_it_was_told_to(offline: FrontEnd) -> None:
    cell = offline.run(
        "%%groq -p temperature=0 -p max_completion_tokens=12 --prefill 'one, two, three,'\n"
        "Count from one to ten, in words.",
        timeout=120,
    )
    assert cell.reply["status"] == "ok", cell.reply
    assert offline.value("_groq.text").startswith("one, two, three, four")


def test_a_chat_has_a_memory(offline: FrontEnd) -> None:
    offline.run("%%groq -c -p max_completion_tokens=8\nSay one.", timeout=120)
    offline.run("%%groq -c -p max_completion_tokens=8\nSay two.", timeout=120)
    assert offline.value("[m['role'] for m in _groq.messages]") == ["user", "assistant"] * 2


def test_an_unknown_model_is_refused_offline_too(offline: FrontEnd) -> None:
    (error,) = offline.run("%%groq -m llama-3.3-70b\nHi", timeout=120).contents("error")
    assert error["ename"] == "NotFoundError"
    assert "llama-3.3-70b-versatile" in "".join(error["traceback"])


def test_the_engine_ends_with_the_kernel(environment: dict[str, str]) -> None:
    own = {k: v for k, v in environment.items() if not k.startswith("GROQ_")}
    manager, client = start_new_kernel(env={**own, "GROQNB_LOCAL_MODEL": "small"})
    front = FrontEnd(manager, client)
    front.run("%load_ext groqnb")
    front.run("%%groq -p max_completion_tokens=4\nHi", timeout=120)
    child = front.value("__import__('groqnb.local.process').local.process.current().pid")
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail(f"the engine {child} outlived its kernel")
