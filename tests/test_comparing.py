"""`%%groq -m a,b`: several models side by side, against a server on loopback."""

from __future__ import annotations

import os
import time
from typing import Any

import pandas as pd
import pytest
from chat_server import ChatServer
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from magic_shell import failed, interrupt_when, last, outputs, run, usage_error

from groqnb.render.columns import ColumnsPainter
from groqnb.session import session
from groqnb.types.answer import Answer
from groqnb.types.answer_builder import AnswerBuilder
from groqnb.types.errors import BadRequestError, NotFoundError

A, B = "llama-3.3-70b-versatile", "llama-3.1-8b-instant"


def table(ip: InteractiveShell) -> pd.DataFrame:
    frame = ip.user_ns["_groq"]
    assert isinstance(frame, pd.DataFrame)
    return frame


def test_every_model_gets_the_question_and_a_row(ip: InteractiveShell, server: ChatServer) -> None:
    assert run(ip, f"%%groq -m {A},{B} -s brief -p temperature=0 -o answer\nHello").success
    frame = table(ip)
    assert frame is ip.user_ns["answer"]
    assert list(frame.index) == [A, B]
    assert list(frame["text"]) == ["You said: Hello"] * 2
    assert {request["model"] for request in server.requests} == {A, B}
    for request in server.requests:
        assert request["temperature"] == 0
        assert [message["role"] for message in request["messages"]] == ["system", "user"]


def test_the_table_holds_numbers_as_numbers(ip: InteractiveShell) -> None:
    run(ip, f"%%groq -m {A},{B}\nHello")
    frame = table(ip)
    assert list(frame["completion_tokens"]) == [2, 2]
    assert str(frame.dtypes["completion_tokens"]) == "Int64"
    for name in ("ttft", "wall", "tokens_per_second"):
        assert str(frame.dtypes[name]) == "Float64"
        assert (frame[name] > 0).all()
    assert frame["cost"].isna().all(), "a server of the user's own has no known price"
    assert frame["error"].isna().all()
    assert all(isinstance(answer, Answer) for answer in frame["answer"])


def test_the_models_answer_at_the_same_time(ip: InteractiveShell) -> None:
    began = time.monotonic()
    run(ip, f"%%groq -m {A},{B},acme/brand-new-70b\ncount 8 every 0.1")
    wall = list(table(ip)["wall"])
    assert time.monotonic() - began < 0.75 * sum(wall)


def test_columns_fill_while_they_stream(ip: InteractiveShell) -> None:
    run(ip, f"%%groq -m {A},{B}\ncount 10 every 0.08")
    painted = [output["data"]["text/html"] for output in outputs(ip)]
    growing = [html for html in painted if "answering…" in html and "w2" in html]
    assert growing
    assert all(html.count('aria-label="llama') == 2 for html in growing)
    assert "w9" in painted[-1]
    assert "tokens/s" in painted[-1]
    assert "answering…" not in painted[-1]


def test_the_text_of_the_output_holds_no_times(ip: InteractiveShell) -> None:
    run(ip, f"%%groq -m {A},{B}\nHello")
    first = last(ip)
    run(ip, f"%%groq -m {A},{B}\nHello")
    assert last(ip) == first
    assert f"== {A}" in first


def test_one_failure_keeps_the_other_answers_and_fails_the_cell(ip: InteractiveShell) -> None:
    error = failed(ip, f"%%groq -m {A},no-such-model\nHello")
    assert isinstance(error, NotFoundError)
    assert "1 of 2 answered" in str(error)
    frame = table(ip)
    assert frame.loc[A, "text"] == "You said: Hello"
    assert "no-such-model" in frame.loc["no-such-model", "error"]
    assert frame.loc["no-such-model", "answer"] is None
    assert "failed" in last(ip, "text/html")


def test_all_failing_leaves_a_table_of_errors_with_the_usual_columns(ip: InteractiveShell) -> None:
    run(ip, f"%%groq -m {A},{B}\nHello")
    answered = table(ip)
    failed(ip, f"%%groq -m {A},no-such-model\nHello")
    partly = table(ip)
    assert isinstance(failed(ip, f"%%groq -m {A},{B}\nstatus 400"), BadRequestError)
    frame = table(ip)
    assert frame["error"].notna().all()
    assert frame["text"].isna().all()
    assert list(frame.index) == [A, B]
    assert list(frame.columns) == list(partly.columns) == list(answered.columns)
    numbers = answered.select_dtypes("number").columns
    assert (frame.dtypes[numbers] == answered.dtypes[numbers]).all()


