"""Completion in the magics: the right words, for the right piece of text, without any call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from groqnb.completion import candidates
from groqnb.conversation import Conversation
from groqnb.session import session


class Thing:
    """Has an attribute that must not be run by completion."""

    plain = 1
    inner = type("Inner", (), {"deep": 2})

    @property
    def trap(self) -> int:
        raise AssertionError("completion ran a property")


class Broken:
    """Cannot tell what it has."""

    def __dir__(self) -> list[str]:
        raise RuntimeError("no connection")


NAMES: dict[str, Any] = {
    "broken": Broken(),
    "frame": 1,
    "fruit": 2,
    "thing": Thing(),
    "_private": 3,
}


def offered(text: str, names: dict[str, Any] = NAMES) -> tuple[str, list[str]]:
    """What is offered at the `^` in `text`."""
    before, _, after = text.partition("^")
    line, column = before.count("\n"), len(before.rsplit("\n", 1)[-1])
    fragment, found = candidates(before + after, line, column, names)
    return fragment, [word for word, _ in found]


@pytest.mark.parametrize(
    ("text", "fragment", "words"),
    [
        ("%groq us^", "us", ["use"]),
        ("%groq c^", "c", ["continue"]),
        ("%groq use ^", "", ["local", "cloud", "http://127.0.0.1:"]),
        ("%groq use lo^", "lo", ["local"]),
        ("x = 1\n%groq doc^", "doc", ["doctor"]),
        ("%%groq --mo^\nHi", "--mo", ["--model"]),
        ("%%groq -m x --dr^", "--dr", ["--dry-run"]),
        ("%%groq -m llama-3.3^\nHi", "llama-3.3", ["llama-3.3-70b-versatile"]),
        ("%%groq --model=llama-3.3^", "llama-3.3", ["llama-3.3-70b-versatile"]),
        ("%%groq -p temp^", "temp", ["temperature="]),
        ("%%groq -p reasoning_effort=l^", "l", ["low"]),
        ("%%groq -c ta^", "ta", ["talk"]),
        ("%groq ask -c=ta^", "ta", ["talk"]),
        ("%groq ask --guard=re^", "re", ["redact"]),
        ("%groq ask -m llama-3.3^", "llama-3.3", ["llama-3.3-70b-versatile"]),
        ("%%groq\nTell of {{fra^", "fra", ["frame"]),
        ("%%groq\n\nTell of {{ 1 + fru^ }}", "fru", ["fruit"]),
        ("%%groq\n{{thing.pl^}}", "pl", ["plain"]),
        ("%%groq\n{{thing.inner.de^", "de", ["deep"]),
        ("%%groq -s {{fru^", "fru", ["fruit"]),
        ("%groq ask about {{fru^", "fru", ["fruit"]),
        ('%%groq -s "Use -m now" -^', "-", ["--model", "-m"]),
        ("%groq ask -s 'Be brief.' -c=ta -m llama-3.3^", "llama-3.3", ["llama-3.3-70b-versatile"]),
        ("%groq ask -^", "-", ["--model"]),
        ("%groq ask --dry-run --^", "--", ["--model"]),
        ("%%groq -s it's -^", "-", ["--model"]),
    ],
)
def test_words_that_fit(text: str, fragment: str, words: list[str], chats: None) -> None:
    found, offers = offered(text)
    assert found == fragment
    assert [word for word in offers if word in words] == words


@pytest.mark.parametrize(
    "text",
    [
        "%%groq\nplain text^",
        "%%groq\n{{done}} fra^",
        "%%groq -o ^\nHi",
        "%%groq -s te^",
        "%groq ask plain te^",
        "%groq ask -c ta^",
        "%groq ask --guard re^",
        "%groq^",
        "%%groq^",
        "x = fra^",
        "%%groqx -^",
        "print('%groq us^')",
        "%%groq\n{{missing.na^",
        '%%groq -s "Be ^',
        '%%groq -s "Be -^',
        "%%groq -s 'Be -^",
        '%%groq --system="Be -^',
        "%groq ask hello -^",
        "%groq ask hello -m ^",
        "%groq ask -c hello -m ^",
        "%groq ask -- -^",
        "%%groq\n{{thing.trap.^",
        "%%groq\n{{thing['fr^",
        "%%groq\n{{broken.^",
    ],
)
def test_places_where_nothing_is_offered(text: str, chats: None) -> None:
    assert offered(text)[1] == []


def test_a_model_is_found_by_its_bare_name_too() -> None:
    assert offered("%%groq -m gpt-oss-2^")[1] == ["openai/gpt-oss-20b"]


def test_an_option_that_was_given_is_not_offered_again_but_parameters_are() -> None:
    words = offered("%%groq -m x -p a=1 -^")[1]
    assert "--model" not in words
    assert "-m" not in words
    assert "-p" in words


def test_properties_are_offered_and_never_run() -> None:
    assert "trap" in offered("%%groq\n{{thing.tr^")[1]
    assert offered("%%groq\n{{thing.trap.x^") == ("x", [])


@pytest.mark.parametrize("option", ["-m ", "--model=", "-p answering_model="])
def test_models_that_do_not_answer_questions_are_not_offered(option: str) -> None:
    """Those that hear and speak have a limit of their own, and are looked up."""
    words = offered(f"%%groq {option}^")[1]
    assert "groq/compound" in words
    assert not [word for word in words if word.startswith(("whisper", "playai"))]
    assert "whisper-large-v3" in offered("%groq limits ^")[1]


def test_private_names_are_not_offered() -> None:
    assert "_private" not in offered("%%groq\n{{^")[1]


@pytest.fixture
def chats() -> Iterator[None]:
    session.conversations["talk"] = Conversation("talk")
    yield
    session.conversations.clear()


@pytest.fixture(scope="module")
def shell() -> Iterator[InteractiveShell]:
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance()
    made.run_line_magic("load_ext", "groqnb")
    yield made
    made.run_line_magic("unload_ext", "groqnb")
    InteractiveShell.clear_instance()


def completed(shell: InteractiveShell, text: str) -> list[str]:
    """The text of the cell with each completion applied, as a front end would."""
    before, _, after = text.partition("^")
    with provisionalcompleter():
        found = list(shell.Completer.completions(before + after, len(before)))
    whole = before + after
    return [whole[: c.start] + c.text + whole[c.end :] for c in found]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("%%groq --mod^\nHi", "%%groq --model\nHi"),
        ("%%groq -m llama-3.3^\nHi", "%%groq -m llama-3.3-70b-versatile\nHi"),
        ("%groq use lo^", "%groq use local"),
        ("%groq usage mo^", "%groq usage month"),
        ("%groq usage week by pro^", "%groq usage week by project"),
        ("%groq budget 0.50 no^", "%groq budget 0.50 notional"),
        ("%groq limits whisper-large-v3-^", "%groq limits whisper-large-v3-turbo"),
        ("%%groq -p tempe^", "%%groq -p temperature="),
        ("%%groq\nabout {{groq_fr^}} now", "%%groq\nabout {{groq_fruit}} now"),
        ("x = 1\n%groq ask -m gpt-oss-2^", "x = 1\n%groq ask -m openai/gpt-oss-20b"),
    ],
)
def test_ipython_puts_the_word_in_the_right_place_and_offers_no_others(
    shell: InteractiveShell, text: str, result: str
) -> None:
    shell.user_ns["groq_fruit"] = 1
    assert completed(shell, text) == [result]


def test_completion_of_other_code_is_as_it_was(shell: InteractiveShell) -> None:
    assert "import os\nos.getcwd" in completed(shell, "import os\nos.getcw^")
