"""The magics in a real kernel: streaming, interrupts, errors, completion."""

from __future__ import annotations

import json
import re
import time

import pytest
from chat_server import KEY, ChatServer
from IPython.core.interactiveshell import InteractiveShell

from .frontend import Cell, FrontEnd


def text_of(paint: dict[str, object]) -> str:
    return str(paint["data"]["text/plain"])  # type: ignore[index]


def test_loading_the_extension_says_nothing(front: FrontEnd) -> None:
    cell = front.run("%reload_ext groqnb")
    assert cell.reply["status"] == "ok"
    assert cell.paints == []
    assert cell.printed == ""


def test_the_text_grows_in_one_display(front: FrontEnd) -> None:
    cell = front.run("%%groq -o answer\ncount 60 every 0.02")
    assert cell.reply["status"] == "ok"
    first, *updates = cell.paints
    assert [m["msg_type"] for m in cell.messages].count("display_data") == 1
    assert len(cell.contents("update_display_data")) == len(updates)
    assert len({p["transient"]["display_id"] for p in cell.paints}) == 1
    assert "asking" in first["data"]["text/html"]
    sizes = [len(text_of(paint)) for paint in updates]
    assert 3 <= len(updates) <= 40
    assert sizes[:-1] == sorted(sizes[:-1])
    assert text_of(updates[-1]).startswith("w0 w1 ")
    assert "w59" in text_of(updates[-1])
    assert front.value("answer.text.split()[-1]") == "w59"


def test_every_paint_has_html_and_plain_text_and_nothing_that_runs(front: FrontEnd) -> None:
    cell = front.run("%%groq\n<script>alert(1)</script> ![x](https://evil.example/a.png)")
    for paint in cell.paints:
        assert set(paint["data"]) == {"text/html", "text/plain"}
        assert "<script" not in paint["data"]["text/html"]
        assert "<img" not in paint["data"]["text/html"]


@pytest.mark.parametrize("options", ["", "-c"])
def test_an_interrupt_keeps_the_partial_text_and_is_idle_at_once(
    front: FrontEnd, chat_server: ChatServer, options: str
) -> None:
    pressed: list[float] = []

    def press(cell: Cell) -> None:
        if "w5 " in text_of(cell.paints[-1]) and not pressed:
            pressed.append(time.monotonic())
            front.manager.interrupt_kernel()

    cell = front.run(f"%%groq {options} -o answer\ncount 1000 every 0.02", on_paint=press)
    assert cell.idle - pressed[0] < 0.5
    # So that Jupyter drops the cells that Run All has waiting.
    assert cell.reply["status"] == "error"
    assert cell.contents("error") == []
    assert "Traceback" not in cell.printed
    assert "stopped" in text_of(cell.paints[-1])
    stopped, text = front.value("(answer.stopped, answer.text)")
    assert stopped
    assert text.startswith("w0 w1 w2 w3 w4 w5 ")
    assert text.strip() in text_of(cell.paints[-1])
    assert front.value("_groq is answer") is True
    assert chat_server.hung_up.wait(2)

    front.run("%groq continue")
    assert front.value("(answer.stopped, answer.text.startswith(_groq.text))") == (False, True)
    assert len(front.value("answer.text.split()")) == len(text.split()) + 1


def test_an_interrupt_before_the_first_token_is_quick_too(front: FrontEnd) -> None:
    pressed: list[float] = []

    def press(cell: Cell) -> None:
        if not pressed:
            time.sleep(0.3)
            pressed.append(time.monotonic())
            front.manager.interrupt_kernel()

    cell = front.run("%%groq\ncount 1 every 20", on_paint=press)
    assert cell.idle - pressed[0] < 0.5
    assert cell.contents("error") == []
    assert front.value("(_groq.stopped, _groq.text)") == (True, "")


def test_a_refused_call_is_a_short_error_with_no_traceback_and_no_key(front: FrontEnd) -> None:
    cell = front.run("%%groq\nstatus 401")
    (error,) = cell.contents("error")
    assert cell.reply["status"] == "error"
    assert cell.reply["ename"] == error["ename"] == "AuthenticationError"
    assert 1 <= len(error["traceback"]) <= 2
    assert not any("Traceback" in line or "\x1b" in line for line in error["traceback"])
    assert error["traceback"][0].startswith("AuthenticationError: ")
    assert KEY not in json.dumps([m["content"] for m in cell.messages] + [cell.reply])


def test_an_unknown_model_names_those_that_look_like_it(front: FrontEnd) -> None:
    (error,) = front.run("%%groq -m brand-new-7b\nHi").contents("error")
    assert "acme/brand-new-70b" in "".join(error["traceback"])


def test_a_mistake_in_the_magic_is_a_usage_error_and_fails_the_cell(front: FrontEnd) -> None:
    cell = front.run("%%groq --modle x\nHi")
    assert cell.reply["status"] == "error"
    assert cell.printed.strip() == "UsageError: unknown option --modle. Did you mean --model?"
    empty = front.run("%%groq")
    assert empty.reply["status"] == "error"
    assert "nothing to ask" in empty.printed


def test_help_of_an_empty_cell_prints_and_returns(front: FrontEnd) -> None:
    cell = front.run("%%groq --help")
    assert cell.reply["status"] == "ok"
    assert "--dry-run" in cell.printed


