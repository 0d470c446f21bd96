"""The playground: its script in an empty page, and the whole in JupyterLab and Notebook 7."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer
from playwright.sync_api import expect

from groqnb.sampling import PARAMETERS, support

from .barriers import barriers
from .blank_page import BlankPage, BlankPages
from .tabs import Tabs

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)

MODELS = ["llama-3.3-70b-versatile", "openai/gpt-oss-20b"]
STATE = {
    "model": MODELS[0],
    "models": MODELS,
    "prompt": "Hello",
    "system": None,
    "values": {},
    "controls": [parameter.as_dict() for parameter in PARAMETERS],
    "special": {name: support(name) for name in MODELS},
    "error": "",
}
END = {"number": 1, "failure": "", "slots": None, "text": "", "magic": None, "python": None}
MAKE = """import groqnb

client = groqnb.Groq(base_url={url!r}, api_key="none")
play = groqnb.Playground(prompt="think", client=client)
play"""


@pytest.fixture
def play(blank_page: BlankPages) -> Callable[..., BlankPage]:
    """Open a playground whose kernel the test plays."""

    def opened(**given: Any) -> BlankPage:
        answers = {"hello": {**END, "live": None, "attached": []}}
        page = blank_page("playground", STATE | given, answers)
        page.page.wait_for_function("document.querySelector('.gw-play-live')")
        return page

    return opened


def values(page: BlankPage) -> Any:
    return page.page.evaluate("fake.state.values")


def test_every_parameter_has_its_control_with_its_range(play: Callable[..., BlankPage]) -> None:
    """What is set is kept, what is cleared is not sent, what is out of range is not taken."""
    page = play()
    heat = page.page.get_by_label("temperature", exact=True)
    assert (heat.get_attribute("min"), heat.get_attribute("max")) == ("0", "2")
    heat.fill("0.3")
    heat.press("Tab")
    assert values(page) == {"temperature": 0.3}
    expect(page.page.get_by_label("temperature, slider")).to_have_value("0.3")
    heat.fill("7")
    heat.press("Tab")
    assert values(page) == {"temperature": 0.3}
    page.page.get_by_label("stop", exact=True).fill("END\n\n###")
    page.page.get_by_label("stop", exact=True).press("Tab")
    page.page.get_by_label("service_tier", exact=True).select_option("flex")
    page.page.get_by_label("seed", exact=True).fill("7")
    page.page.get_by_label("seed", exact=True).press("Tab")
    page.button("Clear temperature").click()
    assert values(page) == {"stop": ["END", "###"], "service_tier": "flex", "seed": 7}
    most = page.page.get_by_label("max_completion_tokens", exact=True)
    assert most.get_attribute("max") == "32768"
    page.button("Run").click()
    asked = page.wait_asked("run")
    assert asked["values"] == values(page)
    assert (asked["prompt"], asked["system"]) == ("Hello", None)
    page.button("Reset parameters").click()
    assert values(page) == {}


def test_what_is_being_typed_goes_along_with_ctrl_enter(play: Callable[..., BlankPage]) -> None:
    """A box that was not left yet counts; what it may not hold is not run."""
    page = play()
    heat = page.page.get_by_label("temperature", exact=True)
    heat.fill("0.3")
    heat.press("Control+Enter")
    assert page.wait_asked("run")["values"] == {"temperature": 0.3}
    stop = page.page.get_by_label("stop", exact=True)
    stop.fill("END")
    stop.press("Control+Enter")
    assert page.wait_asked("run", 2)["values"] == {"temperature": 0.3, "stop": ["END"]}
    page.page.get_by_label("temperature, slider").press("Control+Enter")
    assert page.wait_asked("run", 3)["values"] == {"temperature": 0.3, "stop": ["END"]}
    heat.fill("0.125")
    heat.press("Control+Enter")
    assert page.wait_asked("run", 4)["values"] == {"temperature": 0.125, "stop": ["END"]}


def test_a_stop_that_the_kernel_did_not_take_can_be_asked_again(
    play: Callable[..., BlankPage],
) -> None:
    page = play()
    page.say({"kind": "begin", "number": 2, "status": "asking m…"})
    page.page.evaluate("fake.silent(true)")
    page.button("Stop").click()
    page.wait_asked("stop")
    page.say({"kind": "gn-reply", "id": page.sent("gn-ask")[-1]["id"], "error": "Not now."})
    expect(page.page.get_by_role("alert")).to_have_text("Not now.")
    expect(page.button("Stop")).to_be_enabled(timeout=5_000)


def test_nothing_is_run_while_a_box_holds_what_cannot_be_sent(
    play: Callable[..., BlankPage],
) -> None:
    """Else the answer would be one to other parameters than those that are seen."""
    page = play()
    heat = page.page.get_by_label("temperature", exact=True)
    most = page.page.get_by_label("max_completion_tokens", exact=True)
    for box, wrong in ((heat, "7"), (most, "1.5")):
        box.fill(wrong)
        box.press("Control+Enter")
        page.button("Run").click()
        page.page.get_by_label("Prompt").press("Control+Enter")
        assert page.asked("run") == []
        expect(box).to_be_focused()
        box.fill("")
    page.button("Run").click()
    assert page.wait_asked("run")["values"] == {}


def test_what_a_model_does_not_support_is_disabled_and_says_why(
    play: Callable[..., BlankPage],
) -> None:
    """Another model has other parameters, and other values of them."""
    page = play()
    effort = page.page.get_by_label("reasoning_effort", exact=True)
    expect(effort).to_be_disabled()
    expect(page.widget).to_contain_text("llama-3.3-70b-versatile does not reason.")
    expect(page.page.get_by_label("logprobs", exact=True)).to_be_disabled()
    page.page.get_by_label("Model").select_option(MODELS[1])
    expect(effort).to_be_enabled()
    assert effort.locator("option").all_inner_texts() == [
        "not set (medium)",
        "low",
        "medium",
        "high",
    ]
    expect(page.page.get_by_label("reasoning_format", exact=True)).to_be_disabled()


def test_an_answer_streams_stops_and_leaves_its_code(play: Callable[..., BlankPage]) -> None:
    """Words as they come, the failure if there is one, and code to copy."""
    page = play()
    page.say({"kind": "begin", "number": 2, "status": "asking m…"})
    expect(page.widget).to_contain_text("asking m…")
    grown = {"text": {"set": "<p>One</p>", "tail": "<p>Tw</p>"}}
    page.say({"kind": "grow", "number": 3, "parts": grown})
    expect(page.page.locator(".gw-answer")).to_contain_text("Tw")
    page.button("Stop").click()
    page.wait_asked("stop")
    end = {"slots": {"text": "<p>One</p>", "foot": "<div>foot</div>"}, "text": "One"}
    code = {"magic": "%%groq -m m\n<b>", "python": "import groqnb", "failure": "It broke."}
    page.say({**END, **end, **code, "kind": "done", "number": 4})
    expect(page.button("Run")).to_be_visible()
    expect(page.widget).to_contain_text("It broke.")
    page.page.get_by_text("As a %%groq cell", exact=True).click()
    expect(page.page.locator(".gw-play-source").first).to_have_text("%%groq -m m\n<b>")
    page.page.evaluate(
        """() => Object.defineProperty(navigator, 'clipboard',
          { value: { writeText: (text) => (window.copied = text) } })"""
    )
    page.button("Copy as Python").click()
    page.page.wait_for_function("window.copied === 'import groqnb'")
    assert barriers(page.page, ".gw-play") == []


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server


def test_a_question_is_tried_in_the_notebook(
    open_notebook: Tabs, server: ChatServer, front: str, shots: Path
) -> None:
    """Set a parameter, run, stop, see the code; Python knows it; saved and read without kernel."""
    notebook = open_notebook([MAKE.format(url=server.url), "play.run().text"], front=front)
    notebook.run(0)
    play = notebook.page.get_by_role("group", name="Playground", exact=True)
    play.get_by_label("temperature", exact=True).fill("0.25")
    play.get_by_label("temperature", exact=True).press("Tab")
    play.get_by_role("button", name="Run").click()
    expect(play).to_contain_text("one two three")
    assert server.requests[-1]["temperature"] == 0.25
    play.get_by_label("Prompt").fill("count 100000 every 0.02")
    play.get_by_label("Prompt").press("Control+Enter")
    expect(play).to_contain_text("w3 ")
    play.get_by_role("button", name="Stop").click()
    expect(play.locator(".gn-stopped")).to_have_text("stopped")
    play.get_by_text("As a %%groq cell", exact=True).click()
    expect(play).to_contain_text("-p temperature=0.25")
    assert (
        notebook.kernel("print(play.answer.stopped, play.params)") == "True {'temperature': 0.25}"
    )
    if front == "lab":
        assert barriers(notebook.page, ".gw-play") == []
        notebook.picture(shots / "playground_light.png", 0)
        notebook.theme("JupyterLab Dark")
        assert barriers(notebook.page, ".gw-play") == []
        notebook.picture(shots / "playground_dark.png", 0)
        return
    expect(notebook.page.locator(".gn-play-saved")).to_be_hidden()
    play.get_by_label("Prompt").fill("hello")
    play.get_by_label("Prompt").press("Tab")
    notebook.run(1)
    assert notebook.outputs(1)[0]["data"]["text/plain"] == "'You said: hello'"
    again = open_notebook.reopen(notebook)
    expect(again.page.locator(".gn-play-saved")).to_contain_text("You said: hello")
    again.picture(shots / "playground_reopened.png", 0)
