"""The playground without a page: parameters, the call, the code that it gives."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from chat_server import KEY, ChatServer
from PIL import Image

import groqnb
from groqnb import catalog
from groqnb.magics.parser import parse_cell
from groqnb.sampling import PARAMETERS, check, support
from groqnb.types.chat import ChatParams
from groqnb.types.errors import NotFoundError, ParameterError
from groqnb.widgets.playground import Playground
from groqnb.widgets.playground_code import as_magic, as_python

Make = Callable[..., Playground]
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c63f8cfc0f01f0005000201f5bb2a5f0000000049454e44ae426082"
)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server


@pytest.fixture
def make(server: ChatServer) -> Iterator[Make]:
    """Make playgrounds whose calls go to the chat server."""
    made: list[Playground] = []

    def playground(**options: Any) -> Playground:
        client = groqnb.Groq(base_url=server.url, api_key=KEY, max_retries=0)
        made.append(groqnb.Playground(client=client, **options))
        return made[-1]

    yield playground
    for each in made:
        each.close()


# --- parameters ---


def test_every_control_is_a_parameter_of_the_api() -> None:
    """Their names are those that a chat completion takes."""
    for parameter in PARAMETERS:
        assert parameter.name in ChatParams.__annotations__


def test_what_a_model_does_not_support_has_a_reason() -> None:
    """Models that do not reason, and those that do in a way of their own."""
    assert "does not reason" in support("llama-3.1-8b-instant")["reasoning_effort"]["why"]
    gpt = support("openai/gpt-oss-20b")
    assert gpt["reasoning_effort"]["choices"] == ["low", "medium", "high"]
    assert "why" in gpt["reasoning_format"]
    qwen = support("qwen/qwen3-32b")
    assert qwen["reasoning_effort"]["choices"] == ["none", "default"]
    assert "reasoning_format" not in qwen
    assert support("llama-3.3-70b-versatile")["max_completion_tokens"] == {"high": 32768}
    assert "why" in support("anything")["logprobs"]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"temperature": 2.1}, "from 0 to 2"),
        ({"temperature": "hot"}, "a number"),
        ({"top_p": -0.1}, "from 0 to 1"),
        ({"max_completion_tokens": 0}, "from 1 to 32,768"),
        ({"max_completion_tokens": 1.5}, "a whole number"),
        ({"seed": True}, "a whole number"),
        ({"stop": list("abcde")}, "at most 4"),
        ({"reasoning_effort": "low"}, "does not reason"),
        ({"service_tier": "gold"}, "on_demand"),
        ({"logprobs": True}, "no model supports"),
        ({"temprature": 1}, "no control"),
    ],
)
def test_values_out_of_range_are_refused(values: dict[str, Any], told: str) -> None:
    """The error names the parameter's range or the reason."""
    with pytest.raises(ParameterError) as caught:
        check(values, "llama-3.3-70b-versatile")
    assert told in str(caught.value)


def test_values_become_parameters() -> None:
    """What is empty is not sent; JSON mode gets the API's shape."""
    values = {"temperature": 0, "stop": "END", "seed": 7.0, "top_p": None, "service_tier": ""}
    assert check(values, "m") == {"temperature": 0, "stop": ["END"], "seed": 7}
    assert check({"response_format": "json_object"}, "m") == {
        "response_format": {"type": "json_object"}
    }
    with pytest.raises(ParameterError, match="exclude each other"):
        check({"include_reasoning": True, "reasoning_format": "raw"}, "qwen/qwen3-32b")


# --- the code ---

HARD = [
    {"prompt": "Why?"},
    {"prompt": "a\n\n  b {json: 1}", "system": 'Say "hi" and it\'s ok.'},
    {"prompt": "{{ raw }} and {one}", "system": "C:\\tmp\\"},
    {"prompt": "x", "system": "both ' and \" quotes", "params": {"stop": ["a b", 'q"', "'"]}},
    {"prompt": "x", "params": {"response_format": {"type": "json_object"}, "temperature": 0.25}},
    {"prompt": "x", "params": {"include_reasoning": False, "seed": 3}, "images": ["my cat.png"]},
    {"prompt": "x", "images": ["https://example.org/a.png?x=1&y='2'"]},
    {"prompt": "ends with;", "system": "-dash"},
]


