"""The magics' own grammar, without IPython: every trap that other parsers fall into."""

from __future__ import annotations

import json
import string
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groqnb.magics.options import COMMANDS, OPTIONS, help_text
from groqnb.magics.parser import Ask, Command, GrammarError, Param, parse_cell, parse_line


def param(line: str, name: str) -> object:
    return parse_cell(line).params[name].value()


def refused(line: str, *, cell: bool = True) -> str:
    with pytest.raises(GrammarError) as caught:
        parse_cell(line) if cell else parse_line(line)
    return str(caught.value)


def test_an_empty_line_asks_with_the_defaults() -> None:
    assert parse_cell("") == Ask()
    assert parse_cell("   ") == Ask()


def test_every_option_can_be_given_at_once() -> None:
    line = '-m m -s "be brief" -o a -c talk -p seed=1 --dry-run --raw --no-stream --help'
    assert parse_cell(line) == Ask(
        model="m",
        system="be brief",
        out="a",
        chat="talk",
        params={"seed": Param("1", "1")},
        dry_run=True,
        raw=True,
        no_stream=True,
        help=True,
    )


@pytest.mark.parametrize(
    "line", ["-m x", "--model x", "-m=x", "--model=x", '--model="x"', "-m 'x'"]
)
def test_a_value_follows_its_option_or_an_equals_sign(line: str) -> None:
    assert parse_cell(line).model == "x"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r"C:\tmp\a.png", r"C:\tmp\a.png"),
        (r'"C:\tmp\a b.png"', r"C:\tmp\a b.png"),
        (r'"C:\tmp\"', "C:\\tmp\\"),
        (r"\\server\share", r"\\server\share"),
        (r"'\frac{1}{2}'", r"\frac{1}{2}"),
        ("it's", "it's"),
        ('"it\'s"', "it's"),
        ("'say \"hi\"'", 'say "hi"'),
        (r'"say \"hi\" now"', 'say "hi" now'),
        (r"'it\'s'", "it's"),
        ("'tis", "'tis"),
        ("rock'n'roll", "rock'n'roll"),
        ('5"', '5"'),
        ("-5", "-5"),
        ("-0.5", "-0.5"),
        ("-.5", "-.5"),
        ("-", "-"),
        ("x;y", "x;y"),
        ('"a; b;"', "a; b;"),
        ("{{ a + b }}", "{{ a + b }}"),
        ("{{a}}-{{ b }}", "{{a}}-{{ b }}"),
        ('"two\tparts"', "two\tparts"),
    ],
)
def test_text_survives_as_it_was_meant(written: str, text: str) -> None:
    assert parse_cell(f"-s {written} -m m") == Ask(system=text, model="m")
    assert parse_cell(f"--system={written} -m m") == Ask(system=text, model="m")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("0", 0),
        ("-1", -1),
        ("-0.5", -0.5),
        ("1e-3", 0.001),
        ("true", True),
        ("True", True),
        ("null", None),
        ("None", None),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("low", "low"),
        ("a=b", "a=b"),
        ("", ""),
        ('"5"', "5"),
        (r'"\n"', "\n"),
        ("'a b'", "a b"),
        ('["a", "b c"]', ["a", "b c"]),
        ('{"type": "json_object"}', {"type": "json_object"}),
        ('\'{"a": {"b": 1}}\'', {"a": {"b": 1}}),
        ("[not json", "[not"),
    ],
)
def test_a_parameter_is_json_where_it_is_json_else_text(written: str, value: object) -> None:
    line = f"-p x={written}"
    if value == "[not":
        assert "unexpected 'json'" in refused(line)
    else:
        assert param(line, "x") == value


def test_quotes_may_stand_around_the_whole_parameter() -> None:
    assert param("-p 'x={\"a\": 1}'", "x") == {"a": 1}
    assert param('-p "stop=a b"', "stop") == "a b"
    assert param("-p=seed=4", "seed") == 4


def test_parameters_repeat_and_keep_their_order() -> None:
    assert list(parse_cell("-p b=1 -p a=2 --param c=3").params) == ["b", "a", "c"]


def test_a_chat_without_a_name_is_the_default_one() -> None:
    assert parse_cell("-c").chat == "default"
    assert parse_cell("-c -m x") == Ask(chat="default", model="x")
    assert parse_cell("--chat").chat == "default"
    assert parse_cell("-c talk").chat == "talk"


@pytest.mark.parametrize("line", ["-m x;", "-m x ;", "-m x;  "])
def test_a_semicolon_at_the_end_is_a_habit_and_dropped(line: str) -> None:
    assert parse_cell(line).model == "x"


def test_a_semicolon_that_is_a_value_stays() -> None:
    assert param("-p stop=;", "stop") == ";"
    assert param('-p stop=";"', "stop") == ";"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--modle x", "Did you mean --model?"),
        ("--sytem x", "Did you mean --system"),
        ("--dryrun", "Did you mean --dry-run"),
        ("-x", "unknown option -x"),
        ("-mx", "unknown option -mx"),
        ("--az json", "unknown option --az"),
        ("--imag x", "unknown option --imag"),
        ("-m", "-m needs a value: -m MODEL"),
        ("-m -o a", "-m needs a value"),
        ("--model=", "--model needs a value"),
        ("-m ''", "-m needs a value"),
        ("-m a -m b", "-m/--model is given twice"),
        ("-m a --model b", "-m/--model is given twice"),
        ("--raw --raw", "--raw is given twice"),
        ("--raw=yes", "--raw takes no value"),
        ("-m ,", "MODEL,MODEL"),
        ("-o 1a", "'1a' is none"),
        ("-o df.x", "'df.x' is none"),
        ("-o class", "'class' is none"),
        ("-p temperature", "needs NAME=VALUE"),
        ("-p 5=x", "needs NAME=VALUE"),
        ("-p", "-p needs a value"),
        ("-p a=1 -p a=2", "-p a=… is given twice"),
        ("-p model=x", "use -m MODEL"),
        ("-p messages=[]", "the cell's body is the prompt"),
        ("-p stream=false", "--no-stream"),
        ("tell me", "unexpected 'tell': the prompt goes below"),
        ("-s be brief", "unexpected 'brief'"),
        ("use local", "write %groq use"),
        ('-s "open', "is never closed"),
    ],
)
def test_mistakes_are_told_with_what_to_write(line: str, told: str) -> None:
    assert told in refused(line)