def test_a_question_mark_ends_a_question(front: FrontEnd) -> None:
    front.run("%groq ask is it?")
    assert front.value("_groq.text") == "You said: is it?"


def test_an_answer_as_the_value_of_a_cell_looks_as_it_did(front: FrontEnd) -> None:
    front.run("%%groq\nHi")
    painted = front.run("%%groq\nHi").paints[-1]["data"]
    (result,) = front.run("_groq").contents("execute_result")
    assert result["data"] == painted


def test_show_paints_one_stream_and_its_value_only_once(front: FrontEnd) -> None:
    cell = front.run(
        "import groqnb\n"
        "q = [{'role': 'user', 'content': 'count 30 every 0.02'}]\n"
        "create = groqnb.Groq().chat.completions.create\n"
        "groqnb.show(create(model='llama-3.1-8b-instant', messages=q, stream=True))"
    )
    assert cell.reply["status"] == "ok"
    assert "w29" in text_of(cell.paints[-1])
    assert cell.contents("execute_result") == []


@pytest.mark.parametrize(
    ("code", "fragment", "match"),
    [
        ("%%groq --mod^\nHi", "--mod", "--model"),
        ("%%groq -m llama-3.3^\nHi", "llama-3.3", "llama-3.3-70b-versatile"),
        ("%%groq\nabout {{fru^}}", "fru", "fruit_of_the_day"),
        ("%groq use cl^", "cl", "cloud"),
    ],
)
def test_completion_over_the_wire(
    front: FrontEnd, chat_server: ChatServer, code: str, fragment: str, match: str
) -> None:
    front.run("fruit_of_the_day = 1")
    calls = len(chat_server.paths)
    assert front.complete(code) == (fragment, [match])
    assert len(chat_server.paths) == calls


def test_live_models_are_completed_once_they_were_listed(front: FrontEnd) -> None:
    front.run("%groq models")
    assert front.complete("%%groq -m brand^") == ("brand", ["acme/brand-new-70b"])


def test_unloading_takes_magic_and_completion_away(front: FrontEnd) -> None:
    front.run("%%groq\nHi")
    assert front.run("%unload_ext groqnb").reply["status"] == "ok"
    assert "not found" in front.run("%groq").printed
    assert "--model" not in front.complete("%%groq --mod^")[1]
    (result,) = front.run("_groq").contents("execute_result")
    assert set(result["data"]) == {"text/plain"}
    assert not re.search(r"0x[0-9a-f]{6}", result["data"]["text/plain"])


def test_loading_imports_nothing_heavy(front: FrontEnd, environment: dict[str, str]) -> None:
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(env=environment)
    try:
        fresh = FrontEnd(manager, client)
        heavy = ["httpx", "httpcore", "pydantic", "pandas", "markdown_it", "groqnb.types"]
        fresh.run("%load_ext groqnb")
        assert fresh.value(f"[m for m in {heavy} if m in __import__('sys').modules]") == []
        assert fresh.run("%%groq\nHi").reply["status"] == "ok"
        assert fresh.value("'pandas' in __import__('sys').modules") is False
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_cells_go_along_by_the_numbers_that_the_page_shows(
    front: FrontEnd, chat_server: ChatServer
) -> None:
    """With what they gave, what they printed, and what a model answered in them."""
    number = front.run("print('said ' + 'aloud')\n6 * 7", numbered=True).reply["execution_count"]
    front.run("%%groq\nHello there", numbered=True)
    front.run(f"%%groq --cells {number}-\nExplain", numbered=True)
    text = chat_server.requests[-1]["messages"][-1]["content"]
    assert f'<cell number="{number}">\nprint(' in text
    if hasattr(InteractiveShell, "_tee"):  # an IPython that keeps what is printed
        assert "said aloud\n42\n</output>" in text
    assert "42\n</output>" in text
    assert f'<cell number="{number + 1}">\n%%groq\nHello there\n<output>\nYou said: H' in text
    assert "Explain" not in text.partition("</cells>")[0]
    from_ledger = "__import__('groqnb.ledger.place').ledger.place.running_cell(get_ipython())"
    counted = front.run(f"print({from_ledger})", numbered=True)
    assert int(counted.printed) == counted.reply["execution_count"]


def test_code_is_put_into_a_new_cell_and_not_run(front: FrontEnd) -> None:
    cell = front.run("%%groq --as cell\nanswer So:\n```python\nnever = 1\n```\nDone.")
    assert cell.reply["payload"] == [
        {"source": "set_next_input", "text": "never = 1", "replace": False}
    ]
    assert front.value("'never' in globals()") is False


def test_the_last_error_of_a_notebook_goes_along(front: FrontEnd, chat_server: ChatServer) -> None:
    front.run("def ratio(a, b):\n    return a / b", numbered=True)
    front.run("ratio(1, 0)", numbered=True)
    front.run("%%groq --err\nWhy?", numbered=True)
    text = chat_server.requests[-1]["messages"][-1]["content"]
    assert "  the cell, line 1, in <module>: ratio(1, 0)\n  another cell, line 2, in ratio" in text
    assert "ipykernel" not in text
