"""The magics in a real shell of IPython, against a server on loopback."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from chat_server import KEY, ChatServer
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from magic_shell import failed, interrupt_when, last, outputs, run, usage_error

from groqnb import keys
from groqnb.ledger.watch import watch
from groqnb.session import DEFAULT_MODEL, session
from groqnb.types.answer import Answer
from groqnb.types.errors import (
    APIConnectionError,
    AuthenticationError,
    GroqnbError,
    LocalEngineError,
    NotFoundError,
    RateLimitError,
    StreamError,
)


@pytest.fixture
def terminal(ip: InteractiveShell) -> InteractiveShell:
    ip.display_pub = DisplayPublisher(shell=ip)
    return ip


# --- asking ---


def test_a_cell_is_asked_and_its_answer_shown_and_kept(
    ip: InteractiveShell, server: ChatServer
) -> None:
    assert run(ip, "%%groq -o answer\nHello there").success
    answer = ip.user_ns["answer"]
    assert isinstance(answer, Answer)
    assert answer is ip.user_ns["_groq"]
    assert answer.text == "You said: Hello there"
    assert (answer.where, answer.model_answered) == ("url", DEFAULT_MODEL)
    assert "You said: Hello there" in last(ip)
    assert server.url in last(ip, "text/html")
    assert server.requests[-1]["messages"] == [{"role": "user", "content": "Hello there"}]


def test_the_first_paint_says_where_the_call_goes(ip: InteractiveShell, server: ChatServer) -> None:
    run(ip, "%%groq\nHi")
    first = outputs(ip)[0]["data"]
    assert server.url in first["text/html"]
    assert f"asking {DEFAULT_MODEL}…" in first["text/html"]


def test_the_first_answer_says_why_the_call_went_there_and_later_ones_do_not(
    ip: InteractiveShell,
) -> None:
    run(ip, "%%groq\nHi")
    assert "GROQ_BASE_URL says so" in last(ip)
    run(ip, "%%groq\nHi")
    assert "GROQ_BASE_URL" not in last(ip)


def test_the_cell_has_no_value_of_its_own(ip: InteractiveShell) -> None:
    assert run(ip, "%%groq\nHi").result is None


def test_options_reach_the_request(ip: InteractiveShell, server: ChatServer) -> None:
    line = '-m llama-3.1-8b-instant -s "be {{1 + 1}}" -p temperature=0 -p stop=["a", "b"] -p user=x'
    assert run(ip, f"%%groq {line}\nHi").success
    sent = server.requests[-1]
    assert sent["model"] == "llama-3.1-8b-instant"
    assert sent["messages"][0] == {"role": "system", "content": "be 2"}
    assert (sent["temperature"], sent["stop"], sent["user"]) == (0, ["a", "b"], "x")


def test_braces_json_and_backslashes_arrive_as_written(
    ip: InteractiveShell, server: ChatServer
) -> None:
    body = 'C:\\tmp\\new {x} {100} {"a": {"b": 1}} $HOME \\frac{a}{b} it\'s; !ls %time'
    run(ip, f"%%groq\n{body}\n\n")
    assert server.requests[-1]["messages"][-1]["content"] == body


def test_expressions_are_filled_in_and_raw_turns_that_off(
    ip: InteractiveShell, server: ChatServer
) -> None:
    ip.user_ns.update(city="Paris", heat=0.5, ends=["x"])
    run(ip, "%%groq -p temperature={{heat}} -p stop={{ends}}\nTell of {{city.upper()}}")
    assert server.requests[-1]["messages"][-1]["content"] == "Tell of PARIS"
    assert (server.requests[-1]["temperature"], server.requests[-1]["stop"]) == (0.5, ["x"])
    run(ip, "%%groq --raw\nTell of {{city}}")
    assert server.requests[-1]["messages"][-1]["content"] == "Tell of {{city}}"


def test_the_line_magic_sees_the_names_of_the_function_it_stands_in(
    ip: InteractiveShell, server: ChatServer
) -> None:
    assert run(ip, "def f(inner):\n    %groq ask about {{inner}}\nf('that')").success
    assert server.requests[-1]["messages"][-1]["content"] == "about that"


@pytest.mark.parametrize("text", ["why?", "what is 2 + 2?", "really ??", "is it {{1 + 1}}?", "no"])
def test_ask_may_end_with_a_question_mark(
    ip: InteractiveShell, server: ChatServer, text: str
) -> None:
    assert run(ip, f"x = 1\n%groq ask {text}\ny = 2").success
    expected = text.replace("{{1 + 1}}", "2")
    assert server.requests[-1]["messages"][-1]["content"] == expected
    assert ip.user_ns["y"] == 2


def test_help_on_the_magic_itself_still_works(
    ip: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(ip, "%groq?").success
    assert "Ask a language model" in capsys.readouterr().out


def test_a_string_that_looks_like_a_line_of_ask_is_left_alone(ip: InteractiveShell) -> None:
    run(ip, 'text = """\n%groq ask why?\n"""')
    assert ip.user_ns["text"] == "\n%groq ask why?\n"


def test_no_stream_shows_the_answer_in_one_piece(ip: InteractiveShell, server: ChatServer) -> None:
    assert run(ip, "%%groq --no-stream\nHi").success
    assert not server.requests[-1].get("stream")
    assert ip.user_ns["_groq"].text == "You said: Hi"


def test_reasoning_is_kept_apart(ip: InteractiveShell) -> None:
    run(ip, "%%groq\nthink")
    assert ip.user_ns["_groq"].reasoning == "Let me see."
    assert "<summary>Reasoning</summary>" in last(ip, "text/html")


def test_an_answer_as_the_last_value_looks_the_same(ip: InteractiveShell) -> None:
    run(ip, "%%groq\nHi")
    run(ip, "%%groq\nHi")
    shown = outputs(ip)[-1]["data"]
    data, _ = ip.display_formatter.format(ip.user_ns["_groq"])
    assert data == shown


def test_a_dry_run_shows_no_secret(ip: InteractiveShell, server: ChatServer) -> None:
    """Headers for MCP servers and keys for Wolfram go out, and stay out of the notebook."""
    ip.user_ns["mcp"] = [
        {"type": "mcp", "server_url": "https://a.b", "headers": {"X-Me": "s3cret"}}
    ]
    ip.user_ns["wolfram"] = {"tools": {"wolfram_settings": {"authorization": "w0lfram"}}}
    line = "-m groq/compound -p tools={{mcp}} -p compound_custom={{wolfram}}"
    run(ip, f"%%groq --dry-run {line}\nHello")
    shown = str(outputs(ip))
    assert "https://a.b" in shown
    assert "s3cret" not in shown
    assert "w0lfram" not in shown


def test_a_dry_run_sends_nothing(ip: InteractiveShell, server: ChatServer) -> None:
    run(ip, '%%groq --dry-run -s brief -p seed=1\nHi {{"there"}}')
    assert server.requests == []
    plain = last(ip)
    assert "[system]\nbrief" in plain
    assert "[user]\nHi there" in plain
    assert '"seed": 1' in plain
    assert "estimate" in plain
    assert server.url in plain
    assert "_groq" not in ip.user_ns


@pytest.mark.parametrize("cell", ["%%groq --help", "%%groq --help\n", "%groq --help", "%groq help"])
def test_help_prints_and_returns(
    ip: InteractiveShell, server: ChatServer, capsys: pytest.CaptureFixture[str], cell: str
) -> None:
    assert run(ip, cell).success
    assert "--dry-run" in capsys.readouterr().out
    assert server.requests == []


# --- mistakes ---


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("%%groq", "nothing to ask"),
        ("%%groq\n", "nothing to ask"),
        ("%%groq -m x\n   \n", "nothing to ask"),
        ("%%groq\n{{''}}", "the prompt is empty"),
        ("%%groq --modle x\nHi", "Did you mean --model?"),
        ("%%groq -o 1x\nHi", "'1x' is none"),
        ("%%groq\nHi {{nmae}}", "the name 'nmae' is not defined. Did you mean name"),
        ("%%groq -s {{nmae}}\nHi", "the name 'nmae' is not defined"),
        ("%%groq use local\n", "write %groq use"),
        ("%groq us local", "Did you mean use or usage?"),
        ("%groq use lokal", "Did you mean 'local'?"),
        ("%groq continue", "there is no answer yet"),
        ("%groq models zzz", "no model has 'zzz'"),
    ],
)
def test_mistakes_are_usage_errors_and_send_nothing(
    ip: InteractiveShell, server: ChatServer, cell: str, told: str
) -> None:
    ip.user_ns["name"] = "x"
    assert told in usage_error(ip, cell)
    assert server.requests == []


def test_an_unknown_parameter_is_refused_with_its_nearest_name(
    ip: InteractiveShell, server: ChatServer
) -> None:
    assert "Did you mean temperature" in usage_error(ip, "%%groq -p temprature=0\nHi")
    assert server.requests == []


def shown(error: GroqnbError) -> str:
    return "\n".join(error._render_traceback_())  # type: ignore[attr-defined]


@pytest.mark.parametrize(("status", "kind"), [(401, AuthenticationError), (429, RateLimitError)])
def test_a_refused_call_fails_the_cell_shortly_and_without_the_key(
    ip: InteractiveShell, status: int, kind: type[GroqnbError], capsys: pytest.CaptureFixture[str]
) -> None:
    session.settings = {"max_retries": 0}
    error = failed(ip, f"%%groq\nstatus {status}")
    assert isinstance(error, kind)
    printed = capsys.readouterr()
    for text in (shown(error), str(error), printed.out, printed.err, json.dumps(outputs(ip))):
        assert KEY not in text
    assert "Traceback" not in printed.out
    assert len(printed.out.strip().splitlines()) <= 3
    assert kind.__name__ in printed.out
    assert last(ip).endswith(f"llama-3.3-70b-versatile did not answer · HTTP {status}")


def test_an_unknown_model_is_refused_with_near_names_of_the_live_list(ip: InteractiveShell) -> None:
    error = failed(ip, "%%groq -m brand-new\nHi")
    assert isinstance(error, NotFoundError)
    assert "Did you mean acme/brand-new-70b" in shown(error)
    assert "%groq models" in shown(error)


def test_no_server_is_a_short_error(ip: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_BASE_URL", "http://127.0.0.1:9/v1")
    session.settings = {"max_retries": 0}
    error = failed(ip, "%%groq\nHi")
    assert isinstance(error, APIConnectionError)
    assert "127.0.0.1:9" in shown(error)


def test_an_engine_that_cannot_start_is_a_short_error(
    ip: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQNB_LOCAL_MODEL", "/no/such/weights.gguf")
    run(ip, "%groq use local")
    error = failed(ip, "%%groq\nHi")
    assert isinstance(error, LocalEngineError)
    assert "/no/such/weights.gguf" in shown(error)
    assert "starting the engine" in outputs(ip)[-2]["data"]["text/html"]
    assert last(ip).endswith("llama-3.3-70b-versatile did not answer")


def test_a_stream_that_breaks_keeps_its_partial_answer(ip: InteractiveShell) -> None:
    error = failed(ip, "%%groq -o answer\ncut")
    assert isinstance(error, (StreamError, APIConnectionError))
    assert ip.user_ns["answer"].text == "one two three"
    assert ip.user_ns["_groq"] is ip.user_ns["answer"]
    assert "broken off" in last(ip)


def test_a_failed_call_leaves_the_names_of_earlier_answers_alone(ip: InteractiveShell) -> None:
    run(ip, "%%groq -o answer\nHi")
    before = ip.user_ns["answer"]
    failed(ip, "%%groq -o answer\nstatus 400")
    assert ip.user_ns["answer"] is before


# --- conversations, interrupts ---


def test_a_chat_remembers_and_a_failed_turn_leaves_it_as_it_was(
    ip: InteractiveShell, server: ChatServer
) -> None:
    run(ip, "%%groq -c -s brief\nfirst")
    failed(ip, "%%groq -c\nstatus 400")
    run(ip, "%groq ask -c second")
    assert [m["content"] for m in server.requests[-1]["messages"]] == [
        "brief",
        "first",
        "You said: first",
        "second",
    ]
    run(ip, "%%groq -c other\nfirst")
    assert len(server.requests[-1]["messages"]) == 1
    run(ip, "%groq")
    assert "default (2 turns), other (1 turn)" in last(ip)


def test_an_interrupt_keeps_what_had_come_and_continue_goes_on(
    ip: InteractiveShell, server: ChatServer
) -> None:
    interrupt_when(lambda: "w1 " in str(outputs(ip)))
    end = run(ip, "%%groq -c -o answer\ncount 1000 every 0.05").error_in_exec
    assert isinstance(end, KeyboardInterrupt)
    stopped = ip.user_ns["answer"]
    assert stopped.stopped
    assert stopped.text.startswith("w0 w1 ")
    assert "w999" not in stopped.text
    assert "stopped" in last(ip)
    assert stopped.text.strip() in last(ip)
    assert server.hung_up.wait(60)
    assert session.totals.interrupted == 1

    assert run(ip, "%groq continue").success
    assert server.requests[-1]["messages"][-1] == {"role": "assistant", "content": stopped.text}
    whole = ip.user_ns["answer"]
    assert whole.text.startswith(stopped.text)
    assert not whole.stopped
    assert [m["role"] for m in session.chat("default").messages] == ["user", "assistant"]
    assert "is complete" in usage_error(ip, "%groq continue")


def test_an_interrupt_stops_the_rest_of_the_cell_and_shows_no_error(
    ip: InteractiveShell, server: ChatServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """A loop ends at once; other errors are shown as ever, and another's handler is back."""
    others = ip.custom_exceptions, ip.CustomTB
    interrupt_when(lambda: "w0 " in str(outputs(ip)))
    run(ip, "for n in range(3):\n    %groq ask count 1000 every 0.05")
    assert len(server.requests) == 1
    assert capsys.readouterr() == ("", "")
    assert (ip.custom_exceptions, ip.CustomTB) == others
    run(ip, "1 / 0")
    assert "ZeroDivisionError" in capsys.readouterr().out