@pytest.mark.parametrize("asked", HARD, ids=range(len(HARD)))
def test_the_cell_says_what_was_asked(asked: dict[str, Any]) -> None:
    """The magic's own parser reads the same model, system, parameters, images and prompt."""
    cell = as_magic(model="openai/gpt-oss-20b", **asked)
    assert cell is not None
    line, _, prompt = cell.partition("\n")
    read = parse_cell(line.removeprefix("%%groq "))
    assert prompt == asked["prompt"]
    assert (read.model, read.system) == ("openai/gpt-oss-20b", asked.get("system"))
    assert {n: p.value() for n, p in read.params.items()} == asked.get("params", {})
    assert read.images == asked.get("images", [])
    assert read.raw == ("{{" in asked["prompt"])


def test_what_fits_into_no_line_has_no_cell() -> None:
    """A system message of two lines; the Python code has it."""
    asked = {"model": "m", "prompt": "x", "system": "one\ntwo"}
    assert as_magic(**asked) is None
    assert repr("one\ntwo") in as_python(**asked)


@pytest.mark.parametrize("asked", HARD[:5], ids=range(5))
def test_the_python_code_asks_the_same(
    asked: dict[str, Any], server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs as it is, and the server gets the same question."""
    monkeypatch.setenv("GROQ_BASE_URL", server.url)
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    code = as_python(model="llama-3.3-70b-versatile", **asked)
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code, names)
    sent = server.requests[-1]
    said = [m["content"] for m in sent["messages"]]
    assert said == [*filter(None, [asked.get("system")]), asked["prompt"]]
    assert {n: sent[n] for n in asked.get("params", {})} == asked.get("params", {})
    assert names["answer"].text


# --- the widget ---


def test_it_asks_with_what_is_set(make: Make, server: ChatServer) -> None:
    """`run` gives the answer; values can be changed, and what is not set is not sent."""
    play = make(prompt="hello", system="Be brief.", temperature=0.2)
    assert play.run().text == "You said: hello"
    assert server.requests[-1]["temperature"] == 0.2
    play.values = {"seed": 7}
    play.prompt = "again"
    answer = play.run()
    assert play.answer is answer
    assert "temperature" not in server.requests[-1]
    assert server.requests[-1]["seed"] == 7
    assert play.params == {"seed": 7}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"temprature": 1}, "temperature"),
        ({"promt": "x"}, "prompt"),
        ({"temperature": 9}, "from 0 to 2"),
        ({"client": 3}, "groqnb.Groq"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], told: str) -> None:
    """Unknown ones with the nearest name, others with their range."""
    with pytest.raises(ParameterError) as caught:
        groqnb.Playground(**options)
    assert told in str(caught.value)


def test_failures_raise_and_are_kept_for_the_page(make: Make) -> None:
    """An unknown model, a value that the new model does not take, nothing to ask."""
    play = make(prompt="hello", model="no-such-model")
    with pytest.raises(NotFoundError):
        play.run()
    assert "NotFoundError" in play._ask_hello({})["failure"]
    play.model, play.values = "llama-3.3-70b-versatile", {"reasoning_effort": "low"}
    with pytest.raises(ParameterError, match="does not reason"):
        play.run()
    play.values, play.prompt = {}, " "
    with pytest.raises(ParameterError, match="nothing to ask"):
        play.run()
    play.prompt = "hello"
    assert play.run().text == "You said: hello"


def test_images_go_along_and_are_named_in_the_code(make: Make, server: ChatServer) -> None:
    """Those of files by their names; each run sends them again."""
    play = make(prompt="What is it?", model="acme/brand-new-70b")
    play._attach(PIXEL, {"name": "dot.png"})
    play.run()
    play.run()
    content = server.requests[-1]["messages"][0]["content"]
    assert [part["type"] for part in content] == ["text", "image_url"]
    assert "--image dot.png" in str(play.as_magic())
    assert "*to_parts('dot.png')" in play.as_python()
    play.model = "llama-3.3-70b-versatile"
    with pytest.raises(ParameterError, match="takes no images"):
        play.run()


def test_the_page_runs_what_it_shows(make: Make) -> None:
    """What was typed goes along with Run; the end tells the code of what was asked."""
    play = make(prompt="old")
    told: list[dict[str, Any]] = []
    play.send = lambda content, buffers=None: told.append(content)  # type: ignore[method-assign]
    now = {"model": "llama-3.1-8b-instant", "prompt": "new", "system": None, "values": {"seed": 1}}
    play._ask_run(now)
    assert play._idle.wait(60)
    assert play.answer is not None
    assert play.answer.text == "You said: new"
    end = play._ask_hello({})
    assert end["magic"] == "%%groq -m llama-3.1-8b-instant -p seed=1\nnew"
    numbers = [each["number"] for each in told if "number" in each]
    assert numbers == sorted(set(numbers))
    assert [each["kind"] for each in told if "number" in each][-1] == "done"


def test_one_question_at_a_time(make: Make, server: ChatServer) -> None:
    """Also while large images are still made to fit: a call that nobody sees would be paid."""
    play = make(prompt="count 200 every 0.01", model="acme/brand-new-70b")
    for seed in range(3):
        file = io.BytesIO()
        Image.frombytes("RGB", (800, 800), Random(seed).randbytes(800 * 800 * 3)).save(file, "PNG")
        play._attach(file.getvalue(), {"name": f"noise-{seed}.png"})
    refused: list[str] = []

    def run() -> None:
        try:
            play.run()
        except ParameterError as error:
            refused.append(error.message)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert refused == ["An answer is on its way."] * 2
    assert len(server.requests) == 1


def test_what_cannot_be_asked_leaves_it_free(make: Make) -> None:
    """A refused question is no answer on its way."""
    play = make(prompt="hello", model="llama-3.3-70b-versatile")
    play._attach(PIXEL, {"name": "dot.png"})
    for _ in range(2):
        with pytest.raises(ParameterError, match="takes no images"):
            play.run()
    play.model = "acme/brand-new-70b"
    assert play.run().text == "You said: hello"


def test_stop_keeps_what_has_come(make: Make) -> None:
    """From another thread or the page; the answer is marked."""
    play = make(prompt="count 100000 every 0.01")

    def stop_at_words(content: dict[str, Any], buffers: Any = None) -> None:
        if content["kind"] == "grow":
            play.stop()

    play.send = stop_at_words  # type: ignore[method-assign]
    answer = play.run()
    assert answer.stopped
    assert answer.text.startswith("w0 ")


def test_what_is_saved_is_readable_and_safe(make: Make) -> None:
    """Prompt, answer and code; text of people and models is escaped; no key anywhere."""
    play = make(prompt="<script>alert(1)</script>")
    assert play._result() == ([], "")
    play.run()
    bundle = play._result_bundle()
    assert "<script>" not in bundle["text/html"]
    assert "As Python" in bundle["text/html"]
    assert bundle["text/plain"].startswith("prompt: <script>alert(1)</script>\n\nYou said:")
    play.prompt = "First line\nsecond line"
    play.run()
    assert "First line<br>second line</b>" in play._result_bundle()["text/html"]
    state = str(play.get_state())
    assert KEY not in state + str(bundle)


def test_the_catalogue_names_the_models(make: Make) -> None:
    """Those that chat; the page has what is special about each."""
    play = make()
    assert "whisper-large-v3" not in play.models
    assert set(play.models) <= set(play.special)
    assert {m.id for m in catalog.models() if m.kind == "chat"} <= set(play.models)