def test_what_a_broken_stream_brought_is_kept(ip: InteractiveShell) -> None:
    failed(ip, f"%%groq -m {A},{B}\ncut")
    frame = table(ip)
    assert list(frame["text"]) == ["one two three"] * 2
    assert frame["error"].notna().all()


def test_the_same_model_twice_is_asked_once(ip: InteractiveShell, server: ChatServer) -> None:
    run(ip, f"%%groq -m {A},{A},\nHello")
    assert len(server.requests) == 1
    assert isinstance(ip.user_ns["_groq"], Answer)


def test_names_can_be_put_in(ip: InteractiveShell) -> None:
    ip.user_ns["models"] = [A, B]
    assert run(ip, "%%groq -m {{','.join(models)}}\nHello").success
    assert list(table(ip).index) == [A, B]


def test_without_streaming_the_answers_are_the_same(ip: InteractiveShell) -> None:
    assert run(ip, f"%%groq --no-stream -m {A},{B}\nHello").success
    assert list(table(ip)["text"]) == ["You said: Hello"] * 2


def test_a_conversation_goes_on_with_one_model_only(
    ip: InteractiveShell, server: ChatServer
) -> None:
    assert "one model" in usage_error(ip, f"%%groq -c -m {A},{B}\nHello")
    assert not server.requests


def test_too_many_models_are_refused(ip: InteractiveShell, server: ChatServer) -> None:
    many = ",".join(f"m{number}" for number in range(9))
    assert "up to 8" in usage_error(ip, f"%%groq -m {many}\nHello")
    assert not server.requests


def test_a_dry_run_sends_nothing(ip: InteractiveShell, server: ChatServer) -> None:
    assert run(ip, f"%%groq --dry-run -m {A},{B}\nHello").success
    assert not server.requests
    assert {A, B} == {
        name for name in (A, B) for o in outputs(ip) if name in o["data"]["text/plain"]
    }


def test_every_call_is_counted(ip: InteractiveShell) -> None:
    run(ip, f"%%groq -m {A},{B}\nHello")
    assert (session.totals.calls, session.totals.tokens_out) == (2, 4)


@pytest.mark.skipif(os.name == "nt", reason="os.kill interrupts no thread there")
def test_an_interrupt_stops_all_and_keeps_their_text(
    ip: InteractiveShell, server: ChatServer
) -> None:
    interrupt_when(lambda: outputs(ip) and last(ip).count("w1 ") == 2)
    assert not run(ip, f"%%groq -m {A},{B}\ncount 1000 every 0.1").success
    frame = table(ip)
    assert frame["stopped"].all()
    assert all(text.startswith("w0 w1") for text in frame["text"])
    assert last(ip, "text/html").count("stopped") >= 2
    assert server.hung_up.wait(60), "the connections were not closed"


def test_a_terminal_prints_answers_as_they_are_complete(
    ip: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    ip.display_pub = DisplayPublisher(shell=ip)
    run(ip, f"%%groq -m {A},{B}\nHello")
    printed = capsys.readouterr().out
    assert printed.count("You said: Hello") == 2
    assert "TTFT" in printed


def test_hostile_names_and_texts_are_escaped(ip: InteractiveShell) -> None:
    failed(ip, f"%%groq -m {A},<script>x</script>\n<img src=x onerror=alert(1)>")
    html = last(ip, "text/html")
    assert "<script" not in html
    assert "<img" not in html


def test_what_is_fetched_first_is_shown_in_the_same_place(ip: InteractiveShell) -> None:
    painter = ColumnsPainter(ip, "local engine")
    painter.say("starting the engine")
    for done in range(0, 101, 10):
        painter.progress("weights", done * 1_000_000, 100_000_000)
    painter.finish([])
    texts = [output["data"]["text/plain"] for output in outputs(ip)]
    assert texts[0] == "— local engine · starting the engine…"
    assert "100 % of 100 MB" in texts[-2]
    assert len(texts) < 10, "painted too often"
    assert len({output["transient"]["display_id"] for output in outputs(ip)}) == 1


def test_an_unforeseen_error_of_one_model_leaves_the_others_their_answers(
    ip: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = AnswerBuilder.feed

    def odd(self: AnswerBuilder, chunk: Any) -> str:
        if self.model_asked == B:
            raise ZeroDivisionError("odd")
        return feed(self, chunk)

    monkeypatch.setattr(AnswerBuilder, "feed", odd)
    assert "ZeroDivisionError: odd" in str(failed(ip, f"%%groq -m {A},{B}\nHello"))
    frame = table(ip)
    assert frame.loc[A, "text"] == "You said: Hello"
    assert not frame.loc[A, "stopped"]
    assert "odd" in frame.loc[B, "error"]