def test_an_interrupt_before_the_first_word_is_an_empty_answer(
    ip: InteractiveShell, server: ChatServer
) -> None:
    interrupt_when(lambda: server.requests)
    assert not run(ip, "%%groq -c\ncount 1 every 60").success
    assert (ip.user_ns["_groq"].text, ip.user_ns["_groq"].stopped) == ("", True)
    assert session.chat("default").turns == 0


def test_an_answer_cut_off_at_the_limit_can_be_continued(ip: InteractiveShell) -> None:
    run(ip, "%%groq\nlong")
    assert "cut off at the token limit" in last(ip)
    assert run(ip, "%groq continue").success
    assert ip.user_ns["_groq"].text.startswith("one two three")


# --- commands ---


def test_the_state_says_where_calls_go_and_masks_the_key(
    ip: InteractiveShell, server: ChatServer
) -> None:
    run(ip, "%%groq\nHi")
    run(ip, "%groq")
    for kind in ("text/plain", "text/html"):
        assert server.url in last(ip, kind)
        assert KEY not in last(ip, kind)
        assert "1 call, " in last(ip, kind)
    assert "gsk_…mnop from the GROQ_API_KEY environment variable" in last(ip)


def test_the_state_counts_the_calls_of_every_client_as_usage_does(ip: InteractiveShell) -> None:
    """A client of the user's own is in the ledger, and so it is here."""
    from groqnb import Groq

    run(ip, "%%groq\nHi")
    Groq().chat.completions.create(
        model=DEFAULT_MODEL, messages=[{"role": "user", "content": "Hi"}]
    )
    run(ip, "%groq")
    assert "2 calls, 6 tokens in, 7 out" in last(ip)