@pytest.mark.parametrize(
    "text",
    [
        "what is 2 + 2?",
        "it's a C: drive; isn't it?",
        "-5 + 3 = ?",
        "- a list item",
        r"what is in C:\tmp\new?",
        'the word "unclosed',
        "'quoted' at the start",
        "end with a semicolon;",
        "ask ask",
        "use local variables",
        "{{x}} and {y}",
    ],
)
def test_the_text_of_ask_is_taken_as_it_is(text: str) -> None:
    assert parse_line(f"ask {text}") == Ask(text=text)


def test_options_may_stand_before_the_text_of_ask() -> None:
    assert parse_line("ask -m x -o a --raw say -m no") == Ask(
        text="say -m no", model="x", out="a", raw=True
    )
    assert parse_line('ask -s "be brief" it\'s') == Ask(text="it's", system="be brief")


def test_a_chat_of_ask_is_named_with_an_equals_sign() -> None:
    assert parse_line("ask -c hello there") == Ask(text="hello there", chat="default")
    assert parse_line("ask -c=talk hello") == Ask(text="hello", chat="talk")


def test_two_dashes_end_the_options_of_ask() -> None:
    assert parse_line("ask -m x -- -y is an option") == Ask(text="-y is an option", model="x")
    assert "ask -- TEXT" in refused("ask -y is", cell=False)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("", Command("state")),
        ("  ", Command("state")),
        (";", Command("state")),
        ("use local", Command("use", "local")),
        ("use local;", Command("use", "local")),
        ('use "http://127.0.0.1:8000/v1"', Command("use", "http://127.0.0.1:8000/v1")),
        ("models", Command("models")),
        ("models gpt oss", Command("models", "gpt oss")),
        ("continue", Command("continue")),
        ("key;", Command("key")),
        ("doctor", Command("doctor")),
        ("help", Command("help")),
        ("--help", Command("help")),
        ("use --help", Command("help")),
    ],
)
def test_commands_of_the_line_magic(line: str, command: Command) -> None:
    assert parse_line(line) == command


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("us local", "Did you mean use or usage?"),
        ("modles", "Did you mean models?"),
        ("what is 2 + 2", "To ask something: %groq ask TEXT"),
        ("chatter", "unknown command 'chatter'"),
        ("frob", "unknown command 'frob'"),
        ("use", "%groq use local|cloud|URL"),
        ("ask", "nothing to ask"),
        ("ask -m x", "nothing to ask"),
        ("ask -m x -m y hi", "given twice"),
        ("-m x hi", "belongs to a question"),
        ("doctor now", "takes nothing after it"),
    ],
)
def test_mistakes_in_the_line_magic_are_told(line: str, told: str) -> None:
    assert told in refused(line, cell=False)


def test_a_key_written_after_the_command_is_not_repeated() -> None:
    assert "gsk_secret" not in refused("key gsk_secret", cell=False)


def test_the_help_names_every_option_and_command() -> None:
    text = help_text()
    assert all(name in text for option in OPTIONS for name in option.names)
    assert all(f"%groq {spec.name}" in text for spec in COMMANDS)


@pytest.mark.parametrize("gap", [" ", "  ", "\t", " \t "])
def test_any_white_space_ends_the_name_of_a_command(gap: str) -> None:
    """A tab is as good as a space."""
    assert parse_line(f"use{gap}local") == Command("use", "local")
    ask = parse_line(f"ask{gap}-m x{gap}Hello  there")
    assert isinstance(ask, Ask)
    assert (ask.model, ask.text) == ("x", "Hello  there")


@given(st.text(st.sampled_from(string.ascii_letters + string.punctuation + " \tü€"), max_size=40))
def test_no_line_does_anything_but_parse_or_be_refused(line: str) -> None:
    for parse in (parse_cell, parse_line):
        with suppress(GrammarError):
            parse(line)


@given(st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters='"\\'), min_size=1))
def test_text_in_double_quotes_comes_out_unchanged(text: str) -> None:
    assert parse_cell(f'-s "{text}"').system == text


@given(st.recursive(st.integers() | st.text() | st.booleans() | st.none(), st.lists, max_leaves=5))
def test_json_comes_out_as_what_it_stands_for(value: object) -> None:
    if value not in ("True", "False", "None"):
        assert param(f"-p x={json.dumps(value)}", "x") == value


def test_the_help_tells_what_commands_take_besides_and_stands_in_columns() -> None:
    """What only the source knew, nobody would find; a long line pushes no column aside."""
    text = help_text()
    for word in ("--openai", "--user", "strict", "notional", "values of -c and --guard"):
        assert word in text
    commands = text.partition("\nOptions")[0].splitlines()
    for line in commands:
        alone = line.startswith("%groq ") and len(line) > 34 and line[34] != " "
        assert alone or (line[:34].strip() in line and line[34] == " " and line[35] != " ")
    for spec in COMMANDS:
        assert spec.help in text