def test_the_state_tells_whose_limits_it_tells(ip: InteractiveShell) -> None:
    """Limits are a model's own; what the server did not tell is left out."""
    run(ip, "%groq")
    assert "limits" not in last(ip)
    now = 1.0

    def told(model: str, **headers: str) -> None:
        nonlocal now
        now += 1
        names = {f"x-ratelimit-{name.replace('_', '-')}": text for name, text in headers.items()}
        watch.limits.note(SimpleNamespace(model=model, target="cloud", headers=names, at=now))

    told("a", limit_requests="10", remaining_requests="9", limit_tokens="6", remaining_tokens="5")
    run(ip, "%groq")
    assert "9 of 10 requests a day and 5 of 6 tokens a minute are left of a" in last(ip)
    told("b", limit_tokens="6", remaining_tokens="4")
    run(ip, "%groq")
    assert "4 of 6 tokens a minute are left of b" in last(ip)
    assert "None" not in last(ip)


def test_use_changes_where_calls_go(ip: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    with ChatServer() as other:
        run(ip, f"%groq use {other.url}")
        assert other.url in last(ip)
        run(ip, "%%groq\nHi")
        assert len(other.requests) == 1
    monkeypatch.delenv("GROQ_API_KEY")
    run(ip, "%groq use cloud")
    assert "%groq key asks for one" in last(ip)
    error = failed(ip, "%%groq\nHi")
    assert isinstance(error, AuthenticationError)


def test_models_are_listed_from_the_server_and_filtered(ip: InteractiveShell) -> None:
    run(ip, "%groq models")
    assert "acme/brand-new-70b" in last(ip)
    run(ip, "%groq models instant")
    assert "llama-3.1-8b-instant" in last(ip)
    assert "brand-new" not in last(ip)


def test_prices_of_models_have_two_digits_or_as_many_as_they_need(
    ip: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_server.MODELS", ["openai/gpt-oss-20b"])
    run(ip, "%groq models gpt")
    assert "0.075" in last(ip)
    assert "0.30" in last(ip)


def test_a_key_is_asked_for_hidden_and_kept_in_memory(
    ip: InteractiveShell, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getpass", lambda prompt: "gsk_typed_in_by_the_user_0123")
    try:
        assert run(ip, "%groq key").success
        run(ip, "%groq")
        assert "gsk_…0123 from `%groq key`" in last(ip)
        assert "typed_in" not in json.dumps(outputs(ip))
        assert run(ip, "%%groq\nHi").success
    finally:
        keys.set_session_key(None)


def test_an_unusable_key_is_refused_without_being_shown(
    ip: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getpass", lambda prompt: "gsk with spaces inside")
    assert "with spaces" not in usage_error(ip, "%groq key")


def test_the_doctor_is_shown_as_a_table(
    ip: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    from groqnb import doctor

    found = [doctor.Check("weights", False, "none <b>", "groqnb setup")]
    monkeypatch.setattr(doctor, "checks", lambda target: found)
    run(ip, "%groq doctor")
    assert "broken" in last(ip)
    assert "groqnb setup" in last(ip)
    assert "none &lt;b&gt;" in last(ip, "text/html")


# --- terminal ---


def test_a_terminal_gets_text_and_no_html(
    terminal: InteractiveShell, server: ChatServer, capsys: pytest.CaptureFixture[str]
) -> None:
    run(terminal, "%%groq\nHi")
    printed = capsys.readouterr().out
    assert printed.startswith(f"— {server.url} · asking {DEFAULT_MODEL}…\nYou said: Hi\n\n— ")
    assert "tokens/s" in printed
    assert "<" not in printed
    run(terminal, "%groq")
    assert "calls go to" in capsys.readouterr().out


# --- coming and going ---


def registered(ip: InteractiveShell) -> list[Any]:
    formatter = ip.display_formatter.mimebundle_formatter
    return [
        {kind: dict(ip.magics_manager.magics[kind]) for kind in ("line", "cell")},
        list(ip.Completer.custom_matchers),
        list(ip.input_transformer_manager.token_transformers),
        list(ip.input_transformer_manager.line_transforms),
        list(ip.input_transformers_cleanup),
        dict(formatter.deferred_printers),
        dict(formatter.type_printers),
        dict(ip.display_formatter.ipython_display_formatter.type_printers),
        {name: list(found) for name, found in ip.events.callbacks.items()},
        {name for name in vars(ip) if "groq" in name},
    ]


def test_loading_twice_is_loading_once_and_unloading_leaves_nothing(
    ip: InteractiveShell,
) -> None:
    ip.run_line_magic("unload_ext", "groqnb")
    before = registered(ip)
    ip.run_line_magic("load_ext", "groqnb")
    once = registered(ip)
    assert once != before
    import groqnb

    groqnb.load_ipython_extension(ip)
    assert registered(ip) == once
    run(ip, "%%groq\nHi")
    run(ip, "_groq")
    ip.run_line_magic("unload_ext", "groqnb")
    assert registered(ip) == before
    ip.run_line_magic("load_ext", "groqnb")


def test_conversations_survive_a_reload(ip: InteractiveShell, server: ChatServer) -> None:
    run(ip, "%%groq -c\nfirst")
    ip.run_line_magic("reload_ext", "groqnb")
    run(ip, "%%groq -c\nsecond")
    assert len(server.requests[-1]["messages"]) == 3


def test_another_extension_with_the_same_magic_is_told_of_and_put_back(
    ip: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    ip.run_line_magic("unload_ext", "groqnb")

    def other(line: str) -> str:
        return "the other"

    ip.register_magic_function(other, "line", "groq")
    ip.run_line_magic("load_ext", "groqnb")
    assert f"replaces the magic %groq of {__name__}" in capsys.readouterr().err
    ip.run_line_magic("unload_ext", "groqnb")
    assert ip.run_line_magic("groq", "") == "the other"
    del ip.magics_manager.magics["line"]["groq"]
    ip.run_line_magic("load_ext", "groqnb")


# --- groqnb.show ---


def test_show_streams_and_its_value_is_not_shown_twice(ip: InteractiveShell) -> None:
    code = (
        "import groqnb\nclient = groqnb.Groq()\nq = [{'role': 'user', 'content': 'Hi'}]\n"
        f"create, m = client.chat.completions.create, {DEFAULT_MODEL!r}\n"
        "groqnb.show(create(model=m, messages=q, stream=True))"
    )
    displayed: list[Any] = []
    original = ip.displayhook.write_format_data
    ip.displayhook.write_format_data = lambda data, md=None: displayed.append(data)  # type: ignore[method-assign]
    try:
        result = run(ip, code)
        assert isinstance(result.result, Answer)
        assert "You said: Hi" in last(ip)
        assert displayed == []
        run(
            ip, "_ = None\nclient.chat.completions.create(model='llama-3.1-8b-instant', messages=q)"
        )
        assert "You said: Hi" in displayed[-1]["text/plain"]
        assert "<p>" in displayed[-1]["text/html"]
    finally:
        ip.displayhook.write_format_data = original  # type: ignore[method-assign]


def test_show_takes_whole_replies_and_refuses_other_things(ip: InteractiveShell) -> None:
    import groqnb

    client = groqnb.Groq()
    reply = client.chat.completions.create(
        model=DEFAULT_MODEL, messages=[{"role": "user", "content": "Hi"}]
    )
    answer = groqnb.show(reply)
    assert answer.text == "You said: Hi"
    assert "You said: Hi" in last(ip)
    assert groqnb.show(answer) is answer
    with pytest.raises(TypeError, match="not int"):
        groqnb.show(3)  # type: ignore[arg-type]
